// SPDX-License-Identifier: MIT
#include "server/spawn_program.h"

#include "server/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_LEN 16384 // bytes of output read at once
#define READS_MOST 64  // of a process that ended: what its children go on writing is not ours
#define TEXT_LEN 2048  // bytes of an escaped line
#define TURNED_AWAY_MOST 4096 // connections, in one go

// ---- in the new process -------------------------------------------------------------------------

// Ignored signals, and those that are blocked, would stay so across execve.
static void reset_signals(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++) {
        sigaction(number, &action, NULL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int become(const struct spawn_program *p) {
    if (p->user == NULL) {
        return 0;
    }
    return initgroups(p->user, p->gid) != 0 || setgid(p->gid) != 0 || setuid(p->uid) != 0 ? -1 : 0;
}

static _Noreturn void run(const struct spawn_program *p, int output, pid_t keeper) {
    reset_signals();
    int bad = setsid() < 0 || dup2(p->input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
              dup2(output, STDERR_FILENO) < 0;
    // All that we opened is close-on-exec; this is for what we were started with.
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    bad = bad || become(p) < 0 || chdir("/") < 0;
    // The keeper ends us; this is for the case that somebody kills the keeper too. Not SIGKILL: a
    // master like that of PHP-FPM would leave its children behind, which SIGTERM makes it end. And
    // only now, since becoming another user would undo it.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != keeper) {
        _exit(126);
    }
    if (!bad) {
        execve(p->argv[0], p->argv, p->env);
    }
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", p->argv[0], strerror(errno));
    _exit(127);
}

// ---- starting -----------------------------------------------------------------------------------

static int open_output(const struct spawn_program *p, int pipe[2]) {
    if (pipe2(pipe, O_CLOEXEC) < 0) {
        return -1;
    }
    fcntl(pipe[0], F_SETFL, O_NONBLOCK);
    // For programs that open /dev/stderr anew.
    if (p->user != NULL && fchown(pipe[1], p->uid, p->gid) < 0) {
        log_line(LOG_DEBUG, "pool %s: cannot give away a pipe: %s", p->pool, strerror(errno));
    }
    return 0;
}

static void start(struct spawn_program *p, struct spawn_process *process, uint64_t now_ms) {
    int pipe[2] = {-1, -1};
    pid_t keeper = getpid();
    pid_t pid = open_output(p, pipe) < 0 ? -1 : fork();
    if (pid == 0) {
        run(p, pipe[1], keeper);
    }
    int why = errno;
    close(pipe[1]);
    process->started_ms = now_ms;
    if (pid < 0) {
        close(pipe[0]);
        process->due_ms = now_ms + spawn_restart_pause(&process->restart, 0, false);
        log_line(LOG_ERROR, "pool %s: cannot start a process: %s", p->pool, strerror(why));
        return;
    }
    process->pid = pid;
    process->output = pipe[0];
    spawn_output_init(&process->lines);
    log_line(LOG_INFO, "pool %s: process %d started: %s", p->pool, (int)pid, p->argv[0]);
}

// While no process runs nobody else takes connections from this socket, or minds its flags.
static void turn_away(const struct spawn_program *p) {
    int flags = fcntl(p->input, F_GETFL);
    fcntl(p->input, F_SETFL, flags | O_NONBLOCK);
    for (int i = 0; i < TURNED_AWAY_MOST; i++) {
        int fd = accept4(p->input, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            break;
        }
        close(fd);
    }
    fcntl(p->input, F_SETFL, flags);
}

void spawn_program_start(struct spawn_program *p, uint64_t now_ms) {
    if (spawn_program_is_hopeless(p)) {
        turn_away(p);
    }
    for (unsigned i = 0; i < p->processes_n && !p->is_ending; i++) {
        struct spawn_process *process = &p->processes[i];
        if (process->pid == 0 && process->due_ms <= now_ms) {
            start(p, process, now_ms);
        }
    }
}

uint64_t spawn_program_due(const struct spawn_program *p) {
    uint64_t due = UINT64_MAX;
    for (unsigned i = 0; i < p->processes_n && !p->is_ending; i++) {
        const struct spawn_process *process = &p->processes[i];
        if (process->pid == 0 && process->due_ms < due) {
            due = process->due_ms;
        }
    }
    return due;
}

bool spawn_program_is_hopeless(const struct spawn_program *p) {
    bool is_hopeless = false;
    for (unsigned i = 0; i < p->processes_n; i++) {
        if (p->processes[i].pid != 0) {
            return false;
        }
        is_hopeless = is_hopeless || spawn_restart_is_hopeless(&p->processes[i].restart);
    }
    return is_hopeless && p->serves;
}

// ---- output -------------------------------------------------------------------------------------

static void log_output(struct spawn_program *p, const struct spawn_process *process,
                       struct span line, uint64_t now_ms) {
    char text[TEXT_LEN];
    unsigned dropped;
    if (!spawn_quota_take(&p->quota, now_ms, &dropped)) {
        return;
    }
    if (dropped > 0) {
        log_line(LOG_WARN, "pool %s: %u lines of output were too many to be logged", p->pool,
                 dropped);
    }
    log_line(LOG_WARN, "pool %s: process %d: %s%s", p->pool, (int)process->pid,
             log_escape(line, text, sizeof text), process->lines.is_cut ? "..." : "");
}

static void close_output(struct spawn_program *p, struct spawn_process *process, uint64_t now_ms) {
    struct span line;
    if (spawn_output_last(&process->lines, &line) == STEP_ITEM) {
        log_output(p, process, line, now_ms);
    }
    close(process->output);
    process->output = -1;
}

// False when nothing more is there now.
static bool read_some(struct spawn_program *p, struct spawn_process *process, uint64_t now_ms) {
    uint8_t bytes[READ_LEN];
    struct span line;
    ssize_t n = process->output < 0 ? 0 : read(process->output, bytes, sizeof bytes);
    if (n <= 0) {
        if (process->output >= 0 && (n == 0 || (errno != EAGAIN && errno != EINTR))) {
            close_output(p, process, now_ms);
        }
        return false;
    }
    spawn_output_feed(&process->lines, span_of(bytes, (size_t)n));
    while (spawn_output_next(&process->lines, &line) == STEP_ITEM) {
        log_output(p, process, line, now_ms);
    }
    return true;
}

void spawn_program_read(struct spawn_program *p, struct spawn_process *process, uint64_t now_ms) {
    read_some(p, process, now_ms);
}

// ---- ending -------------------------------------------------------------------------------------

// To a group, or to a process that had no time yet to make its own.
static void signal_group(pid_t pid, int number) {
    if (kill(-pid, number) < 0) {
        kill(pid, number);
    }
}

static void log_end(const struct spawn_program *p, const struct spawn_process *process,
                    const siginfo_t *how, uint64_t pause) {
    bool has_exited = how->si_code == CLD_EXITED;
    enum log_level level = p->is_ending                        ? LOG_DEBUG
                           : has_exited && how->si_status == 0 ? LOG_INFO
                                                               : LOG_WARN;
    char again[64] = "";
    if (!p->is_ending) {
        snprintf(again, sizeof again, "; to be started again in %" PRIu64 " ms", pause);
    }
    log_line(level, "pool %s: process %d %s %d%s", p->pool, (int)process->pid,
             has_exited ? "exited with status" : "was ended by signal", how->si_status, again);
}

void spawn_program_ended(struct spawn_program *p, struct spawn_process *process,
                         const siginfo_t *how, uint64_t now_ms) {
    bool is_clean = how->si_code == CLD_EXITED && how->si_status == 0;
    // Children that it left would keep what the next one needs: PHP-FPM's its listening socket.
    signal_group(process->pid, SIGKILL);
    for (int i = 0; i < READS_MOST && read_some(p, process, now_ms); i++) {
    }
    if (process->output >= 0) {
        close_output(p, process, now_ms);
    }
    uint64_t pause = spawn_restart_pause(&process->restart, now_ms - process->started_ms, is_clean);
    log_end(p, process, how, pause);
    process->pid = 0;
    process->due_ms = now_ms + pause;
}

void spawn_program_end(struct spawn_program *p, int number) {
    p->is_ending = true;
    for (unsigned i = 0; i < p->processes_n; i++) {
        if (p->processes[i].pid != 0) {
            signal_group(p->processes[i].pid, number);
        }
    }
}

unsigned spawn_program_running(const struct spawn_program *p) {
    unsigned n = 0;
    for (unsigned i = 0; i < p->processes_n; i++) {
        n += p->processes[i].pid != 0;
    }
    return n;
}
