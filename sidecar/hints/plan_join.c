// SPDX-License-Identifier: MIT
#include "hints/plan.h"

// What two plans make together: the rule's hints stay in front, and of the learned one's the new.
struct joint {
    const struct plan *rule, *learned;
    struct plan_limits limits;
    uint16_t place[HINT_SET_MAX]; // where a learned hint is in the joint plan
    uint64_t is_new;              // bit 1 << index of each learned hint that is there at all
    struct arena *arena;
};

static bool is_among(const struct hint *hint, const struct hint *hints, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (hint_is_same(hint, &hints[i])) {
            return true;
        }
    }
    return false;
}

// Puts the rule's hints and the new ones into v, which has room for HINT_SET_MAX. How many it has.
static size_t join_hints(struct joint *j, struct hint *v) {
    size_t n = j->rule->hints_n;
    memcpy(v, j->rule->hints, n * sizeof *v);
    for (size_t i = 0; i < j->learned->hints_n && n < HINT_SET_MAX; i++) {
        if (!is_among(&j->learned->hints[i], v, j->rule->hints_n)) {
            j->is_new |= 1ULL << i;
            j->place[i] = (uint16_t)n;
            v[n++] = j->learned->hints[i];
        }
    }
    return n;
}

// The fields of a 103 with another Link value. NULL v: no room.
static struct pairs with_link(const struct pairs *fields, struct span link, struct arena *arena) {
    struct pair *v = arena_alloc(arena, fields->n * sizeof *v);
    if (v == NULL) {
        return (struct pairs){0};
    }
    memcpy(v, fields->v, fields->n * sizeof *v);
    v[fields->n - 1].value = link;
    return (struct pairs){.v = v, .n = fields->n, .cap = fields->n};
}

static void append(struct plan_voice *voice, uint8_t *text, struct plan_piece *pieces,
                   const struct joint *j, const struct plan_voice *from) {
    for (size_t i = 0; i < from->pieces_n; i++) {
        struct plan_piece piece = from->pieces[i];
        size_t comma = voice->link.n > 0 ? 2 : 0;
        if ((j->is_new >> piece.hint & 1) == 0 || voice->pieces_n >= j->limits.links ||
            voice->link.n + comma + piece.n > j->limits.bytes) {
            continue;
        }
        memcpy(text + voice->link.n, ", ", comma);
        memcpy(text + voice->link.n + comma, from->link.p + piece.at, piece.n);
        piece.at = (uint16_t)(voice->link.n + comma);
        piece.hint = j->place[piece.hint];
        pieces[voice->pieces_n++] = piece;
        voice->link.n += comma + piece.n;
        voice->said |= 1ULL << piece.hint;
    }
}

// What both voices say together. NULL: no room.
static const struct plan_voice *join_voices(const struct joint *j, const struct plan_voice *rule,
                                            const struct plan_voice *learned) {
    size_t ready = rule != NULL ? rule->link.n : 0, ready_n = rule != NULL ? rule->pieces_n : 0;
    struct plan_voice *voice = arena_alloc(j->arena, sizeof *voice);
    uint8_t *text = arena_alloc(j->arena, ready + 2 + learned->link.n);
    struct plan_piece *pieces =
        arena_alloc(j->arena, (ready_n + learned->pieces_n) * sizeof *pieces);
    if (voice == NULL || text == NULL || pieces == NULL) {
        return NULL;
    }
    *voice = (struct plan_voice){.response = {.status = 103}, .pieces = pieces};
    voice->link.p = text;
    if (rule != NULL) {
        memcpy(text, rule->link.p, ready);
        memcpy(pieces, rule->pieces, ready_n * sizeof *pieces);
        voice->link.n = ready;
        voice->pieces_n = ready_n;
        voice->said = rule->said;
    }
    append(voice, text, pieces, j, learned);
    voice->response.fields = with_link(&learned->response.fields, voice->link, j->arena);
    return voice->response.fields.v != NULL ? voice : NULL;
}

// Fills plan->voices, sharing what was shared before. False: no room.
static bool join_dialects(const struct joint *j, struct plan *plan) {
    for (unsigned d = 0; d < DIALECTS; d++) {
        const struct plan_voice *rule = j->rule->voices[d], *learned = j->learned->voices[d];
        unsigned twin = 0;
        while (twin < d && (j->rule->voices[twin] != rule || j->learned->voices[twin] != learned)) {
            twin++;
        }
        if (twin < d) {
            plan->voices[d] = plan->voices[twin];
        } else if (learned == NULL || (learned->said & j->is_new) == 0) {
            plan->voices[d] = rule;
        } else {
            plan->voices[d] = join_voices(j, rule, learned);
            if (plan->voices[d] == NULL) {
                return false;
            }
        }
    }
    return true;
}

const struct plan *plan_union(const struct plan *rule, const struct plan *learned,
                              const struct plan_limits *limits, struct arena *arena) {
    if (rule == NULL || rule->hints_n == 0) {
        return learned != NULL ? learned : rule;
    }
    if (learned == NULL || learned->hints_n == 0) {
        return rule;
    }
    struct joint j = {.rule = rule, .learned = learned, .arena = arena};
    j.limits = plan_limits_of(limits);
    struct hint v[HINT_SET_MAX];
    size_t n = join_hints(&j, v);
    if (j.is_new == 0) {
        return rule;
    }
    struct plan *plan = arena_alloc(arena, sizeof *plan);
    struct hint *hints = arena_alloc(arena, n * sizeof *hints);
    struct span *pushes = arena_alloc(arena, PLAN_PUSH_MAX * sizeof *pushes);
    if (plan == NULL || hints == NULL || pushes == NULL) {
        return rule;
    }
    memcpy(hints, v, n * sizeof *hints);
    *plan = (struct plan){.hints = hints, .hints_n = n, .pushes = pushes};
    plan->pushes_n = plan_put_pushes(pushes, hints, n);
    return join_dialects(&j, plan) ? plan : rule;
}

// The pieces whose bits are not set in skip, joined. p is NULL when the arena has no room.
static struct span join_rest(const struct plan_voice *voice, uint64_t skip, struct arena *arena) {
    uint8_t *text = arena_alloc(arena, voice->link.n);
    size_t n = 0;
    for (size_t i = 0; text != NULL && i < voice->pieces_n; i++) {
        struct plan_piece piece = voice->pieces[i];
        size_t comma = n > 0 ? 2 : 0;
        if ((skip >> piece.hint & 1) != 0) {
            continue;
        }
        memcpy(text + n, ", ", comma);
        memcpy(text + n + comma, voice->link.p + piece.at, piece.n);
        n += comma + piece.n;
    }
    return span_of(text, n);
}

const struct response *plan_without(const struct plan *plan, enum dialect dialect, uint64_t skip,
                                    struct arena *arena) {
    const struct plan_voice *voice = plan != NULL ? plan->voices[dialect] : NULL;
    if (voice == NULL || (voice->said & ~skip) == 0) {
        return NULL;
    }
    if ((voice->said & skip) == 0) {
        return &voice->response;
    }
    struct response *response = arena_alloc(arena, sizeof *response);
    struct span link = join_rest(voice, skip, arena);
    if (response == NULL || link.p == NULL) {
        return &voice->response;
    }
    *response = (struct response){.status = 103};
    response->fields = with_link(&voice->response.fields, link, arena);
    return response->fields.v != NULL ? response : &voice->response;
}
