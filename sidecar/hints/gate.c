// SPDX-License-Identifier: MIT
#include "hints/gate.h"

#include "base/wildcard.h"
#include "http/field.h"

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
    PREFETCHES = 8,
    RELOADS = 16,
    SAVES_DATA = 32,
    REFUSES_HINTS = 64,
    IS_FORWARDED = 128,
    SPEAKS_HTTP1 = 256, // the client of whoever stands between
    SPEAKS_HTTP2 = 512, // or a later version
};
#define SPEAKS (SPEAKS_HTTP1 | SPEAKS_HTTP2)
#define FETCH_PAIR (NAVIGATES | WANTS_DOCUMENT)

// One look at the fields.
struct look {
    unsigned signals;
    struct span accept, user_agent, sec_ch_ua;
};

// All wanted names of one length differ from each other and from what else browsers send in their
// fourth byte from behind. HTTP/2 writes names in lower case, so the whole is rarely compared
// twice.
static inline bool is(struct span name, struct span wanted) {
    if (name.n != wanted.n || span_lower_byte(name.p[name.n - 4]) != wanted.p[wanted.n - 4]) {
        return false;
    }
    return memcmp(name.p, wanted.p, wanted.n) == 0 || span_eq_nocase(name, wanted);
}

static bool has_directive(struct span list, struct span directive) {
    struct span part;
    while (field_next_element(&list, &part)) {
        if (span_eq_nocase(part, directive)) {
            return true;
        }
    }
    return false;
}

// "1.1", "HTTP/1.1", "2.0", "HTTP/2", "h2", "h3": what a front says that its client speaks.
static unsigned version_signal(struct span version) {
    size_t prefix =
        span_has_prefix(version, SPAN("HTTP/")) ? 5 : span_has_prefix(version, SPAN("h"));
    version = span_skip(version, prefix);
    if (version.n == 0) {
        return 0;
    }
    bool is_later = version.p[0] == '2' || version.p[0] == '3';
    return version.p[0] == '1' ? SPEAKS_HTTP1 : is_later ? SPEAKS_HTTP2 : 0;
}

// What whoever stood next to the client noted of it: the first element of Via (RFC 9110, 7.6.3).
static unsigned front_signal(struct span name, struct span value) {
    bool says = (name.n == 3 && span_eq_nocase(name, SPAN("via"))) ||
                (name.n == 25 && is(name, SPAN("x-forwarded-proto-version")));
    return says ? version_signal(value) : 0;
}

// Names by which those say so that stand before a server.
static unsigned forward_signal(struct span name) {
    bool is_forward = false;
    switch (name.n) {
    case 3:
        is_forward = span_eq_nocase(name, SPAN("via"));
        break;
    case 9:
        is_forward = is(name, SPAN("forwarded")) || is(name, SPAN("x-real-ip"));
        break;
    case 14:
        is_forward = is(name, SPAN("true-client-ip"));
        break;
    case 15:
        is_forward = is(name, SPAN("x-forwarded-for"));
        break;
    case 16:
        is_forward = is(name, SPAN("x-forwarded-host")) || is(name, SPAN("cf-connecting-ip"));
        break;
    case 17:
        is_forward = is(name, SPAN("x-forwarded-proto"));
        break;
    }
    return is_forward ? IS_FORWARDED : 0;
}

static unsigned fetch_signal(struct span name, struct span value) {
    if (is(name, SPAN("sec-fetch-mode"))) {
        return HAS_FETCH_MODE | (span_eq(value, SPAN("navigate")) ? NAVIGATES : 0);
    }
    if (is(name, SPAN("sec-fetch-dest"))) {
        return span_eq(value, SPAN("document")) ? WANTS_DOCUMENT : 0;
    }
    return is(name, SPAN("no-early-hints")) ? REFUSES_HINTS : 0;
}

// Which signal a field gives when its value says so.
static unsigned signal_of(struct span name, struct span value) {
    switch (name.n) { // the length rules out nearly every field without looking at its bytes
    case 5:
    case 7:
        return (is(name, SPAN("purpose")) || is(name, SPAN("x-moz"))) &&
                       span_eq_nocase(value, SPAN("prefetch"))
                   ? PREFETCHES
                   : 0;
    case 6:
        return is(name, SPAN("pragma")) && has_directive(value, SPAN("no-cache")) ? RELOADS : 0;
    case 9:
        return is(name, SPAN("save-data")) && span_eq_nocase(value, SPAN("on")) ? SAVES_DATA : 0;
    case 11:
        return is(name, SPAN("sec-purpose")) && span_has_prefix(value, SPAN("prefetch"))
                   ? PREFETCHES
                   : 0;
    case 13:
        return is(name, SPAN("cache-control")) && has_directive(value, SPAN("no-cache")) ? RELOADS
                                                                                         : 0;
    case 14:
        return fetch_signal(name, value);
    default:
        return 0;
    }
}

// Keeps the values that only some decisions need.
static void keep(struct look *look, const struct pair *field) {
    if (field->name.n == 6 && is(field->name, SPAN("accept"))) {
        look->accept = field->value;
    } else if (field->name.n == 9 && is(field->name, SPAN("sec-ch-ua"))) {
        look->sec_ch_ua = field->value;
    } else if (field->name.n == 10 && is(field->name, SPAN("user-agent"))) {
        look->user_agent = field->value;
    }
}

static struct look look_at(const struct pairs *fields) {
    struct look look = {.signals = 0};
    for (size_t i = 0; i < fields->n; i++) {
        const struct pair *field = &fields->v[i];
        look.signals |= signal_of(field->name, field->value) | forward_signal(field->name);
        if ((look.signals & SPEAKS) == 0) {
            look.signals |= front_signal(field->name, field->value);
        }
        keep(&look, field);
    }
    return look;
}

static bool is_wanted(enum gate_clients clients, const struct look *look) {
    if (clients == GATE_ALL || (look->signals & FETCH_PAIR) == FETCH_PAIR) {
        return true;
    }
    return clients == GATE_ACCEPT_HTML && (look->signals & HAS_FETCH_MODE) == 0 &&
           span_find(look->accept, SPAN("text/html")) < look->accept.n;
}

static bool is_denied(const struct gate_conf *conf, struct span agent) {
    return wildcard_match_any(conf->agents, conf->agents_n, span_first(agent, GATE_AGENT_MAX),
                              WILDCARD_NOCASE);
}

// What the client itself speaks: of one behind a front only what the front says is known.
static unsigned speaks_of(const struct gate_conf *conf, const struct request *request,
                          const struct look *look) {
    unsigned said = look->signals & SPEAKS;
    if (said != 0 || conf->is_front) {
        return said;
    }
    return request->protocol == PROTOCOL_HTTP2 ? SPEAKS_HTTP2 : SPEAKS_HTTP1;
}

// HTTP/1.1 to us: by choice, and through somebody else only where the operator says that he relays
// a 103. HTTP/1.1 of the client: of those that break on a 103 none sends the pair.
static bool is_spoiled(const struct gate_conf *conf, const struct request *request,
                       const struct look *look, unsigned speaks) {
    bool is_between = conf->is_front || (look->signals & IS_FORWARDED) != 0;
    bool is_relayed = conf->is_front && conf->via_front;
    if (request->protocol != PROTOCOL_HTTP2 && is_between && !is_relayed) {
        return true;
    }
    return speaks == SPEAKS_HTTP1 && (!conf->http1 || (look->signals & FETCH_PAIR) != FETCH_PAIR);
}

// Nobody knows what those understand who say nothing and of whom nothing is said.
static enum gate_clients clients_of(const struct gate_conf *conf, unsigned speaks) {
    return speaks == 0 ? GATE_BROWSERS : conf->clients;
}

static enum gate_reason judge(const struct gate_conf *conf, const struct look *look,
                              enum gate_clients clients) {
    if ((look->signals & PREFETCHES) != 0) {
        return GATE_PREFETCH;
    }
    if (!is_wanted(clients, look)) {
        return GATE_NOT_NAVIGATION;
    }
    if ((look->signals & RELOADS) != 0) {
        return GATE_RELOAD;
    }
    if ((look->signals & SAVES_DATA) != 0) {
        return GATE_SAVE_DATA;
    }
    if ((look->signals & REFUSES_HINTS) != 0) {
        return GATE_NO_EARLY_HINTS;
    }
    return is_denied(conf, look->user_agent) ? GATE_DENIED_AGENT : GATE_SEND;
}

enum gate_reason gate_request(const struct gate_conf *conf, const struct request *request,
                              struct gate_client *client) {
    if (conf->mode == HINT_MODE_OFF) {
        return GATE_OFF;
    }
    if (!span_eq(request->method, SPAN("GET"))) {
        return GATE_NOT_GET;
    }
    bool may_http1 = conf->http1 || (conf->is_front && conf->via_front);
    if (request->protocol == PROTOCOL_HTTP10 ||
        (request->protocol != PROTOCOL_HTTP2 && !may_http1)) {
        return GATE_HTTP1;
    }
    struct look look = look_at(&request->fields);
    bool is_navigation = (look.signals & FETCH_PAIR) == FETCH_PAIR;
    unsigned speaks = speaks_of(conf, request, &look);
    if (is_spoiled(conf, request, &look, speaks)) {
        return GATE_HTTP1;
    }
    enum gate_reason reason = judge(conf, &look, clients_of(conf, speaks));
    if (reason != GATE_SEND) {
        return reason;
    }
    enum dialect dialect = dialect_of_values(look.sec_ch_ua, look.user_agent);
    *client = (struct gate_client){dialect, look.sec_ch_ua.n > 0, is_navigation,
                                   (look.signals & IS_FORWARDED) != 0};
    return speaks != SPEAKS_HTTP1 || dialect_row(dialect)->by_http1 ? GATE_SEND : GATE_HTTP1;
}

// The first reason of the facts alone.
static enum gate_reason weigh(const struct gate_conf *conf, const struct gate_facts *facts) {
    if (facts->has_answered) {
        return GATE_RACED;
    }
    if (facts->is_session && !conf->sessions) {
        return GATE_SESSION;
    }
    if (!facts->has_plan) {
        return facts->is_stranger ? GATE_UNKNOWN_HOST : GATE_NOTHING_LEARNED;
    }
    if (facts->is_observed) {
        return GATE_WORSE;
    }
    if (facts->think_us > 0 && facts->think_us < conf->min_think_us) {
        return GATE_FAST;
    }
    if (!facts->can_say) {
        return GATE_UNSAYABLE;
    }
    return facts->is_known ? GATE_KNOWN : GATE_SEND;
}

enum gate_reason gate_offer(const struct gate_conf *conf, const struct gate_facts *facts,
                            struct holdback *holdback) {
    enum gate_reason reason = weigh(conf, facts);
    if (reason != GATE_SEND) {
        return reason;
    }
    if (conf->mode == HINT_MODE_OBSERVE) {
        return GATE_OBSERVE;
    }
    return holdback != NULL && holdback_draw(holdback, conf->holdback) ? GATE_HELD : GATE_SEND;
}
