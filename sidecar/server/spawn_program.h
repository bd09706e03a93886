// SPDX-License-Identifier: MIT
// A program of the configuration and its processes, as their keeper (spawn_keeper.h) sees them:
// started, read from, reaped, started again. It is the side of FastCGI that starts applications
// (FastCGI 1.0, 2.2): descriptor 0 is the listening socket, which all processes share.
#ifndef SERVER_SPAWN_PROGRAM_H
#define SERVER_SPAWN_PROGRAM_H

#include "config/config.h"
#include "server/spawn_output.h"
#include "server/spawn_restart.h"

#include <signal.h>
#include <sys/types.h>

// One process.
struct spawn_process {
    pid_t pid;           // 0 while it does not run
    int output;          // to be read; -1 when it has none
    uint64_t started_ms; // monotonic
    uint64_t due_ms;     // while it does not run: when it is to
    struct spawn_restart restart;
    struct spawn_output lines;
};

struct spawn_program {
    const char *pool; // its name, escaped
    char **argv, **env;
    const char *user; // whom each process becomes, or NULL
    uid_t uid;        // of user
    gid_t gid;
    int input;   // descriptor 0 of its processes: the listening socket, or /dev/null
    bool serves; // input is such a socket
    struct spawn_process *processes;
    unsigned processes_n;
    bool is_ending; // none is started any more
    struct spawn_quota quota;
};

// Starts those that are due, and turns away who waits for a program of which none can run: as if
// it had closed the connection.
void spawn_program_start(struct spawn_program *p, uint64_t now_ms);
// When that needs a call; UINT64_MAX: never.
uint64_t spawn_program_due(const struct spawn_program *p);
// None runs and those that were tried failed again and again: connections to it are turned away,
// by a call of spawn_program_start whenever `input` can be read.
bool spawn_program_is_hopeless(const struct spawn_program *p);
// Logs what a process has written, and closes `output` at its end.
void spawn_program_read(struct spawn_program *p, struct spawn_process *process, uint64_t now_ms);
// The process ended but is not yet reaped, so that its number is still its own: ends what is left
// of its group, logs how it ended, and decides when it is to be started again.
void spawn_program_ended(struct spawn_program *p, struct spawn_process *process,
                         const siginfo_t *how, uint64_t now_ms);
// Has all processes, and what they started, end: a signal to their groups. None is started again.
void spawn_program_end(struct spawn_program *p, int number);
// How many run.
unsigned spawn_program_running(const struct spawn_program *p);

#endif
