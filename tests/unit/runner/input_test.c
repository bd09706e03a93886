// SPDX-License-Identifier: MIT
// A stream of this test's own in place of libfcgi's: it reads from a socket, as theirs does.
#include "runner/input.h"

#include "base/span.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000
#define BODY (1 << 20) // more than a pipe holds

struct scene {
    FCGX_Stream stream;
    struct input input;
    unsigned char bytes[8192];
    int front[2];  // the body comes from [0]
    int program;   // reads
    uint64_t seen; // bytes of the body that the program got
};

static void fill(FCGX_Stream *stream) {
    struct scene *s = stream->data;
    ssize_t n = read(s->front[1], s->bytes, sizeof s->bytes);
    if (n <= 0) {
        stream->isClosed = 1;
        stream->FCGI_errno = n < 0 ? errno : 0;
        return;
    }
    stream->rdNext = s->bytes;
    stream->stop = s->bytes + n;
}

static int setup(void **state) {
    struct scene *s = calloc(1, sizeof *s);
    int pipes[2];
    assert_non_null(s);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s->front), 0);
    assert_int_equal(pipe(pipes), 0);
    fcntl(pipes[1], F_SETFL, O_NONBLOCK);
    s->program = pipes[0];
    s->stream = (FCGX_Stream){.isReader = 1, .fillBuffProc = fill, .data = s};
    s->stream.rdNext = s->stream.stop = s->stream.stopUnget = s->bytes;
    s->input.file = pipes[1]; // until start
    *state = s;
    return 0;
}

static void start(struct scene *s, uint64_t most) {
    int to = s->input.file;
    assert_int_equal(input_start(&s->input, &s->stream, to, most), 0);
}

static int teardown(void **state) {
    struct scene *s = *state;
    input_finish(&s->input, s->front[1]);
    close(s->front[0]);
    close(s->front[1]);
    close(s->program);
    free(s);
    return 0;
}

static uint8_t byte_at(uint64_t at) {
    return (uint8_t)(at % 251);
}

// The front sends bytes [from, to) of the body.
static void send_body(struct scene *s, uint64_t from, uint64_t to) {
    while (from < to) {
        uint8_t piece[4096];
        size_t n = to - from < sizeof piece ? to - from : sizeof piece;
        for (size_t i = 0; i < n; i++) {
            piece[i] = byte_at(from + i);
        }
        ssize_t sent = write(s->front[0], piece, n);
        assert_true(sent > 0);
        from += (uint64_t)sent;
    }
}

static void end_body(struct scene *s) {
    shutdown(s->front[0], SHUT_WR);
}

// The program reads until it has seen `n` bytes of the body; its end with UINT64_MAX.
static void read_until(struct scene *s, uint64_t n) {
    uint8_t piece[4096];
    while (s->seen < n) {
        uint64_t most = n - s->seen < sizeof piece ? n - s->seen : sizeof piece;
        ssize_t got = read(s->program, piece, most);
        assert_true(got >= 0);
        if (got == 0) {
            assert_int_equal(n, UINT64_MAX);
            return;
        }
        for (ssize_t i = 0; i < got; i++) {
            assert_int_equal(piece[i], byte_at(s->seen + (uint64_t)i));
        }
        s->seen += (uint64_t)got;
    }
}

static void await_state(struct scene *s, enum input_state state) {
    struct pollfd changed = {.fd = s->input.changed, .events = POLLIN};
    eventfd_t n;
    while (atomic_load(&s->input.state) != (int)state) {
        assert_int_equal(poll(&changed, 1, PATIENCE_MS), 1);
        eventfd_read(s->input.changed, &n);
    }
}

static void test_a_body_goes_through_and_ends(void **state) {
    struct scene *s = *state;
    start(s, 0);
    send_body(s, 0, 50000);
    read_until(s, 50000);
    assert_int_equal(atomic_load(&s->input.state), INPUT_OPEN);
    end_body(s);
    read_until(s, UINT64_MAX);
    await_state(s, INPUT_ENDED);
    assert_int_equal(s->seen, 50000);
    assert_int_equal(atomic_load(&s->input.to), -1);
}

static void test_a_program_that_does_not_read_is_waited_for(void **state) {
    struct scene *s = *state;
    start(s, BODY);
    send_body(s, 0, 100000); // what a pipe and a socket hold
    read_until(s, 100000);
    assert_int_equal(s->input.put, 0); // nothing went into a file
    end_body(s);
    await_state(s, INPUT_ENDED);
}

static void test_a_body_is_read_to_its_end_when_it_hurries(void **state) {
    struct scene *s = *state;
    start(s, 2 * BODY);
    input_hurry(&s->input);
    send_body(s, 0, BODY); // would never end: the program reads nothing
    end_body(s);
    await_state(s, INPUT_ENDED);
    read_until(s, UINT64_MAX);
    assert_int_equal(s->seen, BODY);
}

static void test_hurrying_begins_while_it_waits_for_the_program(void **state) {
    struct scene *s = *state;
    struct pollfd full = {.fd = s->front[0], .events = POLLOUT};
    int room = 4096;
    setsockopt(s->front[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    fcntl(s->front[0], F_SETFL, O_NONBLOCK);
    start(s, 2 * BODY);
    uint64_t sent = 0;
    uint8_t byte;
    while (poll(&full, 1, 200) == 1) { // until nobody reads
        byte = byte_at(sent);
        sent += write(s->front[0], &byte, 1) == 1;
    }
    fcntl(s->front[0], F_SETFL, 0);
    input_hurry(&s->input);
    send_body(s, sent, BODY);
    end_body(s);
    await_state(s, INPUT_ENDED);
    read_until(s, UINT64_MAX);
    assert_int_equal(s->seen, BODY);
}

// Then the rest comes no sooner than the program reads: it waits in the socket, which has room for
// it.
static void test_a_file_takes_no_more_than_it_may(void **state) {
    struct scene *s = *state;
    start(s, 100000);
    input_hurry(&s->input);
    send_body(s, 0, 200000);
    await_state(s, INPUT_SLOW);
    assert_true(s->input.put <= 100000);
    read_until(s, 200000);
    end_body(s);
    await_state(s, INPUT_ENDED);
    read_until(s, UINT64_MAX);
    assert_int_equal(s->seen, 200000);
}

static void test_a_program_may_close_its_input(void **state) {
    struct scene *s = *state;
    signal(SIGPIPE, SIG_IGN);
    start(s, 0);
    close(s->program);
    send_body(s, 0, 10);
    await_state(s, INPUT_REFUSED);
    send_body(s, 10, BODY); // the rest is thrown away
    end_body(s);
    await_state(s, INPUT_ENDED);
    s->program = dup(s->front[0]);
}

static void test_a_front_that_breaks_off_is_said_to_have(void **state) {
    struct scene *s = *state;
    start(s, 0);
    send_body(s, 0, 10);
    read_until(s, 10);
    // What is not a socket any more cannot be read.
    int nothing = open("/", O_RDONLY | O_DIRECTORY);
    int old = dup(s->front[1]);
    assert_int_equal(dup2(nothing, s->front[1]), s->front[1]);
    send_body(s, 10, 20); // to the read that is under way
    read_until(s, UINT64_MAX);
    await_state(s, INPUT_BROKEN);
    close(nothing);
    close(old);
}

static void test_a_short_body_needs_no_thread(void **state) {
    struct scene *s = *state;
    send_body(s, 0, 4096);
    end_body(s);
    input_pour(&s->input, &s->stream, s->input.file);
    assert_int_equal(atomic_load(&s->input.state), INPUT_ENDED);
    read_until(s, UINT64_MAX);
    assert_int_equal(s->seen, 4096);
}

static void test_a_short_body_for_a_program_that_has_closed_its_input(void **state) {
    struct scene *s = *state;
    signal(SIGPIPE, SIG_IGN);
    close(s->program);
    send_body(s, 0, 4096);
    end_body(s);
    input_pour(&s->input, &s->stream, s->input.file);
    assert_int_equal(atomic_load(&s->input.state), INPUT_ENDED);
    s->program = dup(s->front[0]);
}

static void test_it_ends_when_told_to_whatever_waits(void **state) {
    struct scene *s = *state;
    start(s, 0);
    send_body(s, 0,
              150000); // the program reads nothing: the thread waits for it, and teardown ends it
}

int main(void) {
#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        SCENE(test_a_body_goes_through_and_ends),
        SCENE(test_a_program_that_does_not_read_is_waited_for),
        SCENE(test_a_body_is_read_to_its_end_when_it_hurries),
        SCENE(test_hurrying_begins_while_it_waits_for_the_program),
        SCENE(test_a_file_takes_no_more_than_it_may),
        SCENE(test_a_program_may_close_its_input),
        SCENE(test_a_front_that_breaks_off_is_said_to_have),
        SCENE(test_a_short_body_needs_no_thread),
        SCENE(test_a_short_body_for_a_program_that_has_closed_its_input),
        SCENE(test_it_ends_when_told_to_whatever_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
