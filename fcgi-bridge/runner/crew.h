// SPDX-License-Identifier: MIT
// The worker processes. One that dies is replaced, at once or, when it did not live long, after a
// pause that doubles; a program it was running is killed with its group and its cgroup. One whose
// request left something behind watches that (minder.h), and another worker takes its place.
#ifndef RUNNER_CREW_H
#define RUNNER_CREW_H

#include "runner/cgroup.h"
#include "runner/options.h"
#include "runner/report.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#define CREW_LEFT_MOST 64 // watchers besides the workers; with more, workers are missing

struct crew_slot {
    pid_t pid;   // 0: none runs
    int control; // -1 when none runs
    int64_t started_ms;
    bool is_busy, is_minder, is_old;
};

struct crew {
    const struct options *options;
    const struct cgroup *cgroup; // has a leaf for each slot
    struct crew_slot *slots;
    size_t n;               // of slots
    _Atomic pid_t *visible; // shared with the workers: a slot's running program
    size_t alive, minders;
    int64_t due_ms, pause_ms;         // of the next start
    bool is_closed;                   // no more are started
    uint64_t endings[REPORT_ENDINGS]; // how requests ended
    uint64_t late[REPORT_ENDINGS];    // how what lived on was ended
};

// How many slots there are.
size_t crew_slots(const struct options *o);
// 0, or -1 without memory. Borrows both.
int crew_init(struct crew *crew, const struct options *o, const struct cgroup *cgroup);
void crew_fini(struct crew *crew);
// Starts the workers that are due. True in a child, which has worked then: *exit_status is its.
bool crew_start_due(struct crew *crew, int *exit_status);
// When the next worker is to be started; INT64_MAX when none is missing.
int64_t crew_due_ms(const struct crew *crew);
// A worker that is free, or NULL.
struct crew_slot *crew_free(struct crew *crew);
// Hands a connection over, and whether its request is short (client.h); fd stays the caller's to
// close. False when the worker is gone.
bool crew_give(struct crew_slot *slot, int fd, bool is_short);
// Takes what the worker of a slot reports.
void crew_hear(struct crew *crew, struct crew_slot *slot);
// Reaps the dead.
void crew_reap(struct crew *crew);
// Sends a signal to all, watchers too.
void crew_tell(struct crew *crew, int signal_number);
// Lets every worker end after its request; new ones take their places.
void crew_renew(struct crew *crew);

#endif
