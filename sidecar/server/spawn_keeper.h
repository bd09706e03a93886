// SPDX-License-Identifier: MIT
// The keeper: a process of its own, forked before anything else is opened, that starts the programs
// of the configuration and watches them. Why not the server itself: a program that ends is to be
// started as its own user, long after the server gave up the right to become anybody; a fork of a
// process with threads is a risk; and when the server dies, by whatever, somebody must be left who
// ends the programs with all they started and removes their sockets.
//
// The keeper listens to nobody. Over its end of a socket pair it is told one thing, once: start.
// When the other end closes, by intent or by death, it ends everything: SIGTERM to each process
// group, SIGKILL after a while.
#ifndef SERVER_SPAWN_KEEPER_H
#define SERVER_SPAWN_KEEPER_H

#include "server/spawn_program.h"

#define SPAWN_GRACE_MS 5000 // from SIGTERM to SIGKILL
#define SPAWN_START "s"     // the one byte that is sent

// Runs until the other end of `control` is closed and all is ended. In the forked process.
void spawn_keeper_run(struct spawn_program *programs, size_t n, int control);

#endif
