// SPDX-License-Identifier: MIT
#include "fcgi/conn.h"

#include "base/error.h"
#include "fcgi/params.h"
#include "fcgi/writer.h"

#include <assert.h>
#include <fastcgi.h>

#define OUT_KEPT (16u << 10)  // bytes of output memory that an idle connection may keep
#define OUT_SPARE (64u << 10) // headers and padding of records, at the limits of params and window

void fcgi_conn_init(struct fcgi_conn *c, const struct fcgi_conn_conf *conf) {
    *c = (struct fcgi_conn){.error = 0};
    if (conf != NULL) {
        c->conf = *conf;
    }
    if (c->conf.params_limit == 0) {
        c->conf.params_limit = PARAMS_LIMIT_DEFAULT;
    }
    if (c->conf.window == 0) {
        c->conf.window = FCGI_CONN_WINDOW_DEFAULT;
    }
    size_t content = c->conf.params_limit + c->conf.window;
    // Of any two neighbouring records one is at least half full: the headers are far below 1/64.
    buf_init(&c->out, content + content / 64 + OUT_SPARE);
    cgi_head_init(&c->head, &c->conf.head);
    reader_init(&c->reader);
}

void fcgi_conn_fini(struct fcgi_conn *c) {
    buf_fini(&c->out);
    cgi_head_fini(&c->head);
}

// One request at a time: any number but 0 would do. Neighbours differ, so that what an application
// still says behind the end of one request is not taken for the answer to the next.
static uint16_t next_id(const struct fcgi_conn *c) {
    return c->id == 1 ? 2 : 1;
}

// The output was empty before: what a failed begin has put is all of it.
static int put_begin(struct fcgi_conn *c, const struct pairs *params, bool keep) {
    const uint8_t body[8] = {0, FCGI_RESPONDER, keep ? FCGI_KEEP_CONN : 0};
    uint16_t id = next_id(c);
    int error = writer_put(&c->out, FCGI_BEGIN_REQUEST, id, span_of(body, sizeof body));
    if (error == 0) {
        error = params_put(&c->out, id, params, c->conf.params_limit);
    }
    if (error != 0) {
        buf_take(&c->out, buf_len(&c->out));
    }
    return error;
}

static void end_stdin(struct fcgi_conn *c) {
    int error = writer_end(&c->out, FCGI_STDIN, c->id);
    assert(error == 0);
    (void)error;
    c->is_stdin_ended = true;
}

int fcgi_conn_begin(struct fcgi_conn *c, struct arena *arena, const struct pairs *params,
                    uint64_t content_length, bool keep) {
    assert(fcgi_conn_is_idle(c));
    int error = put_begin(c, params, keep);
    if (error != 0) {
        return error;
    }
    cgi_head_begin(&c->head, arena);
    c->id = next_id(c);
    c->body_left = content_length;
    c->end_len = 0;
    c->is_active = true;
    c->is_stdin_ended = c->has_sent = c->has_end_record = c->has_ended = false;
    c->keep = keep;
    if (content_length == 0) {
        end_stdin(c);
    }
    return 0;
}

size_t fcgi_conn_room(const struct fcgi_conn *c) {
    size_t queued = buf_len(&c->out);
    size_t room = queued < c->conf.window ? c->conf.window - queued : 0;
    return room < c->body_left ? room : (size_t)c->body_left;
}

int fcgi_conn_body(struct fcgi_conn *c, struct span bytes) {
    if (bytes.n > c->body_left) {
        return ERR_BODY_LONG;
    }
    if (bytes.n > fcgi_conn_room(c)) {
        return ERR_BUF_LIMIT;
    }
    int error = writer_put(&c->out, FCGI_STDIN, c->id, bytes);
    if (error == 0) {
        c->body_left -= bytes.n;
    }
    return error;
}

int fcgi_conn_body_end(struct fcgi_conn *c) {
    if (c->body_left > 0) {
        return ERR_BODY_SHORT;
    }
    if (c->is_active && !c->is_stdin_ended) {
        end_stdin(c);
    }
    return 0;
}

void fcgi_conn_feed(struct fcgi_conn *c, struct span bytes) {
    reader_feed(&c->reader, bytes);
}

static enum step fail(struct fcgi_conn *c, int error, const char *why) {
    c->error = error;
    c->why = why;
    return STEP_BAD;
}

// Management records (id 0; specification, 4) answer what we never ask, but do no harm.
static bool is_skipped(const struct reader_event *r) {
    return r->id == FCGI_NULL_REQUEST_ID && r->type >= FCGI_GET_VALUES;
}

// What is wrong with a record of that header here, or NULL.
static const char *objection(const struct fcgi_conn *c, const struct reader_event *r) {
    if (is_skipped(r)) {
        return NULL;
    }
    if (!c->is_active || c->has_ended) {
        return "record with no request under way";
    }
    if (r->id != c->id) {
        return "record of another request";
    }
    if (r->type == FCGI_END_REQUEST) {
        return r->content_len == sizeof c->end ? NULL : "END_REQUEST of a wrong length";
    }
    return r->type == FCGI_STDOUT || r->type == FCGI_STDERR ? NULL
                                                            : "record of a type not for clients";
}

// The eight bytes: application status (4), protocol status (1), reserved (3, with leftover memory
// of the application in them).
static enum step finish(struct fcgi_conn *c) {
    static const char *const words[] = {
        [FCGI_CANT_MPX_CONN] = "backend refused a second request on the connection",
        [FCGI_OVERLOADED] = "backend is overloaded",
        [FCGI_UNKNOWN_ROLE] = "backend does not serve responders",
    };
    uint8_t status = c->end[4];
    c->has_end_record = true;
    if (status != FCGI_REQUEST_COMPLETE) {
        int error = status == FCGI_OVERLOADED ? ERR_BACKEND_OVERLOADED : ERR_BACKEND_REFUSED;
        return fail(c, error,
                    status < sizeof words / sizeof words[0] ? words[status]
                                                            : "unknown protocol status");
    }
    cgi_head_end(&c->head);
    return STEP_MORE;
}

// ITEM: *e is filled; MORE: go on.
static enum step take_piece(struct fcgi_conn *c, const struct reader_event *r,
                            struct fcgi_event *e) {
    if (is_skipped(r)) {
        return STEP_MORE;
    }
    if (r->type == FCGI_STDERR) {
        *e = (struct fcgi_event){.kind = FCGI_EVENT_ERRORS, .bytes = r->piece};
        return STEP_ITEM;
    }
    if (r->type == FCGI_STDOUT) {
        cgi_head_feed(&c->head, r->piece);
        return STEP_MORE;
    }
    memcpy(c->end + c->end_len, r->piece.p, r->piece.n); // its length was checked at OPEN
    c->end_len += r->piece.n;
    return STEP_MORE;
}

static enum step take_record(struct fcgi_conn *c, const struct reader_event *r,
                             struct fcgi_event *e) {
    if (r->kind == READER_OPEN) {
        const char *why = objection(c, r);
        return why != NULL ? fail(c, ERR_BACKEND_RECORD, why) : STEP_MORE;
    }
    if (r->kind == READER_PIECE) {
        return take_piece(c, r, e);
    }
    return r->type == FCGI_END_REQUEST && !is_skipped(r) ? finish(c) : STEP_MORE;
}

static enum step tell_head(const struct cgi_head_event *h, struct fcgi_event *e) {
    static const enum fcgi_event_kind kinds[] = {
        [CGI_HEAD_INTERIM] = FCGI_EVENT_INTERIM,
        [CGI_HEAD_FINAL] = FCGI_EVENT_HEAD,
        [CGI_HEAD_BODY] = FCGI_EVENT_BODY,
    };
    *e = (struct fcgi_event){
        .kind = kinds[h->kind],
        .response = h->response,
        .was_interim = h->was_interim,
        .odd = h->odd,
        .bytes = h->body,
    };
    return STEP_ITEM;
}

static enum step tell_end(struct fcgi_conn *c, struct fcgi_event *e) {
    const uint8_t *p = c->end;
    *e = (struct fcgi_event){
        .kind = FCGI_EVENT_END,
        .app_status =
            (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3],
    };
    c->has_ended = true;
    return STEP_ITEM;
}

// What the application's output says, then the end, if it has come.
static enum step next_output(struct fcgi_conn *c, struct fcgi_event *e) {
    struct cgi_head_event h;
    if (!c->is_active || c->has_ended) {
        return STEP_MORE;
    }
    switch (cgi_head_next(&c->head, &h)) {
    case STEP_ITEM:
        return tell_head(&h, e);
    case STEP_BAD:
        return fail(c, c->head.error, c->head.why);
    case STEP_MORE:
        break;
    }
    return c->has_end_record ? tell_end(c, e) : STEP_MORE;
}

enum step fcgi_conn_next(struct fcgi_conn *c, struct fcgi_event *e) {
    if (c->error != 0) {
        return STEP_BAD;
    }
    for (;;) {
        struct reader_event r;
        enum step step = next_output(c, e);
        if (step != STEP_MORE) {
            return step;
        }
        step = reader_next(&c->reader, &r);
        if (step == STEP_MORE) {
            return STEP_MORE;
        }
        if (step == STEP_BAD) {
            return fail(c, ERR_BACKEND_RECORD, "record of another version than 1");
        }
        step = take_record(c, &r, e);
        if (step != STEP_MORE) {
            return step;
        }
    }
}

bool fcgi_conn_drain(struct fcgi_conn *c) {
    struct reader_event r;
    enum step step;
    if (c->has_end_record) {
        return true; // its end came before the last of it had been told
    }
    while ((step = reader_next(&c->reader, &r)) == STEP_ITEM) {
        if (r.kind == READER_CLOSE && r.type == FCGI_END_REQUEST) {
            return true;
        }
    }
    return step == STEP_BAD;
}

int fcgi_conn_eof(const struct fcgi_conn *c) {
    if (c->error != 0) {
        return c->error;
    }
    if (!c->is_active || c->has_ended) {
        return 0;
    }
    return cgi_head_is_done(&c->head) ? ERR_BACKEND_SHORT : ERR_BACKEND_CLOSED;
}

struct span fcgi_conn_output(const struct fcgi_conn *c) {
    return buf_span(&c->out);
}

void fcgi_conn_sent(struct fcgi_conn *c, size_t n) {
    buf_take(&c->out, n);
    c->has_sent |= n > 0;
    if (c->is_stdin_ended && c->out.cap > OUT_KEPT) {
        buf_release(&c->out);
    }
}

bool fcgi_conn_awaits_body(const struct fcgi_conn *c) {
    return c->is_active && !c->is_stdin_ended;
}

bool fcgi_conn_has_sent(const struct fcgi_conn *c) {
    return c->has_sent;
}

bool fcgi_conn_is_idle(const struct fcgi_conn *c) {
    if (c->error != 0 || buf_len(&c->out) > 0 || !reader_is_between(&c->reader)) {
        return false;
    }
    return !c->is_active || (c->keep && c->has_ended && c->is_stdin_ended);
}
