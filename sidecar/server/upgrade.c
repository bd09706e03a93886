// SPDX-License-Identifier: MIT
#include "server/upgrade.h"

#include "base/error.h"
#include "server/inherited.h"
#include "server/log.h"
#include "server/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READY "OUTRIDER_READY" // the pipe's descriptor, in the environment of the new one
#define ARGUMENTS_MOST 65536   // bytes of them
#define WORDS_MOST 256         // of arguments, and of the environment
#define SOCKETS_MOST 1024

extern char **environ;

static char path[4096], arguments[ARGUMENTS_MOST];
static size_t arguments_len;
static int ready = -1; // to the old one

void upgrade_init(void) {
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? read(fd, arguments, sizeof arguments) : 0;
    arguments_len = n > 0 ? (size_t)n : 0;
    if (fd >= 0) {
        close(fd);
    }
    const char *text = getenv(READY);
    ready = text != NULL ? (int)strtol(text, NULL, 10) : -1;
    if (ready >= 0) {
        fcntl(ready, F_SETFD, FD_CLOEXEC);
    }
    unsetenv(READY);
}

void upgrade_tell_ready(void) {
    if (ready >= 0) {
        ssize_t n = write(ready, "r", 1); // who is gone needs no answer
        (void)n;
        close(ready);
        ready = -1;
    }
}

// ---- starting -----------------------------------------------------------------------------------

// What the new one has open, in the order of its descriptors.
struct handed {
    int fds[SOCKETS_MOST + 2];
    unsigned n;
};

// Duplicates high enough that none is in the way of another's number.
static bool hand(struct handed *h, int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, INHERITED_FIRST + SOCKETS_MOST + 2);
    if (copy >= 0) {
        h->fds[h->n++] = copy;
    }
    return copy >= 0;
}

static void let_go(struct handed *h) {
    while (h->n > 0) {
        close(h->fds[--h->n]);
    }
}

static bool is_full(unsigned n) {
    return n + 1 >= WORDS_MOST;
}

static void split_arguments(char *words[WORDS_MOST]) {
    unsigned n = 0;
    for (char *at = arguments; at < arguments + arguments_len && !is_full(n);
         at += strlen(at) + 1) {
        words[n++] = at;
    }
    words[n] = NULL;
}

// Ours, and what it is to find. The service manager's watch is for it from now on.
static void fill_environment(char *words[WORDS_MOST], char own[3][64], unsigned sockets,
                             bool has_opener) {
    unsigned n = 0;
    snprintf(own[0], 64, "%s=%u", INHERITED_SOCKETS, sockets);
    snprintf(own[1], 64, "%s=%u", READY, INHERITED_FIRST + sockets);
    snprintf(own[2], 64, "%s=%u", OPENER_SOCKET, INHERITED_FIRST + sockets + 1);
    for (unsigned i = 0; i < (has_opener ? 3u : 2u); i++) {
        words[n++] = own[i];
    }
    for (char **at = environ; *at != NULL && !is_full(n); at++) {
        if (strncmp(*at, "WATCHDOG_PID=", 13) != 0) {
            words[n++] = *at;
        }
    }
    words[n] = NULL;
}

static int run(struct handed *h, unsigned sockets, bool has_opener, pid_t *pid) {
    char *argv[WORDS_MOST], *env[WORDS_MOST], own[3][64];
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none;
    split_arguments(argv);
    fill_environment(env, own, sockets, has_opener);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&how, &none);
    for (unsigned i = 0; i < h->n; i++) {
        posix_spawn_file_actions_adddup2(&files, h->fds[i], INHERITED_FIRST + (int)i);
    }
    int err = posix_spawn(pid, path, &files, &how, argv, env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return err;
}

// ---- waiting ------------------------------------------------------------------------------------

// The handles are used again only when libuv has let go of both.
static void on_closed(uv_handle_t *handle) {
    struct upgrade *u = handle->data;
    if (--u->open_n == 0) {
        u->state = u->is_ready ? UPGRADE_DONE : UPGRADE_FAILED;
        u->on_done(u->self, u->is_ready);
    }
}

static void end(struct upgrade *u, bool is_ready) {
    if (!is_ready && u->handle >= 0) {
        syscall(SYS_pidfd_send_signal, u->handle, SIGKILL, NULL, 0);
    }
    u->is_ready = is_ready;
    uv_close((uv_handle_t *)&u->watch, on_closed);
    uv_close((uv_handle_t *)&u->timer, on_closed);
    close(u->pipe);
    close(u->handle);
}

static void on_readable(uv_poll_t *watch, int status, int events) {
    struct upgrade *u = watch->data;
    char byte;
    (void)status;
    (void)events;
    ssize_t n = read(u->pipe, &byte, 1);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n != 1) {
        log_line(LOG_ERROR, "the new process %d has ended before it was ready; this one goes on",
                 u->pid);
    }
    end(u, n == 1);
}

static void on_timeout(uv_timer_t *timer) {
    struct upgrade *u = timer->data;
    log_line(LOG_ERROR, "the new process %d was not ready in time; this one goes on", u->pid);
    end(u, false);
}

static void await(struct upgrade *u, int fd, uint64_t timeout_ms) {
    u->pipe = fd;
    u->open_n = 2;
    u->state = UPGRADE_UNDER_WAY;
    uv_poll_init(&u->loop->uv, &u->watch, fd);
    uv_timer_init(&u->loop->uv, &u->timer);
    u->watch.data = u->timer.data = u;
    uv_poll_start(&u->watch, UV_READABLE | UV_DISCONNECT, on_readable);
    uv_timer_start(&u->timer, on_timeout, timeout_ms, 0);
}

void upgrade_abort(struct upgrade *u) {
    if (u->state == UPGRADE_UNDER_WAY && !uv_is_closing((uv_handle_t *)&u->watch)) {
        end(u, false);
    }
}

int upgrade_start(struct upgrade *u, const int *sockets, unsigned n, int opener,
                  uint64_t timeout_ms) {
    struct handed h = {.n = 0};
    int ends[2];
    if (n > SOCKETS_MOST || path[0] == 0 || arguments_len == 0 || pipe2(ends, O_CLOEXEC) != 0) {
        log_line(LOG_ERROR, "no other process can be started in the place of this one");
        return ERR_CONFIG;
    }
    bool is_good = true;
    for (unsigned i = 0; i < n; i++) {
        is_good = is_good && hand(&h, sockets[i]);
    }
    is_good = is_good && hand(&h, ends[1]) && (opener < 0 || hand(&h, opener));
    int err = is_good ? run(&h, n, opener >= 0, &u->pid) : EMFILE;
    let_go(&h);
    close(ends[1]);
    if (err != 0) {
        log_line(LOG_ERROR, "%s cannot be started: %s", path, strerror(err));
        close(ends[0]);
        return ERR_CONFIG;
    }
    u->handle = (int)syscall(SYS_pidfd_open, u->pid, 0);
    log_line(LOG_INFO, "%s is started as process %d, to take the place of this one", path, u->pid);
    await(u, ends[0], timeout_ms);
    return 0;
}
