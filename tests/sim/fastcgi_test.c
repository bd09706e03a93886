// SPDX-License-Identifier: MIT
// Everything that an application may do to us, and a client through us to it. Each row is performed
// on HTTP/2 and HTTP/1.1, with every cut (sim/play.h). The rows carry the ids of a catalogue of
// attacks and faults; what of it cannot be shown in memory, and where it is shown instead:
//
//     F-07  symlinks, hidden files on a disk       server/files: tests/e2e/static_test.py
//     F-09  pairs longer than a record             fronts refuse such fields: unit/fcgi/params_test
//     F-15  that the timers run at all             server/upstream: tests/e2e/failures_test.py;
//                                                  here: what follows when one has run out
//     F-16  escaping and capping what is logged    server/log, server/upstream
//     F-17  retry on a connection gone stale       server/upstream: tests/e2e/failures_test.py
//     F-18  no retry of what is not safe           likewise
//     F-20  who keeps connections, and how many    unit/fcgi/pool_test; here: what they carry
//     F-21  the queue of a pool                    unit/fcgi/pool_test; here: its 503
//     F-22  permissions of a socket                there is no socket here
//     F-23  temporary files, a full disk           tests/e2e/bodies_test.py; here: 411 and 413
//     F-24  the CGI bridge                         a program: tests/e2e/fcgi_bridge_test.py
//     F-25  PHP-FPM's own status page              a path like others: unit/exchange/router_test
#include "sim/play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

#include <fastcgi.h>
#include <stdio.h>

#define HEAD "Content-Type: text/plain\r\n\r\n"
#define HELLO HEAD "hello"
#define SEEN_HELLO "200 [content-type: text/plain] \"hello\" complete"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED
#define TEN_THOUSAND                                                                               \
    THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND
#define FIELDS_8 "[x-a: b] [x-a: b] [x-a: b] [x-a: b] [x-a: b] [x-a: b] [x-a: b] [x-a: b] "
#define FIELDS_64 FIELDS_8 FIELDS_8 FIELDS_8 FIELDS_8 FIELDS_8 FIELDS_8 FIELDS_8 FIELDS_8

// ---- what a client may not make of its request
// ----------------------------------------------------

static const struct play asked[] = {
    {.name = "a page is asked for and answered", .acts = {OUT(HELLO), END}, .client = SEEN_HELLO},
    {.name = "F-01: a Proxy field never becomes HTTP_PROXY",
     .request = "GET /\nproxy: http://evil.example\nproxy: again\n",
     .acts = {OUT(HELLO), END},
     .client = SEEN_HELLO,
     .lacks = "HTTP_PROXY\n"},
    {.name = "F-02: names with underscore or dot are dropped, a repeated field is joined",
     .request = "GET /\nx_a: 1\nx-a: 2\nx.a: 3\nx-a: 4\n",
     .acts = {OUT(HELLO), END},
     .client = SEEN_HELLO,
     .has = "HTTP_X_A=2, 4\n"},
    {.name = "F-02: cookie crumbs are one cookie",
     .request = "GET /\ncookie: a=1\nx: y\ncookie: b=2\n",
     .acts = {OUT(HELLO), END},
     .client = SEEN_HELLO,
     .has = "HTTP_COOKIE=a=1; b=2\nHTTP_X=y\n"},
    {.name = "F-03: PATH_INFO is not set when there is none",
     .request = "GET /index.php?a=b\n",
     .acts = {OUT(HELLO), END},
     .client = SEEN_HELLO,
     .has = "QUERY_STRING=a=b\nSCRIPT_FILENAME=/srv/index.php\n",
     .lacks = "PATH_INFO\n"},
    {.name = "F-03: PATH_INFO is what follows a script that is there",
     .request = "GET /index.php/a/b\n",
     .acts = {OUT(HELLO), END},
     .client = SEEN_HELLO,
     .has = "PATH_INFO=/a/b\nSCRIPT_NAME=/index.php\n"},
    {.name = "F-08: no field is a variable of another name",
     .request = "GET /\nphp_value: a=b\nphp-admin-value: c\nscript-filename: /etc/passwd\n"
                "redirect-status: 500\ncontent-type: text/x\nhttps: off\nremote-addr: 1.1.1.1\n"
                "x-forwarded-for: 2.2.2.2\n",
     .acts = {OUT(HELLO), END},
     .client = SEEN_HELLO,
     .has = "SCRIPT_FILENAME=/srv/index.php\nREDIRECT_STATUS=200\nHTTPS=on\nCONTENT_TYPE=text/x\n"
            "REMOTE_ADDR=192.0.2.1\nHTTP_PHP_ADMIN_VALUE=c\n",
     .lacks = "PHP_VALUE\nPHP_ADMIN_VALUE\nHTTP_PHP_VALUE\nCONTENT_LENGTH\nHTTP_CONTENT_TYPE\n"
              "HTTP_X_FORWARDED_FOR\n"},
    {.name = "F-08: a length of a body that does not come is refused or waited for, never passed",
     .request = "POST /\ncontent-length: 0\n\n",
     .acts = {OUT(HELLO), END},
     .client = SEEN_HELLO,
     .backend = "POST /index.php",
     .lacks = "CONTENT_LENGTH\nHTTP_CONTENT_LENGTH\n"},
    {.name = "F-09: fields as large as a front lets through arrive whole",
     .request = "GET /\nx-a: " THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND
                "\nx-b: " THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND
                "\nx-c: " HUNDRED TEN TEN "1234567\nx-d: " HUNDRED TEN TEN "12345678\n",
     .acts = {OUT(HELLO), END},
     .client = SEEN_HELLO,
     .has = "HTTP_X_B=" THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND
            "\nHTTP_X_C=" HUNDRED TEN TEN "1234567\nHTTP_X_D=" HUNDRED TEN TEN "12345678\n"},
    {.name = "F-25: a status page's path is a path like others",
     .request = "GET /status?full\n",
     .acts = {OUT(HELLO), END},
     .client = SEEN_HELLO,
     .has = "SCRIPT_FILENAME=/srv/index.php\nSCRIPT_NAME=/index.php\nREQUEST_URI=/status?full\n"},
};

// Paths that nobody is asked for, or that are the front controller's business and no file's.
static const struct {
    const char *path;
    int status; // 200: the front controller is asked
} paths[] = {
    {"/a%00.php", 400},
    {"/index.php%00.jpg", 400},
    {"/index.php/a%0ab", 400},
    {"/index.php/a%0d", 400},
    {"/a%7f", 400},
    {"/../../etc/passwd", 400},
    {"/a/../../etc/passwd", 400},
    {"/%2e%2e/%2e%2e/etc/passwd", 400},
    {"/.%2e/etc/passwd", 400},
    {"/..%2f..%2fetc/passwd", 400},
    {"/a%2f..%2f..%2fetc/passwd", 400},
    {"/..%5c..%5cetc%5cpasswd", 400},
    {"/..\\..\\etc\\passwd", 400},
    {"/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd", 200},
    {"/%252e%252e/%252e%252e/etc/passwd", 200},
    {"/%%32%65%%32%65/etc/passwd", 400},
    {"/a%2", 400},
    {"/a%zz", 400},
    {"/a/../index.php", 200},
    {"/.git/config", 403},
    {"/a/.htaccess", 403},
    {"/gone.php", 404},
    {"/up/img.jpg/x.php", 404},
    {"/up/gone.php/x", 200},
};

// ---- what an application may not make of its answer
// -------------------------------------------------

static const struct play records[] = {
    {.name = "F-10: a record of version 2 first",
     .acts = {RECORD(2, FCGI_STDOUT, 1, 5, "hello"), END},
     .client = "502 page complete",
     .backend = "GET /index.php",
     .error = "backend_record"},
    {.name = "F-10: a record of version 0 in the body",
     .acts = {OUT(HELLO), RECORD(0, FCGI_STDOUT, 1, 5, "hello"), END},
     .client = "reset",
     .error = "backend_record"},
    {.name = "F-10: bytes of another protocol",
     .acts = {RAW("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")},
     .client = "502 page complete",
     .error = "backend_record"},
    {.name = "F-10: a record of a type that only applications get",
     .acts = {RECORD(1, FCGI_PARAMS, 1, 5, "hello"), OUT(HELLO), END},
     .client = "502 page complete",
     .error = "backend_record"},
    {.name = "F-10: a record of no known type",
     .acts = {OUT(HELLO), RECORD(1, 99, 1, 5, "hello"), END},
     .client = "reset",
     .error = "backend_record"},
    {.name = "F-10: a record of another request",
     .acts = {RECORD(1, FCGI_STDOUT, 2, sizeof HELLO - 1, HELLO), END},
     .client = "502 page complete",
     .error = "backend_record"},
    {.name = "F-10: output of request 0",
     .acts = {RECORD(1, FCGI_STDOUT, 0, sizeof HELLO - 1, HELLO), END},
     .client = "502 page complete",
     .error = "backend_record"},
    {.name = "F-10: an end of another request",
     .acts = {OUT(HELLO), RECORD(1, FCGI_END_REQUEST, 2, 8, "\0\0\0\0\0\0\0\0")},
     .client = "reset",
     .error = "backend_record"},
    {.name = "F-10: management records are skipped",
     .acts = {RECORD(1, FCGI_GET_VALUES_RESULT, 0, 18,
                     "\x0f\x01"
                     "FCGI_MPXS_CONNS0"),
              OUT(HELLO), RECORD(1, FCGI_UNKNOWN_TYPE, 0, 8, "\x63\0\0\0\0\0\0\0"), END},
     .client = SEEN_HELLO},
    {.name = "F-10: an end without output",
     .acts = {END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-10: an end with an empty output",
     .acts = {RECORD(1, FCGI_STDOUT, 1, 0, ""), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-10: an end in the middle of the head",
     .acts = {OUT("Content-Type: text/plain\r\nX-A"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-10: an end that is too short",
     .acts = {OUT(HELLO), RECORD(1, FCGI_END_REQUEST, 1, 4, "\0\0\0\0")},
     .client = "reset",
     .error = "backend_record"},
    {.name = "F-10: an end that is too long",
     .acts = {OUT(HELLO), RECORD(1, FCGI_END_REQUEST, 1, 9, "\0\0\0\0\0\0\0\0\0")},
     .client = "reset",
     .error = "backend_record"},
    {.name = "F-10: a refusal to multiplex",
     .acts = {END_WITH(FCGI_CANT_MPX_CONN)},
     .client = "502 page complete",
     .error = "backend_refused"},
    {.name = "F-10: overload",
     .acts = {END_WITH(FCGI_OVERLOADED)},
     .client = "503 page complete",
     .error = "backend_overloaded"},
    {.name = "F-10: a refusal behind the page",
     .acts = {OUT(HELLO), END_WITH(FCGI_UNKNOWN_ROLE)},
     .client = "reset",
     .error = "backend_refused"},
    {.name = "F-10: an unknown protocol status",
     .acts = {OUT(HELLO), END_WITH(77)},
     .client = "reset",
     .error = "backend_refused"},
    {.name = "F-10: the connection ends inside a record's header",
     .acts = {OUT(HELLO), RAW("\x01\x06\x00\x01"), CLOSE},
     .client = "reset",
     .error = "backend_short"},
    {.name = "F-10: the connection ends inside a record's content",
     .acts = {OUT(HEAD), RECORD(1, FCGI_STDOUT, 1, 100, "hello"), CLOSE},
     .client = "reset",
     .error = "backend_short"},
    {.name = "F-10: the connection ends inside the end's record",
     .acts = {OUT(HELLO), RECORD(1, FCGI_END_REQUEST, 1, 8, "\0\0\0\0\0"), CLOSE},
     .client = "reset",
     .error = "backend_short"},
    {.name = "F-10: data behind the end is nobody's",
     .acts = {OUT(HELLO), END, OUT("evil"), END},
     .client = SEEN_HELLO},
    {.name = "F-10: data behind the end is not the next user's",
     .keeps = true,
     .acts = {OUT(HELLO), END, OUT(HEAD "evil"), END, REQUEST("GET /2"), OUT(HEAD "second"), END},
     .client = SEEN_HELLO " | 200 [content-type: text/plain] \"second\" complete",
     .backend = "GET /index.php | GET /index.php"},
    {.name = "F-10: data of one request is not the next user's, however late it is",
     .keeps = true,
     .acts = {OUT(HELLO), END, REQUEST("GET /2"), RECORD(1, FCGI_STDOUT, 1, 2, "\n."),
              OUT(HEAD "second"), END},
     .client = SEEN_HELLO " | 502 page complete",
     .backend = "GET /index.php ~ GET /index.php",
     .error = "backend_record"},
    {.name = "F-10: standard error behind the end is not the next user's",
     .keeps = true,
     .acts = {OUT(HELLO), END, ERRORS(1, "late"), REQUEST("GET /2"), OUT(HEAD "second"), END},
     .client = SEEN_HELLO " | 200 [content-type: text/plain] \"second\" complete",
     .backend = "GET /index.php | GET /index.php"},
    {.name = "F-10: half a record behind the end ends the connection",
     .keeps = true,
     .acts = {OUT(HELLO), END, RAW("\x01\x06\x00"), REQUEST("GET /2"), OUT(HEAD "second"), END},
     .client = SEEN_HELLO " | 200 [content-type: text/plain] \"second\" complete",
     .backend = "GET /index.php | GET /index.php"},
};

static const struct play heads[] = {
    {.name = "F-11: more fields than allowed",
     .acts = {OUT_TIMES(300, "X-A: b\r\n"), OUT("\r\n"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: a header block that is too large",
     .acts = {OUT("X-A: "), OUT_TIMES(70, THOUSAND), OUT("\r\n\r\n"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: a header block larger than a front may send",
     .acts = {OUT("X-A: "), OUT_TIMES(50, THOUSAND), OUT("\r\n\r\nhello"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: a header block as large as allowed",
     .acts = {OUT("X-A: "), OUT_TIMES(44, THOUSAND), OUT("\r\n\r\nhello"), END},
     .client = "200 [x-a: " TEN_THOUSAND TEN_THOUSAND TEN_THOUSAND TEN_THOUSAND THOUSAND THOUSAND
         THOUSAND THOUSAND "] \"hello\" complete"},
    {.name = "F-11: as many fields as allowed",
     .acts = {OUT_TIMES(256, "X-A: b\r\n"), OUT("\r\nhello"), END},
     .client = "200 " FIELDS_64 FIELDS_64 FIELDS_64 FIELDS_64 "\"hello\" complete"},
    {.name = "F-11: a head in many records",
     .acts = {OUT("Con"), OUT("tent-Type"), OUT(": text/"), OUT("plain\r"), OUT("\n\r\nhel"),
              OUT("lo"), END},
     .client = SEEN_HELLO},
    {.name = "F-11: line feeds alone end lines",
     .acts = {OUT("Content-Type: text/plain\n\nhello"), END},
     .client = SEEN_HELLO},
    {.name = "F-11: a control character in a value",
     .acts = {OUT("X-A: a\x01"
                  "b\r\n\r\nhello"),
              END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: a zero byte in a value",
     .acts = {RECORD(1, FCGI_STDOUT, 1, 16, "X-A: a\0b\r\n\r\nhell"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: a bare carriage return would split the response",
     .acts = {OUT("X-A: a\rSet-Cookie: b\r\n\r\nhello"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: a folded field",
     .acts = {OUT("X-A: a\r\n b\r\n\r\nhello"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: a line without colon",
     .acts = {OUT("Content-Type: a/b\r\nhello\r\n\r\n"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: a field without name",
     .acts = {OUT(": a\r\n\r\nhello"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: a blank in a name",
     .acts = {OUT("X A: a\r\n\r\nhello"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: a name like a pseudo-header field",
     .acts = {OUT(":status: 204\r\n\r\nhello"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: a status line in place of a head",
     .acts = {OUT("HTTP/1.1 200 OK\r\n\r\nhello"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: bytes above ASCII in a value are passed on",
     .acts = {OUT("X-A: \xc3\xa4\r\n\r\nhello"), END},
     .client = "200 [x-a: \xc3\xa4] \"hello\" complete"},
    {.name = "F-11: an empty header block",
     .acts = {OUT("\r\nhello"), END},
     .client = "200 \"hello\" complete"},
    {.name = "F-11: a status that is no number",
     .acts = {OUT("Status: abc\r\n\r\n"), END},
     .client = "502 page complete",
     .error = "backend_status"},
    {.name = "F-11: status 99",
     .acts = {OUT("Status: 99\r\n\r\n"), END},
     .client = "502 page complete",
     .error = "backend_status"},
    {.name = "F-11: status 600",
     .acts = {OUT("Status: 600 No\r\n\r\n"), END},
     .client = "502 page complete",
     .error = "backend_status"},
    {.name = "F-11: a status of four digits",
     .acts = {OUT("Status: 2000\r\n\r\n"), END},
     .client = "502 page complete",
     .error = "backend_status"},
    {.name = "F-11: status 101",
     .acts = {OUT("Status: 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), END},
     .client = "502 page complete",
     .error = "backend_status"},
    {.name = "F-11: two statuses",
     .acts = {OUT("Status: 200 OK\r\nStatus: 404 Not Found\r\n\r\n"), END},
     .client = "502 page complete",
     .error = "backend_status"},
    {.name = "F-11: a control character in the reason",
     .acts = {OUT("Status: 200 O\x1bK\r\n\r\n"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: a status without reason",
     .acts = {OUT("Status: 404\r\n\r\nhello"), END},
     .client = "404 \"hello\" complete"},
    {.name = "F-11: a location without status redirects",
     .acts = {OUT("Location: https://a.example/\r\n\r\n"), END},
     .client = "302 [location: https://a.example/] complete"},
    {.name = "F-11: a location with a status keeps it",
     .acts = {OUT("Location: /new\r\nStatus: 201 Created\r\n\r\n"), END},
     .client = "201 [location: /new] complete"},
    {.name = "F-11: an empty location is none",
     .acts = {OUT("Location:\r\n\r\nhello"), END},
     .client = "200 [location: ] \"hello\" complete"},
    {.name = "F-11: two different lengths",
     .acts = {OUT("Content-Length: 5\r\nContent-Length: 4\r\n\r\nhello"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: the same length twice",
     .acts = {OUT("Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), END},
     .client = "200 [content-length: 5] \"hello\" complete"},
    {.name = "F-11: a length that is no number",
     .acts = {OUT("Content-Length: +5\r\n\r\nhello"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: a length above all numbers",
     .acts = {OUT("Content-Length: 18446744073709551616\r\n\r\nhello"), END},
     .client = "502 page complete",
     .error = "backend_head"},
    {.name = "F-11: a transfer coding and a connection of the application's are dropped",
     .acts = {OUT("Transfer-Encoding: chunked\r\nConnection: close\r\nKeep-Alive: 5\r\n"
                  "Upgrade: h2c\r\nTrailer: a\r\n" HELLO),
              END},
     .client = SEEN_HELLO},
    {.name = "a file that the application names is sent instead of its body",
     .acts = {OUT("X-Accel-Redirect: /style.css\r\n" HELLO), END},
     .client = "200 [content-type: text/css] \"css\" complete",
     .backend = "GET /index.php orphan over"},
    {.name = "a file that is not there is 404",
     .acts = {OUT("X-Accel-Redirect: /none.css\r\n" HELLO), END},
     .client = "404 page complete",
     .error = "not_found",
     .backend = "GET /index.php orphan over"},
    {.name = "fields that speak to the server do not reach the client",
     .acts = {OUT("X-Accel-Buffering: no\r\nX-Accel-Expires: 1\r\nX-A: b\r\n\r\nhello"), END},
     .client = "200 [x-a: b] \"hello\" complete"},
    {.name = "nor do they with another status than 200, and there they name no file",
     .acts = {OUT("Status: 404\r\nX-Accel-Redirect: /style.css\r\nX-Sendfile: /srv/a\r\n\r\nno"),
              END},
     .client = "404 \"no\" complete"},
    {.name = "F-11: several fields of one name stay apart and in order",
     .acts = {OUT("Set-Cookie: a=1\r\nX: y\r\nSet-Cookie: b=2\r\n\r\n"), END},
     .client = "200 [set-cookie: a=1] [x: y] [set-cookie: b=2] complete"},
};

// ---- lengths and ends ---------------------------------------------------------------------------

static const struct play lengths[] = {
    {.name = "F-13: a body of the right length",
     .acts = {OUT("Content-Length: 5\r\n\r\nhello"), END},
     .client = "200 [content-length: 5] \"hello\" complete"},
    {.name = "F-13: a longer body is cut",
     .acts = {OUT("Content-Length: 3\r\n\r\nhello"), OUT("more"), END},
     .client = "200 [content-length: 3] \"hel\" complete"},
    {.name = "F-13: a longer body is not the next answer",
     .keeps = true,
     .acts = {OUT("Content-Length: 3\r\n\r\nhello"), END, REQUEST("GET /2"), OUT(HEAD "second"),
              END},
     .client = "200 [content-length: 3] \"hel\" complete"
               " | 200 [content-type: text/plain] \"second\" complete",
     .backend = "GET /index.php ~ GET /index.php"},
    {.name = "F-13: a shorter body breaks the response off",
     .acts = {OUT("Content-Length: 9\r\n\r\nhello"), END},
     .client = "reset"},
    {.name = "F-13: no body at all where there was a length",
     .acts = {OUT("Content-Length: 9\r\n\r\n"), END},
     .client = "reset"},
    {.name = "F-13: a body to a HEAD is dropped, its length stays",
     .request = "HEAD /",
     .acts = {OUT("Content-Length: 5\r\n\r\nhello"), END},
     .client = "200 [content-length: 5] complete",
     .backend = "HEAD /index.php"},
    {.name = "F-13: a HEAD answered with a length only",
     .request = "HEAD /",
     .acts = {OUT("Content-Length: 5\r\n\r\n"), END},
     .client = "200 [content-length: 5] complete",
     .backend = "HEAD /index.php"},
    {.name = "F-13: a body with 204 is dropped, and its length",
     .acts = {OUT("Status: 204\r\nContent-Length: 5\r\n\r\nhello"), END},
     .client = "204 complete"},
    {.name = "F-13: a body with 304 is dropped",
     .acts = {OUT("Status: 304\r\nETag: \"a\"\r\n\r\nhello"), END},
     .client = "304 [etag: \"a\"] complete"},
    {.name = "F-13: dropped bodies are not the next answer",
     .keeps = true,
     .acts = {OUT("Status: 204\r\n\r\nhello"), END, REQUEST("GET /2"), OUT(HEAD "second"), END},
     .client = "204 complete | 200 [content-type: text/plain] \"second\" complete",
     .backend = "GET /index.php ~ GET /index.php"},
    {.name = "F-14: closed before anything was answered",
     .acts = {CLOSE},
     .client = "502 page complete",
     .error = "backend_closed"},
    {.name = "F-14: closed in the middle of the head",
     .acts = {OUT("Content-Type: te"), CLOSE},
     .client = "502 page complete",
     .error = "backend_closed"},
    {.name = "F-14: closed behind the head",
     .acts = {OUT(HEAD), CLOSE},
     .client = "reset",
     .error = "backend_short"},
    {.name = "F-14: closed in the middle of the body",
     .acts = {OUT(HELLO), CLOSE},
     .client = "reset",
     .error = "backend_short"},
    {.name = "F-14: closed behind a body of the promised length, but without an end",
     .acts = {OUT("Content-Length: 5\r\n\r\nhello"), CLOSE},
     .client = "reset",
     .h1 = "200 [content-length: 5] \"hello\" complete",
     .error = "backend_short"},
    {.name = "F-14: closed before the request's body was read",
     .request = "POST /\ncontent-length: 10\n",
     .acts = {BODY("01234"), CLOSE, BODY("56789"), BODY_END},
     .client = "502 page complete",
     .backend = "POST /index.php \"01234\" open",
     .error = "backend_closed"},
    {.name = "F-14: closed after it",
     .request = "POST /\n\n" TEN,
     .acts = {CLOSE},
     .client = "502 page complete",
     .backend = "POST /index.php \"" TEN "\"",
     .error = "backend_closed"},
    {.name = "F-15: no connection in time",
     .acts = {FAIL(ERR_BACKEND_CONNECT)},
     .client = "502 page complete",
     .error = "backend_connect"},
    {.name = "F-15: no answer in time",
     .acts = {FAIL(ERR_BACKEND_THINK_TIMEOUT)},
     .client = "504 page complete",
     .error = "backend_think_timeout"},
    {.name = "F-15: no complete head in time",
     .acts = {OUT("Content-Type: text/pl"), FAIL(ERR_BACKEND_THINK_TIMEOUT)},
     .client = "504 page complete",
     .error = "backend_think_timeout"},
    {.name = "F-15: nothing more in time",
     .acts = {OUT(HELLO), FAIL(ERR_BACKEND_IDLE_TIMEOUT)},
     .client = "reset",
     .error = "backend_idle_timeout"},
    {.name = "F-15: an answer behind the timeout is nobody's",
     .acts = {FAIL(ERR_BACKEND_THINK_TIMEOUT), OUT(HELLO), END},
     .client = "504 page complete",
     .error = "backend_think_timeout"},
    {.name = "F-21: no execution became free",
     .acts = {FAIL(ERR_QUEUE_TIMEOUT)},
     .client = "503 page complete",
     .error = "queue_timeout"},
    {.name = "F-16: nothing but standard error",
     .acts = {ERRORS(500, HUNDRED), END},
     .client = "502 page complete",
     .error = "backend_head",
     .errors_len = 50000},
    {.name = "F-16: nothing but standard error, then the end of the connection",
     .acts = {ERRORS(3, "boo\x1b[31m\nX"), CLOSE},
     .client = "502 page complete",
     .error = "backend_closed",
     .errors_len = 30},
    {.name = "F-16: standard error between everything",
     .acts = {ERRORS(2, "\xff\x01\n"), OUT("Content-Type: text"), ERRORS(1, HEAD),
              OUT("/plain\r\n\r\nhel"), ERRORS(1, "Status: 500\r\n\r\n"), OUT("lo"), ERRORS(1, "x"),
              END},
     .client = SEEN_HELLO,
     .errors_len = 6 + sizeof HEAD - 1 + 15 + 1},
};

// ---- the request's body -------------------------------------------------------------------------

static const struct play bodies[] = {
    {.name = "F-23: a body of known length is passed on as it comes",
     .request = "POST /\ncontent-length: 10\n",
     .acts = {BODY("01234"), BODY("56789"), BODY_END, OUT(HELLO), END},
     .client = SEEN_HELLO,
     .backend = "POST /index.php \"0123456789\"",
     .has = "CONTENT_LENGTH=10\nREQUEST_METHOD=POST\n"},
    {.name = "F-23: a body of unknown length is collected, then asked with its length",
     .request = "POST /\n",
     .acts = {BODY("01234"), BODY("56789"), BODY_END, OUT(HELLO), END},
     .client = SEEN_HELLO,
     .backend = "POST /index.php \"0123456789\"",
     .has = "CONTENT_LENGTH=10\n"},
    {.name = "F-23: nobody is asked while it is collected",
     .request = "POST /\n",
     .acts = {BODY("01234")},
     .client = "open",
     .backend = ""},
    {.name = "F-23: where bodies are buffered, nobody is asked before one is complete",
     .buffers = true,
     .request = "POST /\ncontent-length: 10\n",
     .acts = {BODY("01234")},
     .client = "open",
     .backend = ""},
    {.name = "F-23: then it is passed on whole",
     .buffers = true,
     .request = "POST /\ncontent-length: 10\n",
     .acts = {BODY("01234"), BODY("56789"), BODY_END, OUT(HELLO), END},
     .client = SEEN_HELLO,
     .backend = "POST /index.php \"0123456789\"",
     .has = "CONTENT_LENGTH=10\n"},
    {.name = "F-23: and a client that leaves before has cost nobody anything",
     .buffers = true,
     .request = "POST /\ncontent-length: 10\n",
     .acts = {BODY("01234"), RESET},
     .client = "cancelled",
     .backend = ""},
    {.name = "F-23: an empty body of unknown length",
     .request = "POST /\n",
     .acts = {BODY_END, OUT(HELLO), END},
     .client = SEEN_HELLO,
     .backend = "POST /index.php",
     .lacks = "CONTENT_LENGTH\n"},
    {.name = "F-23: a length above the limit is refused at once",
     .request = "POST /\ncontent-length: 1001\n",
     .acts = {BODY("01234")},
     .client = "413 page complete",
     .backend = ""},
    {.name = "F-23: a body of unknown length above the limit is refused",
     .request = "POST /\n",
     .acts = {BODY_TIMES(11, HUNDRED)},
     .client = "413 page complete",
     .backend = ""},
    {.name = "F-23: a large body of unknown length is collected",
     .request = "POST /\n",
     .body_limit = 16u << 20,
     .acts = {BODY_TIMES(1100, THOUSAND), BODY_END, OUT(HELLO), END},
     .client = SEEN_HELLO,
     .backend = "POST /index.php 1100000 bytes",
     .has = "CONTENT_LENGTH=1100000\n"},
    {.name = "F-23: a body as long as the limit",
     .request = "POST /\ncontent-length: 1000\n",
     .acts = {BODY(THOUSAND), BODY_END, OUT(HELLO), END},
     .client = SEEN_HELLO,
     .backend = "POST /index.php 1000 bytes"},
    {.name = "F-09: a body larger than any record",
     .request = "POST /\ncontent-length: 300000\n",
     .body_limit = 1u << 20,
     .acts = {BODY_TIMES(300, THOUSAND), BODY_END, OUT(HELLO), END},
     .client = SEEN_HELLO,
     .backend = "POST /index.php 300000 bytes"},
    {.name = "F-23: a body that ends early is never passed on as complete",
     .request = "POST /\ncontent-length: 10\n",
     .acts = {BODY("01234"), BODY_END, OUT(HELLO), END},
     .client = "reset",
     .backend = "POST /index.php \"01234\" open dropped",
     .is_h2_only = true},
    {.name = "F-23: a body that is longer than its length is not passed on",
     .request = "POST /\ncontent-length: 5\n",
     .acts = {BODY("01234"), BODY("56789"), BODY_END},
     .client = "reset",
     .backend = "POST /index.php \"01234\" open dropped",
     .is_h2_only = true},
    {.name = "F-23: what follows a body on HTTP/1 is the next request, and waits",
     .request = "POST /\ncontent-length: 5\n\nfirst",
     .acts = {REQUEST("POST /2\ncontent-length: 6\n\nsecond"), OUT(HELLO), END, TURN,
              OUT(HEAD "second"), END},
     .client = SEEN_HELLO " | 200 [content-type: text/plain] \"second\" complete",
     .backend = "POST /index.php \"first\" | POST /index.php \"second\"",
     .is_h1_only = true},
    {.name = "F-23: an answer before the body is complete is complete",
     .request = "POST /\ncontent-length: 10\n",
     .acts = {BODY("01234"), OUT(HELLO), END, BODY("56789"), BODY_END},
     .client = SEEN_HELLO,
     .backend = "POST /index.php \"01234\" open"},
    {.name = "F-20: a connection whose request was not taken whole is not used again",
     .request = "POST /\ncontent-length: 10\n",
     .keeps = true,
     .acts = {BODY("01234"), OUT(HELLO), END, BODY("56789"), BODY_END, REQUEST("GET /2"),
              OUT(HEAD "second"), END},
     .client = SEEN_HELLO " | 200 [content-type: text/plain] \"second\" complete",
     .backend = "POST /index.php \"01234\" open | GET /index.php"},
};

// ---- kept connections ---------------------------------------------------------------------------

static const struct play kept[] = {
    {.name = "F-20: two requests on one connection, no byte of one in the other",
     .keeps = true,
     .request = "POST /1\nx-user: one\ncookie: one\n\nfirst",
     .acts = {OUT("X-For: one\r\n\r\npage one"), END, REQUEST("POST /2\nx-user: two\n\nsecond!"),
              OUT("X-For: two\r\n\r\npage two"), END},
     .client = "200 [x-for: one] \"page one\" complete | 200 [x-for: two] \"page two\" complete",
     .backend = "POST /index.php \"first\" ~ POST /index.php \"second!\""},
    {.name = "F-20: a connection that failed is not used again",
     .keeps = true,
     .acts = {OUT("X A: b\r\n\r\n"), END, REQUEST("GET /2"), OUT(HELLO), END},
     .client = "502 page complete | " SEEN_HELLO,
     .backend = "GET /index.php | GET /index.php",
     .error = "backend_head"},
    {.name = "F-19: a connection whose client went away is not used again",
     .keeps = true,
     .acts = {OUT(HELLO), RESET, REQUEST("GET /2"), OUT(HEAD "second"), END},
     .client = "200 [content-type: text/plain] cancelled"
               " | 200 [content-type: text/plain] \"second\" complete",
     .backend = "GET /index.php orphan | GET /index.php",
     .is_h2_only = true},
    {.name = "F-17: a kept connection that was closed while idle is nobody's error",
     .keeps = true,
     .acts = {OUT(HELLO), END, CLOSE, REQUEST("GET /2"), OUT(HEAD "second"), END},
     .client = SEEN_HELLO " | 200 [content-type: text/plain] \"second\" complete",
     .backend = "GET /index.php | GET /index.php"},
    {.name = "F-20: without keeping, each request has its own connection",
     .acts = {OUT(HELLO), END, REQUEST("GET /2"), OUT(HEAD "second"), END},
     .client = SEEN_HELLO " | 200 [content-type: text/plain] \"second\" complete",
     .backend = "GET /index.php | GET /index.php"},
};

// ---- the program --------------------------------------------------------------------------------

static void check_all(const struct play *plays, size_t n) {
    for (size_t i = 0; i < n; i++) {
        play_check(&plays[i]);
    }
}

#define TEST(name, rows)                                                                           \
    static void name(void **state) {                                                               \
        (void)state;                                                                               \
        check_all(rows, sizeof rows / sizeof *rows);                                               \
    }

TEST(a_client_chooses_its_own_variables_only, asked)
TEST(malformed_records_are_502_or_a_visible_break, records)
TEST(malformed_heads_are_502, heads)
TEST(a_response_is_complete_or_visibly_not, lengths)
TEST(a_request_body_is_passed_whole_or_not_at_all, bodies)
TEST(nothing_of_one_request_is_in_another, kept)

// F-03 to F-07: the stage's disk objects to any look above the root.
static void a_path_is_a_file_under_the_root_or_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char request[128], client[64];
        bool is_asked = paths[i].status == 200;
        snprintf(request, sizeof request, "GET %s", paths[i].path);
        snprintf(client, sizeof client, is_asked ? SEEN_HELLO : "%d", paths[i].status);
        struct play play = {.name = paths[i].path,
                            .request = request,
                            .acts = {OUT(HELLO), END},
                            .client = client,
                            .backend = is_asked ? NULL : ""};
        for (int is_h2 = 0; is_h2 < 2; is_h2++) {
            struct performance p = {.conf = {.is_h2 = is_h2}};
            play_perform(&play, &p);
            struct span seen = buf_span(&p.text);
            size_t line = span_find(seen, SPAN("\n<- "));
            bool is_right =
                p.fault == NULL && span_has_prefix(seen, span_str(client)) &&
                span_has_suffix(span_first(seen, line), SPAN(" complete")) &&
                span_has_prefix(span_skip(seen, line),
                                is_asked ? SPAN("\n<- GET /index.php\n") : SPAN("\n<- \n"));
            if (!is_right) {
                fail_msg("%s: %.*s", paths[i].path, SPAN_ARG(seen));
            }
            buf_fini(&p.text);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_chooses_its_own_variables_only),
        cmocka_unit_test(a_path_is_a_file_under_the_root_or_nothing),
        cmocka_unit_test(malformed_records_are_502_or_a_visible_break),
        cmocka_unit_test(malformed_heads_are_502),
        cmocka_unit_test(a_response_is_complete_or_visibly_not),
        cmocka_unit_test(a_request_body_is_passed_whole_or_not_at_all),
        cmocka_unit_test(nothing_of_one_request_is_in_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
