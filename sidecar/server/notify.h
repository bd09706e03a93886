// SPDX-License-Identifier: MIT
// Tells the service manager where we are: lines in a datagram to the socket that NOTIFY_SOCKET
// names (sd_notify(3)). Without one nothing is told. On the main thread.
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

// Takes the socket, and how often the manager wants to hear of us, from the environment.
void notify_init(void);
// "READY=1", "STOPPING=1", several lines with LF between them.
void notify(const char *lines);
// RELOADING=1 with the time, as the manager wants it; READY=1 is to follow.
void notify_reloading(void);
// How often WATCHDOG=1 is to be told, milliseconds: half of what the manager waits. 0: never.
uint64_t notify_watchdog_ms(void);

#endif
