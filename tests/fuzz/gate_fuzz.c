// SPDX-License-Identifier: MIT
// Request fields of any bytes, a "name: value" each line. Nothing that the client says ever makes
// the gate let through what it must not; the family is found as a slow search finds it.
#include "hints/gate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define FIELDS_MAX 64

static void need(bool holds) {
    if (!holds) {
        abort();
    }
}

static size_t read_fields(struct span lines, struct pair *v) {
    struct span line;
    size_t n = 0;
    while (n < FIELDS_MAX && span_cut(&lines, '\n', &line)) {
        size_t colon = span_index(line, ':');
        v[n++] = (struct pair){span_first(line, colon), span_trim(span_skip(line, colon + 1))};
    }
    return n;
}

// Some word of the value begins with the text.
static bool has_word(struct span value, const char *text) {
    struct span wanted = span_str(text), rest = span_first(value, 512);
    for (size_t i = 0; i < rest.n; i++) {
        bool is_start = i == 0 || rest.p[i - 1] == ' ' || rest.p[i - 1] == '(';
        if (is_start && span_has_prefix(span_skip(rest, i), wanted)) {
            return true;
        }
    }
    return false;
}

static enum dialect slow_dialect(struct span sec_ch_ua, struct span agent) {
    static const char *const ios[] = {"iPhone", "iPad", "iPod", "CriOS/", "FxiOS/", "EdgiOS/"};
    if (has_word(sec_ch_ua, "\"Chromium\"")) {
        return DIALECT_CHROMIUM;
    }
    for (size_t i = 0; i < sizeof ios / sizeof *ios; i++) {
        if (has_word(agent, ios[i])) {
            return DIALECT_SAFARI;
        }
    }
    if (has_word(agent, "Edge/")) {
        return DIALECT_UNKNOWN;
    }
    if (has_word(agent, "Chrome/") || has_word(agent, "Chromium/") ||
        has_word(agent, "HeadlessChrome/")) {
        return DIALECT_CHROMIUM;
    }
    if (has_word(agent, "Firefox/")) {
        return DIALECT_FIREFOX;
    }
    return has_word(agent, "Safari/") || has_word(agent, "AppleWebKit/") ? DIALECT_SAFARI
                                                                         : DIALECT_UNKNOWN;
}

static struct span value_of(const struct pairs *fields, const char *name) {
    const struct span *value = pairs_find(fields, span_str(name));
    return value != NULL ? *value : span_of(NULL, 0);
}

// Some field of that name has that value.
static bool says(const struct pairs *fields, const char *name, const char *value) {
    for (size_t i = 0; i < fields->n; i++) {
        if (span_eq_nocase(fields->v[i].name, span_str(name)) &&
            span_eq_nocase(fields->v[i].value, span_str(value))) {
            return true;
        }
    }
    return false;
}

static void check(const struct gate_conf *conf, const struct request *request) {
    const struct pairs *fields = &request->fields;
    struct gate_client client = {.is_navigation = false};
    if (gate_request(conf, request, &client) != GATE_SEND) {
        return;
    }
    bool is_pair =
        says(fields, "sec-fetch-mode", "navigate") && says(fields, "sec-fetch-dest", "document");
    need(!client.is_navigation || is_pair);
    need(is_pair || (conf->clients != GATE_BROWSERS && request->protocol == PROTOCOL_HTTP2));
    need(request->protocol != PROTOCOL_HTTP10);
    need(!says(fields, "save-data", "on") && !says(fields, "sec-purpose", "prefetch"));
    need(!says(fields, "cache-control", "no-cache") && !says(fields, "pragma", "no-cache"));
    need(pairs_find(fields, SPAN("no-early-hints")) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static const struct span denied = SPAN_INIT("*a*b*c*");
    struct pair v[FIELDS_MAX];
    struct request request = {.method = SPAN("GET"), .fields = {v, 0, FIELDS_MAX}};
    request.fields.n = read_fields(span_of(data, n), v);
    for (int i = 0; i < 18; i++) {
        struct gate_conf conf = {.mode = HINT_MODE_HINT,
                                 .clients = (enum gate_clients)(i % 3),
                                 .http1 = i % 2 == 1,
                                 .agents = &denied,
                                 .agents_n = 1};
        request.protocol = (enum protocol)(i / 6);
        check(&conf, &request);
    }
    struct span brands = value_of(&request.fields, "sec-ch-ua");
    struct span agent = value_of(&request.fields, "user-agent");
    need(dialect_of(&request.fields) == slow_dialect(brands, agent));
    return 0;
}
