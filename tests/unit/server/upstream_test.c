// SPDX-License-Identifier: MIT
// A pool as a worker sees it, on a real loop, before servers that the test plays by hand at unix
// sockets: what becomes of calls, connections and slots whatever a server does.
#include "server/upstream.h"

#include "fcgi/writer.h"

#include <fastcgi.h>
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

#define SERVERS 3
#define WAIT_MS 3000 // until a test gives up

static char folder[64];
static struct loop loop;
static struct metrics metrics;
static struct upstream upstream;
static struct pool_conf conf;
static struct pool_server_conf servers[SERVERS];
static char paths[SERVERS][100];
static int listeners[SERVERS];

// One who asks, and what it was told.
struct owner {
    struct call call;
    struct arena arena;
    char told[512];
};

// ---- the stage ----------------------------------------------------------------------------------

static int listen_at(const char *path) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    memcpy(to.sun_path, path, strlen(path));
    assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static int setup(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/outrider-upstream-XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < SERVERS; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%d", folder, i);
        servers[i] = (struct pool_server_conf){.address = span_str(paths[i]),
                                               .is_unix = true,
                                               .path = span_str(paths[i]),
                                               .weight = 1};
        listeners[i] = listen_at(paths[i]);
    }
    conf = (struct pool_conf){.name = SPAN("php"),
                              .servers = servers,
                              .server_count = 1,
                              .connections = 4,
                              .queue = 4,
                              .max_fails = 3,
                              .fail_timeout_ms = 10000,
                              .connect_timeout_ms = 2000,
                              .queue_timeout_ms = 2000,
                              .think_timeout_ms = 5000,
                              .idle_timeout_ms = 5000,
                              .keepalive_timeout_ms = 5000};
    assert_int_equal(loop_init(&loop), 0);
    metrics_init(&metrics, 1, NULL, 0);
    return 0;
}

static void start(void) {
    assert_int_equal(upstream_init(&upstream, &loop, &conf, &metrics.workers[0]), 0);
}

static int teardown(void **state) {
    (void)state;
    upstream_close(&upstream);
    uv_run(&loop.uv, UV_RUN_NOWAIT);
    loop_fini(&loop);
    upstream_fini(&upstream);
    metrics_fini(&metrics);
    for (int i = 0; i < SERVERS; i++) {
        close(listeners[i]);
        unlink(paths[i]);
    }
    return rmdir(folder);
}

static void turns(int n) {
    while (n-- > 0) {
        uv_run(&loop.uv, UV_RUN_NOWAIT);
    }
}

// ---- who asks -----------------------------------------------------------------------------------

static const char *name(struct call *call) {
    (void)call;
    return "GET /";
}

static void on_event(struct call *call, const struct exchange_event *e) {
    struct owner *o = LIST_ITEM(call, struct owner, call);
    size_t n = strlen(o->told);
    switch (e->kind) {
    case EXCHANGE_INTERIM:
    case EXCHANGE_HEAD:
        snprintf(o->told + n, sizeof o->told - n, "%d ", e->response->status);
        break;
    case EXCHANGE_BODY:
        snprintf(o->told + n, sizeof o->told - n, "%.*s ", SPAN_ARG(e->body));
        break;
    case EXCHANGE_END:
        snprintf(o->told + n, sizeof o->told - n, "end");
        break;
    default:
        snprintf(o->told + n, sizeof o->told - n, "%s", error_row(e->error)->label);
        break;
    }
}

static void on_room(struct call *call) {
    (void)call;
}

static const struct pairs no_params;

static void ask(struct owner *o, const char *method, uint64_t body_len) {
    *o = (struct owner){.call = {.params = &no_params,
                                 .body_len = body_len,
                                 .is_safe = strcmp(method, "GET") == 0,
                                 .name = name,
                                 .on_event = on_event,
                                 .on_room = on_room}};
    arena_init(&o->arena, 1 << 16);
    o->call.arena = &o->arena;
    upstream_call(&upstream, &o->call);
}

static void forget(struct owner *o) {
    call_abort(&o->call);
    arena_fini(&o->arena);
}

// ---- the servers --------------------------------------------------------------------------------

// Waits until a connection comes to the server, and takes it.
static int take_connection(int server) {
    for (int i = 0; i < WAIT_MS; i++) {
        int fd = accept4(listeners[server], NULL, NULL, SOCK_NONBLOCK);
        if (fd >= 0) {
            return fd;
        }
        turns(1);
        usleep(1000);
    }
    fail_msg("no connection to server %d", server);
    return -1;
}

// Waits for bytes and gives how many came; 0: the other side has closed.
static ssize_t hear(int fd) {
    uint8_t bytes[4096];
    for (int i = 0; i < WAIT_MS; i++) {
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n >= 0) {
            return n;
        }
        turns(1);
        usleep(1000);
    }
    return -1;
}

static void say(int fd, const void *bytes, size_t n) {
    assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
    turns(3);
}

// The whole answer at once.
static void answer(int fd, uint16_t id, const char *body) {
    static const uint8_t good[8];
    char text[200];
    struct buf out;
    buf_init(&out, 1 << 16);
    snprintf(text, sizeof text, "Content-Type: text/plain\r\n\r\n%s", body);
    assert_int_equal(writer_put(&out, FCGI_STDOUT, id, span_str(text)), 0);
    assert_int_equal(writer_put(&out, FCGI_END_REQUEST, id, span_of(good, sizeof good)), 0);
    say(fd, buf_span(&out).p, buf_len(&out));
    buf_fini(&out);
}

// ---- kept connections ---------------------------------------------------------------------------

static void no_request_follows_stray_bytes_on_a_kept_connection(void **state) {
    (void)state;
    static const uint8_t stray[7] = {1, 6, 0, 1, 0, 1, 0};
    conf.keepalive = 2;
    start();
    for (size_t n = 1; n <= sizeof stray; n++) {
        struct owner one, two;
        ask(&one, "GET", 0);
        int first = take_connection(0);
        assert_true(hear(first) > 0);
        answer(first, 1, "one");
        assert_string_equal(one.told, "200 one end");
        say(first, stray, n);
        assert_int_equal(hear(first), 0); // it is closed at once, not with the next request
        ask(&two, "GET", 0);
        int second = take_connection(0);
        assert_true(hear(second) > 0);
        answer(second, 1, "two");
        assert_string_equal(two.told, "200 two end");
        close(first);
        close(second);
        turns(3);
        forget(&one);
        forget(&two);
    }
}

static void stray_bytes_in_the_turn_of_the_next_request_are_no_harm(void **state) {
    (void)state;
    conf.keepalive = 2;
    start();
    struct owner one, two;
    ask(&one, "GET", 0);
    int first = take_connection(0);
    assert_true(hear(first) > 0);
    answer(first, 1, "one");
    assert_int_equal(send(first, "\1\6\0", 3, MSG_NOSIGNAL), 3);
    ask(&two, "GET", 0); // before the loop has seen them
    assert_true(hear(first) > 0);
    answer(first, 2, "two"); // reads as rubbish behind them
    int second = take_connection(0);
    assert_true(hear(second) > 0);
    answer(second, 1, "again");
    assert_string_equal(two.told, "200 again end");
    close(first);
    close(second);
    forget(&one);
    forget(&two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_request_follows_stray_bytes_on_a_kept_connection, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(stray_bytes_in_the_turn_of_the_next_request_are_no_harm,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
