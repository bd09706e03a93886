// SPDX-License-Identifier: MIT
#include "server/inherited.h"

#include "server/log.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 1024 // sockets

static int fds[MOST]; // -1: taken
static unsigned count;

static unsigned number(const char *name) {
    const char *text = getenv(name);
    unsigned long n = text != NULL ? strtoul(text, NULL, 10) : 0;
    return n > MOST ? MOST : (unsigned)n;
}

static bool is_listening(int fd) {
    int on = 0;
    socklen_t len = sizeof on;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on != 0;
}

void inherited_init(void) {
    const char *pid = getenv("LISTEN_PID");
    bool is_ours = pid != NULL && strtol(pid, NULL, 10) == getpid();
    unsigned n = number(INHERITED_SOCKETS);
    n = n == 0 && is_ours ? number("LISTEN_FDS") : n;
    unsetenv(INHERITED_SOCKETS);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    for (unsigned i = 0; i < n; i++) {
        int fd = INHERITED_FIRST + (int)i;
        if (is_listening(fd)) {
            fcntl(fd, F_SETFD, FD_CLOEXEC);
            fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
            fds[count++] = fd;
        }
    }
}

// Both are of one family. *port: 0 until one has been found.
static bool is_inet(const struct sockaddr_storage *at, const struct sockaddr *to, in_port_t *port) {
    struct sockaddr_in6 a6, t6;
    struct sockaddr_in a, t;
    bool is_same;
    in_port_t has, wants;
    if (to->sa_family == AF_INET6) {
        memcpy(&a6, at, sizeof a6);
        memcpy(&t6, to, sizeof t6);
        is_same = memcmp(&a6.sin6_addr, &t6.sin6_addr, sizeof a6.sin6_addr) == 0;
        has = a6.sin6_port;
        wants = t6.sin6_port;
    } else {
        memcpy(&a, at, sizeof a);
        memcpy(&t, to, sizeof t);
        is_same = a.sin_addr.s_addr == t.sin_addr.s_addr;
        has = a.sin_port;
        wants = t.sin_port;
    }
    wants = wants == 0 ? *port : wants;
    bool is = is_same && (wants == 0 || wants == has);
    *port = is ? has : *port;
    return is;
}

static bool is_at(int fd, const struct sockaddr *to, socklen_t to_len, in_port_t *port) {
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof at;
    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0 || at.ss_family != to->sa_family) {
        return false;
    }
    if (to->sa_family == AF_UNIX) {
        const char *path = ((const struct sockaddr *)&at)->sa_data;
        (void)to_len;
        return strcmp(path, to->sa_data) == 0;
    }
    return is_inet(&at, to, port);
}

unsigned inherited_take(const struct sockaddr *to, socklen_t len, int *out, unsigned most) {
    unsigned n = 0;
    in_port_t port = 0;
    for (unsigned i = 0; i < count && n < most; i++) {
        if (fds[i] >= 0 && is_at(fds[i], to, len, &port)) {
            out[n++] = fds[i];
            fds[i] = -1;
        }
    }
    return n;
}

void inherited_close_rest(void) {
    for (unsigned i = 0; i < count; i++) {
        if (fds[i] >= 0) {
            log_line(LOG_WARN,
                     "nothing in the configuration listens on the inherited socket %d: "
                     "it is closed",
                     fds[i]);
            close(fds[i]);
        }
    }
    count = 0;
}
