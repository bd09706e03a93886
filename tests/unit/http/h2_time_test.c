// SPDX-License-Identifier: MIT
// The clock of HTTP/2, under a clock that the test turns: windows that stay shut, bodies that do
// not come, and many streams that share what a slow client has.
#include "base/error.h"
#include "http/h2.h"

#include <nghttp2/nghttp2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define STREAMS 64

struct world {
    struct h2_pool pool;
    struct h2_conf conf;
    int64_t unix_time;
    struct h2 h;
    nghttp2_session *client;
    struct deadline_limits limits;
    uint64_t now;
    struct front_stream *streams[STREAMS]; // by (id - 1) / 2
    unsigned requests, late, resets;       // what was told
    unsigned ended;                        // RST_STREAM that the client saw
    size_t upload;                         // bytes that the next DATA frame of the client carries
    bool drained;
};

static int on_client_frame(nghttp2_session *session, const nghttp2_frame *frame, void *self) {
    (void)session;
    struct world *w = self;
    w->ended += frame->hd.type == NGHTTP2_RST_STREAM;
    return 0;
}

static void init(struct world *w, uint32_t window) {
    *w = (struct world){.unix_time = 784111777, .now = 1000, .drained = true};
    h2_pool_init(&w->pool);
    h2_conf_init(&w->conf);
    w->conf.pool = &w->pool;
    w->conf.unix_time = &w->unix_time;
    assert_int_equal(h2_init(&w->h, &w->conf), 0);
    nghttp2_session_callbacks *c;
    assert_int_equal(nghttp2_session_callbacks_new(&c), 0);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_client_frame);
    nghttp2_option *option;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, 1);
    assert_int_equal(nghttp2_session_client_new2(&w->client, c, w, option), 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(c);
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
    nghttp2_submit_settings(w->client, NGHTTP2_FLAG_NONE, settings, 1);
    deadline_limits_init(&w->limits);
    w->limits.ms[LIMIT_SEND] = w->limits.ms[LIMIT_BODY] = 30000;
    w->limits.ms[LIMIT_REQUEST] = 3600000;
    w->limits.rate[RATE_DOWN] = 2048;
    w->limits.rate[RATE_UP] = 500;
    w->limits.grace_ms = 60000;
}

static void fini(struct world *w) {
    nghttp2_session_del(w->client);
    front_fini(&w->h.front);
    h2_pool_fini(&w->pool);
}

static void put_body(struct world *w, struct front_stream *s) {
    static const uint8_t zeros[16384];
    while (front_room(&w->h.front, s) >= sizeof zeros) {
        assert_int_equal(front_body(&w->h.front, s, span_of(zeros, sizeof zeros)), 0);
    }
}

static void pull(struct world *w) {
    struct front_event e;
    while (front_next(&w->h.front, &e) == STEP_ITEM) {
        struct response r = {.status = 200};
        switch (e.kind) {
        case FRONT_REQUEST:
            w->streams[(e.stream->id - 1) / 2] = e.stream;
            w->requests++;
            if (span_eq(e.stream->request.method, SPAN("GET"))) {
                assert_int_equal(front_head(&w->h.front, e.stream, &r, false), 0);
                put_body(w, e.stream);
            }
            break;
        case FRONT_BODY:
            front_consumed(&w->h.front, e.stream, e.body.n);
            break;
        case FRONT_ROOM:
            put_body(w, e.stream);
            break;
        case FRONT_LATE:
            w->late++;
            break;
        case FRONT_DONE:
        case FRONT_RESET:
            assert_true(e.kind == FRONT_DONE || e.error == ERR_TIMEOUT);
            w->resets += e.kind == FRONT_RESET;
            w->streams[(e.stream->id - 1) / 2] = NULL;
            front_release(&w->h.front, e.stream);
            break;
        default:
            break;
        }
    }
}

static void talk(struct world *w) {
    const uint8_t *p;
    for (bool is_busy = true; is_busy;) {
        is_busy = false;
        for (ssize_t n; (n = nghttp2_session_mem_send(w->client, &p)) > 0; is_busy = true) {
            front_feed(&w->h.front, span_of(p, (size_t)n));
            pull(w);
        }
        struct span out = front_output(&w->h.front);
        if (out.n > 0) {
            assert_int_equal(nghttp2_session_mem_recv(w->client, out.p, out.n), out.n);
            front_sent(&w->h.front, out.n);
            is_busy = true;
        }
        pull(w);
    }
}

static ssize_t read_upload(nghttp2_session *session, int32_t id, uint8_t *buf, size_t len,
                           uint32_t *flags, nghttp2_data_source *source, void *self) {
    (void)session, (void)id, (void)source, (void)flags;
    struct world *w = self;
    size_t n = w->upload < len ? w->upload : len;
    memset(buf, 'x', n);
    w->upload = 0;
    return n > 0 ? (ssize_t)n : NGHTTP2_ERR_DEFERRED;
}

#define NV(n, v)                                                                                   \
    { (uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), strlen(n), strlen(v), 0 }

static int32_t ask(struct world *w, const char *method) {
    nghttp2_nv nv[] = {NV(":method", method), NV(":scheme", "https"), NV(":authority", "a.example"),
                       NV(":path", "/")};
    nghttp2_data_provider body = {.read_callback = read_upload};
    int32_t id = nghttp2_submit_request(w->client, NULL, nv, 4,
                                        strcmp(method, "POST") == 0 ? &body : NULL, NULL);
    talk(w);
    return id;
}

static bool tick(struct world *w) {
    struct front_clock clock = {&w->limits, w->now, w->drained};
    bool awaits_window = front_tick(&w->h.front, &clock);
    talk(w);
    w->now += 1000;
    return awaits_window;
}

static void grant(struct world *w, int32_t id, int32_t n) {
    nghttp2_submit_window_update(w->client, NGHTTP2_FLAG_NONE, id, n);
    talk(w);
}

static void send_some(struct world *w, int32_t id, size_t n) {
    w->upload = n;
    nghttp2_session_resume_data(w->client, id);
    talk(w);
}

static void a_window_that_stays_shut_ends_the_stream_and_no_other(void **state) {
    (void)state;
    struct world w;
    init(&w, 0);
    ask(&w, "GET");
    ask(&w, "POST");
    for (unsigned i = 0; i < 30; i++) {
        assert_true(tick(&w));
        send_some(&w, 3, 1000);
        assert_int_equal(w.resets, 0);
    }
    tick(&w);
    assert_int_equal(w.resets, 1);
    assert_int_equal(w.ended, 1);
    assert_null(w.streams[0]);
    assert_false(tick(&w));
    assert_non_null(w.streams[1]);
    fini(&w);
}

// Nobody was told of it, and yet it ends.
static void a_refusal_that_finds_no_window_ends(void **state) {
    (void)state;
    struct world w;
    init(&w, 0);
    ask(&w, "TRACE");
    assert_int_equal(w.requests, 0);
    assert_int_equal(front_phase(&w.h.front), FRONT_BUSY);
    for (unsigned i = 0; i < 31; i++) {
        assert_int_equal(w.ended, 0);
        tick(&w);
    }
    assert_int_equal(w.ended, 1);
    assert_int_equal(front_phase(&w.h.front), FRONT_IDLE);
    fini(&w);
}

// Answers the first request with as many bytes as its window has, and then with the end.
static void answer(struct world *w, size_t n) {
    static const uint8_t zeros[65535];
    struct front_stream *s = w->streams[0];
    struct response r = {.status = 200};
    assert_int_equal(front_head(&w->h.front, s, &r, false), 0);
    assert_int_equal(front_body(&w->h.front, s, span_of(zeros, n)), 0);
    talk(w);
    front_finish(&w->h.front, s);
    talk(w);
}

// END_STREAM leaves in a frame without content, for which the library wants a window all the same.
static void an_end_that_finds_no_window_ends(void **state) {
    (void)state;
    struct world w;
    init(&w, 100);
    ask(&w, "PUT");
    answer(&w, 100);
    for (unsigned i = 0; i < 30; i++) {
        assert_true(tick(&w));
        assert_int_equal(w.ended, 0);
    }
    tick(&w);
    assert_int_equal(w.resets, 1);
    assert_int_equal(w.ended, 1);
    fini(&w);
}

static void a_connection_is_held_by_an_end_too(void **state) {
    (void)state;
    struct world w;
    init(&w, 1 << 20);
    ask(&w, "PUT");
    answer(&w, 65535);
    assert_true(front_is_held(&w.h.front));
    grant(&w, 0, 1);
    assert_null(w.streams[0]);
    assert_false(front_is_held(&w.h.front));
    fini(&w);
}

static void a_window_that_opens_by_a_byte_a_second_ends(void **state) {
    (void)state;
    struct world w;
    init(&w, 0);
    ask(&w, "GET");
    for (unsigned i = 0; i < 62; i++) {
        tick(&w);
        if (w.resets == 0) {
            grant(&w, 1, 1);
        }
    }
    assert_int_equal(w.resets, 1);
    fini(&w);
}

// A client of 8 KB a second with many streams: each has little, all together have enough.
static void streams_share_the_rate_of_one(void **state) {
    (void)state;
    struct world w;
    init(&w, 0);
    for (unsigned i = 0; i < 40; i++) {
        ask(&w, "GET");
    }
    nghttp2_session_set_local_window_size(w.client, NGHTTP2_FLAG_NONE, 0, 64 << 20);
    for (unsigned i = 0; i < 200; i++) {
        tick(&w);
        for (int32_t id = 1; id < 80; id += 2) {
            w.unix_time++; // what a client may send in a second is not the matter here
            grant(&w, id, 200);
        }
    }
    assert_int_equal(w.resets, 0);
    fini(&w);
}

// What lies in the network may still be answered by a window: who keeps it there is the
// connection's business.
static void nothing_is_held_against_a_stream_while_bytes_are_under_way(void **state) {
    (void)state;
    struct world w;
    init(&w, 1000);
    ask(&w, "GET");
    w.drained = false;
    for (unsigned i = 0; i < 600; i++) {
        assert_true(tick(&w));
    }
    assert_int_equal(w.resets, 0);
    w.drained = true;
    for (unsigned i = 0; i < 31; i++) {
        tick(&w);
    }
    assert_int_equal(w.resets, 1);
    fini(&w);
}

static void bodies_that_take_turns_are_not_late(void **state) {
    (void)state;
    struct world w;
    init(&w, 65535);
    for (unsigned i = 0; i < 20; i++) {
        ask(&w, "POST");
    }
    for (unsigned i = 0; i < 400; i++) { // 8 KB a second, in frames of 16 KB
        tick(&w);
        if (i % 2 == 0) {
            send_some(&w, (int32_t)(1 + 2 * (i / 2 % 20)), 16384);
        }
    }
    assert_int_equal(w.late, 0);
    for (unsigned i = 0; i < 31; i++) { // and then none of them
        tick(&w);
    }
    assert_int_equal(w.late, 20);
    fini(&w);
}

static void a_request_ends_however_it_moves(void **state) {
    (void)state;
    struct world w;
    init(&w, 65535);
    w.limits.ms[LIMIT_REQUEST] = 100000;
    ask(&w, "POST");
    for (unsigned i = 0; i < 101; i++) {
        assert_int_equal(w.resets, 0);
        tick(&w);
        send_some(&w, 1, 1000);
    }
    assert_int_equal(w.resets, 1);
    fini(&w);
}

static void a_connection_is_held_by_its_own_window(void **state) {
    (void)state;
    struct world w;
    init(&w, 1 << 20);
    assert_false(front_is_held(&w.h.front));
    ask(&w, "GET"); // 65,535 bytes leave
    assert_true(front_is_held(&w.h.front));
    assert_false(tick(&w));
    grant(&w, 0, 1000);
    assert_true(front_is_held(&w.h.front));
    fini(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_that_stays_shut_ends_the_stream_and_no_other),
        cmocka_unit_test(a_refusal_that_finds_no_window_ends),
        cmocka_unit_test(an_end_that_finds_no_window_ends),
        cmocka_unit_test(a_connection_is_held_by_an_end_too),
        cmocka_unit_test(a_window_that_opens_by_a_byte_a_second_ends),
        cmocka_unit_test(streams_share_the_rate_of_one),
        cmocka_unit_test(nothing_is_held_against_a_stream_while_bytes_are_under_way),
        cmocka_unit_test(bodies_that_take_turns_are_not_late),
        cmocka_unit_test(a_request_ends_however_it_moves),
        cmocka_unit_test(a_connection_is_held_by_its_own_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
