// SPDX-License-Identifier: MIT
#include "server/wheel.h"

void wheel_init(struct wheel *w, uint64_t now_ms) {
    for (unsigned i = 0; i < WHEEL_SLOTS; i++) {
        list_init(&w->slots[i]);
    }
    w->at = w->next = now_ms / WHEEL_SLOT_MS;
}

// The first slot that begins at or after the deadline, within the wheel.
static uint64_t slot_of(const struct wheel *w, uint64_t due_ms) {
    uint64_t slot = due_ms / WHEEL_SLOT_MS + (due_ms % WHEEL_SLOT_MS != 0);
    uint64_t last = w->at + WHEEL_SLOTS - 1;
    slot = slot < w->at ? w->at : slot;
    return slot < last ? slot : last;
}

void wheel_put(struct wheel *w, struct wheel_entry *e, uint64_t due_ms) {
    e->due_ms = due_ms;
    if (due_ms == UINT64_MAX) {
        list_drop(&e->node);
        return;
    }
    uint64_t slot = slot_of(w, due_ms);
    if (!list_is_empty(&e->node) && e->slot <= slot) {
        return; // looked at in time, and put again then
    }
    list_drop(&e->node);
    e->slot = slot;
    w->next = slot < w->next ? slot : w->next;
    list_put(&w->slots[slot % WHEEL_SLOTS], &e->node);
}

struct wheel_entry *wheel_next(struct wheel *w, uint64_t now_ms) {
    uint64_t now = now_ms / WHEEL_SLOT_MS;
    for (unsigned looked = 0; w->at <= now; w->at++, looked++) {
        if (looked == WHEEL_SLOTS) {
            w->at = now; // a whole turn, and nobody is on it
        }
        struct list *slot = &w->slots[w->at % WHEEL_SLOTS];
        for (struct list *node; (node = list_take(slot)) != NULL;) {
            struct wheel_entry *e = LIST_ITEM(node, struct wheel_entry, node);
            if (e->due_ms <= now_ms) {
                return e;
            }
            wheel_put(w, e, e->due_ms);
        }
    }
    return NULL;
}

uint64_t wheel_due(struct wheel *w) {
    w->next = w->next < w->at ? w->at : w->next;
    while (w->next < w->at + WHEEL_SLOTS && list_is_empty(&w->slots[w->next % WHEEL_SLOTS])) {
        w->next++;
    }
    return w->next < w->at + WHEEL_SLOTS ? w->next * WHEEL_SLOT_MS : UINT64_MAX;
}
