// SPDX-License-Identifier: MIT
#include "runner/listener.h"

#include "base/span.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_PASSED 3 // sd_listen_fds(3)

__attribute__((format(printf, 2, 3))) static int fail(struct listener *l, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(l->why, sizeof l->why, format, args);
    va_end(args);
    if (l->fd >= 0) {
        close(l->fd);
        l->fd = -1;
    }
    return -1;
}

static bool is_listening(int fd) {
    int on = 0;
    socklen_t n = sizeof on;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on;
}

// Is a program behind this socket file? Only a refused connection says surely not.
static bool is_alive(const struct sockaddr_un *at) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) < 0 &&
                   errno == ECONNREFUSED;
    if (fd >= 0) {
        close(fd);
    }
    return !refused;
}

static int clear_stale(struct listener *l, const struct sockaddr_un *at) {
    struct stat st;
    if (lstat(at->sun_path, &st) < 0) {
        return 0;
    }
    if (!S_ISSOCK(st.st_mode)) {
        return fail(l, "%s is there and is not a socket", at->sun_path);
    }
    if (is_alive(at)) {
        return fail(l, "another program listens at %s", at->sun_path);
    }
    unlink(at->sun_path);
    return 0;
}

static int open_unix(struct listener *l, const char *path, mode_t mode) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct stat st;
    if (path[0] != '/' || strlen(path) >= sizeof at.sun_path) {
        return fail(l,
                    "--listen unix:PATH: expected an absolute path shorter than %zu bytes, not %s",
                    sizeof at.sun_path, path);
    }
    memcpy(at.sun_path, path, strlen(path) + 1);
    if (clear_stale(l, &at) < 0) {
        return -1;
    }
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    // The mask, not a later chmod: at no moment may everybody connect.
    mode_t mask = umask(0777 & ~mode);
    int bound = l->fd < 0 ? -1 : bind(l->fd, (struct sockaddr *)&at, sizeof at);
    int why = errno;
    umask(mask);
    if (bound < 0 || listen(l->fd, SOMAXCONN) < 0 || lstat(path, &st) < 0) {
        return fail(l, "cannot listen at unix:%s: %s", path, strerror(bound < 0 ? why : errno));
    }
    l->path = path;
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    return 0;
}

static int listen_at(struct listener *l, const struct addrinfo *at) {
    int on = 1;
    l->fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol);
    if (l->fd < 0) {
        return -1;
    }
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Connections inherit it: an interim block must not wait for the client's ACK.
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(l->fd, at->ai_addr, at->ai_addrlen) == 0 && listen(l->fd, SOMAXCONN) == 0) {
        return 0;
    }
    int why = errno;
    close(l->fd);
    l->fd = -1;
    errno = why;
    return -1;
}

// address = host ":" port / "[" v6 "]" ":" port
static int open_tcp(struct listener *l, const char *address) {
    struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[256];
    const char *colon = strrchr(address, ':');
    size_t n = colon ? (size_t)(colon - address) : 0;
    bool is_v6 = n > 2 && address[0] == '[' && address[n - 1] == ']';
    if (n == 0 || n >= sizeof host || colon[1] == 0 || (!is_v6 && memchr(address, ':', n))) {
        return fail(l, "--listen %s: expected unix:/path, host:port or [v6]:port", address);
    }
    snprintf(host, sizeof host, "%.*s", (int)(is_v6 ? n - 2 : n), address + is_v6);
    int error = getaddrinfo(host, colon + 1, &want, &found);
    if (error != 0) {
        return fail(l, "--listen %s: %s", address, gai_strerror(error));
    }
    int listening = -1;
    for (const struct addrinfo *at = found; at && listening < 0; at = at->ai_next) {
        listening = listen_at(l, at);
    }
    int why = errno;
    freeaddrinfo(found);
    return listening < 0 ? fail(l, "cannot listen at %s: %s", address, strerror(why)) : 0;
}

// Whether LISTEN_PID speaks of us; then how many sockets there are, else 0.
static unsigned long passed(void) {
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    bool is_ours = pid && count && strtoul(pid, NULL, 10) == (unsigned long)getpid();
    return is_ours ? strtoul(count, NULL, 10) : 0;
}

// Moves the inherited descriptor out of the way of standard input and marks it as ours.
static int adopt(struct listener *l, int fd) {
    l->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    int flags = l->fd < 0 ? -1 : fcntl(l->fd, F_GETFL);
    if (flags < 0 || fcntl(l->fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        return fail(l, "cannot use the inherited socket: %s", strerror(errno));
    }
    return fd != 0 || open("/dev/null", O_RDWR) == 0 ? 0 : fail(l, "cannot open /dev/null");
}

static int inherit(struct listener *l) {
    unsigned long n = passed();
    if (n > 1) {
        return fail(l, "LISTEN_FDS=%lu: expected one socket", n);
    }
    if (n == 1 && !is_listening(FIRST_PASSED)) {
        return fail(l, "LISTEN_FDS: descriptor 3 is not a listening stream socket");
    }
    if (n == 0 && !is_listening(0)) {
        return fail(l, "--listen ADDRESS is required (no socket was inherited): unix:/path, "
                       "host:port or [v6]:port");
    }
    return adopt(l, n == 1 ? FIRST_PASSED : 0);
}

int listener_open(struct listener *l, const char *address, mode_t mode) {
    struct span text = span_str(address);
    *l = (struct listener){.fd = -1};
    if (text.n == 0) {
        return inherit(l);
    }
    if (passed() > 0) {
        return fail(l, "--listen %s: a socket was passed too (LISTEN_FDS); use one of them",
                    address);
    }
    if (span_has_prefix(text, SPAN("unix:"))) {
        return open_unix(l, address + 5, mode);
    }
    return open_tcp(l, address);
}

int listener_give(struct listener *l, uid_t user, gid_t group) {
    if (l->path == NULL || lchown(l->path, user, group) == 0) {
        return 0;
    }
    snprintf(l->why, sizeof l->why, "cannot give %s to the user: %s", l->path, strerror(errno));
    return -1;
}

void listener_close(struct listener *l) {
    struct stat st;
    if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino) {
        unlink(l->path);
    }
    if (l->fd >= 0) {
        close(l->fd);
    }
    *l = (struct listener){.fd = -1};
}
