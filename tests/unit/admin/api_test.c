// SPDX-License-Identifier: MIT
#include "admin/api.h"

#include "admin/cursor.h"
#include "learner/learner_record.h"
#include "learner/route_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW UINT64_C(1700000000000)

struct fixture {
    struct metrics metrics;
    struct learner *learner;
    struct api api;
    unsigned changes, reloads;
};

static void on_change(void *self) {
    ((struct fixture *)self)->changes++;
}

// Says what is wrong until it is asked a second time.
static bool on_reload(void *self, struct buf *errors) {
    struct fixture *f = self;
    if (f->reloads++ == 0) {
        buf_put(errors, SPAN("t.conf:3: there is no option xs\n"));
        return false;
    }
    return true;
}

static const struct hint_policy *find_policy(void *self, struct span site) {
    static const struct hint_policy policy;
    (void)self;
    return span_has_suffix(site, SPAN(".example")) ? &policy : NULL;
}

static void fixture_init(struct fixture *f) {
    static const char *const gates[] = {"send"};
    struct learner_conf conf = {0};
    *f = (struct fixture){.changes = 0};
    metrics_init(&f->metrics);
    metrics_name(&f->metrics, METRIC_BY_GATE, gates, 1);
    f->learner = learner_new(&conf);
    f->api = (struct api){.metrics = &f->metrics,
                          .learner = f->learner,
                          .find_policy = find_policy,
                          .on_change = on_change,
                          .change_self = f};
}

static void fixture_fini(struct fixture *f) {
    metrics_fini(&f->metrics);
    learner_free(f->learner);
}

// A route that four networks were given a style on. key: of route_key_read.
static void restore(struct fixture *f, const char *site, bool is_session, const char *route) {
    static struct learner_record r;
    uint8_t bytes[ROUTE_KEY_MAX];
    r = (struct learner_record){
        .key = route_key_read(bytes, span_str(site), is_session, span_str(route)),
        .seen = 4,
        .first_seen_ms = NOW - 5000,
        .last_seen_ms = NOW - 1000,
        .think_us = 250000,
        .hinted = {.n = 2, .mean_us = 1000, .variance = 200},
        .assets_n = 1,
        .votes_n = 4};
    r.assets[0] = (struct record_asset){.hint = {.target = SPAN("/a.css"),
                                                 .rel = HINT_PRELOAD,
                                                 .as = HINT_AS_STYLE,
                                                 .can_push = true},
                                        .sources = LEARNER_LINK | LEARNER_HTML,
                                        .state = OFFER_ASSET_REUSABLE,
                                        .lifetime_s = 3600,
                                        .bytes = 1000};
    for (uint64_t i = 0; i < 4; i++) {
        r.votes[i] = (struct record_vote){
            .who = i + 1, .child = (i + 1) << 16, .at_ms = NOW - 1000, .has_html = true, .html = 1};
    }
    assert_non_null(r.key.p);
    assert_true(learner_restore(f->learner, &r, NOW));
}

static struct api_response ask(struct fixture *f, const char *method, const char *target,
                               struct span body) {
    struct api_request q = {.method = span_str(method),
                            .target = span_str(target),
                            .type = SPAN("application/json"),
                            .body = body,
                            .now_ms = NOW};
    struct api_response r;
    assert_int_equal(api_answer(&f->api, &q, &r), 0);
    return r;
}

static bool has(const struct api_response *r, const char *text) {
    return span_find(buf_span(&r->body), span_str(text)) < buf_len(&r->body);
}

static void expect(struct fixture *f, const char *method, const char *target, int status,
                   const char *text) {
    struct api_response r = ask(f, method, target, SPAN("{}"));
    if (r.status != status || !has(&r, text)) {
        fail_msg("%s %s: %d %.*s", method, target, r.status, SPAN_ARG(buf_span(&r.body)));
    }
    assert_true(r.type.n > 0);
    assert_int_equal(status == 405, r.allow.n > 0);
    api_response_fini(&r);
    api_response_fini(&r);
}

static void test_targets_and_methods(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    expect(&f, "GET", "/routes", 200, "{\"routes\":[],\"truncated\":false}");
    expect(&f, "HEAD", "/routes?x=1", 200, "{\"routes\":[]");
    expect(&f, "GET", "/health", 200, "{\"status\":\"ok\"}");
    f.api.is_draining = true;
    expect(&f, "GET", "/health", 503, "{\"status\":\"draining\"}");
    expect(&f, "GET", "/readyz", 503, "{\"status\":\"draining\"}");
    expect(&f, "POST", "/routes", 405, "only GET and HEAD");
    expect(&f, "DELETE", "/routes", 405, "only GET and HEAD");
    expect(&f, "GET", "/clear", 405, "only POST");
    expect(&f, "PUT", "/import", 405, "only POST");
    expect(&f, "GET", "/", 404, "there is no such resource");
    expect(&f, "GET", "/routesx", 404, "there is no such resource");
    expect(&f, "GET", "/routes?after=zz", 410, "forgotten");
    expect(&f, "GET", "/export?after=00ff", 410, "forgotten");
    assert_int_equal(f.changes, 0);
    fixture_fini(&f);
}

static void test_only_json_may_change_something(void **state) {
    (void)state;
    static const struct {
        const char *type;
        int status;
    } rows[] = {
        {"application/json", 200},  {"Application/JSON ; charset=utf-8", 200},  {"text/plain", 415},
        {"application/jsonx", 415}, {"application/x-www-form-urlencoded", 415}, {"", 415}};
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct api_request q = {.method = SPAN("POST"),
                                .target = SPAN("/clear"),
                                .type = span_str(rows[i].type),
                                .body = SPAN("{}")};
        struct api_response r;
        api_answer(&f.api, &q, &r);
        assert_int_equal(r.status, rows[i].status);
        api_response_fini(&r);
    }
    fixture_fini(&f);
}

static void test_routes_tell_what_was_learned_and_why(void **state) {
    (void)state;
    static const char *const members[] = {
        "\"site\":\"blog.example\"",
        "\"route\":\"/shop/\"",
        "\"audience\":\"public\"",
        "\"pattern\":false",
        "\"state\":\"hinting\"",
        "\"seen\":4",
        "\"first_seen\":1699999995000",
        "\"last_seen\":1699999999000",
        "\"think_us\":250000",
        "\"voters\":4",
        "\"links\":[\"</a.css>; rel=preload; as=style\"]",
        "\"sources\":[\"link\",\"html\"]",
        "\"need\":1.0",
        "\"verdict\":\"hinted\"",
        "\"reason\":\"It is in the plan.\"",
        "\"outcome\":{\"hinted\":{\"n\":2,\"mean_us\":1000.0,\"interval_us\":19.6",
        "\"held\":{\"n\":0}"};
    struct fixture f;
    fixture_init(&f);
    restore(&f, "blog.example", false, "/shop/");
    struct api_response r = ask(&f, "GET", "/routes", SPAN(""));
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (!has(&r, members[i])) {
            fail_msg("no %s in %.*s", members[i], SPAN_ARG(buf_span(&r.body)));
        }
    }
    api_response_fini(&r);
    fixture_fini(&f);
}

static void test_routes_are_chosen(void **state) {
    (void)state;
    static const struct {
        const char *target;
        unsigned routes;
        bool is_cut;
    } rows[] = {
        {"/routes", 4, false},
        {"/routes?site=blog.example", 3, false},
        {"/routes?site=none.example", 0, false},
        {"/routes?site=blog.example&audience=session", 1, false},
        {"/routes?route=/shop/", 2, false},
        {"/routes?route=%2Fshop%2F", 2, false},
        {"/routes?route=/caf%25E9/", 1, false},
        {"/routes?limit=2", 2, true},
        {"/routes?limit=0", 1, true},
        {"/routes?limit=x", 4, false},
        {"/export?limit=3", 3, true},
        {"/export?since=1699999999000", 4, false},
        {"/export?since=1699999999001", 0, false},
    };
    struct fixture f;
    fixture_init(&f);
    restore(&f, "blog.example", false, "/shop/");
    restore(&f, "blog.example", true, "/shop/");
    restore(&f, "blog.example", false, "/caf%E9/");
    restore(&f, "other.example", false, "/");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct api_response r = ask(&f, "GET", rows[i].target, SPAN(""));
        unsigned n = 0;
        struct span rest = buf_span(&r.body), name = SPAN("{\"site\":");
        for (size_t at = span_find(rest, name); at < rest.n; at = span_find(rest, name)) {
            rest = span_skip(rest, at + name.n);
            n++;
        }
        if (n != rows[i].routes || has(&r, "\"truncated\":true") != rows[i].is_cut ||
            has(&r, "\"next\":\"") != rows[i].is_cut) {
            fail_msg("%s: %u %.*s", rows[i].target, n, SPAN_ARG(buf_span(&r.body)));
        }
        api_response_fini(&r);
    }
    fixture_fini(&f);
}

// Follows "next" to the end. How many routes were given.
static unsigned follow(struct fixture *f, const char *path) {
    char target[8192];
    unsigned pages = 0;
    snprintf(target, sizeof target, "%s?limit=1", path);
    for (;;) {
        struct api_response r = ask(f, "GET", target, SPAN(""));
        assert_int_equal(r.status, 200);
        struct span next =
            span_skip(buf_span(&r.body), span_find(buf_span(&r.body), SPAN("\"next\":\"")));
        next = span_skip(next, sizeof "\"next\":\"" - 1);
        next = span_first(next, span_index(next, '"'));
        snprintf(target, sizeof target, "%s?limit=1&after=%.*s", path, SPAN_ARG(next));
        pages++;
        api_response_fini(&r);
        if (next.n == 0) {
            return pages;
        }
    }
}

static void test_pages_follow_one_another(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    restore(&f, "a.example", false, "/1/");
    restore(&f, "a.example", true, "/2/");
    restore(&f, "b.example", false, "/3/");
    assert_int_equal(follow(&f, "/routes"), 3);
    assert_int_equal(follow(&f, "/export"), 3);
    fixture_fini(&f);
}

static void test_an_export_is_imported_as_it_was(void **state) {
    (void)state;
    struct fixture from, to;
    fixture_init(&from);
    fixture_init(&to);
    restore(&from, "a.example", false, "/1/*");
    restore(&from, "a.example", true, "/2/?p=1");
    restore(&from, "b.example", false, "/caf%E9/");
    struct api_response first = ask(&from, "GET", "/export", SPAN(""));
    struct api_response taken = ask(&to, "POST", "/import", buf_span(&first.body));
    assert_true(has(&taken, "{\"imported\":3,\"refused\":0}"));
    assert_int_equal(to.changes, 1);
    assert_int_equal(learner_stats(to.learner)->routes + learner_stats(to.learner)->patterns, 3);
    struct api_response second = ask(&to, "GET", "/export", SPAN(""));
    assert_int_equal(buf_len(&first.body), buf_len(&second.body));
    api_response_fini(&first);
    api_response_fini(&second);
    api_response_fini(&taken);
    fixture_fini(&from);
    fixture_fini(&to);
}

static void test_any_byte_may_be_wrong_in_an_import(void **state) {
    (void)state;
    struct fixture f, target;
    fixture_init(&f);
    fixture_init(&target);
    restore(&f, "a.example", false, "/1/");
    struct api_response good = ask(&f, "GET", "/export", SPAN(""));
    size_t n = buf_len(&good.body);
    uint8_t *copy = malloc(n);
    for (size_t cut = 0; cut < n; cut++) {
        memcpy(copy, buf_span(&good.body).p, n);
        struct api_response r = ask(&target, "POST", "/import", span_of(copy, cut));
        assert_int_equal(r.status, 400);
        api_response_fini(&r);
        copy[cut] = (uint8_t)(copy[cut] == '9' ? '-' : '9');
        r = ask(&target, "POST", "/import", span_of(copy, n));
        assert_true(r.status == 200 || r.status == 400);
        api_response_fini(&r);
    }
    free(copy);
    api_response_fini(&good);
    fixture_fini(&f);
    fixture_fini(&target);
}

static void test_forget_and_clear(void **state) {
    (void)state;
    static const struct {
        const char *name, *target, *body;
        int status;
        const char *answer;
        unsigned changes;
    } rows[] = {
        {"one route of both audiences", "/forget", "{\"site\":\"a.example\",\"route\":\"/1/\"}",
         200, "{\"forgotten\":2}", 1},
        {"one audience", "/forget",
         "{\"site\":\"a.example\",\"route\":\"/1/\",\"audience\":\"session\"}", 200,
         "{\"forgotten\":1}", 1},
        {"an unknown audience", "/forget",
         "{\"site\":\"a.example\",\"route\":\"/1/\",\"audience\":\"all\"}", 400, "error", 0},
        {"an unknown route", "/forget", "{\"site\":\"a.example\",\"route\":\"/9/\"}", 200,
         "{\"forgotten\":0}", 0},
        {"a pattern", "/forget", "{\"site\":\"a.example\",\"route\":\"/2/*\"}", 200,
         "{\"forgotten\":1}", 1},
        {"no route", "/forget", "{\"site\":\"a.example\"}", 400, "error", 0},
        {"a site", "/clear", "{\"site\":\"a.example\"}", 200, "{\"forgotten\":3}", 1},
        {"all", "/clear", "{}", 200, "{\"forgotten\":4}", 1},
        {"an unknown site", "/clear", "{\"site\":\"x.example\"}", 200, "{\"forgotten\":0}", 0},
        {"a misspelt site clears nothing", "/clear", "{\"Site\":\"a.example\"}", 400, "error", 0},
        {"an empty site clears nothing", "/clear", "{\"site\":\"\"}", 400, "error", 0},
        {"a site that is null clears nothing", "/clear", "{\"site\":null}", 400, "error", 0},
        {"what is no JSON", "/clear", "", 400, "error", 0},
        {"what is no object", "/forget", "[]", 400, "error", 0},
        {"a member given twice", "/clear", "{\"site\":\"a.example\",\"site\":\"b.example\"}", 400,
         "error", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        fixture_init(&f);
        restore(&f, "a.example", false, "/1/");
        restore(&f, "a.example", true, "/1/");
        restore(&f, "a.example", false, "/2/*");
        restore(&f, "b.example", false, "/");
        struct api_response r = ask(&f, "POST", rows[i].target, span_str(rows[i].body));
        if (r.status != rows[i].status || !has(&r, rows[i].answer) ||
            f.changes != rows[i].changes) {
            fail_msg("%s: %d %.*s", rows[i].name, r.status, SPAN_ARG(buf_span(&r.body)));
        }
        api_response_fini(&r);
        fixture_fini(&f);
    }
}

static unsigned number(const struct api_response *r, const char *name) {
    struct span text = buf_span(&r->body);
    text = span_skip(text, span_find(text, span_str(name)) + strlen(name));
    return (unsigned)strtoul((const char *)text.p, NULL, 10);
}

// The loop that learns must not stand still while an operator looks for what is not there.
static void test_an_answer_looks_at_so_many_routes_and_no_more(void **state) {
    (void)state;
    struct fixture f;
    char path[32], target[ROUTE_KEY_MAX * 2 + 64] = "/clear";
    unsigned forgotten = 0, answers = 0;
    bool is_cut = true;
    fixture_init(&f);
    for (unsigned i = 0; i < CURSOR_ROUTES_MOST + 100; i++) {
        snprintf(path, sizeof path, "/%u/", i);
        restore(&f, i % 2 == 0 ? "a.example" : "b.example", false, path);
    }
    expect(&f, "GET", "/routes?site=none.example", 200,
           "{\"routes\":[],\"truncated\":true,\"next\":");
    expect(&f, "GET", "/export?since=9999999999999", 200, "\"truncated\":true,\"next\":");
    for (; is_cut; answers++) {
        struct api_response r = ask(&f, "POST", target, SPAN("{\"site\":\"a.example\"}"));
        struct span next = buf_span(&r.body);
        next = span_skip(next, span_find(next, SPAN("\"next\":\"")) + 8);
        snprintf(target, sizeof target, "/clear%s%.*s", next.n > 0 ? "?after=" : "",
                 SPAN_ARG(span_first(next, span_index(next, '"'))));
        forgotten += number(&r, "\"forgotten\":");
        is_cut = has(&r, "\"truncated\":true");
        api_response_fini(&r);
    }
    assert_int_equal(answers, 2);
    assert_int_equal(forgotten, (CURSOR_ROUTES_MOST + 100) / 2);
    assert_int_equal(learner_stats(f.learner)->routes, (CURSOR_ROUTES_MOST + 100) / 2);
    fixture_fini(&f);
}

static void test_reload_says_what_is_wrong(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    expect(&f, "POST", "/reload", 409, "nothing that this");
    f.api.reload = on_reload;
    f.api.reload_self = &f;
    expect(&f, "GET", "/reload", 405, "only POST");
    expect(&f, "POST", "/reload", 409, "t.conf:3: there is no option xs\n");
    expect(&f, "POST", "/reload", 200, "the new configuration is in use\n");
    assert_int_equal(f.reloads, 2);
    f.api.upgrade = on_reload;
    f.api.pid = 7;
    expect(&f, "POST", "/upgrade", 200, "the new program is started\n");
    expect(&f, "GET", "/process", 200, "{\"pid\":7,\"state\":\"serving\"}");
    fixture_fini(&f);
}

static void test_metrics_are_prometheus_text(void **state) {
    (void)state;
    struct fixture f;
    fixture_init(&f);
    metrics_add(metrics_add_worker(&f.metrics), METRIC_SLOT_HINTS, 9);
    struct api_response r = ask(&f, "GET", "/metrics", SPAN(""));
    assert_true(span_has_prefix(r.type, SPAN("text/plain; version=0.0.4")));
    assert_true(has(&r, "\noutrider_hints_total 9\n"));
    api_response_fini(&r);
    fixture_fini(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets_and_methods),
        cmocka_unit_test(test_only_json_may_change_something),
        cmocka_unit_test(test_routes_tell_what_was_learned_and_why),
        cmocka_unit_test(test_routes_are_chosen),
        cmocka_unit_test(test_pages_follow_one_another),
        cmocka_unit_test(test_an_export_is_imported_as_it_was),
        cmocka_unit_test(test_any_byte_may_be_wrong_in_an_import),
        cmocka_unit_test(test_forget_and_clear),
        cmocka_unit_test(test_an_answer_looks_at_so_many_routes_and_no_more),
        cmocka_unit_test(test_reload_says_what_is_wrong),
        cmocka_unit_test(test_metrics_are_prometheus_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
