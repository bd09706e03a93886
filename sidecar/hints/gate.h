// SPDX-License-Identifier: MIT
// Whether this client and this request get the plan, and always why: each navigation ends with
// exactly one reason. Pure and cheap, in two steps: gate_request looks at the request alone, in one
// pass over its fields, so that most requests are done before anything is looked up; gate_offer
// then weighs what was found.
//
//     reason = gate_request(conf, request, &client);
//     if (reason == GATE_SEND) find the offer, reason = gate_offer(conf, &facts, holdback);
#ifndef HINTS_GATE_H
#define HINTS_GATE_H

#include "base/message.h"
#include "hints/dialect.h"
#include "hints/holdback.h"

enum hint_mode { HINT_MODE_OFF, HINT_MODE_OBSERVE, HINT_MODE_HINT, HINT_MODE_PUSH };

enum gate_clients {
    GATE_BROWSERS,    // Sec-Fetch-Mode: navigate and Sec-Fetch-Dest: document
    GATE_ACCEPT_HTML, // or, where Sec-Fetch-Mode is missing, an Accept that names text/html
    GATE_ALL,         // every GET
};

struct gate_conf {
    enum hint_mode mode;
    enum gate_clients clients;
    bool http1;            // HTTP/1.1 too, of families that act on it, with the Sec-Fetch pair
    bool is_front;         // a front that is trusted brings the request: its client may speak else
    bool via_front;        // it relays a 103 that it is given over HTTP/1.1
    bool sessions;         // who is logged in gets hints too
    uint32_t min_think_us; // a backend expected to answer faster leaves no time; 0: ask nothing
    unsigned holdback;     // of HOLDBACK_WHOLE navigations; 0: none
    // User-Agents that get none: patterns for the whole value, "*" stands for any run of bytes, the
    // case does not matter. "*bot*". Borrowed.
    const struct span *agents;
    size_t agents_n;
};

#define GATE_AGENT_MAX 512 // bytes of a User-Agent that patterns are compared with

// What gate_request noticed on its way.
struct gate_client {
    enum dialect dialect;
    bool has_client_hints; // it sent Sec-CH-UA
    bool is_navigation;    // it sent the Sec-Fetch pair of a navigation to a document
    bool is_forwarded;     // somebody stands between: the connection is not one client's
};

// What is known when the plan was looked for.
struct gate_facts {
    bool has_answered; // the final head is there
    bool is_session;   // the request is somebody's who is logged in
    bool is_stranger;  // the request's host is no name of the site, whose routes are not its own
    bool has_plan;     // something is known of this route
    bool is_observed;  // offer.observe: hints made this route slower
    bool can_say;      // plan_response of the client's dialect is not NULL
    bool is_known;     // this connection has all of it and it cannot have expired
    uint32_t think_us; // what the backend is expected to take; 0: not known
};

enum gate_reason {
#define REASON(constant, label, sentence) GATE_##constant,
#include "hints/gate.def"
#undef REASON
    GATE_REASONS
};

struct gate_reason_row {
    const char *label, *sentence;
};

// GATE_SEND: nothing in the request speaks against it; or the first reason that does. *client is
// filled when it is GATE_SEND.
enum gate_reason gate_request(const struct gate_conf *conf, const struct request *request,
                              struct gate_client *client);
// Of a request that gate_request let pass: GATE_SEND, or the first reason not to. GATE_OBSERVE
// and GATE_HELD come behind all others: everything else allowed it. Only what would be sent is
// drawn from holdback, which may be NULL (an application's own 103, which is never held back).
enum gate_reason gate_offer(const struct gate_conf *conf, const struct gate_facts *facts,
                            struct holdback *holdback);
// The row of a reason.
const struct gate_reason_row *gate_reason_row(enum gate_reason reason);

#endif
