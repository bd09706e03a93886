// SPDX-License-Identifier: MIT
#include "base/error.h"
#include "fcgi/cgi_head.h"
#include "support/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEN_NAMES                                                                                  \
    "a1234567-a1234567-a1234567-a1234567-a1234567-a1234567-a1234567-a1234567-a1234567-a1234567-"
struct row {
    const char *name;
    struct span input, events;
};

// One line an event: "final 200 [OK] name=value|name=value|", "body:...", "bad ERR_... why".
static const struct row rows[] = {
    {"PHP's usual answer", SPAN_INIT("X-Powered-By: PHP/8.2\r\nContent-type: text/html\r\n\r\n<p>"),
     SPAN_INIT("final 200 [] X-Powered-By=PHP/8.2|Content-type=text/html|\nbody:<p>\n")},
    {"lines may end in LF alone", SPAN_INIT("Status: 404 Not Found\nA: b\n\nno"),
     SPAN_INIT("final 404 [Not Found] A=b|\nbody:no\n")},
    {"line ends may be mixed", SPAN_INIT("A: b\r\nC: d\n\r\nx"),
     SPAN_INIT("final 200 [] A=b|C=d|\nbody:x\n")},
    {"a block may be empty", SPAN_INIT("\r\nbody"), SPAN_INIT("final 200 []\nbody:body\n")},
    {"a body may be empty", SPAN_INIT("Content-Type: a/b\n\n"),
     SPAN_INIT("final 200 [] Content-Type=a/b|\n")},
    {"an empty line in the body is the body's", SPAN_INIT("A: b\n\n\n\nC: d\n\n"),
     SPAN_INIT("final 200 [] A=b|\nbody:\\n\\nC: d\\n\\n\n")},
    {"a status may lack its reason", SPAN_INIT("Status: 403\n\n"), SPAN_INIT("final 403 []\n")},
    {"a status may have an empty reason", SPAN_INIT("Status: 403 \n\n"),
     SPAN_INIT("final 403 []\n")},
    {"names have any case", SPAN_INIT("STATUS: 500 x\nLOCATION: /\n\n"),
     SPAN_INIT("final 500 [x] LOCATION=/|\n")},
    {"Location without Status redirects", SPAN_INIT("Location: /new\n\n"),
     SPAN_INIT("final 302 [] Location=/new|\n")},
    {"Location with Status keeps it", SPAN_INIT("Location: /new\nStatus: 201 Created\n\n"),
     SPAN_INIT("final 201 [Created] Location=/new|\n")},
    {"an empty Location does not redirect", SPAN_INIT("Location:\n\n"),
     SPAN_INIT("final 200 [] Location=|\n")},
    {"values are trimmed and may hold colons, tabs and high bytes",
     SPAN_INIT("A: \t b:c\td\xe4 \t\r\nB:x\n\n"), SPAN_INIT("final 200 [] A=b:c\td\xe4|B=x|\n")},
    {"the same name several times stays so", SPAN_INIT("Link: <a>\nLink: <b>\n\n"),
     SPAN_INIT("final 200 [] Link=<a>|Link=<b>|\n")},
    {"connection-specific fields are dropped",
     SPAN_INIT("Connection: close\nKeep-Alive: 1\nProxy-Connection: x\nTransfer-Encoding: "
               "chunked\nUPGRADE: h2c\nTE: trailers\nTrailer: A\nTrailers: kept\n\n"),
     SPAN_INIT("final 200 [] Trailers=kept|\n")},
    {"one length said twice is said once", SPAN_INIT("Content-Length: 5\nContent-length: 05\n\n"),
     SPAN_INIT("final 200 [] Content-Length=5|\n")},

    {"two lengths", SPAN_INIT("Content-Length: 5\nContent-Length: 6\n\n"),
     SPAN_INIT("odd: two different Content-Length fields\nfinal 200 []\n")},
    {"a third length is no better",
     SPAN_INIT("A: b\nContent-Length: 5\ncontent-length: 6\nContent-Length: 5\n\n"),
     SPAN_INIT("odd: two different Content-Length fields\nfinal 200 [] A=b|\n")},
    {"a length behind one that is none", SPAN_INIT("Content-Length: x\nContent-Length: 5\n\n"),
     SPAN_INIT("odd: two different Content-Length fields\nfinal 200 []\n")},
    {"a length that is none", SPAN_INIT("Content-Length: 5, 5\n\n"),
     SPAN_INIT("odd: a Content-Length that is not a number\nfinal 200 []\n")},
    {"a negative length", SPAN_INIT("Content-Length: -1\n\n"),
     SPAN_INIT("odd: a Content-Length that is not a number\nfinal 200 []\n")},
    {"an empty length", SPAN_INIT("Content-Length: \n\n"),
     SPAN_INIT("odd: a Content-Length that is not a number\nfinal 200 []\n")},
    {"two types: the last one counts", SPAN_INIT("Content-Type: a/b\nX: y\ncontent-type: c/d\n\n"),
     SPAN_INIT("odd: two different Content-Type fields\nfinal 200 [] X=y|content-type=c/d|\n")},
    {"the same type twice", SPAN_INIT("Content-Type: a/b\nContent-Type: a/b\n\n"),
     SPAN_INIT("final 200 [] Content-Type=a/b|\n")},
    {"a status of two digits", SPAN_INIT("Status: 99\n\n"),
     SPAN_INIT("bad ERR_BACKEND_STATUS Status is not a number from 100 to 999\n")},
    {"a status of four digits", SPAN_INIT("Status: 2000\n\n"),
     SPAN_INIT("bad ERR_BACKEND_STATUS Status is not a number from 100 to 999\n")},
    {"a status beyond the classes", SPAN_INIT("Status: 999 x\n\n"), SPAN_INIT("final 999 [x]\n")},
    {"the first of them", SPAN_INIT("Status: 600\n\n"), SPAN_INIT("final 600 []\n")},
    {"a status that is a word", SPAN_INIT("Status: OK\n\n"),
     SPAN_INIT("bad ERR_BACKEND_STATUS Status is not a number from 100 to 999\n")},
    {"an empty status", SPAN_INIT("Status:\n\n"),
     SPAN_INIT("bad ERR_BACKEND_STATUS Status is not a number from 100 to 999\n")},
    {"of two statuses the first counts", SPAN_INIT("Status: 404\nStatus: 200\n\n"),
     SPAN_INIT("odd: a second Status field\nfinal 404 []\n")},
    {"an escape character in the reason", SPAN_INIT("Status: 200 O\033K\n\n"),
     SPAN_INIT("bad ERR_BACKEND_STATUS control character in Status\n")},
    {"switching protocols", SPAN_INIT("Status: 101 Switching Protocols\nUpgrade: x\n\n"),
     SPAN_INIT("bad ERR_BACKEND_STATUS Status 101: a CGI program cannot switch protocols\n")},
    {"a control character in the reason", SPAN_INIT("Status: 200 O\rK\n\n"),
     SPAN_INIT("bad ERR_BACKEND_HEAD NUL or CR in a field value\n")},
    {"a zero byte in a value", SPAN_INIT("A: b\0c\n\n"),
     SPAN_INIT("bad ERR_BACKEND_HEAD NUL or CR in a field value\n")},
    {"DEL in a value",
     SPAN_INIT("A: b\x7f"
               "c\n\n"),
     SPAN_INIT("odd: a field with a control character in its value\nfinal 200 []\n")},
    {"an escape character in a value", SPAN_INIT("A: b\033c\nD: e\n\n"),
     SPAN_INIT("odd: a field with a control character in its value\nfinal 200 [] D=e|\n")},
    {"a bare CR in a value", SPAN_INIT("A: b\rB: c\n\n"),
     SPAN_INIT("bad ERR_BACKEND_HEAD NUL or CR in a field value\n")},
    {"two CR at the end of a line", SPAN_INIT("A: b\r\r\n\n"),
     SPAN_INIT("bad ERR_BACKEND_HEAD NUL or CR in a field value\n")},
    {"a space before the colon", SPAN_INIT("A : b\n\n"),
     SPAN_INIT("bad ERR_BACKEND_HEAD malformed field name\n")},
    {"an empty name", SPAN_INIT(": b\n\n"),
     SPAN_INIT("bad ERR_BACKEND_HEAD malformed field name\n")},
    {"parentheses in a name", SPAN_INIT("A(b): c\n\n"),
     SPAN_INIT("bad ERR_BACKEND_HEAD malformed field name\n")},
    {"a high byte in a name", SPAN_INIT("\xc3\xa4: c\n\n"),
     SPAN_INIT("bad ERR_BACKEND_HEAD malformed field name\n")},
    {"a line without a colon beside a type",
     SPAN_INIT("This is no field\nContent-Type: a/b\nnor this\n\nbody"),
     SPAN_INIT("odd: header line without a colon\nfinal 200 [] Content-Type=a/b|\nbody:body\n")},
    {"a malformed name beside a location", SPAN_INIT("Location: /x\nA b: c\n\n"),
     SPAN_INIT("odd: malformed field name\nfinal 302 [] Location=/x|\n")},
    {"a name too long beside a status",
     SPAN_INIT("Status: 404\n" TEN_NAMES TEN_NAMES TEN_NAMES ": c\n\n"),
     SPAN_INIT("odd: malformed field name\nfinal 404 []\n")},
    {"a folded line beside a type", SPAN_INIT("Content-Type: a/b\nA: b\n c: d\n\n"),
     SPAN_INIT("bad ERR_BACKEND_HEAD folded header field\n")},
    {"a page without a head", SPAN_INIT("<p>\nHello: world\n\nmore"),
     SPAN_INIT("bad ERR_BACKEND_HEAD header line without a colon\n")},
    {"a line without a colon", SPAN_INIT("A: b\nHello\n\n"),
     SPAN_INIT("bad ERR_BACKEND_HEAD header line without a colon\n")},
    {"a folded line", SPAN_INIT("A: b\n c: d\n\n"),
     SPAN_INIT("bad ERR_BACKEND_HEAD folded header field\n")},
    {"an nph- program", SPAN_INIT("HTTP/1.1 200 OK\nA: b\n\n"),
     SPAN_INIT("bad ERR_BACKEND_HEAD status line of an nph- program, which is not supported\n")},
    {"no output", SPAN_INIT(""), SPAN_INIT("bad ERR_BACKEND_HEAD no header block\n")},
    {"output that ends in a line", SPAN_INIT("A: b\nC"),
     SPAN_INIT("bad ERR_BACKEND_HEAD header block ends early\n")},
    {"output that ends between lines", SPAN_INIT("A: b\n"),
     SPAN_INIT("bad ERR_BACKEND_HEAD header block ends early\n")},
    {"a CR is not an empty line", SPAN_INIT("A: b\n\r"),
     SPAN_INIT("bad ERR_BACKEND_HEAD header block ends early\n")},

    {"an interim block, then the final one",
     SPAN_INIT("Status: 103 Early Hints\r\nLink: </a>\r\n\r\nStatus: 200 OK\r\nB: c\r\n\r\nbody"),
     SPAN_INIT("interim 103 [Early Hints] Link=</a>|\nfinal 200 [OK] B=c|\nbody:body\n")},
    {"an interim block, then one known by its Content-Type behind other fields",
     SPAN_INIT("Status: 103\nA: b\n\nX: y\nContent-Type: a/b\n\nbody"),
     SPAN_INIT("interim 103 [] A=b|\nfinal 200 [] X=y|Content-Type=a/b|\nbody:body\n")},
    {"an interim block, then one known by its Location",
     SPAN_INIT("Status: 103\nA: b\n\nLocation: /x\n\n"),
     SPAN_INIT("interim 103 [] A=b|\nfinal 302 [] Location=/x|\n")},
    {"any number of interim blocks",
     SPAN_INIT("Status: 100\n\nStatus: 102 x\n\nStatus: 103\nA: b\n\nStatus: 404\n\n"),
     SPAN_INIT("interim 100 []\ninterim 102 [x]\ninterim 103 [] A=b|\nfinal 404 []\n")},
    {"a 1xx as the only block, with a page",
     SPAN_INIT("Status: 103 Early Hints\r\nLink: </a>\r\nContent-type: text/html\r\n\r\n"
               "<!doctype html>\n<p>"),
     SPAN_INIT("interim 103 [Early Hints] Link=</a>|Content-type=text/html|\n"
               "final 200 [] Link=</a>|Content-type=text/html| was interim\nbody:<!doctype "
               "html>\\n<p>\n")},
    {"a 1xx as the only block, with nothing", SPAN_INIT("Status: 103\nA: b\n\n"),
     SPAN_INIT("interim 103 [] A=b|\nbad ERR_BACKEND_STATUS only an interim header block\n")},
    {"a 1xx as the last of several", SPAN_INIT("Status: 102\nA: b\n\nStatus: 103\nC: d\n\nx y"),
     SPAN_INIT("interim 102 [] A=b|\ninterim 103 [] C=d|\nfinal 200 [] C=d| was interim\n"
               "body:x y\n")},
    {"several 1xx and nothing else", SPAN_INIT("Status: 102\n\nStatus: 103\n\n"),
     SPAN_INIT("interim 102 []\ninterim 103 []\n"
               "bad ERR_BACKEND_STATUS only an interim header block\n")},
    {"a page of words that could be a name", SPAN_INIT("Status: 103\n\nHello"),
     SPAN_INIT("interim 103 []\nfinal 200 [] was interim\nbody:Hello\n")},
    {"a page of lines that could be fields", SPAN_INIT("Status: 103\n\nNote: a\r\nAnd: b\n"),
     SPAN_INIT("interim 103 []\nfinal 200 [] was interim\nbody:Note: a\r\\nAnd: b\\n\n")},
    {"a page of a block of fields, none of which a response must have",
     SPAN_INIT("Status: 103\n\nNote: a\n\nContent-Type: b\n"),
     SPAN_INIT("interim 103 []\nfinal 200 [] was interim\nbody:Note: a\\n\\nContent-Type: b\\n\n")},
    {"a page that begins with an empty line", SPAN_INIT("Status: 103\n\n\r\nStatus: 200\n\n"),
     SPAN_INIT("interim 103 []\nfinal 200 [] was interim\nbody:\r\\nStatus: 200\\n\\n\n")},
    {"a page that begins with CR", SPAN_INIT("Status: 103\n\n\rx"),
     SPAN_INIT("interim 103 []\nfinal 200 [] was interim\nbody:\rx\n")},
    {"a page that is JSON", SPAN_INIT("Status: 103\n\n{\"a\": 1}\n"),
     SPAN_INIT("interim 103 []\nfinal 200 [] was interim\nbody:{\"a\": 1}\\n\n")},
    {"a page that is a zero byte", SPAN_INIT("Status: 103\n\n\0"),
     SPAN_INIT("interim 103 []\nfinal 200 [] was interim\nbody:\0\n")},
    {"a page whose field has a bad value", SPAN_INIT("Status: 103\n\nA: \1\nStatus: 200\n\n"),
     SPAN_INIT("interim 103 []\nodd: a field with a control character in its value\n"
               "final 200 []\n")},
    {"a second block with a bad status is no page", SPAN_INIT("Status: 103\n\nStatus: no\n\n"),
     SPAN_INIT("interim 103 []\nbad ERR_BACKEND_STATUS Status is not a number from 100 to 999\n")},
    {"a second block that goes bad behind its Status is no page",
     SPAN_INIT("Status: 103\n\nStatus: 200\nA: b\n c\n\n"),
     SPAN_INIT("interim 103 []\nbad ERR_BACKEND_HEAD folded header field\n")},
    {"a second block with an odd line behind its Status is a head",
     SPAN_INIT("Status: 103\n\nStatus: 200\nA b\n\n"),
     SPAN_INIT("interim 103 []\nodd: header line without a colon\nfinal 200 []\n")},
    {"an odd line in an interim block", SPAN_INIT("Status: 103\nA b\n\nStatus: 404\n\n"),
     SPAN_INIT("odd: header line without a colon\ninterim 103 []\nfinal 404 []\n")},
    {"a second block that ends early is no page", SPAN_INIT("Status: 103\n\nStatus: 200\nA: b\n"),
     SPAN_INIT("interim 103 []\nbad ERR_BACKEND_HEAD header block ends early\n")},
};

struct subject {
    struct cgi_head_conf conf;
    struct cgi_head head;
    struct arena arena;
    size_t budget;
    bool is_bad;
};

static void begin(void *self) {
    struct subject *s = self;
    s->is_bad = false;
    arena_init(&s->arena, s->budget);
    cgi_head_init(&s->head, &s->conf);
    cgi_head_begin(&s->head, &s->arena);
}

static void tell(struct buf *t, const struct cgi_head_event *e) {
    const struct response *r = &e->response;
    if (e->kind == CGI_HEAD_BODY) {
        assert_true(e->body.n > 0);
        split_data(t, "body", e->body);
        return;
    }
    if (e->odd != NULL) {
        split_line(t, "odd: %s\n", e->odd);
    }
    split_line(t, "%s %d [%.*s]", e->kind == CGI_HEAD_FINAL ? "final" : "interim", r->status,
               SPAN_ARG(r->reason));
    for (size_t i = 0; i < r->fields.n; i++) {
        split_line(t, "%s%.*s=%.*s|", i == 0 ? " " : "", SPAN_ARG(r->fields.v[i].name),
                   SPAN_ARG(r->fields.v[i].value));
    }
    split_line(t, e->was_interim ? " was interim\n" : "\n");
}

static void pull(struct subject *s, struct buf *t) {
    struct cgi_head_event e;
    enum step step;
    while ((step = cgi_head_next(&s->head, &e)) == STEP_ITEM) {
        tell(t, &e);
    }
    if (step == STEP_BAD && !s->is_bad) {
        s->is_bad = true;
        split_line(t, "bad %s %s\n", error_row(s->head.error)->name, s->head.why);
    }
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct subject *s = self;
    if (!s->is_bad) {
        cgi_head_feed(&s->head, bytes);
        pull(s, t);
    }
}

static void end(void *self, struct buf *t) {
    struct subject *s = self;
    cgi_head_end(&s->head);
    pull(s, t);
    assert_true(s->is_bad || cgi_head_is_done(&s->head));
    cgi_head_fini(&s->head);
    cgi_head_fini(&s->head);
    arena_fini(&s->arena);
}

static void check(struct subject *subject, const struct row *row) {
    struct split split = {begin, piece, end, subject};
    struct buf t;
    split_check(&split, row->input, &t);
    if (!span_eq(buf_span(&t), row->events)) {
        print_error("%s:\n%.*s", row->name, SPAN_ARG(buf_span(&t)));
        fail();
    }
    buf_fini(&t);
}

static void output_means_the_same_wherever_it_is_cut(void **state) {
    (void)state;
    struct subject subject = {.budget = 1 << 20};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&subject, &rows[i]);
    }
}

static void an_interim_block_is_told_before_the_next_byte_exists(void **state) {
    (void)state;
    struct subject s = {.budget = 1 << 20};
    struct cgi_head_event e;
    begin(&s);
    cgi_head_feed(&s.head, SPAN("Status: 103\nLink: </a>\n\n"));
    assert_int_equal(cgi_head_next(&s.head, &e), STEP_ITEM);
    assert_int_equal(e.kind, CGI_HEAD_INTERIM);
    assert_int_equal(e.response.status, 103);
    assert_int_equal(cgi_head_next(&s.head, &e), STEP_MORE);
    assert_false(cgi_head_is_done(&s.head));
    // One byte that no field begins with says that it was the only block.
    cgi_head_feed(&s.head, SPAN("<"));
    assert_int_equal(cgi_head_next(&s.head, &e), STEP_ITEM);
    assert_int_equal(e.kind, CGI_HEAD_FINAL);
    assert_true(e.was_interim);
    assert_int_equal(cgi_head_next(&s.head, &e), STEP_ITEM);
    assert_true(span_eq(e.body, SPAN("<")));
    cgi_head_fini(&s.head);
    arena_fini(&s.arena);
}

static void a_body_is_lent_and_not_copied(void **state) {
    (void)state;
    struct subject s = {.budget = 1 << 20};
    struct cgi_head_event e;
    struct span output = SPAN("A: b\n\nbody");
    begin(&s);
    cgi_head_feed(&s.head, output);
    assert_int_equal(cgi_head_next(&s.head, &e), STEP_ITEM);
    assert_int_equal(cgi_head_next(&s.head, &e), STEP_ITEM);
    assert_ptr_equal(e.body.p, output.p + 6);
    cgi_head_fini(&s.head);
    arena_fini(&s.arena);
}

static void blocks_are_bounded(void **state) {
    (void)state;
    static const struct row few[] = {
        {"a block just of the size", SPAN_INIT("A: 345\nB: 0123456\n\n1"),
         SPAN_INIT("final 200 [] A=345|B=0123456|\nbody:1\n")},
        {"a block one byte too large", SPAN_INIT("A: 345\nB: 01234567\n\n"),
         SPAN_INIT("bad ERR_BACKEND_HEAD header block too large\n")},
        {"a line without an end", SPAN_INIT("A: 34567890123456789"),
         SPAN_INIT("bad ERR_BACKEND_HEAD header block too large\n")},
        {"a bad line beyond the size", SPAN_INIT("A: 3456789012345 789\1\nB: c\n\n"),
         SPAN_INIT("bad ERR_BACKEND_HEAD header block too large\n")},
        {"more fields than allowed", SPAN_INIT("A:\nB:\nC:\nD:\n\n"),
         SPAN_INIT("bad ERR_BACKEND_HEAD too many header fields\n")},
        {"dropped fields count", SPAN_INIT("TE:\nTE:\nTE:\nTE:\n\n"),
         SPAN_INIT("bad ERR_BACKEND_HEAD too many header fields\n")},
        {"what is too large behind a 1xx is its page",
         SPAN_INIT("Status: 103\n\nA: 345678901234567890\nStatus: 200\n\n"),
         SPAN_INIT("interim 103 []\nfinal 200 [] was interim\nbody:A: 345678901234567890\\nStatus: "
                   "200\\n\\n\n")},
        {"what is too large behind a second Status is not",
         SPAN_INIT("Status: 103\n\nStatus: 200\nA: 34567\n\n"),
         SPAN_INIT("interim 103 []\nbad ERR_BACKEND_HEAD header block too large\n")},
        {"each block has the size for itself",
         SPAN_INIT("Status: 103\n\nStatus: 103\n\nStatus: 200\n\nx"),
         SPAN_INIT("interim 103 []\ninterim 103 []\nfinal 200 []\nbody:x\n")},
    };
    struct subject subject = {.conf = {.head_limit = 19, .fields_limit = 3}, .budget = 1 << 20};
    for (size_t i = 0; i < sizeof few / sizeof few[0]; i++) {
        check(&subject, &few[i]);
    }
}

// Each byte once in a name and once in a value: RFC 9110, 5.6.2 and 5.5. A value with a CTL is left
// out, but for those that somebody may take for the end of the line.
static void names_are_tokens_and_values_are_text(void **state) {
    (void)state;
    static const char tchar[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    struct subject s = {.budget = 1 << 20};
    for (int c = 0; c < 256; c++) {
        for (int in_value = 0; in_value < 2; in_value++) {
            char input[] = "AxA: BxB\n\n";
            struct cgi_head_event e;
            input[in_value ? 6 : 1] = (char)c;
            bool is_value = (c >= ' ' && c != 0x7f) || c == '\t';
            bool ok = in_value ? c != 0 && c != '\r' && c != '\n'
                               : (c != 0 && strchr(tchar, c) != NULL) || c == ':';
            begin(&s);
            cgi_head_feed(&s.head, span_of(input, sizeof input - 1));
            assert_int_equal(cgi_head_next(&s.head, &e), ok ? STEP_ITEM : STEP_BAD);
            assert_true(!ok || e.response.fields.n == (!in_value || is_value));
            assert_true(!ok || (e.odd != NULL) == (in_value && !is_value));
            cgi_head_fini(&s.head);
            arena_fini(&s.arena);
        }
    }
}

static void a_field_name_is_bounded(void **state) {
    (void)state;
    char input[600];
    struct subject subject = {.budget = 1 << 20};
    memset(input, 'a', sizeof input);
    memcpy(input + 256, ": b\n\n", 5);
    struct split split = {begin, piece, end, &subject};
    struct buf t;
    split_check(&split, span_of(input, 261), &t);
    assert_true(span_has_prefix(buf_span(&t), SPAN("final 200 [] aaaa")));
    buf_fini(&t);
    memcpy(input + 256, "a: b\n\n", 6);
    split_check(&split, span_of(input, 262), &t);
    assert_true(span_eq(buf_span(&t), SPAN("bad ERR_BACKEND_HEAD malformed field name\n")));
    buf_fini(&t);
    memcpy(input, "Status: 103\n\n", 13); // a long word is then a page, without waiting for its end
    split_check(&split, span_of(input, 600), &t);
    assert_true(span_has_prefix(buf_span(&t), SPAN("interim 103 []\nfinal 200 [] was interim\n")));
    buf_fini(&t);
}

static void a_spent_arena_is_a_bad_head(void **state) {
    (void)state;
    static const struct row row = {
        "a spent arena", SPAN_INIT("A: b\nC: 0123456789012345678901234567890\n\n"),
        SPAN_INIT("bad ERR_BACKEND_HEAD no memory left for the header block\n")};
    struct subject subject = {.budget = 32 * sizeof(struct pair) + 32};
    check(&subject, &row);
    subject.budget = 16;
    check(&subject, &row);
}

static void the_next_response_starts_afresh(void **state) {
    (void)state;
    struct subject s = {.budget = 1 << 20};
    struct cgi_head_event e;
    begin(&s);
    cgi_head_feed(&s.head, SPAN("Status: 103\n\nA"));
    assert_int_equal(cgi_head_next(&s.head, &e), STEP_ITEM);
    assert_int_equal(cgi_head_next(&s.head, &e), STEP_MORE);
    cgi_head_begin(&s.head, &s.arena);
    cgi_head_feed(&s.head, SPAN("B: c\n\n"));
    assert_int_equal(cgi_head_next(&s.head, &e), STEP_ITEM);
    assert_int_equal(e.kind, CGI_HEAD_FINAL);
    assert_int_equal(e.response.fields.n, 1);
    assert_true(span_eq(e.response.fields.v[0].name, SPAN("B")));
    cgi_head_fini(&s.head);
    arena_fini(&s.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_means_the_same_wherever_it_is_cut),
        cmocka_unit_test(an_interim_block_is_told_before_the_next_byte_exists),
        cmocka_unit_test(a_body_is_lent_and_not_copied),
        cmocka_unit_test(blocks_are_bounded),
        cmocka_unit_test(names_are_tokens_and_values_are_text),
        cmocka_unit_test(a_field_name_is_bounded),
        cmocka_unit_test(a_spent_arena_is_a_bad_head),
        cmocka_unit_test(the_next_response_starts_afresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
