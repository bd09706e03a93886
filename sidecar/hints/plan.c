// SPDX-License-Identifier: MIT
#include "hints/plan.h"

#include <stdlib.h>

#define FIELDS_MAX 3 // of a 103: two policies and the links

// A Link field value while it is written.
struct draft {
    uint8_t bytes[PLAN_BYTES_MAX];
    struct plan_piece pieces[HINT_SET_MAX];
    size_t n, pieces_n;
    uint64_t said;
};

// All of them: dialect d says what v[of[d]] says.
struct drafts {
    struct draft v[DIALECTS];
    size_t n;
    size_t of[DIALECTS];
};
#define SAYS_NOTHING DIALECTS

// What a plan is made of.
struct material {
    const struct hint *hints;
    size_t n;
    struct pair policies[FIELDS_MAX];
    size_t policies_n;
};

struct plan_limits plan_limits_of(const struct plan_limits *limits) {
    size_t links = limits && limits->links ? limits->links : PLAN_LINKS;
    size_t bytes = limits && limits->bytes ? limits->bytes : PLAN_BYTES;
    return (struct plan_limits){
        .links = links < HINT_SET_MAX ? links : HINT_SET_MAX,
        .bytes = bytes < PLAN_BYTES_MAX ? bytes : PLAN_BYTES_MAX,
    };
}

// One that does not fit is left out, so that a shorter one behind it may still fit.
static void draft_put(struct draft *draft, const struct plan_limits *limits,
                      const struct hint *hint, size_t index) {
    size_t comma = draft->n > 0 ? 2 : 0;
    if (draft->pieces_n == limits->links || draft->n + comma >= limits->bytes) {
        return;
    }
    uint8_t *to = draft->bytes + draft->n;
    size_t n = hint_format(hint, to + comma, limits->bytes - draft->n - comma);
    if (n == 0) {
        return;
    }
    memcpy(to, ", ", comma);
    draft->pieces[draft->pieces_n++] = (struct plan_piece){
        .at = (uint16_t)(draft->n + comma), .n = (uint16_t)n, .hint = (uint16_t)index};
    draft->n += comma + n;
    draft->said |= 1ULL << index;
}

static void draft_write(struct draft *draft, const struct plan_limits *limits, enum dialect dialect,
                        const struct material *m) {
    struct hint said;
    draft->n = draft->pieces_n = 0;
    draft->said = 0;
    for (size_t i = 0; i < m->n; i++) {
        if (dialect_say(dialect, &m->hints[i], &said) == HINT_OK) {
            draft_put(draft, limits, &said, i);
        }
    }
}

static bool is_same_dialect(enum dialect a, enum dialect b) {
    const struct dialect_row *x = dialect_row(a), *y = dialect_row(b);
    return x->rels == y->rels && x->attributes == y->attributes;
}

static bool is_same_draft(const struct draft *a, const struct draft *b) {
    return a->said == b->said && span_eq(span_of(a->bytes, a->n), span_of(b->bytes, b->n));
}

// Which of the drafts says what the dialect says; makes one where none does.
static size_t draft_of(struct drafts *drafts, const struct plan_limits *limits,
                       enum dialect dialect, const struct material *m) {
    for (unsigned d = 0; d < dialect; d++) {
        if (is_same_dialect(d, dialect)) {
            return drafts->of[d];
        }
    }
    struct draft *draft = &drafts->v[drafts->n];
    draft_write(draft, limits, dialect, m);
    if (draft->pieces_n == 0) {
        return SAYS_NOTHING;
    }
    for (size_t i = 0; i < drafts->n; i++) {
        if (is_same_draft(&drafts->v[i], draft)) {
            return i;
        }
    }
    return drafts->n++;
}

// Where the parts of the block go.
struct cursor {
    struct hint *hints;
    struct span *pushes;
    struct plan_voice *voices;
    struct pair *fields;
    struct plan_piece *pieces;
    uint8_t *text;
};

static struct span move(struct cursor *to, struct span s) {
    struct span moved = span_of(to->text, s.n);
    if (s.n > 0) {
        memcpy(to->text, s.p, s.n);
    }
    to->text += s.n;
    return moved;
}

size_t plan_put_pushes(struct span *to, const struct hint *hints, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n && count < PLAN_PUSH_MAX; i++) {
        if (hints[i].can_push) {
            to[count++] = hints[i].target;
        }
    }
    return count;
}

// plan | hints | pushes | voices | their fields | their pieces | policies, Link values, other texts
static size_t size_of(const struct drafts *drafts, const struct material *m) {
    size_t size = sizeof(struct plan) + m->n * (sizeof(struct hint) + sizeof(struct span));
    for (size_t i = 0; i < m->policies_n; i++) {
        size += m->policies[i].value.n;
    }
    for (size_t i = 0; i < drafts->n; i++) {
        size += sizeof(struct plan_voice) + (m->policies_n + 1) * sizeof(struct pair) +
                drafts->v[i].pieces_n * sizeof(struct plan_piece) + drafts->v[i].n;
    }
    for (size_t i = 0; i < m->n; i++) {
        size += m->hints[i].target.n + m->hints[i].type.n + m->hints[i].integrity.n;
    }
    return size;
}

static struct cursor cursor_of(struct plan *plan, const struct drafts *drafts,
                               const struct material *m) {
    struct cursor c = {.hints = (struct hint *)(plan + 1)};
    size_t pieces = 0;
    for (size_t i = 0; i < drafts->n; i++) {
        pieces += drafts->v[i].pieces_n;
    }
    c.pushes = (struct span *)(c.hints + m->n);
    c.voices = (struct plan_voice *)(c.pushes + m->n);
    c.fields = (struct pair *)(c.voices + drafts->n);
    c.pieces = (struct plan_piece *)(c.fields + drafts->n * (m->policies_n + 1));
    c.text = (uint8_t *)(c.pieces + pieces);
    return c;
}

static void put_voice(struct cursor *c, struct plan_voice *voice, const struct draft *draft,
                      const struct material *m) {
    struct span link = move(c, span_of(draft->bytes, draft->n));
    *voice = (struct plan_voice){.response = {.status = 103},
                                 .link = link,
                                 .pieces = c->pieces,
                                 .pieces_n = draft->pieces_n,
                                 .said = draft->said};
    memcpy(c->pieces, draft->pieces, draft->pieces_n * sizeof *c->pieces);
    c->pieces += draft->pieces_n;
    size_t n = m->policies_n + 1;
    voice->response.fields = (struct pairs){.v = c->fields, .n = n, .cap = n};
    if (n > 1) {
        memcpy(c->fields, m->policies, (n - 1) * sizeof *c->fields);
    }
    c->fields[n - 1] = (struct pair){SPAN("link"), link};
    c->fields += n;
}

// The target as it stands between the "<" and ">" of a voice, or a copy where none has it.
static struct span target_of(struct cursor *c, const struct plan_voice *voices, size_t n,
                             const struct hint *hint, size_t index) {
    for (size_t i = 0; i < n; i++) {
        const struct plan_voice *voice = &voices[i];
        for (size_t k = 0; (voice->said >> index & 1) != 0 && k < voice->pieces_n; k++) {
            if (voice->pieces[k].hint == index) {
                return span_of(voice->link.p + voice->pieces[k].at + 1, hint->target.n);
            }
        }
    }
    return move(c, hint->target);
}

static void fill(struct plan *plan, const struct drafts *drafts, struct material *m) {
    struct cursor c = cursor_of(plan, drafts, m);
    *plan = (struct plan){.hints = c.hints, .hints_n = m->n, .pushes = c.pushes};
    for (size_t i = 0; i < m->policies_n; i++) {
        m->policies[i].value = move(&c, m->policies[i].value);
    }
    for (size_t i = 0; i < drafts->n; i++) {
        put_voice(&c, &c.voices[i], &drafts->v[i], m);
    }
    for (size_t i = 0; i < m->n; i++) {
        c.hints[i] = m->hints[i];
        c.hints[i].target = target_of(&c, c.voices, drafts->n, &m->hints[i], i);
        c.hints[i].type = move(&c, m->hints[i].type);
        c.hints[i].integrity = move(&c, m->hints[i].integrity);
    }
    plan->pushes_n = plan_put_pushes(c.pushes, c.hints, m->n);
    for (unsigned d = 0; d < DIALECTS; d++) {
        plan->voices[d] = drafts->of[d] < drafts->n ? &c.voices[drafts->of[d]] : NULL;
    }
    plan->size = (size_t)(c.text - (const uint8_t *)plan);
}

// In the arena, or where that is NULL in memory of its own. NULL: the arena has no room.
static struct plan *build(const struct plan_limits *conf_limits, struct material *m,
                          struct arena *arena) {
    struct plan_limits limits = plan_limits_of(conf_limits);
    struct drafts drafts;
    drafts.n = 0;
    for (unsigned d = 0; d < DIALECTS; d++) {
        drafts.of[d] = draft_of(&drafts, &limits, d, m);
    }
    size_t size = size_of(&drafts, m);
    struct plan *plan = arena != NULL ? arena_alloc(arena, size) : malloc(size);
    if (plan != NULL) {
        fill(plan, &drafts, m);
    } else if (arena == NULL) {
        abort();
    }
    return plan;
}

struct plan *plan_new(const struct plan_conf *conf, const struct hint *hints, size_t n) {
    struct material m = {.hints = hints, .n = n < HINT_SET_MAX ? n : HINT_SET_MAX};
    if (conf != NULL && conf->csp.n > 0) {
        m.policies[m.policies_n++] = (struct pair){SPAN("content-security-policy"), conf->csp};
    }
    if (conf != NULL && conf->referrer.n > 0) {
        m.policies[m.policies_n++] = (struct pair){SPAN("referrer-policy"), conf->referrer};
    }
    return build(conf != NULL ? &conf->limits : NULL, &m, NULL);
}

void plan_free(struct plan *plan) {
    free(plan);
}

const struct plan *plan_of_links(const struct pairs *fields, const struct target_page *page,
                                 const struct hint_policy *policy, struct arena *arena) {
    struct hint_context context = {.page = page, .policy = policy, .arena = arena};
    struct hint_tally tally = {.broken = 0};
    struct hint_set set;
    if (hint_set_init(&set, arena, HINT_SET_MAX) != 0) {
        return NULL;
    }
    set.by_hand = true;
    for (size_t i = 0; i < fields->n; i++) {
        if (span_eq_nocase(fields->v[i].name, SPAN("link"))) {
            hint_set_read(&set, fields->v[i].value, &context, &tally);
        }
    }
    struct material m = {.hints = set.v, .n = set.n};
    return set.n > 0 ? build(policy != NULL ? policy->limits : NULL, &m, arena) : NULL;
}
