// SPDX-License-Identifier: MIT
#include "config/options.h"

#include "base/error.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define NAME_MOST 32 // bytes of a name that is compared for likeness

#define TITLED true
#define PLAIN false
static const struct section_row sections[SECTION_COUNT] = {
#define SECTION(id, name, parent, title, sentence)                                                 \
    [SECTION_##id] = {name, SECTION_##parent, title, sentence},
#define OPTION(id, name, section, type, standard, least, most, unit, fills, sentence)
#include "config/options.def"
#undef SECTION
#undef OPTION
};
#undef TITLED
#undef PLAIN

static const struct option_row options[OPTION_COUNT] = {
#define SECTION(id, name, parent, title, sentence)
#define OPTION(id, name, section, type, standard, least, most, unit, fills, sentence)              \
    [OPTION_##id] = {name, SECTION_##section, OPTION_##type##_TYPE, standard, least, most,         \
                     unit, sentence},
#include "config/options.def"
#undef SECTION
#undef OPTION
};

// What a number may be followed by, and how many base units that is.
struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit no_units[] = {{"", 1}, {NULL, 0}};
static const struct unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {NULL, 0},
};
static const struct unit sizes[] = {
    {"", 1},        {"B", 1},        {"k", 1024},     {"kB", 1024},     {"KB", 1024},
    {"M", 1 << 20}, {"MB", 1 << 20}, {"G", 1u << 30}, {"GB", 1u << 30}, {NULL, 0},
};

const struct section_row *section_row(enum section id) {
    assert(id < SECTION_COUNT);
    return &sections[id];
}

const struct option_row *option_row(enum option id) {
    assert(id < OPTION_COUNT);
    return &options[id];
}

bool option_is_list(enum option id) {
    return options[id].type >= OPTION_LIST_TYPE;
}

bool option_adds(enum option id) {
    return options[id].type == OPTION_MORE_TYPE;
}

bool option_next_standard(struct span *rest, struct span *text) {
    size_t from = span_index(*rest, '"');
    if (from == rest->n) {
        return false;
    }
    *rest = span_skip(*rest, from + 1);
    *text = span_first(*rest, span_index(*rest, '"'));
    *rest = span_skip(*rest, text->n + 1);
    return true;
}

// number = 1*DIGIT unit
static int parse_number(struct span text, const struct unit *units, uint64_t *value) {
    size_t digits = 0;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9') {
        digits++;
    }
    struct span unit = span_skip(text, digits);
    while (units->name != NULL && !span_eq(unit, span_str(units->name))) {
        units++;
    }
    uint64_t n;
    if (units->name == NULL || !span_to_u64(span_first(text, digits), &n) ||
        n > UINT64_MAX / units->factor) {
        return ERR_SYNTAX;
    }
    *value = n * units->factor;
    return 0;
}

// share = 1*DIGIT [ "." 1*2DIGIT ] "%"
static int parse_share(struct span text, uint64_t *value) {
    if (!span_has_suffix(text, SPAN("%"))) {
        return ERR_SYNTAX;
    }
    text = span_first(text, text.n - 1);
    struct span whole = span_first(text, span_index(text, '.'));
    struct span part = span_skip(text, whole.n < text.n ? whole.n + 1 : text.n);
    uint64_t n, m = 0;
    if (!span_to_u64(whole, &n) || n > 100 || part.n > 2 ||
        (whole.n < text.n && !span_to_u64(part, &m))) {
        return ERR_SYNTAX;
    }
    *value = n * 100 + (part.n == 1 ? m * 10 : m);
    return 0;
}

// A number of base units as it would be written, in the largest unit that divides it.
static const char *format_number(uint64_t n, enum option_type type, char out[32]) {
    static const struct unit larger[] = {{"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1}};
    static const struct unit bigger[] = {{"GB", 1u << 30}, {"MB", 1 << 20}, {"kB", 1024}, {"", 1}};
    const struct unit *units = type == OPTION_DURATION_TYPE ? larger : bigger;
    if (type == OPTION_SHARE_TYPE) {
        snprintf(out, 32, n % 100 ? "%" PRIu64 ".%02" PRIu64 "%%" : "%" PRIu64 "%%", n / 100,
                 n % 100);
        return out;
    }
    int at = type == OPTION_COUNT_TYPE ? 3 : 0;
    while (n == 0 ? at < 3 : n % units[at].factor != 0) {
        at++;
    }
    snprintf(out, 32, "%" PRIu64 "%s", n / units[at].factor, units[at].name);
    return out;
}

static int parse_range(const struct option_row *row, struct span text, uint64_t *value, char *why) {
    const struct unit *units = row->type == OPTION_DURATION_TYPE ? durations
                               : row->type == OPTION_SIZE_TYPE   ? sizes
                                                                 : no_units;
    const char *form = row->type == OPTION_DURATION_TYPE
                           ? "a duration such as 500ms, 60s, 5min or 1h"
                       : row->type == OPTION_SIZE_TYPE  ? "a size such as 512, 64k or 1MB"
                       : row->type == OPTION_SHARE_TYPE ? "a share such as 2% or 0.5%"
                                                        : "a whole number";
    int error = row->type == OPTION_SHARE_TYPE ? parse_share(text, value)
                                               : parse_number(text, units, value);
    if (error != 0) {
        snprintf(why, OPTION_WHY_LEN, "%s must be %s, not \"%.*s\"", row->name, form,
                 SPAN_ARG(span_first(text, 80)));
        return ERR_SYNTAX;
    }
    if (*value < row->least || *value > row->most) {
        char least[32], most[32];
        snprintf(why, OPTION_WHY_LEN, "%s must be between %s and %s, not %.*s", row->name,
                 format_number(row->least, row->type, least),
                 format_number(row->most, row->type, most), SPAN_ARG(span_first(text, 80)));
        return ERR_SYNTAX;
    }
    return 0;
}

static int parse_word(const char *words, struct span text, uint64_t *value) {
    struct span rest = span_str(words), word;
    for (*value = 0; span_cut(&rest, '|', &word); ++*value) {
        if (span_eq(word, text)) {
            return 0;
        }
    }
    return ERR_SYNTAX;
}

int option_parse(enum option id, struct span text, uint64_t *value, char *why) {
    const struct option_row *row = option_row(id);
    // A default that is a word, such as "auto", stands for 0, or for OPTION_AUTO where 0 may be
    // given.
    char range[OPTION_RANGE_LEN];
    bool is_number = row->standard[0] >= '0' && row->standard[0] <= '9';
    switch (row->type) {
    case OPTION_COUNT_TYPE:
    case OPTION_DURATION_TYPE:
    case OPTION_SIZE_TYPE:
    case OPTION_SHARE_TYPE:
        if (!is_number && span_eq(text, span_str(row->standard))) {
            *value = row->least > 0 ? 0 : OPTION_AUTO;
            return 0;
        }
        return parse_range(row, text, value, why);
    case OPTION_FLAG_TYPE:
        if (parse_word("false|true", text, value) == 0) {
            return 0;
        }
        snprintf(why, OPTION_WHY_LEN, "%s must be %s, not \"%.*s\"", row->name,
                 option_range(id, range), SPAN_ARG(span_first(text, 80)));
        return ERR_SYNTAX;
    default:
        if (parse_word(row->unit, text, value) == 0) {
            return 0;
        }
        snprintf(why, OPTION_WHY_LEN, "%s must be %s, not \"%.*s\"", row->name,
                 option_range(id, range), SPAN_ARG(span_first(text, 80)));
        return ERR_SYNTAX;
    }
}

// "a|b|c" as "a, b or c".
static void format_words(const char *words, char *out, size_t len) {
    size_t at = 0;
    for (; *words != 0 && at + 5 < len; words++) {
        bool is_last = strchr(words + 1, '|') == NULL;
        const char *between = is_last ? " or " : ", ";
        if (*words != '|') {
            out[at++] = *words;
        } else {
            at += (size_t)snprintf(out + at, len - at, "%s", between);
        }
    }
    out[at] = 0;
}

const char *option_range(enum option id, char *out) {
    const struct option_row *row = option_row(id);
    char least[32], most[32];
    switch (row->type) {
    case OPTION_COUNT_TYPE:
    case OPTION_DURATION_TYPE:
    case OPTION_SIZE_TYPE:
    case OPTION_SHARE_TYPE:
        snprintf(out, OPTION_RANGE_LEN, "%s to %s%s%s", format_number(row->least, row->type, least),
                 format_number(row->most, row->type, most),
                 row->type == OPTION_COUNT_TYPE ? " " : "",
                 row->type == OPTION_COUNT_TYPE ? row->unit : "");
        break;
    case OPTION_FLAG_TYPE:
        format_words("true|false", out, OPTION_RANGE_LEN);
        break;
    case OPTION_CHOICE_TYPE:
    case OPTION_WORDS_TYPE:
        format_words(row->unit, out, OPTION_RANGE_LEN);
        break;
    case OPTION_MORE_TYPE:
        snprintf(out, OPTION_RANGE_LEN,
                 "%s, added to the default unless \"none\" stands before them", row->unit);
        break;
    default:
        snprintf(out, OPTION_RANGE_LEN, "%s", row->unit);
    }
    return out;
}

// How many bytes must be put, dropped or changed to make one of the other (Levenshtein).
static unsigned distance(struct span a, struct span b) {
    unsigned row[NAME_MOST + 1];
    for (unsigned k = 0; k <= b.n; k++) {
        row[k] = k;
    }
    for (unsigned i = 0; i < a.n; i++) {
        unsigned corner = row[0];
        row[0] = i + 1;
        for (unsigned k = 0; k < b.n; k++) {
            unsigned change = corner + (a.p[i] != b.p[k]);
            unsigned least = row[k] < row[k + 1] ? row[k] + 1 : row[k + 1] + 1;
            corner = row[k + 1];
            row[k + 1] = change < least ? change : least;
        }
    }
    return row[b.n];
}

static void nearer(const char *candidate, struct span name, const char **best, unsigned *least) {
    struct span c = span_str(candidate);
    unsigned d = c.n <= NAME_MOST ? distance(name, c) : UINT32_MAX;
    // More than half of it changed is another word.
    if (c.n > 0 && (size_t)d * 2 <= c.n && d < *least) {
        *least = d;
        *best = candidate;
    }
}

const char *option_nearest(enum section section, struct span name) {
    const char *best = NULL;
    unsigned least = UINT32_MAX;
    if (name.n > NAME_MOST) {
        return NULL;
    }
    for (enum option id = 0; id < OPTION_COUNT; id++) {
        if (options[id].section == section) {
            nearer(options[id].name, name, &best, &least);
        }
    }
    for (enum section id = 0; id < SECTION_COUNT; id++) {
        if (sections[id].parent == section) {
            nearer(sections[id].name, name, &best, &least);
        }
    }
    return best;
}
