// SPDX-License-Identifier: MIT
#include "http/h1_head.h"

#include "base/error.h"
#include "base/tchar.h"
#include "http/field.h"
#include "http/request.h"

static int fail(int error, const char **why, const char *text) {
    *why = text;
    return error;
}

// ---- the end of the head ------------------------------------------------------------------------

static enum step bad(struct h1_scan *s, int error, const char *why) {
    s->error = error;
    s->why = why;
    return STEP_BAD;
}

// As long as a request line, and not even a bad version in it: another protocol, like HTTP/2 with a
// bad preface.
static bool is_foreign(struct span line) {
    struct span word, name = SPAN("HTTP/");
    unsigned words = 0;
    for (; span_cut(&line, ' ', &word); words++) {
        if (span_eq_nocase(span_first(word, name.n), name)) {
            return false;
        }
    }
    return words > 2;
}

// HTTP-version = "HTTP/" DIGIT "." DIGIT, behind the last SP of the request line. Looked at as soon
// as the line is there: HTTP/0.9 has nothing behind it.
static int find_version(struct span line, enum protocol *protocol, const char **why) {
    size_t at = line.n;
    while (at > 0 && line.p[at - 1] != ' ') {
        at--;
    }
    struct span version = span_skip(line, at);
    if (at == 0 || version.n != 8 || !span_has_prefix(version, SPAN("HTTP/")) ||
        version.p[6] != '.') {
        return is_foreign(line)
                   ? fail(ERR_NOT_HTTP, why, "three words, and none of them is HTTP's")
                   : fail(ERR_REQUEST_SYNTAX, why, "no HTTP version in the request line");
    }
    uint8_t major = (uint8_t)(version.p[5] - '0'), minor = (uint8_t)(version.p[7] - '0');
    if (major > 9 || minor > 9) {
        return fail(ERR_REQUEST_SYNTAX, why, "bad HTTP version");
    }
    if (major != 1 || minor > 1) {
        return fail(ERR_REQUEST_VERSION, why, "HTTP version other than 1.0 and 1.1");
    }
    *protocol = minor == 1 ? PROTOCOL_HTTP11 : PROTOCOL_HTTP10;
    return 0;
}

// Sizes so far: the line that is looked at has `len` bytes, the head `total`.
static enum step check_sizes(struct h1_scan *s, const struct h1_limits *limits, size_t len,
                             size_t total) {
    if (s->lines == 0) {
        return len > limits->line_bytes ? bad(s, ERR_REQUEST_LINE_LONG, "request line too long")
                                        : STEP_ITEM;
    }
    if (len > limits->field_bytes || total > limits->head_bytes) {
        return bad(s, ERR_REQUEST_FIELDS, "header fields too large");
    }
    return STEP_ITEM;
}

// A complete line, without its CR LF.
static enum step check_line(struct h1_scan *s, const struct h1_limits *limits, struct span line) {
    enum protocol protocol;
    if (s->lines == 0) {
        int rv = find_version(line, &protocol, &s->why);
        s->error = rv;
        return rv == 0 ? STEP_ITEM : STEP_BAD;
    }
    return s->lines > limits->fields ? bad(s, ERR_REQUEST_FIELDS, "too many header fields")
                                     : STEP_ITEM;
}

// RFC 9112, 2.2: one empty line before the request is forgiven. The first byte tells what is not
// HTTP at all, which may never send a line's end.
static enum step begin(struct h1_scan *s, struct span bytes) {
    bool has_cr = bytes.n > 0 && bytes.p[0] == '\r';
    if (bytes.n == 0 || (has_cr && bytes.n == 1)) {
        return STEP_MORE;
    }
    if (has_cr && bytes.p[1] != '\n') {
        return bad(s, ERR_REQUEST_SYNTAX, "a CR without LF");
    }
    size_t first = has_cr ? 2 : 0;
    if (bytes.n == first) {
        return STEP_MORE;
    }
    if (!tchar_is(bytes.p[first])) {
        return bad(s, ERR_REQUEST_SYNTAX, "this is no HTTP request");
    }
    s->has_begun = true;
    s->line = s->at = first;
    return STEP_ITEM;
}

enum step h1_scan(struct h1_scan *s, const struct h1_limits *limits, struct span bytes) {
    enum step step = s->has_begun ? STEP_ITEM : begin(s, bytes);
    while (step == STEP_ITEM) {
        struct span rest = span_skip(bytes, s->at);
        size_t lf = span_index(rest, '\n');
        bool is_complete = lf < rest.n;
        size_t end = s->at + lf; // of what there is of the line
        step = check_sizes(s, limits, end - s->line, end);
        s->at = end;
        if (step != STEP_ITEM || !is_complete) {
            return step == STEP_ITEM ? STEP_MORE : step;
        }
        s->at = end + 1;
        if (end == s->line || bytes.p[end - 1] != '\r') {
            return bad(s, ERR_REQUEST_SYNTAX, "a line that ends in LF alone");
        }
        if (end - 1 == s->line) {
            return STEP_ITEM; // empty: the head is complete
        }
        step = check_line(s, limits, span_of(bytes.p + s->line, end - 1 - s->line));
        s->lines++;
        s->line = s->at;
    }
    return step;
}

// ---- the request line ---------------------------------------------------------------------------

// absolute-form = "http" "s"? "://" authority path-abempty [ "?" query ] (RFC 9112, 3.2.2)
static int split_absolute(struct request *r, struct arena *a, const char **why) {
    size_t scheme = r->scheme.n;
    if (r->target.n < scheme + 3 || !span_eq_nocase(span_first(r->target, scheme), r->scheme) ||
        !span_has_prefix(span_skip(r->target, scheme), SPAN("://"))) {
        return fail(ERR_REQUEST_SYNTAX, why, "bad request target");
    }
    struct span rest = span_skip(r->target, scheme + 3);
    size_t end = span_index(span_first(rest, span_index(rest, '?')), '/');
    r->authority = span_first(rest, end);
    r->target = span_skip(rest, end);
    if (r->authority.n == 0) {
        return fail(ERR_REQUEST_HOST, why, "no host in the request target");
    }
    if (r->target.n > 0 && r->target.p[0] == '/') {
        return 0;
    }
    if (r->target.n == 0 && span_eq(r->method, SPAN("OPTIONS"))) {
        r->target = SPAN("*"); // RFC 9112, 3.2.4
        return 0;
    }
    uint8_t *p = arena_alloc(a, r->target.n + 1);
    if (p == NULL) {
        return fail(ERR_ARENA_LIMIT, why, "no memory left for the target");
    }
    p[0] = '/';
    memcpy(p + 1, r->target.p, r->target.n);
    r->target = span_of(p, r->target.n + 1);
    return 0;
}

static int parse_request_line(struct span line, struct request *r, struct arena *a,
                              const char **why) {
    struct span rest = line, version;
    int rv = find_version(line, &r->protocol, why);
    if (rv != 0) {
        return rv;
    }
    if (!span_cut(&rest, ' ', &r->method) || !span_cut(&rest, ' ', &r->target) ||
        !span_cut(&rest, ' ', &version) || rest.p != NULL || r->target.n == 0) {
        return fail(ERR_REQUEST_SYNTAX, why, "bad request line");
    }
    r->scheme = r->is_secure ? SPAN("https") : SPAN("http");
    bool is_connect = span_eq(r->method, SPAN("CONNECT")); // refused later, for its method
    bool is_absolute = r->target.p[0] != '/' && !span_eq(r->target, SPAN("*")) && !is_connect;
    return is_absolute ? split_absolute(r, a, why) : 0;
}

// ---- fields -------------------------------------------------------------------------------------

// field-line = field-name ":" OWS field-value OWS. What is wrong with name or value (a blank before
// the colon, a folded line) request_complete sees.
static int parse_fields(struct span rest, struct request *r, struct arena *a, const char **why) {
    while (rest.n > 2) {
        struct span line = span_first(rest, span_index(rest, '\n') - 1);
        size_t colon = span_index(line, ':');
        if (colon == line.n) {
            return fail(ERR_REQUEST_SYNTAX, why, "a field without colon");
        }
        int rv = pairs_put(&r->fields, a, span_first(line, colon),
                           span_trim(span_skip(line, colon + 1)));
        if (rv != 0) {
            return fail(rv, why, "no memory left for the fields");
        }
        rest = span_skip(rest, line.n + 2);
    }
    return 0;
}

// RFC 9112, 6.1 and 6.3: anything but a plain "chunked", alone, is a doubt about the body's end.
static int read_coding(const struct request *r, struct h1_head *head, const char **why) {
    struct span name = SPAN("transfer-encoding"), element;
    size_t at = field_find(&r->fields, name, 0);
    unsigned chunked = 0, others = 0;
    if (at == r->fields.n) {
        return 0;
    }
    if (field_find(&r->fields, name, at + 1) < r->fields.n) {
        return fail(ERR_REQUEST_FRAMING, why, "two Transfer-Encoding fields");
    }
    if (pairs_find(&r->fields, SPAN("content-length")) != NULL) {
        return fail(ERR_REQUEST_FRAMING, why, "Transfer-Encoding and Content-Length");
    }
    if (r->protocol == PROTOCOL_HTTP10) {
        return fail(ERR_REQUEST_FRAMING, why, "Transfer-Encoding in HTTP/1.0");
    }
    for (struct span rest = r->fields.v[at].value; field_next_element(&rest, &element);) {
        bool is_chunked = span_eq_nocase(element, SPAN("chunked"));
        chunked += is_chunked;
        others += !is_chunked;
    }
    if (others > 0) {
        return fail(ERR_REQUEST_CODING, why, "transfer coding other than chunked");
    }
    head->is_chunked = chunked == 1 && r->fields.v[at].value.n == 7;
    return head->is_chunked ? 0 : fail(ERR_REQUEST_FRAMING, why, "bad Transfer-Encoding");
}

// RFC 9112, 9.3
static bool keeps_alive(const struct request *r) {
    struct span name = SPAN("connection");
    if (field_has_token(&r->fields, name, SPAN("close"))) {
        return false;
    }
    return r->protocol == PROTOCOL_HTTP11 || field_has_token(&r->fields, name, SPAN("keep-alive"));
}

// RFC 9110, 7.8: to stay with HTTP is always allowed, and who offers another version of it takes an
// ordinary answer. A WebSocket makes nothing of one, so it is told clearly.
static int check_upgrade(const struct request *r, const char **why) {
    if (field_has_token(&r->fields, SPAN("upgrade"), SPAN("websocket")) &&
        field_has_token(&r->fields, SPAN("connection"), SPAN("upgrade"))) {
        *why = "there is nobody to speak WebSocket with";
        return ERR_REQUEST_UPGRADE;
    }
    return 0;
}

int h1_head_parse(struct span head, struct request *r, struct arena *a, struct h1_head *out,
                  const char **why) {
    *r = (struct request){.is_secure = r->is_secure};
    *out = (struct h1_head){.keeps_alive = false};
    head = span_skip(head, head.p[0] == '\r' ? 2 : 0);
    size_t line = span_index(head, '\n');
    int rv = parse_request_line(span_first(head, line - 1), r, a, why);
    if (rv == 0) {
        rv = parse_fields(span_skip(head, line + 1), r, a, why);
    }
    if (rv == 0) {
        rv = request_complete(r, a, why);
    }
    if (rv == 0) {
        rv = check_upgrade(r, why);
    }
    if (rv == 0) {
        rv = read_coding(r, out, why);
    }
    if (rv == 0) {
        rv = request_expect(r, &out->expects_continue, why);
    }
    if (rv == 0) {
        out->keeps_alive = keeps_alive(r);
        r->body_len = out->is_chunked ? BODY_UNKNOWN : r->body_len;
    }
    return rv;
}
