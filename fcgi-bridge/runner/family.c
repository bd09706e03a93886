// SPDX-License-Identifier: MIT
#include "runner/family.h"

#include "runner/clock.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAP_MS 2
#define DEPTH_MOST 64 // a deeper chain of parents is cut: its end comes to us once its parents die
#define FOUND_MOST 512

typedef void visit(pid_t pid, void *context);

static void walk(pid_t pid, int depth, visit *on, void *context);

static void walk_task(pid_t pid, const char *task, int depth, visit *on, void *context) {
    char path[64];
    int child;
    snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", (int)pid, task);
    FILE *children = fopen(path, "re");
    if (children == NULL) {
        return;
    }
    while (fscanf(children, "%d", &child) == 1) {
        on(child, context);
        walk(child, depth + 1, on, context);
    }
    fclose(children);
}

static void walk(pid_t pid, int depth, visit *on, void *context) {
    char path[32];
    struct dirent *entry;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = depth < DEPTH_MOST ? opendir(path) : NULL;
    if (tasks == NULL) {
        return;
    }
    while ((entry = readdir(tasks)) != NULL) {
        if (entry->d_name[0] != '.') {
            walk_task(pid, entry->d_name, depth, on, context);
        }
    }
    closedir(tasks);
}

// All are found before any is told: whoever dies at once leaves its children to us, and they would
// be told twice. To some programs a second SIGTERM means more than the first.
struct telling {
    int signal_number;
    uint64_t n;
    size_t found_n;
    pid_t found[FOUND_MOST];
};

static void tell_found(struct telling *t) {
    for (size_t i = 0; i < t->found_n && t->signal_number; i++) {
        kill(t->found[i], t->signal_number);
    }
    t->found_n = 0;
}

static void find(pid_t pid, void *context) {
    struct telling *t = context;
    if (t->found_n == FOUND_MOST) {
        tell_found(t);
    }
    t->found[t->found_n++] = pid;
    t->n++;
}

uint64_t family_tell(int signal_number) {
    struct telling t = {.signal_number = signal_number};
    walk(getpid(), 0, find, &t);
    tell_found(&t);
    return t.n;
}

// A directory has two links and one for each directory in it: here one for each thread.
static uint64_t count_threads(pid_t pid) {
    struct stat st;
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    return stat(path, &st) == 0 && st.st_nlink > 2 ? st.st_nlink - 2 : 1;
}

// Memory that processes share is theirs together, and in each one's figures: the largest counts.
static void add_memory(struct family_sum *sum, uint64_t own, uint64_t shared) {
    sum->memory += own;
    if (shared > sum->shared) {
        sum->memory += shared - sum->shared;
        sum->shared = shared;
    }
}

static void measure(pid_t pid, void *context) {
    struct family_sum *sum = context;
    uint64_t own = 0, shared = 0; // KiB
    char path[32], line[128];
    sum->processes += count_threads(pid);
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "re");
    if (status == NULL) {
        return;
    }
    while (fgets(line, sizeof line, status)) {
        if (sscanf(line, "RssAnon: %" SCNu64, &own) != 1) {
            sscanf(line, "RssShmem: %" SCNu64, &shared);
        }
    }
    fclose(status);
    add_memory(sum, own << 10, shared << 10);
}

void family_measure(struct family_sum *sum) {
    *sum = (struct family_sum){0};
    walk(getpid(), 0, measure, sum);
}

bool family_reap(pid_t keep) {
    siginfo_t info = {0};
    int error;
    while ((error = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT)) == 0 &&
           info.si_pid != 0 && info.si_pid != keep) {
        waitpid(info.si_pid, NULL, 0);
        info.si_pid = 0;
    }
    return error == 0;
}

bool family_settle(int64_t ms) {
    int64_t end = clock_now_ms() + ms;
    const struct timespec nap = {.tv_nsec = NAP_MS * 1000000};
    while (family_reap(0)) {
        if (clock_now_ms() >= end) {
            return true;
        }
        nanosleep(&nap, NULL);
    }
    return false;
}
