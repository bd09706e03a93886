// SPDX-License-Identifier: MIT
// An exchange alone: events in, commands out, written as one line so that a row can be read.
#include "exchange/exchange.h"

#include "base/buf.h"
#include "base/error.h"
#include "learner/learner.h"

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

static const struct siphash_key secret = {7, 8};
static struct plan *learned; // what is published for /learned/, and for all below /kind/

static bool find_offer(void *self, struct route_id id, struct offer *out) {
    (void)self;
    static const struct span keys[] = {SPAN_INIT("blog.example\0p/learned/"),
                                       SPAN_INIT("blog.example\0p/kind/\1")};
    for (size_t i = 0; i < 2; i++) {
        if (route_id_eq(id, route_key_id(&secret, keys[i]))) {
            *out = (struct offer){.plan = learned, .scope = (enum offer_scope)i};
            return true;
        }
    }
    return false;
}

// /gone.css is known to be gone, /keep.css and /l.css to be good for a minute, of others nothing
// is.
static bool find_asset(void *self, struct route_id id, struct offer_asset *out) {
    (void)self;
    static const struct {
        struct span path;
        enum offer_asset_state state;
    } known[] = {{SPAN_INIT("/gone.css"), OFFER_ASSET_DEAD},
                 {SPAN_INIT("/keep.css"), OFFER_ASSET_REUSABLE},
                 {SPAN_INIT("/l.css"), OFFER_ASSET_REUSABLE}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (route_id_eq(id, route_asset_id(&secret, SPAN("blog.example"), known[i].path))) {
            *out = (struct offer_asset){known[i].state, 60};
            return true;
        }
    }
    return false;
}

static struct span suffix = SPAN_INIT(".php");
static struct span pushed = SPAN_INIT("/critical.css");
static struct arena conf_arena;
static struct router router;
static struct route_rule rules[] = {
    {.pattern = SPAN_INIT("/off/*"), .has_mode = true, .mode = HINT_MODE_OFF},
    {.pattern = SPAN_INIT("/push/*"), .pushes = {&pushed, 1}},
    {.pattern = SPAN_INIT("/rule/*")},
    {.pattern = SPAN_INIT("/worn/*")},
};
static struct site site = {
    .name = SPAN_INIT("blog.example"),
    .root = SPAN_INIT("/srv"),
    .front.path = SPAN_INIT("/index.php"),
    .front.file = SPAN_INIT("/srv/index.php"),
    .must_check = true,
    .suffixes = {&suffix, 1},
    .body_limit = 100,
    .gate = {.mode = HINT_MODE_HINT, .sessions = true},
    .policy = {.learn = LEARNER_LINK | LEARNER_REQUEST},
    .rules = rules,
    .rules_n = 4,
};
static const struct router_files files = {.find = find_file};
static struct observer observer;
static int64_t unix_time = 1790000000;
static struct exchange_conf conf = {
    .router = &router,
    .files = &files,
    .published = {.find = find_offer, .find_asset = find_asset, .secret = {7, 8}},
    .observer = &observer};
static const struct ip from = {4, {192, 0, 2, 1}};
static const struct cgi_peer peer;

struct fixture {
    struct arena arena;
    struct request request;
    struct exchange x;
    struct response response;
    const char *type;          // of the final response; NULL: "text/html"
    const char *const *answer; // a field of it, or NULL
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
    assert_int_equal(
        pairs_put(&f->request.fields, &f->arena, SPAN("sec-fetch-mode"), SPAN("navigate")), 0);
    assert_int_equal(
        pairs_put(&f->request.fields, &f->arena, SPAN("sec-fetch-dest"), SPAN("document")), 0);
    exchange_init(&f->x, &conf,
                  &(struct exchange_request){
                      .request = &f->request, .arena = &f->arena, .peer = &peer, .from = &from});
}

// Sets a field of the request; NULL: none.
static void put_field(struct fixture *f, const char *const *field) {
    struct pairs *fields = &f->request.fields;
    for (size_t i = 0; field[0] != NULL && i < fields->n; i++) {
        if (span_eq(fields->v[i].name, span_str(field[0]))) {
            fields->v[i].value = span_str(field[1]);
            return;
        }
    }
    if (field[0] != NULL) {
        assert_int_equal(pairs_put(fields, &f->arena, span_str(field[0]), span_str(field[1])), 0);
    }
}

static void end(struct fixture *f) {
    exchange_fini(&f->x);
    exchange_fini(&f->x);
    buf_fini(&f->said);
    arena_fini(&f->arena);
}

static void say_link(struct fixture *f, const char *what, const struct response *r) {
    const struct span *link = pairs_find(&r->fields, SPAN("link"));
    split_line(&f->said, "%s(%d%s%.*s) ", what, r->status, link ? " " : "", link ? (int)link->n : 0,
               link ? (const char *)link->p : "");
}

static void say_evidence(struct fixture *f, struct span bytes) {
    static const char *const kinds[] = {"learn", "visit", "asset", "sheet"};
    struct evidence e;
    struct evidence_item item;
    assert_true(evidence_decode(&e, bytes));
    split_line(&f->said, "%s(%.*s", kinds[e.kind], SPAN_ARG(e.target));
    if (e.status != 200 && e.status != 0) {
        split_line(&f->said, " %d", e.status);
    }
    split_line(&f->said, "%s%s", e.flags & EVIDENCE_PRIVATE ? " private" : "",
               e.flags & EVIDENCE_SESSION ? " session" : "");
    while (evidence_next(&e.items, &item)) {
        split_line(&f->said, " %.*s", SPAN_ARG(item.text));
    }
    split_line(&f->said, ") ");
}

static void say(struct fixture *f, const struct exchange_command *c) {
    switch (c->kind) {
    case COMMAND_INFORM:
        say_link(f, "inform", c->response);
        break;
    case COMMAND_PROMISE:
        for (size_t i = 0; i < c->push->n; i++) {
            split_line(&f->said, "promise(%.*s) ", SPAN_ARG(c->push->paths[i]));
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
        say_evidence(f, c->body);
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
    case 'M':
        e.kind = EXCHANGE_HEAD;
        f->response.status = letter == 'H' ? 200 : letter == 'N' ? 404 : 301;
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
    if (e.kind == EXCHANGE_HEAD) {
        assert_int_equal(pairs_put(&f->response.fields, &f->arena, SPAN("content-type"),
                                   f->type != NULL ? span_str(f->type) : SPAN("text/html")),
                         0);
    }
    if (e.kind == EXCHANGE_HEAD && f->answer != NULL && f->answer[0] != NULL) {
        assert_int_equal(pairs_put(&f->response.fields, &f->arena, span_str(f->answer[0]),
                                   span_str(f->answer[1])),
                         0);
    }
    if (link != NULL) {
        assert_int_equal(pairs_put(&f->response.fields, &f->arena, SPAN("Link"), span_str(link)),
                         0);
    }
    put(f, e);
}

#define CSS "</a.css>; rel=preload; as=style"
#define LEARNED "</l.css>; rel=preload; as=style"
#define RULED "</r.css>; rel=preload; as=style"

static const struct row {
    const char *name, *method, *path, *events, *said;
    const char *link;      // of the responses of the backend
    const char *type;      // of its final response; NULL: "text/html"
    const char *query;     // of the request
    const char *field[2];  // a further field of the request, or instead of one of a navigation
    const char *answer[2]; // of the final response
    bool can_push, is_pushed, is_unknown;
    uint64_t body_len;
} rows[] = {
    {.name = "an unknown route is asked for, and its links are learned",
     .path = "/new/",
     .events = "ReHBE",
     .link = CSS,
     .said = "call call-end head(200 " CSS ") body learn(/new/ " CSS ") finish "},
    {.name = "a learned route is hinted before the backend is asked",
     .path = "/learned/",
     .events = "ReHBE",
     .link = CSS,
     .said = "inform(103 " LEARNED ") call call-end head(200 " CSS ") body learn(/learned/ " CSS
             ") finish "},
    {.name = "a route that was never seen is hinted what its kind needs",
     .path = "/kind/x",
     .events = "Re",
     .said = "inform(103 " LEARNED ") call call-end "},
    {.name = "the operator's hint needs nothing learned",
     .path = "/rule/x",
     .events = "Re",
     .said = "inform(103 " RULED ") call call-end "},
    {.name = "a page without links says that it has none",
     .path = "/learned/",
     .events = "ReHE",
     .said = "inform(103 " LEARNED ") call call-end head(200) learn(/learned/) finish "},
    {.name = "a page that is broken off teaches nothing",
     .path = "/learned/",
     .events = "ReHBF",
     .link = CSS,
     .said = "inform(103 " LEARNED ") call call-end head(200 " CSS ") body reset(backend_closed) "},
    {.name = "what is no page teaches nothing",
     .path = "/new/",
     .events = "ReHE",
     .link = CSS,
     .type = "application/json",
     .said = "call call-end head(200 " CSS ") finish "},
    {.name = "a hinted route that fails is told so",
     .path = "/learned/",
     .events = "ReNE",
     .link = CSS,
     .said =
         "inform(103 " LEARNED ") call call-end learn(/learned/ 404) head(404 " CSS ") finish "},
    {.name = "a failing route that nobody hints says nothing",
     .path = "/new/",
     .events = "ReNE",
     .link = CSS,
     .said = "call call-end head(404 " CSS ") finish "},
    {.name = "a page of a session is told as such",
     .path = "/new/",
     .events = "ReHE",
     .field = {"cookie", "PHPSESSID=1"},
     .said = "call call-end head(200) learn(/new/ session) finish "},
    {.name = "a session is hinted what the public is",
     .path = "/learned/",
     .events = "Re",
     .field = {"cookie", "PHPSESSID=1"},
     .said = "inform(103 " LEARNED ") call call-end "},
    {.name = "a page for one user is told as such",
     .path = "/new/",
     .events = "ReHE",
     .answer = {"cache-control", "no-store"},
     .said = "call call-end head(200) learn(/new/ private) finish "},
    {.name = "the page's policies are told",
     .path = "/new/",
     .events = "ReHE",
     .answer = {"Content-Security-Policy", "default-src 'self'"},
     .said = "call call-end head(200) learn(/new/ content-security-policy: default-src 'self') "
             "finish "},
    {.name = "a page chosen by what others do not send teaches nothing",
     .path = "/new/",
     .events = "ReHE",
     .answer = {"vary", "*"},
     .said = "call call-end head(200) finish "},
    {.name = "a query that tells nothing apart is hinted, but teaches nothing",
     .path = "/learned/",
     .query = "x=y",
     .events = "ReHE",
     .said = "inform(103 " LEARNED ") call call-end head(200) finish "},
    {.name = "a fetch by a script of the page is no page",
     .path = "/new/",
     .events = "ReHE",
     .field = {"sec-fetch-mode", "cors"},
     .said = "call call-end head(200) finish "},
    {.name = "an asset that is gone is left out of the application's hints",
     .path = "/new/",
     .events = "ReI",
     .link = "</gone.css>; rel=preload; as=style, " CSS,
     .said = "call call-end inform(103 " CSS ") "},
    {.name = "and where nothing else is left, nothing is sent",
     .path = "/new/",
     .events = "ReI",
     .link = "</gone.css>; rel=preload; as=style",
     .said = "call call-end "},
    {.name = "an asset that is gone is left out of the operator's hints",
     .path = "/worn/x",
     .events = "Re",
     .said = "inform(103 " RULED ") call call-end "},
    {.name = "an asset that a script answers is told, once",
     .path = "/new.css",
     .events = "ReHE",
     .field = {"sec-fetch-dest", "style"},
     .type = "text/css",
     .said = "call call-end asset(/new.css) head(200) finish "},
    {.name = "an asset that a script answers is known by its type, too",
     .path = "/other.css",
     .events = "ReHE",
     .field = {"sec-fetch-mode", "no-cors"},
     .type = "text/css; charset=utf-8",
     .said = "call call-end asset(/other.css) head(200) finish "},
    {.name = "one that was known and is not there any more is told",
     .path = "/keep.css",
     .events = "ReNE",
     .field = {"sec-fetch-dest", "style"},
     .said = "call call-end asset(/keep.css 404) head(404) finish "},
    {.name = "one that is only elsewhere by another scheme is not gone",
     .path = "/keep.css",
     .events = "ReME",
     .field = {"sec-fetch-dest", "style"},
     .answer = {"location", "https://blog.example/keep.css"},
     .said = "call call-end head(301) finish "},
    {.name = "one that moved is gone",
     .path = "/keep.css",
     .events = "ReME",
     .field = {"sec-fetch-dest", "style"},
     .answer = {"location", "https://blog.example/login"},
     .said = "call call-end asset(/keep.css 301) head(301) finish "},
    {.name = "one that fails for a request with a body is not gone",
     .path = "/keep.css",
     .events = "RbeNE",
     .field = {"sec-fetch-dest", "style"},
     .body_len = 10,
     .said = "call call-body(10) call-end head(404) finish "},
    {.name = "a GET with a body teaches nothing",
     .path = "/learned/",
     .events = "RbeHE",
     .link = CSS,
     .body_len = 10,
     .said = "inform(103 " LEARNED ") call call-body(10) call-end head(200 " CSS ") finish "},
    {.name = "one that is known to be gone need not be told to be",
     .path = "/gone.css",
     .events = "ReNE",
     .field = {"sec-fetch-dest", "style"},
     .said = "call call-end head(404) finish "},
    {.name = "one that is back is told",
     .path = "/gone.css",
     .events = "ReHE",
     .field = {"sec-fetch-dest", "style"},
     .type = "text/css",
     .said = "call call-end asset(/gone.css) head(200) finish "},
    {.name = "a part of one says nothing",
     .path = "/keep.css",
     .events = "ReNE",
     .field = {"range", "bytes=1-"},
     .said = "call call-end head(404) finish "},
    {.name = "a file is told by who looks at the disk",
     .path = "/style.css",
     .events = "ReHBE",
     .field = {"sec-fetch-dest", "style"},
     .type = "text/css",
     .said = "file(/srv/style.css) head(200) body finish "},
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
     .said = "call call-end inform(103 " CSS ") head(200 " CSS "; nopush) learn(/new/ " CSS
             "; nopush) finish "},
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
     .said = "call call-end promise(/a.css) head(200 " CSS ") "},
    {.name = "nopush is honoured",
     .path = "/new/",
     .events = "ReH",
     .link = CSS "; nopush",
     .can_push = true,
     .said = "call call-end head(200 " CSS "; nopush) "},
    {.name = "the operator's push is promised before the backend is asked",
     .path = "/push/x",
     .events = "Re",
     .can_push = true,
     .said = "promise(/critical.css) call call-end "},
    {.name = "a client that takes no push gets none",
     .path = "/push/x",
     .events = "ReH",
     .link = CSS,
     .said = "call call-end head(200 " CSS ") "},
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
    f.x.facts.can_push = row->can_push;
    f.x.facts.is_pushed = row->is_pushed;
    if (row->is_unknown) {
        f.request.authority = SPAN("evil.example");
    }
    if (row->query != NULL) {
        f.request.query = span_str(row->query);
    }
    put_field(&f, row->field);
    f.type = row->type;
    f.answer = row->answer;
    for (const char *letter = row->events; *letter != 0; letter++) {
        put_letter(&f, *letter, row->link);
    }
    buf_put(&f.said, span_of("", 1));
    assert_string_equal((const char *)buf_span(&f.said).p, row->said);
    end(&f);
}

static void test_a_pushed_response_says_that_it_is(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, "GET", "/style.css");
    f.x.facts.is_pushed = true;
    put_letter(&f, 'R', NULL);
    put_letter(&f, 'H', NULL);
    const struct span *value = pairs_find(&f.x.head.fields, SPAN("x-http2-push"));
    assert_non_null(value);
    assert_true(span_eq(*value, SPAN("pushed")));
    end(&f);
}

static void test_what_is_answered_without_a_decision_was_not_hinted(void **state) {
    (void)state;
    static const char *const paths[] = {"/new/", "/style.css", "/missing.php"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct fixture f;
        begin(&f, "POST", paths[i]);
        f.request.body_len = 101; // more than the site takes
        put_letter(&f, 'R', NULL);
        assert_int_equal(f.x.hinting.gate, GATE_ANSWERED);
        end(&f);
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
    assert_int_equal(f.x.head.status, 301);
    assert_true(span_eq(*value, SPAN("https://blog.example:8443/a?b=c")));
    end(&f);
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
    end(&f);
}

// ---- more than one exchange ---------------------------------------------------------------------

static struct seen seen; // of a connection

// One navigation to /learned/ on the connection, with a further field of its own.
static enum gate_reason navigate(const char *const *field, uint64_t now_us) {
    struct fixture f;
    begin(&f, "GET", "/learned/");
    put_field(&f, field);
    f.x.facts.seen = &seen;
    f.x.facts.now_us = now_us;
    put_letter(&f, 'R', NULL);
    enum gate_reason reason = f.x.hinting.gate;
    assert_int_equal(f.x.hinting.has_informed, reason == GATE_SEND);
    end(&f);
    return reason;
}

static void test_a_connection_is_not_told_again_what_it_has(void **state) {
    (void)state;
    static const char *const none[2] = {NULL};
    static const char *const shared[][2] = {
        {"via", "2 proxy"}, {"forwarded", "for=192.0.2.7"}, {"x-forwarded-for", "192.0.2.7"}};
    seen_init(&seen);
    assert_int_equal(navigate(none, 1000000), GATE_SEND);
    assert_int_equal(navigate(none, 2000000), GATE_KNOWN);
    for (size_t i = 0; i < 3; i++) { // it carries requests of others
        assert_int_equal(navigate(shared[i], 3000000), GATE_SEND);
    }
    assert_int_equal(navigate(none, 62000000), GATE_SEND); // its minute is over
    seen_fini(&seen);
}

static void test_what_was_fetched_on_a_connection_is_not_hinted_on_it(void **state) {
    (void)state;
    static const char *const none[2] = {NULL}, *const style[] = {"sec-fetch-dest", "style"},
                             *const fresh[] = {"cache-control", "max-age=60"};
    struct fixture f;
    seen_init(&seen);
    begin(&f, "GET", "/l.css");
    put_field(&f, style);
    f.type = "text/css";
    f.answer = fresh;
    f.x.facts.seen = &seen;
    f.x.facts.now_us = 1000000;
    put_letter(&f, 'R', NULL);
    put_letter(&f, 'H', NULL);
    end(&f);
    assert_int_equal(navigate(none, 2000000), GATE_KNOWN);
    assert_int_equal(navigate(none, 62000000), GATE_SEND);
    seen_fini(&seen);
}

static void test_some_navigations_are_held_back(void **state) {
    (void)state;
    static const char *const none[2] = {NULL};
    struct holdback holdback;
    unsigned held = 0;
    holdback_init(&holdback, &secret, 0);
    conf.holdbacks = &holdback;
    site.gate.holdback = 1000;
    for (unsigned i = 0; i < 1000; i++) {
        seen_init(&seen);
        enum gate_reason reason = navigate(none, 1000000);
        assert_true(reason == GATE_SEND || reason == GATE_HELD);
        held += reason == GATE_HELD;
        seen_fini(&seen);
    }
    site.gate.holdback = 0;
    conf.holdbacks = NULL;
    assert_in_range(held, 98, 100);
}

static void test_who_is_held_back_gets_no_hints_of_the_application_either(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, "GET", "/learned/");
    put_letter(&f, 'R', NULL);
    f.x.hinting.has_informed = false;
    f.x.hinting.gate = GATE_HELD;
    buf_fini(&f.said);
    put_letter(&f, 'I', CSS);
    assert_int_equal(buf_len(&f.said), 0);
    end(&f);
}

static const char *said_of_two(enum site_relay relay, const char *mode) {
    static char text[512];
    struct fixture f;
    const char *field[] = {"sec-fetch-mode", mode};
    site.relay = relay;
    begin(&f, "GET", "/new/");
    put_field(&f, field);
    put_letter(&f, 'R', NULL);
    put_letter(&f, 'I', CSS);
    put_letter(&f, 'I', RULED);
    snprintf(text, sizeof text, "%.*s", (int)buf_len(&f.said), (const char *)buf_span(&f.said).p);
    end(&f);
    site.relay = SITE_RELAY_FIRST;
    return text;
}

static void test_what_becomes_of_the_applications_own_is_the_operators_choice(void **state) {
    (void)state;
    assert_string_equal(said_of_two(SITE_RELAY_FIRST, "navigate"), "call inform(103 " CSS ") ");
    assert_string_equal(said_of_two(SITE_RELAY_ALL, "navigate"), "call inform(103 " CSS ") ");
    assert_string_equal(said_of_two(SITE_RELAY_OFF, "navigate"), "call ");
    assert_string_equal(said_of_two(SITE_RELAY_FIRST, "cors"), "call ");
    assert_string_equal(said_of_two(SITE_RELAY_OFF, "cors"), "call ");
    assert_string_equal(said_of_two(SITE_RELAY_ALL, "cors"),
                        "call inform(103 " CSS ") inform(103 " RULED ") ");
}

static void test_no_client_gets_more_interim_responses_than_it_bears(void **state) {
    (void)state;
    static const char *const field[] = {"sec-fetch-mode", "cors"};
    struct fixture f;
    site.relay = SITE_RELAY_ALL;
    begin(&f, "GET", "/new/");
    put_field(&f, field);
    put_letter(&f, 'R', NULL);
    for (unsigned i = 0; i < 9; i++) {
        put_letter(&f, 'I', CSS);
    }
    assert_int_equal(f.x.hinting.interims, 4);
    end(&f);
    site.relay = SITE_RELAY_FIRST;
}

static void test_the_links_of_a_103_that_came_too_late_are_learned(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, "GET", "/learned/");
    put_letter(&f, 'R', NULL);
    put_letter(&f, 'e', NULL);
    put_letter(&f, 'I', CSS);
    put_letter(&f, 'H', NULL);
    put_letter(&f, 'E', NULL);
    assert_true(span_eq(
        buf_span(&f.said),
        SPAN("inform(103 " LEARNED ") call call-end head(200) learn(/learned/ " CSS ") finish ")));
    end(&f);
}

static void test_a_head_that_finds_no_memory_is_a_502(void **state) {
    (void)state;
    static const char *const ours[] = {"X-Accel-Buffering", "no"};
    struct fixture f;
    begin(&f, "GET", "/new/");
    put_letter(&f, 'R', NULL);
    f.answer = ours;
    f.x.facts.arena->budget = f.x.facts.arena->used + 1500; // the response's fields fit, once
    put_letter(&f, 'H', NULL);
    assert_int_equal(f.x.head.status, 502);
    end(&f);
}

static void test_a_visit_is_told_with_what_was_fetched_for_it(void **state) {
    (void)state;
    static const char *const referer[] = {"referer", "https://blog.example/new/"},
                             *const style[] = {"sec-fetch-dest", "style"};
    struct fixture page, css;
    struct evidence e;
    struct evidence_item item;
    while (observer_next_visit(&observer, 0, true) > 0) { // of the tests before
    }
    unix_time++; // nor does this route teach too often
    begin(&page, "GET", "/new/");
    page.x.facts.now_us = 5000000;
    put_letter(&page, 'R', NULL);
    page.x.facts.now_us = 5100000;
    put_letter(&page, 'H', NULL);
    put_letter(&page, 'E', NULL);
    end(&page);
    begin(&css, "GET", "/style.css");
    put_field(&css, referer);
    put_field(&css, style);
    css.type = "text/css";
    css.x.facts.now_us = 5200000;
    put_letter(&css, 'R', NULL);
    put_letter(&css, 'H', NULL);
    put_letter(&css, 'E', NULL);
    css.x.facts.now_us = 5300000;
    exchange_put(&css.x, &(struct exchange_event){.kind = EXCHANGE_SENT});
    end(&css);
    size_t n = observer_next_visit(&observer, 9000000, false);
    assert_true(evidence_decode(&e, span_of(observer.bytes, n)));
    assert_int_equal(e.kind, EVIDENCE_VISIT);
    assert_true(span_eq(route_key_path(e.key), SPAN("/new/")));
    assert_int_equal(e.think_us, 100000);
    assert_int_equal(e.critical_us, 300000);
    assert_true(e.network != 0 && e.who == e.network);
    assert_true(evidence_next(&e.items, &item));
    assert_true(span_eq(item.text, SPAN("/style.css")));
    assert_int_equal(item.flags, EVIDENCE_ANSWERED);
    assert_int_equal(item.asked_ms, 200);
    assert_int_equal(item.done_ms, 300);
    assert_false(evidence_next(&e.items, &item));
}

// A 304 has no type: whatever has a validator answers one.
static void test_a_304_is_a_fetch_of_what_is_known_as_an_asset(void **state) {
    (void)state;
    static const char *const style[] = {"sec-fetch-dest", "style"};
    static const char *const paths[] = {"/report", "/gone.css", "/keep.css"};
    for (size_t i = 0; i < 3; i++) {
        struct fixture f;
        struct response response = {.status = 304};
        begin(&f, "GET", paths[i]);
        put_field(&f, style);
        put_letter(&f, 'R', NULL);
        f.x.observation.fetch = (struct visit_ref){1, UINT32_MAX, 1};
        put(&f, (struct exchange_event){.kind = EXCHANGE_HEAD, .response = &response});
        assert_int_equal(f.x.observation.is_fetch_good, i == 2);
        end(&f);
    }
}

static void test_a_visit_to_a_page_that_fails_is_none(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, "GET", "/new/");
    put_letter(&f, 'R', NULL);
    assert_int_not_equal(f.x.observation.visit.place, 0);
    put_letter(&f, 'N', NULL);
    assert_true(list_is_empty(&observer.visits.thinking));
    assert_true(list_is_empty(&observer.visits.active));
    end(&f);
    begin(&f, "GET", "/new/");
    put_letter(&f, 'R', NULL);
    put_letter(&f, 'g', NULL);
    end(&f);
    assert_true(list_is_empty(&observer.visits.thinking));
}

// How many of 50 views by the network teach.
static unsigned taught_by(uint8_t network) {
    unsigned taught = 0;
    struct ip there = {4, {198, 51, network, 1}};
    for (unsigned i = 0; i < 50; i++) {
        struct fixture f;
        begin(&f, "GET", "/busy/");
        f.x.facts.from = &there;
        put_letter(&f, 'R', NULL);
        put_letter(&f, 'H', NULL);
        taught += f.x.observation.capture != NULL;
        end(&f);
    }
    return taught;
}

static void test_a_busy_route_teaches_some_times_a_second(void **state) {
    (void)state;
    uint64_t spared = observer.spared, before = observer.pages_by[LEARN_OK],
             quota = observer.pages_by[LEARN_QUOTA];
    unix_time++;
    assert_int_equal(taught_by(1), OBSERVER_SHARE); // one keeps nobody else from it
    assert_int_equal(taught_by(2), OBSERVER_OWN);
    assert_int_equal(taught_by(3), OBSERVER_OWN);
    assert_int_equal(taught_by(4), 0);
    assert_int_equal(observer.spared - spared, 200 - OBSERVER_EACH);
    assert_int_equal(observer.pages_by[LEARN_OK] - before, OBSERVER_EACH);
    assert_int_equal(observer.pages_by[LEARN_QUOTA] - quota, 200 - OBSERVER_EACH);
    unix_time++;
}

// What makes a request such that its response can teach nothing.
static const struct idle {
    const char *query;     // NULL: none
    const char *field[2];  // of the request, or NULL
    const char *answer[2]; // of the response, or NULL
} idles[] = {
    {.query = "junk=1"},
    {.field = {"sec-purpose", "prefetch"}},
    {.field = {"accept-language", "tlh"}, .answer = {"vary", "accept-language"}},
};

// Asked first whether they can teach, they use up no one's turn: not their network's, not the
// route's.
static void test_requests_that_cannot_teach_take_nobodys_turn(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof idles / sizeof *idles; k++) {
        uint64_t spared = observer.spared;
        unix_time++;
        for (unsigned i = 0; i < 200; i++) {
            struct fixture f;
            struct ip there = {4, {198, 51, (uint8_t)(1 + i % 20), 1}};
            begin(&f, "GET", "/busy/");
            f.request.query = idles[k].query != NULL ? span_str(idles[k].query) : SPAN("");
            f.x.facts.from = &there;
            put_field(&f, idles[k].field);
            f.answer = idles[k].answer[0] != NULL ? idles[k].answer : NULL;
            put_letter(&f, 'R', NULL);
            put_letter(&f, 'H', NULL);
            assert_null(f.x.observation.capture);
            end(&f);
        }
        assert_int_equal(observer.spared, spared);
        assert_int_equal(taught_by(1), OBSERVER_SHARE);
    }
    unix_time++;
}

// The pages and stylesheets of one network that asks for all it can, and of another that asks once.
static const struct ip flooder = {4, {203, 0, 113, 9}}, calm = {4, {192, 0, 2, 77}};

// A request of the address for a path of its own, up to the final head.
static void ask_for(struct fixture *f, const struct ip *who, unsigned i, const char *type) {
    static char path[32];
    snprintf(path, sizeof path, "/flood/%u", i);
    begin(f, "GET", "/");
    f->request.target = f->request.path = arena_copy(&f->arena, span_str(path));
    f->x.facts.from = who;
    f->type = type;
    if (strcmp(type, "text/css") == 0) {
        f->request.fields.n = 0; // no navigation
    }
    put_letter(f, 'R', NULL);
    buf_fini(&f->said);
    put_letter(f, 'H', NULL);
}

// It taught its route, or of the asset.
static bool has_taught(const struct fixture *f) {
    return f->x.observation.capture != NULL || span_has_prefix(buf_span(&f->said), SPAN("asset("));
}

static void test_a_flood_of_one_network_keeps_no_other_from_teaching(void **state) {
    (void)state;
    static const char *const types[] = {"text/html", "text/css"};
    static const unsigned most[] = {OBSERVER_ALL / 2, OBSERVER_ASSETS / 2};
    struct fixture f;
    unix_time++;
    for (unsigned kind = 0; kind < 2; kind++) {
        unsigned taught = 0;
        for (unsigned i = 0; i < 10000; i++) {
            ask_for(&f, &flooder, 10000 * kind + i, types[kind]);
            taught += has_taught(&f);
            put_letter(&f, 'E', NULL);
            end(&f);
        }
        assert_int_equal(taught, most[kind]);
        ask_for(&f, &calm, 20000 + kind, types[kind]);
        assert_true(has_taught(&f));
        end(&f);
    }
    while (observer_next_visit(&observer, 0, true) > 0) {
    }
}

static void test_responses_that_one_network_reads_slowly_leave_others_room(void **state) {
    (void)state;
    static struct fixture slow[2 * OBSERVER_CAPTURES];
    struct fixture f;
    uint64_t refused = observer.refused;
    for (unsigned i = 0; i < 2 * OBSERVER_CAPTURES; i++) {
        unix_time += i % OBSERVER_OWN == 0;
        ask_for(&slow[i], &flooder, i, "text/html");
    }
    assert_true(observer.refused > refused); // bounded, and counted
    assert_true(observer.pages_by[LEARN_ROOM] > 0);
    ask_for(&f, &calm, 1, "text/html");
    assert_non_null(f.x.observation.capture);
    end(&f);
    for (unsigned i = 0; i < 2 * OBSERVER_CAPTURES; i++) {
        end(&slow[i]);
    }
    unix_time++;
    ask_for(&f, &flooder, 1, "text/html"); // all were given back
    assert_non_null(f.x.observation.capture);
    end(&f);
}

static void test_visits_of_one_network_leave_others_room(void **state) {
    (void)state;
    struct fixture f;
    uint64_t refused = observer.visits.refused;
    for (unsigned i = 0; i < 2 * VISIT_MOST; i++) {
        ask_for(&f, &flooder, i, "text/html");
        put_letter(&f, 'E', NULL);
        end(&f);
        unix_time++;
    }
    assert_true(observer.visits.refused > refused);
    ask_for(&f, &calm, 1, "text/html");
    assert_int_not_equal(f.x.observation.visit.place, 0);
    end(&f);
    while (observer_next_visit(&observer, 0, true) > 0) {
    }
}

// What one visitor's stylesheet imports would be hinted to all.
static void test_a_stylesheet_for_one_visitor_tells_no_imports(void **state) {
    (void)state;
    static const struct {
        const char *field[2], *answer[2];
    } cases[] = {
        {{"cookie", "PHPSESSID=1"}, {NULL}},
        {{"authorization", "Basic eDp5"}, {NULL}},
        {{"cookie", "theme=7"}, {"vary", "cookie"}},
        {{NULL}, {"cache-control", "private, max-age=60"}},
        {{NULL}, {"set-cookie", "a=b"}},
        {{NULL}, {"vary", "*"}},
    };
    site.policy.learn = 15;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        char path[32];
        snprintf(path, sizeof path, "/own-%zu.css", i);
        begin(&f, "GET", path);
        f.type = "text/css";
        f.answer = cases[i].answer;
        f.request.fields.n = 0;
        put_field(&f, cases[i].field);
        put_letter(&f, 'R', NULL);
        put_letter(&f, 'H', NULL);
        assert_null(f.x.observation.capture);
        end(&f);
    }
    site.policy.learn = LEARNER_LINK | LEARNER_REQUEST;
}

// Relative links lead elsewhere from there.
static void test_a_path_in_another_spelling_is_hinted_but_teaches_nothing(void **state) {
    (void)state;
    static const char *const targets[] = {"//learned/", "/learned%2F", "/x/../learned/",
                                          "/./learned/", "/learned//"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct fixture f;
        begin(&f, "GET", "/learned/");
        f.request.target = span_str(targets[i]);
        put_letter(&f, 'R', NULL);
        assert_true(f.x.hinting.has_informed);
        put_letter(&f, 'H', CSS);
        assert_null(f.x.observation.capture);
        assert_int_equal(f.x.observation.visit.place, 0);
        end(&f);
    }
}

// Its pages by http and by https are one route.
static void test_a_page_by_https_is_hinted_nothing_insecure_and_not_its_own_origin(void **state) {
    (void)state;
    static const char *const schemes[] = {"https", "http"};
    const struct hint hints[] = {{.target = SPAN("http://cdn.example"), .rel = HINT_PRECONNECT},
                                 {.target = SPAN("http://blog.example"), .rel = HINT_PRECONNECT},
                                 {.target = SPAN("https://blog.example"), .rel = HINT_PRECONNECT},
                                 {.target = SPAN("https://cdn.example"), .rel = HINT_PRECONNECT}};
    struct plan *before = learned;
    learned = plan_new(NULL, hints, 4);
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        begin(&f, "GET", "/learned/");
        f.request.scheme = span_str(schemes[i]);
        put_letter(&f, 'R', NULL);
        split_line(&f.said, "%c", 0);
        assert_string_equal((const char *)buf_span(&f.said).p,
                            i == 0 ? "inform(103 <https://cdn.example>; rel=preconnect) call "
                                   : "inform(103 <http://cdn.example>; rel=preconnect, "
                                     "<https://blog.example>; rel=preconnect, "
                                     "<https://cdn.example>; rel=preconnect) call ");
        end(&f);
    }
    plan_free(learned);
    learned = before;
}

static void test_who_forwards_over_http1_gets_no_103(void **state) {
    (void)state;
    static const char *const fields[][2] = {
        {NULL}, {"via", "1.1 a"}, {"x-forwarded-proto", "https"}, {"X-Real-IP", "192.0.2.7"}};
    static const char *const firefox[] = {"user-agent", "Mozilla/5.0 Gecko/20100101 Firefox/153.0"};
    site.gate.http1 = true;
    for (size_t i = 0; i < 4; i++) {
        struct fixture f;
        begin(&f, "GET", "/learned/");
        f.request.protocol = PROTOCOL_HTTP11;
        put_field(&f, firefox);
        put_field(&f, fields[i]);
        put_letter(&f, 'R', NULL);
        assert_int_equal(f.x.hinting.gate, i == 0 ? GATE_SEND : GATE_HTTP1);
        end(&f);
    }
    site.gate.http1 = false;
}

static void test_what_may_not_be_hinted_is_not_pushed_either(void **state) {
    (void)state;
    static const struct {
        const char *field[2];
        bool sessions, is_pushed;
    } cases[] = {{{NULL}, false, true},
                 {{"cookie", "PHPSESSID=1"}, true, true},
                 {{"cookie", "PHPSESSID=1"}, false, false},
                 {{"sec-purpose", "prefetch"}, true, false},
                 {{"save-data", "on"}, true, false}};
    site.gate.mode = HINT_MODE_PUSH;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        site.gate.sessions = cases[i].sessions;
        begin(&f, "GET", "/learned/");
        f.x.facts.can_push = true;
        put_field(&f, cases[i].field);
        put_letter(&f, 'R', NULL);
        assert_int_equal(f.x.hinting.push != NULL && f.x.hinting.push->n > 0, cases[i].is_pushed);
        end(&f);
    }
    site.gate.mode = HINT_MODE_HINT;
    site.gate.sessions = true;
}

static void test_who_is_logged_in_gets_the_operators_hints_where_sessions_may(void **state) {
    (void)state;
    static const char *const cookie[] = {"cookie", "PHPSESSID=1"};
    unsigned learn = site.policy.learn;
    for (unsigned i = 0; i < 4; i++) {
        struct fixture f;
        site.gate.sessions = i % 2;
        site.policy.learn = i < 2 ? learn : 0; // where nothing is learned, too
        begin(&f, "GET", "/rule/x");
        put_field(&f, cookie);
        put_letter(&f, 'R', NULL);
        assert_int_equal(f.x.hinting.gate, i % 2 ? GATE_SEND : GATE_SESSION);
        end(&f);
    }
    site.gate.sessions = true;
    site.policy.learn = learn;
}

// A script's data has no type of an asset's: how it was asked for says what it is.
static void test_what_a_script_answers_to_fetch_is_told(void **state) {
    (void)state;
    static const struct {
        const char *mode, *referer;
        bool is_told;
    } asked[] = {{"cors", "https://blog.example/new/", true},
                 {"no-cors", "https://blog.example/new/", false}, // a beacon
                 {"cors", NULL, false}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct fixture f;
        unix_time++;
        begin(&f, "GET", "/data");
        f.type = "application/json";
        f.request.fields.n = 0;
        put_field(&f, (const char *const[]){"sec-fetch-dest", "empty"});
        put_field(&f, (const char *const[]){"sec-fetch-mode", asked[i].mode});
        put_field(&f, (const char *const[]){asked[i].referer ? "referer" : NULL, asked[i].referer});
        put_letter(&f, 'R', NULL);
        buf_fini(&f.said);
        put_letter(&f, 'H', NULL);
        assert_int_equal(span_has_prefix(buf_span(&f.said), SPAN("asset(/data")), asked[i].is_told);
        end(&f);
    }
}

// How many pieces of evidence an answer of that stylesheet leads to.
static unsigned told_of(const char *path, char answer) {
    struct fixture f;
    begin(&f, "GET", path);
    f.type = "text/css";
    f.request.fields.n = 0;
    put_letter(&f, 'R', NULL);
    buf_fini(&f.said);
    put_letter(&f, answer, NULL);
    struct span said = buf_span(&f.said);
    unsigned told = span_has_prefix(said, SPAN("asset("));
    end(&f);
    return told;
}

// Another worker may have told meanwhile that it is gone: then nothing is published of it.
static void test_an_asset_of_which_nothing_is_published_is_told_again_in_a_second(void **state) {
    (void)state;
    unix_time++;
    assert_int_equal(told_of("/flip.css", 'H'), 1);
    assert_int_equal(told_of("/flip.css", 'H'), 0);
    unix_time++;
    assert_int_equal(told_of("/flip.css", 'H'), 1);
}

static void test_what_an_asset_answers_against_what_is_published_is_always_told(void **state) {
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(told_of("/gone.css", 'H'), 1);
        assert_int_equal(told_of("/keep.css", 'N'), 1);
    }
}

static void test_a_page_is_scanned_and_a_stylesheet_is(void **state) {
    (void)state;
    struct fixture f;
    static const struct {
        const char *path, *type, *body, *said;
    } bodies[] = {
        {"/scan/", "text/html", "<head><link rel=stylesheet href=/s.css>",
         "learn(/scan/ </s.css>; rel=preload; as=style) "},
        {"/scan.css", "text/css", "@import 'b.css';", "sheet(/scan.css b.css) "},
    };
    site.policy.learn = 15;
    for (size_t i = 0; i < 2; i++) {
        begin(&f, "GET", bodies[i].path);
        f.type = bodies[i].type;
        f.request.fields.n = 0;
        put_letter(&f, 'R', NULL);
        put_letter(&f, 'H', NULL);
        put(&f, (struct exchange_event){.kind = EXCHANGE_BODY, .body = span_str(bodies[i].body)});
        buf_fini(&f.said);
        put_letter(&f, 'E', NULL);
        split_line(&f.said, "%c", 0);
        char wanted[128];
        snprintf(wanted, sizeof wanted, "%sfinish ", bodies[i].said);
        assert_string_equal((const char *)buf_span(&f.said).p, wanted);
        end(&f);
    }
    site.policy.learn = LEARNER_LINK | LEARNER_REQUEST;
}

static void test_each_request_has_one_decision_and_shows_it(void **state) {
    (void)state;
    static const struct {
        const char *path, *events, *debug;
        bool has_decision;
    } shown[] = {
        {"/learned/", "RH", "send;source=learned;scope=exact;hints=1;lead=0.000", true},
        {"/kind/x", "RH", "send;source=learned;scope=pattern;hints=1;lead=0.000", true},
        {"/rule/x", "RH", "send;source=rule;hints=1;lead=0.000", true},
        {"/new/", "RIH", "send;source=application;hints=1;lead=0.000", true},
        {"/new/", "RH", "nothing_learned;source=none", true},
        {"/off/", "RH", "off;source=none", true},
        {"/style.css", "RH", "answered;source=none", true},
        {"/missing.php", "R", "answered;source=none", true},
    };
    site.has_debug_field = site.has_server_timing = true;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        struct fixture f;
        begin(&f, "GET", shown[i].path);
        for (const char *letter = shown[i].events; *letter != 0; letter++) {
            put_letter(&f, *letter, *letter == 'I' ? CSS : NULL);
        }
        const struct span *debug = pairs_find(&f.x.head.fields, SPAN("outrider"));
        const struct span *timing = pairs_find(&f.x.head.fields, SPAN("server-timing"));
        assert_non_null(debug);
        assert_non_null(timing);
        if (!span_eq(*debug, span_str(shown[i].debug))) {
            fail_msg("%s: %.*s", shown[i].path, SPAN_ARG(*debug));
        }
        assert_int_equal(f.x.has_decision, shown[i].has_decision);
        end(&f);
    }
    site.has_debug_field = site.has_server_timing = false;
}

static void test_who_got_no_103_may_find_the_operators_links_in_the_page(void **state) {
    (void)state;
    static const char *const cors[] = {"sec-fetch-mode", "cors"}, *const none[2] = {NULL};
    site.has_final_link = true;
    for (unsigned i = 0; i < 2; i++) {
        struct fixture f;
        begin(&f, "GET", "/rule/x");
        put_field(&f, i == 0 ? none : cors);
        put_letter(&f, 'R', NULL);
        put_letter(&f, 'H', NULL);
        const struct span *link = pairs_find(&f.x.head.fields, SPAN("link"));
        assert_int_equal(link != NULL, i == 1);
        assert_true(link == NULL || span_eq(*link, SPAN(RULED)));
        end(&f);
    }
    site.has_final_link = false;
}

static const struct plan *plan_of(const char *link) {
    struct target_page page = {SPAN("https"), SPAN("blog.example"), SPAN("/")};
    struct pairs fields = {.n = 0};
    assert_int_equal(pairs_put(&fields, &conf_arena, SPAN("link"), span_str(link)), 0);
    return plan_of_links(&fields, &page, NULL, &conf_arena);
}

int main(void) {
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct CMUnitTest table[ROWS];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pushed_response_says_that_it_is),
        cmocka_unit_test(test_a_redirecting_listener_keeps_host_path_and_query),
        cmocka_unit_test(test_what_is_answered_without_a_decision_was_not_hinted),
        cmocka_unit_test(test_a_redirect_of_somebody_who_names_no_host_goes_to_the_site),
        cmocka_unit_test(test_a_connection_is_not_told_again_what_it_has),
        cmocka_unit_test(test_what_was_fetched_on_a_connection_is_not_hinted_on_it),
        cmocka_unit_test(test_some_navigations_are_held_back),
        cmocka_unit_test(test_who_is_held_back_gets_no_hints_of_the_application_either),
        cmocka_unit_test(test_what_becomes_of_the_applications_own_is_the_operators_choice),
        cmocka_unit_test(test_no_client_gets_more_interim_responses_than_it_bears),
        cmocka_unit_test(test_the_links_of_a_103_that_came_too_late_are_learned),
        cmocka_unit_test(test_a_head_that_finds_no_memory_is_a_502),
        cmocka_unit_test(test_a_visit_is_told_with_what_was_fetched_for_it),
        cmocka_unit_test(test_a_304_is_a_fetch_of_what_is_known_as_an_asset),
        cmocka_unit_test(test_a_visit_to_a_page_that_fails_is_none),
        cmocka_unit_test(test_a_busy_route_teaches_some_times_a_second),
        cmocka_unit_test(test_requests_that_cannot_teach_take_nobodys_turn),
        cmocka_unit_test(test_a_stylesheet_for_one_visitor_tells_no_imports),
        cmocka_unit_test(test_a_path_in_another_spelling_is_hinted_but_teaches_nothing),
        cmocka_unit_test(test_a_page_by_https_is_hinted_nothing_insecure_and_not_its_own_origin),
        cmocka_unit_test(test_who_forwards_over_http1_gets_no_103),
        cmocka_unit_test(test_what_may_not_be_hinted_is_not_pushed_either),
        cmocka_unit_test(test_who_is_logged_in_gets_the_operators_hints_where_sessions_may),
        cmocka_unit_test(test_what_a_script_answers_to_fetch_is_told),
        cmocka_unit_test(test_an_asset_of_which_nothing_is_published_is_told_again_in_a_second),
        cmocka_unit_test(test_what_an_asset_answers_against_what_is_published_is_always_told),
        cmocka_unit_test(test_a_flood_of_one_network_keeps_no_other_from_teaching),
        cmocka_unit_test(test_responses_that_one_network_reads_slowly_leave_others_room),
        cmocka_unit_test(test_visits_of_one_network_leave_others_room),
        cmocka_unit_test(test_a_page_is_scanned_and_a_stylesheet_is),
        cmocka_unit_test(test_each_request_has_one_decision_and_shows_it),
        cmocka_unit_test(test_who_got_no_103_may_find_the_operators_links_in_the_page),
    };
    arena_init(&conf_arena, 1 << 20);
    if (router_init(&router, &conf_arena, &site, 1) != 0) {
        return 1;
    }
    const struct plan *plan = plan_of(LEARNED);
    learned = plan_new(NULL, plan->hints, plan->hints_n);
    observer_init(&observer, &secret, &unix_time, NULL);
    rules[2].plan = plan_of(RULED);
    rules[3].plan = plan_of("</gone.css>; rel=preload; as=style, " RULED);
    for (size_t i = 0; i < ROWS; i++) {
        table[i] = (struct CMUnitTest){rows[i].name, test_row, NULL, NULL, NULL};
        memcpy(&table[i].initial_state, &(const struct row *){&rows[i]}, sizeof(void *));
    }
    int failed = cmocka_run_group_tests_name("rows", table, NULL, NULL) +
                 cmocka_run_group_tests(tests, NULL, NULL);
    plan_free(learned);
    observer_fini(&observer);
    observer_fini(&observer);
    arena_fini(&conf_arena);
    return failed;
}
