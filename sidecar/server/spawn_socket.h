// SPDX-License-Identifier: MIT
// The listening socket that is made for a program, in a directory of its own that only one user can
// enter.
#ifndef SERVER_SPAWN_SOCKET_H
#define SERVER_SPAWN_SOCKET_H

#include <stdbool.h>
#include <sys/un.h>

struct passwd;

struct spawn_socket {
    int fd;        // blocking; -1: there is none
    int folder_fd; // so that what is removed is in the directory
                   // that was made, whatever its name has come to mean
    char path[sizeof((struct sockaddr_un *)0)->sun_path]; // empty: none was made
};

// Listens in a new directory under TMPDIR, or /tmp. Who may connect, and enter: `user`, or, where
// it is NULL, who we are. 0, or -1 with errno. Either way spawn_socket_remove is to be called.
int spawn_socket_open(struct spawn_socket *s, const struct passwd *user);
// Of several processes that have it: this one needs it no more. It stays as a file.
void spawn_socket_close(struct spawn_socket *s);
// Closes it and removes it with its directory. Idempotent, and harmless after another process did.
void spawn_socket_remove(struct spawn_socket *s);

#endif
