// SPDX-License-Identifier: MIT
#include "server/persistence.h"

#include "base/error.h"
#include "learner/record_text.h"
#include "learner/route_key.h"
#include "server/clock.h"
#include "server/log.h"

#include <stdatomic.h>
#include <stdlib.h>

#define TURN_US 10000        // for which one turn puts
#define NEXT_TURN_MS 1       // after which the next one goes on
#define KEYS_MOST (1u << 24) // bytes of keys that wait
#define FILL_MOST 2          // times the learner's routes that are given to it
#define WAIT_MS 2000         // for another process, which may just be ending

static _Atomic uint64_t failures, refused; // of the process

uint64_t persistence_failures(void) {
    return atomic_load_explicit(&failures, memory_order_relaxed);
}

uint64_t persistence_refused(void) {
    return atomic_load_explicit(&refused, memory_order_relaxed);
}

int persistence_open(struct persistence *k, const struct config *config,
                     struct learner_conf *learner) {
    char why[STORE_WHY_LEN], words[2 * STORE_WHY_LEN];
    *k = (struct persistence){.flush_ms = config->store_flush_ms,
                              .path = config->store_path,
                              .routes_most = config->learner_routes};
    buf_init(&k->keys, KEYS_MOST);
    if (k->path.n == 0) {
        return 0;
    }
    k->conf = (struct store_conf){.path = (const char *)k->path.p,
                                  .now_ms = clock_unix_ms(),
                                  .wait_ms = WAIT_MS,
                                  .secret = learner->secret,
                                  .find_policy = learner->find_policy,
                                  .policy_self = learner->policy_self};
    int err = sqlite_open(&k->store, &k->conf, why);
    log_escape(span_str(why), words, sizeof words);
    if (err == ERR_STORE_IN_USE) {
        log_line(LOG_ERROR, "store %.*s: %s; each outrider needs a file of its own",
                 SPAN_ARG(k->path), words);
        return err;
    }
    if (err != 0) {
        log_line(LOG_ERROR,
                 "store %.*s: %s; Outrider still serves, but nothing is kept over a restart",
                 SPAN_ARG(k->path), words);
        return 0;
    }
    if (why[0] != 0) {
        log_line(LOG_ERROR, "store %.*s: %s", SPAN_ARG(k->path), words);
    }
    learner->secret = k->conf.secret = k->store->secret;
    return 0;
}

// ---- keys that wait -----------------------------------------------------------------------------

// False when there is no room: the oldest ones are written first.
static bool remember(struct persistence *k, struct span key) {
    const uint8_t len[2] = {(uint8_t)(key.n >> 8), (uint8_t)key.n};
    if (buf_room(&k->keys) < sizeof len + key.n) {
        return false;
    }
    buf_put(&k->keys, span_of(len, sizeof len));
    buf_put(&k->keys, key);
    return true;
}

static bool next_key(struct span *keys, struct span *key) {
    if (keys->n < 2) {
        return false;
    }
    size_t n = (size_t)keys->p[0] << 8 | keys->p[1];
    *key = span_first(span_skip(*keys, 2), n);
    *keys = span_skip(*keys, 2 + n);
    return true;
}

// ---- writing ------------------------------------------------------------------------------------

static void tell_failure(struct persistence *k) {
    atomic_fetch_add_explicit(&failures, 1, memory_order_relaxed);
    if (!k->has_failed) {
        char words[2 * STORE_WHY_LEN];
        k->has_failed = true;
        log_line(LOG_ERROR,
                 "store %.*s: %s; Outrider tries again, and a restart before that loses what was "
                 "learned",
                 SPAN_ARG(k->path), log_escape(span_str(k->store->why), words, sizeof words));
    }
}

static void tell_success(struct persistence *k) {
    if (k->has_failed) {
        k->has_failed = false;
        log_line(LOG_INFO, "store %.*s: writing works again", SPAN_ARG(k->path));
    }
}

// The others of its transaction are kept.
static int put(struct persistence *k) {
    uint64_t was = k->store->stats.oversized;
    int err = store_put(k->store, &k->record);
    if (k->store->stats.oversized == was) {
        return err;
    }
    atomic_fetch_add_explicit(&refused, 1, memory_order_relaxed);
    if (!k->is_refusal_told) {
        char route[RECORD_ROUTE_MAX];
        k->is_refusal_told = true;
        size_t n = route_key_print(k->record.key, route, sizeof route);
        char words[2 * RECORD_ROUTE_MAX];
        log_line(LOG_WARN,
                 "store %.*s: %s has a policy or imports too long to be kept, and is learned anew "
                 "after a restart; further ones are counted as store_refused",
                 SPAN_ARG(k->path), log_escape(span_of(route, n), words, sizeof words));
    }
    return err;
}

// What waits since the last time, for as long as a turn may take: as it is known now. *done: bytes
// of k->keys that were.
static int put_waiting(struct persistence *k, uint64_t until_us, size_t *done) {
    struct span keys = buf_span(&k->keys), key;
    size_t all = keys.n;
    int err = 0;
    while (err == 0 && loop_now_us() < until_us && next_key(&keys, &key)) {
        const struct learner_route *route = learner_find(k->learner, key);
        if (route == NULL || !learner_record_of(k->learner, route, &k->record)) {
            k->record = (struct learner_record){.key = key, .is_gone = true};
        }
        err = put(k);
    }
    *done = all - keys.n;
    return err;
}

// What has changed, for as long as a turn may take. *is_all: there is no more.
static int put_changed(struct persistence *k, uint64_t until_us, bool *is_all) {
    int err = 0;
    *is_all = false;
    for (unsigned i = 0; i < PERSISTENCE_BATCH && err == 0 && loop_now_us() < until_us; i++) {
        if (buf_room(&k->keys) < ROUTE_KEY_MAX + 2) {
            break;
        }
        if (learner_next_changed(k->learner, &k->record) != STEP_ITEM) {
            *is_all = true;
            break;
        }
        remember(k, k->record.key);
        err = put(k);
    }
    return err;
}

static int put_all(struct persistence *k, size_t *done, bool *is_all) {
    uint64_t until_us = loop_now_us() + TURN_US;
    int err = put_waiting(k, until_us, done);
    *is_all = false;
    if (err == 0 && *done == buf_len(&k->keys)) {
        err = put_changed(k, until_us, is_all);
        *done = buf_len(&k->keys);
    }
    return err;
}

// Puts into a transaction what it is to write. False when that failed; its keys then wait for the
// next one.
static bool collect(struct persistence *k) {
    k->done = 0;
    k->is_all = false;
    k->err = store_begin(k->store);
    if (k->err == 0) {
        k->err = put_all(k, &k->done, &k->is_all);
        if (k->err != 0) {
            store_cancel(k->store);
        }
    }
    if (k->err != 0) {
        tell_failure(k);
    }
    return k->err == 0;
}

// What the commit came to. Its keys wait on where it failed.
static void settle(struct persistence *k) {
    if (k->err != 0) {
        tell_failure(k);
        return;
    }
    tell_success(k);
    buf_take(&k->keys, k->done);
}

// ---- files that are removed while we run --------------------------------------------------------

static void give_up(struct persistence *k, const char *why) {
    char words[2 * STORE_WHY_LEN];
    log_line(LOG_ERROR, "store %.*s: %s; nothing is kept from now on", SPAN_ARG(k->path),
             log_escape(span_str(why), words, sizeof words));
    store_close(k->store);
    k->store = NULL;
}

// All that is known goes into a new file, with the secret that voters are known by.
static void open_anew(struct persistence *k) {
    char why[STORE_WHY_LEN];
    store_close(k->store);
    k->store = NULL;
    k->conf.now_ms = clock_unix_ms();
    k->conf.wait_ms = 0;
    if (sqlite_open(&k->store, &k->conf, why) != 0) {
        give_up(k, why);
        return;
    }
    log_line(LOG_ERROR,
             "store %.*s: its files were removed while they were in use; they are "
             "written anew",
             SPAN_ARG(k->path));
    learner_change_all(k->learner);
}

// False when nothing is kept any more.
static bool look_after(struct persistence *k) {
    enum store_place place = store_place(k->store);
    if (place != STORE_IN_PLACE) {
        atomic_fetch_add_explicit(&failures, 1, memory_order_relaxed);
    }
    if (place == STORE_REMOVED) {
        open_anew(k);
    } else if (place == STORE_REPLACED) {
        give_up(k, "another file was put in its place, which is left alone until a restart "
                   "uses it");
    }
    return k->store != NULL;
}

// ---- committing, on a thread of libuv's ---------------------------------------------------------

// Tidying follows while nobody writes: so all of the log is moved, and it begins anew.
static void commit(uv_work_t *work) {
    struct persistence *k = work->data;
    k->err = store_commit(k->store);
    if (k->err == 0 && store_wants_tidy(k->store)) {
        store_tidy(k->store);
    }
    uv_sem_post(&k->committed);
}

static void wait_until_committed(struct persistence *k) {
    uv_sem_wait(&k->committed);
    k->is_committing = false;
    settle(k);
}

static void on_timer(uv_timer_t *timer);

// The flush is over. A damaged store cannot be mended while we run: the next start sets it aside.
static void rest(struct persistence *k) {
    if (k->store->is_damaged) {
        give_up(k, "it is damaged, and a restart makes a new one");
        return;
    }
    uv_timer_start(&k->timer, on_timer, k->err == 0 && !k->is_all ? NEXT_TURN_MS : k->flush_ms, 0);
}

static void on_committed(uv_work_t *work, int status) {
    struct persistence *k = work->data;
    (void)status; // nobody cancels it
    if (!k->is_closing) {
        wait_until_committed(k);
        rest(k);
    }
}

static void on_timer(uv_timer_t *timer) {
    struct persistence *k = timer->data;
    if (!look_after(k)) {
        return;
    }
    if (!collect(k)) {
        rest(k);
    } else if (k->done == 0) {
        store_cancel(k->store);
        rest(k);
    } else {
        k->is_committing = true;
        uv_queue_work(timer->loop, &k->commit, commit, on_committed);
    }
}

// ---- start and end ------------------------------------------------------------------------------

// What the learner calls changed by now came out of the store; only what it has forgotten for want
// of room is to be dropped there.
static void pass_over(struct persistence *k) {
    while (learner_next_changed(k->learner, &k->record) == STEP_ITEM) {
        if (k->record.is_gone) {
            remember(k, k->record.key);
        }
    }
}

static void load(struct persistence *k) {
    uint64_t now_ms = clock_unix_ms(), most = (uint64_t)k->routes_most * FILL_MOST, n = 0;
    enum step step;
    while ((step = store_next(k->store, &k->record)) == STEP_ITEM) {
        // What the learner does not take is dropped: it would come back with every start.
        if (n++ >= most || !learner_restore(k->learner, &k->record, now_ms)) {
            remember(k, k->record.key);
        }
        pass_over(k);
    }
    const struct store_stats *stats = &k->store->stats;
    if (step == STEP_BAD) {
        tell_failure(k);
    }
    const struct learner_stats *learned = learner_stats(k->learner);
    log_line(LOG_INFO, "store %.*s: %zu routes and patterns", SPAN_ARG(k->path),
             learned->routes + learned->patterns);
    if (stats->refused > 0) {
        log_line(LOG_WARN, "store %.*s: %llu invalid rows were left out", SPAN_ARG(k->path),
                 (unsigned long long)stats->refused);
    }
}

void persistence_start(struct persistence *k, struct loop *loop, struct learner *learner) {
    k->learner = learner;
    if (k->store == NULL) {
        return;
    }
    load(k);
    k->timer.data = k->commit.data = k;
    uv_sem_init(&k->committed, 0);
    uv_timer_init(&loop->uv, &k->timer);
    uv_timer_start(&k->timer, on_timer, k->flush_ms, 0);
    k->is_started = true;
}

// What has changed, batch by batch.
static void write_rest(struct persistence *k) {
    bool is_written = true;
    for (k->is_all = false; is_written && !k->is_all;) {
        is_written = collect(k);
        if (is_written) {
            k->err = store_commit(k->store);
            settle(k);
            is_written = k->err == 0;
        }
    }
}

static void write_all(struct persistence *k) {
    if (k->is_committing) {
        wait_until_committed(k);
    }
    if (k->store != NULL && k->learner != NULL && look_after(k)) {
        write_rest(k);
    }
}

void keeping_pause(struct persistence *k) {
    write_all(k);
    if (k->is_started) {
        uv_timer_stop(&k->timer);
    }
    store_close(k->store);
    k->store = NULL;
}

void keeping_resume(struct persistence *k) {
    char why[STORE_WHY_LEN];
    if (!k->is_started) {
        return;
    }
    k->conf.now_ms = clock_unix_ms();
    if (sqlite_open(&k->store, &k->conf, why) != 0) {
        give_up(k, why);
        return;
    }
    uv_timer_start(&k->timer, on_timer, k->flush_ms, 0);
}

void persistence_close(struct persistence *k) {
    if (k->is_closing) {
        return;
    }
    k->is_closing = true;
    write_all(k);
    if (k->is_started) {
        uv_close((uv_handle_t *)&k->timer, NULL);
        uv_sem_destroy(&k->committed);
    }
    store_close(k->store);
    k->store = NULL;
    buf_fini(&k->keys);
}
