// SPDX-License-Identifier: MIT
#include "gateway/relay_body.h"

#include "base/error.h"
#include "gateway/relay_budget.h"

// ---- the request's body -------------------------------------------------------------------------

void relay_body_acknowledge(struct relay *r) {
    if (r->unconsumed > 0 && r->stream != NULL) {
        size_t n = r->unconsumed;
        r->unconsumed = 0;
        struct downstream *d = r->down;
        front_consumed(d->front, r->stream, n);
        downstream_wants_flush(d);
        d->ops->pump(d);
    }
}

void relay_body_pass(struct relay *r) {
    const struct call_ops *calls = r->conf->calls;
    struct span piece;
    size_t room;
    int err = 0;
    while (err == 0 && r->has_call && spool_len(&r->held) > 0 &&
           (room = calls->room(r->call)) > 0) {
        err = spool_peek(&r->held, &piece);
        piece = span_first(piece, room);
        if (err == 0) {
            calls->body(r->call, piece);
            spool_take(&r->held, piece.n);
        }
    }
    if (err != 0) {
        relay_fail(r, err);
        return;
    }
    if (!r->has_call || spool_len(&r->held) > 0 || !r->wants_call_end || r->is_call_ended) {
        return;
    }
    if (calls->is_placed(r->call)) {
        r->is_call_ended = true;
        calls->body_end(r->call);
    }
}

void relay_body_hold(struct relay *r, struct span body) {
    const struct site *site = exchange_site(&r->exchange);
    if (!relay_is_asking(r)) {
        return; // the application has answered without it
    }
    uint64_t limit = exchange_body_limit(&r->exchange);
    uint64_t disk = relay_budget_disk(r, &r->held, limit);
    if (exchange_is_collecting(&r->exchange)) {
        spool_bound(&r->held, relay_budget_memory(r, site->buffer.memory), disk);
    }
    int err = spool_put(&r->held, body);
    relay_budget_see(r);
    if (err != 0) {
        bool is_ours =
            err == ERR_SPOOL_FULL && exchange_is_collecting(&r->exchange) && disk < limit;
        relay_fail(r, is_ours ? relay_budget_disk_error(r, body.n) : err);
        return;
    }
    relay_body_pass(r);
}

void relay_body_drop_held(struct relay *r) {
    bool has_some = r->held.memory.cap > 0 || r->held.file_to > 0;
    spool_fini(&r->held);
    if (has_some) {
        relay_budget_see(r);
    }
}

bool relay_body_is_taking(const struct relay *r) {
    return exchange_is_collecting(&r->exchange) ||
           (r->has_call && spool_len(&r->held) == 0 && r->conf->calls->keeps_up(r->call));
}

// ---- the response's body ------------------------------------------------------------------------

static bool is_keeping(const struct relay *r) {
    return spool_len(&r->kept) > 0 || buf_len(&r->last) > 0;
}

// A head that fills the front's queue by itself is followed by no FRONT_ROOM, so the first piece of
// the body is always given.
size_t relay_body_room(const struct relay *r) {
    size_t room = front_room(r->down->front, r->stream);
    return room == 0 && r->put == 0 ? RELAY_PIECE : room;
}

static void give(struct relay *r, struct span piece) {
    r->put += piece.n;
    front_body(r->down->front, r->stream, piece);
}

// What the front has no room for.
static void keep(struct relay *r, struct span body) {
    const struct site *site = exchange_site(&r->exchange);
    spool_bound(&r->kept, relay_budget_memory(r, site->buffer.memory),
                relay_budget_disk(r, &r->kept, site->buffer.limit));
    // What finds no place any more is the last for now: the backend is not read meanwhile.
    if (buf_len(&r->last) > 0 || spool_put(&r->kept, body) != 0) {
        buf_put(&r->last, body);
    }
}

void relay_body_keep(struct relay *r, struct span body) {
    if (!is_keeping(r)) {
        struct span piece = span_first(body, relay_body_room(r));
        give(r, piece);
        body = span_skip(body, piece.n);
    }
    if (body.n > 0) {
        keep(r, body);
    }
    relay_budget_see(r);
}

void relay_body_pass_kept(struct relay *r) {
    struct front *front = r->down->front;
    struct span piece;
    size_t room;
    while (spool_len(&r->kept) > 0 && (room = relay_body_room(r)) > 0) {
        if (spool_peek(&r->kept, &piece) != 0) {
            front_reset(front, r->stream, ERR_SPOOL_DISK);
            return;
        }
        piece = span_first(piece, room);
        give(r, piece);
        spool_take(&r->kept, piece.n);
    }
    while (spool_len(&r->kept) == 0 && buf_len(&r->last) > 0 && (room = relay_body_room(r)) > 0) {
        piece = span_first(buf_span(&r->last), room);
        give(r, piece);
        buf_take(&r->last, piece.n);
    }
    if (!is_keeping(r) && r->wants_finish) {
        r->wants_finish = false;
        front_finish(front, r->stream);
    }
}

bool relay_body_must_pause(const struct relay *r) {
    if (!exchange_is_buffered(&r->exchange)) {
        return is_keeping(r) || relay_body_room(r) == 0;
    }
    return buf_len(&r->last) > 0;
}
