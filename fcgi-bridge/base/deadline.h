// SPDX-License-Identifier: MIT
// One wait and its end. The rows of deadline.def say what may be waited for, for how long and at
// what least rate; whoever waits looks at it now and then and says what the wait is for and what
// has moved. The caller owns the clock: milliseconds.
//
// The least rate is held against each period of `grace` milliseconds that were spent waiting: time
// in which nobody waited does not count, and a client may halt for a while, but bytes that went
// fast long ago are no credit.
#ifndef BASE_DEADLINE_H
#define BASE_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

enum deadline_limit {
#define LIMIT(id, fixed, name, sentence) LIMIT_##id,
#define RATE(id, sentence)
#define DEADLINE(id, limit, begins, rate, then, error, sentence)
#include "base/deadline.def"
#undef LIMIT
#undef RATE
#undef DEADLINE
    LIMIT_COUNT,
};

enum deadline_rate {
#define LIMIT(id, fixed, name, sentence)
#define RATE(id, sentence) RATE_##id,
#define DEADLINE(id, limit, begins, rate, then, error, sentence)
#include "base/deadline.def"
#undef LIMIT
#undef RATE
#undef DEADLINE
    RATE_COUNT,
};

enum deadline_state {
#define LIMIT(id, fixed, name, sentence)
#define RATE(id, sentence)
#define DEADLINE(id, limit, begins, rate, then, error, sentence) DEADLINE_##id,
#include "base/deadline.def"
#undef LIMIT
#undef RATE
#undef DEADLINE
    DEADLINE_COUNT,
};

enum deadline_begins { DEADLINE_FROM_ENTRY, DEADLINE_FROM_PROGRESS };
enum deadline_then {
    DEADLINE_THEN_CLOSE,
    DEADLINE_THEN_END,
    DEADLINE_THEN_SHUT,
    DEADLINE_THEN_CUT,
    DEADLINE_THEN_LATE,
    DEADLINE_THEN_RESET,
    DEADLINE_THEN_FAIL,
};

struct deadline_row {
    enum deadline_limit limit;
    enum deadline_begins begins;
    enum deadline_rate rate;
    enum deadline_then then;
    int error; // ERR_, or 0
    const char *what;
};

// What the rows are held against, of one listener or one pool.
struct deadline_limits {
    uint64_t ms[LIMIT_COUNT];  // 0: no limit
    uint64_t rate[RATE_COUNT]; // bytes a second; 0: no least rate
    uint64_t grace_ms;         // of waiting, over which a rate is the average
};

struct deadline {
    enum deadline_state state;
    enum deadline_rate paced; // whose period it is
    uint64_t since_ms;        // the wait began, or something moved
    uint64_t looked_ms;
    uint64_t any;        // deadline_moved.any when since_ms was set
    uint64_t waited_ms;  // of the period
    uint64_t period_own; // deadline_moved.own when it began
};

// Bytes that have moved so far, by counters that only rise.
struct deadline_moved {
    uint64_t any; // of this wait, or of one that it stands behind: while it rises nothing stalls
    uint64_t own; // of this wait alone: what the rate is held against
    uint64_t sharers; // how many share the rate; 0 is one
};

const struct deadline_row *deadline_row(enum deadline_state state);
// By which option operators know the limit of a row: for the log.
const char *deadline_name(enum deadline_state state);
// The limits that are fixed; no others, no rates.
void deadline_limits_init(struct deadline_limits *l);
// How often waits are looked at: a small part of the shortest limit of a client's, at most a
// second.
uint64_t deadline_look_ms(const struct deadline_limits *l);

// A wait for nothing. d may be zeroed instead.
void deadline_init(struct deadline *d);
// The wait is for `state` from now on; nothing happens when it was before, unless `anew`.
void deadline_enter(struct deadline *d, enum deadline_state state, uint64_t now_ms, bool anew);
// deadline_enter, and then: is it over? moved may be NULL where the row counts from entry.
bool deadline_look(struct deadline *d, const struct deadline_limits *l, enum deadline_state state,
                   const struct deadline_moved *moved, uint64_t now_ms);
// When the limit is over if nothing moves; UINT64_MAX: never.
uint64_t deadline_due(const struct deadline *d, const struct deadline_limits *l);
// The same of a wait that begins now.
uint64_t deadline_due_from(const struct deadline_limits *l, enum deadline_state state,
                           uint64_t now_ms);

#endif
