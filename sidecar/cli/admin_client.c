// SPDX-License-Identifier: MIT
#include "cli/admin_client.h"

#include "fcgi/pool.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PIECE 65536
#define WAIT_S 10 // for each read and write

static int connect_unix(struct span path) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (path.n >= sizeof to.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to.sun_path, path.p, path.n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static int connect_tcp(const struct pool_server_conf *to) {
    char host[256], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    snprintf(host, sizeof host, "%.*s", SPAN_ARG(to->host));
    snprintf(port, sizeof port, "%u", to->port);
    errno = EADDRNOTAVAIL;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static int talk(int fd, const char *target, struct buf *answer) {
    char request[512];
    struct timeval wait = {.tv_sec = WAIT_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    int n = snprintf(request, sizeof request,
                     "GET %s HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n", target);
    if (n >= (int)sizeof request || send(fd, request, (size_t)n, MSG_NOSIGNAL) != n) {
        return -1;
    }
    for (;;) {
        uint8_t *at = buf_reserve(answer, PIECE);
        ssize_t got = at != NULL ? recv(fd, at, PIECE, 0) : -1;
        if (got <= 0) {
            return (int)got;
        }
        buf_wrote(answer, (size_t)got);
    }
}

// HTTP/1.0 and closing: the body is all behind the head.
static int take_body(struct buf *answer, struct buf *body, char *why, size_t why_len) {
    struct span all = buf_span(answer);
    size_t end = span_find(all, SPAN("\r\n\r\n"));
    struct span line = span_first(all, span_index(all, '\r'));
    if (end == all.n || span_find(line, SPAN(" 200")) == line.n) {
        snprintf(why, why_len, "it answered: %.*s", (int)(line.n < 120 ? line.n : 120), line.p);
        return 1;
    }
    return buf_put(body, span_skip(all, end + 4)) == 0 ? 0 : 1;
}

int admin_client_fetch(const char *address, const char *target, struct buf *body, char *why,
                       size_t why_len) {
    struct pool_server_conf to;
    const char *bad = "";
    if (pool_address_parse(span_str(address), &to, &bad) != 0) {
        snprintf(why, why_len, "%s", bad);
        return 1;
    }
    int fd = to.is_unix ? connect_unix(to.path) : connect_tcp(&to);
    if (fd < 0) {
        snprintf(why, why_len, "%s", strerror(errno));
        return 1;
    }
    struct buf answer;
    buf_init(&answer, body->limit);
    int err = talk(fd, target, &answer);
    if (err != 0) {
        snprintf(why, why_len, "%s", strerror(errno));
        err = 1;
    } else {
        err = take_body(&answer, body, why, why_len);
    }
    buf_fini(&answer);
    close(fd);
    return err;
}
