// SPDX-License-Identifier: MIT
// A pool as a worker sees it, on a real loop, before servers that the test plays by hand at unix
// sockets: what becomes of calls, connections and slots whatever a server does.
#include "server/upstream.h"

#include "fcgi/writer.h"

#include <fastcgi.h>
#include <setjmp.h>
#include <signal.h>
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
static struct metrics_worker *counts;
static struct upstream upstream;
static struct upstream_shared shared;
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
    signal(SIGPIPE, SIG_IGN); // as the server does
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
    metrics_init(&metrics);
    counts = metrics_add_worker(&metrics);
    return 0;
}

static void start(void) {
    upstream_shared_init(&shared, &conf, 1);
    assert_int_equal(upstream_init(&upstream, &loop, &conf, &shared, 0, counts), 0);
}

static int teardown(void **state) {
    (void)state;
    upstream_close(&upstream);
    uv_run(&loop.uv, UV_RUN_NOWAIT);
    loop_fini(&loop);
    upstream_fini(&upstream);
    upstream_shared_fini(&shared);
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

// ---- another server -----------------------------------------------------------------------------

// The server's process is gone; its socket is still there.
static void stop(int server) {
    close(listeners[server]);
    listeners[server] = -1;
}

static void put_body(struct owner *o, const char *text) {
    for (int i = 0; i < WAIT_MS && call_room(&o->call) == 0; i++) {
        turns(1);
        usleep(1000);
    }
    assert_true(call_room(&o->call) >= strlen(text));
    call_body(&o->call, span_str(text));
}

static void a_request_is_tried_at_every_server_while_nothing_was_sent(void **state) {
    (void)state;
    conf.server_count = 3;
    conf.max_fails = 1000; // else they are not even asked any more
    start();
    stop(0);
    stop(1);
    for (int i = 0; i < 6; i++) {
        bool is_post = i % 2 == 1;
        struct owner o;
        ask(&o, is_post ? "POST" : "GET", is_post ? 4 : 0);
        int fd = take_connection(2);
        if (is_post) {
            put_body(&o, "body");
            call_body_end(&o.call);
        }
        assert_true(hear(fd) > 0);
        answer(fd, 1, "here");
        assert_string_equal(o.told, "200 here end");
        close(fd);
        forget(&o);
    }
}

static void a_post_that_may_have_begun_is_not_asked_again(void **state) {
    (void)state;
    conf.server_count = 2;
    start();
    struct owner o;
    ask(&o, "POST", 4);
    int fd = take_connection(0);
    put_body(&o, "bo");
    assert_true(hear(fd) > 0);
    close(fd);
    turns(5);
    assert_string_equal(o.told, "backend_closed");
    assert_int_equal(upstream.pool.active, 0);
    forget(&o);
}

static void a_request_that_no_server_takes_fails_once_all_were_tried(void **state) {
    (void)state;
    conf.server_count = 3;
    start();
    stop(0);
    stop(1);
    stop(2);
    struct owner o;
    ask(&o, "GET", 0);
    turns(5);
    assert_string_equal(o.told, "backend_connect");
    assert_int_equal(upstream.pool.servers[0].fails, 1);
    assert_int_equal(upstream.pool.servers[1].fails, 1);
    assert_int_equal(upstream.pool.servers[2].fails, 1);
    forget(&o);
}

// ---- orphans ------------------------------------------------------------------------------------

static unsigned executing(void) {
    turns(5);
    return pool_share_executing(&shared.share, 0);
}

// The other side has shut its output, and still reads.
static void assert_shut(int fd) {
    ssize_t n;
    while ((n = hear(fd)) > 0) {
    }
    assert_int_equal(n, 0);
    assert_int_equal(executing(), 1);
}

static void an_unfinished_upload_that_is_abandoned_keeps_its_slot(void **state) {
    (void)state;
    start();
    for (int by_end = 0; by_end < 2; by_end++) {
        struct owner o;
        ask(&o, "POST", 10);
        int fd = take_connection(0);
        put_body(&o, "hal");
        assert_true(hear(fd) > 0);
        forget(&o);
        assert_shut(fd);
        if (by_end) {
            answer(fd, 1, "too late");
        } else {
            close(fd);
        }
        assert_int_equal(executing(), 0);
        close(fd);
    }
}

static void a_request_of_which_nothing_was_sent_keeps_none(void **state) {
    (void)state;
    start();
    struct owner o;
    ask(&o, "POST", 10);
    forget(&o); // in the turn in which it came
    assert_int_equal(executing(), 0);
}

static void a_request_that_takes_too_long_keeps_its_slot(void **state) {
    (void)state;
    conf.think_timeout_ms = 100;
    start();
    struct owner o;
    ask(&o, "GET", 0);
    int fd = take_connection(0);
    for (int i = 0; i < WAIT_MS && o.told[0] == 0; i++) {
        turns(1);
        usleep(1000);
    }
    assert_string_equal(o.told, "backend_think_timeout");
    assert_shut(fd);
    say(fd, "", 0);
    assert_int_equal(executing(), 1); // silent as it is, it works for as long as it likes
    close(fd);
    assert_int_equal(executing(), 0);
    forget(&o);
}

static void a_script_with_a_bad_head_keeps_its_slot_until_its_end(void **state) {
    (void)state;
    static const uint8_t bad[] = "\1\6\0\1\0\11\0\0no head\n\n", end[16] = "\1\3\0\1\0\10";
    start();
    struct owner o;
    ask(&o, "GET", 0);
    int fd = take_connection(0);
    assert_true(hear(fd) > 0);
    say(fd, bad, sizeof bad - 1);
    turns(3);
    assert_string_equal(o.told, "backend_head");
    assert_shut(fd);
    say(fd, end, sizeof end);
    assert_int_equal(executing(), 0);
    close(fd);
    forget(&o);
}

// ---- several workers ----------------------------------------------------------------------------

static void a_slot_given_back_wakes_who_waits_at_another_worker(void **state) {
    (void)state;
    struct loop others;
    struct upstream other;
    struct owner one, two, three;
    uint64_t begin = uv_hrtime();
    conf.connections = 1;
    upstream_shared_init(&shared, &conf, 2);
    assert_int_equal(upstream_init(&upstream, &loop, &conf, &shared, 0, counts), 0);
    assert_int_equal(loop_init(&others), 0);
    assert_int_equal(upstream_init(&other, &others, &conf, &shared, 1, counts), 0);
    uv_ref((uv_handle_t *)&other.wake); // else nothing keeps this loop alive
    ask(&one, "GET", 0);
    int fd = take_connection(0);
    two = (struct owner){.call = one.call};
    arena_init(&two.arena, 1 << 16);
    two.call.arena = &two.arena;
    upstream_call(&other, &two.call);
    uv_run(&others.uv, UV_RUN_NOWAIT);
    usleep(3000);
    turns(2);
    ask(&three, "GET", 0); // later, at the worker that has the slot
    assert_true(hear(fd) > 0);
    answer(fd, 1, "one");
    assert_string_equal(one.told, "200 one end");
    turns(5);
    assert_null(two.call.backend);
    assert_null(three.call.backend); // it is not its turn
    uv_run(&others.uv, UV_RUN_NOWAIT);
    assert_non_null(two.call.backend);
    assert_true(uv_hrtime() - begin < 900000000); // without any tick
    call_abort(&two.call);
    arena_fini(&two.arena);
    upstream_close(&other);
    uv_run(&others.uv, UV_RUN_NOWAIT);
    loop_fini(&others);
    upstream_fini(&other);
    forget(&one);
    forget(&three);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_request_follows_stray_bytes_on_a_kept_connection, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(stray_bytes_in_the_turn_of_the_next_request_are_no_harm,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_request_is_tried_at_every_server_while_nothing_was_sent,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_post_that_may_have_begun_is_not_asked_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_request_that_no_server_takes_fails_once_all_were_tried,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(an_unfinished_upload_that_is_abandoned_keeps_its_slot,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_request_of_which_nothing_was_sent_keeps_none, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_request_that_takes_too_long_keeps_its_slot, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_script_with_a_bad_head_keeps_its_slot_until_its_end,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_slot_given_back_wakes_who_waits_at_another_worker, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
