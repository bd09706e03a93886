// SPDX-License-Identifier: MIT
// CGI output: the same wherever it is cut (the first byte of the input says where, the second how
// small the limits are), no response that could not be sent on, and every byte of the body the one
// that came.
#include "fcgi/cgi_head.h"
#include "support/split.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct subject {
    struct cgi_head_conf conf;
    struct cgi_head head;
    struct arena arena;
    bool is_bad, is_done;
    size_t body_len;
};

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

static void check_field(const struct pair *field) {
    static const char *const never[] = {
        "status",  "connection", "keep-alive",        "upgrade",
        "trailer", "te",         "transfer-encoding", "proxy-connection"};
    require(field->name.n > 0 && field->name.n <= CGI_HEAD_NAME_MAX);
    for (size_t i = 0; i < field->name.n; i++) {
        uint8_t c = field->name.p[i];
        require(c > ' ' && c < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL);
    }
    for (size_t i = 0; i < field->value.n; i++) {
        uint8_t c = field->value.p[i];
        require((c >= ' ' || c == '\t') && c != 0x7f);
    }
    require(span_trim(field->value).n == field->value.n);
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        require(!span_eq_nocase(field->name, span_str(never[i])));
    }
}

static void check_response(const struct subject *s, const struct response *r) {
    int lengths = 0, types = 0;
    require(r->fields.n <= s->conf.fields_limit);
    for (size_t i = 0; i < r->fields.n; i++) {
        check_field(&r->fields.v[i]);
        if (span_eq_nocase(r->fields.v[i].name, SPAN("content-length"))) {
            uint64_t length;
            require(span_to_u64(r->fields.v[i].value, &length));
            lengths++;
        }
        types += span_eq_nocase(r->fields.v[i].name, SPAN("content-type"));
    }
    require(lengths <= 1 && types <= 1);
}

static void begin(void *self) {
    struct subject *s = self;
    s->is_bad = s->is_done = false;
    s->body_len = 0;
    arena_init(&s->arena, 1 << 16);
    cgi_head_init(&s->head, &s->conf);
    cgi_head_begin(&s->head, &s->arena);
}

static void tell(struct subject *s, const struct cgi_head_event *e, struct buf *t) {
    if (e->kind == CGI_HEAD_BODY) {
        require(s->is_done && e->body.n > 0);
        s->body_len += e->body.n;
        split_data(t, "body", e->body);
        return;
    }
    bool is_final = e->kind == CGI_HEAD_FINAL;
    require(!s->is_done && e->response.status >= (is_final ? 200 : 100) &&
            e->response.status < (is_final ? 1000 : 200));
    check_response(s, &e->response);
    s->is_done = e->kind == CGI_HEAD_FINAL;
    split_line(t, "%d %d ", e->response.status, e->was_interim);
    for (size_t i = 0; i < e->response.fields.n; i++) {
        split_line(t, "%.*s=%.*s|", SPAN_ARG(e->response.fields.v[i].name),
                   SPAN_ARG(e->response.fields.v[i].value));
    }
    split_line(t, "%.*s\n", SPAN_ARG(e->response.reason));
}

static void pull(struct subject *s, struct buf *t) {
    struct cgi_head_event e;
    enum step step;
    while ((step = cgi_head_next(&s->head, &e)) == STEP_ITEM) {
        tell(s, &e, t);
    }
    if (step == STEP_BAD && !s->is_bad) {
        s->is_bad = true;
        split_line(t, "bad %d %s\n", s->head.error, s->head.why);
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
    require(s->is_bad || s->is_done);
    cgi_head_fini(&s->head);
    arena_fini(&s->arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct subject subject = {.is_bad = false};
    struct split split = {begin, piece, end, &subject};
    struct buf got, want;
    if (n < 2) {
        return 0;
    }
    subject.conf.head_limit = data[1] ? 8u * data[1] : 4096;
    subject.conf.fields_limit = data[1] % 16 ? data[1] % 16 : 256;
    struct span input = span_of(data + 2, n - 2);
    require(split_same(&split, input, data[0]));
    // The body is the end of the input, byte for byte.
    buf_init(&got, 1 << 24);
    buf_init(&want, 1 << 24);
    begin(&subject);
    piece(&subject, input, &got);
    end(&subject, &got);
    require(subject.body_len <= input.n);
    split_data(&want, "body", span_skip(input, input.n - subject.body_len));
    require(span_has_suffix(buf_span(&got), buf_span(&want)));
    buf_fini(&got);
    buf_fini(&want);
    return 0;
}
