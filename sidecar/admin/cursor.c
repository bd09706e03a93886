// SPDX-License-Identifier: MIT
#include "admin/cursor.h"

#include "admin/query.h"

static int hex_digit(uint8_t c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// A key as hexadecimal digits, two a byte.
static struct span read_key(struct span text, uint8_t *key) {
    const struct span none = {NULL, 0};
    if (text.n % 2 != 0 || text.n / 2 > ROUTE_KEY_MAX) {
        return none;
    }
    for (size_t i = 0; i < text.n; i += 2) {
        int high = hex_digit(text.p[i]), low = hex_digit(text.p[i + 1]);
        if (high < 0 || low < 0) {
            return none;
        }
        key[i / 2] = (uint8_t)(high << 4 | low);
    }
    return span_of(key, text.n / 2);
}

bool cursor_start(const struct learner *learner, struct span target,
                  const struct learner_route **out) {
    struct arena arena;
    struct span text;
    uint8_t bytes[ROUTE_KEY_MAX];
    bool is_known = true;
    *out = NULL;
    arena_init(&arena, 4 * ROUTE_KEY_MAX);
    if (!query_find(target, SPAN("after"), &arena, &text)) {
        *out = learner_first(learner);
    } else {
        struct span key = read_key(text, bytes);
        const struct learner_route *r = key.n > 0 ? learner_find(learner, key) : NULL;
        is_known = r != NULL;
        *out = r != NULL ? learner_after(learner, r) : NULL;
    }
    arena_fini(&arena);
    return is_known;
}

void cursor_keep(struct cursor *c, const struct learner_route *r) {
    c->n = r->key.n <= sizeof c->key ? r->key.n : 0;
    memcpy(c->key, r->key.p, c->n);
}

int cursor_end(const struct cursor *last, struct buf *out) {
    static const char digits[] = "0123456789abcdef";
    if (last == NULL) {
        return buf_put(out, SPAN("],\"truncated\":false}"));
    }
    int err = buf_put(out, SPAN("],\"truncated\":true,\"next\":\""));
    for (size_t i = 0; i < last->n && err == 0; i++) {
        const char pair[2] = {digits[last->key[i] >> 4], digits[last->key[i] & 15]};
        err = buf_put(out, span_of(pair, 2));
    }
    return err == 0 ? buf_put(out, SPAN("\"}")) : err;
}
