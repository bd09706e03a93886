// SPDX-License-Identifier: MIT
// libfcgi as the other side: an implementation of the protocol that is not ours must read what we
// write, and we must read what it writes. It runs in a thread behind a unix socket.
#include "base/error.h"
#include "fcgi/conn.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcgiapp.h>

#define PATIENCE_MS 20000 // for any one byte; the tests need milliseconds

struct peer {
    char path[64];
    int listener;
    pthread_t thread;
    int requests; // to be served
};

// Echoes the params and the body: "NAME=value\0"..., then the body. Two things a param asks for.
static void respond(FCGX_Request *r) {
    char bytes[5000];
    int n;
    if (FCGX_GetParam("SEND_INTERIM", r->envp) != NULL) {
        FCGX_FPrintF(r->out, "Status: 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
        FCGX_FFlush(r->out);
    }
    if (FCGX_GetParam("SEND_ERRORS", r->envp) != NULL) {
        FCGX_FPrintF(r->err, "something is odd");
    }
    FCGX_FPrintF(r->out, "Status: 201 Created\r\nContent-Type: text/x\r\n\r\n");
    for (char **p = r->envp; *p != NULL; p++) {
        FCGX_PutStr(*p, (int)strlen(*p) + 1, r->out);
    }
    while ((n = FCGX_GetStr(bytes, sizeof bytes, r->in)) > 0) {
        FCGX_PutStr(bytes, n, r->out);
    }
    FCGX_SetExitStatus(7, r->out);
}

static void *serve(void *self) {
    struct peer *peer = self;
    FCGX_Request r;
    FCGX_InitRequest(&r, peer->listener, 0);
    for (int i = 0; i < peer->requests && FCGX_Accept_r(&r) == 0; i++) {
        respond(&r);
        FCGX_Finish_r(&r);
    }
    FCGX_Free(&r, 1);
    return NULL;
}

static void peer_start(struct peer *peer, int requests) {
    snprintf(peer->path, sizeof peer->path, "/tmp/libfcgi_test.%d.sock", (int)getpid());
    unlink(peer->path);
    peer->requests = requests;
    assert_int_equal(FCGX_Init(), 0);
    peer->listener = FCGX_OpenSocket(peer->path, 8);
    assert_true(peer->listener >= 0);
    assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
}

static void peer_stop(struct peer *peer) {
    assert_int_equal(pthread_join(peer->thread, NULL), 0);
    close(peer->listener);
    unlink(peer->path);
}

static int peer_connect(const struct peer *peer) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, peer->path, strlen(peer->path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

// One request as the tests describe it, and what came of it.
struct call {
    struct pairs params;
    struct span body;
    bool keep;
    size_t read_len; // bytes of each read
    int interims, status;
    uint32_t app_status;
    bool has_ended;
    struct buf got, errors;
};

static void record(struct call *call, const struct fcgi_event *e) {
    switch (e->kind) {
    case FCGI_EVENT_INTERIM:
        assert_int_equal(e->response.status, 103);
        call->interims++;
        break;
    case FCGI_EVENT_HEAD:
        call->status = e->response.status;
        assert_true(
            span_eq(*pairs_find(&e->response.fields, SPAN("content-type")), SPAN("text/x")));
        break;
    case FCGI_EVENT_BODY:
        assert_int_equal(buf_put(&call->got, e->bytes), 0);
        break;
    case FCGI_EVENT_ERRORS:
        assert_int_equal(buf_put(&call->errors, e->bytes), 0);
        break;
    case FCGI_EVENT_END:
        call->app_status = e->app_status;
        call->has_ended = true;
        break;
    }
}

// Writes what there is room for, without waiting.
static void write_some(struct fcgi_conn *c, int fd, struct call *call) {
    struct span body = span_first(call->body, fcgi_conn_room(c));
    if (body.n > 0) {
        assert_int_equal(fcgi_conn_body(c, body), 0);
        call->body = span_skip(call->body, body.n);
    }
    if (call->body.n == 0) {
        assert_int_equal(fcgi_conn_body_end(c), 0);
    }
    struct span out = fcgi_conn_output(c);
    ssize_t n = out.n ? send(fd, out.p, out.n, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    assert_true(n >= 0 || errno == EAGAIN);
    fcgi_conn_sent(c, n > 0 ? (size_t)n : 0);
}

static void read_some(struct fcgi_conn *c, int fd, struct call *call) {
    uint8_t bytes[65536];
    struct fcgi_event e;
    ssize_t n = recv(fd, bytes, call->read_len, 0);
    assert_true(n > 0);
    fcgi_conn_feed(c, span_of(bytes, (size_t)n));
    enum step step;
    while ((step = fcgi_conn_next(c, &e)) == STEP_ITEM) {
        record(call, &e);
    }
    assert_int_equal(step, STEP_MORE);
}

static void run(struct fcgi_conn *c, int fd, struct call *call) {
    struct arena arena;
    arena_init(&arena, 1 << 16);
    buf_init(&call->got, 1 << 24);
    buf_init(&call->errors, 1 << 16);
    assert_int_equal(fcgi_conn_begin(c, &arena, &call->params, call->body.n, call->keep), 0);
    while (!call->has_ended) {
        write_some(c, fd, call);
        bool is_writing = fcgi_conn_output(c).n > 0 || call->body.n > 0;
        struct pollfd p = {.fd = fd, .events = (short)(POLLIN | (is_writing ? POLLOUT : 0))};
        assert_true(poll(&p, 1, PATIENCE_MS) > 0);
        if (p.revents & (POLLIN | POLLHUP)) {
            read_some(c, fd, call);
        }
    }
    arena_fini(&arena);
}

// What came is each "NAME=value\0" in order, then the body.
static void check_echo(const struct call *call, struct span body) {
    struct span role = SPAN("FCGI_ROLE=RESPONDER\0"); // what libfcgi adds
    struct span got = buf_span(&call->got);
    assert_true(span_has_prefix(got, role));
    got = span_skip(got, role.n);
    for (size_t i = 0; i < call->params.n; i++) {
        const struct pair *pair = &call->params.v[i];
        assert_true(span_has_prefix(got, pair->name));
        got = span_skip(got, pair->name.n);
        assert_true(span_has_prefix(got, SPAN("=")));
        got = span_skip(got, 1);
        assert_true(span_has_prefix(got, pair->value));
        got = span_skip(got, pair->value.n);
        assert_true(span_has_prefix(got, SPAN("\0")));
        got = span_skip(got, 1);
    }
    assert_true(span_eq(got, body));
    assert_int_equal(call->app_status, 7);
    assert_int_equal(call->status, 201);
}

static void call_fini(struct call *call) {
    buf_fini(&call->got);
    buf_fini(&call->errors);
}

static void it_reads_any_params_and_bodies_that_we_write(void **state) {
    (void)state;
    enum { ROUNDS = 60, STUFF = 300000 };
    struct peer peer;
    struct fcgi_conn c;
    uint32_t seed = 11;
    char names[40][24];
    uint8_t *stuff = malloc(STUFF);
    assert_non_null(stuff);
    for (size_t i = 0; i < STUFF; i++) {
        seed = seed * 1664525u + 1013904223u;
        stuff[i] = (uint8_t)('!' + (seed >> 8) % 90);
    }
    peer_start(&peer, ROUNDS);
    fcgi_conn_init(&c, NULL);
    int fd = peer_connect(&peer);
    for (int round = 0; round < ROUNDS; round++) {
        struct pair v[40];
        struct call call = {.keep = true, .read_len = round % 3 ? 65536 : 7};
        size_t count = round == 0 ? 0 : (seed >> 8) % 40;
        for (size_t i = 0; i < count; i++) {
            static const uint32_t most[] = {10, 100, 130, 140, 1000, 30000};
            seed = seed * 1664525u + 1013904223u;
            snprintf(names[i], sizeof names[i], "N%zu", i);
            v[i].name = span_str(names[i]);
            v[i].value = span_of(stuff + (seed >> 20), (seed >> 8) % most[i % (i < 5 ? 6 : 4)]);
        }
        call.params = (struct pairs){v, count, count};
        seed = seed * 1664525u + 1013904223u;
        struct span body = span_of(stuff, round % 4 ? (seed >> 8) % 1000 : (seed >> 8) % STUFF);
        call.body = body;
        run(&c, fd, &call);
        check_echo(&call, body);
        call_fini(&call);
        assert_true(fcgi_conn_is_idle(&c));
    }
    close(fd);
    fcgi_conn_fini(&c);
    peer_stop(&peer);
    free(stuff);
}

static void we_read_interim_heads_and_errors_that_it_writes(void **state) {
    (void)state;
    struct peer peer;
    struct fcgi_conn c;
    struct pair v[] = {{SPAN("SEND_INTERIM"), SPAN("1")}, {SPAN("SEND_ERRORS"), SPAN("1")}};
    struct call call = {.params = {v, 2, 2}, .body = SPAN("body"), .read_len = 65536};
    peer_start(&peer, 1);
    fcgi_conn_init(&c, NULL);
    int fd = peer_connect(&peer);
    run(&c, fd, &call);
    assert_int_equal(call.interims, 1);
    assert_true(span_eq(buf_span(&call.errors), SPAN("something is odd")));
    check_echo(&call, SPAN("body"));
    assert_false(fcgi_conn_is_idle(&c)); // it was not asked to keep the connection
    close(fd);
    call_fini(&call);
    fcgi_conn_fini(&c);
    peer_stop(&peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_reads_any_params_and_bodies_that_we_write),
        cmocka_unit_test(we_read_interim_heads_and_errors_that_it_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
