// SPDX-License-Identifier: MIT
#include "server/conn_inside.h"

#include "server/log.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#define IN_FLIGHT 4096 // bytes that may be on their way to a client that has taken all

// ---- what is waited for -------------------------------------------------------------------------

// The client's next move.
static enum deadline_state wait_of(const struct conn *c) {
    if (c->is_lingering) {
        return DEADLINE_CONN_LINGERING;
    }
    if (c->down.front == NULL) {
        return c->is_ending ? DEADLINE_CONN_ENDING : DEADLINE_CONN_OPENING;
    }
    enum front_phase phase = front_phase(c->down.front);
    if (conn_ends_in(c, phase)) {
        return DEADLINE_CONN_ENDING;
    }
    switch (phase) {
    case FRONT_HEAD:
        return DEADLINE_CONN_HEAD;
    case FRONT_BUSY:
        return DEADLINE_NOTHING;
    default:
        return c->is_shut         ? DEADLINE_CONN_LEAVING
               : conn_is_front(c) ? DEADLINE_CONN_KEPT
                                  : DEADLINE_CONN_IDLE;
    }
}

// Bytes that the client has not taken: libuv's and the kernel's. libuv hears of room only when a
// third of the kernel's buffer is free, which may take a slow client minutes.
static uint64_t untaken(const struct conn *c) {
    uv_os_fd_t fd = -1;
    int held = 0;
    if (uv_fileno(&c->io.handle, &fd) != 0 || ioctl(fd, SIOCOUTQ, &held) != 0) {
        held = 0;
    }
    return uv_stream_get_write_queue_size(&c->io.stream) + (uint64_t)held;
}

// In the middle of a TLS message of the client's nothing can be encrypted (RFC 8446, 4.6.3).
static bool is_tls_held(const struct conn *c) {
    return c->conf->tls != NULL && c->down.front != NULL && !tls_is_open(&c->tls);
}

// A wait that is over ends nobody who still takes what was sent before it; but a head that is not
// complete has nothing to do with that.
static bool is_wait_over(const struct conn *c, uint64_t now_ms) {
    enum deadline_state state = c->wait.state;
    return state != DEADLINE_CONN_OPENING && state != DEADLINE_CONN_HEAD &&
           now_ms >= deadline_due(&c->wait, &c->conf->limits);
}

// The client is to take what is there. awaits_window: a stream of its own waits for that, too.
static enum deadline_state output_of(const struct conn *c, bool awaits_window, uint64_t now_ms,
                                     struct deadline_moved *moved) {
    bool is_stuck = buf_len(&c->stuck) > 0;
    bool is_held = is_tls_held(c) || (c->down.front != NULL && front_is_held(c->down.front));
    if (!is_stuck && !is_held && !awaits_window && !is_wait_over(c, now_ms)) {
        return DEADLINE_NOTHING;
    }
    uint64_t left = untaken(c);
    moved->any = moved->own = c->given > left ? c->given - left : 0;
    if (is_stuck || left >= IN_FLIGHT) {
        return DEADLINE_CONN_WRITING;
    }
    return is_held ? DEADLINE_CONN_HELD : DEADLINE_NOTHING;
}

// ---- what follows -------------------------------------------------------------------------------

void conn_shut(struct conn *c) {
    c->is_idle = front_phase(c->down.front) == FRONT_IDLE;
    c->is_ending = c->is_ending || (c->is_idle && !c->down.is_h2);
    if (!c->is_shut) {
        front_shutdown(c->down.front);
    }
    c->is_shut = true;
    conn_set_deadline(c);
}

static void end_wait(struct conn *c, enum deadline_state state) {
    enum deadline_then then = deadline_row(state)->then;
    log_line(LOG_DEBUG, "connection from %s: %s: waited for %s", c->remote, deadline_name(state),
             deadline_row(state)->what);
    if (then == DEADLINE_THEN_CLOSE || then == DEADLINE_THEN_CUT) {
        c->is_cut = c->is_cut || then == DEADLINE_THEN_CUT;
        conn_die(c);
        return;
    }
    if (!c->is_shut) {
        conn_shut(c);
    }
    if (state == DEADLINE_CONN_IDLE || state == DEADLINE_CONN_KEPT ||
        state == DEADLINE_CONN_LEAVING) {
        front_shutdown(c->down.front); // nothing is under way: no answer has to be waited for
    }
    c->is_ending = c->is_ending || then == DEADLINE_THEN_END;
    conn_wants_flush(c);
}

// ---- looking ------------------------------------------------------------------------------------

void conn_age(struct conn *c) {
    uint64_t now_ms = loop_now_ms(c->conf->loop);
    if (!c->is_shut && now_ms >= deadline_due(&c->whole, &c->conf->limits)) {
        end_wait(c, DEADLINE_CONN_WHOLE);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

// Where bytes are counted, or requests are under way, it is looked at regularly.
static uint64_t next_look(const struct conn *c, uint64_t now_ms) {
    const struct deadline_limits *l = &c->conf->limits;
    uint64_t due_ms = deadline_due(&c->wait, l);
    due_ms = c->down.is_h2 && !c->is_shut ? earlier(due_ms, deadline_due(&c->whole, l)) : due_ms;
    bool is_counting = c->wait.state == DEADLINE_NOTHING || c->output.state != DEADLINE_NOTHING;
    uint64_t look_ms = now_ms + deadline_look_ms(l);
    return is_counting || due_ms <= now_ms ? earlier(due_ms > now_ms ? due_ms : look_ms, look_ms)
                                           : due_ms;
}

// A wait that goes on has its time set already, and so has what does not depend on the client's
// next move.
void conn_set_deadline(struct conn *c) {
    enum deadline_state state = wait_of(c);
    if (state == c->wait.state && !c->waits_anew) {
        return;
    }
    const struct deadline_limits *l = &c->conf->limits;
    uint64_t now_ms = loop_now_ms(c->conf->loop);
    deadline_enter(&c->wait, state, now_ms, c->waits_anew);
    c->waits_anew = false;
    uint64_t due_ms = state == DEADLINE_NOTHING ? now_ms + deadline_look_ms(l)
                                                : deadline_due_from(l, state, now_ms);
    loop_watch_by(c->conf->loop, &c->watch, due_ms);
}

void conn_look_soon(struct conn *c) {
    uint64_t now_ms = loop_now_ms(c->conf->loop);
    loop_watch_by(c->conf->loop, &c->watch, now_ms + deadline_look_ms(&c->conf->limits));
}

// The streams of requests under way. Does one of them wait for a window?
static bool tick_front(struct conn *c, uint64_t now_ms) {
    if (c->wait.state != DEADLINE_NOTHING || c->down.front == NULL) {
        return false;
    }
    struct front_clock clock = {&c->conf->limits, now_ms, untaken(c) < IN_FLIGHT};
    bool awaits_window = front_tick(c->down.front, &clock);
    conn_pump(c);
    if (!c->is_dead && c->conf->handler->on_tick != NULL) {
        c->conf->handler->on_tick(&c->down);
    }
    conn_wants_flush(c);
    return awaits_window;
}

static void look(struct conn *c, uint64_t now_ms) {
    const struct deadline_limits *l = &c->conf->limits;
    struct deadline_moved moved = {0, 0, 0};
    bool awaits_window = tick_front(c, now_ms);
    if (c->is_dead) {
        return;
    }
    enum deadline_state output = output_of(c, awaits_window, now_ms, &moved);
    if (deadline_look(&c->output, l, output, &moved, now_ms)) {
        end_wait(c, output);
    } else if (output == DEADLINE_NOTHING && deadline_look(&c->wait, l, wait_of(c), NULL, now_ms)) {
        end_wait(c, c->wait.state);
    } else if (c->down.is_h2) {
        conn_age(c);
    }
}

static void on_tick(struct loop_watch *watch, uint64_t now_ms) {
    struct conn *c = LIST_ITEM(watch, struct conn, watch);
    look(c, now_ms);
    if (!c->is_dead) {
        loop_watch(c->conf->loop, watch, next_look(c, now_ms));
    }
}

void conn_start_time(struct conn *c) {
    uint64_t now_ms = loop_now_ms(c->conf->loop);
    loop_watch_init(&c->watch, on_tick);
    deadline_enter(&c->wait, DEADLINE_CONN_OPENING, now_ms, true);
    deadline_enter(&c->whole, DEADLINE_CONN_WHOLE, now_ms, true);
    loop_watch(c->conf->loop, &c->watch,
               earlier(next_look(c, now_ms), deadline_due(&c->whole, &c->conf->limits)));
}
