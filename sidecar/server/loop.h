// SPDX-License-Identifier: MIT
// One thread's event loop and its turn. What a turn produces is collected: callbacks record into
// engines and put themselves on a list, and at the end of the turn the loop flushes first the
// clients (so that a 103 leaves before the backend is even asked), then the backends, then sweeps
// what died. Nothing is freed before that sweep, so no frame above it can be left with a dangling
// pointer.
//
//     deadlines ─► poll: callbacks record, pumps act ─► flush clients ─► flush backends ─► sweep
//
// The loop wakes for the next deadline of all that are watched, by one timer (server/wheel.h).
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include "base/list.h"
#include "base/span.h"
#include "server/wheel.h"

#include <uv.h>

#define LOOP_READ_LEN 65536 // bytes of the read buffer that all connections of a loop share

// Who wants to write at the end of the turn, or to be freed after it: an embedded member.
struct loop_task {
    struct list node;
    void (*run)(struct loop_task *);
};

enum loop_phase {
    LOOP_CLIENTS,  // write to clients
    LOOP_BACKENDS, // write to backends
    LOOP_WORK,     // take one step of work that may be long: once a turn, then all others go first
    LOOP_SWEEP,    // free
    LOOP_PHASES,
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_timer_t second;
    uv_timer_t due; // the next deadline
    uv_idle_t more; // active while a turn has left something to the next
    struct list tasks[LOOP_PHASES];
    struct wheel wheel;              // struct loop_watch, by deadline
    uint64_t due_at_ms;              // what `due` is set to, or UINT64_MAX
    void (*on_turn_end)(void *self); // after the sweep, e.g. to end the RCU read section
    void *turn_self;
    int64_t unix_time; // seconds, brought up to date once a second
    uint8_t read_bytes[LOOP_READ_LEN];
};

// Something with a deadline. on_tick is called once it has come, with the loop's time, and sets the
// next one. To be initialised by loop_watch_init; loop_unwatch takes it off.
struct loop_watch {
    struct wheel_entry entry;
    void (*on_tick)(struct loop_watch *, uint64_t now_ms);
};

// 0 or a libuv error code.
int loop_init(struct loop *l);
// Runs until loop_stop, or until nothing is left to wait for.
void loop_run(struct loop *l);
// Closes the loop's own handles and runs what is left to its end; then frees.
void loop_fini(struct loop *l);
// Milliseconds of a monotonic clock, as of the beginning of the turn.
uint64_t loop_now_ms(const struct loop *l);
// Microseconds of the same clock, read now.
uint64_t loop_now_us(void);
// Has task->run called once at the end of this turn, or of the next one when this one has been
// long, or has done its step of LOOP_WORK; putting it twice is harmless.
void loop_put(struct loop *l, enum loop_phase phase, struct loop_task *task);
void loop_watch_init(struct loop_watch *w, void (*on_tick)(struct loop_watch *, uint64_t now_ms));
// Sets or moves the deadline: not before it, and at most WHEEL_SLOT_MS and a turn after it.
// UINT64_MAX: none.
void loop_watch(struct loop *l, struct loop_watch *w, uint64_t due_ms);
// The same, unless it has an earlier one.
void loop_watch_by(struct loop *l, struct loop_watch *w, uint64_t due_ms);
void loop_unwatch(struct loop_watch *w);
// libuv's allocation callback that lends the shared read buffer.
void loop_on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *out);

#endif
