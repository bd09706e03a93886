// SPDX-License-Identifier: MIT
#include "fcgi/cgi_head.h"

#include "base/error.h"
#include "base/tchar.h"

#include <assert.h>

void cgi_head_init(struct cgi_head *h, const struct cgi_head_conf *conf) {
    *h = (struct cgi_head){.conf = *conf};
    if (h->conf.head_limit == 0) {
        h->conf.head_limit = CGI_HEAD_LIMIT_DEFAULT;
    }
    if (h->conf.fields_limit == 0) {
        h->conf.fields_limit = CGI_HEAD_FIELDS_DEFAULT;
    }
    buf_init(&h->held, h->conf.head_limit);
}

void cgi_head_fini(struct cgi_head *h) {
    buf_fini(&h->held);
}

// What is held is small or rare: a head that came in several pieces.
static void drop_held(struct cgi_head *h) {
    buf_take(&h->held, buf_len(&h->held));
    h->is_held = false;
}

void cgi_head_begin(struct cgi_head *h, struct arena *arena) {
    drop_held(h);
    buf_release(&h->held);
    h->state = CGI_HEAD_IN_FIRST;
    h->arena = arena;
    h->in = (struct span){NULL, 0};
    h->has_ended = false;
    h->block = (struct cgi_head_block){.len = 0};
    h->interim = (struct response){.status = 0};
    h->error = 0;
    h->why = NULL;
}

void cgi_head_feed(struct cgi_head *h, struct span bytes) {
    assert(h->in.n == 0 && !h->has_ended);
    h->in = bytes;
}

void cgi_head_end(struct cgi_head *h) {
    h->has_ended = true;
}

bool cgi_head_is_done(const struct cgi_head *h) {
    return h->state == CGI_HEAD_IN_BODY;
}

static int fail(struct cgi_head *h, int error, const char *why) {
    h->why = why;
    return error;
}

// Leaves a field out that would cost the page. Whoever logs it is told once a block.
static int drop(struct cgi_head *h, const char *what) {
    h->block.odd = what;
    return 0;
}

// Whether the beginning of a line can still become a header field, or the end of a block.
static bool may_be_field(struct span line) {
    if (line.n == 1 && line.p[0] == '\r') {
        return true;
    }
    struct span name = span_first(line, CGI_HEAD_NAME_MAX + 1);
    size_t colon = span_index(name, ':');
    return colon < name.n ? tchar_is_token(span_first(name, colon))
                          : name.n <= CGI_HEAD_NAME_MAX && tchar_is_token(name);
}

enum kind { PLAIN, STATUS, LOCATION, TYPE, LENGTH, DROPPED };

static enum kind kind_of(struct span name) {
    static const struct {
        struct span name;
        enum kind kind;
    } rows[] = {
        {SPAN_INIT("Status"), STATUS},
        {SPAN_INIT("Location"), LOCATION},
        {SPAN_INIT("Content-Type"), TYPE},
        {SPAN_INIT("Content-Length"), LENGTH},
        // Connection-specific (RFC 9110, 7.6.1): they speak of a connection that is not there.
        {SPAN_INIT("Connection"), DROPPED},
        {SPAN_INIT("Keep-Alive"), DROPPED},
        {SPAN_INIT("Proxy-Connection"), DROPPED},
        {SPAN_INIT("TE"), DROPPED},
        {SPAN_INIT("Trailer"), DROPPED},
        {SPAN_INIT("Transfer-Encoding"), DROPPED},
        {SPAN_INIT("Upgrade"), DROPPED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (name.n == rows[i].name.n && span_eq_nocase(name, rows[i].name)) {
            return rows[i].kind;
        }
    }
    return PLAIN;
}

// Status = 3DIGIT [ SP reason ]        RFC 3875, 6.3.3. Statuses above 599 are nobody's, but
// clients know what to make of them (RFC 9110, 15), and applications that use them have a client
// that does.
static int take_status(struct cgi_head *h, struct span value) {
    struct cgi_head_block *b = &h->block;
    uint64_t status;
    if (b->has_status) {
        return drop(h, "a second Status field");
    }
    if (!span_to_u64(span_first(value, 3), &status) || status < 100 || status > 999 ||
        (value.n > 3 && value.p[3] != ' ')) {
        return fail(h, ERR_BACKEND_STATUS, "Status is not a number from 100 to 999");
    }
    if (status == 101) {
        return fail(h, ERR_BACKEND_STATUS, "Status 101: a CGI program cannot switch protocols");
    }
    struct span reason = arena_copy(h->arena, span_trim(span_skip(value, 3)));
    if (reason.p == NULL) {
        return fail(h, ERR_BACKEND_HEAD, "no memory left for the header block");
    }
    b->has_status = true;
    b->response.status = (int)status;
    b->response.reason = reason;
    return 0;
}

// line begins with the name, value is a part of it.
static int put_field(struct cgi_head *h, struct span line, struct span name, struct span value) {
    size_t at = (size_t)(value.p - line.p);
    struct span copy = arena_copy(h->arena, span_first(line, at + value.n));
    if (copy.p == NULL || pairs_put(&h->block.response.fields, h->arena, span_first(copy, name.n),
                                    span_skip(copy, at)) != 0) {
        return fail(h, ERR_BACKEND_HEAD, "no memory left for the header block");
    }
    return 0;
}

// Takes back what was put of that name.
static void take_back(struct cgi_head *h, struct span name) {
    struct pairs *fields = &h->block.response.fields;
    size_t kept = 0;
    for (size_t i = 0; i < fields->n; i++) {
        if (!span_eq_nocase(fields->v[i].name, name)) {
            fields->v[kept++] = fields->v[i];
        }
    }
    fields->n = kept;
}

// FastCGI frames the body by itself: a length that is in doubt is none. The same one twice is there
// once (RFC 9110, 8.6).
static int take_length(struct cgi_head *h, struct span line, struct span name, struct span value) {
    struct cgi_head_block *b = &h->block;
    uint64_t length = 0;
    bool is_number = span_to_u64(value, &length), is_first = !b->has_length && !b->has_no_length;
    if (is_number && !is_first && b->has_length && b->length == length) {
        return 0;
    }
    if (is_number && is_first) {
        b->has_length = true;
        b->length = length;
        return put_field(h, line, name, value);
    }
    take_back(h, name);
    b->has_length = false;
    b->has_no_length = true;
    return drop(h, is_number ? "two different Content-Length fields"
                             : "a Content-Length that is not a number");
}

// Of several types clients obey the last, or none at all.
static int take_type(struct cgi_head *h, struct span line, struct span name, struct span value) {
    const struct span *before = pairs_find(&h->block.response.fields, name);
    if (before != NULL && !span_eq(*before, value)) {
        drop(h, "two different Content-Type fields");
    }
    if (before != NULL) {
        take_back(h, name);
    }
    return put_field(h, line, name, value);
}

// A value with control characters.
static int take_controls(struct cgi_head *h, enum kind kind, struct span value) {
    // Where somebody reads such a byte as the end of the line, a field of an attacker's follows.
    if (span_index(value, 0) < value.n || span_index(value, '\r') < value.n) {
        return fail(h, ERR_BACKEND_HEAD, "NUL or CR in a field value");
    }
    return kind == STATUS ? fail(h, ERR_BACKEND_STATUS, "control character in Status")
                          : drop(h, "a field with a control character in its value");
}

static int take_known(struct cgi_head *h, struct span line, struct span name, struct span value) {
    enum kind kind = kind_of(name);
    if (kind == STATUS || kind == LOCATION || kind == TYPE) {
        h->block.is_certain = true;
    }
    if (!tchar_is_text(value)) {
        return take_controls(h, kind, value);
    }
    switch (kind) {
    case STATUS:
        return take_status(h, value);
    case LENGTH:
        return take_length(h, line, name, value);
    case TYPE:
        return take_type(h, line, name, value);
    case DROPPED:
        return 0;
    case LOCATION:
        h->block.has_location = value.n > 0;
        break;
    case PLAIN:
        break;
    }
    return put_field(h, line, name, value);
}

// A line that is no field. A folded one belongs to the field before it, which may mean less without
// it (a Content-Security-Policy), and whoever sends a status line means another protocol.
static int take_odd(struct cgi_head *h, struct span line, bool has_colon) {
    bool is_nph = h->block.fields == 1 && span_has_prefix(line, SPAN("HTTP/"));
    bool is_folded = line.p[0] == ' ' || line.p[0] == '\t';
    const char *why = is_nph       ? "status line of an nph- program, which is not supported"
                      : is_folded  ? "folded header field"
                      : !has_colon ? "header line without a colon"
                                   : "malformed field name";
    bool may_be_body = h->state == CGI_HEAD_IN_NEXT && !h->block.is_certain;
    h->block.is_doubtful = true;
    return is_nph || is_folded || may_be_body ? fail(h, ERR_BACKEND_HEAD, why) : drop(h, why);
}

// line: without its end.
static int take_field(struct cgi_head *h, struct span line) {
    size_t colon = span_index(line, ':');
    struct span name = span_first(line, colon);
    if (++h->block.fields > h->conf.fields_limit) {
        return fail(h, ERR_BACKEND_HEAD, "too many header fields");
    }
    if (colon > CGI_HEAD_NAME_MAX || !tchar_is_token(name) || colon == line.n) {
        return take_odd(h, line, colon < line.n);
    }
    return take_known(h, line, name, span_trim(span_skip(line, colon + 1)));
}

// Takes the next line off, with its end. MORE when it is not complete: then its beginning is held,
// with the whole block before it, and the input is used up. BAD when the block is too long: then
// nothing is taken.
static enum step take_line(struct cgi_head *h, struct span *line) {
    struct cgi_head_block *b = &h->block;
    size_t n = span_index(h->in, '\n');
    bool is_complete = n < h->in.n;
    size_t had = h->is_held ? buf_len(&h->held) : b->len;
    n += is_complete;
    if (n + had == 0) {
        return STEP_MORE;
    }
    if (n > h->conf.head_limit - had) {
        return STEP_BAD;
    }
    if (is_complete && !h->is_held) {
        *line = span_first(h->in, n);
    } else {
        int error = h->is_held ? buf_put(&h->held, span_first(h->in, n))
                               : buf_put(&h->held, span_of(h->in.p - b->len, b->len + n));
        assert(error == 0);
        (void)error;
        h->is_held = true;
        *line = span_skip(buf_span(&h->held), b->len);
    }
    if (n > 0) {
        h->in = span_skip(h->in, n);
    }
    if (!is_complete) {
        return STEP_MORE;
    }
    b->len += line->n;
    return STEP_ITEM;
}

static enum step tell_head(struct cgi_head *h, struct cgi_head_event *e) {
    struct response *r = &h->block.response;
    if (!h->block.has_status) {
        // RFC 3875, 6.2.3 and 6.2.4: a redirect that left the status to the server.
        r->status = h->block.has_location ? 302 : 200;
    }
    *e = (struct cgi_head_event){.kind = CGI_HEAD_FINAL, .response = *r, .odd = h->block.odd};
    h->state = CGI_HEAD_IN_BODY;
    if (r->status < 200) {
        e->kind = CGI_HEAD_INTERIM;
        h->interim = *r;
        h->state = CGI_HEAD_IN_NEXT;
    }
    drop_held(h);
    h->block = (struct cgi_head_block){.len = 0};
    return STEP_ITEM;
}

// The bytes behind a 1xx block are not a header block: the 1xx was the final head.
static enum step tell_lone_interim(struct cgi_head *h, struct cgi_head_event *e) {
    if (!h->is_held && h->block.len > 0) {
        h->in = span_of(h->in.p - h->block.len, h->block.len + h->in.n);
    }
    h->state = CGI_HEAD_IN_BODY; // what is held is told first
    h->why = NULL;
    *e = (struct cgi_head_event){
        .kind = CGI_HEAD_FINAL,
        .response = {.status = 200, .fields = h->interim.fields},
        .was_interim = true,
    };
    return STEP_ITEM;
}

static enum step tell_bad(struct cgi_head *h, struct cgi_head_event *e, int error) {
    if (h->state == CGI_HEAD_IN_NEXT && !h->block.is_certain) {
        return tell_lone_interim(h, e);
    }
    h->state = CGI_HEAD_IN_ERROR;
    h->error = error;
    return STEP_BAD;
}

// The input is used up in the middle of a block.
static enum step next_more(struct cgi_head *h, struct cgi_head_event *e) {
    struct span part = h->is_held ? span_skip(buf_span(&h->held), h->block.len) : h->in;
    if (h->has_ended && h->state == CGI_HEAD_IN_NEXT && h->block.len == 0 && part.n == 0) {
        h->block.is_certain = true; // nothing at all follows it: it is no page either
        return tell_bad(h, e, fail(h, ERR_BACKEND_STATUS, "only an interim header block"));
    }
    if (h->has_ended) {
        return tell_bad(
            h, e,
            fail(h, ERR_BACKEND_HEAD, h->is_held ? "header block ends early" : "no header block"));
    }
    if (h->state == CGI_HEAD_IN_NEXT && !h->block.is_certain && part.n > 0 && !may_be_field(part)) {
        return tell_lone_interim(h, e);
    }
    return STEP_MORE;
}

static struct span without_end(struct span line) {
    line.n--;
    line.n -= line.n > 0 && line.p[line.n - 1] == '\r';
    return line;
}

static enum step next_block(struct cgi_head *h, struct cgi_head_event *e) {
    for (;;) {
        struct span line;
        enum step step = take_line(h, &line);
        if (step == STEP_MORE) {
            return next_more(h, e);
        }
        if (step == STEP_BAD) {
            return tell_bad(h, e, fail(h, ERR_BACKEND_HEAD, "header block too large"));
        }
        line = without_end(line);
        if (line.n == 0 && h->block.is_doubtful && !h->block.is_certain) {
            return tell_bad(h, e, fail(h, ERR_BACKEND_HEAD, h->block.odd)); // is it a head at all?
        }
        if (line.n == 0) {
            bool is_body = h->state == CGI_HEAD_IN_NEXT && !h->block.is_certain;
            return is_body ? tell_lone_interim(h, e) : tell_head(h, e);
        }
        int error = take_field(h, line);
        if (error != 0) {
            return tell_bad(h, e, error);
        }
    }
}

static enum step next_body(struct cgi_head *h, struct cgi_head_event *e) {
    *e = (struct cgi_head_event){.kind = CGI_HEAD_BODY};
    if (h->is_held) {
        e->body = buf_span(&h->held);
        drop_held(h); // its memory stays until the next call
        return STEP_ITEM;
    }
    buf_release(&h->held);
    if (h->in.n == 0) {
        return STEP_MORE;
    }
    e->body = h->in;
    h->in = span_skip(h->in, h->in.n);
    return STEP_ITEM;
}

enum step cgi_head_next(struct cgi_head *h, struct cgi_head_event *e) {
    switch (h->state) {
    case CGI_HEAD_IN_FIRST:
    case CGI_HEAD_IN_NEXT:
        return next_block(h, e);
    case CGI_HEAD_IN_BODY:
        return next_body(h, e);
    case CGI_HEAD_IN_ERROR:
        break;
    }
    return STEP_BAD;
}
