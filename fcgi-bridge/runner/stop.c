// SPDX-License-Identifier: MIT
#include "runner/stop.h"

#include <signal.h>
#include <time.h>

static volatile sig_atomic_t asked = STOP_NOT;
static sigset_t waiting; // the signal mask inside stop_poll

static void on_signal(int number) {
    if (number == SIGQUIT) {
        asked = STOP_NOW;
    } else if (number == SIGTERM && asked == STOP_NOT) {
        asked = STOP_SOON;
    }
}

void stop_init(void) {
    static const int handled[] = {SIGTERM, SIGQUIT, SIGALRM};
    // A terminal sends these to all of us; the supervisor tells the workers what to do.
    static const int ignored[] = {SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2};
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;
    for (size_t i = 0; i < sizeof handled / sizeof handled[0]; i++) {
        sigaction(handled[i], &action, NULL);
    }
    action.sa_handler = SIG_IGN;
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        sigaction(ignored[i], &action, NULL);
    }
    sigemptyset(&waiting);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGQUIT);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}

enum stop_level stop_level(void) {
    return (enum stop_level)asked;
}

int stop_poll(struct pollfd *fds, nfds_t n, int64_t ms) {
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return ppoll(fds, n, ms < 0 ? NULL : &time, &waiting);
}
