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

// Every row: a GET over HTTP/2; "*bot*" and "Exact/1.0" are denied.
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
    {"a name that the operator denies",
     GATE_DENIED_AGENT,
     GATE_BROWSERS,
     {NAVIGATION, "User-Agent", "Mozilla/5.0 (compatible; SomeBOT/1.0)"}},
    {"a name of which only a part is denied",
     GATE_SEND,
     GATE_BROWSERS,
     {NAVIGATION, "user-agent", "Exact/1.0 and more"}},
    {"a whole name that is denied",
     GATE_DENIED_AGENT,
     GATE_BROWSERS,
     {NAVIGATION, "user-agent", "exact/1.0"}},
    {"a denied name that saves data", // the client's own word comes first
     GATE_SAVE_DATA,
     GATE_BROWSERS,
     {NAVIGATION, "user-agent", "exact/1.0", "save-data", "on"}},
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

static const struct span agents[] = {SPAN_INIT("*bot*"), SPAN_INIT("Exact/1.0")};

static struct gate_conf conf_of(enum gate_clients clients) {
    return (struct gate_conf){.mode = HINT_MODE_HINT,
                              .clients = clients,
                              .sessions = true,
                              .agents = agents,
                              .agents_n = 2};
}

static void is_decided_as_the_row_says(void **state) {
    const struct row *row = *state;
    struct gate_conf conf = conf_of(row->clients);
    struct gate_client client;
    struct request request;
    struct pair pairs[FIELDS_MAX];
    fill(&request, pairs, row->fields);
    assert_string_equal(gate_reason_row(gate_request(&conf, &request, &client))->label,
                        gate_reason_row(row->reason)->label);
    conf.mode = HINT_MODE_PUSH;
    assert_int_equal(gate_request(&conf, &request, &client), row->reason);
    conf.mode = HINT_MODE_OBSERVE; // says what would have happened
    assert_int_equal(gate_request(&conf, &request, &client), row->reason);
    conf.mode = HINT_MODE_OFF;
    assert_int_equal(gate_request(&conf, &request, &client), GATE_OFF);
}

static void only_a_get_is_hinted(void **state) {
    (void)state;
    static const struct span others[] = {SPAN_INIT("POST"), SPAN_INIT("HEAD"), SPAN_INIT("get")};
    struct gate_conf conf = conf_of(GATE_ALL);
    struct gate_client client;
    struct request request;
    struct pair pairs[FIELDS_MAX];
    fill(&request, pairs, rows[0].fields);
    for (size_t i = 0; i < 3; i++) {
        request.method = others[i];
        assert_int_equal(gate_request(&conf, &request, &client), GATE_NOT_GET);
    }
}

// HTTP/1.1 by choice, and then only browsers that say that they navigate and do not ignore it;
// never HTTP/1.0.
static void http1_is_hinted_by_choice_only(void **state) {
    (void)state;
    static const struct {
        const char *fields[2 * FIELDS_MAX];
        enum protocol protocol;
        bool http1;
        enum gate_reason reason;
    } cases[] = {
        {{NAVIGATION}, PROTOCOL_HTTP11, false, GATE_HTTP1},
        {{NAVIGATION}, PROTOCOL_HTTP11, true, GATE_SEND},
        {{"accept", "text/html"}, PROTOCOL_HTTP11, true, GATE_HTTP1},
        {{"sec-fetch-mode", "navigate"}, PROTOCOL_HTTP11, true, GATE_HTTP1},
        {{NAVIGATION, "user-agent", "x Firefox/153.0"}, PROTOCOL_HTTP11, true, GATE_SEND},
        {{NAVIGATION, "user-agent", "x Chrome/156.0"}, PROTOCOL_HTTP11, true, GATE_HTTP1},
        {{NAVIGATION}, PROTOCOL_HTTP10, true, GATE_HTTP1},
        {{"accept", "text/html"}, PROTOCOL_HTTP2, false, GATE_SEND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gate_conf conf = conf_of(GATE_ALL);
        struct gate_client client;
        struct request request;
        struct pair pairs[FIELDS_MAX];
        fill(&request, pairs, cases[i].fields);
        request.protocol = cases[i].protocol;
        conf.http1 = cases[i].http1;
        assert_int_equal(gate_request(&conf, &request, &client), cases[i].reason);
    }
}

// Behind a front: over HTTP/1.1 by the operator's word only; who is no browser gets none unless the
// front says that he speaks HTTP/2; and who speaks HTTP/1.1 is as if he were here himself.
static void a_front_speaks_for_clients_of_its_own(void **state) {
    (void)state;
    static const struct {
        const char *fields[2 * FIELDS_MAX];
        enum protocol protocol;
        bool via_front, http1;
        enum gate_reason reason;
    } cases[] = {
        {{NAVIGATION}, PROTOCOL_HTTP2, false, false, GATE_SEND},
        {{NAVIGATION}, PROTOCOL_HTTP11, false, true, GATE_HTTP1},
        {{NAVIGATION}, PROTOCOL_HTTP11, true, false, GATE_SEND},
        {{NAVIGATION, "user-agent", "x Chrome/156.0"}, PROTOCOL_HTTP11, true, false, GATE_SEND},
        {{NAVIGATION, "x-forwarded-for", "192.0.2.1"}, PROTOCOL_HTTP11, true, false, GATE_SEND},
        {{NAVIGATION}, PROTOCOL_HTTP10, true, true, GATE_HTTP1},
        {{NULL}, PROTOCOL_HTTP11, true, true, GATE_NOT_NAVIGATION},
        {{NULL}, PROTOCOL_HTTP2, false, false, GATE_NOT_NAVIGATION},
        {{"via", "2.0 Caddy"}, PROTOCOL_HTTP2, false, false, GATE_SEND},
        {{"x-forwarded-proto-version", "h2"}, PROTOCOL_HTTP11, true, false, GATE_SEND},
        {{NAVIGATION, "Via", "1.1 Caddy"}, PROTOCOL_HTTP2, false, false, GATE_HTTP1},
        {{NAVIGATION, "via", "1.1 Caddy"}, PROTOCOL_HTTP11, true, true, GATE_SEND},
        {{NAVIGATION, "X-Forwarded-Proto-Version", "HTTP/1.1"},
         PROTOCOL_HTTP2,
         false,
         false,
         GATE_HTTP1},
        {{NAVIGATION, "no-early-hints", "1"}, PROTOCOL_HTTP11, true, false, GATE_NO_EARLY_HINTS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gate_conf conf = conf_of(GATE_ALL);
        struct gate_client client;
        struct request request;
        struct pair pairs[FIELDS_MAX];
        fill(&request, pairs, cases[i].fields);
        request.protocol = cases[i].protocol;
        conf.is_front = true;
        conf.via_front = cases[i].via_front;
        conf.http1 = cases[i].http1;
        assert_int_equal(gate_request(&conf, &request, &client), cases[i].reason);
    }
}

static void the_client_is_noticed_on_the_way(void **state) {
    (void)state;
    static const char *const chrome[2 * FIELDS_MAX] = {NAVIGATION, "sec-ch-ua",
                                                       "\"Chromium\";v=\"156\""};
    static const char *const firefox[2 * FIELDS_MAX] = {"user-agent",
                                                        "Mozilla/5.0 Gecko/1 Firefox/153.0"};
    struct gate_conf conf = conf_of(GATE_ALL);
    struct gate_client client;
    struct request request;
    struct pair pairs[FIELDS_MAX];
    fill(&request, pairs, chrome);
    assert_int_equal(gate_request(&conf, &request, &client), GATE_SEND);
    assert_int_equal(client.dialect, DIALECT_CHROMIUM);
    assert_true(client.has_client_hints && client.is_navigation);
    fill(&request, pairs, firefox);
    assert_int_equal(gate_request(&conf, &request, &client), GATE_SEND);
    assert_int_equal(client.dialect, DIALECT_FIREFOX);
    assert_false(client.has_client_hints || client.is_navigation);
}

// By any of the names that proxies and services use, in any case.
static void who_stands_between_is_noticed(void **state) {
    (void)state;
    static const char *const names[] = {
        "via",       "forwarded",      "X-Forwarded-For",  "x-forwarded-proto", "x-forwarded-host",
        "x-real-ip", "True-Client-IP", "cf-connecting-ip",
    };
    static const char *const others[] = {"dnt", "sec-ch-ua", "x-forwarded-age", "x-client-ip"};
    struct gate_conf conf = conf_of(GATE_ALL);
    struct request request = {.method = SPAN("GET"), .protocol = PROTOCOL_HTTP2};
    struct pair pair = {.value = SPAN("x")};
    struct gate_client client;
    request.fields = (struct pairs){.v = &pair, .n = 1, .cap = 1};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        pair.name = span_str(names[i]);
        assert_int_equal(gate_request(&conf, &request, &client), GATE_SEND);
        assert_true(client.is_forwarded);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        pair.name = span_str(others[i]);
        assert_int_equal(gate_request(&conf, &request, &client), GATE_SEND);
        assert_false(client.is_forwarded);
    }
}

// Stars anywhere, also where a first guess of what they take is wrong; a hostile name is cut.
static void a_pattern_of_names_may_have_stars_anywhere(void **state) {
    (void)state;
    static char longest[3000];
    memset(longest, 'a', sizeof longest - 1);
    static const struct {
        const char *pattern, *agent;
        bool is_denied;
    } cases[] = {
        {"*", "", true},
        {"", "", true},
        {"", "x", false},
        {"a*b*c", "aXbXbYc", true},
        {"a*b*c", "aXc", false},
        {"*ab", "aab", true},
        {"**x**", "x", true},
        {"a", "A", true},
        {"*a*a*a*a*b", longest, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span pattern = span_str(cases[i].pattern);
        struct gate_conf conf = {
            .mode = HINT_MODE_HINT, .clients = GATE_ALL, .agents = &pattern, .agents_n = 1};
        struct gate_client client;
        struct request request;
        struct pair pairs[FIELDS_MAX];
        const char *fields[2 * FIELDS_MAX] = {"user-agent", cases[i].agent};
        fill(&request, pairs, fields);
        assert_int_equal(gate_request(&conf, &request, &client),
                         cases[i].is_denied ? GATE_DENIED_AGENT : GATE_SEND);
    }
}

struct offer_row {
    const char *name;
    enum gate_reason reason;
    struct gate_facts facts;
};

#define GOOD .has_plan = true, .can_say = true

// Every row: sessions are not hinted, routes of less than 5 ms neither.
static struct offer_row offers[] = {
    {"a plan with something to say", GATE_SEND, {GOOD}},
    {"no plan", GATE_NOTHING_LEARNED, {.can_say = true}},
    {"a final response that was first", GATE_RACED, {GOOD, .has_answered = true}},
    {"somebody who is logged in", GATE_SESSION, {GOOD, .is_session = true}},
    {"a route that hints made slower", GATE_WORSE, {GOOD, .is_observed = true}},
    {"a route that answers fast", GATE_FAST, {GOOD, .think_us = 4999}},
    {"a route that answers just not fast", GATE_SEND, {GOOD, .think_us = 5000}},
    {"a client that takes none of it", GATE_UNSAYABLE, {.has_plan = true}},
    {"a client that has it all", GATE_KNOWN, {GOOD, .is_known = true}},
    {"everything at once",
     GATE_RACED,
     {.has_answered = true, .is_session = true, .is_observed = true, .is_known = true}},
};

static void is_weighed_as_the_row_says(void **state) {
    const struct offer_row *row = *state;
    struct gate_conf conf = {.mode = HINT_MODE_HINT, .min_think_us = 5000, .holdback = 10000};
    struct siphash_key secret = {1, 2};
    struct holdback holdback;
    assert_string_equal(gate_reason_row(gate_offer(&conf, &row->facts, NULL))->label,
                        gate_reason_row(row->reason)->label);
    // What is not sent anyway is not drawn from the holdback; what would be is.
    holdback_init(&holdback, &secret, 0);
    holdback_draw(&holdback, 10000); // the first one is never held back
    assert_int_equal(gate_offer(&conf, &row->facts, &holdback),
                     row->reason == GATE_SEND ? GATE_HELD : row->reason);
    assert_int_equal(holdback.n, row->reason == GATE_SEND ? 2 : 1);
    conf.mode = HINT_MODE_OBSERVE;
    assert_int_equal(gate_offer(&conf, &row->facts, &holdback),
                     row->reason == GATE_SEND ? GATE_OBSERVE : row->reason);
    assert_int_equal(holdback.n, row->reason == GATE_SEND ? 2 : 1);
}

static void sessions_are_hinted_where_the_operator_lets_them(void **state) {
    (void)state;
    struct gate_conf conf = {.mode = HINT_MODE_HINT, .sessions = true};
    struct gate_facts facts = {GOOD, .is_session = true, .think_us = 1};
    assert_int_equal(gate_offer(&conf, &facts, NULL), GATE_SEND);
}

static void every_reason_has_words(void **state) {
    (void)state;
    for (int i = 0; i < GATE_REASONS; i++) {
        assert_true(strlen(gate_reason_row(i)->label) > 0);
        assert_true(strlen(gate_reason_row(i)->sentence) > 5);
    }
}

#define N(v) (sizeof(v) / sizeof *(v))

int main(void) {
    struct CMUnitTest requests[N(rows)], weighed[N(offers)];
    for (size_t i = 0; i < N(rows); i++) {
        requests[i] =
            (struct CMUnitTest){rows[i].name, is_decided_as_the_row_says, NULL, NULL, &rows[i]};
    }
    for (size_t i = 0; i < N(offers); i++) {
        weighed[i] =
            (struct CMUnitTest){offers[i].name, is_weighed_as_the_row_says, NULL, NULL, &offers[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_get_is_hinted),
        cmocka_unit_test(http1_is_hinted_by_choice_only),
        cmocka_unit_test(a_front_speaks_for_clients_of_its_own),
        cmocka_unit_test(the_client_is_noticed_on_the_way),
        cmocka_unit_test(who_stands_between_is_noticed),
        cmocka_unit_test(a_pattern_of_names_may_have_stars_anywhere),
        cmocka_unit_test(sessions_are_hinted_where_the_operator_lets_them),
        cmocka_unit_test(every_reason_has_words),
    };
    return cmocka_run_group_tests_name("requests", requests, NULL, NULL) +
           cmocka_run_group_tests_name("offers", weighed, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
