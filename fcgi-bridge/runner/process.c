// SPDX-License-Identifier: MIT
#include "runner/process.h"

#include "runner/clock.h"
#include "runner/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_BORN (-ECHILD) // killed before it had done anything

enum { PIPE_IN, PIPE_OUT, PIPE_ERR, PIPE_EXEC, PIPES };

static void close_one(int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static void close_pipes(int pipes[PIPES][2]) {
    for (int i = 0; i < PIPES; i++) {
        close_one(&pipes[i][0]);
        close_one(&pipes[i][1]);
    }
}

static int open_pipes(int pipes[PIPES][2]) {
    for (int i = 0; i < PIPES; i++) {
        pipes[i][0] = pipes[i][1] = -1;
    }
    for (int i = 0; i < PIPES; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) < 0) {
            return -1;
        }
    }
    return 0;
}

// Ignored signals would stay ignored across execve.
static void reset_signals(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++) {
        sigaction(number, &action, NULL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int set_limit(int what, uint64_t soft, uint64_t hard) {
    struct rlimit limit = {soft, hard}, old;
    if (getrlimit((__rlimit_resource_t)what, &old) == 0 && old.rlim_max < hard) {
        limit.rlim_max = old.rlim_max; // what we were given is less
        limit.rlim_cur = soft < old.rlim_max ? soft : old.rlim_max;
    }
    return setrlimit((__rlimit_resource_t)what, &limit);
}

static int set_limits(const struct process_plan *plan) {
    uint64_t seconds = (plan->cpu + 999) / 1000;
    descriptors_restore();
    if (set_limit(RLIMIT_CORE, 0, 0) < 0) {
        return -1;
    }
    // The soft limit's signal has a name of its own; a program that ignores it has a second more.
    if (plan->cpu && set_limit(RLIMIT_CPU, seconds, seconds + 1) < 0) {
        return -1;
    }
    return plan->file ? set_limit(RLIMIT_FSIZE, plan->file, plan->file) : 0;
}

static int become(const struct process_plan *plan, int pipes[PIPES][2]) {
    reset_signals();
    if (setsid() < 0 || dup2(pipes[PIPE_IN][0], STDIN_FILENO) < 0 ||
        dup2(pipes[PIPE_OUT][1], STDOUT_FILENO) < 0 ||
        dup2(pipes[PIPE_ERR][1], STDERR_FILENO) < 0 || chdir(plan->dir) < 0) {
        return -1;
    }
    // All that we opened is close-on-exec; this is for what we were started with.
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    return set_limits(plan);
}

// Says that we live, with 0, or why we do not execute the program.
static bool say(int pipes[PIPES][2], int why) {
    return write(pipes[PIPE_EXEC][1], &why, sizeof why) == sizeof why;
}

static _Noreturn void child(const struct process_plan *plan, int pipes[PIPES][2], pid_t parent) {
    // Should the worker die, the program does too.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || !say(pipes, 0)) {
        _exit(127);
    }
    if (become(plan, pipes) == 0) {
        execve(plan->argv[0], plan->argv, plan->env);
    }
    _exit(say(pipes, errno) ? 127 : 126);
}

static bool hear(int fd, int *why) {
    ssize_t n;
    do {
        n = read(fd, why, sizeof *why);
    } while (n < 0 && errno == EINTR);
    return n == sizeof *why;
}

// Waits until the child has executed the program or said why not: 0 or -errno.
static int await_exec(int fd) {
    int why;
    if (!hear(fd, &why)) {
        return NOT_BORN;
    }
    return hear(fd, &why) ? -why : 0;
}

static void keep_ours(struct process *p, int pipes[PIPES][2]) {
    p->in = pipes[PIPE_IN][1];
    p->out = pipes[PIPE_OUT][0];
    p->err = pipes[PIPE_ERR][0];
    pipes[PIPE_IN][1] = pipes[PIPE_OUT][0] = pipes[PIPE_ERR][0] = -1;
    fcntl(p->in, F_SETFL, O_NONBLOCK);
    fcntl(p->out, F_SETFL, O_NONBLOCK);
    fcntl(p->err, F_SETFL, O_NONBLOCK);
}

static int fail(struct process *p, int pipes[PIPES][2], int why) {
    close_pipes(pipes);
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        atomic_store(p->visible, 0);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    process_close(p);
    return why;
}

static int start(struct process *p, const struct process_plan *plan) {
    int pipes[PIPES][2];
    pid_t parent = getpid();
    *p = (struct process){
        .pid = -1, .pidfd = -1, .in = -1, .out = -1, .err = -1, .visible = plan->visible};
    if (open_pipes(pipes) < 0 || (p->pid = leaf_fork(plan->leaf)) < 0) {
        return fail(p, pipes, -errno);
    }
    if (p->pid == 0) {
        child(plan, pipes, parent);
    }
    atomic_store(p->visible, p->pid);
    close_one(&pipes[PIPE_EXEC][1]);
    int error = await_exec(pipes[PIPE_EXEC][0]);
    if (error == 0 && (p->pidfd = pidfd_open(p->pid, 0)) < 0) {
        error = -errno;
    }
    if (error != 0) {
        return fail(p, pipes, error);
    }
    keep_ours(p, pipes);
    close_pipes(pipes);
    return 0;
}

int process_start(struct process *p, const struct process_plan *plan) {
    int error = start(p, plan);
    if (error == NOT_BORN && plan->leaf->dir >= 0 && !plan->leaf->must_move) {
        plan->leaf->must_move = true;
        error = start(p, plan);
    }
    return error;
}

bool process_await(struct process *p, int64_t ms) {
    int64_t end = clock_now_ms() + ms;
    while (!p->has_ended) {
        pid_t pid = waitpid(p->pid, &p->status, WNOHANG);
        int64_t left = end - clock_now_ms();
        if (pid == p->pid || (pid < 0 && errno != EINTR)) {
            p->has_ended = true;
            atomic_store(p->visible, 0);
        } else if (left <= 0) {
            return false;
        } else {
            struct pollfd exit = {.fd = p->pidfd, .events = POLLIN};
            poll(&exit, 1, (int)left);
        }
    }
    return true;
}

void process_close(struct process *p) {
    close_one(&p->pidfd);
    close_one(&p->in);
    close_one(&p->out);
    close_one(&p->err);
}
