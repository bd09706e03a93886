// SPDX-License-Identifier: MIT
// One request's life. An exchange decides and knows nobody: events go in (the request, what the
// backend says, who went away), commands come out (what to tell the client, what to ask the
// backend). It knows neither HTTP/2 nor FastCGI nor files; gateway/relay carries its commands out.
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
#include "exchange/facts.h"
#include "exchange/hinting.h"
#include "exchange/observation.h"
#include "exchange/router.h"
#include "exchange/sendfile.h"

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
    uint64_t file_len;               // FAILED with ERR_RANGE: bytes of the file
};

enum exchange_command_kind {
    COMMAND_INFORM,    // send `response` as an interim response
    COMMAND_PROMISE,   // push the paths of `push`
    COMMAND_HEAD,      // send `response` as final head; with `end` nothing follows
    COMMAND_BODY,      // send `body`
    COMMAND_FINISH,    // the body is complete
    COMMAND_RESET,     // break the response off so that the client sees it: error
    COMMAND_CALL,      // ask the site's pool, with `params`
    COMMAND_CALL_BODY, // pass `body` on to the backend
    COMMAND_CALL_END,  // the request's body is complete
    COMMAND_FILE,      // answer with the file `body`, a path that the router has found
    COMMAND_SENDFILE,  // answer with the file that `sendfile` has found instead of the body of
                       // `response`; or log why there is none and answer `error`
    COMMAND_LEARN,     // `body` is evidence for the learner, borrowed until the next event
    COMMAND_ABORT,     // the backend's answer is not wanted any more
};

struct exchange_command {
    enum exchange_command_kind kind;
    int error;
    bool end;
    const struct response *response;
    union {
        struct span body;                // of the kinds that have one, as has each of these
        const struct push *push;         // PROMISE
        const struct sendfile *sendfile; // SENDFILE
        struct {
            const struct pairs *params;    // CALL,
            const struct request *request; // and what it is for
        };
    };
};

// What an exchange needs of the worker it runs on. Borrowed for the worker's life.
struct exchange_conf {
    const struct router *router;
    const struct router_files *files;
    struct published published;
    struct holdback
        *holdbacks;            // one for each site, as in router->sites; NULL: nothing is held back
    struct observer *observer; // NULL: nothing is observed
    bool redirect_https;       // this listener answers everything by a redirect to https
    uint16_t https_port;       // of that redirect
    struct span health;        // the path that says whether we are well; empty: none
    bool is_draining;          // no new work is taken: then it says so
};

#define EXCHANGE_COMMANDS 8 // most commands that one event leads to

// The commands that wait to be taken.
struct exchange_queue {
    struct exchange_command v[EXCHANGE_COMMANDS];
    uint8_t first, count;
};

// What an exchange is about. All is borrowed for its life.
struct exchange_request {
    struct request *request;
    struct arena *arena;
    const struct cgi_peer *peer; // the ends of the client's connection
    const struct ip *from;       // the client's address
    struct seen *seen; // what the connection was hinted and has fetched; NULL: nothing is kept
    bool is_front;     // a front that is trusted brings it, for a client of its own
    bool can_push;     // it takes pushes
    bool is_pushed;    // this exchange answers a push
    int refusal;       // ERR_ that it is answered with at once, or 0
};

struct exchange {
    enum exchange_state state;
    int refusal; // as asked: ERR_ that it is answered with at once, or 0
    const struct exchange_conf *conf;
    struct request *request;     // facts.request, of which only the length of the body is written
    const struct cgi_peer *peer; // the ends of the client's connection
    struct facts facts;
    struct route route;
    struct identity identity;
    struct hinting hinting;
    struct observation observation;
    bool has_decision;              // about hints: a script was asked, or somebody navigated
    bool is_collecting;             // the backend is asked when the request's body is complete
    bool is_sendfile;               // the backend left the body to us: X-Accel-Redirect, X-Sendfile
    bool is_buffered;               // the response may be read faster than the client takes it
    unsigned redirects;             // from script to script, by X-Accel-Redirect
    int page_status;                // of the error that a page of the operator's is asked for
    struct sendfile *sendfile;      // the file or script named last, in the arena
    struct pairs carried;           // Set-Cookie fields of the scripts that redirected
    uint64_t body_len;              // bytes of the request's body so far
    struct response head;           // what COMMAND_HEAD gives, with the fields merged
    struct pairs params;            // what COMMAND_CALL gives
    struct response named;          // what names a file or script; read only once it is written,
    struct exchange_queue commands; // as are these
};

// request and arena belong to the front's stream and outlive the exchange, as does conf.
void exchange_init(struct exchange *x, const struct exchange_conf *conf,
                   const struct exchange_request *asked);
// Hands over one event; all commands of the event before must have been taken.
void exchange_put(struct exchange *x, const struct exchange_event *event);
// STEP_ITEM with a command, or STEP_MORE.
enum step exchange_next(struct exchange *x, struct exchange_command *out);
// Lets go of what it holds of its worker. Idempotent; to be called while the request is still
// there.
void exchange_fini(struct exchange *x);
// ---- what it may be asked -----------------------------------------------------------------------

// The time matters for an event of that kind: exchange_set_time is to be called before.
bool exchange_wants_time(const struct exchange *x, enum exchange_event_kind kind);
// Microseconds of a clock with any zero.
void exchange_set_time(struct exchange *x, uint64_t now_us);
// The time that was set last, and that of the request.
static inline uint64_t exchange_now_us(const struct exchange *x) {
    return x->facts.now_us;
}
static inline uint64_t exchange_asked_us(const struct exchange *x) {
    return x->facts.asked_us;
}
// The request's body is awaited before anybody is asked.
static inline bool exchange_is_collecting(const struct exchange *x) {
    return x->is_collecting;
}
// The final head is out and its body follows.
static inline bool exchange_is_answering(const struct exchange *x) {
    return x->state == EXCHANGE_ANSWERING;
}
// Everything of the response has been given.
static inline bool exchange_is_done(const struct exchange *x) {
    return x->state == EXCHANGE_DONE;
}
// The response may be read faster than the client takes it.
static inline bool exchange_is_buffered(const struct exchange *x) {
    return x->is_buffered;
}
// The site of the request, once it was put.
static inline const struct site *exchange_site(const struct exchange *x) {
    return x->facts.site;
}
// The most bytes that the request's body may have, likewise.
static inline uint64_t exchange_body_limit(const struct exchange *x) {
    return facts_body_limit(&x->facts);
}
// Whether something was decided about hints, and what.
static inline bool exchange_decision(const struct exchange *x, enum gate_reason *reason) {
    *reason = x->hinting.gate;
    return x->has_decision;
}
// The operator's rule for its path, or NULL.
static inline const struct route_rule *exchange_rule(const struct exchange *x) {
    return x->route.rule;
}
// What was said about hints.
static inline const struct hinting *exchange_hinting(const struct exchange *x) {
    return &x->hinting;
}
// Bytes of the request's body so far.
static inline uint64_t exchange_received(const struct exchange *x) {
    return x->body_len;
}
// The visit that the request is; its place is 0 when it is none.
static inline struct visit_ref exchange_visit(const struct exchange *x) {
    return x->observation.visit;
}

#endif
