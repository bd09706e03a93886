// SPDX-License-Identifier: MIT
// A FastCGI application that costs next to nothing, so that a benchmark measures what is before it:
//
//     responder SOCKET
//
// One thread, one epoll loop, one read and one write a request where the network allows. It answers
// from the end of REQUEST_URI: ".../body/N" with N bytes, anything else with a short page;
// ".../sleep/MS" and ".../linked/MS" after so many milliseconds, in which it does nothing else, the
// latter with Link fields.
// One request at a time on a connection, kept open when the peer asks for that.
#define _GNU_SOURCE
#include <errno.h>
#include <fastcgi.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BODY_MAX (1u << 20)
#define RECORD_MAX 32768u
#define EVENTS 256

struct answer {
    uint8_t *bytes;
    size_t len;
};

struct client {
    int fd;
    bool keep;
    uint16_t id;
    size_t have;   // bytes in `in`
    size_t params; // bytes in `name`
    uint8_t *out;  // what is still to be written, within `answer`
    size_t out_len;
    struct answer answer; // a copy with the request's id, reused
    uint8_t in[FCGI_HEADER_LEN + 65535 + 255];
    uint8_t name[4096]; // the start of the PARAMS stream
};

static const char fields[] = "Content-Type: text/html; charset=utf-8\r\n\r\n";
static const char linked[] = "Link: </assets/app.css>; rel=preload; as=style\r\n"
                             "Link: </assets/app.js>; rel=preload; as=script\r\n"
                             "Link: </assets/font.woff2>; rel=preload; as=font; crossorigin\r\n"
                             "Link: </assets/logo.svg>; rel=preload; as=image\r\n";
static const char page[] =
    "<!doctype html><title>bench</title><p>A page of some two hundred bytes, as short as a page "
    "can be "
    "while it still looks like one, since what is measured here is the way to it and back.</p>\n";

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static size_t put_record(uint8_t *at, int type, uint16_t id, const void *content, size_t len) {
    uint8_t head[FCGI_HEADER_LEN] = {FCGI_VERSION_1,
                                     (uint8_t)type,
                                     (uint8_t)(id >> 8),
                                     (uint8_t)id,
                                     (uint8_t)(len >> 8),
                                     (uint8_t)len,
                                     0,
                                     0};
    memcpy(at, head, sizeof head);
    memcpy(at + sizeof head, content, len);
    return sizeof head + len;
}

// Frames head and body as STDOUT records and END_REQUEST.
static void frame(struct answer *a, uint16_t id, size_t body_len, bool links) {
    static uint8_t content[sizeof linked + sizeof fields + BODY_MAX];
    size_t len = links ? sizeof linked - 1 : 0, at = 0;
    memcpy(content, linked, len);
    memcpy(content + len, fields, sizeof fields - 1);
    len += sizeof fields - 1;
    if (body_len == 0) {
        memcpy(content + len, page, sizeof page - 1);
        len += sizeof page - 1;
    } else {
        memset(content + len, 'b', body_len);
        len += body_len;
    }
    a->bytes = realloc(a->bytes, len + (len / RECORD_MAX + 3) * 16);
    if (a->bytes == NULL)
        fail("realloc");
    a->len = 0;
    while (at < len) {
        size_t part = len - at < RECORD_MAX ? len - at : RECORD_MAX;
        a->len += put_record(a->bytes + a->len, FCGI_STDOUT, id, content + at, part);
        at += part;
    }
    a->len += put_record(a->bytes + a->len, FCGI_END_REQUEST, id, "\0\0\0\0\0\0\0\0", 8);
}

// The number behind the word in the request's REQUEST_URI, at most BODY_MAX; -1 without the word.
static long number_behind(const struct client *c, const char *word) {
    const uint8_t *uri = memmem(c->name, c->params, "REQUEST_URI", 11);
    const uint8_t *end = c->name + c->params;
    long n = 0;
    uri = uri == NULL ? NULL : memmem(uri, (size_t)(end - uri), word, strlen(word));
    if (uri == NULL)
        return -1;
    for (uri += strlen(word); uri < end && *uri >= '0' && *uri <= '9' && n < BODY_MAX; uri++)
        n = n * 10 + (*uri - '0');
    return n < BODY_MAX ? n : BODY_MAX;
}

static void sleep_ms(long ms) {
    struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&span, NULL);
}

static void drop(struct client *c) {
    close(c->fd);
    free(c->answer.bytes);
    free(c);
}

// Writes what is left. False when the connection is to be dropped.
static bool flush(struct client *c) {
    while (c->out_len > 0) {
        ssize_t n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        c->out += n;
        c->out_len -= (size_t)n;
        if (c->out_len == 0 && !c->keep)
            return false;
    }
    return true;
}

static bool answer(struct client *c) {
    long body = number_behind(c, "/body/"), asleep = number_behind(c, "/sleep/");
    long late = number_behind(c, "/linked/");
    if (asleep > 0 || late > 0)
        sleep_ms(asleep > 0 ? asleep : late);
    frame(&c->answer, c->id, body > 0 ? (size_t)body : 0, late >= 0);
    c->out = c->answer.bytes;
    c->out_len = c->answer.len;
    return flush(c);
}

// One record of the request; false when it is none that we understand.
static bool take(struct client *c, int type, const uint8_t *content, size_t len) {
    if (type == FCGI_BEGIN_REQUEST && len == 8) {
        c->keep = content[2] & FCGI_KEEP_CONN;
        c->params = 0;
    } else if (type == FCGI_PARAMS) {
        size_t room = sizeof c->name - c->params;
        memcpy(c->name + c->params, content, len < room ? len : room);
        c->params += len < room ? len : room;
    } else if (type == FCGI_STDIN && len == 0) {
        return answer(c);
    }
    return type <= FCGI_STDIN;
}

// Takes the whole records that have come.
static bool take_all(struct client *c) {
    size_t at = 0;
    while (c->have - at >= FCGI_HEADER_LEN) {
        const uint8_t *head = c->in + at;
        size_t len = (size_t)head[4] << 8 | head[5], whole = FCGI_HEADER_LEN + len + head[6];
        if (c->have - at < whole)
            break;
        c->id = (uint16_t)(head[2] << 8 | head[3]);
        if (!take(c, head[1], head + FCGI_HEADER_LEN, len))
            return false;
        at += whole;
    }
    memmove(c->in, c->in + at, c->have - at);
    c->have -= at;
    return true;
}

// Reads until there is no more, as an edge-triggered event demands; a short read says so too.
static bool input(struct client *c) {
    for (;;) {
        size_t room = sizeof c->in - c->have;
        ssize_t n = recv(c->fd, c->in + c->have, room, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        c->have += (size_t)n;
        if (!take_all(c))
            return false;
        if ((size_t)n < room)
            return true;
    }
}

static int listen_at(const char *path) {
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || strlen(path) >= sizeof where.sun_path)
        fail("socket");
    strcpy(where.sun_path, path);
    if (bind(fd, (struct sockaddr *)&where, sizeof where) < 0 || listen(fd, 4096) < 0)
        fail(path);
    return fd;
}

static void welcome(int listener, int poll) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct client *c = calloc(1, sizeof *c);
        struct epoll_event interest = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
        if (c == NULL)
            fail("calloc");
        c->fd = fd;
        if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &interest) < 0)
            fail("epoll_ctl");
    }
}

int main(int argc, char **argv) {
    struct epoll_event events[EVENTS], interest = {.events = EPOLLIN, .data.ptr = NULL};
    if (argc != 2) {
        fprintf(stderr, "usage: responder SOCKET\n");
        return 2;
    }
    int listener = listen_at(argv[1]), poll = epoll_create1(EPOLL_CLOEXEC);
    if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &interest) < 0)
        fail("epoll");
    for (;;) {
        int count = epoll_wait(poll, events, EVENTS, -1);
        for (int n = 0; n < count; n++) {
            struct client *c = events[n].data.ptr;
            if (c == NULL)
                welcome(listener, poll);
            else if (!flush(c) || !input(c))
                drop(c);
        }
    }
}
