// SPDX-License-Identifier: MIT
// Giving up what is not needed once the sockets are bound.
#ifndef SERVER_PRIVILEGES_H
#define SERVER_PRIVILEGES_H

#include "base/span.h"

// Becomes `user` (a zero-terminated name) with its groups, if it is not empty and we are root; in
// any case no program that we start can gain privileges. 0, or ERR_CONFIG (logged).
int privileges_drop(struct span user);
// Raises the limit of open files as far as it goes; tells how many there may be.
unsigned privileges_files(void);

#endif
