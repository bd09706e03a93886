// SPDX-License-Identifier: MIT
#include "hints/dialect.h"

#define VALUE_MAX 512 // bytes of a value that are looked at

enum source { SEC_CH_UA, USER_AGENT };

struct mark {
    enum source source;
    struct span text;
    enum dialect family;
};

static const struct dialect_row rows[DIALECTS] = {
#define FAMILY(constant, label, rels, attributes, by_http1, sentence)                              \
    [DIALECT_##constant] = {label, sentence, rels, attributes, by_http1},
#include "hints/dialect.def"
#undef FAMILY
};
static const struct mark marks[] = {
#define MARK(constant, field, text, family, sentence) {field, SPAN_INIT(text), DIALECT_##family},
#include "hints/dialect_mark.def"
#undef MARK
};
#define MARKS (sizeof marks / sizeof *marks)

const struct dialect_row *dialect_row(enum dialect dialect) {
    return &rows[dialect];
}

// The letters with which the texts of a source begin, as bits by their last five bits.
static inline uint32_t starts_of(enum source source) {
    uint32_t starts = 0;
#define MARK(constant, field, text, family, sentence)                                              \
    starts |= field == source ? UINT32_C(1) << (text[0] & 31) : 0;
#include "hints/dialect_mark.def"
#undef MARK
    return starts;
}

// The first row below `below` that matches at the front of `word`, else `below`.
static size_t match(enum source source, struct span word, size_t below) {
    for (size_t i = 0; i < below; i++) {
        if (marks[i].source == source && marks[i].text.p[0] == word.p[0] &&
            span_has_prefix(word, marks[i].text)) {
            return i;
        }
    }
    return below;
}

// The first row that matches at a word of the value: one pass, whatever the number of rows.
static inline size_t find(enum source source, struct span value) {
    const uint32_t starts = starts_of(source);
    size_t found = MARKS;
    bool is_start = true;
    value = span_first(value, VALUE_MAX);
    for (size_t i = 0; i < value.n && found > 0; i++) {
        if (is_start && (starts >> (value.p[i] & 31) & 1) != 0) {
            found = match(source, span_skip(value, i), found);
        }
        is_start = value.p[i] == ' ' || value.p[i] == '(';
    }
    return found;
}

enum dialect dialect_of_values(struct span sec_ch_ua, struct span user_agent) {
    size_t found = find(SEC_CH_UA, sec_ch_ua);
    if (found == MARKS) {
        found = find(USER_AGENT, user_agent);
    }
    return found < MARKS ? marks[found].family : DIALECT_UNKNOWN;
}

static struct span value_of(const struct pairs *fields, struct span name) {
    const struct span *value = pairs_find(fields, name);
    return value != NULL ? *value : span_of(NULL, 0);
}

enum dialect dialect_of(const struct pairs *fields) {
    return dialect_of_values(value_of(fields, SPAN("sec-ch-ua")),
                             value_of(fields, SPAN("user-agent")));
}

// CORS is not a matter of taste for these: browsers always use it, and Firefox ignores a hint for
// them that does not say so.
static bool is_always_cors(const struct hint *hint) {
    return hint->as == HINT_AS_FONT || hint->as == HINT_AS_FETCH;
}

enum hint_reason dialect_say(enum dialect dialect, const struct hint *hint, struct hint *out) {
    const struct dialect_row *row = &rows[dialect];
    if (hint->push_only) {
        return HINT_PUSH_ONLY;
    }
    if ((row->rels & 1U << hint->rel) == 0) {
        return HINT_UNSAYABLE;
    }
    *out = *hint;
    if ((row->attributes & DIALECT_TYPE) == 0) {
        out->type = span_of(NULL, 0);
    }
    if ((row->attributes & DIALECT_FETCHPRIORITY) == 0) {
        out->priority = HINT_PRIORITY_NONE;
    }
    if ((row->attributes & DIALECT_INTEGRITY) == 0) {
        out->integrity = span_of(NULL, 0);
    }
    if (out->crossorigin == HINT_NO_CORS && is_always_cors(out)) {
        out->crossorigin = HINT_ANONYMOUS;
    }
    return HINT_OK;
}
