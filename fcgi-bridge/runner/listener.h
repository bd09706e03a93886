// SPDX-License-Identifier: MIT
// The listening socket: opened at an address, or inherited from systemd (LISTEN_FDS) or, as
// FastCGI programs are started since 1996, as descriptor 0.
#ifndef RUNNER_LISTENER_H
#define RUNNER_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct listener {
    int fd;           // close-on-exec and non-blocking, > 2
    const char *path; // of a unix socket that we made, else NULL
    dev_t dev;        // which file that was
    ino_t ino;
    char why[256];
};

// Listens at "unix:/path", "host:port" or "[v6]:port"; an empty address takes the inherited
// socket. A unix socket gets that mode; a dead socket file in its place is removed, a living one
// is an error. 0, or -1 with `why` filled. Borrows address.
int listener_open(struct listener *l, const char *address, mode_t mode);
// Gives the unix socket file to a user, so that programs of that user may connect. 0 or -1.
int listener_give(struct listener *l, uid_t user, gid_t group);
// Closes, and removes the unix socket file if it is still the one we made.
void listener_close(struct listener *l);

#endif
