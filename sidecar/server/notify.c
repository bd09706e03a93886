// SPDX-License-Identifier: MIT
#include "server/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_un manager;
static socklen_t manager_len; // 0: there is none
static uint64_t watchdog_ms;

// "/path", or "@name" of an abstract socket.
static void take_socket(const char *name) {
    size_t n = name != NULL ? strlen(name) : 0;
    if (n < 2 || n >= sizeof manager.sun_path || (name[0] != '/' && name[0] != '@')) {
        return;
    }
    manager.sun_family = AF_UNIX;
    memcpy(manager.sun_path, name, n);
    if (name[0] == '@') {
        manager.sun_path[0] = 0;
    }
    manager_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

static void take_watchdog(const char *usec, const char *pid) {
    bool is_ours = pid == NULL || strtol(pid, NULL, 10) == getpid();
    uint64_t us = usec != NULL && is_ours ? strtoull(usec, NULL, 10) : 0;
    watchdog_ms = us > 0 && us / 2000 == 0 ? 1 : us / 2000;
}

void notify_init(void) {
    take_socket(getenv("NOTIFY_SOCKET"));
    take_watchdog(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
}

void notify(const char *lines) {
    if (manager_len == 0) {
        return;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        // A manager that does not listen cannot be told so.
        ssize_t n = sendto(fd, lines, strlen(lines), MSG_NOSIGNAL | MSG_DONTWAIT,
                           (struct sockaddr *)&manager, manager_len);
        (void)n;
        close(fd);
    }
}

void notify_reloading(void) {
    char lines[80];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%llu",
             (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
    notify(lines);
}

uint64_t notify_watchdog_ms(void) {
    return watchdog_ms;
}
