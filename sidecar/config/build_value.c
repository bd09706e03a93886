// SPDX-License-Identifier: MIT
#include "config/build_value.h"

#include <stdlib.h>

void *build_alloc(struct build *b, size_t n) {
    void *p = arena_alloc(&b->config->arena, n ? n : 1);
    if (p == NULL) {
        abort(); // the arena is without limit: the text that it is made of is bounded
    }
    memset(p, 0, n);
    return p;
}

uint64_t build_number(struct build *b, const struct file_section *s, enum option id) {
    char why[OPTION_WHY_LEN];
    uint64_t value = 0;
    if (file_values(s, id) > 0 && option_parse(id, file_value(s, id, 0), &value, why) != 0) {
        config_errors_put(b->errors, file_line(s, id), "%s", why);
        return 0;
    }
    return value;
}

struct span build_keep(struct build *b, struct span text) {
    uint8_t *p = build_alloc(b, text.n + 1);
    if (text.n > 0) {
        memcpy(p, text.p, text.n);
    }
    return span_of(p, text.n);
}

struct span build_text(struct build *b, const struct file_section *s, enum option id) {
    return file_values(s, id) > 0 ? build_keep(b, file_value(s, id, 0)) : SPAN("");
}

bool build_has_none(const struct file_section *s, enum option id) {
    return option_adds(id) && file_has(s, id) && file_values(s, id) > 0 &&
           span_eq(file_value(s, id, 0), SPAN("none"));
}

static bool is_among(const struct span *v, size_t n, struct span text) {
    for (size_t i = 0; i < n; i++) {
        if (span_eq(v[i], text)) {
            return true;
        }
    }
    return false;
}

struct span_list build_list(struct build *b, const struct file_section *s, enum option id) {
    size_t own = file_values(s, id), n = 0, first = build_has_none(s, id) ? 1 : 0;
    struct span *v = build_alloc(b, (own + OPTION_STANDARD_MOST) * sizeof *v);
    for (size_t i = first; i < own; i++) {
        v[n++] = build_keep(b, file_value(s, id, i));
    }
    if (!option_adds(id) || first > 0) {
        return (struct span_list){v, n};
    }
    struct span rest = span_str(option_row(id)->standard), text;
    while (n < own + OPTION_STANDARD_MOST && option_next_standard(&rest, &text)) {
        if (!is_among(v, n, text)) {
            v[n++] = build_keep(b, text);
        }
    }
    return (struct span_list){v, n};
}

bool build_address(struct build *b, struct span text, unsigned line, struct address *address) {
    const char *why;
    if (address_parse(text, &b->config->arena, address, &why) == 0) {
        return true;
    }
    config_errors_put(b->errors, line, "address \"%.*s\": %s", SPAN_ARG(text), why);
    return false;
}
