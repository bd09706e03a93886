// SPDX-License-Identifier: MIT
#include "server/listening.h"

#include "server/listener.h"
#include "server/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define NOWHERE SIZE_MAX

struct entry {
    struct list node;
    char *host, *path; // as configured; one of them is ""
    uint16_t port;
    size_t was, now; // the address's index in the configuration before and in the last one
    int fds[];       // of each worker
};

static struct entry *entry_of(struct list *node) {
    return LIST_ITEM(node, struct entry, node);
}

static char *copy(struct span text) {
    char *p = strndup(text.n > 0 ? (const char *)text.p : "", text.n);
    if (p == NULL) {
        abort();
    }
    return p;
}

static void entry_free(struct entry *e, unsigned workers_n) {
    for (unsigned w = 0; w < workers_n; w++) {
        close(e->fds[w]);
    }
    list_drop(&e->node);
    free(e->host);
    free(e->path);
    free(e);
}

static bool is_of(const struct entry *e, const struct listen_conf *conf) {
    return span_eq(span_str(e->host), conf->host) && span_eq(span_str(e->path), conf->path) &&
           e->port == conf->port;
}

// One that is held for the address and that no other address of the configuration has taken: port 0
// may be listened on twice.
static struct entry *find(struct listening *l, const struct listen_conf *conf) {
    for (struct list *n = l->held.next; n != &l->held; n = n->next) {
        struct entry *e = entry_of(n);
        if (e->now == NOWHERE && is_of(e, conf)) {
            return e;
        }
    }
    return NULL;
}

static int bind_address(struct listening *l, const struct listen_conf *conf, struct entry **out) {
    struct entry *e = calloc(1, sizeof *e + l->workers_n * sizeof e->fds[0]);
    char url[256];
    uint16_t port;
    if (e == NULL) {
        abort();
    }
    int err = listener_bind(conf, e->fds, l->workers_n, &port);
    if (err != 0) {
        free(e);
        return err;
    }
    list_init(&e->node);
    e->host = copy(conf->host);
    e->path = copy(conf->path);
    e->port = conf->port;
    e->was = e->now = NOWHERE;
    list_put(&l->held, &e->node);
    listener_url(conf, port, url, sizeof url);
    log_line(LOG_INFO, "listening on %s", url);
    *out = e;
    return 0;
}

// Back to what it was before listening_open.
static void undo(struct listening *l) {
    for (struct list *n = l->held.next, *next; n != &l->held; n = next) {
        struct entry *e = entry_of(n);
        next = n->next;
        e->now = e->was;
        if (e->was == NOWHERE) {
            entry_free(e, l->workers_n);
        }
    }
}

void listening_init(struct listening *l, unsigned workers_n) {
    list_init(&l->held);
    l->workers_n = workers_n;
}

int listening_open(struct listening *l, const struct config *config) {
    for (struct list *n = l->held.next; n != &l->held; n = n->next) {
        struct entry *e = entry_of(n);
        e->was = e->now;
        e->now = NOWHERE;
    }
    for (size_t i = 0; i < config->listens_n; i++) {
        struct entry *e = find(l, &config->listens[i]);
        int err = e != NULL ? 0 : bind_address(l, &config->listens[i], &e);
        if (err != 0) {
            undo(l);
            return err;
        }
        e->now = i;
    }
    return 0;
}

int listening_take(const struct listening *l, size_t listen, unsigned worker) {
    for (struct list *n = l->held.next; n != &l->held; n = n->next) {
        struct entry *e = entry_of(n);
        if (e->now == listen) {
            return fcntl(e->fds[worker], F_DUPFD_CLOEXEC, 0);
        }
    }
    return -1;
}

unsigned listening_list(const struct listening *l, int *fds, unsigned most) {
    unsigned n = 0;
    for (struct list *node = l->held.next; node != &l->held; node = node->next) {
        for (unsigned w = 0; w < l->workers_n && n < most; w++) {
            fds[n++] = entry_of(node)->fds[w];
        }
    }
    return n;
}

void listening_drop_rest(struct listening *l) {
    for (struct list *n = l->held.next, *next; n != &l->held; n = next) {
        next = n->next;
        if (entry_of(n)->now == NOWHERE) {
            entry_free(entry_of(n), l->workers_n);
        }
    }
}

void listening_close(struct listening *l) {
    while (!list_is_empty(&l->held)) {
        entry_free(entry_of(l->held.next), l->workers_n);
    }
}
