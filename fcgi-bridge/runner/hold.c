// SPDX-License-Identifier: MIT
#include "runner/hold.h"

#define ARENA_MOST (256u << 10)

void hold_init(struct hold *h, uint64_t limit) {
    *h = (struct hold){0};
    buf_init(&h->bytes, limit);
    arena_init(&h->arena, ARENA_MOST);
    cgi_head_init(&h->head, &(struct cgi_head_conf){0});
    cgi_head_begin(&h->head, &h->arena);
}

void hold_fini(struct hold *h) {
    cgi_head_fini(&h->head);
    arena_fini(&h->arena);
    buf_fini(&h->bytes);
}

// What the parser cannot read is no interim block either.
static void look(struct hold *h, struct span bytes) {
    struct cgi_head_event e;
    enum step step;
    cgi_head_feed(&h->head, bytes);
    while (!h->is_final && (step = cgi_head_next(&h->head, &e)) != STEP_MORE) {
        if (step == STEP_ITEM && e.kind == CGI_HEAD_INTERIM) {
            h->interim = h->fed - h->head.in.n;
        } else {
            h->is_final = true;
        }
    }
}

bool hold_put(struct hold *h, struct span bytes) {
    if (buf_put(&h->bytes, bytes) < 0) {
        return false;
    }
    h->fed += bytes.n;
    if (!h->is_final) {
        look(h, bytes);
    }
    return true;
}

struct span hold_ready(const struct hold *h, bool is_body_read) {
    struct span all = buf_span(&h->bytes);
    return is_body_read ? all
                        : span_first(all, h->interim > h->passed ? h->interim - h->passed : 0);
}

void hold_take(struct hold *h, size_t n) {
    buf_take(&h->bytes, n);
    h->passed += n;
}
