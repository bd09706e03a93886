// SPDX-License-Identifier: MIT
#include "admin/api.h"

#include "hints/route_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    struct metrics metrics;
    struct learner *learner;
    struct api api;
};

static void fixture_init(struct fixture *f) {
    static const char *const gates[] = {"send"};
    struct learner_conf conf = {0};
    metrics_init(&f->metrics, 1, gates, 1);
    f->learner = learner_new(&conf);
    f->api = (struct api){.metrics = &f->metrics, .learner = f->learner};
}

static void fixture_fini(struct fixture *f) {
    metrics_fini(&f->metrics);
    learner_free(f->learner);
}

// A response on `path` of blog.example had this Link field.
static void teach(struct fixture *f, struct span path, struct span link, uint64_t at_ms) {
    struct arena a;
    struct pairs fields = {0};
    struct evidence e = {.scheme = SPAN("https"),
                         .authority = SPAN("blog.example"),
                         .target = SPAN("/"),
                         .at_ms = at_ms,
                         .status = 200};
    uint8_t bytes[EVIDENCE_MAX];
    struct plan *plan;
    arena_init(&a, 65536);
    e.key = route_key(&a, SPAN("blog.example"), path);
    pairs_put(&fields, &a, SPAN("link"), link);
    size_t n = evidence_encode(&e, &fields, bytes, sizeof bytes);
    assert_true(n > 0 && evidence_decode(&e, span_of(bytes, n)));
    learner_put(f->learner, &e, at_ms);
    while (learner_next(f->learner, &plan) == STEP_ITEM) {
        plan_free(plan);
    }
    arena_fini(&a);
}

static void expect(struct fixture *f, const char *method, const char *target, int status,
                   const char *body) {
    struct api_response r;
    assert_int_equal(api_answer(&f->api, span_str(method), span_str(target), &r), 0);
    if (r.status != status || (body != NULL && !span_eq(buf_span(&r.body), span_str(body)))) {
        fail_msg("%s %s: %d %.*s", method, target, r.status, SPAN_ARG(buf_span(&r.body)));
    }
    assert_int_equal(r.allow.n > 0, status == 405);
    assert_true(r.type.n > 0);
    api_response_fini(&r);
    api_response_fini(&r);
}

static void test_targets_and_methods(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    expect(&f, "GET", "/health", 200, "{\"status\":\"ok\"}");
    expect(&f, "HEAD", "/health", 200, "{\"status\":\"ok\"}");
    expect(&f, "GET", "/health?x=/routes", 200, "{\"status\":\"ok\"}");
    expect(&f, "GET", "/routes", 200, "[]");
    expect(&f, "POST", "/routes", 405, "{\"error\":\"only GET and HEAD are allowed\"}");
    expect(&f, "get", "/health", 405, NULL);
    expect(&f, "GET", "/", 404, "{\"error\":\"there is no such resource\"}");
    expect(&f, "DELETE", "/healthy", 404, NULL);
    expect(&f, "GET", "", 404, NULL);
    expect(&f, "GET", "/metrics", 200, NULL);
    f.api.is_draining = true;
    expect(&f, "GET", "/health", 503, "{\"status\":\"draining\"}");
    fixture_fini(&f);
}

static void test_routes_tell_what_was_learned(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    teach(&f, SPAN("/shop/"), SPAN("</a.css>; rel=preload; as=style"), 1000);
    teach(&f, SPAN("/shop/"), SPAN("</a.css>; rel=preload; as=style"), 3000);
    expect(&f, "GET", "/routes", 200,
           "[{\"site\":\"blog.example\",\"route\":\"/shop/\","
           "\"links\":[\"</a.css>; rel=preload; as=style\"],\"seen\":2,\"first_seen\":1000,"
           "\"last_seen\":3000,\"version\":1}]");
    fixture_fini(&f);
}

static void test_a_path_of_any_bytes_becomes_json(void **state) {
    (void)state;
    const struct {
        const char *name, *path, *json;
    } rows[] = {
        {"UTF-8 stays", "/caf\xc3\xa9/\xe2\x82\xac/\xf0\x9f\x90\x98",
         "\"route\":\"/caf\xc3\xa9/\xe2\x82\xac/\xf0\x9f\x90\x98\""},
        {"Latin-1 does not", "/caf\xe9", "\"route\":\"/caf%E9\""},
        {"overlong forms do not", "/\xc0\xae\xe0\x80\xae", "\"route\":\"/%C0%AE%E0%80%AE\""},
        {"surrogates do not", "/\xed\xa0\x80", "\"route\":\"/%ED%A0%80\""},
        {"a character cut short", "/\xe2\x82", "\"route\":\"/%E2%82\""},
        {"beyond Unicode", "/\xf4\x90\x80\x80", "\"route\":\"/%F4%90%80%80\""},
        {"quotes and backslashes are escaped", "/\"\\", "\"route\":\"/\\\"\\\\\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        struct api_response r;
        fixture_init(&f);
        teach(&f, span_str(rows[i].path), SPAN("</a.css>; rel=preload; as=style"), 1);
        assert_int_equal(api_answer(&f.api, SPAN("GET"), SPAN("/routes"), &r), 0);
        if (span_find(buf_span(&r.body), span_str(rows[i].json)) == buf_len(&r.body)) {
            fail_msg("%s: %.*s", rows[i].name, SPAN_ARG(buf_span(&r.body)));
        }
        api_response_fini(&r);
        fixture_fini(&f);
    }
}

static void test_metrics_are_prometheus_text(void **state) {
    (void)state;
    struct fixture f;
    struct api_response r;
    fixture_init(&f);
    metrics_add(&f.metrics.workers[0], METRIC_SLOT_HINTS, 9);
    assert_int_equal(api_answer(&f.api, SPAN("GET"), SPAN("/metrics"), &r), 0);
    assert_true(span_has_prefix(r.type, SPAN("text/plain; version=0.0.4")));
    assert_true(span_find(buf_span(&r.body), SPAN("\noutrider_hints_total 9\n")) <
                buf_len(&r.body));
    api_response_fini(&r);
    fixture_fini(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets_and_methods),
        cmocka_unit_test(test_routes_tell_what_was_learned),
        cmocka_unit_test(test_a_path_of_any_bytes_becomes_json),
        cmocka_unit_test(test_metrics_are_prometheus_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
