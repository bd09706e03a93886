// SPDX-License-Identifier: MIT
// How many connections wait to be accepted at a TCP port of this machine: the kernel says so of the
// listening sockets of our own network namespace (sock_diag(7)). Of other machines nobody does.
#ifndef SERVER_LISTEN_QUEUE_H
#define SERVER_LISTEN_QUEUE_H

#include <sys/socket.h>

// A descriptor to ask with, or -1.
int listen_queue_open(void);
// The number at an address of AF_INET or AF_INET6; -1: nobody listens there here, or that is not
// told. Does not block.
int listen_queue_len(int fd, const struct sockaddr *to);

#endif
