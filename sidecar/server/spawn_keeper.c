// SPDX-License-Identifier: MIT
#include "server/spawn_keeper.h"

#include "server/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GIVE_UP_MS 1000 // from SIGKILL until a process that the kernel does not let go is left

enum { POLL_CONTROL, POLL_SIGNALS, POLL_REST };

struct keeper {
    struct spawn_program *programs;
    size_t n;
    int control, signals;
    struct pollfd *polls;
    bool is_started, is_stopping, was_killed;
    uint64_t stop_by_ms; // while stopping: when the next step is due
};

static uint64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static unsigned running(const struct keeper *k) {
    unsigned n = 0;
    for (size_t i = 0; i < k->n; i++) {
        n += spawn_program_running(&k->programs[i]);
    }
    return n;
}

static void end_all(struct keeper *k, int number) {
    for (size_t i = 0; i < k->n; i++) {
        spawn_program_end(&k->programs[i], number);
    }
}

// ---- what happened ------------------------------------------------------------------------------

static void on_control(struct keeper *k, uint64_t now_ms) {
    char byte;
    ssize_t n = read(k->control, &byte, 1);
    if (n == 1) {
        k->is_started = true;
    } else if (n == 0 || errno != EINTR) {
        k->is_stopping = true;
        k->stop_by_ms = now_ms + SPAWN_GRACE_MS;
        end_all(k, SIGTERM);
    }
}

static void ended(struct keeper *k, const siginfo_t *how, uint64_t now_ms) {
    for (size_t i = 0; i < k->n; i++) {
        struct spawn_program *p = &k->programs[i];
        for (unsigned j = 0; j < p->processes_n; j++) {
            if (p->processes[j].pid == how->si_pid) {
                spawn_program_ended(p, &p->processes[j], how, now_ms);
                return;
            }
        }
    }
}

// Each is looked at before it is reaped: until then its number cannot be another's.
static void reap(struct keeper *k, uint64_t now_ms) {
    struct signalfd_siginfo told;
    while (read(k->signals, &told, sizeof told) > 0) {
    }
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) {
            return;
        }
        ended(k, &info, now_ms);
        waitpid(info.si_pid, NULL, 0);
    }
}

// ---- waiting ------------------------------------------------------------------------------------

static void put_poll(struct keeper *k, nfds_t *n, int fd) {
    k->polls[(*n)++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

// One a process (-1, which poll ignores, where it has no output), then one a program.
static nfds_t fill_polls(struct keeper *k) {
    nfds_t n = 0;
    put_poll(k, &n, k->is_stopping ? -1 : k->control);
    put_poll(k, &n, k->signals);
    for (size_t i = 0; i < k->n; i++) {
        const struct spawn_program *p = &k->programs[i];
        for (unsigned j = 0; j < p->processes_n; j++) {
            put_poll(k, &n, p->processes[j].output);
        }
        put_poll(k, &n, spawn_program_is_hopeless(p) ? p->input : -1);
    }
    return n;
}

static int wait_ms(const struct keeper *k, uint64_t now_ms) {
    uint64_t at = k->is_stopping ? k->stop_by_ms : UINT64_MAX;
    for (size_t i = 0; i < k->n && k->is_started; i++) {
        uint64_t due = spawn_program_due(&k->programs[i]);
        at = due < at ? due : at;
    }
    if (at == UINT64_MAX) {
        return -1;
    }
    return at <= now_ms ? 0 : at - now_ms > 60000 ? 60000 : (int)(at - now_ms);
}

static void read_outputs(struct keeper *k, uint64_t now_ms) {
    const struct pollfd *at = k->polls + POLL_REST;
    for (size_t i = 0; i < k->n; i++, at++) {
        struct spawn_program *p = &k->programs[i];
        for (unsigned j = 0; j < p->processes_n; j++, at++) {
            if (at->revents != 0) {
                spawn_program_read(p, &p->processes[j], now_ms);
            }
        }
    }
}

// ---- life ---------------------------------------------------------------------------------------

static void turn(struct keeper *k) {
    nfds_t n = fill_polls(k);
    int ready = poll(k->polls, n, wait_ms(k, clock_ms()));
    uint64_t now_ms = clock_ms();
    if (ready > 0) {
        read_outputs(k, now_ms);
    }
    if (ready > 0 && k->polls[POLL_CONTROL].revents != 0) {
        on_control(k, now_ms);
    }
    reap(k, now_ms);
    for (size_t i = 0; i < k->n && k->is_started; i++) {
        spawn_program_start(&k->programs[i], now_ms);
    }
}

static bool is_over(struct keeper *k) {
    if (!k->is_stopping || running(k) == 0) {
        return k->is_stopping;
    }
    if (clock_ms() < k->stop_by_ms) {
        return false;
    }
    if (k->was_killed) {
        log_line(LOG_ERROR, "%u processes could not be ended", running(k));
        return true;
    }
    log_line(LOG_WARN, "%u processes did not end in time and are killed", running(k));
    end_all(k, SIGKILL);
    k->was_killed = true;
    k->stop_by_ms = clock_ms() + GIVE_UP_MS;
    return false;
}

static void init(struct keeper *k) {
    // What a terminal or a service manager sends to all of us is for the server to act upon.
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2};
    sigset_t children;
    size_t polls = POLL_REST;
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        signal(ignored[i], SIG_IGN);
    }
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    prctl(PR_SET_NAME, "outrider-spawn");
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (size_t i = 0; i < k->n; i++) {
        polls += k->programs[i].processes_n + 1;
    }
    k->signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    k->polls = calloc(polls, sizeof *k->polls);
    if (k->signals < 0 || k->polls == NULL) {
        abort();
    }
}

void spawn_keeper_run(struct spawn_program *programs, size_t n, int control) {
    struct keeper k = {.programs = programs, .n = n, .control = control};
    init(&k);
    while (!is_over(&k)) {
        turn(&k);
    }
    free(k.polls);
    close(k.signals);
}
