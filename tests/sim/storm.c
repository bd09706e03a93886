// SPDX-License-Identifier: MIT
#include "sim/storm.h"

#include "base/error.h"
#include "support/split.h"

#include <fastcgi.h>
#include <stdio.h>

#define PIECES 16 // of a body, by which it arrives

// A byte of the script where that is enough, else two.
static unsigned roll_script(struct storm *t, unsigned sides) {
    size_t n = sides > 256 ? 2 : 1;
    struct span bytes = span_first(t->script, n);
    t->script = span_skip(t->script, n);
    unsigned value = bytes.n > 0 ? bytes.p[0] : 0;
    return (bytes.n > 1 ? value << 8 | bytes.p[1] : value) % sides;
}

// splitmix64
static unsigned roll(struct storm *t, unsigned sides) {
    if (t->has_script) {
        return roll_script(t, sides);
    }
    uint64_t z = (t->seed += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (unsigned)((z ^ z >> 31) % sides);
}

// ---- the application ----------------------------------------------------------------------------

// The mark that stands in everything that is answered to a request: the last byte of its URI.
static char mark_of(const struct asked *a) {
    const struct span *uri = peer_param(a, SPAN("REQUEST_URI"));
    return uri != NULL && uri->n > 0 ? (char)uri->p[uri->n - 1] : '?';
}

static void say(struct storm *t, struct backend *b, struct span content) {
    peer_put_stream(&t->bytes, FCGI_STDOUT, peer_id(&b->peer), content);
}

static void say_head(struct storm *t, struct backend *b, struct said *said, char mark) {
    static const int statuses[] = {200, 200, 200, 404, 304, 204};
    char text[160], length[40] = "";
    said->status = statuses[roll(t, 6)];
    said->length = BODY_UNKNOWN;
    if (roll(t, 3) == 0) {
        said->length = roll(t, 3000);
        snprintf(length, sizeof length, "Content-Length: %u\r\n", (unsigned)said->length);
    }
    int n = snprintf(text, sizeof text, "Status: %d\r\n%s%sX-For: %c\r\n\r\n", said->status, length,
                     roll(t, 3) ? "" : "Link: </style.css>; rel=preload; as=style\r\n", mark);
    say(t, b, span_of(text, (size_t)n));
}

// Long ones where they do not arrive in so many pieces that a storm takes a second.
static void say_body(struct storm *t, struct backend *b, struct said *said, char mark) {
    char text[40000];
    size_t most = t->stage.conf.app_step * PIECES;
    most = most == 0 || most > sizeof text ? sizeof text : most;
    size_t n = roll(t, 4) ? 1 + roll(t, 900) % most : 1 + roll(t, sizeof text) % most;
    memset(text, mark, n);
    said->len += n;
    say(t, b, span_of(text, n));
}

static void say_nonsense(struct storm *t, struct backend *b, struct said *said) {
    static const struct span nonsense[] = {
        SPAN_INIT("\1\6\0\7\0\1\0\0?"), SPAN_INIT("\2\6\0\1\0\0\0\0"),
        SPAN_INIT("\1\4\0\1\0\0\0\0"),  SPAN_INIT("\1\3\0\1\0\1\0\0?"),
        SPAN_INIT("HTTP/1.1 200 OK"),
    };
    (void)b;
    said->is_spoilt = true;
    buf_put(&t->bytes, nonsense[roll(t, 5)]);
}

// The next thing that an application says to the request it works on, put to t->bytes.
static void speak(struct storm *t, struct backend *b, struct said *said) {
    const struct asked *a = &b->peer.asked[b->peer.asked_n - 1];
    char mark = mark_of(a);
    unsigned what = roll(t, 40);
    if (what == 0) {
        say_nonsense(t, b, said);
    } else if (what < 4) {
        peer_put_stream(&t->bytes, FCGI_STDERR, a->id, SPAN("Status: 500\r\n\r\nerror"));
    } else if (what == 4) {
        said->is_spoilt |= said->status == 0;
        peer_put_end(&t->bytes, a->id, 0);
        said->has_ended = true;
    } else if (said->status == 0 && what < 12) {
        char text[80];
        int n = snprintf(text, sizeof text,
                         "Status: 103\r\nLink: </%c.css>; rel=preload; as=style\r\n\r\n", mark);
        say(t, b, span_of(text, (size_t)n));
    } else if (said->status == 0) {
        say_head(t, b, said, mark);
    } else if (what < 30) {
        say_body(t, b, said, mark);
    } else {
        peer_put_end(&t->bytes, a->id, 0);
        said->has_ended = true;
    }
}

static size_t backends_n(const struct storm *t) {
    return t->stage.backends_n < STORM_BACKENDS ? t->stage.backends_n : STORM_BACKENDS;
}

static struct backend *pick(struct storm *t) {
    size_t n = backends_n(t);
    return n > 0 ? stage_backend(&t->stage, roll(t, (unsigned)n)) : NULL;
}

static struct said *said_of(struct storm *t, const struct backend *b) {
    return b->peer.asked_n > 0 ? &t->said[b->number][b->peer.asked_n - 1] : NULL;
}

static void act_application(struct storm *t) {
    struct backend *b = pick(t);
    struct said *said = b != NULL ? said_of(t, b) : NULL;
    if (said == NULL || b->has_closed || !b->peer.asked[b->peer.asked_n - 1].has_params) {
        return;
    }
    if (roll(t, 30) == 0) {
        said->is_spoilt |= !said->has_ended;
        stage_close(&t->stage, b);
        return;
    }
    for (unsigned n = 1 + roll(t, 4); n > 0 && !said->has_ended; n--) {
        speak(t, b, said);
    }
    b->peer.asked[b->peer.asked_n - 1].is_answered = said->has_ended;
    if (said->has_ended && roll(t, 20) == 0) {
        say(t, b, SPAN("late")); // behind the end: nobody's
    }
    struct span all = buf_span(&t->bytes);
    size_t cut = roll(t, 2) ? roll(t, (unsigned)all.n + 1) : 0;
    stage_write(&t->stage, b, span_first(all, cut));
    if (cut > 0) {
        stage_turn(&t->stage);
    }
    stage_write(&t->stage, b, span_skip(all, cut));
    buf_take(&t->bytes, all.n);
}

// ---- the client ---------------------------------------------------------------------------------

static void send_request(struct storm *t) {
    static const char *const forms[] = {"GET /?%c",           "GET /hinted/?%c",
                                        "GET /push/?%c",      "HEAD /?%c",
                                        "GET /push-late/?%c", "POST /?%c\n",
                                        "GET /none.php",      "POST /?%c\ncontent-length: 500\n"};
    char text[64];
    const struct heard *last = t->requests_n > 0 ? t->requests[t->requests_n - 1] : NULL;
    bool is_h2 = t->stage.conf.is_h2;
    bool is_busy = !is_h2 && last != NULL && (last->end == SEEN_OPEN || !last->is_ended);
    if (t->requests_n == STORM_REQUESTS || t->stage.is_closed || is_busy) {
        return;
    }
    snprintf(text, sizeof text, forms[roll(t, is_h2 ? 8 : 7)], (int)('a' + t->requests_n));
    t->requests[t->requests_n++] = visitor_request(&t->stage.client, text);
}

static void act_client(struct storm *t) {
    struct stage *s = &t->stage;
    struct visitor *c = &s->client;
    struct heard *seen = t->requests[roll(t, (unsigned)t->requests_n)];
    char piece[201] = "";
    switch (roll(t, 16)) {
    case 0:
        if (!visitor_reset(c, seen) && roll(t, 4) == 0) {
            stage_lose_client(s);
        }
        break;
    case 1:
        for (size_t i = 0; i < c->seen_n && s->conf.is_h2; i++) {
            if (c->seen[i]->is_push && roll(t, 2)) {
                visitor_reset(c, c->seen[i]);
            }
        }
        break;
    case 2:
        if (roll(t, 10) == 0) {
            stage_lose_client(s);
        }
        break;
    case 3:
        if (roll(t, 10) == 0) {
            stage_shut_down(s);
        } else if (!s->conf.takes_pushes && roll(t, 10) == 0) {
            visitor_goaway(c); // a promise on its way then is an error to the client's library
        }
        break;
    case 4:
    case 5:
        visitor_end(c, t->requests[t->requests_n - 1]);
        break;
    case 6:
    case 7:
    case 8:
        memset(piece, 'u', 1 + roll(t, 200));
        visitor_body(c, t->requests[t->requests_n - 1], piece);
        break;
    default:
        if (s->conf.window > 0) {
            visitor_open(c, 1 + (int)roll(t, 5000));
        }
        break;
    }
}

// What a client's library would not say: frames and lines of any kind, or halves of them.
static void act_wildly(struct storm *t) {
    static const struct span words[] = {
        SPAN_INIT("\0\0\4\3\0\0\0\0\1\0\0\0\x8"),            // RST_STREAM
        SPAN_INIT("\0\0\4\x8\0\0\0\0\0\0\0\0\1"),            // WINDOW_UPDATE
        SPAN_INIT("\0\0\4\x8\0\0\0\0\1\x7f\xff\xff\xff"),    // that of a stream, too large
        SPAN_INIT("\0\0\6\4\0\0\0\0\0\0\4\0\0\0\0"),         // SETTINGS, window 0
        SPAN_INIT("\0\0\x8\6\0\0\0\0\0abcdefgh"),            // PING
        SPAN_INIT("\0\0\5\1\5\0\0\0\x0d\x82\x84\x87\x41\0"), // HEADERS
        SPAN_INIT("\0\0\1\x9\4\0\0\0\x0d\x82"),              // CONTINUATION
        SPAN_INIT("\0\0\2\0\1\0\0\0\x0dxy"),                 // DATA
        SPAN_INIT("\0\0\5\2\0\0\0\0\1\0\0\0\1\x10"),         // PRIORITY on itself
        SPAN_INIT("\0\0\x8\7\0\0\0\0\0\0\0\0\0\0\0\0\0"),    // GOAWAY
        SPAN_INIT("GET /hinted/?x HTTP/1.1\r\nHost: blog.example\r\n\r\n"),
        SPAN_INIT("POST /?x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
        SPAN_INIT("5\r\nhello\r\n"),
        SPAN_INIT("0\r\n\r\n"),
        SPAN_INIT("Expect: 100-continue\r\n"),
        SPAN_INIT("\r\n"),
    };
    struct span word = words[roll(t, sizeof words / sizeof *words)];
    uint8_t raw[8];
    t->is_wild = true;
    if (roll(t, 4) == 0) {
        for (size_t i = 0; i < sizeof raw; i++) {
            raw[i] = (uint8_t)roll(t, 256);
        }
        word = span_of(raw, sizeof raw);
    }
    visitor_flush(&t->stage.client);
    buf_put(&t->stage.client.out, roll(t, 4) ? word : span_first(word, roll(t, 12)));
}

static void wait(struct storm *t) {
    static const unsigned ms[] = {1, 900, 5000, 31000, 61000, 700000};
    stage_wait(&t->stage, ms[roll(t, sizeof ms / sizeof *ms)]);
}

void storm_step(struct storm *t) {
    static const int errors[] = {ERR_BACKEND_THINK_TIMEOUT, ERR_BACKEND_IDLE_TIMEOUT,
                                 ERR_BACKEND_CONNECT};
    unsigned what = roll(t, t->has_script ? 24 : 20);
    if (t->requests_n == 0 || what < 3) {
        send_request(t);
    } else if (what >= 22) {
        act_wildly(t);
    } else if (what >= 20) {
        wait(t);
    } else if (what < 8) {
        act_client(t);
    } else if (what == 8 && roll(t, 5) == 0) {
        struct backend *b = pick(t);
        stage_fail(&t->stage, b, errors[roll(t, 3)]);
        if (b != NULL && said_of(t, b) != NULL) {
            said_of(t, b)->is_spoilt = true;
        }
    } else {
        act_application(t);
    }
    if (roll(t, 3)) {
        stage_turn(&t->stage);
    }
}

// ---- judging ------------------------------------------------------------------------------------

// What the application said to the request of that mark; the last time if it was asked twice.
static const struct said *said_to(const struct storm *t, char mark, const struct asked **asked) {
    for (size_t i = backends_n(t); i-- > 0;) {
        const struct backend *b = stage_backend(&t->stage, i);
        for (size_t k = 0; k < b->peer.asked_n; k++) {
            if (mark_of(&b->peer.asked[k]) == mark) {
                *asked = &b->peer.asked[k];
                return &t->said[i][k];
            }
        }
    }
    return NULL;
}

static bool is_all(struct span s, char mark) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != (uint8_t)mark) {
            return false;
        }
    }
    return true;
}

// How long the body is that a complete answer must have.
static uint64_t whole(const struct said *said, const struct heard *seen) {
    if (seen->is_head || said->status == 204 || said->status == 304) {
        return 0;
    }
    return said->length < said->len ? said->length : said->len;
}

static const char *judge_answer(const struct storm *t, const struct heard *seen, char mark) {
    char field[16];
    const struct asked *asked = NULL;
    struct span heads = buf_span(&seen->heads), body = buf_span(&seen->body);
    const struct said *said = said_to(t, mark, &asked);
    if (seen->is_refused && said != NULL) {
        return "a request refused by GOAWAY that an application was asked";
    }
    snprintf(field, sizeof field, "[x-for: %c]", mark);
    if (span_find(heads, SPAN("[x-for: ")) == heads.n) {
        return seen->status != 200 ? NULL : "a page of our own with status 200";
    }
    if (span_find(heads, span_str(field)) == heads.n || !is_all(body, mark)) {
        return "the answer to another request";
    }
    if (said == NULL || said->status != seen->status) {
        return "an answer that nobody gave";
    }
    if (seen->end != SEEN_COMPLETE) {
        return NULL;
    }
    // On HTTP/1 a body of the promised length is whole, whatever is said behind it.
    bool is_short =
        said->length != BODY_UNKNOWN && said->len < said->length && whole(said, seen) > 0;
    if ((!said->has_ended && !seen->has_all && whole(said, seen) > 0) || is_short) {
        return "a truncated answer that looks complete";
    }
    return body.n == whole(said, seen) ? NULL : "a body that is not the application's";
}

// After all that time nobody may be waiting any more.
static const char *without_end(const struct storm *t) {
    for (struct list *n = t->stage.parts.next; n != &t->stage.parts; n = n->next) {
        const struct part *p = LIST_ITEM(n, struct part, node);
        if (p->relay != NULL) {
            return "a request that outlives its deadlines";
        }
    }
    return NULL;
}

const char *storm_fault(struct storm *t) {
    const char *fault = t->is_wild ? t->stage.fault : play_fault(&t->stage);
    if (t->is_wild || t->is_silent) {
        // The rest of the table of deadlines is the connection's: what it is for ends there.
        bool is_over = t->stage.is_closed || front_is_held(t->stage.down.front);
        return fault != NULL || is_over || !t->is_silent ? fault : without_end(t);
    }
    for (size_t i = 0; fault == NULL && i < t->requests_n; i++) {
        fault = judge_answer(t, t->requests[i], (char)('a' + i));
        if (fault == NULL && t->requests[i]->end == SEEN_OPEN && t->requests[i]->is_ended) {
            fault = "a stream that never ends";
        }
    }
    for (struct list *n = t->stage.parts.next; fault == NULL && n != &t->stage.parts; n = n->next) {
        const struct part *p = LIST_ITEM(n, struct part, node);
        const struct relay *r = p->relay;
        if (r != NULL && r->stream != NULL && !r->exchange.is_collecting &&
            r->call->backend == NULL && t->stage.backends_n > 0 &&
            r->stream->request.body_len == 0) {
            fault = "a request that nobody works for";
        }
    }
    return fault;
}

// Every application closes, the client reads everything and completes its bodies.
void storm_calm(struct storm *t) {
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < t->requests_n; i++) {
            visitor_end(&t->stage.client, t->requests[i]);
        }
        stage_turn(&t->stage);
        for (size_t i = 0; i < t->stage.backends_n; i++) {
            stage_close(&t->stage, stage_backend(&t->stage, i));
        }
        stage_turn(&t->stage);
        visitor_open(&t->stage.client, 100 << 20);
        stage_turn(&t->stage);
    }
}

// Whether one was still open.
static bool close_applications(struct storm *t) {
    bool was_open = false;
    for (size_t i = 0; i < t->stage.backends_n; i++) {
        struct backend *b = stage_backend(&t->stage, i);
        was_open |= !b->has_closed && !b->is_dead;
        stage_close(&t->stage, b);
    }
    return was_open;
}

void storm_silence(struct storm *t) {
    t->is_silent = true;
    bool was_open = true; // of requests one behind the other each asks when the one before is over
    for (int round = 0; round < 3 || was_open; round++) {
        stage_turn(&t->stage);
        was_open = close_applications(t);
        stage_turn(&t->stage);
        stage_wait(&t->stage, 200000);
    }
    stage_turn(&t->stage);
}

void storm_write(const struct storm *t, struct buf *text) {
    for (size_t i = 0; i < t->stage.client.seen_n; i++) {
        split_line(text, "%d: ", t->stage.client.seen[i]->id);
        visitor_write(t->stage.client.seen[i], text);
        split_line(text, "\n");
    }
}

static void start(struct storm *t) {
    buf_init(&t->bytes, 1u << 20);
    struct stage_conf conf = {.is_h2 = roll(t, 4) > 0,
                              .keeps = roll(t, 2),
                              .takes_pushes = roll(t, 2),
                              .buffers = roll(t, 2),
                              .stores = roll(t, 2),
                              .window = roll(t, 2) ? 1 + roll(t, 3000) : 0,
                              .client_step = roll(t, 4) ? 0 : 1 + roll(t, 30),
                              .app_step = roll(t, 2) ? 0 : 1 + roll(t, 3000)};
    stage_init(&t->stage, &conf);
}

void storm_init_seed(struct storm *t, uint64_t seed) {
    memset(t, 0, sizeof *t);
    t->seed = seed;
    start(t);
}

void storm_init_script(struct storm *t, struct span script) {
    memset(t, 0, sizeof *t);
    t->has_script = true;
    t->script = script;
    start(t);
}

void storm_fini(struct storm *t) {
    stage_fini(&t->stage);
    buf_fini(&t->bytes);
}
