// SPDX-License-Identifier: MIT
#include "fcgi/pool_cap.h"

void pool_cap_init(struct pool_cap *c, unsigned most, unsigned ceiling, uint64_t now_ms) {
    *c = (struct pool_cap){.most = most,
                           .ceiling = ceiling < POOL_CAP_MOST ? ceiling : POOL_CAP_MOST,
                           .step = 1,
                           .since_ms = now_ms,
                           .pause_ms = POOL_CAP_PAUSE_MS};
}

// A server that executes nothing of ours says nothing of how much it can do: it is starting, or
// stopped, or busy for somebody else.
static bool is_evidence(const struct pool_cap_view *v) {
    return v->unread > 0 && v->held > v->unread;
}

static void begin(struct pool_cap *c, bool is_late, uint64_t now_ms) {
    c->is_late = is_late;
    c->since_ms = now_ms;
    c->seen = 0;
}

// The trial that led here was too much: the next one comes later, and is small again.
static bool lower(struct pool_cap *c) {
    bool is_lower = c->seen < c->most;
    if (is_lower) {
        uint64_t later_ms = c->pause_ms * 2;
        c->pause_ms = later_ms < POOL_CAP_PAUSE_MOST_MS ? later_ms : POOL_CAP_PAUSE_MOST_MS;
        c->most = c->seen;
        c->step = 1;
    }
    return is_lower;
}

static bool raise(struct pool_cap *c) {
    unsigned was = c->most;
    unsigned room = c->most < c->ceiling ? c->ceiling - c->most : 0;
    c->most += c->step < room ? c->step : room;
    // Never more than twice as many at a time; and what went well may go on sooner.
    c->step = c->step * 2 < c->most ? c->step * 2 : c->most;
    c->pause_ms = c->most > was && c->step > 2 ? POOL_CAP_PAUSE_MS : c->pause_ms;
    return c->most > was;
}

bool pool_cap_look(struct pool_cap *c, const struct pool_cap_view *v, uint64_t now_ms) {
    bool is_late = is_evidence(v);
    bool is_calm = v->unread == 0 && v->is_wanted;
    if (is_late != c->is_late || (!is_late && !is_calm)) {
        begin(c, is_late, now_ms);
    }
    unsigned executed = v->held - (is_late ? v->unread : 0);
    c->seen = executed > c->seen ? executed : c->seen;
    bool is_over = now_ms - c->since_ms >= (is_late ? POOL_CAP_WINDOW_MS : c->pause_ms);
    if (!is_over) {
        return false;
    }
    bool has_changed = is_late ? lower(c) : raise(c);
    begin(c, is_late, now_ms);
    return has_changed;
}
