// SPDX-License-Identifier: MIT
#include "server/conn_inside.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#define LOOK_MS 1000   // how often a connection is looked at that has no deadline of its own
#define GOAWAY_MS 1000 // how long an idle HTTP/2 client may take to answer a GOAWAY

void conn_set_deadline(struct conn *c) {
    enum front_phase phase = front_phase(c->down.front);
    if ((phase == c->phase && c->has_phase) || c->is_lingering) {
        return;
    }
    c->phase = phase;
    c->has_phase = true;
    uint64_t now_ms = loop_now_ms(c->conf->loop);
    uint64_t idle_ms = c->is_shut ? GOAWAY_MS : c->conf->timeouts.idle_ms;
    uint64_t head_ms = c->conf->timeouts.head_ms;
    c->deadline_ms =
        phase == FRONT_BUSY ? UINT64_MAX : now_ms + (phase == FRONT_IDLE ? idle_ms : head_ms);
    uint64_t look_ms = now_ms + LOOK_MS;
    loop_watch_by(c->conf->loop, &c->watch, c->deadline_ms < look_ms ? c->deadline_ms : look_ms);
}

// libuv hears of room only when a third of the kernel's buffer is free, which may take a slow
// client minutes: what the kernel still holds says whether it takes anything.
static void see_progress(struct conn *c, uint64_t now_ms) {
    uv_os_fd_t fd = -1;
    int held = 0;
    if (uv_fileno(&c->io.handle, &fd) == 0 && ioctl(fd, SIOCOUTQ, &held) != 0) {
        held = 0;
    }
    uint64_t len = uv_stream_get_write_queue_size(&c->io.stream) + (uint64_t)held;
    if (len != c->stuck_len) {
        c->stuck_len = len;
        c->stuck_since_ms = now_ms;
    }
}

void conn_shut(struct conn *c) {
    c->is_idle = front_phase(c->down.front) == FRONT_IDLE;
    c->is_ending = c->is_ending || (c->is_idle && !c->down.is_h2);
    c->is_shut = true;
    c->has_phase = c->has_phase && !c->is_idle; // the deadline is another
    front_shutdown(c->down.front);
    conn_set_deadline(c);
}

static void look(struct conn *c, uint64_t now_ms) {
    const struct conn_timeouts *t = &c->conf->timeouts;
    if (buf_len(&c->stuck) > 0) {
        see_progress(c, now_ms);
        if (now_ms - c->stuck_since_ms > t->send_ms) {
            conn_die(c);
        }
        return;
    }
    if (c->conf->handler->on_tick != NULL) {
        c->conf->handler->on_tick(c, now_ms);
    }
    if (c->is_dead || now_ms < c->deadline_ms) {
        return;
    }
    if (c->down.front == NULL || c->is_lingering || c->is_ending) {
        conn_die(c);
        return;
    }
    bool is_last = c->is_shut || front_phase(c->down.front) != FRONT_IDLE;
    if (!c->is_shut) {
        conn_shut(c);
    }
    c->is_ending = c->is_ending || is_last;
    conn_wants_flush(c);
}

static void on_tick(struct loop_watch *watch, uint64_t now_ms) {
    struct conn *c = LIST_ITEM(watch, struct conn, watch);
    look(c, now_ms);
    if (!c->is_dead) {
        loop_watch(c->conf->loop, watch, now_ms + LOOK_MS);
        if (c->deadline_ms > now_ms) {
            loop_watch_by(c->conf->loop, watch, c->deadline_ms);
        }
    }
}

void conn_start_time(struct conn *c) {
    loop_watch_init(&c->watch, on_tick);
    c->deadline_ms = loop_now_ms(c->conf->loop) + c->conf->timeouts.head_ms;
    loop_watch(c->conf->loop, &c->watch, c->deadline_ms);
}
