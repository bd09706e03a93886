// SPDX-License-Identifier: MIT
#include "server/acceptor.h"

#include "server/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 64        // connections accepted in a row, before those that are open have their turn
#define REST_MOST 4096 // that wait when it is closed
#define FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)
#define AGAIN_MS 100  // until a process without descriptors tries again
#define TELL_MS 10000 // between two lines of the log about it

#define KEPT_MOST 64 // descriptors left to files and backends, or an eighth of a smaller limit

static void on_readable(uv_poll_t *poll, int status, int events);

// The lowest descriptor from which on they are left to others: without any, those who are connected
// could not be answered.
static int kept_from(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX) {
        return INT_MAX;
    }
    rlim_t kept = limit.rlim_cur / 8 < KEPT_MOST ? limit.rlim_cur / 8 : KEPT_MOST;
    return (int)(limit.rlim_cur - kept);
}

static bool has_descriptors(const struct acceptor *a) {
    int fd = fcntl(a->fd, F_DUPFD_CLOEXEC, 0); // the lowest that is free
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0 && fd < kept_from();
}

static void on_again(uv_timer_t *again) {
    struct acceptor *a = again->data;
    if (has_descriptors(a)) {
        uv_poll_start(&a->poll, UV_READABLE, on_readable);
    } else {
        uv_timer_start(again, on_again, AGAIN_MS, 0);
    }
}

static void wait_for_descriptors(struct acceptor *a, int why) {
    uint64_t now_ms = uv_now(a->poll.loop);
    if (a->told_ms == 0 || now_ms - a->told_ms >= TELL_MS) {
        a->told_ms = now_ms;
        log_line(LOG_WARN, "cannot accept connections for now: %s", strerror(why));
    }
    uv_poll_stop(&a->poll);
    uv_timer_start(&a->again, on_again, AGAIN_MS, 0);
}

// Errors of the connection that is gone already are errors of accept(2) on Linux: the next may be
// good. The socket itself stays good.
static void on_readable(uv_poll_t *poll, int status, int events) {
    struct acceptor *a = poll->data;
    int most = kept_from();
    (void)status, (void)events;
    for (int i = 0; i < MOST && !uv_is_closing((uv_handle_t *)poll); i++) {
        int fd = accept4(a->fd, NULL, NULL, FLAGS);
        if (fd >= 0) {
            a->on_accept(a, fd);
            if (fd >= most) {
                wait_for_descriptors(a, EMFILE);
                return;
            }
        } else if (errno == EAGAIN) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            wait_for_descriptors(a, errno);
            return;
        }
    }
}

void acceptor_take_rest(struct acceptor *a) {
    for (int i = 0, fd; i < REST_MOST && (fd = accept4(a->fd, NULL, NULL, FLAGS)) >= 0; i++) {
        a->on_accept(a, fd);
    }
}

static bool is_unix_socket(int fd) {
    int domain = 0;
    socklen_t len = sizeof domain;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

int acceptor_open(struct acceptor *a, struct loop *loop, int fd, int backlog) {
    a->fd = fd;
    a->told_ms = 0;
    a->is_unix = is_unix_socket(fd);
    if (listen(fd, backlog) != 0) {
        return uv_translate_sys_error(errno);
    }
    int err = uv_poll_init(&loop->uv, &a->poll, fd);
    if (err != 0) {
        return err;
    }
    uv_timer_init(&loop->uv, &a->again);
    a->poll.data = a->again.data = a;
    return uv_poll_start(&a->poll, UV_READABLE, on_readable);
}

void acceptor_close(struct acceptor *a) {
    uv_close((uv_handle_t *)&a->poll, NULL);
    uv_close((uv_handle_t *)&a->again, NULL);
    close(a->fd);
}
