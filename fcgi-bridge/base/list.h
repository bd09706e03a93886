// SPDX-License-Identifier: MIT
// An intrusive doubly linked list. The node lives in the member; a node is on at most one list,
// and a node on no list points at itself, so dropping twice is harmless.
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *prev, *next;
};

// The struct that holds `node` as its member `member`.
#define LIST_ITEM(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *l) {
    l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l) {
    return l->next == l;
}

static inline void list_drop(struct list *node) {
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

// Puts `node`, which may be on another list, at the end of `l`.
static inline void list_put(struct list *l, struct list *node) {
    list_drop(node);
    node->prev = l->prev;
    node->next = l;
    l->prev->next = node;
    l->prev = node;
}

// Takes the first node off, or gives NULL when the list is empty.
static inline struct list *list_take(struct list *l) {
    struct list *node = l->next;
    if (node == l) {
        return NULL;
    }
    list_drop(node);
    return node;
}

#endif
