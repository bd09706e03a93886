// SPDX-License-Identifier: MIT
#include "exchange/template.h"

#include "base/hex.h"

static const struct span names[TEMPLATE_VARIABLES] = {
#define TEMPLATE_VARIABLE(id, name, sentence) SPAN_INIT(name),
#include "exchange/template_variable.def"
#undef TEMPLATE_VARIABLE
};

// ---- reading ------------------------------------------------------------------------------------

static unsigned variable_of(struct span name) {
    if (name.n == 1 && name.p[0] >= '0' && name.p[0] <= '9') {
        return TEMPLATE_VARIABLES + (unsigned)(name.p[0] - '0');
    }
    unsigned i = 0;
    while (i < TEMPLATE_VARIABLES && !span_eq(names[i], name)) {
        i++;
    }
    return i < TEMPLATE_VARIABLES ? i : TEMPLATE_NOTHING;
}

bool template_parse(struct template *t, struct span text, struct arena *a, const char **why) {
    size_t braces = 0;
    for (size_t i = 0; i < text.n; i++) {
        braces += text.p[i] == '{';
    }
    struct template_part *parts = arena_alloc(a, (braces + 1) * sizeof *parts);
    *t = (struct template){parts, 0};
    *why = "there is no memory for it";
    while (parts != NULL && (text.n > 0 || t->n == 0)) {
        size_t at = span_index(text, '{');
        struct template_part *part = &parts[t->n++];
        struct span rest = span_skip(text, at + 1);
        *part = (struct template_part){span_first(text, at), TEMPLATE_NOTHING};
        if (rest.n > 0 && rest.p[0] == '{') {
            part->text.n++; // the first of two is the brace itself
            text = span_skip(rest, 1);
            continue;
        }
        size_t end = span_index(rest, '}');
        part->variable = variable_of(span_first(rest, end));
        if (at < text.n && (end == rest.n || part->variable == TEMPLATE_NOTHING)) {
            *why = "between braces stand {0} to {9}, {path}, {query}, {host} or {scheme}; {{ is a "
                   "brace";
            return false;
        }
        text = span_skip(rest, end + 1);
    }
    return parts != NULL;
}

// ---- writing ------------------------------------------------------------------------------------

static struct span value_of(const struct template_values *values, unsigned variable) {
    if (variable < TEMPLATE_VARIABLES) {
        return values->variables[variable];
    }
    unsigned i = variable - TEMPLATE_VARIABLES;
    return variable < TEMPLATE_NOTHING && i < values->captures_n ? values->captures[i] : SPAN("");
}

static bool is_unreserved(uint8_t c) { // RFC 3986, 2.3
    uint8_t low = span_lower_byte(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
           (c > 0 && strchr("-._~", c) != NULL);
}

static bool may_stand(uint8_t c, unsigned variable, enum template_place place) {
    if (place == TEMPLATE_IN_NAME || is_unreserved(c)) {
        return true;
    }
    const char *more = variable == TEMPLATE_QUERY  ? "/?:@!$&'()*+,;=%"
                       : variable == TEMPLATE_HOST ? "[]:"
                       : place == TEMPLATE_IN_PATH ? "/:@!$&'()*+,;="
                                                   : "/:@";
    return c > 0 && strchr(more, c) != NULL;
}

static uint8_t *put(uint8_t *to, struct span value, unsigned variable, enum template_place place) {
    for (size_t i = 0; i < value.n; i++) {
        if (may_stand(value.p[i], variable, place)) {
            *to++ = value.p[i];
        } else {
            to = hex_escape_put(to, value.p[i]);
        }
    }
    return to;
}

struct span template_expand(const struct template *t, const struct template_values *values,
                            enum template_place place, struct arena *a) {
    size_t most = 1;
    for (size_t i = 0; i < t->n; i++) {
        most += t->parts[i].text.n + 3 * value_of(values, t->parts[i].variable).n;
    }
    uint8_t *p = arena_alloc(a, most), *to = p;
    if (p == NULL) {
        return span_of(NULL, 0);
    }
    for (size_t i = 0; i < t->n; i++) {
        const struct template_part *part = &t->parts[i];
        if (part->text.n > 0) {
            memcpy(to, part->text.p, part->text.n);
        }
        to = put(to + part->text.n, value_of(values, part->variable), part->variable, place);
    }
    *to = 0;
    return span_of(p, (size_t)(to - p));
}
