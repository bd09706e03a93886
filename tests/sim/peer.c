// SPDX-License-Identifier: MIT
#include "sim/peer.h"
#include "fcgi/params.h"

#include "support/split.h"

#include <fastcgi.h>
#include <stdlib.h>

#define LIMIT (16u << 20) // bytes of what it remembers

// The variables that are not made of header fields: no client may choose another.
static const struct span fixed[] = {
    SPAN_INIT("SCRIPT_FILENAME"), SPAN_INIT("SCRIPT_NAME"),    SPAN_INIT("PATH_INFO"),
    SPAN_INIT("REQUEST_METHOD"),  SPAN_INIT("REQUEST_URI"),    SPAN_INIT("DOCUMENT_URI"),
    SPAN_INIT("QUERY_STRING"),    SPAN_INIT("DOCUMENT_ROOT"),  SPAN_INIT("SERVER_PROTOCOL"),
    SPAN_INIT("REQUEST_SCHEME"),  SPAN_INIT("HTTPS"),          SPAN_INIT("GATEWAY_INTERFACE"),
    SPAN_INIT("SERVER_SOFTWARE"), SPAN_INIT("REMOTE_ADDR"),    SPAN_INIT("REMOTE_PORT"),
    SPAN_INIT("SERVER_ADDR"),     SPAN_INIT("SERVER_PORT"),    SPAN_INIT("SERVER_NAME"),
    SPAN_INIT("REDIRECT_STATUS"), SPAN_INIT("CONTENT_LENGTH"), SPAN_INIT("CONTENT_TYPE"),
};

void peer_init(struct peer *p) {
    *p = (struct peer){.asked_n = 0};
    reader_init(&p->reader);
    arena_init(&p->arena, LIMIT);
    buf_init(&p->content, LIMIT);
}

void peer_fini(struct peer *p) {
    for (size_t i = 0; i < p->asked_n; i++) {
        buf_fini(&p->asked[i].input);
    }
    arena_fini(&p->arena);
    buf_fini(&p->content);
}

static void fault(struct peer *p, const char *words) {
    if (p->fault == NULL) {
        p->fault = words;
    }
}

const struct span *peer_param(const struct asked *a, struct span name) {
    for (size_t i = 0; i < a->params.n; i++) {
        if (span_eq(a->params.v[i].name, name)) {
            return &a->params.v[i].value;
        }
    }
    return NULL;
}

static bool is_allowed(struct span name) {
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (span_eq(name, fixed[i])) {
            return true;
        }
    }
    return span_has_prefix(name, SPAN("HTTP_")) && name.n > 5;
}

static bool has_ctl(struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < 0x20 && s.p[i] != '\t') {
            return true;
        }
    }
    return false;
}

static void take_param(struct peer *p, struct asked *a, struct pair pair) {
    if (peer_param(a, pair.name) != NULL) {
        fault(p, "a variable twice");
    }
    if (!is_allowed(pair.name)) {
        fault(p, "a variable that nobody may choose");
    }
    // A path may have any byte but NUL; the target and all fields have none.
    bool is_path = span_eq(pair.name, SPAN("PATH_INFO"));
    if (has_ctl(pair.name) || (!is_path && has_ctl(pair.value))) {
        fault(p, "a control character in a variable");
    }
    if (span_eq(pair.name, SPAN("HTTP_PROXY"))) {
        fault(p, "HTTP_PROXY");
    }
    struct span name = arena_copy(&p->arena, pair.name), value = arena_copy(&p->arena, pair.value);
    if (name.p == NULL || value.p == NULL || pairs_put(&a->params, &p->arena, name, value) != 0) {
        abort();
    }
}

// PHP-FPM closes the connection where a pair goes on in the next record.
static void take_params(struct peer *p, struct asked *a, struct span content) {
    struct pair pair;
    enum step step;
    if (a->has_params) {
        fault(p, "parameters behind their end");
    }
    a->has_params |= content.n == 0;
    while ((step = params_next(&content, &pair)) == STEP_ITEM) {
        take_param(p, a, pair);
    }
    if (step == STEP_BAD) {
        fault(p, "a pair that is cut by the end of a record");
    }
}

static uint64_t declared(const struct asked *a) {
    const struct span *value = peer_param(a, SPAN("CONTENT_LENGTH"));
    uint64_t len = 0;
    return value != NULL && span_to_u64(*value, &len) ? len : 0;
}

static void take_input(struct peer *p, struct asked *a, struct span content) {
    if (!a->has_params || a->has_input) {
        fault(p, "standard input out of turn");
    }
    buf_put(&a->input, content);
    if (buf_len(&a->input) > declared(a)) {
        fault(p, "more standard input than CONTENT_LENGTH");
    }
    a->has_input |= content.n == 0;
    if (a->has_input && buf_len(&a->input) < declared(a)) {
        fault(p, "less standard input than CONTENT_LENGTH");
    }
}

static void take_begin(struct peer *p, uint16_t id, struct span content) {
    struct asked *last = p->asked_n > 0 ? &p->asked[p->asked_n - 1] : NULL;
    if (content.n != 8 || content.p[0] != 0 || content.p[1] != FCGI_RESPONDER) {
        fault(p, "BEGIN_REQUEST of no responder");
        return;
    }
    if (last != NULL && !(last->is_answered && last->is_kept && last->has_input)) {
        fault(p, "a request before the one before it was over");
    }
    if (p->asked_n == PEER_REQUESTS) {
        abort();
    }
    struct asked *a = &p->asked[p->asked_n++];
    *a = (struct asked){.id = id, .is_kept = (content.p[2] & FCGI_KEEP_CONN) != 0};
    buf_init(&a->input, LIMIT);
}

static void take_record(struct peer *p, uint8_t type, uint16_t id) {
    struct span content = buf_span(&p->content);
    struct asked *a = p->asked_n > 0 ? &p->asked[p->asked_n - 1] : NULL;
    bool is_begin = type == FCGI_BEGIN_REQUEST;
    if (id == 0 || (!is_begin && (a == NULL || id != a->id))) {
        fault(p, "a record of no request");
    } else if (is_begin && a != NULL && id == a->id) {
        fault(p, "the id of the request before");
    } else if (is_begin) {
        take_begin(p, id, content);
    } else if (type == FCGI_PARAMS) {
        take_params(p, a, content);
    } else if (type == FCGI_STDIN) {
        take_input(p, a, content);
    } else {
        fault(p, "a record of a type not for applications");
    }
    buf_take(&p->content, content.n);
}

void peer_feed(struct peer *p, struct span bytes) {
    struct reader_event e;
    enum step step;
    reader_feed(&p->reader, bytes);
    while ((step = reader_next(&p->reader, &e)) == STEP_ITEM) {
        if (e.kind == READER_PIECE) {
            buf_put(&p->content, e.piece);
        } else if (e.kind == READER_CLOSE) {
            take_record(p, e.type, e.id);
        }
    }
    if (step == STEP_BAD) {
        fault(p, "a record of another version");
    }
}

void peer_write(const struct asked *a, struct buf *text) {
    const struct span *method = peer_param(a, SPAN("REQUEST_METHOD"));
    const struct span *script = peer_param(a, SPAN("SCRIPT_NAME"));
    if (method == NULL || script == NULL) {
        split_line(text, "?");
        return;
    }
    split_line(text, "%.*s %.*s", SPAN_ARG(*method), SPAN_ARG(*script));
    if (buf_len(&a->input) > 100) {
        split_line(text, " %zu bytes", buf_len(&a->input));
    } else if (buf_len(&a->input) > 0) {
        split_line(text, " \"%.*s\"", SPAN_ARG(buf_span(&a->input)));
    }
    split_line(text, "%s", a->has_input ? "" : " open");
}

void peer_put(struct buf *out, const struct peer_record *r) {
    const uint8_t head[8] = {r->version,
                             r->type,
                             (uint8_t)(r->id >> 8),
                             (uint8_t)r->id,
                             (uint8_t)(r->len >> 8),
                             (uint8_t)r->len,
                             r->padding,
                             0xaa};
    // Padding and reserved bytes hold leftover memory of the application.
    static const uint8_t rubbish[255] = {1, 2, 3, 4, 5, 6, 7};
    buf_put(out, span_of(head, sizeof head));
    buf_put(out, r->content);
    buf_put(out, span_of(rubbish, r->padding));
}

uint16_t peer_id(const struct peer *p) {
    return p->asked_n > 0 ? p->asked[p->asked_n - 1].id : 1;
}

void peer_put_stream(struct buf *out, uint8_t type, uint16_t id, struct span content) {
    struct peer_record r = {.version = FCGI_VERSION_1,
                            .type = type,
                            .padding = (uint8_t)(-content.n & 7),
                            .id = id,
                            .len = (uint16_t)content.n,
                            .content = content};
    peer_put(out, &r);
}

void peer_put_end(struct buf *out, uint16_t id, uint8_t protocol_status) {
    const uint8_t body[8] = {0, 0, 0, 0, protocol_status, 'x', 'y', 'z'};
    peer_put_stream(out, FCGI_END_REQUEST, id, span_of(body, sizeof body));
}
