// SPDX-License-Identifier: MIT
// One request's life. An exchange decides and knows nobody: events go in (the request, what the
// backend says, who went away), commands come out (what to tell the client, what to ask the
// backend). It knows neither HTTP/2 nor FastCGI nor files; server/relay carries its commands out.
//
//     REQUEST ─► [INFORM] [PROMISE] CALL | FILE | HEAD BODY FINISH        (states.def)
//     INTERIM ─► [INFORM]     HEAD ─► [LEARN] [PROMISE] HEAD     BODY ─► BODY
//     END ─► [LEARN] FINISH   SENT
//     FAILED  ─► HEAD BODY FINISH (an error page), or RESET when the head is already out
#ifndef EXCHANGE_EXCHANGE_H
#define EXCHANGE_EXCHANGE_H

#include "base/message.h"
#include "base/step.h"
#include "exchange/cgi_env.h"
#include "exchange/hinting.h"
#include "exchange/router.h"
#include "exchange/sendfile.h"
#include "exchange/teaching.h"
#include "hints/audience.h"
#include "hints/push.h"
#include "hints/seen.h"

enum exchange_state {
#define STATE(name, from, meaning) EXCHANGE_##name,
#include "exchange/states.def"
#undef STATE
    EXCHANGE_STATES,
};

enum exchange_event_kind {
    EXCHANGE_REQUEST,      // the request given to exchange_init is to be answered
    EXCHANGE_REQUEST_BODY, // bytes of its body
    EXCHANGE_REQUEST_END,  // its body is complete
    EXCHANGE_CLIENT_GONE,  // nobody waits for the response any more
    EXCHANGE_INTERIM,      // the backend sent an interim response
    EXCHANGE_HEAD,         // the backend's final head
    EXCHANGE_BODY,         // bytes of its body
    EXCHANGE_END,          // its response is complete
    EXCHANGE_SENT,         // the client's connection has taken the last of it
    EXCHANGE_FAILED,       // it will not come: error
};

struct exchange_event {
    enum exchange_event_kind kind;
    const struct response *response; // INTERIM, HEAD: borrowed until the exchange is done
    struct span body;                // REQUEST_BODY, BODY: borrowed until exchange_next says MORE
    int error;                       // FAILED
};

enum exchange_command_kind {
    COMMAND_INFORM,    // send `response` as an interim response
    COMMAND_PROMISE,   // push `paths`
    COMMAND_HEAD,      // send `response` as final head; with `end` nothing follows
    COMMAND_BODY,      // send `body`
    COMMAND_FINISH,    // the body is complete
    COMMAND_RESET,     // break the response off so that the client sees it: error
    COMMAND_CALL,      // ask the pool of the site, with `params`
    COMMAND_CALL_BODY, // pass `body` on to the backend
    COMMAND_CALL_END,  // the request's body is complete
    COMMAND_FILE,      // answer with the file exchange->route.file
    COMMAND_SENDFILE,  // answer with the file route.file, asked for by sendfile.request, instead of
                       // the body of `response`; or log why there is none and answer `error`
    COMMAND_LEARN,     // `body` is evidence for the learner, borrowed until the next event
    COMMAND_ABORT,     // the backend's answer is not wanted any more
};

struct exchange_command {
    enum exchange_command_kind kind;
    bool end;
    int error;
    const struct response *response;
    const struct pairs *params;
    struct span body;
    const struct span *paths;
    size_t paths_n;
};

// What an exchange needs of the worker it runs on. Borrowed for the worker's life.
struct exchange_conf {
    const struct router *router;
    const struct router_files *files;
    struct hinting_conf hinting;
    struct teaching *teaching; // NULL: nothing is taught
    bool redirect_https;       // this listener answers everything by a redirect to https
    uint16_t https_port;       // of that redirect
    struct span health;        // the path that says whether we are well; empty: none
    bool is_draining;          // no new work is taken: then it says so
};

#define EXCHANGE_COMMANDS 8 // most commands that one event leads to

struct exchange {
    enum exchange_state state;
    const struct exchange_conf *conf;
    const struct cgi_peer *peer;
    struct request *request;
    struct arena *arena;
    const struct site *site;
    struct route route;
    struct sendfile sendfile; // the file that the backend names, once is_sendfile
    const struct ip *from;    // the client's
    struct seen *seen; // what its connection was hinted and has fetched; NULL: nothing is kept
    struct hinting hinting;
    enum gate_reason gate; // what was decided about the 103 of this request
    bool has_decision;     // and that is to be counted: a script was asked, or somebody navigated
    struct span key;       // of the route (hinting_key)
    bool has_key, has_audience, is_clean;
    struct audience audience; // if has_audience (hinting_audience)
    struct teaching_signs signs;
    struct visit_ref visit, fetch; // the visit that this request is, or is a fetch of
    struct study *study;           // what is being learned from the response
    bool is_get, is_fetch_good;
    bool can_push;        // the client's connection takes pushes
    int refusal;          // ERR_ that a request is answered with at once, or 0
    bool is_pushed;       // this exchange answers a push: no hints, no further pushes
    bool is_named;        // the site has the request's host as a name
    bool is_collecting;   // the backend is asked when the request's body is complete
    bool is_sendfile;     // the backend left the body to us: X-Accel-Redirect, X-Sendfile
    bool is_buffered;     // the response may be read faster than the client takes it
    uint64_t body_len;    // bytes of the request's body so far
    int status;           // of the final head
    uint64_t now_us;      // the time, set by the caller before each exchange_put; any zero
    uint64_t asked_us;    // when the request came
    struct response head; // what COMMAND_HEAD gives, with the fields merged
    struct pairs params;  // what COMMAND_CALL gives
    struct push push;     // what COMMAND_PROMISE gives
    struct exchange_command commands[EXCHANGE_COMMANDS];
    uint8_t first, count;
};

// request and arena belong to the front's stream and outlive the exchange, as does conf. Then peer
// and from, which outlive it too, are to be set, and seen, can_push, refusal and is_pushed may be.
void exchange_init(struct exchange *x, const struct exchange_conf *conf, struct request *request,
                   struct arena *arena);
// Hands over one event; all commands of the event before must have been taken.
void exchange_put(struct exchange *x, const struct exchange_event *event);
// STEP_ITEM with a command, or STEP_MORE.
enum step exchange_next(struct exchange *x, struct exchange_command *out);
// Lets go of what it holds of its worker. Idempotent; to be called while the request is still
// there.
void exchange_fini(struct exchange *x);
// The words for a state, e.g. "THINKING".
const char *exchange_state_name(enum exchange_state state);

// For the files of the exchange: appends a command. The caller fills in what belongs to it.
struct exchange_command *exchange_command(struct exchange *x, enum exchange_command_kind kind);

#endif
