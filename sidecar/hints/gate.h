// SPDX-License-Identifier: MIT
// Whether this client and this request get the plan, and always why. Pure and cheap: one pass over
// the request's fields. Requests of a session get the public plan: what an anonymous request was
// given may be hinted to anyone.
#ifndef HINTS_GATE_H
#define HINTS_GATE_H

#include "base/message.h"

enum hint_mode { HINT_MODE_OFF, HINT_MODE_OBSERVE, HINT_MODE_HINT, HINT_MODE_PUSH };

enum gate_clients {
    GATE_BROWSERS,    // Sec-Fetch-Mode: navigate and Sec-Fetch-Dest: document
    GATE_ACCEPT_HTML, // or, where Sec-Fetch-Mode is missing, an Accept that names text/html
    GATE_ALL,         // every GET
};

struct gate_conf {
    enum hint_mode mode;
    enum gate_clients clients;
};

struct gate_facts {
    bool has_hints;    // there is a Link value to send
    bool has_answered; // the final head has been sent
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

// GATE_SEND, or the first reason not to. GATE_OBSERVE comes last: everything else allowed it.
enum gate_reason gate_decide(const struct gate_conf *conf, const struct request *request,
                             const struct gate_facts *facts);
// The row of a reason.
const struct gate_reason_row *gate_reason_row(enum gate_reason reason);

#endif
