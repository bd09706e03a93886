// SPDX-License-Identifier: MIT
// Whose body leaves first, and what a connection takes of bodies: a client of nghttp2 in memory
// asks for bodies of which more is put whenever there is room.
#include "http/h2.h"

#include "base/buf.h"
#include "base/error.h"
#include "support/split.h"

#include <nghttp2/nghttp2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BODIES 16
#define BODY_LEN 300000

struct world {
    struct h2_pool pool;
    struct h2_conf conf;
    int64_t now;
    struct h2 h;
    nghttp2_session *client;
    struct buf order; // ids of DATA frames in their order, one for all in a row
    int32_t latest;
    struct front_stream *streams[BODIES];
    size_t left[BODIES]; // of the body of stream 2 * i + 1, or of push 2 * i
    bool pushes;
};

static size_t index_of(const struct front_stream *s) {
    assert_true(s->id < BODIES);
    return s->id;
}

static void put_body(struct world *w, struct front_stream *s) {
    static const uint8_t zeros[16384];
    size_t i = index_of(s);
    for (size_t room; w->left[i] > 0 && (room = front_room(&w->h.front, s)) > 0;) {
        size_t n = w->left[i] < room ? w->left[i] : room;
        n = n < sizeof zeros ? n : sizeof zeros;
        assert_int_equal(front_body(&w->h.front, s, span_of(zeros, n)), 0);
        w->left[i] -= n;
    }
    if (w->left[i] == 0) {
        front_finish(&w->h.front, s);
    }
}

static void answer(struct world *w, struct front_stream *s) {
    struct response r = {.status = 200};
    size_t i = index_of(s);
    w->streams[i] = s;
    w->left[i] = BODY_LEN;
    assert_int_equal(front_head(&w->h.front, s, &r, false), 0);
    put_body(w, s);
}

static void push(struct world *w, struct front_stream *parent) {
    static const struct request request = {.method = SPAN_INIT("GET"),
                                           .scheme = SPAN_INIT("https"),
                                           .authority = SPAN_INIT("a.example"),
                                           .target = SPAN_INIT("/x.css")};
    struct front_stream *pushed;
    assert_int_equal(front_promise(&w->h.front, parent, &request, &pushed), 0);
    answer(w, pushed);
}

static enum step pull(struct world *w) {
    struct front_event e;
    enum step step;
    while ((step = front_next(&w->h.front, &e)) == STEP_ITEM) {
        switch (e.kind) {
        case FRONT_REQUEST:
            if (w->pushes) {
                push(w, e.stream);
            }
            answer(w, e.stream);
            break;
        case FRONT_ROOM:
            put_body(w, e.stream);
            break;
        case FRONT_DONE:
        case FRONT_RESET:
            w->streams[index_of(e.stream)] = NULL;
            front_release(&w->h.front, e.stream);
            break;
        default:
            break;
        }
    }
    return step;
}

static void feed(struct world *w) {
    const uint8_t *p;
    for (ssize_t n; (n = nghttp2_session_mem_send(w->client, &p)) > 0;) {
        front_feed(&w->h.front, span_of(p, (size_t)n));
        pull(w);
    }
}

// One batch to the client. False when there was none.
static bool take(struct world *w) {
    struct span out = front_output(&w->h.front);
    if (out.n > 0) {
        assert_int_equal(nghttp2_session_mem_recv(w->client, out.p, out.n), out.n);
        front_sent(&w->h.front, out.n);
    }
    pull(w);
    return out.n > 0;
}

static void talk(struct world *w) {
    do {
        feed(w);
    } while (take(w));
}

static int client_frame(nghttp2_session *session, const nghttp2_frame *frame, void *self) {
    (void)session;
    struct world *w = self;
    if (frame->hd.type == NGHTTP2_DATA && frame->hd.stream_id != w->latest) {
        w->latest = frame->hd.stream_id;
        split_line(&w->order, "%d ", w->latest);
    }
    return 0;
}

static void world_init(struct world *w, bool has_rfc9218, int32_t window) {
    *w = (struct world){.now = 784111777};
    h2_pool_init(&w->pool);
    h2_conf_init(&w->conf);
    w->conf.pool = &w->pool;
    w->conf.unix_time = &w->now;
    buf_init(&w->order, 1u << 20);
    assert_int_equal(h2_init(&w->h, &w->conf), 0);
    nghttp2_session_callbacks *c;
    assert_int_equal(nghttp2_session_callbacks_new(&c), 0);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, client_frame);
    assert_int_equal(nghttp2_session_client_new(&w->client, c, w), 0);
    nghttp2_session_callbacks_del(c);
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)window},
                                         {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
    nghttp2_submit_settings(w->client, NGHTTP2_FLAG_NONE, settings, has_rfc9218 ? 2 : 1);
    nghttp2_session_set_local_window_size(w->client, NGHTTP2_FLAG_NONE, 0, 8 << 20);
    talk(w);
}

static void world_fini(struct world *w) {
    nghttp2_session_del(w->client);
    front_fini(&w->h.front);
    h2_pool_fini(&w->pool);
    buf_fini(&w->order);
}

#define NV(n, v)                                                                                   \
    { (uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), strlen(n), strlen(v), 0 }

static void ask(struct world *w, const char *priority) {
    nghttp2_nv nv[] = {NV(":method", "GET"), NV(":scheme", "https"), NV(":authority", "a.example"),
                       NV(":path", "/"), NV("priority", priority)};
    size_t n = sizeof nv / sizeof *nv - (priority[0] == 0);
    assert_true(nghttp2_submit_request(w->client, NULL, nv, n, NULL, NULL) > 0);
}

static bool has_order(const struct world *w, const char *order) {
    struct span seen = buf_span(&w->order);
    if (!span_has_prefix(seen, span_str(order))) {
        print_error("expected %s, seen %.*s\n", order, SPAN_ARG(seen));
        return false;
    }
    return true;
}

struct order_case {
    const char *name;
    bool has_rfc9218; // the client's SETTINGS say that it knows it
    const char *priorities[3];
    const char *order; // how it begins
};

static void test_order_of_bodies(void **state) {
    (void)state;
    static const struct order_case rows[] = {
        {"a client that says nothing gets all at once", false, {"", "", ""}, "1 3 5 1 3 5 "},
        {"what it says is meant, and so is what it leaves out",
         false,
         {"u=3", "", "u=3"},
         "1 3 5 "},
        {"by its SETTINGS it knows what it leaves out", true, {"", "", ""}, "1 3 5 "},
        {"the urgent go first", true, {"u=5", "u=1", "u=0"}, "5 3 1 "},
        {"more than a queue of it at a time", true, {"u=5, i", "u=5, i", "u=1"}, "5 1 3 1 3 "},
        {"incremental ones of an urgency share", true, {"i", "i", "u=4"}, "1 3 1 3 "},
        {"what cannot be read says nothing", true, {"u=9", "u=2", "u"}, "3 1 5 "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        print_message("  %s\n", rows[i].name);
        world_init(&w, rows[i].has_rfc9218, 1 << 20);
        for (size_t j = 0; j < 3; j++) {
            ask(&w, rows[i].priorities[j]);
        }
        talk(&w);
        assert_true(has_order(&w, rows[i].order));
        world_fini(&w);
    }
}

static void test_an_update_overtakes_what_is_under_way(void **state) {
    (void)state;
    static const uint8_t update[] = "\0\0\x07\x10\0\0\0\0\0\0\0\0\3u=0";
    struct world w;
    world_init(&w, true, 1 << 20);
    ask(&w, "u=3");
    ask(&w, "u=5");
    feed(&w);
    assert_true(take(&w) && take(&w));
    front_feed(&w.h.front, span_of(update, sizeof update - 1));
    pull(&w);
    talk(&w);
    assert_true(has_order(&w, "1 3 1 "));
    world_fini(&w);
}

// One that comes before its request is no word about the requests without it.
static void test_an_update_before_its_request_is_kept(void **state) {
    (void)state;
    static const uint8_t update[] = "\0\0\x07\x10\0\0\0\0\0\0\0\0\3u=0";
    struct world w;
    world_init(&w, false, 1 << 20);
    front_feed(&w.h.front, span_of(update, sizeof update - 1));
    pull(&w);
    ask(&w, "");
    ask(&w, "");
    talk(&w);
    assert_true(has_order(&w, "3 1 "));
    world_fini(&w);
}

static void test_pushes_go_before_the_rest_of_their_page(void **state) {
    (void)state;
    static const char *const priorities[] = {"", "u=0", "u=0, i", "u=7, i"};
    for (size_t i = 0; i < sizeof priorities / sizeof *priorities; i++) {
        struct world w;
        print_message("  page of priority \"%s\"\n", priorities[i]);
        world_init(&w, true, 1 << 20);
        w.pushes = true;
        ask(&w, priorities[i]);
        talk(&w);
        assert_true(has_order(&w, "2 1 "));
        world_fini(&w);
    }
}

// Both windows are used up, and the client opens that of the second only: whatever that one takes,
// the first is kept back by itself.
static void test_the_clock_tells_who_is_kept_back(void **state) {
    (void)state;
    struct world w;
    struct deadline_limits limits;
    deadline_limits_init(&limits);
    limits.ms[LIMIT_SEND] = 30000;
    world_init(&w, true, 65535);
    ask(&w, "u=3");
    ask(&w, "u=3");
    feed(&w);
    while (take(&w)) {
    }
    assert_true(w.left[1] > 0 && w.left[3] > 0 && !front_is_held(&w.h.front));
    for (uint64_t now = 1000; now <= 31000; now += 1000) {
        assert_non_null(w.streams[1]);
        if (now % 10000 == 0) {
            front_feed(&w.h.front, SPAN("\0\0\4\x08\0\0\0\0\3\0\0\x40\0"));
            pull(&w);
            take(&w);
        }
        assert_true(front_tick(&w.h.front, &(struct front_clock){&limits, now, true}));
        pull(&w);
    }
    assert_null(w.streams[1]);
    assert_non_null(w.streams[3]);
    world_fini(&w);
}

// What such a front is given it drops, so that whoever fills its room would never be done.
static void test_a_front_in_error_has_no_room(void **state) {
    (void)state;
    struct world w;
    world_init(&w, true, 65535);
    ask(&w, "");
    feed(&w);
    struct front_stream *s = w.streams[1];
    front_feed(&w.h.front, SPAN("\0\0\x08\6\0\0\0\0\1"
                                "12345678"));
    assert_int_equal(pull(&w), STEP_MORE); // the library has found it; we know with its GOAWAY
    while (front_output(&w.h.front).n > 0) {
        front_sent(&w.h.front, front_output(&w.h.front).n);
    }
    assert_int_equal(pull(&w), STEP_BAD);
    assert_int_equal(front_room(&w.h.front, s), 0);
    assert_int_equal(front_body(&w.h.front, s, SPAN("x")), 0);
    assert_int_equal(front_room(&w.h.front, s), 0);
    world_fini(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_bodies),
        cmocka_unit_test(test_an_update_overtakes_what_is_under_way),
        cmocka_unit_test(test_an_update_before_its_request_is_kept),
        cmocka_unit_test(test_pushes_go_before_the_rest_of_their_page),
        cmocka_unit_test(test_the_clock_tells_who_is_kept_back),
        cmocka_unit_test(test_a_front_in_error_has_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
