// SPDX-License-Identifier: MIT
// What the relay sees to besides passing on: requests and responses that do not move, ends that an
// HTTP/1.0 client can tell from breaks, files, and bodies that wait for a slow client.
#include "sim/play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEAD "Content-Type: text/plain\r\n\r\n"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED

// The limits of the stage: 30 seconds for either.
static const struct play waits[] = {
    {.name = "a body that stops coming is 408, whether it was being passed on",
     .request = "POST /\ncontent-length: 10\n",
     .acts = {BODY("01234"), WAIT(30000), WAIT(1)},
     .client = "408 page complete",
     .backend = "POST /index.php \"01234\" open dropped",
     .error = "timeout"},
    {.name = "or collected",
     .request = "POST /\ncontent-length: 10\n",
     .buffers = true,
     .acts = {BODY("01234"), WAIT(30001)},
     .client = "408 page complete",
     .backend = "",
     .error = "timeout"},
    {.name = "one that comes slowly is waited for",
     .request = "POST /\ncontent-length: 10\n",
     .acts = {BODY("01234"), WAIT(20000), BODY("567"), WAIT(20000), BODY("89"), BODY_END,
              WAIT(20000), OUT(HEAD "hello"), END},
     .client = "200 [content-type: text/plain] \"hello\" complete",
     .backend = "POST /index.php \"0123456789\""},
    {.name = "an application may think for longer than a client may take",
     .acts = {WAIT(31000), OUT(HEAD "hello"), END},
     .client = "200 [content-type: text/plain] \"hello\" complete"},
    {.name = "a stream of which the client takes nothing is broken off",
     .is_h2_only = true,
     .window = 16,
     .acts = {OUT(HEAD HUNDRED), WAIT(1000), WAIT(30001)},
     .client = "reset",
     .backend = "GET /index.php orphan",
     .error = "timeout"},
    {.name = "one that it takes slowly is not",
     .is_h2_only = true,
     .window = 16,
     .acts = {OUT(HEAD HUNDRED), WAIT(1000), WAIT(28000), OPEN(10), WAIT(29000), OPEN(1000), END},
     .client = "200 [content-type: text/plain] \"" HUNDRED "\" complete"},
};

static const struct play ends[] = {
    {.name = "over HTTP/1.0 a body without a length ends with the connection",
     .is_http10 = true,
     .acts = {OUT(HEAD "hello"), END},
     .client = "200 [content-type: text/plain] \"hello\" complete"},
    {.name = "and one that breaks off does not end like that",
     .is_http10 = true,
     .acts = {OUT(HEAD "hello"), CLOSE},
     .client = "reset",
     .error = "backend_short"},
    {.name = "nor one that is shorter than it said",
     .is_http10 = true,
     .acts = {OUT("Content-Length: 9\r\n\r\nhello"), END},
     .client = "reset",
     .error = "backend_short"},
};

static const struct play files[] = {
    {.name = "a file is sent, and nobody asked",
     .request = "GET /style.css",
     .client = "200 [content-type: text/css] \"css\" complete",
     .backend = ""},
    {.name = "a file that a client takes byte by byte",
     .request = "GET /style.css",
     .is_h2_only = true,
     .window = 1,
     .acts = {OPEN(1), OPEN(1)},
     .client = "200 [content-type: text/css] \"css\" complete",
     .backend = ""},
    {.name = "a file of another folder is not named by an application",
     .acts = {OUT("X-Sendfile: /etc/passwd\r\n" HEAD), END},
     .client = "502 page complete",
     .backend = "GET /index.php orphan over",
     .error = "sendfile"},
    {.name = "one below the root is, by its path on the disk",
     .acts = {OUT("X-Sendfile: /srv/style.css\r\n" HEAD), END},
     .client = "200 [content-type: text/plain] \"css\" complete",
     .backend = "GET /index.php orphan over"},
    {.name = "or by its path in the site",
     .acts = {OUT("X-Accel-Redirect: /x/..//style%2ecss?a=b\r\n" HEAD), END},
     .client = "200 [content-type: text/plain] \"css\" complete",
     .backend = "GET /index.php orphan over"},
    {.name = "a path that leaves the root is none",
     .acts = {OUT("X-Accel-Redirect: /../etc/passwd\r\n" HEAD), END},
     .client = "502 page complete",
     .backend = "GET /index.php orphan over",
     .error = "sendfile"},
};

static const struct play stored[] = {
    {.name = "a response that is larger than memory and windows arrives whole",
     .stores = true,
     .is_h2_only = true,
     .window = 100,
     .acts = {OUT_TIMES(300, HEAD THOUSAND), END, OPEN(200000), OPEN(200000)},
     .client = "200 [content-type: text/plain] 308372 bytes complete"},
    {.name = "an application is done before its client has taken anything",
     .stores = true,
     .is_h2_only = true,
     .keeps = true,
     .window = 1,
     .acts = {OUT_TIMES(100, HEAD THOUSAND), END, REQUEST("GET /2"), OUT(HEAD "x"), END,
              OPEN(200000)},
     .client = "200 [content-type: text/plain] 102772 bytes complete"
               " | 200 [content-type: text/plain] \"x\" complete",
     .backend = "GET /index.php ~ GET /index.php"},
};

PLAY_TEST(what_does_not_move_ends, waits)
PLAY_TEST(an_end_is_not_a_break, ends)
PLAY_TEST(a_file_below_the_root_is_sent, files)
PLAY_TEST(a_slow_client_holds_no_application, stored)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_move_ends),
        cmocka_unit_test(an_end_is_not_a_break),
        cmocka_unit_test(a_file_below_the_root_is_sent),
        cmocka_unit_test(a_slow_client_holds_no_application),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
