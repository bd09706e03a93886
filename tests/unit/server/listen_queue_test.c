// SPDX-License-Identifier: MIT
#include "server/listen_queue.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#define MOST 3

// Listens at any port, and says at which: as an address of IPv4.
static int listen_anywhere(const struct sockaddr *any, socklen_t len, struct sockaddr_in *to) {
    struct sockaddr_in6 at;
    socklen_t n = sizeof at;
    int fd = socket(any->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, any, len), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    *to = (struct sockaddr_in){.sin_family = AF_INET,
                               .sin_port = at.sin6_port, // at the same place in both
                               .sin_addr = {htonl(INADDR_LOOPBACK)}};
    return fd;
}

static int length(int fd, const struct sockaddr_in *to) {
    struct sockaddr_storage any = {0};
    memcpy(&any, to, sizeof *to);
    return listen_queue_len(fd, (const struct sockaddr *)&any);
}

static void check(const struct sockaddr *any, socklen_t len) {
    struct sockaddr_in to;
    int fds[MOST], ask = listen_queue_open(), listening = listen_anywhere(any, len, &to);
    for (int i = 0; i < MOST; i++) {
        assert_int_equal(length(ask, &to), i);
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fds[i], (const struct sockaddr *)&to, sizeof to), 0);
    }
    close(accept(listening, NULL, NULL));
    assert_int_equal(length(ask, &to), MOST - 1);
    close(listening);
    assert_int_equal(length(ask, &to), -1);
    for (int i = 0; i < MOST; i++) {
        close(fds[i]);
    }
    close(ask);
}

static void who_is_not_accepted_is_counted(void **state) {
    (void)state;
    struct sockaddr_in one = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in all = {.sin_family = AF_INET};
    check((const struct sockaddr *)&one, sizeof one);
    check((const struct sockaddr *)&all, sizeof all);
}

static void a_socket_of_ipv6_answers_for_ipv4(void **state) {
    (void)state;
    struct sockaddr_in6 all = {.sin6_family = AF_INET6};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&all, sizeof all);
    close(fd);
    if (error != 0) {
        skip(); // no IPv6 here
    }
    check((const struct sockaddr *)&all, sizeof all);
}

static void without_a_descriptor_nothing_is_told(void **state) {
    (void)state;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(length(-1, &to), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_not_accepted_is_counted),
        cmocka_unit_test(a_socket_of_ipv6_answers_for_ipv4),
        cmocka_unit_test(without_a_descriptor_nothing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
