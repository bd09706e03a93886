// SPDX-License-Identifier: MIT
// The clock of HTTP/2. A stream waits for its client when the rest of the request's body is to
// come, or when its own window is shut although all that left has arrived: what lies in the network
// may still be answered. A stream whose window is open waits for its turn, or for the window of the
// connection, and that is the connection's business. Streams that wait for the same share the least
// rate of one.
#include "http/h2_stream.h"

// END_STREAM behind what has left is a frame without content, but the library holds it, too, until
// a byte of the window is open.
static bool has_output(const struct h2 *h, const struct h2_stream *s) {
    bool awaits_end =
        s->is_finished && nghttp2_session_get_stream_local_close(h->session, h2_stream_id(s)) == 0;
    return !s->is_closed && (buf_len(&s->queue) > 0 || awaits_end);
}

static bool awaits_window(const struct h2 *h, const struct h2_stream *s) {
    return has_output(h, s) &&
           nghttp2_session_get_stream_remote_window_size(h->session, h2_stream_id(s)) <= 0;
}

static bool awaits_body(const struct h2 *h, const struct h2_stream *s) {
    return !s->is_closed && s->is_told && !s->is_pushed && s->unconsumed == 0 &&
           nghttp2_session_get_stream_remote_close(h->session, h2_stream_id(s)) == 0;
}

static enum deadline_state wait_of(const struct h2 *h, const struct h2_stream *s, bool is_drained) {
    if (awaits_window(h, s)) {
        return is_drained ? DEADLINE_STREAM_WINDOW : DEADLINE_NOTHING;
    }
    return awaits_body(h, s) ? DEADLINE_STREAM_BODY : DEADLINE_NOTHING;
}

// How many streams wait for what.
struct census {
    uint64_t of[DEADLINE_COUNT];
};

static struct deadline_moved moved_of(const struct h2 *h, const struct h2_stream *s,
                                      enum deadline_state state, const struct census *n) {
    if (state == DEADLINE_STREAM_BODY) {
        return (struct deadline_moved){h->body_received, s->body_received, n->of[state]};
    }
    return (struct deadline_moved){s->body_sent, s->body_sent, n->of[state]};
}

static void end_wait(struct h2 *h, struct h2_stream *s, enum deadline_state state,
                     uint64_t now_ms) {
    const struct deadline_row *row = deadline_row(state);
    if (row->then == DEADLINE_THEN_LATE) {
        deadline_enter(&s->wait, state, now_ms, true); // told once a limit
        h2_tell(h, s, H2_EVENT_LATE);
    } else {
        h2_reset_stream(h, s, row->error, NGHTTP2_CANCEL);
    }
}

static void look_at(struct h2 *h, struct h2_stream *s, const struct front_clock *clock,
                    const struct census *n) {
    enum deadline_state state = wait_of(h, s, clock->is_drained);
    struct deadline_moved moved = moved_of(h, s, state, n);
    s->began_ms = s->began_ms == 0 ? clock->now_ms : s->began_ms;
    if (clock->now_ms >= deadline_due_from(clock->limits, DEADLINE_STREAM_WHOLE, s->began_ms)) {
        end_wait(h, s, DEADLINE_STREAM_WHOLE, clock->now_ms);
    } else if (deadline_look(&s->wait, clock->limits, state, &moved, clock->now_ms)) {
        end_wait(h, s, state, clock->now_ms);
    }
}

bool h2_tick(struct front *f, const struct front_clock *clock) {
    struct h2 *h = h2_of(f);
    struct census n = {{0}};
    bool has_waiting = false;
    for (struct list *l = h->streams.next; l != &h->streams; l = l->next) {
        const struct h2_stream *s = LIST_ITEM(l, struct h2_stream, node);
        n.of[wait_of(h, s, clock->is_drained)]++;
        has_waiting |= awaits_window(h, s);
    }
    for (struct list *l = h->streams.next, *next; l != &h->streams && h->error == 0; l = next) {
        next = l->next; // the stream may be gone
        look_at(h, LIST_ITEM(l, struct h2_stream, node), clock, &n);
    }
    return has_waiting;
}

bool h2_is_held(const struct front *f) {
    const struct h2 *h = h2_of_const(f);
    if (h->error != 0 || nghttp2_session_get_remote_window_size(h->session) > 0) {
        return false;
    }
    for (struct list *l = h->streams.next; l != &h->streams; l = l->next) {
        const struct h2_stream *s = LIST_ITEM(l, struct h2_stream, node);
        if (has_output(h, s)) {
            return true;
        }
    }
    return false;
}
