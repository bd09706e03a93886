// SPDX-License-Identifier: MIT
#include "runner/client.h"

#include "fcgi/params.h"
#include "fcgi/writer.h"

#include <fastcgi.h>
#include <stdio.h>
#include <string.h>

#define RECORD_MOST 8192       // bytes of a BEGIN_REQUEST or GET_VALUES record
#define PARAMS_MOST (1u << 20) // bytes of all parameters of a request
#define IN_PAUSE (64u << 10)   // bytes waiting for the worker; then the client waits
#define OUT_PAUSE (128u << 10) // bytes waiting for the client; then the worker waits
#define SHORT_MOST 4096        // bytes of records: what the smallest pipe takes (PIPE_BUF)
#define SMALL_MOST (64u << 10) // beyond OUT_PAUSE: our own answers

void client_init(struct client *c, const struct client_conf *conf, int fd) {
    *c = (struct client){.conf = conf, .fd = fd, .channel = -1};
    list_init(&c->node);
    reader_init(&c->reader);
    buf_init(&c->record, RECORD_MOST);
    buf_init(&c->params, PARAMS_MOST);
    // Records of one byte take 9 bytes when they come and 16 when they are passed on.
    buf_init(&c->in, IN_PAUSE + 2 * CLIENT_PIECE + 2 * PARAMS_MOST);
    buf_init(&c->out, OUT_PAUSE + 2 * CLIENT_PIECE + SMALL_MOST);
}

void client_fini(struct client *c) {
    list_drop(&c->node);
    buf_fini(&c->record);
    buf_fini(&c->params);
    buf_fini(&c->in);
    buf_fini(&c->out);
}

bool client_wants(const struct client *c) {
    return buf_len(&c->in) < IN_PAUSE && buf_len(&c->out) < OUT_PAUSE;
}

static bool is_active(const struct client *c) {
    return c->state == CLIENT_HEAD || c->state == CLIENT_WAITS || c->state == CLIENT_RUNS;
}

static void forget_request(struct client *c) {
    list_drop(&c->node);
    buf_take(&c->params, buf_len(&c->params));
    buf_release(&c->params);
    buf_take(&c->in, buf_len(&c->in));
    buf_release(&c->in);
    c->state = c->keep && c->state != CLIENT_LEAVES ? CLIENT_IDLE : CLIENT_LEAVES;
}

static bool put_end(struct client *c, uint16_t id, uint8_t status) {
    uint8_t body[8] = {0, 0, 0, 0, status, 0, 0, 0};
    return writer_put(&c->out, FCGI_END_REQUEST, id, span_of(body, sizeof body)) == 0;
}

// ---- records of the client ----

static bool on_begin(struct client *c, uint16_t id, struct span body) {
    if (body.n != 8) {
        return false;
    }
    if (is_active(c)) {
        return id != c->id && put_end(c, id, FCGI_CANT_MPX_CONN);
    }
    if (c->state == CLIENT_LEAVES) {
        return true;
    }
    if ((body.p[0] << 8 | body.p[1]) != FCGI_RESPONDER) {
        return put_end(c, id, FCGI_UNKNOWN_ROLE);
    }
    c->id = id;
    c->keep = body.p[2] & FCGI_KEEP_CONN;
    c->state = CLIENT_HEAD;
    c->is_input_ended = c->has_nul = c->is_answered = false;
    return true;
}

#define VALUES 3 // that we know

static void add_value(struct client *c, struct pairs *pairs, struct span name, char text[16]) {
    static const struct {
        const char *name;
        size_t at;
    } rows[] = {{FCGI_MAX_CONNS, offsetof(struct client_conf, connections)},
                {FCGI_MAX_REQS, offsetof(struct client_conf, requests)}};
    uint32_t value = 0;
    bool is_known = span_eq(name, SPAN(FCGI_MPXS_CONNS));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (span_eq(name, span_str(rows[i].name))) {
            memcpy(&value, (const char *)c->conf + rows[i].at, sizeof value);
            is_known = true;
        }
    }
    if (is_known && !pairs_find(pairs, name)) {
        int n = snprintf(text, 16, "%u", value);
        pairs->v[pairs->n++] = (struct pair){name, span_of(text, (size_t)n)};
    }
}

// FastCGI 1.0, 4.1: names that are not known are left out of the answer.
static bool on_values(struct client *c, struct span body) {
    char texts[VALUES][16];
    struct pair found[VALUES], pair;
    struct pairs pairs = {found, 0, VALUES};
    struct buf content;
    buf_init(&content, 1024);
    while (params_next(&body, &pair) == STEP_ITEM && pairs.n < VALUES) {
        add_value(c, &pairs, pair.name, texts[pairs.n]);
    }
    for (size_t i = 0; i < pairs.n; i++) {
        uint8_t lengths[2] = {(uint8_t)pairs.v[i].name.n, (uint8_t)pairs.v[i].value.n};
        buf_put(&content, span_of(lengths, 2));
        buf_put(&content, pairs.v[i].name);
        buf_put(&content, pairs.v[i].value);
    }
    uint8_t header[READER_HEADER_LEN];
    bool is_put = true;
    if (buf_len(&content) > 0) {
        is_put = writer_put(&c->out, FCGI_GET_VALUES_RESULT, 0, buf_span(&content)) == 0;
    } else {
        writer_header(header, FCGI_GET_VALUES_RESULT, 0, 0);
        is_put = buf_put(&c->out, span_of(header, sizeof header)) == 0;
    }
    buf_fini(&content);
    return is_put;
}

static bool on_unknown(struct client *c, uint8_t type) {
    uint8_t body[8] = {type};
    return writer_put(&c->out, FCGI_UNKNOWN_TYPE, 0, span_of(body, sizeof body)) == 0;
}

static const char too_large[] = "Status: 431 Request Header Fields Too Large\r\n"
                                "Content-Type: text/plain\r\n\r\n431\n";
static const char bad_request[] = "Status: 400 Bad Request\r\n"
                                  "Content-Type: text/plain\r\n\r\n400 Bad Request\n";

// A NUL ends a string of C: what would be run is not what was asked for.
static bool on_params_end(struct client *c) {
    struct span rest = buf_span(&c->params);
    struct pair pair;
    enum step step;
    while ((step = params_next(&rest, &pair)) == STEP_ITEM) {
        c->has_nul |= span_index(pair.name, 0) < pair.name.n;
        c->has_nul |= span_index(pair.value, 0) < pair.value.n;
    }
    if (step == STEP_BAD) {
        return false;
    }
    c->state = CLIENT_WAITS;
    if (c->has_nul) {
        client_refuse(c, bad_request);
    }
    return true;
}

static bool on_piece(struct client *c, const struct reader_event *e) {
    if (e->type == FCGI_PARAMS) {
        if (c->state == CLIENT_HEAD && buf_put(&c->params, e->piece) < 0) {
            c->keep = false;
            client_refuse(c, too_large);
        }
        return true;
    }
    if (e->type == FCGI_STDIN) {
        bool is_passed = c->state == CLIENT_WAITS || c->state == CLIENT_RUNS;
        return !is_passed || c->is_input_ended ||
               writer_put(&c->in, FCGI_STDIN, c->id, e->piece) == 0;
    }
    return buf_put(&c->record, e->piece) == 0;
}

// An abort is answered at once; what runs for the request is ended by the owner, who sees that the
// request is no longer there.
static bool on_abort(struct client *c) {
    forget_request(c);
    return put_end(c, c->id, FCGI_REQUEST_COMPLETE);
}

static bool on_input_end(struct client *c) {
    if (c->is_input_ended || c->state == CLIENT_HEAD) {
        return true;
    }
    c->is_input_ended = true;
    return writer_end(&c->in, FCGI_STDIN, c->id) == 0;
}

static bool on_request_record(struct client *c, const struct reader_event *e) {
    if (e->content_len == 0 && e->type == FCGI_PARAMS && c->state == CLIENT_HEAD) {
        return on_params_end(c);
    }
    if (e->content_len == 0 && e->type == FCGI_STDIN) {
        return on_input_end(c);
    }
    return e->type != FCGI_ABORT_REQUEST || on_abort(c);
}

static bool on_close(struct client *c, const struct reader_event *e) {
    struct span body = buf_span(&c->record);
    bool is_good = true;
    if (e->id == 0) {
        is_good = e->type == FCGI_GET_VALUES ? on_values(c, body) : on_unknown(c, e->type);
    } else if (e->type == FCGI_BEGIN_REQUEST) {
        is_good = on_begin(c, e->id, body);
    } else if (is_active(c) && e->id == c->id) {
        is_good = on_request_record(c, e);
    }
    buf_take(&c->record, buf_len(&c->record));
    return is_good;
}

bool client_feed(struct client *c, struct span bytes) {
    struct reader_event e;
    enum step step;
    bool is_good = true;
    reader_feed(&c->reader, bytes);
    while (is_good && (step = reader_next(&c->reader, &e)) != STEP_MORE) {
        if (step == STEP_BAD) {
            return false;
        }
        if (e.kind == READER_OPEN) {
            bool is_ours = is_active(c) && e.id == c->id;
            c->is_wanted = e.id == 0
                               ? e.type == FCGI_GET_VALUES
                               : e.type == FCGI_BEGIN_REQUEST ||
                                     (is_ours && (e.type == FCGI_PARAMS || e.type == FCGI_STDIN));
        } else if (e.kind == READER_PIECE) {
            is_good = !c->is_wanted || on_piece(c, &e);
        } else {
            is_good = on_close(c, &e);
        }
    }
    return is_good;
}

// ---- the worker's side ----

bool client_is_short(const struct client *c) {
    return c->is_input_ended && buf_len(&c->in) <= SHORT_MOST;
}

bool client_start(struct client *c) {
    uint8_t begin[8] = {0, FCGI_RESPONDER};
    struct buf head;
    buf_init(&head, c->in.limit);
    bool is_put = writer_put(&head, FCGI_BEGIN_REQUEST, c->id, span_of(begin, sizeof begin)) == 0 &&
                  writer_put(&head, FCGI_PARAMS, c->id, buf_span(&c->params)) == 0 &&
                  writer_end(&head, FCGI_PARAMS, c->id) == 0 &&
                  buf_put(&head, buf_span(&c->in)) == 0;
    if (!is_put) {
        buf_fini(&head);
        return false;
    }
    buf_fini(&c->in);
    c->in = head;
    buf_take(&c->params, buf_len(&c->params));
    buf_release(&c->params);
    reader_init(&c->answer);
    c->end_len = 0;
    c->state = CLIENT_RUNS;
    return true;
}

size_t client_room(const struct client *c) {
    return buf_len(&c->out) < OUT_PAUSE ? CLIENT_PIECE : 0;
}

// Pieces become records of their own: the client's stream is between two records at any time, so
// that we can always end it.
static bool put_answer(struct client *c, const struct reader_event *e) {
    if (e->type == FCGI_END_REQUEST) {
        size_t n = sizeof c->end - c->end_len;
        n = e->piece.n < n ? e->piece.n : n;
        memcpy(c->end + c->end_len, e->piece.p, n);
        c->end_len += n;
        return true;
    }
    return writer_put(&c->out, e->type, c->id, e->piece) == 0;
}

static bool close_answer(struct client *c, const struct reader_event *e) {
    if (e->type == FCGI_END_REQUEST) {
        c->is_answered = true;
        return writer_put(&c->out, FCGI_END_REQUEST, c->id, span_of(c->end, sizeof c->end)) == 0;
    }
    return e->content_len > 0 || writer_end(&c->out, e->type, c->id) == 0;
}

bool client_answer(struct client *c, struct span bytes) {
    struct reader_event e;
    bool is_good = true;
    reader_feed(&c->answer, bytes);
    while (is_good && reader_next(&c->answer, &e) == STEP_ITEM) {
        if (e.kind == READER_PIECE) {
            is_good = put_answer(c, &e);
        } else if (e.kind == READER_CLOSE) {
            is_good = close_answer(c, &e);
        }
    }
    return is_good;
}

void client_end(struct client *c) {
    if (!c->is_answered) {
        c->keep = false;
    }
    forget_request(c);
}

void client_refuse(struct client *c, const char *text) {
    if (writer_put(&c->out, FCGI_STDOUT, c->id, span_str(text)) < 0 ||
        writer_end(&c->out, FCGI_STDOUT, c->id) < 0 || !put_end(c, c->id, FCGI_REQUEST_COMPLETE)) {
        c->keep = false;
    }
    forget_request(c);
}

struct span client_param(const struct client *c, const char *name) {
    struct span rest = buf_span(&c->params);
    struct pair pair;
    while (params_next(&rest, &pair) == STEP_ITEM) {
        if (span_eq(pair.name, span_str(name))) {
            return pair.value;
        }
    }
    return span_of(NULL, 0);
}
