// SPDX-License-Identifier: MIT
#include "runner/supervisor.h"

#include "runner/clock.h"
#include "runner/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETTLED_MS 10000 // a worker that lived so long is replaced at once
#define PAUSE_LEAST_MS 100
#define PAUSE_MOST_MS 5000
#define DRAIN_MORE_MS 5000 // beyond the time limit of a request, when stopping
#define KILL_MS 2000       // for workers that were told to stop at once

struct slot {
    pid_t pid; // 0: none runs
    int64_t started_ms, due_ms, pause_ms;
};

struct supervisor {
    const struct options *options;
    const struct program_root *root;
    int listen_fd;
    struct slot *slots;
    _Atomic pid_t *visible; // shared with the workers: a slot's running program
    size_t alive;
    int stopping;        // the signal the workers were sent, 0: none
    int64_t deadline_ms; // when stopping: of the next, harder signal
    sigset_t signals;
};

static int init(struct supervisor *s) {
    static const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    size_t n = s->options->workers;
    s->slots = calloc(n, sizeof *s->slots);
    s->visible = mmap(NULL, n * sizeof *s->visible, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s->slots == NULL || s->visible == MAP_FAILED) {
        fputs("fcgi-bridge: out of memory\n", stderr);
        free(s->slots);
        return -1;
    }
    sigemptyset(&s->signals);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        sigaddset(&s->signals, wanted[i]);
        signal(wanted[i], SIG_DFL); // an ignored SIGCHLD would reap before us
    }
    sigprocmask(SIG_BLOCK, &s->signals, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return 0;
}

static int work(struct supervisor *s, size_t i, pid_t parent) {
    struct script_conf conf = {s->options, s->root, &s->visible[i]};
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    return getppid() == parent ? worker_run(&conf, s->listen_fd) : 0;
}

// True in the child.
static bool start(struct supervisor *s, size_t i, int *exit_status) {
    struct slot *slot = &s->slots[i];
    pid_t parent = getpid();
    slot->started_ms = clock_now_ms();
    slot->pid = fork();
    if (slot->pid == 0) {
        *exit_status = work(s, i, parent);
        return true;
    }
    if (slot->pid < 0) {
        fprintf(stderr, "fcgi-bridge: cannot start a worker: %s\n", strerror(errno));
        slot->pid = 0;
        slot->due_ms = slot->started_ms + PAUSE_MOST_MS;
        return false;
    }
    s->alive++;
    return false;
}

// Starts the workers that are due. True in a child.
static bool start_due(struct supervisor *s, int *exit_status) {
    int64_t now = clock_now_ms();
    for (size_t i = 0; i < s->options->workers && !s->stopping; i++) {
        if (s->slots[i].pid == 0 && s->slots[i].due_ms <= now && start(s, i, exit_status)) {
            return true;
        }
    }
    return false;
}

static void set_pause(struct slot *slot) {
    int64_t now = clock_now_ms(), pause = slot->pause_ms * 2;
    if (now - slot->started_ms >= SETTLED_MS) {
        pause = 0;
    } else if (pause < PAUSE_LEAST_MS) {
        pause = PAUSE_LEAST_MS;
    }
    slot->pause_ms = pause < PAUSE_MOST_MS ? pause : PAUSE_MOST_MS;
    slot->due_ms = now + slot->pause_ms;
}

static void report(const struct supervisor *s, const struct slot *slot, int status) {
    if (s->stopping) {
        return;
    }
    fprintf(stderr, "fcgi-bridge: worker %d ended by %s %d; the next starts in %" PRId64 " ms\n",
            (int)slot->pid, WIFSIGNALED(status) ? "signal" : "exit status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), slot->pause_ms);
}

static struct slot *find(struct supervisor *s, pid_t pid) {
    for (size_t i = 0; i < s->options->workers; i++) {
        if (s->slots[i].pid == pid) {
            return &s->slots[i];
        }
    }
    return NULL;
}

// Children are looked at before they are reaped: while a dead worker's program is not reaped, the
// number of its group cannot be anybody else's.
static void reap(struct supervisor *s) {
    siginfo_t info = {0};
    int status;
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
        struct slot *slot = find(s, info.si_pid);
        pid_t group = slot ? atomic_exchange(&s->visible[slot - s->slots], 0) : 0;
        if (group > 0) {
            kill(-group, SIGKILL);
        }
        if (waitpid(info.si_pid, &status, 0) == info.si_pid && slot) {
            set_pause(slot);
            report(s, slot, status);
            slot->pid = 0;
            s->alive--;
        }
        info.si_pid = 0;
    }
}

static void tell_all(struct supervisor *s, int signal_number, int64_t patience_ms) {
    s->stopping = signal_number;
    s->deadline_ms = clock_now_ms() + patience_ms;
    for (size_t i = 0; i < s->options->workers; i++) {
        if (s->slots[i].pid > 0) {
            kill(s->slots[i].pid, signal_number);
        }
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

// How long nothing is to be done, unless a signal comes.
static int64_t idle_ms(const struct supervisor *s) {
    int64_t now = clock_now_ms(), until = now + 3600000;
    if (s->stopping) {
        until = s->deadline_ms;
    }
    for (size_t i = 0; i < s->options->workers && !s->stopping; i++) {
        if (s->slots[i].pid == 0 && s->slots[i].due_ms < until) {
            until = s->slots[i].due_ms;
        }
    }
    return until > now ? until - now : 0;
}

static void await(struct supervisor *s) {
    int64_t ms = idle_ms(s);
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    int number = sigtimedwait(&s->signals, NULL, &time);
    if (number == SIGQUIT || number == SIGTERM || number == SIGINT || number == SIGHUP) {
        stop(s, number == SIGQUIT);
    } else if (s->stopping && clock_now_ms() >= s->deadline_ms) {
        stop(s, true);
    }
    reap(s);
}

int supervisor_run(const struct options *o, const struct program_root *root, int listen_fd) {
    struct supervisor s = {.options = o, .root = root, .listen_fd = listen_fd};
    int status = 0;
    if (init(&s) < 0) {
        return 1;
    }
    bool is_child = false;
    do {
        is_child = start_due(&s, &status);
        if (!is_child) {
            await(&s);
        }
    } while (!is_child && (!s.stopping || s.alive > 0));
    free(s.slots);
    munmap(s.visible, o->workers * sizeof *s.visible);
    return status;
}
