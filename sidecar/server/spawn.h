// SPDX-License-Identifier: MIT
// Starts the programs that the configuration's pools name, and keeps them running until the server
// ends: so that one binary and a folder of PHP is a working server. For a pool without servers a
// listening socket is made, in a directory that only the server's user can enter; it listens before
// a program is there, so that requests wait rather than fail. The programs are in the care of a
// process of its own (spawn_keeper.h).
#ifndef SERVER_SPAWN_H
#define SERVER_SPAWN_H

#include "config/config.h"
#include "server/loop.h"

struct spawn_socket;

struct spawn {
    struct config config; // the one given, in which every pool has its servers; borrows from it
    struct arena arena;
    struct spawn_socket *sockets; // as in config.spawns
    pid_t keeper;                 // 0: there is nothing to be started
    int control;                  // to the keeper
    uv_poll_t watch;              // of control
    void (*on_gone)(void *self);
    void *gone_self;
};

// Makes the sockets and forks the keeper: to be called while the process has its privileges, and
// neither threads nor much else. Borrows config. 0, or ERR_LISTEN or ERR_CONFIG (logged); then
// nothing is left.
int spawn_open(struct spawn *s, const struct config *config);
// Gives the pools of another configuration the sockets of the programs that run. 0; or ERR_CONFIG
// (logged) where it names other programs: those can be changed by a restart only, since the rights
// to start them are gone.
int spawn_adopt(const struct spawn *s, struct config *config);
// Has the programs started. Where they open their sockets themselves, waits some seconds until they
// have, and goes on in any case.
void spawn_start(struct spawn *s);
// Has on_gone called if the keeper ends by itself (logged), until spawn_unwatch.
void spawn_watch(struct spawn *s, struct loop *loop, void (*on_gone)(void *self), void *self);
void spawn_unwatch(struct spawn *s);
// Ends the programs, waits until they are gone, removes the sockets. Idempotent.
void spawn_close(struct spawn *s);

#endif
