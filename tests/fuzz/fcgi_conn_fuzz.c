// SPDX-License-Identifier: MIT
// A FastCGI connection: the peer's bytes mean the same wherever they are cut (the first byte of the
// input says where), and events come in their order. And what the connection writes for params cut
// from the input is read back as those params.
#include "base/error.h"
#include "fcgi/conn.h"
#include "fcgi/params.h"
#include "support/split.h"

#include <fastcgi.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

struct subject {
    struct fcgi_conn conn;
    struct arena arena;
    bool is_bad, has_head, has_ended;
};

static void begin(void *self) {
    struct subject *s = self;
    s->is_bad = s->has_head = s->has_ended = false;
    arena_init(&s->arena, 1 << 16);
    fcgi_conn_init(&s->conn, &(struct fcgi_conn_conf){.head.head_limit = 200});
    struct pairs none = {NULL, 0, 0};
    require(fcgi_conn_begin(&s->conn, &s->arena, &none, 0, true) == 0);
    fcgi_conn_sent(&s->conn, fcgi_conn_output(&s->conn).n);
}

static void tell(struct subject *s, const struct fcgi_event *e, struct buf *t) {
    require(!s->has_ended);
    switch (e->kind) {
    case FCGI_EVENT_INTERIM:
    case FCGI_EVENT_HEAD:
        require(!s->has_head);
        s->has_head = e->kind == FCGI_EVENT_HEAD;
        split_line(t, "%d %d %d %zu\n", (int)e->kind, e->response.status, e->was_interim,
                   e->response.fields.n);
        break;
    case FCGI_EVENT_BODY:
        require(s->has_head);
        split_data(t, "body", e->bytes);
        break;
    case FCGI_EVENT_ERRORS:
        split_data(t, "errors", e->bytes);
        break;
    case FCGI_EVENT_END:
        require(s->has_head);
        s->has_ended = true;
        split_line(t, "end %u\n", e->app_status);
        break;
    }
}

static void piece(void *self, struct span bytes, struct buf *t) {
    struct subject *s = self;
    struct fcgi_event e;
    enum step step;
    if (s->is_bad) {
        return;
    }
    fcgi_conn_feed(&s->conn, bytes);
    while ((step = fcgi_conn_next(&s->conn, &e)) == STEP_ITEM) {
        tell(s, &e, t);
    }
    if (step == STEP_BAD) {
        s->is_bad = true;
        split_line(t, "bad %d %s\n", s->conn.error, s->conn.why);
    }
}

static void end(void *self, struct buf *t) {
    struct subject *s = self;
    int error = fcgi_conn_eof(&s->conn);
    require((error == 0) == (s->has_ended && !s->is_bad));
    require(error != ERR_BACKEND_SHORT || s->has_head);
    require(error != ERR_BACKEND_CLOSED || !s->has_head);
    require(!fcgi_conn_is_idle(&s->conn) || error == 0);
    split_line(t, "eof %d idle %d\n", error, fcgi_conn_is_idle(&s->conn));
    fcgi_conn_fini(&s->conn);
    arena_fini(&s->arena);
}

// Pairs from the input: two bytes a pair say how long its name and value are; each 7th is long.
static struct pairs pairs_from(struct span s, struct arena *a) {
    struct pairs pairs = {NULL, 0, 0};
    while (s.n >= 2) {
        size_t stretch = s.p[0] % 7 ? 1 : 300;
        size_t name_n = s.p[0], value_n = s.p[1] * stretch;
        struct span rest = span_skip(s, 2);
        struct span name = span_first(rest, name_n);
        struct span value = span_first(rest, value_n); // may overlap the name: what of it
        if (pairs_put(&pairs, a, name, value) != 0) {
            break;
        }
        s = span_skip(rest, name.n);
    }
    return pairs;
}

static void check_params(const struct pairs *pairs, struct span wire) {
    struct reader r;
    struct reader_event e = {.kind = READER_OPEN};
    size_t at = 0;
    reader_init(&r);
    reader_feed(&r, wire);
    while (reader_next(&r, &e) == STEP_ITEM) {
        struct pair pair;
        struct span content = e.kind == READER_PIECE && e.type == FCGI_PARAMS ? e.piece : SPAN("");
        enum step step;
        while ((step = params_next(&content, &pair)) == STEP_ITEM) {
            require(at < pairs->n && span_eq(pair.name, pairs->v[at].name) &&
                    span_eq(pair.value, pairs->v[at].value));
            at++;
        }
        require(step == STEP_MORE);
    }
    require(at == pairs->n && reader_is_between(&r) && e.type == FCGI_STDIN);
}

static void write_params(struct span input) {
    struct fcgi_conn c;
    struct arena a;
    arena_init(&a, 1 << 22);
    struct pairs pairs = pairs_from(input, &a);
    fcgi_conn_init(&c, NULL);
    int error = fcgi_conn_begin(&c, &a, &pairs, 0, false);
    if (error == 0) {
        check_params(&pairs, fcgi_conn_output(&c));
    } else {
        require(error == ERR_PARAMS_LIMIT && fcgi_conn_output(&c).n == 0);
    }
    fcgi_conn_fini(&c);
    arena_fini(&a);
}

// Whatever the decoder takes must be inside of its input.
static void read_params(struct span input) {
    struct span rest = input;
    struct pair pair;
    size_t taken = 0;
    while (params_next(&rest, &pair) == STEP_ITEM) {
        taken += pair.name.n + pair.value.n;
        require(taken <= input.n && rest.n < input.n);
        require(pair.name.p + pair.name.n == pair.value.p &&
                pair.value.p + pair.value.n == input.p + (input.n - rest.n));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct subject subject;
    struct split split = {begin, piece, end, &subject};
    if (n == 0) {
        return 0;
    }
    struct span input = span_of(data + 1, n - 1);
    require(split_same(&split, input, data[0]));
    write_params(input);
    read_params(input);
    return 0;
}
