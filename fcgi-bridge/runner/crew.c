// SPDX-License-Identifier: MIT
#include "runner/crew.h"

#include "runner/clock.h"
#include "runner/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETTLED_MS 10000 // a worker that lived so long is replaced at once
#define PAUSE_LEAST_MS 100
#define PAUSE_MOST_MS 5000

size_t crew_slots(const struct options *o) {
    return 2 * o->workers + CREW_LEFT_MOST; // twice: those that renewal lets end
}

int crew_init(struct crew *crew, const struct options *o, const struct cgroup *cgroup) {
    size_t n = crew_slots(o);
    *crew = (struct crew){.options = o, .cgroup = cgroup, .n = n};
    crew->slots = calloc(n, sizeof *crew->slots);
    crew->visible = mmap(NULL, n * sizeof *crew->visible, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crew->slots == NULL || crew->visible == MAP_FAILED) {
        fputs("fcgi-bridge: out of memory\n", stderr);
        free(crew->slots);
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        crew->slots[i].control = -1;
    }
    return 0;
}

void crew_fini(struct crew *crew) {
    for (size_t i = 0; i < crew->n; i++) {
        if (crew->slots[i].control >= 0) {
            close(crew->slots[i].control);
        }
    }
    free(crew->slots);
    munmap(crew->visible, crew->n * sizeof *crew->visible);
}

// Everything that the first process has open is its own: a client would not see its connection
// closed while a worker held it too.
static void close_others(int control, int leaf) {
    unsigned first = (unsigned)(control < leaf || leaf < 0 ? control : leaf);
    unsigned second = (unsigned)(control < leaf ? leaf : control);
    close_range(3, first - 1, 0);
    if (first + 1 < second) {
        close_range(first + 1, second - 1, 0);
    }
    close_range(second + 1, ~0U, 0);
}

static int work(struct crew *crew, size_t i, pid_t parent, int control) {
    struct leaf leaf;
    struct script_conf conf = {crew->options, &crew->visible[i], &leaf};
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGCHLD, SIG_DFL);
    cgroup_leaf(crew->cgroup, i, &leaf);
    close_others(control, leaf.dir);
    for (size_t at = 0; at < crew->n; at++) {
        crew->slots[at].control = -1;
    }
    return getppid() == parent ? worker_run(&conf, control) : 0;
}

static bool fail_to_start(struct crew *crew, const char *what) {
    fprintf(stderr, "fcgi-bridge: cannot start a worker: %s: %s\n", what, strerror(errno));
    crew->due_ms = clock_now_ms() + PAUSE_MOST_MS;
    return false;
}

// True in the child.
static bool start(struct crew *crew, size_t i, int *exit_status) {
    struct crew_slot *slot = &crew->slots[i];
    pid_t parent = getpid();
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return fail_to_start(crew, "socketpair");
    }
    pid_t pid = fork();
    if (pid == 0) {
        *exit_status = work(crew, i, parent, ends[1]);
        return true;
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return fail_to_start(crew, "fork");
    }
    *slot = (struct crew_slot){.pid = pid, .control = ends[0], .started_ms = clock_now_ms()};
    crew->alive++;
    return false;
}

// How many workers are to be started. Those that watch what was left have places of their own; with
// more of them, workers are missing.
static size_t count_missing(const struct crew *crew) {
    size_t wanted = crew->options->workers, n = 0;
    if (crew->is_closed) {
        return 0;
    }
    if (crew->minders > CREW_LEFT_MOST) {
        size_t over = crew->minders - CREW_LEFT_MOST;
        wanted = wanted > over ? wanted - over : 0;
    }
    for (size_t i = 0; i < crew->n; i++) {
        const struct crew_slot *slot = &crew->slots[i];
        n += slot->pid > 0 && !slot->is_minder && !slot->is_old;
    }
    return wanted > n ? wanted - n : 0;
}

bool crew_start_due(struct crew *crew, int *exit_status) {
    size_t missing = count_missing(crew);
    for (size_t i = 0; i < crew->n && missing > 0 && crew->due_ms <= clock_now_ms(); i++) {
        if (crew->slots[i].pid == 0) {
            if (start(crew, i, exit_status)) {
                return true;
            }
            missing--;
        }
    }
    return false;
}

int64_t crew_due_ms(const struct crew *crew) {
    return count_missing(crew) > 0 ? crew->due_ms : INT64_MAX;
}

struct crew_slot *crew_free(struct crew *crew) {
    for (size_t i = 0; i < crew->n; i++) {
        struct crew_slot *slot = &crew->slots[i];
        if (slot->pid > 0 && !slot->is_busy && !slot->is_minder && !slot->is_old) {
            return slot;
        }
    }
    return NULL;
}

bool crew_give(struct crew_slot *slot, int fd, bool is_short) {
    char byte = is_short;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } place = {0};
    struct iovec bytes = {&byte, 1};
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = place.space,
                             .msg_controllen = sizeof place.space};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    slot->is_busy = true; // also one that is gone: it is not asked again
    return sendmsg(slot->control, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

void crew_hear(struct crew *crew, struct crew_slot *slot) {
    struct report report;
    ssize_t n = recv(slot->control, &report, sizeof report, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close(slot->control);
        slot->control = -1;
        slot->is_busy = true; // whoever closes it ends; crew_reap does the rest
    }
    if (n != sizeof report || report.ending >= REPORT_ENDINGS) {
        return;
    }
    if (report.kind == REPORT_LATE) {
        crew->late[report.ending]++;
        return;
    }
    slot->is_busy = false;
    crew->endings[report.ending]++;
    if (report.kind == REPORT_LEFT) {
        slot->is_minder = true;
        crew->minders++;
        if (crew->minders == CREW_LEFT_MOST + 1) {
            fputs("fcgi-bridge: too many requests have left processes behind; workers that watch "
                  "further ones are not replaced until some end\n",
                  stderr);
        }
    }
}

static void set_pause(struct crew *crew, const struct crew_slot *slot) {
    int64_t now = clock_now_ms(), pause = crew->pause_ms * 2;
    if (now - slot->started_ms >= SETTLED_MS) {
        pause = 0;
    } else if (pause < PAUSE_LEAST_MS) {
        pause = PAUSE_LEAST_MS;
    }
    crew->pause_ms = pause < PAUSE_MOST_MS ? pause : PAUSE_MOST_MS;
    crew->due_ms = now + crew->pause_ms;
}

static void report_death(const struct crew *crew, const struct crew_slot *slot, int status) {
    fprintf(stderr, "fcgi-bridge: worker %d ended by %s %d; the next starts in %" PRId64 " ms\n",
            (int)slot->pid, WIFSIGNALED(status) ? "signal" : "exit status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), crew->pause_ms);
}

static struct crew_slot *find(struct crew *crew, pid_t pid) {
    for (size_t i = 0; i < crew->n; i++) {
        if (crew->slots[i].pid == pid) {
            return &crew->slots[i];
        }
    }
    return NULL;
}

// The next worker of the slot finds its cgroup empty: what is in one is one request's.
static void end_leaf(const struct crew *crew, const struct crew_slot *slot) {
    struct leaf leaf;
    cgroup_leaf(crew->cgroup, (size_t)(slot - crew->slots), &leaf);
    leaf_kill(&leaf);
    leaf_close(&leaf);
}

static void on_death(struct crew *crew, struct crew_slot *slot, int status) {
    bool is_expected = slot->is_old || slot->is_minder || crew->is_closed;
    if (!is_expected) {
        set_pause(crew, slot);
        report_death(crew, slot, status);
    }
    crew->alive--;
    crew->minders -= slot->is_minder;
    if (slot->control >= 0) {
        close(slot->control);
    }
    end_leaf(crew, slot);
    *slot = (struct crew_slot){.control = -1};
}

// Children are looked at before they are reaped: while a dead worker's program is not reaped, the
// number of its group cannot be anybody else's.
void crew_reap(struct crew *crew) {
    siginfo_t info = {0};
    int status;
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
        struct crew_slot *slot = find(crew, info.si_pid);
        pid_t group = slot ? atomic_exchange(&crew->visible[slot - crew->slots], 0) : 0;
        if (group > 0) {
            kill(-group, SIGKILL);
        }
        if (slot && slot->control >= 0) {
            crew_hear(crew, slot); // its last words
        }
        if (waitpid(info.si_pid, &status, 0) == info.si_pid && slot) {
            on_death(crew, slot, status);
        }
        info.si_pid = 0;
    }
}

void crew_tell(struct crew *crew, int signal_number) {
    crew->is_closed = true;
    for (size_t i = 0; i < crew->n; i++) {
        if (crew->slots[i].pid > 0) {
            kill(crew->slots[i].pid, signal_number);
        }
    }
}

void crew_renew(struct crew *crew) {
    for (size_t i = 0; i < crew->n; i++) {
        struct crew_slot *slot = &crew->slots[i];
        if (slot->pid > 0 && !slot->is_minder && !slot->is_old) {
            slot->is_old = true;
            kill(slot->pid, SIGTERM);
        }
    }
}
