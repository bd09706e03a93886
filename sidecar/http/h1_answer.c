// SPDX-License-Identifier: MIT
#include "http/h1_answer.h"

#include "base/error.h"
#include "base/hex.h"
#include "http/date.h"
#include "http/field.h"
#include "http/request.h"
#include "http/status.h"

#include <stdio.h>

#define CHUNK_HEAD_MAX (HEX_NUMBER_MAX + 2) // bytes of a chunk's size line
#define LENGTH_MAX 20                       // digits of a Content-Length

// ---- what is to be written ----------------------------------------------------------------------

// A head that has been checked.
struct answer {
    const struct response *response;
    struct span reason;
    size_t len;      // bytes of all fields that go out as they came, their line ends included
    uint64_t length; // Content-Length, or BODY_UNKNOWN
    bool has_date;
};

static bool is_length(struct span name) {
    return span_eq_nocase(name, SPAN("content-length"));
}

// Fields that go out as they came. Content-Length is written anew.
static bool is_passed(struct span name) {
    return !field_is_connection_specific(name) && !is_length(name);
}

static int check_field(struct answer *a, struct pair field) {
    uint64_t length;
    if (!field_is_name(field.name) || !field_is_value(field.value)) {
        return ERR_SYNTAX;
    }
    if (is_passed(field.name)) {
        a->len += field.name.n + field.value.n + 4;
        a->has_date |= span_eq_nocase(field.name, SPAN("date"));
    }
    if (!is_length(field.name)) {
        return 0;
    }
    if (!span_to_u64(field.value, &length) || length == BODY_UNKNOWN ||
        (a->length != BODY_UNKNOWN && a->length != length)) {
        return ERR_SYNTAX;
    }
    a->length = length;
    return 0;
}

static int check(struct answer *a, const struct response *r) {
    int rv = field_is_value(r->reason) ? 0 : ERR_SYNTAX;
    *a = (struct answer){.response = r, .length = BODY_UNKNOWN};
    a->reason = r->reason.n > 0 ? r->reason : status_reason(r->status);
    for (size_t i = 0; rv == 0 && i < r->fields.n; i++) {
        rv = check_field(a, r->fields.v[i]);
    }
    // RFC 9110, 8.6
    if (r->status < 200 || r->status == 204) {
        a->length = BODY_UNKNOWN;
    }
    if (r->status == 205) {
        a->length = 0; // RFC 9110, 15.3.6
    }
    return rv;
}

// ---- writing ------------------------------------------------------------------------------------

static uint8_t *put(uint8_t *at, struct span s) {
    if (s.n > 0) {
        memcpy(at, s.p, s.n);
    }
    return at + s.n;
}

static uint8_t *put_number(uint8_t *at, uint64_t value) {
    uint8_t digits[LENGTH_MAX];
    size_t i = sizeof digits;
    do {
        digits[--i] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return put(at, span_of(digits + i, sizeof digits - i));
}

// status-line = HTTP-version SP status-code SP [ reason-phrase ]; then the fields that are passed.
static uint8_t *put_head(uint8_t *at, const struct answer *a) {
    const struct pairs *fields = &a->response->fields;
    at = put(at, SPAN("HTTP/1.1 "));
    at = put_number(at, (uint64_t)a->response->status);
    at = put(put(put(at, SPAN(" ")), a->reason), SPAN("\r\n"));
    for (size_t i = 0; i < fields->n; i++) {
        if (is_passed(fields->v[i].name)) {
            at = put(put(at, fields->v[i].name), SPAN(": "));
            at = put(put(at, fields->v[i].value), SPAN("\r\n"));
        }
    }
    return at;
}

#define FRAME_MAX 160 // bytes of what put_head and put_framing add to the answer's own fields

static uint8_t *put_framing(struct h1 *h, uint8_t *at, const struct answer *a) {
    if (!a->has_date && h->conf->unix_time != NULL) {
        char date[DATE_LEN];
        date_format(*h->conf->unix_time, date);
        at = put(put(put(at, SPAN("Date: ")), span_of(date, DATE_LEN)), SPAN("\r\n"));
    }
    if (a->length != BODY_UNKNOWN) {
        at = put(put_number(put(at, SPAN("Content-Length: ")), a->length), SPAN("\r\n"));
    } else if (h->framing == H1_CHUNKED) {
        at = put(at, SPAN("Transfer-Encoding: chunked\r\n"));
    }
    if (h->closes) {
        at = put(at, SPAN("Connection: close\r\n"));
    } else if (h->stream.request.protocol == PROTOCOL_HTTP10) {
        at = put(at, SPAN("Connection: keep-alive\r\n"));
    }
    return put(at, SPAN("\r\n"));
}

// RFC 9112, 6.3
static void choose_framing(struct h1 *h, struct answer *a, bool end) {
    int status = a->response->status;
    bool has_none = span_eq(h->stream.request.method, SPAN("HEAD")) || status == 204 ||
                    status == 205 || status == 304;
    if (end && !has_none && a->length == BODY_UNKNOWN) {
        a->length = 0;
    }
    h->answer_left = a->length;
    if (has_none || end) {
        h->framing = H1_NO_BODY;
    } else if (a->length != BODY_UNKNOWN) {
        h->framing = H1_LENGTH;
    } else if (h->stream.request.protocol == PROTOCOL_HTTP10) {
        h->framing = H1_UNTIL_CLOSE;
        h->closes = true;
    } else {
        h->framing = H1_CHUNKED;
    }
}

// A request body that has not come yet is skipped only when it is small and will surely come: a
// client that waits for a 100 may leave it out after a final answer (RFC 9110, 10.1.1).
static void choose_close(struct h1 *h) {
    bool is_large = !h->head.is_chunked && h->body_left > h->conf->drain_bytes;
    h->closes |= !h->head.keeps_alive || h->requests >= h->conf->requests ||
                 (h->state == H1_BODY && (h->head.expects_continue || is_large));
}

static int write_head(struct h1 *h, struct answer *a, bool end) {
    choose_close(h);
    choose_framing(h, a, end);
    uint8_t *start = buf_reserve(&h->out, a->len + a->reason.n + FRAME_MAX);
    if (start == NULL) {
        return ERR_BUF_LIMIT;
    }
    uint8_t *at = put_framing(h, put_head(start, a), a);
    buf_wrote(&h->out, (size_t)(at - start));
    h->has_head = true;
    return 0;
}

// ---- commands -----------------------------------------------------------------------------------

static struct h1 *h1_of(struct front *f) {
    return (struct h1 *)(void *)f;
}

// The caller may not know yet that the request was broken off.
static bool is_ended(const struct h1 *h) {
    return h->is_reset || h->is_finished || h->is_over;
}

void h1_answer_continue(struct h1 *h) {
    h->head.expects_continue = false;
    buf_put(&h->out, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
}

// RFC 9110, 15.2: none to HTTP/1.0.
int h1_answer_inform(struct front *f, struct front_stream *s, const struct response *r) {
    struct h1 *h = h1_of(f);
    struct answer a;
    if (h->has_head || r->status < 100 || r->status > 199 || r->status == 101 ||
        check(&a, r) != 0) {
        return ERR_SYNTAX;
    }
    if (is_ended(h) || s->request.protocol == PROTOCOL_HTTP10) {
        return 0;
    }
    uint8_t *start = buf_reserve(&h->out, a.len + a.reason.n + FRAME_MAX);
    if (start == NULL) {
        return ERR_BUF_LIMIT;
    }
    uint8_t *at = put(put_head(start, &a), SPAN("\r\n"));
    buf_wrote(&h->out, (size_t)(at - start));
    return 0;
}

int h1_answer_head(struct front *f, struct front_stream *s, const struct response *r, bool end) {
    struct h1 *h = h1_of(f);
    struct answer a;
    if (h->has_head || r->status < 200 || r->status > 999 || check(&a, r) != 0) {
        return ERR_SYNTAX;
    }
    bool may_lack = span_eq(s->request.method, SPAN("HEAD")) || r->status == 304;
    if (end && !may_lack && a.length != BODY_UNKNOWN && a.length > 0) {
        return ERR_SYNTAX; // no body, and yet a length
    }
    if (is_ended(h)) {
        return 0;
    }
    int rv = write_head(h, &a, end);
    if (rv == 0 && end) {
        h1_end(h);
    }
    return rv;
}

size_t h1_answer_room(const struct front *f, const struct front_stream *s) {
    const struct h1 *h = (const struct h1 *)(const void *)f;
    size_t queued = buf_len(&h->out), most = h->conf->response_queue;
    (void)s;
    return queued < most ? most - queued : 0;
}

// chunk = chunk-size CRLF chunk-data CRLF (RFC 9112, 7.1)
static int put_chunk(struct h1 *h, struct span bytes) {
    uint8_t *start = buf_reserve(&h->out, CHUNK_HEAD_MAX + bytes.n + 2);
    if (start == NULL) {
        return ERR_BUF_LIMIT;
    }
    uint8_t *at = put(hex_put_number(start, bytes.n), SPAN("\r\n"));
    at = put(put(at, bytes), SPAN("\r\n"));
    buf_wrote(&h->out, (size_t)(at - start));
    return 0;
}

int h1_answer_body(struct front *f, struct front_stream *s, struct span bytes) {
    struct h1 *h = h1_of(f);
    (void)s;
    if (is_ended(h) || !h->has_head || h->framing == H1_NO_BODY) {
        return 0;
    }
    if (h->framing == H1_LENGTH) {
        bytes = bytes.n > h->answer_left ? span_first(bytes, (size_t)h->answer_left) : bytes;
        h->answer_left -= bytes.n;
    }
    if (bytes.n == 0) {
        return 0; // an empty chunk would be the last one
    }
    int rv = h->framing == H1_CHUNKED ? put_chunk(h, bytes) : buf_put(&h->out, bytes);
    h->is_full |= h1_answer_room(f, s) == 0;
    return rv;
}

void h1_answer_finish(struct front *f, struct front_stream *s) {
    struct h1 *h = h1_of(f);
    (void)s;
    if (is_ended(h)) {
        return;
    }
    if (!h->has_head || (h->framing == H1_LENGTH && h->answer_left > 0)) {
        h1_break(h, ERR_BACKEND_SHORT);
        return;
    }
    if (h->framing == H1_CHUNKED && buf_put(&h->out, SPAN("0\r\n\r\n")) != 0) {
        h1_break(h, ERR_BUF_LIMIT);
        return;
    }
    h1_end(h);
}

void h1_answer_refuse(struct h1 *h, int error) {
    const struct error_row *row = error_row(error);
    char text[128], length[LENGTH_MAX + 1];
    int n = snprintf(text, sizeof text, "%d %s\n", row->status, row->text);
    int digits = snprintf(length, sizeof length, "%d", n);
    struct pair fields[] = {
        {SPAN("Content-Type"), SPAN("text/plain; charset=utf-8")},
        {SPAN("Content-Length"), span_of(length, (size_t)digits)},
        {SPAN("Cache-Control"), SPAN("no-store")},
        {SPAN("Allow"), REQUEST_ALLOW}, // 405 needs it
    };
    struct pairs all = {.v = fields, .n = row->status == 405 ? 4 : 3, .cap = 4};
    struct response r = {.status = row->status, .fields = all};
    struct answer a;
    h->closes = true;
    if (check(&a, &r) == 0 && write_head(h, &a, false) == 0 && h->framing != H1_NO_BODY) {
        buf_put(&h->out, span_of(text, (size_t)n));
    }
}
