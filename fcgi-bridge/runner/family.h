// SPDX-License-Identifier: MIT
// Everything that descends from a request's program: a worker runs one request at a time and is the
// subreaper, so all its descendants are that request's, whatever session or group they are in.
#ifndef RUNNER_FAMILY_H
#define RUNNER_FAMILY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct family_sum {
    uint64_t processes; // and threads
    uint64_t memory;    // bytes of resident memory that is no file's
    uint64_t shared;    // bytes of it that more than one process may have
};

// Sends the signal to every descendant of this process; 0 only counts. Gives how many there are.
uint64_t family_tell(int signal_number);
// Counts the descendants, their threads and their memory.
void family_measure(struct family_sum *sum);
// Reaps the dead, but not `keep` (0: all) nor who died after it. True while somebody lives.
bool family_reap(pid_t keep);
// Reaps for up to `ms` milliseconds. True when somebody still lives.
bool family_settle(int64_t ms);

#endif
