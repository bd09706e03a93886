// SPDX-License-Identifier: MIT
#include "hints/merge.h"

#include "base/error.h"
#include "hints/link.h"

#define KEPT_MAX 64 // links that a further one is compared with

struct kept {
    struct span target, raw;
};

struct merge {
    struct arena *arena;
    struct kept kept[KEPT_MAX];
    size_t n;
};

// Reads a link that stays once more, which is rarely needed and cheaper than keeping them all.
static bool is_kept_already(const struct merge *m, const struct link *link) {
    for (size_t i = 0; i < m->n; i++) {
        struct link_reader reader;
        struct link kept;
        if (!span_eq(m->kept[i].target, link->target)) {
            continue;
        }
        link_init(&reader, m->kept[i].raw, m->arena);
        if (link_next(&reader, &kept) == STEP_ITEM && link_eq(&kept, link)) {
            return true;
        }
    }
    return false;
}

// Says of one link whether it stays.
static bool stays(struct merge *m, const struct link *link) {
    if (link_has(link, LINK_PUSH_ONLY) || is_kept_already(m, link)) {
        return false;
    }
    if (m->n < KEPT_MAX) {
        m->kept[m->n++] = (struct kept){link->target, link->raw};
    }
    return true;
}

// Runs over one value; writes the links that stay to `text` unless that is NULL. How many do not.
static size_t sift(struct merge *m, struct span value, uint8_t *text, size_t *n) {
    struct link_reader reader;
    struct link link;
    size_t gone = 0;
    link_init(&reader, value, m->arena);
    while (link_next(&reader, &link) == STEP_ITEM) {
        if (!stays(m, &link)) {
            gone++;
        } else if (text != NULL) {
            size_t comma = *n > 0 ? 2 : 0;
            memcpy(text + *n, ", ", comma);
            memcpy(text + *n + comma, link.raw.p, link.raw.n);
            *n += comma + link.raw.n;
        }
    }
    return gone;
}

// What is left of one Link value; itself when everything stays. Else what could not be read as a
// link is left out too: next to another neighbour it might read as one. 0, or ERR_ARENA_LIMIT.
static int merge_value(struct merge *m, struct span value, struct span *out) {
    size_t before = m->n, n = 0;
    *out = value;
    if (sift(m, value, NULL, NULL) == 0) {
        return 0;
    }
    // A link has two bytes at least, so the blanks behind commas at most double it.
    uint8_t *text = arena_alloc(m->arena, 2 * value.n);
    if (text == NULL) {
        return ERR_ARENA_LIMIT;
    }
    m->n = before;
    sift(m, value, text, &n);
    *out = span_of(text, n);
    return 0;
}

// Room for `more` further pairs behind a copy of the fields.
static int copy_pairs(const struct pairs *fields, size_t more, struct arena *arena,
                      struct pairs *out) {
    size_t cap = fields->n + more;
    struct pair *v = arena_alloc(arena, cap * sizeof *v);
    if (v == NULL) {
        return ERR_ARENA_LIMIT;
    }
    if (fields->n > 0) {
        memcpy(v, fields->v, fields->n * sizeof *v);
    }
    *out = (struct pairs){.v = v, .n = fields->n, .cap = cap};
    return 0;
}

static size_t extras_of(const struct merge_extra *extra) {
    return extra == NULL ? 0 : extra->fields_n + (plan_link(extra->plan, extra->dialect).n > 0);
}

// Sifts the Link fields. *out has its own array when something changed, or from the start.
static int merge_links(struct merge *m, const struct pairs *fields, size_t more,
                       struct pairs *out) {
    size_t n = 0;
    for (size_t i = 0; i < fields->n; i++) {
        struct pair pair = fields->v[i];
        int error = 0;
        if (span_eq_nocase(pair.name, SPAN("link"))) {
            error = merge_value(m, pair.value, &pair.value);
        }
        bool has_changed = pair.value.p != fields->v[i].value.p;
        if (error == 0 && has_changed && out->v == fields->v) {
            error = copy_pairs(fields, more, m->arena, out);
        }
        if (error != 0) {
            return error;
        }
        if (has_changed && pair.value.n == 0) {
            continue;
        }
        if (out->v != fields->v) {
            out->v[n] = pair;
        }
        n++;
    }
    out->n = n;
    return 0;
}

// The application names the target of this hint with the same relation, in whatever words.
static bool is_named(const struct merge *m, const struct hint *hint) {
    for (size_t i = 0; i < m->n; i++) {
        struct link_reader reader;
        struct link link;
        if (span_eq(m->kept[i].target, hint->target)) {
            link_init(&reader, m->kept[i].raw, m->arena);
            if (link_next(&reader, &link) == STEP_ITEM &&
                link_has_rel(&link, hint_rel_name(hint->rel))) {
                return true;
            }
        }
    }
    return false;
}

static int add_plan(struct merge *m, const struct merge_extra *extra, struct pairs *out) {
    uint64_t skip = 0;
    for (size_t i = 0; i < extra->plan->hints_n; i++) {
        skip |= is_named(m, &extra->plan->hints[i]) ? 1ULL << i : 0;
    }
    const struct response *rest = plan_without(extra->plan, extra->dialect, skip, m->arena);
    if (rest == NULL) {
        return 0;
    }
    return pairs_put(out, m->arena, SPAN("link"), rest->fields.v[rest->fields.n - 1].value);
}

static int add_extra(struct merge *m, const struct merge_extra *extra, struct pairs *out) {
    int error = 0;
    if (plan_link(extra->plan, extra->dialect).n > 0) {
        error = add_plan(m, extra, out);
    }
    for (size_t i = 0; error == 0 && i < extra->fields_n; i++) {
        error = pairs_put(out, m->arena, extra->fields[i].name, extra->fields[i].value);
    }
    return error;
}

int merge_fields(const struct pairs *fields, const struct merge_extra *extra, struct arena *arena,
                 struct pairs *out) {
    struct merge m;
    m.arena = arena;
    m.n = 0;
    *out = *fields;
    size_t more = extras_of(extra);
    int error = more > 0 ? copy_pairs(fields, more, arena, out) : 0;
    if (error == 0) {
        error = merge_links(&m, fields, more, out);
    }
    if (error == 0 && more > 0) {
        error = add_extra(&m, extra, out);
    }
    if (error != 0) {
        *out = *fields;
    }
    return error;
}
