// SPDX-License-Identifier: MIT
// pm.max_children as PHP-FPM's own pool files have it.
#include "config/fpm_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define UNIX(at)                                                                                   \
    { .is_unix = true, .path = SPAN_INIT(at) }
#define TCP(name, number)                                                                          \
    { .host = SPAN_INIT(name), .port = number }

static const struct {
    const char *name, *text;
    struct pool_server_conf server;
    unsigned children;
} rows[] = {
    {"as Debian has it",
     "; Start a new pool\n[www]\nuser = www-data\n"
     "listen = /run/php/php8.2-fpm.sock\npm = dynamic\npm.max_children = 5\n",
     UNIX("/run/php/php8.2-fpm.sock"), 5},
    {"a socket below /var/run", "[w]\nlisten=/var/run/f.sock\npm.max_children=7\n",
     UNIX("/run/f.sock"), 7},
    {"the second of two pools",
     "[a]\nlisten = /run/a\npm.max_children = 1\n[b]\npm.max_children = 2\nlisten = /run/b\n",
     UNIX("/run/b"), 2},
    {"the first of two pools",
     "[a]\nlisten = /run/a\npm.max_children = 1\n[b]\npm.max_children = 2\nlisten = /run/b\n",
     UNIX("/run/a"), 1},
    {"the name of the pool in its socket's",
     "[blog]\nlisten = /run/$pool.sock\npm.max_children = 9", UNIX("/run/blog.sock"), 9},
    {"quotes and a comment", "[a]\nlisten = \"/run/a\" ; here\n pm.max_children = \"12\";\n",
     UNIX("/run/a"), 12},
    {"a comment is no option", "[a]\nlisten = /run/a\n;pm.max_children = 12\n", UNIX("/run/a"), 0},
    {"another socket", "[a]\nlisten = /run/a\npm.max_children = 12\n", UNIX("/run/ab"), 0},
    {"a port", "[a]\nlisten = 9000\npm.max_children = 3\n", TCP("127.0.0.1", 9000), 3},
    {"a port of an address", "[a]\nlisten = 127.0.0.1:9000\npm.max_children = 3\n",
     TCP("localhost", 9000), 3},
    {"a port of another machine", "[a]\nlisten = 9000\npm.max_children = 3\n",
     TCP("php.example", 9000), 0},
    {"another port", "[a]\nlisten = 9001\npm.max_children = 3\n", TCP("127.0.0.1", 9000), 0},
    {"no number", "[a]\nlisten = /run/a\npm.max_children = many\n", UNIX("/run/a"), 0},
    {"rubbish", "]][[\n=\n[\n\xff\x00", UNIX("/run/a"), 0},
};

static void the_limit_is_found_by_the_address(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[] = "/tmp/outrider-fpm-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, rows[i].text, strlen(rows[i].text)), strlen(rows[i].text));
        close(fd);
        unsigned children = fpm_pool_children(path, &rows[i].server);
        unlink(path);
        if (children != rows[i].children) {
            fail_msg("%s: %u", rows[i].name, children);
        }
    }
}

static void without_files_nothing_is_known(void **state) {
    (void)state;
    assert_int_equal(fpm_pool_children("/nowhere/*.conf", &rows[0].server), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_is_found_by_the_address),
        cmocka_unit_test(without_files_nothing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
