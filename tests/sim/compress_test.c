// SPDX-License-Identifier: MIT
// Compressed responses on the whole path: whatever the application's bytes are cut into, and
// however slow the client is, it reads what was given.
#include "sim/play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEAD "Content-Type: text/html\r\n\r\n"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED
#define SEEN(coding)                                                                               \
    "200 [content-type: text/html] [content-encoding: " coding "] [vary: Accept-Encoding] "
#define PLAIN "200 [content-type: text/html] [vary: Accept-Encoding] "

static const struct play codings[] = {
    {.name = "a page as gzip",
     .request = "GET /\naccept-encoding: gzip\n",
     .compressions = 1,
     .acts = {OUT(HEAD "hello "), OUT("world"), END},
     .client = SEEN("gzip") "\"hello world\" complete"},
    {.name = "as br",
     .request = "GET /\naccept-encoding: gzip, br\n",
     .compressions = 1,
     .acts = {OUT(HEAD "hello "), OUT("world"), END},
     .client = SEEN("br") "\"hello world\" complete"},
    {.name = "as zstd",
     .request = "GET /\naccept-encoding: gzip, br, zstd\n",
     .compressions = 1,
     .acts = {OUT(HEAD "hello "), OUT("world"), END},
     .client = SEEN("zstd") "\"hello world\" complete"},
    {.name = "a long one",
     .request = "GET /\naccept-encoding: gzip\n",
     .compressions = 1,
     .acts = {OUT(HEAD), OUT_TIMES(300, THOUSAND), END},
     .client = SEEN("gzip") "300000 bytes complete"},
    {.name = "its length is not said any more",
     .request = "GET /\naccept-encoding: gzip\n",
     .compressions = 1,
     .acts = {OUT("Content-Length: 5\r\n" HEAD "hello"), END},
     .client = SEEN("gzip") "\"hello\" complete"},
    {.name = "a client that does not ask",
     .compressions = 1,
     .acts = {OUT(HEAD "hello"), END},
     .client = PLAIN "\"hello\" complete"},
    {.name = "what is packed already",
     .request = "GET /\naccept-encoding: gzip\n",
     .compressions = 1,
     .acts = {OUT("Content-Encoding: x-own\r\n" HEAD), END},
     .client = "200 [content-encoding: x-own] [content-type: text/html] complete"},
    {.name = "an empty page",
     .request = "GET /\naccept-encoding: zstd\n",
     .compressions = 1,
     .acts = {OUT(HEAD), END},
     .client = SEEN("zstd") "\"\" complete"},
    {.name = "a HEAD gets the same fields and takes no encoder from anybody",
     .request = "HEAD /\naccept-encoding: gzip\n",
     .compressions = 1,
     .acts = {OUT(HEAD "hello"), END},
     .client = SEEN("gzip") "complete",
     .backend = "HEAD /index.php"},
    {.name = "a file",
     .request = "GET /style.css\naccept-encoding: gzip\n",
     .compressions = 1,
     .client = "200 [content-type: text/css] [content-encoding: gzip] [vary: Accept-Encoding] "
               "\"css\" complete",
     .backend = ""},
};

static const struct play flushes[] = {
    {.name = "what came so far can be read before the rest comes, and a break is seen as one",
     .request = "GET /\naccept-encoding: gzip\n",
     .compressions = 1,
     .acts = {OUT(HEAD "first"), TURN, CLOSE},
     .client = "reset",
     .backend = "GET /index.php",
     .error = "backend_short"},
    {.name = "a page in many pieces",
     .request = "GET /\naccept-encoding: br\n",
     .compressions = 1,
     .acts = {OUT(HEAD "a"), TURN, OUT("b"), TURN, OUT("c"), TURN, OUT("d"), END},
     .client = SEEN("br") "\"abcd\" complete"},
};

static const struct play bounds[] = {
    {.name = "the second at once goes as it is",
     .request = "GET /\naccept-encoding: gzip\n",
     .is_h2_only = true,
     .compressions = 1,
     .acts = {OUT(HEAD "a"), REQUEST("GET /2\naccept-encoding: gzip\n"), OUT(HEAD "b"), END, ON(0),
              OUT("c"), END, REQUEST("GET /3\naccept-encoding: gzip\n"), ON(2), OUT(HEAD "d"), END},
     .client =
         SEEN("gzip") "\"ac\" complete | " PLAIN "\"b\" complete | " SEEN("gzip") "\"d\" complete",
     .backend = "GET /index.php | GET /index.php | GET /index.php"},
    {.name = "one that is broken off gives its place back",
     .request = "GET /\naccept-encoding: zstd\n",
     .is_h2_only = true,
     .compressions = 1,
     .acts = {OUT(HEAD "a"), TURN, RESET, REQUEST("GET /2\naccept-encoding: zstd\n"), OUT(HEAD "b"),
              END},
     .client = SEEN("zstd") "cancelled | " SEEN("zstd") "\"b\" complete",
     .backend = "GET /index.php orphan | GET /index.php"},
    {.name = "a client that takes little at a time",
     .request = "GET /\naccept-encoding: gzip\n",
     .is_h2_only = true,
     .compressions = 1,
     .window = 16,
     .acts = {OUT(HEAD), OUT_TIMES(50, THOUSAND), END, OPEN(10), OPEN(100), OPEN(100000)},
     .client = SEEN("gzip") "50000 bytes complete"},
    {.name = "the encoder is free when the application is done, not when a slow client is",
     .request = "GET /\naccept-encoding: gzip\n",
     .is_h2_only = true,
     .stores = true,
     .compressions = 1,
     .window = 1,
     .acts = {OUT(HEAD), OUT_TIMES(50, THOUSAND), END, REQUEST("GET /2\naccept-encoding: gzip\n"),
              OUT(HEAD "b"), END, OPEN(100000)},
     .client = SEEN("gzip") "50000 bytes complete | " SEEN("gzip") "\"b\" complete",
     .backend = "GET /index.php | GET /index.php"},
    {.name = "a client that leaves",
     .request = "GET /\naccept-encoding: br\n",
     .compressions = 1,
     .acts = {OUT(HEAD "a"), LOSE},
     .client = SEEN("br") "cancelled",
     .backend = "GET /index.php orphan"},
};

PLAY_TEST(a_client_reads_what_was_given, codings)
PLAY_TEST(what_is_given_leaves, flushes)
PLAY_TEST(encoders_are_bounded_and_given_back, bounds)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_reads_what_was_given),
        cmocka_unit_test(what_is_given_leaves),
        cmocka_unit_test(encoders_are_bounded_and_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
