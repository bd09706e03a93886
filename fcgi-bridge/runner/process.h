// SPDX-License-Identifier: MIT
// One CGI program as a process: started with three pipes in a session and process group of its own,
// with limits. What it starts itself is family.h's.
#ifndef RUNNER_PROCESS_H
#define RUNNER_PROCESS_H

#include "runner/leaf.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process_plan {
    char *const *argv; // argv[0] is the file to execute
    char *const *env;
    const char *dir;        // where it starts
    uint64_t cpu;           // milliseconds of processor time, 0: no limit
    uint64_t file;          // bytes of a file, 0: no limit
    struct leaf *leaf;      // where it runs
    _Atomic pid_t *visible; // where our supervisor finds the group should we die; 0 when none runs
};

struct process {
    pid_t pid;    // also the process group
    int pidfd;    // readable once it has exited
    int in;       // its standard input, non-blocking; whoever takes it over sets -1
    int out, err; // its output, non-blocking; -1 when closed
    bool has_ended;
    int status; // once it has ended: its wait status
    _Atomic pid_t *visible;
};

// 0, or -errno of what failed: execve (E2BIG: arguments and environment are too large), fork, pipe;
// -ECHILD: it was killed before it had begun.
int process_start(struct process *p, const struct process_plan *plan);
// Waits up to `ms` milliseconds for the program to exit. True when it has; it is then reaped.
bool process_await(struct process *p, int64_t ms);
// Closes what is open. Idempotent.
void process_close(struct process *p);

#endif
