// SPDX-License-Identifier: MIT
#include "http/h1_time.h"

#include "base/error.h"
#include "http/h1_answer.h"

static bool awaits_body(const struct h1 *h) {
    return h->state == H1_BODY && h->unconsumed == 0;
}

// There is one stream: what moves of it is what moves.
static void look_at_body(struct h1 *h, const struct front_clock *clock) {
    struct deadline_moved moved = {.any = h->received, .own = h->received};
    enum deadline_state state = awaits_body(h) ? DEADLINE_STREAM_BODY : DEADLINE_NOTHING;
    if (deadline_look(&h->wait, clock->limits, state, &moved, clock->now_ms)) {
        deadline_enter(&h->wait, state, clock->now_ms, true); // told once a limit
        h->owes_late = true;
    }
}

bool h1_time_tick(struct front *f, const struct front_clock *clock) {
    struct h1 *h = (struct h1 *)(void *)f;
    if (!h->is_told || h->is_over) {
        return false;
    }
    h->began_ms = h->began_ms == 0 ? clock->now_ms : h->began_ms;
    if (clock->now_ms >= deadline_due_from(clock->limits, DEADLINE_STREAM_WHOLE, h->began_ms)) {
        h1_break(h, ERR_TIMEOUT);
    } else {
        look_at_body(h, clock);
    }
    return false;
}

bool h1_time_is_held(const struct front *f) {
    (void)f;
    return false;
}
