// SPDX-License-Identifier: MIT
// A play is a row of data: a request, what the application and the client do, act by act, and what
// both must have seen in the end. play_check performs it on HTTP/2 and on HTTP/1.1, with the
// application's bytes whole, cut in two at every place and one by one, and with the client's bytes
// one by one: the outcome must be the same each time.
#ifndef TESTS_SIM_PLAY_H
#define TESTS_SIM_PLAY_H

#include "sim/stage.h"

enum act_kind {
    ACT_NOTHING, // the end of a row's acts
    // The application, on the connection that was made last (or ACT_ON):
    ACT_OUT,    // standard output: `text`, `n` times, a record each
    ACT_ERR,    // standard error, likewise
    ACT_END,    // END_REQUEST with protocol status n
    ACT_RECORD, // one record with the header of act.record and `text` as content
    ACT_RAW,    // n bytes at `text`
    ACT_CLOSE,  // the end of the connection
    ACT_FAIL,   // given up by a timer: error n
    // The client:
    ACT_BODY,     // a piece of the body of the request that was sent last: `text`, `n` times
    ACT_BODY_END, // its end
    ACT_REQUEST,  // another request
    ACT_RESET,    // breaks the request that was sent last off
    ACT_REJECT,   // breaks the first push off
    ACT_GOAWAY,
    ACT_OPEN, // opens its windows by n bytes
    ACT_LOSE, // the connection is lost
    ACT_ON,   // what the application does next, it does on connection n
    ACT_TURN, // nobody does anything: what was written before arrives
    ACT_SHUT, // Outrider is told to end
    ACT_WAIT, // n milliseconds pass
};

struct act {
    enum act_kind kind;
    const char *text;
    int n;
    struct peer_record record;
};

#define OUT(literal)                                                                               \
    { .kind = ACT_OUT, .text = (literal), .n = 1 }
#define OUT_TIMES(times, literal)                                                                  \
    { .kind = ACT_OUT, .text = (literal), .n = (times) }
#define ERRORS(times, literal)                                                                     \
    { .kind = ACT_ERR, .text = (literal), .n = (times) }
#define END                                                                                        \
    { .kind = ACT_END }
#define END_WITH(status)                                                                           \
    { .kind = ACT_END, .n = (status) }
#define RAW(literal)                                                                               \
    { .kind = ACT_RAW, .text = (literal), .n = (int)sizeof(literal) - 1 }
#define RECORD(record_version, record_type, record_id, record_len, literal)                        \
    {                                                                                              \
        .kind = ACT_RECORD, .record = {                                                            \
            .version = (record_version),                                                           \
            .type = (record_type),                                                                 \
            .id = (record_id),                                                                     \
            .len = (record_len),                                                                   \
            .content = SPAN_INIT(literal)                                                          \
        }                                                                                          \
    }
#define CLOSE                                                                                      \
    { .kind = ACT_CLOSE }
#define FAIL(error)                                                                                \
    { .kind = ACT_FAIL, .n = (error) }
#define BODY(literal)                                                                              \
    { .kind = ACT_BODY, .text = (literal), .n = 1 }
#define BODY_TIMES(times, literal)                                                                 \
    { .kind = ACT_BODY, .text = (literal), .n = (times) }
#define BODY_END                                                                                   \
    { .kind = ACT_BODY_END }
#define REQUEST(literal)                                                                           \
    { .kind = ACT_REQUEST, .text = (literal) }
#define RESET                                                                                      \
    { .kind = ACT_RESET }
#define REJECT                                                                                     \
    { .kind = ACT_REJECT }
#define GOAWAY                                                                                     \
    { .kind = ACT_GOAWAY }
#define OPEN(bytes)                                                                                \
    { .kind = ACT_OPEN, .n = (bytes) }
#define LOSE                                                                                       \
    { .kind = ACT_LOSE }
#define ON(number)                                                                                 \
    { .kind = ACT_ON, .n = (number) }
#define TURN                                                                                       \
    { .kind = ACT_TURN }
#define SHUT                                                                                       \
    { .kind = ACT_SHUT }

#define WAIT(ms)                                                                                   \
    { .kind = ACT_WAIT, .n = (ms) }

#define PLAY_ACTS 16

struct play {
    const char *name;    // a sentence
    const char *request; // as visitor_request takes it; NULL: "GET /"
    struct act acts[PLAY_ACTS];
    // What the client has seen: of each request "103 [a: b] 200 [c: d] \"body\" complete", joined
    // by " | ", then of each push " + /path 200 ...". A page of our own is written "502 page".
    const char *client;
    // What the applications were asked, joined by " | " in the order of connections, " ~ " between
    // two on the same one; " dropped" where we closed early, " orphan" where the request was given
    // up and runs on, " orphan over" where it has ended since. NULL: "GET /index.php". "": nobody.
    const char *backend;
    const char *error; // labels of base/error.def; NULL: none
    const char *has;   // variables of the first request: "NAME=value\n"
    const char *lacks; // names that no variable of it has: "NAME\n"
    size_t errors_len; // bytes of standard error
    const char *h1;    // what an HTTP/1.1 client sees, where that is not the same without 1xx
    bool is_h2_only, is_h1_only, is_http10, keeps, takes_no_pushes, buffers, stores;
    unsigned compressions; // responses compressed at once; 0: none is
    uint32_t window;       // of the client's streams; 0: the default
    uint64_t body_limit;   // of the site; 0: 1000
    // What was handed to the learner, "page /x 200 asset /a.css 200"; NULL: that is not asked.
    const char *taught;
    enum site_relay relay;
};

// One performance: the text of what was seen, and the fault if there was one. cut: after so many
// bytes of the application's (of all acts) a turn passes; 0: none.
struct performance {
    struct stage_conf conf;
    size_t cut;
    struct buf text; // the result; freed by the caller
    const char *fault;
    size_t bytes; // what the application wrote
};
void play_perform(const struct play *play, struct performance *out);

// Fails the running cmocka test unless all performances are as the row says.
void play_check(const struct play *play);

// What no performance may ever show, or NULL; to be asked before stage_fini.
const char *play_fault(struct stage *s);

// A test that checks all the plays of an array.
#define PLAY_TEST(name, rows)                                                                      \
    static void name(void **state) {                                                               \
        (void)state;                                                                               \
        for (size_t play = 0; play < sizeof rows / sizeof *rows; play++) {                         \
            play_check(&rows[play]);                                                               \
        }                                                                                          \
    }

#endif
