// SPDX-License-Identifier: MIT
// An exchange alone: events in, commands out, written as one line so that a row can be read.
#include "exchange/exchange.h"

#include "base/buf.h"
#include "base/error.h"
#include "hints/plan.h"
#include "hints/route_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/split.h"

static enum file_kind find_file(void *self, struct span path, struct file_info *info) {
    (void)self;
    *info = (struct file_info){.len = 3};
    return span_eq(path, SPAN("/srv/index.php")) || span_eq(path, SPAN("/srv/style.css"))
               ? FILE_REGULAR
               : FILE_NONE;
}

static struct plan *learned; // what find_plan gives for /learned/

static const struct plan *find_plan(void *self, struct span key) {
    (void)self;
    return span_eq(route_key_path(key), SPAN("/learned/")) ? learned : NULL;
}

static struct span suffix = SPAN_INIT(".php");
static struct span pushed = SPAN_INIT("/critical.css");
static struct arena conf_arena;
static struct router router;
static struct route_rule rules[] = {
    {.pattern = SPAN_INIT("/off/*"), .has_mode = true, .mode = HINT_MODE_OFF},
    {.pattern = SPAN_INIT("/push/*"), .pushes = {&pushed, 1}},
    {.pattern = SPAN_INIT("/rule/*")},
};
static struct site site = {
    .name = SPAN_INIT("blog.example"),
    .root = SPAN_INIT("/srv"),
    .front = SPAN_INIT("/index.php"),
    .front_file = SPAN_INIT("/srv/index.php"),
    .must_check = true,
    .suffixes = {&suffix, 1},
    .body_limit = 100,
    .gate = {HINT_MODE_HINT, GATE_BROWSERS},
    .learn = SITE_LEARN_LINK,
    .rules = rules,
    .rules_n = 3,
};
static const struct router_files files = {.find = find_file};
static struct exchange_conf conf = {.router = &router, .files = &files, .find_plan = find_plan};
static const struct cgi_peer peer;

struct fixture {
    struct arena arena;
    struct request request;
    struct exchange x;
    struct response response;
    struct buf said;
};

static void begin(struct fixture *f, const char *method, const char *path) {
    *f = (struct fixture){0};
    arena_init(&f->arena, 1 << 20);
    buf_init(&f->said, 1 << 20);
    f->request = (struct request){.method = span_str(method),
                                  .scheme = SPAN("https"),
                                  .authority = SPAN("blog.example"),
                                  .target = span_str(path),
                                  .path = span_str(path),
                                  .protocol = PROTOCOL_HTTP2,
                                  .is_secure = true};
    pairs_put(&f->request.fields, &f->arena, SPAN("sec-fetch-mode"), SPAN("navigate"));
    pairs_put(&f->request.fields, &f->arena, SPAN("sec-fetch-dest"), SPAN("document"));
    exchange_init(&f->x, &conf, &f->request, &f->arena);
    f->x.peer = &peer;
}

static void say_link(struct fixture *f, const char *what, const struct response *r) {
    const struct span *link = pairs_find(&r->fields, SPAN("link"));
    split_line(&f->said, "%s(%d%s%.*s) ", what, r->status, link ? " " : "", link ? (int)link->n : 0,
               link ? (const char *)link->p : "");
}

static void say(struct fixture *f, const struct exchange_command *c) {
    switch (c->kind) {
    case COMMAND_INFORM:
        say_link(f, "inform", c->response);
        break;
    case COMMAND_PROMISE:
        for (size_t i = 0; i < c->paths_n; i++) {
            split_line(&f->said, "promise(%.*s) ", SPAN_ARG(c->paths[i]));
        }
        break;
    case COMMAND_HEAD:
        say_link(f, c->end ? "head-end" : "head", c->response);
        break;
    case COMMAND_BODY:
        split_line(&f->said, "body ");
        break;
    case COMMAND_FINISH:
        split_line(&f->said, "finish ");
        break;
    case COMMAND_RESET:
        split_line(&f->said, "reset(%s) ", error_row(c->error)->label);
        break;
    case COMMAND_CALL:
        split_line(&f->said, "call ");
        break;
    case COMMAND_CALL_BODY:
        split_line(&f->said, "call-body(%zu) ", c->body.n);
        break;
    case COMMAND_CALL_END:
        split_line(&f->said, "call-end ");
        break;
    case COMMAND_FILE:
        split_line(&f->said, "file(%.*s) ", SPAN_ARG(f->x.route.file));
        break;
    case COMMAND_SENDFILE:
        split_line(&f->said, "sendfile ");
        break;
    case COMMAND_LEARN:
        split_line(&f->said, "learn(%.*s) ", SPAN_ARG(route_key_path(f->x.key)));
        break;
    case COMMAND_ABORT:
        split_line(&f->said, "abort ");
        break;
    }
}

static void put(struct fixture *f, struct exchange_event e) {
    struct exchange_command c;
    exchange_put(&f->x, &e);
    while (exchange_next(&f->x, &c) == STEP_ITEM) {
        say(f, &c);
    }
}

// One letter an event, as the rows below have them.
static void put_letter(struct fixture *f, char letter, const char *link) {
    struct exchange_event e = {.response = &f->response, .body = SPAN("0123456789")};
    f->response = (struct response){.status = 200};
    switch (letter) {
    case 'R':
        e.kind = EXCHANGE_REQUEST;
        break;
    case 'b':
        e.kind = EXCHANGE_REQUEST_BODY;
        break;
    case 'e':
        e.kind = EXCHANGE_REQUEST_END;
        break;
    case 'g':
        e.kind = EXCHANGE_CLIENT_GONE;
        break;
    case 'I':
        e.kind = EXCHANGE_INTERIM;
        f->response.status = 103;
        break;
    case 'c':
        e.kind = EXCHANGE_INTERIM;
        f->response.status = 100;
        break;
    case 'H':
    case 'N':
        e.kind = EXCHANGE_HEAD;
        f->response.status = letter == 'H' ? 200 : 404;
        break;
    case 'B':
        e.kind = EXCHANGE_BODY;
        break;
    case 'E':
        e.kind = EXCHANGE_END;
        break;
    case 'F':
        e.kind = EXCHANGE_FAILED;
        e.error = ERR_BACKEND_CLOSED;
        break;
    default:
        fail_msg("no event %c", letter);
    }
    if (link != NULL) {
        pairs_put(&f->response.fields, &f->arena, SPAN("Link"), span_str(link));
    }
    put(f, e);
}

#define CSS "</a.css>; rel=preload; as=style"
#define LEARNED "</l.css>; rel=preload; as=style"
#define RULED "</r.css>; rel=preload; as=style"

static const struct row {
    const char *name, *method, *path, *events, *said;
    const char *link; // of the responses of the backend
    bool can_push, is_pushed, is_unknown;
    uint64_t body_len;
} rows[] = {
    {.name = "an unknown route is asked for, and its links are learned",
     .path = "/new/",
     .events = "ReHBE",
     .link = CSS,
     .said = "call call-end learn(/new/) head(200 " CSS ") body finish "},
    {.name = "a learned route is hinted before the backend is asked",
     .path = "/learned/",
     .events = "ReHBE",
     .link = CSS,
     .said =
         "inform(103 " LEARNED ") call call-end learn(/learned/) head(200 " CSS ") body finish "},
    {.name = "the operator's hint needs nothing learned",
     .path = "/rule/x",
     .events = "Re",
     .said = "inform(103 " RULED ") call call-end "},
    {.name = "a learned route whose response has no links any more is told so",
     .path = "/learned/",
     .events = "ReH",
     .said = "inform(103 " LEARNED ") call call-end learn(/learned/) head(200) "},
    {.name = "a response without links on an unknown route teaches nothing",
     .path = "/new/",
     .events = "ReH",
     .said = "call call-end head(200) "},
    {.name = "a route that is off is neither hinted nor learned",
     .path = "/off/x",
     .events = "ReH",
     .link = CSS,
     .can_push = true,
     .said = "call call-end head(200 " CSS ") "},
    {.name = "a POST is neither hinted nor learned",
     .method = "POST",
     .path = "/learned/",
     .events = "RbeH",
     .link = CSS,
     .body_len = 10,
     .said = "call call-body(10) call-end head(200 " CSS ") "},
    {.name = "the application's own 103 is passed on where ours has not left",
     .path = "/new/",
     .events = "ReIHE",
     .link = CSS "; nopush",
     .said = "call call-end inform(103 " CSS ") learn(/new/) head(200 " CSS "; nopush) finish "},
    {.name = "only the first 103 leaves, ours or the application's",
     .path = "/learned/",
     .events = "ReI",
     .link = CSS,
     .said = "inform(103 " LEARNED ") call call-end "},
    {.name = "a second 103 of the application is dropped, and so is another interim",
     .path = "/new/",
     .events = "RecII",
     .link = CSS,
     .said = "call call-end inform(103 " CSS ") "},
    {.name = "an interim after the final head is dropped",
     .path = "/new/",
     .events = "ReHI",
     .said = "call call-end head(200) "},
    {.name = "pushes are promised before the head that refers to them",
     .path = "/new/",
     .events = "ReH",
     .link = CSS,
     .can_push = true,
     .said = "call call-end learn(/new/) promise(/a.css) head(200 " CSS ") "},
    {.name = "nopush is honoured",
     .path = "/new/",
     .events = "ReH",
     .link = CSS "; nopush",
     .can_push = true,
     .said = "call call-end learn(/new/) head(200 " CSS "; nopush) "},
    {.name = "the operator's push is promised before the backend is asked",
     .path = "/push/x",
     .events = "Re",
     .can_push = true,
     .said = "promise(/critical.css) call call-end "},
    {.name = "a client that takes no push gets none",
     .path = "/push/x",
     .events = "ReH",
     .link = CSS,
     .said = "call call-end learn(/push/x) head(200 " CSS ") "},
    {.name = "a push is answered with a file, says so, and pushes nothing itself",
     .path = "/style.css",
     .events = "RHBE",
     .link = CSS,
     .can_push = true,
     .is_pushed = true,
     .said = "file(/srv/style.css) head(200 " CSS ") body finish "},
    {.name = "a push of what is not there is taken back",
     .path = "/missing.php",
     .events = "R",
     .is_pushed = true,
     .said = "reset(not_found) "},
    {.name = "a push that would answer 404 is taken back",
     .path = "/gone/",
     .events = "RN",
     .is_pushed = true,
     .said = "call abort reset(not_found) "},
    {.name = "a backend that fails before its head is a page with its status",
     .path = "/new/",
     .events = "ReF",
     .said = "call call-end head(502) body finish "},
    {.name = "103, then failure: there is exactly one final response",
     .path = "/learned/",
     .events = "ReFHF",
     .said = "inform(103 " LEARNED ") call call-end head(502) body finish "},
    {.name = "a backend that fails behind its head is a broken response, never a complete one",
     .path = "/new/",
     .events = "ReHBF",
     .said = "call call-end head(200) body reset(backend_closed) "},
    {.name = "nothing is said to a client that is gone",
     .path = "/new/",
     .events = "RegHBEF",
     .said = "call call-end abort "},
    {.name = "a client may go in the middle of the body, and twice",
     .path = "/new/",
     .events = "ReHBggB",
     .said = "call call-end head(200) body abort "},
    {.name = "a body of unknown length is collected before the backend is asked",
     .method = "POST",
     .path = "/new/",
     .events = "RbbeH",
     .body_len = BODY_UNKNOWN,
     .said = "call-body(10) call-body(10) call call-end head(200) "},
    {.name = "a body that is announced too large is refused before anybody is asked",
     .method = "POST",
     .path = "/new/",
     .events = "Rbe",
     .body_len = 101,
     .said = "head(413) body finish "},
    {.name = "a body that turns out too large is refused",
     .method = "POST",
     .path = "/new/",
     .events = "Rbbbbbbbbbbbe",
     .body_len = BODY_UNKNOWN,
     .said =
         "call-body(10) call-body(10) call-body(10) call-body(10) call-body(10) call-body(10) "
         "call-body(10) call-body(10) call-body(10) call-body(10) abort head(413) body finish "},
    {.name = "a file is sent by whoever has the disk",
     .path = "/style.css",
     .events = "ReHBE",
     .said = "file(/srv/style.css) head(200) body finish "},
    {.name = "a missing script is not asked for",
     .path = "/missing.php",
     .events = "Re",
     .said = "head(404) body finish "},
    {.name = "under a name that no site has, nothing is learned",
     .path = "/new/",
     .events = "ReH",
     .link = CSS,
     .is_unknown = true,
     .said = "call call-end head(200 " CSS ") "},
};

static void test_row(void **state) {
    const struct row *row = *state;
    struct fixture f;
    begin(&f, row->method ? row->method : "GET", row->path);
    f.request.body_len = row->body_len;
    f.x.can_push = row->can_push;
    f.x.is_pushed = row->is_pushed;
    if (row->is_unknown) {
        f.request.authority = SPAN("evil.example");
    }
    for (const char *letter = row->events; *letter != 0; letter++) {
        put_letter(&f, *letter, row->link);
    }
    buf_put(&f.said, span_of("", 1));
    assert_string_equal((const char *)buf_span(&f.said).p, row->said);
    buf_fini(&f.said);
    arena_fini(&f.arena);
}

static void test_a_pushed_response_says_that_it_is(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, "GET", "/style.css");
    f.x.is_pushed = true;
    put_letter(&f, 'R', NULL);
    put_letter(&f, 'H', NULL);
    const struct span *value = pairs_find(&f.x.head.fields, SPAN("x-http2-push"));
    assert_non_null(value);
    assert_true(span_eq(*value, SPAN("pushed")));
    buf_fini(&f.said);
    arena_fini(&f.arena);
}

static void test_what_is_answered_without_a_decision_was_not_hinted(void **state) {
    (void)state;
    static const char *const paths[] = {"/new/", "/style.css", "/missing.php"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct fixture f;
        begin(&f, "POST", paths[i]);
        f.request.body_len = 101; // more than the site takes
        put_letter(&f, 'R', NULL);
        assert_int_equal(f.x.gate, GATE_ANSWERED);
        buf_fini(&f.said);
        arena_fini(&f.arena);
    }
}

static void test_a_redirecting_listener_keeps_host_path_and_query(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, "GET", "/a?b=c");
    struct exchange_conf redirecting = conf;
    redirecting.redirect_https = true;
    redirecting.https_port = 8443;
    f.x.conf = &redirecting;
    put_letter(&f, 'R', NULL);
    const struct span *value = pairs_find(&f.x.head.fields, SPAN("location"));
    assert_int_equal(f.x.status, 301);
    assert_true(span_eq(*value, SPAN("https://blog.example:8443/a?b=c")));
    buf_fini(&f.said);
    arena_fini(&f.arena);
}

static void test_a_redirect_of_somebody_who_names_no_host_goes_to_the_site(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, "GET", "/a");
    struct exchange_conf redirecting = conf;
    redirecting.redirect_https = true;
    redirecting.https_port = 443;
    f.request.authority = SPAN(""); // HTTP/1.0 may
    f.x.conf = &redirecting;
    put_letter(&f, 'R', NULL);
    const struct span *value = pairs_find(&f.x.head.fields, SPAN("location"));
    assert_true(span_eq(*value, SPAN("https://blog.example/a")));
    buf_fini(&f.said);
    arena_fini(&f.arena);
}

static const struct plan *plan_of(const char *link) {
    struct target_page page = {SPAN("https"), SPAN("blog.example"), SPAN("/")};
    struct pairs fields = {.n = 0};
    pairs_put(&fields, &conf_arena, SPAN("link"), span_str(link));
    return plan_of_links(&fields, &page, &conf_arena);
}

int main(void) {
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct CMUnitTest tests[ROWS + 4];
    arena_init(&conf_arena, 1 << 20);
    if (router_init(&router, &conf_arena, &site, 1) != 0) {
        return 1;
    }
    const struct plan *plan = plan_of(LEARNED);
    learned = plan_new(&(struct plan_conf){.version = 1}, plan->hints, plan->hints_n);
    rules[2].plan = plan_of(RULED);
    for (size_t i = 0; i < ROWS; i++) {
        tests[i] = (struct CMUnitTest){rows[i].name, test_row, NULL, NULL, NULL};
        memcpy(&tests[i].initial_state, &(const struct row *){&rows[i]}, sizeof(void *));
    }
    tests[ROWS] = (struct CMUnitTest)cmocka_unit_test(test_a_pushed_response_says_that_it_is);
    tests[ROWS + 1] =
        (struct CMUnitTest)cmocka_unit_test(test_a_redirecting_listener_keeps_host_path_and_query);
    tests[ROWS + 2] = (struct CMUnitTest)cmocka_unit_test(
        test_what_is_answered_without_a_decision_was_not_hinted);
    tests[ROWS + 3] = (struct CMUnitTest)cmocka_unit_test(
        test_a_redirect_of_somebody_who_names_no_host_goes_to_the_site);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    plan_free(learned);
    arena_fini(&conf_arena);
    return failed;
}
