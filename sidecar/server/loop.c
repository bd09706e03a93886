// SPDX-License-Identifier: MIT
#include "server/loop.h"

#include <limits.h>
#include <time.h>

// Rounds in a turn: a client that reads as fast as we write has more room after each of them, and
// the others must have their turn too.
#define ROUNDS 8

// Those that are on the list now; who is put on it meanwhile comes in the next round.
static void run_tasks(struct list *tasks) {
    struct list round;
    list_init(&round);
    for (struct list *node; (node = list_take(tasks)) != NULL;) {
        list_put(&round, node);
    }
    for (struct list *node; (node = list_take(&round)) != NULL;) {
        struct loop_task *task = LIST_ITEM(node, struct loop_task, node);
        task->run(task);
    }
}

static bool has_tasks(const struct loop *l, bool has_worked) {
    for (int i = 0; i < LOOP_PHASES; i++) {
        if (!list_is_empty(&l->tasks[i]) && !(i == LOOP_WORK && has_worked)) {
            return true;
        }
    }
    return false;
}

static void on_more(uv_idle_t *handle) {
    (void)handle; // that it is active keeps the loop from waiting
}

static void end_turn(struct loop *l, unsigned rounds) {
    // A write that fails, or a backend that fails at once, gives other connections something to
    // say: go round until all is said, or the next turn goes on.
    bool has_worked = false;
    for (; rounds > 0 && has_tasks(l, has_worked); rounds--) {
        for (int i = 0; i < LOOP_PHASES; i++) {
            if (i != LOOP_WORK || !has_worked) {
                run_tasks(&l->tasks[i]);
            }
        }
        has_worked = true;
    }
    if (l->on_turn_end != NULL) {
        l->on_turn_end(l->turn_self);
    }
}

static void run_turn(struct loop *l) {
    end_turn(l, ROUNDS);
    if (has_tasks(l, false)) {
        uv_idle_start(&l->more, on_more);
    } else {
        uv_idle_stop(&l->more);
    }
}

// Whose deadline has come. One that it kills is on the wheel no more.
static void run_watches(struct loop *l) {
    uint64_t now_ms = loop_now_ms(l);
    for (struct wheel_entry *e; (e = wheel_next(&l->wheel, now_ms)) != NULL;) {
        struct loop_watch *w = LIST_ITEM(e, struct loop_watch, entry);
        w->on_tick(w, now_ms);
    }
}

static void on_due(uv_timer_t *handle) {
    struct loop *l = handle->data;
    l->due_at_ms = UINT64_MAX; // the loop is awake, which is all it is for
}

static void set_due(struct loop *l) {
    uint64_t due_ms = wheel_due(&l->wheel), now_ms = loop_now_ms(l);
    if (due_ms == l->due_at_ms) {
        return;
    }
    l->due_at_ms = due_ms;
    if (due_ms == UINT64_MAX) {
        uv_timer_stop(&l->due);
    } else {
        uv_timer_start(&l->due, on_due, due_ms > now_ms ? due_ms - now_ms : 0, 0);
    }
}

static void on_prepare(uv_prepare_t *handle) {
    struct loop *l = handle->data;
    run_watches(l);
    run_turn(l);
    set_due(l);
}

static void on_check(uv_check_t *handle) {
    run_turn(handle->data);
}

static void on_second(uv_timer_t *handle) {
    struct loop *l = handle->data;
    l->unix_time = time(NULL);
}

int loop_init(struct loop *l) {
    int err = uv_loop_init(&l->uv);
    if (err != 0) {
        return err;
    }
    for (int i = 0; i < LOOP_PHASES; i++) {
        list_init(&l->tasks[i]);
    }
    wheel_init(&l->wheel, uv_now(&l->uv));
    l->due_at_ms = UINT64_MAX;
    l->on_turn_end = NULL;
    l->turn_self = NULL;
    l->unix_time = time(NULL);
    l->uv.data = l;
    uv_prepare_init(&l->uv, &l->prepare);
    uv_check_init(&l->uv, &l->check);
    uv_timer_init(&l->uv, &l->second);
    uv_timer_init(&l->uv, &l->due);
    uv_idle_init(&l->uv, &l->more);
    l->prepare.data = l->check.data = l->second.data = l->due.data = l;
    uv_prepare_start(&l->prepare, on_prepare);
    uv_check_start(&l->check, on_check);
    uv_timer_start(&l->second, on_second, 1000, 1000);
    // The loop lives as long as something else does.
    uv_unref((uv_handle_t *)&l->prepare);
    uv_unref((uv_handle_t *)&l->check);
    uv_unref((uv_handle_t *)&l->second);
    uv_unref((uv_handle_t *)&l->due);
    uv_unref((uv_handle_t *)&l->more);
    return 0;
}

void loop_run(struct loop *l) {
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_fini(struct loop *l) {
    end_turn(l, UINT_MAX);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->check, NULL);
    uv_close((uv_handle_t *)&l->second, NULL);
    uv_close((uv_handle_t *)&l->due, NULL);
    uv_close((uv_handle_t *)&l->more, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    end_turn(l, UINT_MAX);
    uv_loop_close(&l->uv);
}

uint64_t loop_now_ms(const struct loop *l) {
    return uv_now(&l->uv);
}

uint64_t loop_now_us(void) {
    return uv_hrtime() / 1000;
}

void loop_put(struct loop *l, enum loop_phase phase, struct loop_task *task) {
    if (list_is_empty(&task->node)) {
        list_put(&l->tasks[phase], &task->node);
    }
}

void loop_watch_init(struct loop_watch *w, void (*on_tick)(struct loop_watch *, uint64_t)) {
    list_init(&w->entry.node);
    w->on_tick = on_tick;
}

void loop_watch(struct loop *l, struct loop_watch *w, uint64_t due_ms) {
    wheel_put(&l->wheel, &w->entry, due_ms);
}

void loop_watch_by(struct loop *l, struct loop_watch *w, uint64_t due_ms) {
    if (list_is_empty(&w->entry.node) || due_ms < w->entry.due_ms) {
        loop_watch(l, w, due_ms);
    }
}

void loop_unwatch(struct loop_watch *w) {
    list_drop(&w->entry.node);
}

void loop_on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *out) {
    struct loop *l = handle->loop->data;
    (void)hint;
    *out = uv_buf_init((char *)l->read_bytes, LOOP_READ_LEN);
}
