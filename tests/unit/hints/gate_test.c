// SPDX-License-Identifier: MIT
#include "hints/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FIELDS_MAX 6

struct row {
    const char *name;
    enum gate_reason reason;
    enum gate_clients clients;
    const char *fields[2 * FIELDS_MAX];
};

#define NAVIGATION "sec-fetch-mode", "navigate", "sec-fetch-dest", "document"

// Every row: a GET over HTTP/2 on a route with hints, mode hint.
static struct row rows[] = {
    {"a browser's navigation", GATE_SEND, GATE_BROWSERS, {NAVIGATION}},
    {"a navigation of somebody who is logged in",
     GATE_SEND,
     GATE_BROWSERS,
     {NAVIGATION, "cookie", "wordpress_logged_in_1=x"}},
    {"a normal reload", GATE_SEND, GATE_BROWSERS, {NAVIGATION, "cache-control", "max-age=0"}},
    {"field names in another case",
     GATE_SEND,
     GATE_BROWSERS,
     {"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}},
    {"an iframe",
     GATE_NOT_NAVIGATION,
     GATE_BROWSERS,
     {"sec-fetch-mode", "navigate", "sec-fetch-dest", "iframe"}},
    {"a stylesheet",
     GATE_NOT_NAVIGATION,
     GATE_BROWSERS,
     {"sec-fetch-mode", "no-cors", "sec-fetch-dest", "style"}},
    {"a fetch by a program", GATE_NOT_NAVIGATION, GATE_BROWSERS, {"sec-fetch-mode", "cors"}},
    {"curl", GATE_NOT_NAVIGATION, GATE_BROWSERS, {"accept", "*/*", "user-agent", "curl/7.88.1"}},
    {"an old browser", GATE_NOT_NAVIGATION, GATE_BROWSERS, {"accept", "text/html,*/*;q=0.8"}},
    {"an old browser where Accept decides",
     GATE_SEND,
     GATE_ACCEPT_HTML,
     {"accept", "text/html,*/*;q=0.8"}},
    {"curl where Accept decides", GATE_NOT_NAVIGATION, GATE_ACCEPT_HTML, {"accept", "*/*"}},
    {"an iframe where Accept decides",
     GATE_NOT_NAVIGATION,
     GATE_ACCEPT_HTML,
     {"sec-fetch-mode", "navigate", "sec-fetch-dest", "iframe", "accept", "text/html"}},
    {"a browser where Accept decides", GATE_SEND, GATE_ACCEPT_HTML, {NAVIGATION}},
    {"curl where all are hinted", GATE_SEND, GATE_ALL, {"accept", "*/*"}},
    {"nothing at all where all are hinted", GATE_SEND, GATE_ALL, {NULL}},
    {"a prefetch", GATE_PREFETCH, GATE_BROWSERS, {NAVIGATION, "sec-purpose", "prefetch"}},
    {"a prerender",
     GATE_PREFETCH,
     GATE_BROWSERS,
     {NAVIGATION, "sec-purpose", "prefetch;prerender"}},
    {"an old prefetch", GATE_PREFETCH, GATE_ALL, {"Purpose", "prefetch"}},
    {"an old prefetch of Firefox", GATE_PREFETCH, GATE_ALL, {"X-Moz", "prefetch"}},
    {"a hard reload", GATE_RELOAD, GATE_BROWSERS, {NAVIGATION, "cache-control", "no-cache"}},
    {"a hard reload among other directives",
     GATE_RELOAD,
     GATE_BROWSERS,
     {NAVIGATION, "cache-control", "max-age=0, No-Cache"}},
    {"a hard reload said in the old way",
     GATE_RELOAD,
     GATE_BROWSERS,
     {NAVIGATION, "pragma", "no-cache"}},
    {"saving data", GATE_SAVE_DATA, GATE_BROWSERS, {NAVIGATION, "save-data", "on"}},
    {"not saving data", GATE_SEND, GATE_BROWSERS, {NAVIGATION, "save-data", "off"}},
    {"no early hints wanted",
     GATE_NO_EARLY_HINTS,
     GATE_BROWSERS,
     {NAVIGATION, "no-early-hints", "?1"}},
    {"no early hints wanted, even if all are hinted",
     GATE_NO_EARLY_HINTS,
     GATE_ALL,
     {"No-Early-Hints", "1"}},
};

static void fill(struct request *request, struct pair *pairs, const char *const *fields) {
    *request = (struct request){.method = SPAN("GET"), .protocol = PROTOCOL_HTTP2};
    request->fields = (struct pairs){.v = pairs, .cap = FIELDS_MAX};
    for (size_t i = 0; i < FIELDS_MAX && fields[2 * i] != NULL; i++) {
        pairs[i] = (struct pair){span_str(fields[2 * i]), span_str(fields[2 * i + 1])};
        request->fields.n++;
    }
}

static void is_decided_as_the_row_says(void **state) {
    const struct row *row = *state;
    struct gate_conf conf = {HINT_MODE_HINT, row->clients};
    struct gate_facts facts = {.has_hints = true};
    struct request request;
    struct pair pairs[FIELDS_MAX];
    fill(&request, pairs, row->fields);
    assert_string_equal(gate_reason_row(gate_decide(&conf, &request, &facts))->label,
                        gate_reason_row(row->reason)->label);
    conf.mode = HINT_MODE_PUSH;
    assert_int_equal(gate_decide(&conf, &request, &facts), row->reason);
    conf.mode = HINT_MODE_OFF;
    assert_int_equal(gate_decide(&conf, &request, &facts), GATE_OFF);
    // Observing says what would have happened.
    conf.mode = HINT_MODE_OBSERVE;
    assert_int_equal(gate_decide(&conf, &request, &facts),
                     row->reason == GATE_SEND ? GATE_OBSERVE : row->reason);
    conf.mode = HINT_MODE_HINT;
    facts.has_hints = false;
    assert_int_equal(gate_decide(&conf, &request, &facts),
                     row->reason == GATE_SEND ? GATE_NOTHING_LEARNED : row->reason);
    facts = (struct gate_facts){.has_hints = true, .has_answered = true};
    assert_int_equal(gate_decide(&conf, &request, &facts), GATE_ANSWERED);
}

static void only_a_get_over_http2_is_hinted(void **state) {
    (void)state;
    struct gate_conf conf = {HINT_MODE_HINT, GATE_ALL};
    struct gate_facts facts = {.has_hints = true};
    struct request request;
    struct pair pairs[FIELDS_MAX];
    fill(&request, pairs, rows[0].fields);
    request.method = SPAN("POST");
    assert_int_equal(gate_decide(&conf, &request, &facts), GATE_NOT_GET);
    request.method = SPAN("HEAD");
    assert_int_equal(gate_decide(&conf, &request, &facts), GATE_NOT_GET);
    request.method = SPAN("GET");
    request.protocol = PROTOCOL_HTTP11;
    assert_int_equal(gate_decide(&conf, &request, &facts), GATE_HTTP1);
    request.protocol = PROTOCOL_HTTP10;
    assert_int_equal(gate_decide(&conf, &request, &facts), GATE_HTTP1);
    request.protocol = PROTOCOL_HTTP2;
    assert_int_equal(gate_decide(&conf, &request, &facts), GATE_SEND);
}

static void every_reason_has_words(void **state) {
    (void)state;
    for (int i = 0; i < GATE_REASONS; i++) {
        assert_true(strlen(gate_reason_row(i)->label) > 0);
        assert_true(strlen(gate_reason_row(i)->sentence) > 5);
    }
}

#define ROWS (sizeof rows / sizeof *rows)

int main(void) {
    struct CMUnitTest table[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        table[i] =
            (struct CMUnitTest){rows[i].name, is_decided_as_the_row_says, NULL, NULL, &rows[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_get_over_http2_is_hinted),
        cmocka_unit_test(every_reason_has_words),
    };
    return cmocka_run_group_tests_name("rows", table, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
