// SPDX-License-Identifier: MIT
#include "base/deadline.h"

#include "base/error.h"

#include <assert.h>
#include <stddef.h>

#define LOOKS 8         // in the shortest limit
#define LOOK_MOST 1000u // milliseconds
#define LOOK_LEAST 10u

static const struct deadline_row rows[DEADLINE_COUNT] = {
#define LIMIT(id, fixed, name, sentence)
#define RATE(id, sentence)
#define DEADLINE(id, limit, begins, rate, then, error, sentence)                                   \
    {LIMIT_##limit, DEADLINE_FROM_##begins, RATE_##rate, DEADLINE_THEN_##then, error, sentence},
#include "base/deadline.def"
#undef LIMIT
#undef RATE
#undef DEADLINE
};

const struct deadline_row *deadline_row(enum deadline_state state) {
    assert(state < DEADLINE_COUNT);
    return &rows[state];
}

const char *deadline_name(enum deadline_state state) {
    static const char *const names[LIMIT_COUNT] = {
#define LIMIT(id, fixed, name, sentence) name,
#define RATE(id, sentence)
#define DEADLINE(id, limit, begins, rate, then, error, sentence)
#include "base/deadline.def"
#undef LIMIT
#undef RATE
#undef DEADLINE
    };
    return names[deadline_row(state)->limit];
}

void deadline_limits_init(struct deadline_limits *l) {
    *l = (struct deadline_limits){.ms = {
#define LIMIT(id, fixed, name, sentence) [LIMIT_##id] = (fixed),
#define RATE(id, sentence)
#define DEADLINE(id, limit, begins, rate, then, error, sentence)
#include "base/deadline.def"
#undef LIMIT
#undef RATE
#undef DEADLINE
                                  }};
}

// limit_ms where that is a limit and the shorter one; 0 is none.
static uint64_t shorter(uint64_t least_ms, uint64_t limit_ms) {
    return limit_ms - 1 < least_ms ? limit_ms : least_ms;
}

uint64_t deadline_look_ms(const struct deadline_limits *l) {
    uint64_t least = (uint64_t)LOOK_MOST * LOOKS;
    least = shorter(least, l->ms[LIMIT_SEND]);
    least = shorter(least, l->ms[LIMIT_BODY]);
    least = shorter(least, l->ms[LIMIT_REQUEST]);
    least = shorter(least, l->grace_ms);
    return least / LOOKS < LOOK_LEAST ? LOOK_LEAST : least / LOOKS;
}

void deadline_init(struct deadline *d) {
    *d = (struct deadline){.state = DEADLINE_NOTHING};
}

void deadline_enter(struct deadline *d, enum deadline_state state, uint64_t now_ms, bool anew) {
    if (d->state != state || anew) {
        d->state = state;
        d->since_ms = d->looked_ms = now_ms;
    }
}

// Is what moved in the period less than the rate asks for? A new period begins with each answer.
static bool is_slow(struct deadline *d, const struct deadline_limits *l, uint64_t rate,
                    const struct deadline_moved *moved) {
    if (rate == 0 || l->grace_ms == 0 || d->waited_ms < l->grace_ms) {
        return false;
    }
    uint64_t bytes = moved->own > d->period_own ? moved->own - d->period_own : 0;
    uint64_t sharers = moved->sharers > 0 ? moved->sharers : 1;
    bool slow = bytes < rate * d->waited_ms / 1000 / sharers;
    d->waited_ms = 0;
    d->period_own = moved->own;
    return slow;
}

static bool is_over(const struct deadline *d, uint64_t limit_ms, uint64_t now_ms) {
    return limit_ms > 0 && now_ms - d->since_ms >= limit_ms;
}

// Waits that have the same rate follow each other in one period.
static void pace(struct deadline *d, enum deadline_rate rate, uint64_t passed_ms,
                 const struct deadline_moved *moved) {
    if (d->paced != rate) {
        d->paced = rate;
        d->waited_ms = 0;
        d->period_own = moved->own;
    } else if (deadline_row(d->state)->rate == rate) {
        d->waited_ms += passed_ms;
    }
}

bool deadline_look(struct deadline *d, const struct deadline_limits *l, enum deadline_state state,
                   const struct deadline_moved *moved, uint64_t now_ms) {
    const struct deadline_row *row = deadline_row(state);
    bool has_moved = d->state != state || (moved != NULL && moved->any != d->any);
    if (row->rate != RATE_ANY) {
        pace(d, row->rate, now_ms - d->looked_ms, moved);
    }
    deadline_enter(d, state, now_ms, row->begins == DEADLINE_FROM_PROGRESS && has_moved);
    d->any = moved != NULL ? moved->any : 0;
    d->looked_ms = now_ms;
    bool over = is_over(d, l->ms[row->limit], now_ms);
    return over || (row->rate != RATE_ANY && is_slow(d, l, l->rate[row->rate], moved));
}

uint64_t deadline_due_from(const struct deadline_limits *l, enum deadline_state state,
                           uint64_t now_ms) {
    uint64_t limit_ms = l->ms[deadline_row(state)->limit];
    return limit_ms > 0 ? now_ms + limit_ms : UINT64_MAX;
}

uint64_t deadline_due(const struct deadline *d, const struct deadline_limits *l) {
    return deadline_due_from(l, d->state, d->since_ms);
}
