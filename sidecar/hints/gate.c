// SPDX-License-Identifier: MIT
#include "hints/gate.h"

static const struct gate_reason_row rows[GATE_REASONS] = {
#define REASON(constant, label, sentence) [GATE_##constant] = {label, sentence},
#include "hints/gate.def"
#undef REASON
};

const struct gate_reason_row *gate_reason_row(enum gate_reason reason) {
    return &rows[reason];
}

// What the request's fields say, as bits.
enum signal {
    HAS_FETCH_MODE = 1,
    NAVIGATES = 2,
    WANTS_DOCUMENT = 4,
    ACCEPTS_HTML = 8,
    PREFETCHES = 16,
    RELOADS = 32,
    SAVES_DATA = 64,
    REFUSES_HINTS = 128,
};

static bool has_directive(struct span list, struct span directive) {
    struct span part;
    while (span_cut(&list, ',', &part)) {
        if (span_eq_nocase(span_trim(part), directive)) {
            return true;
        }
    }
    return false;
}

// Which signal a field gives when its value says so.
static unsigned signal_of(struct span name, struct span value) {
    switch (name.n) { // the length rules out nearly every field without looking at its bytes
    case 5:
    case 7:
        if (span_eq_nocase(name, SPAN("purpose")) || span_eq_nocase(name, SPAN("x-moz"))) {
            return span_eq_nocase(value, SPAN("prefetch")) ? PREFETCHES : 0;
        }
        return 0;
    case 6:
        if (span_eq_nocase(name, SPAN("accept"))) {
            return span_find(value, SPAN("text/html")) < value.n ? ACCEPTS_HTML : 0;
        }
        return span_eq_nocase(name, SPAN("pragma")) && has_directive(value, SPAN("no-cache"))
                   ? RELOADS
                   : 0;
    case 9:
        return span_eq_nocase(name, SPAN("save-data")) && span_eq_nocase(value, SPAN("on"))
                   ? SAVES_DATA
                   : 0;
    case 11:
        return span_eq_nocase(name, SPAN("sec-purpose")) && span_has_prefix(value, SPAN("prefetch"))
                   ? PREFETCHES
                   : 0;
    case 13:
        return span_eq_nocase(name, SPAN("cache-control")) && has_directive(value, SPAN("no-cache"))
                   ? RELOADS
                   : 0;
    case 14:
        if (span_eq_nocase(name, SPAN("sec-fetch-mode"))) {
            return HAS_FETCH_MODE | (span_eq(value, SPAN("navigate")) ? NAVIGATES : 0);
        }
        if (span_eq_nocase(name, SPAN("sec-fetch-dest"))) {
            return span_eq(value, SPAN("document")) ? WANTS_DOCUMENT : 0;
        }
        return span_eq_nocase(name, SPAN("no-early-hints")) ? REFUSES_HINTS : 0;
    default:
        return 0;
    }
}

static bool is_wanted_client(enum gate_clients clients, unsigned signals) {
    unsigned pair = NAVIGATES | WANTS_DOCUMENT;
    if (clients == GATE_ALL || (signals & pair) == pair) {
        return true;
    }
    return clients == GATE_ACCEPT_HTML && (signals & HAS_FETCH_MODE) == 0 &&
           (signals & ACCEPTS_HTML) != 0;
}

static enum gate_reason judge(enum gate_clients clients, const struct pairs *fields) {
    unsigned signals = 0;
    for (size_t i = 0; i < fields->n; i++) {
        signals |= signal_of(fields->v[i].name, fields->v[i].value);
    }
    if ((signals & PREFETCHES) != 0) {
        return GATE_PREFETCH;
    }
    if (!is_wanted_client(clients, signals)) {
        return GATE_NOT_NAVIGATION;
    }
    if ((signals & RELOADS) != 0) {
        return GATE_RELOAD;
    }
    if ((signals & SAVES_DATA) != 0) {
        return GATE_SAVE_DATA;
    }
    return (signals & REFUSES_HINTS) != 0 ? GATE_NO_EARLY_HINTS : GATE_SEND;
}

enum gate_reason gate_decide(const struct gate_conf *conf, const struct request *request,
                             const struct gate_facts *facts) {
    if (conf->mode == HINT_MODE_OFF) {
        return GATE_OFF;
    }
    if (!span_eq(request->method, SPAN("GET"))) {
        return GATE_NOT_GET;
    }
    if (request->protocol != PROTOCOL_HTTP2) {
        return GATE_HTTP1;
    }
    if (facts->has_answered) {
        return GATE_ANSWERED;
    }
    enum gate_reason reason = judge(conf->clients, &request->fields);
    if (reason != GATE_SEND) {
        return reason;
    }
    if (!facts->has_hints) {
        return GATE_NOTHING_LEARNED;
    }
    return conf->mode == HINT_MODE_OBSERVE ? GATE_OBSERVE : GATE_SEND;
}
