// SPDX-License-Identifier: MIT
// One CGI program as a process: started with three pipes in a session and process group of its own,
// with limits, and ended together with everything it started that stayed in its group.
#ifndef RUNNER_PROCESS_H
#define RUNNER_PROCESS_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

struct process_plan {
    char *const *argv; // argv[0] is the file to execute
    char *const *env;
    const char *dir;        // where it starts
    uint64_t memory;        // bytes of address space
    _Atomic pid_t *visible; // where our supervisor finds the group should we die; 0 when none runs
};

struct process {
    pid_t pid;    // also the process group
    int pidfd;    // readable once it has exited
    int in;       // its standard input, non-blocking; whoever takes it over sets -1
    int out, err; // its output, non-blocking; -1 when closed
    _Atomic pid_t *visible;
};

// 0, or -errno of what failed: execve (E2BIG: arguments and environment are too large), fork, pipe.
int process_start(struct process *p, const struct process_plan *plan);
// Kills the whole group, waits for the program itself and gives its wait status; reaps what else
// was left to us. The pipes stay open, so that what they hold can still be read.
int process_end(struct process *p);
// Closes what is open. Idempotent.
void process_close(struct process *p);

#endif
