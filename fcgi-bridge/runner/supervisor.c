// SPDX-License-Identifier: MIT
#include "runner/supervisor.h"

#include "runner/clock.h"
#include "runner/crew.h"
#include "runner/desk.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define DRAIN_MORE_MS 5000 // beyond the time limit of a request, when stopping
#define KILL_MS 2000       // for workers that were told to stop at once
#define TURN_MOST_MS 60000

struct supervisor {
    const struct options *options;
    struct crew crew;
    struct desk desk;
    struct pollfd *fds;
    sigset_t waiting;    // the signal mask while we wait
    int stopping;        // the hardest signal that was asked for, 0: none
    int64_t deadline_ms; // when stopping: of the next, harder signal
};

static volatile sig_atomic_t terms, quits, hangups;

static void on_signal(int number) {
    switch (number) {
    case SIGHUP:
        hangups = hangups + 1;
        break;
    case SIGQUIT:
        quits = quits + 1;
        break;
    case SIGTERM:
    case SIGINT:
        terms = terms + 1;
        break;
    default: // SIGCHLD only wakes us
        break;
    }
}

static int init(struct supervisor *s, int listen_fd, const struct cgroup *cgroup) {
    static const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;
    if (crew_init(&s->crew, s->options, cgroup) < 0) {
        return -1;
    }
    if (desk_init(&s->desk, s->options, &s->crew, listen_fd) < 0) {
        crew_fini(&s->crew);
        return -1;
    }
    s->fds = calloc(s->crew.n + 1 + 2 * DESK_CLIENTS_MOST, sizeof *s->fds);
    sigemptyset(&blocked);
    sigemptyset(&s->waiting);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        sigaddset(&blocked, wanted[i]);
        sigaction(wanted[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return s->fds ? 0 : -1;
}

static void tell_all(struct supervisor *s, int signal_number, int64_t patience_ms) {
    s->stopping = signal_number;
    s->deadline_ms = clock_now_ms() + patience_ms;
    desk_close(&s->desk, signal_number != SIGTERM);
    if (signal_number != SIGTERM) {
        crew_tell(&s->crew, signal_number);
    }
}

// SIGTERM, then SIGQUIT, then SIGKILL: by signals to us, or by time.
static void stop(struct supervisor *s, bool is_hard) {
    if (s->stopping == 0 && !is_hard) {
        tell_all(s, SIGTERM, (int64_t)s->options->timeout + DRAIN_MORE_MS);
    } else if (s->stopping == 0 || s->stopping == SIGTERM) {
        tell_all(s, SIGQUIT, KILL_MS);
    } else if (clock_now_ms() >= s->deadline_ms) {
        tell_all(s, SIGKILL, KILL_MS);
    }
}

static void act_on_signals(struct supervisor *s) {
    for (; terms > 0; terms = terms - 1) {
        stop(s, false);
    }
    for (; quits > 0; quits = 0) {
        stop(s, true);
    }
    if (hangups > 0 && !s->stopping) {
        fputs("fcgi-bridge: SIGHUP: the workers are replaced\n", stderr);
        crew_renew(&s->crew);
    }
    hangups = 0;
    if (s->stopping && clock_now_ms() >= s->deadline_ms) {
        stop(s, true);
    }
    // Whoever waits is served first; then there is nothing left to work for.
    if (s->stopping == SIGTERM && !s->crew.is_closed && desk_active(&s->desk) == 0) {
        crew_tell(&s->crew, SIGTERM);
    }
}

static int64_t wait_ms(const struct supervisor *s) {
    int64_t now = clock_now_ms(), until = now + TURN_MOST_MS;
    int64_t dues[] = {crew_due_ms(&s->crew), desk_due_ms(&s->desk),
                      s->stopping ? s->deadline_ms : INT64_MAX};
    for (size_t i = 0; i < sizeof dues / sizeof dues[0]; i++) {
        until = dues[i] < until ? dues[i] : until;
    }
    return until > now ? until - now : 0;
}

static void turn(struct supervisor *s) {
    struct crew *crew = &s->crew;
    desk_give(&s->desk);
    int64_t ms = wait_ms(s);
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    size_t n = desk_watched(&s->desk);
    desk_watch(&s->desk, s->fds);
    for (size_t i = 0; i < crew->n; i++) {
        s->fds[n + i] = (struct pollfd){.fd = crew->slots[i].control, .events = POLLIN};
    }
    if (ppoll(s->fds, n + crew->n, &time, &s->waiting) < 0) {
        memset(s->fds, 0, (n + crew->n) * sizeof *s->fds); // a signal
    }
    for (size_t i = 0; i < crew->n; i++) {
        if (s->fds[n + i].revents) {
            crew_hear(crew, &crew->slots[i]);
        }
    }
    crew_reap(crew);
    desk_turn(&s->desk, s->fds);
    act_on_signals(s);
}

static bool is_over(const struct supervisor *s) {
    bool is_flushed = s->desk.n == 0 || s->stopping == SIGKILL;
    return s->stopping && s->crew.alive == 0 && is_flushed;
}

int supervisor_run(const struct options *o, int listen_fd, const struct cgroup *cgroup) {
    static struct supervisor s; // large
    int status = 0;
    s.options = o;
    if (init(&s, listen_fd, cgroup) < 0) {
        return 1;
    }
    bool is_child = false;
    while (!is_child && !is_over(&s)) {
        is_child = crew_start_due(&s.crew, &status);
        if (!is_child) {
            turn(&s);
        }
    }
    if (!is_child) {
        desk_fini(&s.desk);
        crew_fini(&s.crew);
    }
    free(s.fds);
    return status;
}
