// SPDX-License-Identifier: MIT
#include "server/tickets.h"

#include "base/error.h"
#include "server/log.h"
#include "server/opener.h"

#include <errno.h>
#include <unistd.h>

#define ROTATE_MS                                                                                  \
    (12 * 3600 * 1000ULL)      // a key encrypts for so long, and decrypts twice as long more
#define LOOK_MS (60 * 1000ULL) // between two looks at the file

static int fail(struct tickets *t, const char *why) {
    if (!t->is_told) {
        log_line(LOG_ERROR, "ticket-keys %s: %s", t->path, why);
    }
    t->is_told = true;
    return ERR_CONFIG;
}

// Reads the file if it is another than before.
static int read_file(struct tickets *t) {
    uint8_t bytes[TLS_TICKETS_MOST * TLS_TICKETS_KEY + 1];
    struct stat now;
    int fd = opener_read(t->path);
    if (fd < 0 || fstat(fd, &now) != 0) {
        int why = errno;
        if (fd >= 0) {
            close(fd);
        }
        return fail(t, strerror(why));
    }
    struct stamp stamp = stamp_of(&now);
    if (stamp_is_same(&t->was, &stamp)) {
        close(fd);
        return 0;
    }
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    if (n < 0 || tls_tickets_load(t->keys, span_of(bytes, (size_t)n)) != 0) {
        return fail(t, n < 0 ? strerror(errno) : "it must be one to three keys of 80 bytes each");
    }
    t->was = stamp;
    t->is_told = false;
    return 0;
}

static int renew(struct tickets *t) {
    if (t->path[0] != 0) {
        return read_file(t);
    }
    tls_tickets_rotate(t->keys);
    return 0;
}

static void set_next(struct tickets *t) {
    loop_watch(t->loop, &t->watch, loop_now_ms(t->loop) + (t->path[0] != 0 ? LOOK_MS : ROTATE_MS));
}

static void on_tick(struct loop_watch *watch, uint64_t now_ms) {
    struct tickets *t = LIST_ITEM(watch, struct tickets, watch);
    (void)now_ms;
    renew(t); // what could not be read leaves the keys as they are
    set_next(t);
}

int tickets_open(struct tickets *t, struct loop *loop, struct tls_tickets *keys, const char *path) {
    *t = (struct tickets){.loop = loop, .keys = keys, .path = path};
    loop_watch_init(&t->watch, on_tick);
    int err = renew(t);
    if (err == 0) {
        set_next(t);
    }
    return err;
}

void tickets_close(struct tickets *t) {
    if (t->loop != NULL) {
        loop_unwatch(&t->watch);
    }
}
