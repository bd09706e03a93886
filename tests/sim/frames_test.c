// SPDX-License-Identifier: MIT
// What may come in any order: interim responses (ours, the application's), the final one, pushes,
// failures, a client that goes away. First as rows that say what must come of it, then all orders
// of a few events, of which only the rules are known: one final response at most, nothing interim
// behind it, nothing that looks complete and is not, and an end for everything.
#include "sim/play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

#define HEAD "Content-Type: text/plain\r\n\r\n"
#define HELLO HEAD "hello"
#define SEEN_HELLO "200 [content-type: text/plain] \"hello\" complete"
#define HINT "Status: 103 Early Hints\r\nLink: </b.css>; rel=preload; as=style\r\n\r\n"
#define SEEN_HINT "103 [link: </b.css>; rel=preload; as=style] "
#define SEEN_OURS "103 [link: </a.css>; rel=preload; as=style] "
#define SEEN_CSS "200 [content-type: text/css] [x-http2-push: pushed] \"css\" complete"
#define KIB                                                                                        \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"             \
    "0123456789abcdef0123456789abcdef0123456789abcdef"

// ---- interim responses --------------------------------------------------------------------------

static const struct play interims[] = {
    {.name = "ours, then the page",
     .request = "GET /hinted/",
     .acts = {OUT(HELLO), END},
     .client = SEEN_OURS SEEN_HELLO},
    {.name = "the application's, then the page",
     .acts = {OUT(HINT), OUT(HELLO), END},
     .client = SEEN_HINT SEEN_HELLO},
    {.name = "the application's leaves before its page is there",
     .acts = {OUT(HINT)},
     .client = SEEN_HINT "open",
     .h1 = "open"},
    {.name = "the application's in pieces",
     .acts = {OUT("Status: 103\r\nLi"), OUT("nk: </b.css>; rel=preload; as=style\r\n"), OUT("\r"),
              OUT("\nContent-Type: text/plain\r\n"), OUT("\r\nhello"), END},
     .client = SEEN_HINT SEEN_HELLO},
    {.name = "only the first of several",
     .acts = {OUT(HINT),
              OUT("Status: 103\r\nLink: </c.css>; "
                  "rel=preload; as=style\r\n\r\n"),
              OUT(HINT), OUT(HELLO), END},
     .client = SEEN_HINT SEEN_HELLO},
    {.name = "ours makes the application's superfluous",
     .request = "GET /hinted/",
     .acts = {OUT(HINT), OUT(HINT), OUT(HELLO), END},
     .client = SEEN_OURS SEEN_HELLO},
    {.name = "an application's without a usable link does not leave, the next one does",
     .acts = {OUT("Status: 103\r\nX: y\r\n\r\n"), OUT(HINT), OUT(HELLO), END},
     .client = SEEN_HINT SEEN_HELLO},
    {.name = "nothing but links leaves in one",
     .acts = {OUT("Status: 103\r\nSet-Cookie: a=b\r\nLink: </b.css>; rel=preload; as=style; "
                  "nopush; title=x\r\nContent-Length: 5\r\n\r\n"),
              OUT(HELLO), END},
     .client = SEEN_HINT SEEN_HELLO},
    {.name = "100 and 102 are not relayed",
     .acts = {OUT("Status: 100\r\n\r\nStatus: 102\r\n\r\n"), OUT(HELLO), END},
     .client = SEEN_HELLO},
    {.name = "one inside the page is the page's text",
     .acts = {OUT(HEAD), OUT(HINT), END},
     .client = "200 [content-type: text/plain] \"" HINT "\" complete"},
    {.name = "none to a HEAD",
     .request = "HEAD /hinted/",
     .acts = {OUT(HINT), OUT(HELLO), END},
     .client = "200 [content-type: text/plain] complete",
     .backend = "HEAD /index.php"},
    {.name = "none to a POST",
     .request = "POST /hinted/\n\nx",
     .acts = {OUT(HINT), OUT(HELLO), END},
     .client = SEEN_HELLO,
     .backend = "POST /index.php \"x\""},
    {.name = "F-12: one as the only block is the final head, with status 200",
     .takes_no_pushes = true,
     .acts = {OUT(HINT "<p>hello"), END},
     .client = SEEN_HINT "200 [link: </b.css>; rel=preload; as=style] \"<p>hello\" complete"},
    {.name = "F-12: one and nothing else is no answer",
     .takes_no_pushes = true,
     .acts = {OUT(HINT), END},
     .client = SEEN_HINT "502 page complete",
     .error = "backend_status"},
    {.name = "F-12: two, and the second is the only block that is left",
     .takes_no_pushes = true,
     .acts = {OUT(HINT HINT "<p>hello"), END},
     .client = SEEN_HINT "200 [link: </b.css>; rel=preload; as=style] \"<p>hello\" complete"},
    {.name = "F-12: status 100 alone",
     .acts = {OUT("Status: 100 Continue\r\n\r\n<p>hello"), END},
     .client = "200 \"<p>hello\" complete"},
    {.name = "one with a control character",
     .acts = {OUT("Status: 103 \x01\r\n\r\n"), END},
     .client = "502 page complete",
     .error = "backend_status"},
    {.name = "one, then the connection ends",
     .acts = {OUT(HINT), CLOSE},
     .client = SEEN_HINT "502 page complete",
     .error = "backend_closed"},
    {.name = "ours, then the connection ends",
     .request = "GET /hinted/",
     .acts = {CLOSE},
     .client = SEEN_OURS "502 page complete",
     .error = "backend_closed"},
    {.name = "one, then a bad head",
     .acts = {OUT(HINT), OUT("Content-Type: a\r\n b\r\n\r\n"), END},
     .client = SEEN_HINT "502 page complete",
     .error = "backend_head"},
    {.name = "one, then a bad record",
     .acts = {OUT(HINT), RAW("\x02\x06\0\1\0\0\0\0")},
     .client = SEEN_HINT "502 page complete",
     .error = "backend_record"},
    {.name = "one, then silence",
     .acts = {OUT(HINT), FAIL(ERR_BACKEND_THINK_TIMEOUT)},
     .client = SEEN_HINT "504 page complete",
     .error = "backend_think_timeout"},
    {.name = "ours, then the page is broken off",
     .request = "GET /hinted/",
     .acts = {OUT(HELLO), CLOSE},
     .client = "reset",
     .error = "backend_short"},
    {.name = "ours, and a body that is too long to be taken",
     .request = "GET /hinted/missing/",
     .acts = {OUT("Status: 404\r\n\r\nno"), END},
     .client = SEEN_OURS "404 \"no\" complete"},
};

// ---- what was learned ---------------------------------------------------------------------------

#define PAGE "Content-Type: text/html\r\n\r\n<link rel=stylesheet href=/b.css>"
#define SEEN_PAGE "200 [content-type: text/html] \"<link rel=stylesheet href=/b.css>\" complete"
#define SEEN_LEARNED "103 [link: </l.css>; rel=preload; as=style] "
#define SEEN_BOTH SEEN_HINT SEEN_HINT
#define REDIRECT "Status: 302\r\nLocation: /wp-login.php\r\n\r\n"

static const struct play learned[] = {
    {.name = "what was learned leaves before the page, and the page teaches",
     .request = "GET /learned/",
     .acts = {OUT(PAGE), END},
     .client = SEEN_LEARNED SEEN_PAGE,
     .taught = "page /learned/ 200"},
    {.name = "what was learned leaves before the page is there",
     .request = "GET /learned/",
     .acts = {TURN},
     .client = SEEN_LEARNED "open",
     .h1 = "open",
     .taught = ""},
    {.name = "a page never seen before is hinted what its kind needs",
     .request = "GET /kind/x",
     .acts = {OUT(PAGE), END},
     .client = SEEN_LEARNED SEEN_PAGE,
     .taught = "page /kind/x 200"},
    {.name = "an application's interim is too late behind ours, which left with the request",
     .request = "GET /learned/",
     .acts = {OUT(HINT), OUT(PAGE), END},
     .client = SEEN_LEARNED SEEN_PAGE,
     .taught = "page /learned/ 200"},
    {.name = "who is no browser gets all of the application's by choice",
     .request = "GET /\nsec-fetch-mode: cors",
     .acts = {OUT(HINT), OUT(HINT), OUT(HELLO), END},
     .relay = SITE_RELAY_ALL,
     .client = SEEN_BOTH SEEN_HELLO},
    {.name = "but a browser only the first",
     .acts = {OUT(HINT), OUT(HINT), OUT(HELLO), END},
     .relay = SITE_RELAY_ALL,
     .client = SEEN_HINT SEEN_HELLO},
    {.name = "and nobody any, by another choice",
     .acts = {OUT(HINT), OUT(HINT), OUT(HELLO), END},
     .relay = SITE_RELAY_OFF,
     .client = SEEN_HELLO},
    {.name = "no more than a client bears",
     .request = "GET /\nsec-fetch-mode: cors",
     .acts = {OUT(HINT HINT HINT), OUT(HINT HINT HINT), OUT(HELLO), END},
     .relay = SITE_RELAY_ALL,
     .client = SEEN_BOTH SEEN_BOTH SEEN_HELLO},
    {.name = "an asset that is gone is in nobody's hints",
     .acts = {OUT("Status: 103\r\nLink: </gone.css>; rel=preload; as=style\r\n"
                  "Link: </b.css>; rel=preload; as=style\r\n\r\n"),
              OUT(HELLO), END},
     .client = SEEN_HINT SEEN_HELLO},
    {.name = "103, then a redirect: there is one final response, and that is told",
     .request = "GET /learned/",
     .acts = {OUT(REDIRECT), END},
     .client = SEEN_LEARNED "302 [location: /wp-login.php] complete",
     .taught = "page /learned/ 302"},
    {.name = "103, then 502",
     .request = "GET /learned/",
     .acts = {CLOSE},
     .client = SEEN_LEARNED "502 page complete",
     .error = "backend_closed",
     .taught = ""},
    {.name = "103, then an error of the application",
     .request = "GET /learned/",
     .acts = {OUT("Status: 502\r\n\r\nno"), END},
     .client = SEEN_LEARNED "502 \"no\" complete",
     .taught = "page /learned/ 502"},
    {.name = "103, then a page that breaks off teaches nothing",
     .request = "GET /learned/",
     .acts = {OUT(PAGE), CLOSE},
     .client = "reset",
     .error = "backend_short",
     .taught = ""},
    {.name = "103, then the client resets",
     .request = "GET /learned/",
     .acts = {RESET, OUT(PAGE), END},
     .client = SEEN_LEARNED "cancelled",
     .h1 = "cancelled",
     .backend = "GET /index.php orphan over",
     .taught = ""},
    {.name = "103, then the client goes away, and gets its page",
     .request = "GET /learned/",
     .acts = {GOAWAY, OUT(PAGE), END},
     .client = SEEN_LEARNED SEEN_PAGE,
     .taught = "page /learned/ 200"},
    {.name = "103, then the server goes away, and the page is given",
     .request = "GET /learned/",
     .acts = {SHUT, OUT(PAGE), END},
     .client = SEEN_LEARNED SEEN_PAGE,
     .taught = "page /learned/ 200"},
    {.name = "a client is not told again what it has by this connection",
     .takes_no_pushes = true,
     .request = "GET /learned/",
     .acts = {OUT(PAGE), END, REQUEST("GET /learned/"), OUT(PAGE), END},
     .client = SEEN_LEARNED SEEN_PAGE " | " SEEN_PAGE,
     .backend = "GET /index.php | GET /index.php"},
    {.name = "but who may be another is",
     .request = "GET /learned/",
     .acts = {OUT(PAGE), END, REQUEST("GET /learned/\nvia: 2 proxy"), OUT(PAGE), END},
     .client = SEEN_LEARNED SEEN_PAGE " | " SEEN_LEARNED SEEN_PAGE,
     .backend = "GET /index.php | GET /index.php"},
    {.name = "two navigations at once have a 103 and a final response each",
     .request = "GET /learned/\nvia: 2 proxy",
     .acts = {REQUEST("GET /kind/x\nvia: 2 proxy"), OUT(PAGE), END, ON(0), OUT(PAGE), END},
     .client = SEEN_LEARNED SEEN_PAGE " | " SEEN_LEARNED SEEN_PAGE,
     .backend = "GET /index.php | GET /index.php",
     .is_h2_only = true},
    {.name = "an asset that a script answers is told",
     .request = "GET /x.css\nsec-fetch-dest: style\nsec-fetch-mode: no-cors",
     .acts = {OUT("Content-Type: text/css\r\nCache-Control: max-age=60\r\n\r\n"
                  "@import 'b.css';"),
              END},
     .client = "200 [content-type: text/css] [cache-control: max-age=60] "
               "\"@import 'b.css';\" complete",
     .taught = "asset /x.css 200 sheet /x.css 0"},
    {.name = "and that it is gone, too",
     .request = "GET /x.css\nsec-fetch-dest: style\nsec-fetch-mode: no-cors",
     .acts = {OUT("Status: 404\r\n\r\nno"), END},
     .client = "404 \"no\" complete",
     .taught = "asset /x.css 404"},
};

// ---- clients that go away -----------------------------------------------------------------------

static const struct play departures[] = {
    {.name = "F-19: while the application thinks",
     .acts = {RESET},
     .client = "cancelled",
     .backend = "GET /index.php orphan"},
    {.name = "F-19: and the application answers nevertheless",
     .acts = {RESET, OUT(HELLO), END},
     .client = "cancelled",
     .backend = "GET /index.php orphan over"},
    {.name = "F-19: and the application closes",
     .acts = {RESET, CLOSE},
     .client = "cancelled",
     .backend = "GET /index.php orphan over"},
    {.name = "F-19: and the application sends nonsense",
     .acts = {RESET, RAW("nonsense"), END},
     .client = "cancelled",
     .backend = "GET /index.php orphan over"},
    {.name = "F-19: behind the hints",
     .request = "GET /hinted/",
     .acts = {RESET},
     .client = SEEN_OURS "cancelled",
     .h1 = "cancelled",
     .backend = "GET /index.php orphan"},
    {.name = "F-19: in the middle of the head",
     .acts = {OUT("Content-Type: te"), RESET},
     .client = "cancelled",
     .backend = "GET /index.php orphan"},
    {.name = "F-19: in the middle of the body",
     .acts = {OUT(HELLO), RESET, OUT("more"), END},
     .client = "200 [content-type: text/plain] cancelled",
     .backend = "GET /index.php orphan over"},
    {.name = "F-19: behind the end", .acts = {OUT(HELLO), END, RESET}, .client = SEEN_HELLO},
    {.name = "F-19: in the middle of its own body",
     .request = "POST /\ncontent-length: 10\n",
     .acts = {BODY("01234"), RESET},
     .client = "cancelled",
     .backend = "POST /index.php \"01234\" open dropped"},
    {.name = "F-19: while its body is collected",
     .request = "POST /\n",
     .acts = {BODY("01234"), RESET},
     .client = "cancelled",
     .backend = ""},
    {.name = "F-19: behind its body",
     .request = "POST /\n\n01234",
     .acts = {RESET},
     .client = "cancelled",
     .backend = "POST /index.php \"01234\" orphan"},
    {.name = "the whole connection, with two requests under way",
     .acts = {OUT(HELLO), REQUEST("GET /2"), LOSE, OUT(HELLO), END},
     .client = "200 [content-type: text/plain] cancelled | cancelled",
     .backend = "GET /index.php orphan | GET /index.php orphan over",
     .is_h2_only = true},
    {.name = "a client that goes away gets what it asked for",
     .acts = {OUT(HEAD), GOAWAY, OUT("hello"), END},
     .client = SEEN_HELLO},
    {.name = "a server that goes away gives what it was asked for",
     .acts = {OUT(HEAD), SHUT, OUT("hello"), END},
     .client = SEEN_HELLO},
    {.name = "one stream's end is not another's",
     .acts = {REQUEST("GET /2"), RESET, ON(0), OUT(HELLO), END},
     .client = SEEN_HELLO " | cancelled",
     .backend = "GET /index.php | GET /index.php orphan",
     .is_h2_only = true},
    {.name = "answers come in any order",
     .acts = {REQUEST("GET /2"), OUT(HEAD "second"), END, ON(0), OUT(HELLO), END},
     .client = SEEN_HELLO " | 200 [content-type: text/plain] \"second\" complete",
     .backend = "GET /index.php | GET /index.php",
     .is_h2_only = true},
    {.name = "an application waits for a client that does not read",
     .window = 16,
     .acts = {OUT(HEAD), OUT_TIMES(2000, KIB), END, OPEN(1 << 20)},
     .client = "200 [content-type: text/plain] 256000 bytes complete"},
    {.name = "what a client does not read is not lost when it goes",
     .window = 16,
     .acts = {OUT(HEAD), OUT_TIMES(2000, KIB), END, RESET},
     .client = "200 [content-type: text/plain] cancelled",
     .is_h2_only = true,
     .backend = "GET /index.php orphan over"},
};

// ---- pushes -------------------------------------------------------------------------------------

static const struct play pushes[] = {
    {.name = "a push by rule is promised and answered before the page",
     .request = "GET /push/",
     .acts = {TURN},
     .client = "open + /style.css " SEEN_CSS},
    {.name = "a push by rule, then the page",
     .request = "GET /push/",
     .acts = {OUT(HELLO), END},
     .client = SEEN_HELLO " + /style.css " SEEN_CSS},
    {.name = "a push by the page's own link",
     .acts = {OUT("Link: </style.css>; rel=preload; as=style\r\n" HELLO), END},
     .client = "200 [link: </style.css>; rel=preload; as=style] [content-type: text/plain] "
               "\"hello\" complete + /style.css " SEEN_CSS},
    {.name = "nopush is honoured",
     .acts = {OUT("Link: </style.css>; rel=preload; as=style; nopush\r\n" HELLO), END},
     .client = "200 [link: </style.css>; rel=preload; as=style; nopush] "
               "[content-type: text/plain] \"hello\" complete"},
    {.name = "a link that speaks to us only does not leave",
     .acts = {OUT("Link: </style.css>; rel=preload; as=style; x-http2-push-only\r\n" HELLO), END},
     .client = SEEN_HELLO " + /style.css " SEEN_CSS},
    {.name = "nothing is pushed to who does not take it",
     .takes_no_pushes = true,
     .request = "GET /push/",
     .acts = {OUT("Link: </style.css>; rel=preload; as=style\r\n" HELLO), END},
     .client = "200 [link: </style.css>; rel=preload; as=style] [content-type: text/plain] "
               "\"hello\" complete"},
    {.name = "nothing of another origin is pushed",
     .acts = {OUT("Link: <https://evil.example/style.css>; rel=preload; as=style\r\n" HELLO), END},
     .client = "200 [link: <https://evil.example/style.css>; rel=preload; as=style] "
               "[content-type: text/plain] \"hello\" complete"},
    {.name = "a push that would be 404 is taken back",
     .request = "GET /push-gone/",
     .acts = {OUT(HELLO), END},
     .client = SEEN_HELLO " + /gone.php reset",
     .error = "not_found",
     .is_h2_only = true},
    {.name = "a push that an application answers by 404 is taken back",
     .request = "GET /push-late/",
     .acts = {OUT("Status: 404\r\n\r\nno"), END, ON(0), OUT(HELLO), END},
     .client = SEEN_HELLO " + /late.php reset",
     .backend = "GET /index.php | GET /late.php orphan over",
     .error = "not_found",
     .is_h2_only = true},
    {.name = "a push whose application fails is taken back",
     .request = "GET /push-late/",
     .acts = {CLOSE, TURN, ON(0), OUT(HELLO), END},
     .client = SEEN_HELLO " + /late.php reset",
     .backend = "GET /index.php | GET /late.php",
     .error = "backend_closed",
     .is_h2_only = true},
    {.name = "a push that an application answers",
     .request = "GET /push-late/",
     .acts = {OUT(HEAD "late"), END, ON(0), OUT(HELLO), END},
     .client = SEEN_HELLO " + /late.php 200 [content-type: text/plain] [x-http2-push: pushed] "
                          "\"late\" complete",
     .backend = "GET /index.php | GET /late.php",
     .is_h2_only = true},
    {.name = "a pushed page is not hinted, and pushes nothing",
     .request = "GET /push-late/",
     .acts = {OUT(HINT "Link: </style.css>; rel=preload; as=style\r\n" HEAD "late"), END, ON(0),
              OUT(HELLO), END},
     .client = SEEN_HELLO " + /late.php 200 [link: </style.css>; rel=preload; as=style] "
                          "[content-type: text/plain] [x-http2-push: pushed] \"late\" complete",
     .backend = "GET /index.php | GET /late.php",
     .is_h2_only = true},
    {.name = "a client takes a push back, the page goes on",
     .request = "GET /push-late/",
     .acts = {REJECT, OUT(HEAD "late"), END, ON(0), OUT(HELLO), END},
     .client = SEEN_HELLO " + /late.php cancelled",
     .backend = "GET /index.php | GET /late.php orphan over",
     .is_h2_only = true},
    {.name = "a client takes the page back, the push goes on",
     .request = "GET /push-late/",
     .acts = {RESET, OUT(HEAD "late"), END},
     .client = "cancelled + /late.php 200 [content-type: text/plain] [x-http2-push: pushed] "
               "\"late\" complete",
     .backend = "GET /index.php orphan | GET /late.php",
     .is_h2_only = true},
    {.name = "a page that fails does not take its push with it",
     .request = "GET /push/",
     .acts = {CLOSE},
     .client = "502 page complete + /style.css " SEEN_CSS,
     .error = "backend_closed"},
    {.name = "a page that is complete does not take its push with it",
     .request = "GET /push-late/",
     .acts = {ON(0), OUT(HELLO), END, TURN, ON(1), OUT(HEAD "late"), END},
     .client = SEEN_HELLO " + /late.php 200 [content-type: text/plain] [x-http2-push: pushed] "
                          "\"late\" complete",
     .backend = "GET /index.php | GET /late.php",
     .is_h2_only = true},
    {.name = "nothing is pushed for a HEAD by rule",
     .request = "HEAD /push/",
     .acts = {OUT(HELLO), END},
     .client = "200 [content-type: text/plain] complete",
     .backend = "HEAD /index.php"},
    {.name = "nor for a POST",
     .request = "POST /push/\n\nx",
     .acts = {OUT(HELLO), END},
     .client = SEEN_HELLO,
     .backend = "POST /index.php \"x\""},
    {.name = "nor for a PUT by the page's own link",
     .request = "PUT /\ncontent-length: 1\n\nx",
     .acts = {OUT("Link: </style.css>; rel=preload; as=style\r\n" HELLO), END},
     .client = "200 [link: </style.css>; rel=preload; as=style] [content-type: text/plain] "
               "\"hello\" complete",
     .backend = "PUT /index.php \"x\""},
    {.name = "a client that goes away is pushed nothing more",
     .acts = {GOAWAY, OUT("Link: </style.css>; rel=preload; as=style\r\n" HELLO), END},
     .client = "200 [link: </style.css>; rel=preload; as=style] [content-type: text/plain] "
               "\"hello\" complete"},
};

PLAY_TEST(one_interim_leaves_before_the_final_response, interims)
PLAY_TEST(what_was_learned_leaves_first_and_once, learned)
PLAY_TEST(who_goes_away_takes_nothing_with_it, departures)
PLAY_TEST(pushes_are_promised_first_and_end_by_themselves, pushes)

// ---- all orders ---------------------------------------------------------------------------------

#define LONGEST 5

static const struct act alphabet[] = {
    OUT(HINT),      OUT(PAGE), OUT("more"), END, CLOSE, RESET, FAIL(ERR_BACKEND_IDLE_TIMEOUT),
    ERRORS(1, "x"),
};
enum { LETTERS = sizeof alphabet / sizeof *alphabet };

// Behind its acts the application closes its connections: then nothing may be open any more.
static void check_order(const char *request, unsigned order, int n) {
    struct play play = {.name = "an order", .request = request};
    int acts = 0;
    for (int i = 0; i < n; i++, order /= LETTERS) {
        play.acts[acts++] = alphabet[order % LETTERS];
        if (order % 3 == 0 && acts < PLAY_ACTS - 5) {
            play.acts[acts++] = (struct act)TURN;
        }
    }
    const struct act ends[] = {ON(0), CLOSE, ON(1), CLOSE};
    memcpy(&play.acts[acts], ends, sizeof ends);
    struct performance p = {.conf = {.is_h2 = true, .takes_pushes = true}};
    play_perform(&play, &p);
    struct span text = buf_span(&p.text);
    bool is_open = span_find(text, SPAN("open")) < text.n;
    if (p.fault != NULL || is_open) {
        fail_msg("%s: order %u of %d: %s\n%.*s", request, order, n, p.fault ? p.fault : "",
                 SPAN_ARG(text));
    }
    buf_fini(&p.text);
}

static void every_order_has_one_final_response_or_a_visible_break(void **state) {
    (void)state;
    static const char *const requests[] = {"GET /", "GET /hinted/", "GET /push/", "GET /learned/"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        unsigned orders = 1;
        for (int n = 1; n <= LONGEST - (i > 0); n++) {
            orders *= LETTERS;
            for (unsigned order = 0; order < orders; order++) {
                check_order(requests[i], order, n);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_interim_leaves_before_the_final_response),
        cmocka_unit_test(what_was_learned_leaves_first_and_once),
        cmocka_unit_test(who_goes_away_takes_nothing_with_it),
        cmocka_unit_test(pushes_are_promised_first_and_end_by_themselves),
        cmocka_unit_test(every_order_has_one_final_response_or_a_visible_break),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
