// SPDX-License-Identifier: MIT
#include "runner/worker.h"

#include "runner/clock.h"
#include "runner/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define HEAD_MS 10000           // for a client to send the parameters of a request
#define IDLE_MS 5000            // how long a kept connection may be idle
#define GRACE_MS 20             // how long somebody else may take to accept a connection
#define PAUSE_MS 100            // when the system has no descriptors or memory for a connection
#define MEMORY_MORE (256 << 20) // bytes of address space beyond what a worker starts with

// Closes a kept connection that waits for its next request: nothing is on its way, so none of
// libfcgi's lingering is needed.
static void drop_idle(FCGX_Request *request) {
    FCGX_Detach(request);
    FCGX_Free(request, 1);
}

// Whether a kept connection holds up others: idle for long, or idle while somebody waits at the
// door whom no free worker lets in.
static bool is_in_the_way(int kept, int listen_fd) {
    struct pollfd fds[] = {{.fd = kept, .events = POLLIN}, {.fd = listen_fd, .events = POLLIN}};
    if (stop_poll(fds, 2, IDLE_MS) <= 0) {
        return true;
    }
    if (fds[0].revents) {
        return false;
    }
    return stop_poll(fds, 1, GRACE_MS) <= 0 && stop_poll(fds + 1, 1, 0) > 0;
}

// Waits until a request seems to be there. False when it is time to stop.
static bool await(FCGX_Request *request, int listen_fd) {
    struct pollfd door = {.fd = listen_fd, .events = POLLIN};
    struct pollfd kept = {.fd = request->ipcFd, .events = POLLIN};
    while (stop_level() == STOP_NOT) {
        if (request->ipcFd < 0) {
            if (stop_poll(&door, 1, -1) > 0) {
                return true;
            }
            continue;
        }
        if (is_in_the_way(request->ipcFd, listen_fd)) {
            drop_idle(request);
        } else if (stop_poll(&kept, 1, 0) > 0) {
            return true;
        }
    }
    return false;
}

static void serve(FCGX_Request *request, const struct script_conf *conf) {
    fcntl(request->ipcFd, F_SETFD, FD_CLOEXEC); // libfcgi does not
    if (script_run(request, conf)) {
        FCGX_Finish_r(request);
    } else {
        FCGX_Free(request, 1);
    }
}

// Whether accept may succeed later: another worker was faster, or resources are short for now.
static bool is_passing(int error) {
    if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
        stop_poll(NULL, 0, PAUSE_MS);
        return true;
    }
    return error == EAGAIN || error == EINTR || error == ECONNABORTED || error == 0;
}

// libfcgi allocates what the length of a parameter says, whatever that is. Programs can still have
// more: only the soft limit is set.
static void bound_memory(void) {
    struct rlimit limit;
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm == NULL) {
        return;
    }
    if (fscanf(statm, "%lu", &pages) == 1 && getrlimit(RLIMIT_AS, &limit) == 0) {
        rlim_t most = pages * (rlim_t)sysconf(_SC_PAGESIZE) + MEMORY_MORE;
        limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max;
        setrlimit(RLIMIT_AS, &limit);
    }
    fclose(statm);
}

int worker_run(const struct script_conf *conf, int listen_fd) {
    FCGX_Request request;
    prctl(PR_SET_CHILD_SUBREAPER, 1); // what programs leave behind is ours to reap
    stop_init();
    bound_memory();
    if (FCGX_Init() != 0 || FCGX_InitRequest(&request, listen_fd, FCGI_FAIL_ACCEPT_ON_INTR) != 0) {
        fputs("fcgi-bridge: cannot initialise libfcgi\n", stderr);
        return 1;
    }
    stop_init(); // again: libfcgi has set handlers where signals were ignored
    while (await(&request, listen_fd)) {
        clock_alarm(HEAD_MS);
        int error = FCGX_Accept_r(&request);
        if (error == 0) {
            serve(&request, conf);
        }
        clock_alarm(0);
        if (error != 0 && !is_passing(-error)) {
            fprintf(stderr, "fcgi-bridge: cannot accept: %s\n", strerror(-error));
            return 1;
        }
    }
    return 0;
}
