// SPDX-License-Identifier: MIT
#include "server/manager.h"

#include "server/generation.h"
#include "server/log.h"
#include "server/notify.h"

#define TURN_MS 2000 // within which a loop turns that has nothing to do

static bool is_alive(const struct manager *m) {
    uint64_t within_ms = notify_watchdog_ms() + TURN_MS;
    bool is = true;
    for (struct list *n = m->generations->next; n != m->generations; n = n->next) {
        unsigned stuck = 0;
        if (!generation_is_alive(LIST_ITEM(n, struct generation, node), within_ms, &stuck)) {
            log_line(LOG_ERROR, "worker %u does not turn its loop any more", stuck);
            is = false;
        }
    }
    return is;
}

static void on_tick(struct loop_watch *watch, uint64_t now_ms) {
    struct manager *m = LIST_ITEM(watch, struct manager, watch);
    if (is_alive(m)) {
        notify("WATCHDOG=1");
    }
    loop_watch(m->loop, watch, now_ms + notify_watchdog_ms());
}

void manager_open(struct manager *m, struct loop *loop, struct list *generations) {
    m->loop = loop;
    m->generations = generations;
    loop_watch_init(&m->watch, on_tick);
    if (notify_watchdog_ms() > 0) {
        loop_watch(loop, &m->watch, loop_now_ms(loop) + notify_watchdog_ms());
    }
}

void manager_close(struct manager *m) {
    loop_unwatch(&m->watch);
}
