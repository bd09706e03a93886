// SPDX-License-Identifier: MIT
// Read-copy-update between the learner and the workers, quiescent-state flavour: a worker that
// reads is online from its first look-up in a turn to the end of that turn, else offline.
// ThreadSanitizer can not see into the library's barriers; the two marks tell it what they order.
#ifndef SERVER_RCU_H
#define SERVER_RCU_H

#define URCU_API_MAP // the short names of the flavour included next
#include <urcu/urcu-qsbr.h>

#include <urcu/rculfhash.h>

#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *address);
void __tsan_release(void *address);
    #define RCU_SAW(address) __tsan_acquire(address)
    #define RCU_WROTE(address) __tsan_release(address)
#else
    #define RCU_SAW(address) ((void)(address))
    #define RCU_WROTE(address) ((void)(address))
#endif

#endif
