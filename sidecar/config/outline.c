// SPDX-License-Identifier: MIT
#include "config/outline.h"

#include "base/error.h"
#include "config/scan.h"

#include <stdlib.h>

// Reads one token ahead.
struct reader {
    struct scan scan;
    struct scan_token token;
    enum step step;
    struct outline *outline;
    struct config_errors *errors;
    uint8_t *text;
    unsigned parent; // index of the section we are in
};

static void advance(struct reader *r) {
    if (r->step == STEP_ITEM) {
        r->step = scan_next(&r->scan, &r->token);
    }
}

static bool is_at(const struct reader *r, char mark) {
    return r->step == STEP_ITEM && r->token.mark == mark;
}

static unsigned put_entry(struct outline *o, const struct outline_entry *entry) {
    if (o->n == o->cap) {
        o->cap = o->cap ? o->cap * 2 : 64;
        o->v = realloc(o->v, o->cap * sizeof *o->v);
        if (o->v == NULL) {
            abort();
        }
    }
    o->v[o->n] = *entry;
    o->v[o->n].end = (unsigned)o->n + 1;
    return (unsigned)o->n++;
}

static bool find_name(enum section in, struct span name, struct outline_entry *entry) {
    for (enum option id = 0; id < OPTION_COUNT; id++) {
        if (option_row(id)->section == in && span_eq(span_str(option_row(id)->name), name)) {
            entry->is_section = false;
            entry->id = id;
            return true;
        }
    }
    for (enum section id = SECTION_TOP + 1; id < SECTION_COUNT; id++) {
        if (section_row(id)->parent == in && span_eq(span_str(section_row(id)->name), name)) {
            entry->is_section = true;
            entry->id = id;
            return true;
        }
    }
    return false;
}

static enum section section_of(const struct reader *r) {
    return (enum section)r->outline->v[r->parent].id;
}

static void tell_unknown(struct reader *r, struct span name, unsigned line) {
    const char *near = option_nearest(section_of(r), name);
    const char *in = section_row(section_of(r))->name;
    config_errors_put(r->errors, line, "there is no option %.*s%s%s%s%s%s", SPAN_ARG(name),
                      in[0] ? " in " : "", in, near ? "; did you mean " : "", near ? near : "",
                      near ? "?" : "");
}

static void tell_twice(struct reader *r, const struct outline_entry *entry, struct span name) {
    const struct outline *o = r->outline;
    if (entry->is_section && section_row(entry->id)->is_titled) {
        return;
    }
    for (size_t i = r->parent + 1; i < o->n; i = o->v[i].end) {
        if (o->v[i].is_section == entry->is_section && o->v[i].id == entry->id) {
            config_errors_put(r->errors, entry->line, "%.*s is given twice, first in line %u",
                              SPAN_ARG(name), o->v[i].line);
            return;
        }
    }
}

// Behind "=": a word, or words in braces. False when it is neither.
static bool skip_value(struct reader *r) {
    if (is_at(r, SCAN_WORD)) {
        advance(r);
        return true;
    }
    if (!is_at(r, '{')) {
        return false;
    }
    do {
        advance(r);
    } while (is_at(r, SCAN_WORD) || is_at(r, ','));
    bool is_closed = is_at(r, '}');
    advance(r);
    return is_closed;
}

// Behind the "{" of an unknown section: everything to its "}".
static bool skip_section(struct reader *r) {
    for (size_t depth = 1; depth > 0; advance(r)) {
        if (r->step != STEP_ITEM) {
            return false;
        }
        depth += r->token.mark == '{';
        depth -= r->token.mark == '}';
    }
    return true;
}

// An unknown name has been read and told: blanks it with what belongs to it. False where the
// grammar is left.
static bool drop_unknown(struct reader *r, struct span name) {
    bool is_whole;
    if (is_at(r, '=') || is_at(r, '+')) {
        advance(r);
        is_whole = skip_value(r);
    } else {
        if (is_at(r, SCAN_WORD)) {
            advance(r);
        }
        is_whole = is_at(r, '{');
        if (is_whole) {
            advance(r);
            is_whole = skip_section(r);
        }
    }
    size_t from = (size_t)(name.p - r->text);
    size_t to = r->step == STEP_ITEM ? (size_t)(r->token.text.p - r->text) : r->scan.at;
    for (size_t i = from; i < to && is_whole; i++) {
        r->text[i] = r->text[i] == '\n' ? '\n' : ' ';
    }
    return is_whole;
}

static bool read_section(struct reader *r, unsigned index) {
    if (is_at(r, SCAN_WORD)) {
        advance(r);
    }
    if (!is_at(r, '{')) {
        return false;
    }
    advance(r);
    r->parent = index;
    return true;
}

// One name and what follows it. False where the grammar is left.
static bool read_entry(struct reader *r) {
    struct span name = r->token.text;
    struct outline_entry entry = {.parent = r->parent, .line = r->token.line};
    advance(r);
    if (!find_name(section_of(r), name, &entry)) {
        tell_unknown(r, name, entry.line);
        return drop_unknown(r, name);
    }
    bool appends = is_at(r, '+');
    if (!appends) {
        tell_twice(r, &entry, name);
    }
    unsigned index = put_entry(r->outline, &entry);
    if (entry.is_section) {
        return read_section(r, index);
    }
    if (!is_at(r, '=') && !appends) {
        return false;
    }
    advance(r);
    return skip_value(r);
}

static bool close_section(struct reader *r) {
    if (r->parent == OUTLINE_TOP) {
        return false;
    }
    r->outline->v[r->parent].end = (unsigned)r->outline->n;
    r->parent = r->outline->v[r->parent].parent;
    advance(r);
    return true;
}

int outline_init(struct outline *o, uint8_t *text, size_t n, struct config_errors *errors) {
    struct reader r = {.step = STEP_ITEM, .outline = o, .errors = errors, .text = text};
    *o = (struct outline){0};
    put_entry(o, &(struct outline_entry){.is_section = true, .id = SECTION_TOP});
    scan_init(&r.scan, span_of(text, n));
    advance(&r);
    bool is_good = true;
    while (r.step == STEP_ITEM && is_good) {
        is_good = is_at(&r, SCAN_WORD) ? read_entry(&r)
                  : is_at(&r, '}')     ? close_section(&r)
                                       : false;
    }
    o->is_whole = is_good && r.parent == OUTLINE_TOP;
    o->line = r.step == STEP_ITEM ? r.token.line : r.scan.line;
    o->v[OUTLINE_TOP].end = (unsigned)o->n;
    while (r.step == STEP_ITEM) {
        advance(&r);
    }
    if (r.step == STEP_BAD) {
        config_errors_put(errors, r.scan.line, "%s", r.scan.why);
        return ERR_CONFIG;
    }
    if (is_good && !o->is_whole) {
        const struct outline_entry *open = &o->v[r.parent];
        config_errors_put(errors, open->line, "this %s is not closed", section_row(open->id)->name);
        return ERR_CONFIG;
    }
    return 0;
}

void outline_fini(struct outline *o) {
    free(o->v);
    *o = (struct outline){0};
}

unsigned outline_section(const struct outline *o, unsigned parent, enum section id, size_t i) {
    for (unsigned at = parent + 1; at < o->v[parent].end; at = o->v[at].end) {
        if (o->v[at].is_section && o->v[at].id == id && i-- == 0) {
            return at;
        }
    }
    return OUTLINE_TOP;
}

unsigned outline_line(const struct outline *o, unsigned parent, enum option id) {
    for (unsigned at = parent + 1; at < o->v[parent].end; at = o->v[at].end) {
        if (!o->v[at].is_section && o->v[at].id == id) {
            return o->v[at].line;
        }
    }
    return 0;
}
