// SPDX-License-Identifier: MIT
#include "runner/minder.h"

#include "runner/clock.h"
#include "runner/family.h"
#include "runner/limit.h"
#include "runner/relay.h"
#include "runner/stop.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_MS 100     // between two looks when something may have to be ended
#define NAP_LEAST_MS 10 // between two attempts to kill; doubled, since some may never end
#define NAP_MOST_MS 2000
#define ERRORS_MOST (1 << 20) // bytes of errors that go to our log; the rest is dropped
#define STOPPED_TURNS 5       // attempts to kill before the bridge stops without that

struct minder {
    const struct options *options;
    const struct leaf *leaf;
    struct process *process;
    int64_t deadline_ms, kill_ms, nap_ms;
    bool must_end, ends_jobs;
    int attempts;      // to kill
    size_t complained; // bytes of errors
};

static void tell_to_end(struct minder *m) {
    m->must_end = true;
    m->kill_ms = clock_now_ms() + (int64_t)m->options->grace;
    family_tell(SIGTERM);
}

// What it writes as errors once the client has its answer goes to our log.
static void carry_errors(struct minder *m) {
    struct process *p = m->process;
    char piece[4096];
    ssize_t n = p->err >= 0 ? read(p->err, piece, sizeof piece) : -1;
    if (n > 0 && m->complained < ERRORS_MOST) {
        fwrite(piece, 1, (size_t)n, stderr);
        m->complained += (size_t)n;
        if (m->complained >= ERRORS_MOST) {
            fputs(
                "\nfcgi-bridge: the rest of the errors of what a request left behind is dropped\n",
                stderr);
        }
    } else if (n == 0) {
        close(p->err);
        p->err = -1;
    }
}

static bool is_somebody_left(struct minder *m) {
    bool has_ended = process_await(m->process, 0);
    return family_reap(has_ended ? 0 : m->process->pid) || !has_ended;
}

static void tell_late(enum report_ending ending, int control) {
    struct report report = {REPORT_LATE, (uint8_t)ending};
    fprintf(stderr, "fcgi-bridge: what a request left behind: %s\n", relay_why(ending));
    send(control, &report, sizeof report, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void watch(struct minder *m, int64_t now, int control) {
    enum report_ending ending =
        now >= m->deadline_ms ? REPORT_TIME : limit_reached(m->options, m->leaf);
    if (ending != REPORT_RUNNING) {
        tell_late(ending, control);
        tell_to_end(m);
    } else if (stop_level() != STOP_NOT || (m->ends_jobs && m->process->has_ended)) {
        tell_to_end(m);
    }
}

static void finish_off(struct minder *m, int64_t now) {
    if (now >= m->kill_ms || stop_level() == STOP_NOW) {
        family_tell(SIGKILL);
        leaf_kill(m->leaf);
        m->nap_ms = m->nap_ms * 2 < NAP_MOST_MS ? m->nap_ms * 2 : NAP_MOST_MS;
        m->kill_ms = now + m->nap_ms;
        m->attempts++;
    }
}

void minder_run(const struct script_conf *conf, struct script_end *end, bool must_end,
                int control) {
    struct minder m = {.options = conf->options,
                       .leaf = conf->leaf,
                       .process = &end->process,
                       .deadline_ms = end->deadline_ms,
                       .nap_ms = NAP_LEAST_MS,
                       .ends_jobs = strcmp(conf->options->jobs, "end") == 0};
    leaf_begin(conf->leaf); // what its program reached was told
    if (must_end) {
        tell_to_end(&m);
    }
    while (is_somebody_left(&m)) {
        int64_t now = clock_now_ms();
        if (m.must_end) {
            finish_off(&m, now);
        } else {
            watch(&m, now, control);
        }
        if (stop_level() != STOP_NOT && m.attempts >= STOPPED_TURNS) {
            return;
        }
        struct pollfd err = {.fd = m.process->err, .events = POLLIN};
        int64_t ms = m.must_end && m.attempts ? m.nap_ms : LOOK_MS;
        if (stop_poll(&err, 1, ms) > 0) {
            carry_errors(&m);
        }
    }
    // The kernel may have ended all of it between two looks.
    enum report_ending ending = m.must_end ? REPORT_RUNNING : limit_enforced(m.leaf);
    if (ending != REPORT_RUNNING) {
        tell_late(ending, control);
    }
}
