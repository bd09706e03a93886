// SPDX-License-Identifier: MIT
#include "runner/worker.h"

#include "runner/clock.h"
#include "runner/family.h"
#include "runner/minder.h"
#include "runner/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MS 10000 // for the first process to hand over the head of a request
#define SETTLE_MS 20  // for what is just ending to end

// Receives a connection. -1 when there is none.
static int take_connection(int control, bool *is_short) {
    char byte = 0;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } place = {0};
    struct iovec bytes = {&byte, 1};
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = place.space,
                             .msg_controllen = sizeof place.space};
    ssize_t n = recvmsg(control, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    const struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    int fd = -1;
    if (header && header->cmsg_type == SCM_RIGHTS) {
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    }
    *is_short = byte;
    return fd;
}

// Waits for a connection. -1 when it is time to stop.
static int await(int control, bool *is_short) {
    struct pollfd door = {.fd = control, .events = POLLIN};
    while (stop_level() == STOP_NOT) {
        int fd = stop_poll(&door, 1, -1) > 0 ? take_connection(control, is_short) : -1;
        if (fd >= 0) {
            return fd;
        }
        if (door.revents & (POLLHUP | POLLERR)) {
            break;
        }
    }
    return -1;
}

// Lets libfcgi read the request from the connection; it may not close it before.
static bool accept_request(FCGX_Request *request, int fd) {
    request->ipcFd = fd;
    request->keepConnection = 1;
    clock_alarm(HEAD_MS);
    return FCGX_Accept_r(request) == 0;
}

// Our connection needs none of libfcgi's lingering: its other end is in good hands.
static void close_request(FCGX_Request *request, bool is_whole) {
    FCGX_Detach(request);
    if (is_whole) {
        FCGX_Finish_r(request);
    } else {
        FCGX_Free(request, 1);
    }
}

static void tell(int control, enum report_kind kind, enum report_ending ending) {
    struct report report = {(uint8_t)kind, (uint8_t)ending};
    while (send(control, &report, sizeof report, MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
}

// True when nothing of the request is left, so that the next one may come.
static bool is_clean(struct script_end *end, bool must_end) {
    if (end->has_process && !process_await(&end->process, 0)) {
        return false;
    }
    if (!family_settle(SETTLE_MS)) {
        return true;
    }
    return must_end && family_tell(SIGTERM) > 0 && !family_settle(SETTLE_MS);
}

// Serves one request. False when this worker is to end.
static bool serve(FCGX_Request *request, bool is_short, const struct script_conf *conf,
                  int control) {
    struct script_end end;
    script_run(&end, request, is_short, conf);
    close_request(request, end.is_whole);
    clock_alarm(0);
    bool is_killed = end.ending != REPORT_ENDED && end.ending != REPORT_ANSWERED;
    bool must_end = is_killed || strcmp(conf->options->jobs, "end") == 0;
    bool was_clean = is_clean(&end, must_end);
    tell(control, was_clean ? REPORT_FREE : REPORT_LEFT, end.ending);
    if (!was_clean) {
        minder_run(conf, &end, must_end && end.ending != REPORT_ANSWERED, control);
    }
    if (end.has_process) {
        process_close(&end.process);
    }
    return was_clean;
}

int worker_run(const struct script_conf *conf, int control) {
    FCGX_Request request;
    prctl(PR_SET_CHILD_SUBREAPER, 1); // what programs leave behind is ours to reap
    stop_init();
    // No socket to accept from: a connection that breaks off is not replaced by libfcgi.
    if (FCGX_Init() != 0 || FCGX_InitRequest(&request, -1, FCGI_FAIL_ACCEPT_ON_INTR) != 0) {
        fputs("fcgi-bridge: cannot initialise libfcgi\n", stderr);
        return 1;
    }
    stop_init(); // again: libfcgi has set handlers where signals were ignored
    bool is_short;
    int fd;
    while ((fd = await(control, &is_short)) >= 0) {
        bool is_request = accept_request(&request, fd);
        clock_alarm(0);
        if (!is_request) {
            tell(control, REPORT_FREE, REPORT_CLIENT_GONE);
        } else if (!serve(&request, is_short, conf, control)) {
            return 0;
        }
    }
    return 0;
}
