// SPDX-License-Identifier: MIT
// Another program in our place, such as a newer version of this one, without a connection refused:
// it is started beside us with the listening sockets open, and when it serves we complete what we
// have begun and end. When it ends before, or is not ready in time, it is killed and we go on.
//
//     old                                    new
//      upgrade_start ── sockets, pipe ──────► inherited_init
//      (goes on serving)                      binds what is new, starts its workers
//      on_done(true) ◄───── a byte ────────── upgrade_tell_ready
//      drains, ends
#ifndef SERVER_UPGRADE_H
#define SERVER_UPGRADE_H

#include "server/loop.h"

#include <sys/types.h>

enum upgrade_state { UPGRADE_NONE, UPGRADE_UNDER_WAY, UPGRADE_FAILED, UPGRADE_DONE };

struct upgrade {
    struct loop *loop;
    uv_poll_t watch;
    uv_timer_t timer;
    enum upgrade_state state;
    pid_t pid;     // of the new one
    int handle;    // of that process (pidfd_open(2)): its number may be another's when it has ended
    int pipe;      // from it
    int open_n;    // of the two handles above
    bool is_ready; // what has come of it
    void (*on_done)(void *self, bool is_ready);
    void *self;
};

// What is executed, and how: our own file and arguments, as they are when the program begins.
// Before anything changes its folder or its name.
void upgrade_init(void);
// Starts it with these sockets and the opener's, or -1, and waits for it, timeout_ms at most; then
// on_done, once. 0, or ERR_CONFIG (logged): nothing was started.
int upgrade_start(struct upgrade *u, const int *sockets, unsigned n, int opener,
                  uint64_t timeout_ms);
// We are to end, and so is what has been started and does not serve yet.
void upgrade_abort(struct upgrade *u);
// For the new one: we serve. Harmless where nobody waits for it.
void upgrade_tell_ready(void);

#endif
