// SPDX-License-Identifier: MIT
// How many descriptors this process may have open: the soft limit that we were started with is
// raised for us, and not for programs, of which some believe that descriptors are small numbers
// (select).
#ifndef RUNNER_DESCRIPTORS_H
#define RUNNER_DESCRIPTORS_H

#include <stddef.h>

// Raises the soft limit as far as is wanted and as it may be. Gives what it is then.
size_t descriptors_raise(size_t wanted);
// In a child that becomes a program: what we were started with.
void descriptors_restore(void);

#endif
