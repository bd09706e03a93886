// SPDX-License-Identifier: MIT
// A Content-Security-Policy of any bytes, its first line, and a target, its second. Two policies in
// one value allow what both allow; blanks and tabs are the same; one that allows nothing always
// wins; what may be sent holds no nonce.
#include "hints/policy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct target_page page = {SPAN_INIT("https"), SPAN_INIT("site.example:8443"),
                                        SPAN_INIT("/dir/page")};

static void need(bool holds) {
    if (!holds) {
        abort();
    }
}

static struct span copy_of(struct span s, struct span tail) {
    uint8_t *p = malloc(s.n + tail.n + 1);
    need(p != NULL);
    if (s.n > 0) {
        memcpy(p, s.p, s.n);
    }
    memcpy(p + s.n, tail.p, tail.n);
    return span_of(p, s.n + tail.n);
}

static void drop(struct span s) {
    free((void *)(uintptr_t)s.p);
}

static void check_tabs(struct span csp, const struct hint *hint, bool allows) {
    uint8_t *p = malloc(csp.n + 1);
    need(p != NULL);
    for (size_t i = 0; i < csp.n; i++) {
        p[i] = csp.p[i] == ' ' ? '\t' : csp.p[i];
    }
    need(policy_allows(span_of(p, csp.n), hint, &page) == allows);
    free(p);
}

static void check(struct span csp, const struct hint *hint) {
    bool allows = policy_allows(csp, hint, &page);
    size_t comma = span_index(csp, ',');
    if (comma < csp.n) {
        bool first = policy_allows(span_first(csp, comma), hint, &page);
        bool second = policy_allows(span_skip(csp, comma + 1), hint, &page);
        need(allows == (first && second));
    }
    struct span strict = copy_of(csp, SPAN(", default-src 'none'"));
    need(policy_allows(strict, hint, &page) == (hint->rel == HINT_PRECONNECT));
    drop(strict);
    check_tabs(csp, hint, allows);
}

static void check_sendable(struct span csp) {
    if (!policy_is_sendable(SPAN("content-security-policy"), csp)) {
        return;
    }
    need(csp.n > 0 && csp.n <= POLICY_MAX);
    for (size_t i = 0; i + 7 <= csp.n; i++) {
        need(!span_eq_nocase(span_first(span_skip(csp, i), 7), SPAN("'nonce-")));
    }
    need(span_index(csp, '\n') == csp.n && span_index(csp, 0) == csp.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct span all = span_of(data, n), csp;
    struct span target = SPAN("/a.css");
    if (span_cut(&all, '\n', &csp) && all.n > 0) {
        target = all;
    }
    csp = copy_of(csp, SPAN("")); // on its own, so that a sanitizer sees a step too far
    target = copy_of(target, SPAN(""));
    for (int as = HINT_AS_NONE; as <= HINT_AS_FETCH; as++) {
        struct hint hint = {.target = target,
                            .rel = as == HINT_AS_NONE ? HINT_MODULEPRELOAD : HINT_PRELOAD,
                            .as = (enum hint_as)as};
        check(csp, &hint);
    }
    struct hint connection = {.target = target, .rel = HINT_PRECONNECT};
    check(csp, &connection);
    check_sendable(csp);
    drop(csp);
    drop(target);
    return 0;
}
