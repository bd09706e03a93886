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
#define WAIT_S 30       // for each read and write
#define MOST_HEAD 16384 // bytes of a request head

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

static bool send_all(int fd, struct span bytes) {
    while (bytes.n > 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        bytes = span_skip(bytes, (size_t)n);
    }
    return true;
}

static bool send_request(int fd, const struct admin_request *q) {
    char head[MOST_HEAD];
    const char *type = q->method[0] == 'P' ? "Content-Type: application/json\r\n" : "";
    int n = snprintf(head, sizeof head,
                     "%s %s HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n%s"
                     "Content-Length: %zu\r\n\r\n",
                     q->method, q->target, type, q->body.n);
    if (n >= (int)sizeof head) {
        errno = ENAMETOOLONG;
        return false;
    }
    return send_all(fd, span_of(head, (size_t)n)) && send_all(fd, q->body);
}

static int talk(int fd, const struct admin_request *q, struct buf *answer) {
    struct timeval wait = {.tv_sec = WAIT_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (!send_request(fd, q)) {
        return -1;
    }
    for (;;) {
        uint8_t *at = buf_reserve(answer, PIECE);
        errno = EMSGSIZE;
        ssize_t got = at != NULL ? recv(fd, at, PIECE, 0) : -1;
        if (got <= 0) {
            return (int)got;
        }
        buf_wrote(answer, (size_t)got);
    }
}

// HTTP/1.0 and closing: the body is all behind the head. What a refusal says is told too.
static int take_body(struct buf *answer, struct buf *body, char *why, size_t why_len) {
    struct span all = buf_span(answer);
    size_t end = span_find(all, SPAN("\r\n\r\n"));
    struct span line = span_first(all, span_index(all, '\r')), text = span_skip(all, end + 4);
    if (end == all.n || span_find(line, SPAN(" 200")) == line.n) {
        snprintf(why, why_len, "it answered: %.*s %.*s", (int)(line.n < 120 ? line.n : 120), line.p,
                 (int)(text.n < 200 ? text.n : 200), text.p);
        for (char *c = why; *c != 0; c++) {
            *c = *c < 0x20 || *c == 0x7f ? '?' : *c;
        }
        buf_put(body, text);
        return 1;
    }
    if (buf_put(body, text) != 0) {
        snprintf(why, why_len, "its answer is too long");
        return 1;
    }
    return 0;
}

int admin_client_ask(const char *address, const struct admin_request *request, struct buf *body,
                     char *why) {
    struct pool_server_conf to;
    const char *bad = "";
    if (pool_address_parse(span_str(address), &to, &bad) != 0) {
        snprintf(why, ADMIN_CLIENT_WHY_LEN, "%s", bad);
        return 1;
    }
    int fd = to.is_unix ? connect_unix(to.path) : connect_tcp(&to);
    if (fd < 0) {
        snprintf(why, ADMIN_CLIENT_WHY_LEN, "%s", strerror(errno));
        return 1;
    }
    struct buf answer;
    buf_init(&answer, body->limit + 2 * PIECE); // the head, and a piece being read
    int err = talk(fd, request, &answer);
    if (err != 0) {
        snprintf(why, ADMIN_CLIENT_WHY_LEN, "%s", strerror(errno));
        err = 1;
    } else {
        err = take_body(&answer, body, why, ADMIN_CLIENT_WHY_LEN);
    }
    buf_fini(&answer);
    close(fd);
    return err;
}
