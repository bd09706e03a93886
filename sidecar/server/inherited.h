// SPDX-License-Identifier: MIT
// Listening sockets that were open when the program began: those of a service manager's socket
// units (LISTEN_FDS and LISTEN_PID, sd_listen_fds(3)), and those of the program that this one takes
// the place of (OUTRIDER_SOCKETS, server/upgrade.h). Both are descriptors 3 and following. They are
// known by the addresses that they are bound to, and whoever listens on one takes it.
#ifndef SERVER_INHERITED_H
#define SERVER_INHERITED_H

#include <stdbool.h>
#include <sys/socket.h>

#define INHERITED_SOCKETS "OUTRIDER_SOCKETS" // how many there are
#define INHERITED_FIRST 3                    // the first of them

// Reads the environment and takes it out, so that no other program believes it. Before anything is
// opened.
void inherited_init(void);
// Takes at most `most` sockets bound to that address; a port 0 stands for the port of the first
// that is found. How many were put into fds.
unsigned inherited_take(const struct sockaddr *to, socklen_t len, int *fds, unsigned most);
// Closes those that nobody wanted (logged).
void inherited_close_rest(void);

#endif
