// SPDX-License-Identifier: MIT
#include "admin/cursor.h"

#include "admin/query.h"
#include "base/hex.h"

// A key is written as hexadecimal digits, two a byte.
static bool read_key(struct cursor *c, struct span text) {
    if (text.n % 2 != 0 || text.n / 2 > sizeof c->key) {
        return false;
    }
    for (size_t i = 0; i < text.n; i += 2) {
        int byte = hex_byte(text.p + i);
        if (byte < 0) {
            return false;
        }
        c->key[i / 2] = (uint8_t)byte;
    }
    c->n = text.n / 2;
    return true;
}

// False when there is an "after" that is no key.
static bool find_key(struct cursor *c, struct span target) {
    struct arena arena;
    struct span text;
    c->n = 0;
    arena_init(&arena, 4 * ROUTE_KEY_MAX);
    bool is_good =
        !query_find(target, SPAN("after"), &arena, &text) || (text.n > 0 && read_key(c, text));
    arena_fini(&arena);
    return is_good;
}

void cursor_read(struct cursor *c, struct span target) {
    find_key(c, target);
}

bool cursor_start(const struct learner *learner, struct span target,
                  const struct learner_route **out) {
    struct cursor c;
    *out = NULL;
    if (!find_key(&c, target)) {
        return false;
    }
    if (c.n == 0) {
        *out = learner_first(learner);
        return true;
    }
    const struct learner_route *r = learner_find(learner, span_of(c.key, c.n));
    *out = r != NULL ? learner_after(learner, r) : NULL;
    return r != NULL;
}

void cursor_keep(struct cursor *c, const struct learner_route *r) {
    c->n = r->key.n <= sizeof c->key ? r->key.n : 0;
    memcpy(c->key, r->key.p, c->n);
}

int cursor_print(const struct cursor *c, struct buf *out) {
    int err = 0;
    for (size_t i = 0; i < c->n && err == 0; i++) {
        uint8_t pair[2];
        hex_put(pair, c->key[i]);
        err = buf_put(out, span_of(pair, 2));
    }
    return err;
}

int cursor_end(const struct cursor *last, struct buf *out) {
    if (last == NULL) {
        return buf_put(out, SPAN("],\"truncated\":false}"));
    }
    int err = buf_put(out, SPAN("],\"truncated\":true,\"next\":\""));
    err = err == 0 ? cursor_print(last, out) : err;
    return err == 0 ? buf_put(out, SPAN("\"}")) : err;
}
