// SPDX-License-Identifier: MIT
// Requests that follow each other on one kept connection, as server/backend sends them, with a peer
// that says whatever the input says at whatever moment. Each step of the input is
//
//     control  length  bytes       control & 1: a request begins first, if the connection is idle
//                                  control & 2: the answer is not wanted any more (drained)
//                                  control >> 2 & 3: raw, STDOUT, END_REQUEST, STDOUT with a head
//
// The oracle reads the wire by itself: a connection is idle only between two records and behind the
// END_REQUEST of its request, and then it is; nothing is told outside of a request.
#include "base/error.h"
#include "fcgi/conn.h"
#include "fcgi/writer.h"

#include <fastcgi.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

// What the wire says, read once more.
struct wire {
    uint8_t header[8];
    size_t header_n, left; // bytes of the header so far; bytes left of content and padding
    bool has_end;          // of the request under way
};

static void read_wire(struct wire *w, const uint8_t *p, size_t n, uint16_t id) {
    for (size_t i = 0; i < n; i++) {
        if (w->header_n < 8) {
            w->header[w->header_n++] = p[i];
            if (w->header_n < 8) {
                continue;
            }
            w->left = (size_t)(w->header[4] << 8 | w->header[5]) + w->header[6];
        } else {
            w->left--;
        }
        if (w->header_n == 8 && w->left == 0) {
            w->has_end |=
                w->header[1] == FCGI_END_REQUEST && (w->header[2] << 8 | w->header[3]) == id;
            w->header_n = 0;
        }
    }
}

struct play {
    struct fcgi_conn conn;
    struct arena arena;
    struct wire wire;
    bool is_asking, has_head, is_draining, is_over;
};

static void check(const struct play *p) {
    bool is_between = p->wire.header_n == 0;
    if (fcgi_conn_is_idle(&p->conn)) {
        require(is_between && !p->is_asking);
    } else if (!p->is_over) {
        require(p->is_asking || !is_between);
    }
}

static void ask(struct play *p) {
    static const struct pairs none;
    uint16_t before = p->conn.id;
    if (p->is_over || p->is_draining || !fcgi_conn_is_idle(&p->conn)) {
        return;
    }
    arena_reset(&p->arena);
    require(fcgi_conn_begin(&p->conn, &p->arena, &none, 0, true) == 0);
    require(p->conn.id != before);
    fcgi_conn_sent(&p->conn, fcgi_conn_output(&p->conn).n);
    p->is_asking = true;
    p->has_head = p->wire.has_end = false;
}

static void tell(struct play *p, const struct fcgi_event *e) {
    require(p->is_asking);
    require(p->has_head == (e->kind == FCGI_EVENT_BODY || e->kind == FCGI_EVENT_END) ||
            e->kind == FCGI_EVENT_ERRORS);
    p->has_head |= e->kind == FCGI_EVENT_HEAD;
    if (e->kind == FCGI_EVENT_END) {
        require(p->wire.has_end);
        p->is_asking = false;
    }
}

static void hear(struct play *p, const uint8_t *bytes, size_t n) {
    struct fcgi_event e;
    enum step step;
    read_wire(&p->wire, bytes, n, p->conn.id);
    fcgi_conn_feed(&p->conn, span_of(bytes, n));
    if (p->is_draining) {
        p->is_over = fcgi_conn_drain(&p->conn);
        return;
    }
    while ((step = fcgi_conn_next(&p->conn, &e)) == STEP_ITEM) {
        tell(p, &e);
    }
    p->is_over = step == STEP_BAD;
    check(p);
}

// The bytes of a step as they come: raw, or as a record of the request under way.
static void step(struct play *p, unsigned control, struct span bytes) {
    static const uint8_t types[] = {0, FCGI_STDOUT, FCGI_END_REQUEST, FCGI_STDOUT};
    struct buf out;
    unsigned kind = control >> 2 & 3;
    buf_init(&out, 1 << 16);
    if (kind == 3) {
        writer_put(&out, FCGI_STDOUT, p->conn.id, SPAN("A: b\n\n"));
    }
    if (kind == 0) {
        buf_put(&out, bytes);
    } else {
        writer_put(&out, types[kind], p->conn.id, bytes);
    }
    // A copy of just that size, so that a sanitizer sees what is kept too long.
    size_t n = buf_len(&out);
    uint8_t *copy = malloc(n + 1);
    require(copy != NULL);
    memcpy(copy, n > 0 ? buf_span(&out).p : (const uint8_t *)"", n);
    hear(p, copy, n);
    free(copy);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct play p = {.is_over = false};
    struct span rest = span_of(data, n);
    arena_init(&p.arena, 1 << 16);
    fcgi_conn_init(&p.conn, &(struct fcgi_conn_conf){.head.head_limit = 200});
    while (rest.n >= 2 && !p.is_over) {
        unsigned control = rest.p[0];
        struct span bytes = span_first(span_skip(rest, 2), rest.p[1]);
        rest = span_skip(rest, 2 + bytes.n);
        if (control & 1) {
            ask(&p);
        }
        p.is_draining |= (control & 2) != 0 && p.is_asking;
        step(&p, control, bytes);
    }
    fcgi_conn_fini(&p.conn);
    arena_fini(&p.arena);
    return 0;
}
