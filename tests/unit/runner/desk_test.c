// SPDX-License-Identifier: MIT
// A desk with fronts of this test's own, and with places for workers that the test fills itself: it
// takes the connections that are handed over and answers as a worker would.
#include "runner/desk.h"

#include "runner/status.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define BEGIN "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0"
#define PARAMS "\1\4\0\1\0\16\2\0\13\1SCRIPT_NAMEx\0\0"
#define PARAMS_END "\1\4\0\1\0\0\0\0"
#define BODY_END "\1\5\0\1\0\0\0\0"
#define HEAD BEGIN PARAMS PARAMS_END
#define ABORT "\1\2\0\1\0\0\0\0"
#define ANSWER "\1\6\0\1\0\2\6\0ok\0\0\0\0\0\0\1\6\0\1\0\0\0\0\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0"
#define WORKERS 2
#define FDS (1 + 2 * DESK_CLIENTS_MOST)

static const struct cgroup no_cgroup = {.dir = -1};

struct scene {
    struct options options;
    struct crew crew;
    struct desk desk;
    struct sockaddr_un address;
    int listen;
    int workers[WORKERS]; // the other end of their control sockets
    struct pollfd fds[FDS];
};

static int setup(void **state) {
    struct scene *s = calloc(1, sizeof *s);
    socklen_t len = sizeof s->address;
    assert_non_null(s);
    s->options = (struct options){.workers = WORKERS, .idle = 60000, .status = ""};
    s->listen = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    s->address.sun_family = AF_UNIX; // without a name: the system finds one
    assert_int_equal(bind(s->listen, (struct sockaddr *)&s->address, sizeof(sa_family_t)), 0);
    assert_int_equal(getsockname(s->listen, (struct sockaddr *)&s->address, &len), 0);
    assert_int_equal(listen(s->listen, 100), 0);
    assert_int_equal(crew_init(&s->crew, &s->options, &no_cgroup), 0);
    for (int i = 0; i < WORKERS; i++) {
        int ends[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
        s->workers[i] = ends[1];
        s->crew.slots[i] = (struct crew_slot){.pid = getpid(), .control = ends[0]};
    }
    assert_int_equal(desk_init(&s->desk, &s->options, &s->crew, s->listen), 0);
    *state = s;
    return 0;
}

static int teardown(void **state) {
    struct scene *s = *state;
    desk_fini(&s->desk);
    crew_fini(&s->crew);
    close(s->listen);
    for (int i = 0; i < WORKERS; i++) {
        close(s->workers[i]);
    }
    free(s);
    return 0;
}

// What the first process does, until there is nothing more to do.
static void run(struct scene *s) {
    int turns = 0, n = 1;
    while (n > 0 && turns++ < 1000) {
        desk_give(&s->desk);
        desk_watch(&s->desk, s->fds);
        n = poll(s->fds, desk_watched(&s->desk), 0);
        desk_turn(&s->desk, s->fds);
    }
    assert_in_range(turns, 1, 1000);
}

static int connect_front(struct scene *s) {
    socklen_t len = offsetof(struct sockaddr_un, sun_path) + 6; // "\0xxxxx"
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&s->address, len), 0);
    return fd;
}

static void say(struct scene *s, int fd, struct span bytes) {
    assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
    run(s);
}

// What a front is told; -1 when its connection was closed and nothing is left.
static ssize_t hear(int fd, char *bytes, size_t most) {
    ssize_t n = recv(fd, bytes, most, MSG_DONTWAIT);
    if (n < 0) {
        assert_int_equal(errno, EAGAIN);
        return 0;
    }
    return n == 0 ? -1 : n;
}

static void assert_hears(int fd, struct span bytes) {
    char got[4096];
    ssize_t n = hear(fd, got, sizeof got);
    assert_int_equal(n, bytes.n);
    assert_memory_equal(got, bytes.p, bytes.n);
}

static void assert_closed(int fd) {
    char byte;
    assert_int_equal(hear(fd, &byte, 1), -1);
}

// The connection that was handed to a worker; -1 when none was.
static int take(struct scene *s, int worker) {
    char byte;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } place = {0};
    struct iovec bytes = {&byte, 1};
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = place.space,
                             .msg_controllen = sizeof place.space};
    int fd = -1;
    if (recvmsg(s->workers[worker], &message, MSG_DONTWAIT) > 0) {
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    }
    return fd;
}

static void report(struct scene *s, int worker, enum report_kind kind, enum report_ending ending) {
    struct report report = {(uint8_t)kind, (uint8_t)ending};
    assert_int_equal(send(s->workers[worker], &report, sizeof report, 0), sizeof report);
    crew_hear(&s->crew, &s->crew.slots[worker]);
}

// A worker answers on the connection that it was given, and is free.
static void answer(struct scene *s, int worker, int fd) {
    assert_int_equal(write(fd, ANSWER, sizeof ANSWER - 1), sizeof ANSWER - 1);
    close(fd);
    report(s, worker, REPORT_FREE, REPORT_ENDED);
    run(s);
}

static void test_a_request_is_carried_and_its_connection_kept(void **state) {
    struct scene *s = *state;
    int front = connect_front(s);
    for (int i = 0; i < 3; i++) {
        char bytes[256];
        say(s, front, SPAN(HEAD BODY_END));
        int fd = take(s, 0);
        assert_true(fd >= 0);
        assert_int_equal(recv(fd, bytes, sizeof bytes, 0), sizeof(HEAD BODY_END) - 1);
        answer(s, 0, fd);
        assert_hears(front, SPAN(ANSWER));
    }
    assert_int_equal(s->desk.accepted, 1);
    assert_int_equal(s->desk.served, 3);
    close(front);
    run(s);
    assert_int_equal(s->desk.n, 0);
}

static void test_requests_are_given_in_the_order_in_which_they_came(void **state) {
    struct scene *s = *state;
    int fronts[5], fds[5];
    for (int i = 0; i < 5; i++) {
        fronts[i] = connect_front(s);
        say(s, fronts[i], SPAN(HEAD BODY_END));
    }
    fds[0] = take(s, 0);
    fds[1] = take(s, 1);
    assert_int_equal(take(s, 0), -1); // one at a time
    answer(s, 0, fds[0]);
    say(s, fronts[0], SPAN(HEAD BODY_END)); // again: behind those that wait
    for (int i = 2; i < 5; i++) {
        fds[i] = take(s, 0);
        assert_true(fds[i] >= 0);
        answer(s, 0, fds[i]);
        assert_hears(fronts[i], SPAN(ANSWER));
    }
    assert_hears(fronts[0], SPAN(ANSWER)); // the first of its answers
    answer(s, 0, take(s, 0));
    assert_hears(fronts[0], SPAN(ANSWER));
    answer(s, 1, fds[1]);
    for (int i = 0; i < 5; i++) {
        close(fronts[i]);
    }
}

static void test_who_leaves_while_it_waits_is_not_served(void **state) {
    struct scene *s = *state;
    int fronts[3];
    for (int i = 0; i < 3; i++) {
        fronts[i] = connect_front(s);
        say(s, fronts[i], SPAN(HEAD));
    }
    close(fronts[2]);
    run(s);
    assert_int_equal(s->desk.dropped, 1);
    answer(s, 0, take(s, 0));
    assert_int_equal(take(s, 0), -1);
    close(take(s, 1));
    close(fronts[0]);
    close(fronts[1]);
}

static void test_an_abort_closes_the_worker_s_connection_and_keeps_the_front_s(void **state) {
    struct scene *s = *state;
    char byte[256];
    int front = connect_front(s);
    say(s, front, SPAN(HEAD));
    int fd = take(s, 0);
    assert_true(recv(fd, byte, sizeof byte, 0) > 0);
    say(s, front, SPAN(ABORT));
    assert_closed(fd);
    assert_hears(front, SPAN("\1\3\0\1\0\10\0\0\0\0\0\0\0\0\0\0"));
    report(s, 0, REPORT_FREE, REPORT_CLIENT_GONE);
    say(s, front, SPAN(HEAD BODY_END));
    int second = take(s, 0);
    answer(s, 0, second);
    assert_hears(front, SPAN(ANSWER));
    close(fd);
    close(front);
}

static void test_a_worker_that_dies_cuts_its_client_only(void **state) {
    struct scene *s = *state;
    int one = connect_front(s), other = connect_front(s);
    say(s, one, SPAN(HEAD BODY_END));
    say(s, other, SPAN(HEAD BODY_END));
    close(take(s, 0));
    run(s);
    assert_closed(one);
    answer(s, 1, take(s, 1));
    assert_hears(other, SPAN(ANSWER));
    close(one);
    close(other);
}

static void test_nonsense_closes_its_connection_only(void **state) {
    struct scene *s = *state;
    int one = connect_front(s), other = connect_front(s);
    run(s);
    say(s, one, SPAN("GET / HTTP/1.1\r\n\r\n"));
    assert_closed(one);
    say(s, other, SPAN(HEAD BODY_END));
    answer(s, 0, take(s, 0));
    assert_hears(other, SPAN(ANSWER));
    close(one);
    close(other);
}

static void test_an_idle_connection_makes_room_and_a_busy_one_does_not(void **state) {
    struct scene *s = *state;
    s->desk.most = 2;
    int busy = connect_front(s);
    say(s, busy, SPAN(HEAD BODY_END));
    int idle = connect_front(s);
    run(s);
    int third = connect_front(s);
    run(s);
    assert_closed(idle);
    say(s, third, SPAN(HEAD BODY_END));
    int fourth = connect_front(s); // nobody is idle: it waits to be accepted
    run(s);
    assert_int_equal(s->desk.n, 2);
    assert_int_equal(s->desk.accepted, 3);
    answer(s, 0, take(s, 0));
    assert_hears(busy, SPAN(ANSWER));
    assert_int_equal(s->desk.accepted, 4);
    assert_closed(busy);
    close(take(s, 1));
    close(busy);
    close(idle);
    close(third);
    close(fourth);
}

static void test_a_head_that_does_not_come_has_a_time(void **state) {
    struct scene *s = *state;
    int front = connect_front(s);
    run(s);
    assert_int_equal(desk_due_ms(&s->desk), INT64_MAX); // idle: as long as it likes
    say(s, front, SPAN(BEGIN));
    assert_true(desk_due_ms(&s->desk) < INT64_MAX);
    s->desk.clients[0]->since_ms -= 60000;
    run(s); // too late
    assert_closed(front);
    assert_int_equal(s->desk.n, 0);
    close(front);
}

static void test_answers_that_are_not_taken_have_a_time(void **state) {
    struct scene *s = *state;
    static uint8_t record[8 + 32000] = {1, 6, 0, 1, 32000 >> 8, 32000 & 255};
    int front = connect_front(s);
    say(s, front, SPAN(HEAD BODY_END));
    int fd = take(s, 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 1000 && write(fd, record, sizeof record) > 0; i++) {
        run(s);
    }
    assert_int_equal(s->desk.n, 1); // the worker waits, and nothing is lost
    assert_true(desk_due_ms(&s->desk) < INT64_MAX);
    s->desk.clients[0]->moved_ms -= 120000;
    run(s);
    assert_int_equal(s->desk.n, 0);
    assert_int_equal(write(fd, "", 1), -1);
    close(fd);
    close(front);
}

static void test_the_path_of_status_is_answered_without_a_worker(void **state) {
    struct scene *s = *state;
    char text[4096];
    s->options.status = "x";
    int front = connect_front(s);
    say(s, front, SPAN(HEAD BODY_END));
    ssize_t n = hear(front, text, sizeof text - 1);
    assert_true(n > 8);
    assert_int_equal(take(s, 0), -1);
    text[n] = 0;
    const char *body = memchr(text, '{', (size_t)n);
    assert_non_null(body);
    assert_non_null(strstr(body, "\"workers\":2,\"running\":0,\"waiting\":0"));
    close(front);
}

static void test_closing_serves_who_waits_and_keeps_nothing(void **state) {
    struct scene *s = *state;
    int fronts[4];
    for (int i = 0; i < 4; i++) {
        fronts[i] = connect_front(s);
        run(s);
        if (i < 3) {
            say(s, fronts[i], SPAN(HEAD BODY_END));
        }
    }
    desk_close(&s->desk, false);
    run(s);
    assert_int_equal(desk_active(&s->desk), 3);
    int late = connect_front(s);
    run(s);
    assert_int_equal(s->desk.accepted, 4);
    answer(s, 0, take(s, 0));
    answer(s, 1, take(s, 1));
    answer(s, 0, take(s, 0));
    assert_int_equal(desk_active(&s->desk), 0);
    for (int i = 0; i < 3; i++) {
        assert_hears(fronts[i], SPAN(ANSWER));
        assert_closed(fronts[i]);
        close(fronts[i]);
    }
    close(fronts[3]);
    close(late);
}

static void test_closing_hard_refuses_who_waits(void **state) {
    struct scene *s = *state;
    char text[4096];
    int fronts[3];
    for (int i = 0; i < 3; i++) {
        fronts[i] = connect_front(s);
        say(s, fronts[i], SPAN(HEAD BODY_END));
    }
    desk_close(&s->desk, true);
    run(s);
    assert_int_equal(desk_active(&s->desk), 2); // those that run
    assert_true(hear(fronts[2], text, sizeof text) > 8);
    assert_memory_equal(text + 8, "Status: 503", 11);
    close(take(s, 0));
    close(take(s, 1));
    for (int i = 0; i < 3; i++) {
        close(fronts[i]);
    }
}

int main(void) {
#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SCENE(test_a_request_is_carried_and_its_connection_kept),
        SCENE(test_requests_are_given_in_the_order_in_which_they_came),
        SCENE(test_who_leaves_while_it_waits_is_not_served),
        SCENE(test_an_abort_closes_the_worker_s_connection_and_keeps_the_front_s),
        SCENE(test_a_worker_that_dies_cuts_its_client_only),
        SCENE(test_nonsense_closes_its_connection_only),
        SCENE(test_an_idle_connection_makes_room_and_a_busy_one_does_not),
        SCENE(test_a_head_that_does_not_come_has_a_time),
        SCENE(test_answers_that_are_not_taken_have_a_time),
        SCENE(test_the_path_of_status_is_answered_without_a_worker),
        SCENE(test_closing_serves_who_waits_and_keeps_nothing),
        SCENE(test_closing_hard_refuses_who_waits),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
