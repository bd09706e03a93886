// SPDX-License-Identifier: MIT
#include "hints/policy.h"

#include "base/hex.h"
#include "http/field.h"
#include "http/uri.h"

// What a hint's target is made of, as source expressions see it.
struct place {
    struct span scheme, host, path; // path without query
    uint16_t port;
};

// Takes scheme "://" authority path apart. False when there is no "://".
static bool cut_url(struct span url, struct span *scheme, struct span *authority,
                    struct span *path) {
    size_t colon = span_find(url, SPAN("://"));
    if (colon == url.n) {
        return false;
    }
    struct span rest = span_skip(url, colon + 3);
    *scheme = span_first(url, colon);
    *authority = span_first(rest, span_index(rest, '/'));
    *path = span_skip(rest, authority->n);
    return true;
}

static struct place place_of(struct span target, const struct target_page *page) {
    struct span scheme = page->scheme, authority = page->authority, path = target, host, port;
    if (target.n == 0 || target.p[0] != '/') {
        cut_url(target, &scheme, &authority, &path);
    }
    uri_authority_cut(authority, &host, &port);
    return (struct place){scheme, host, span_first(path, span_index(path, '?')),
                          uri_port(scheme, authority)};
}

// A policy for http lets https pass (CSP 3, 6.7.2.9 "scheme-part matches").
static bool is_scheme(struct span allowed, struct span scheme) {
    return span_eq_nocase(allowed, scheme) ||
           (span_eq_nocase(allowed, SPAN("http")) && span_eq_nocase(scheme, SPAN("https")));
}

// host-part = "*" / [ "*." ] 1*host-char *( "." 1*host-char ) [ "." ]
static bool is_host(struct span allowed, struct span host) {
    if (!span_has_prefix(allowed, SPAN("*"))) {
        return span_eq_nocase(allowed, host);
    }
    struct span tail = span_skip(allowed, 1);
    return tail.n == 0 || (host.n > tail.n && tail.p[0] == '.' &&
                           span_eq_nocase(span_skip(host, host.n - tail.n), tail));
}

// port-part = 1*DIGIT / "*". Without one it is that of the scheme; 80 follows https to 443.
static bool is_port(struct span allowed, const struct place *place) {
    uint64_t port;
    if (span_eq(allowed, SPAN("*"))) {
        return true;
    }
    if (allowed.n == 0) {
        return place->port == uri_default_port(place->scheme);
    }
    return span_to_u64(allowed, &port) &&
           (port == place->port || (port == URI_HTTP_PORT && place->port == URI_HTTPS_PORT));
}

// Takes the next byte of a path, percent-encoded or not.
static int take(struct span *path) {
    int escaped = hex_escape_read(*path), byte = escaped >= 0 ? escaped : path->p[0];
    *path = span_skip(*path, escaped >= 0 ? 3 : 1);
    return byte;
}

// One that ends with "/" allows all below it (CSP 3, 6.7.2.11).
static bool is_path(struct span allowed, struct span path) {
    bool is_folder = span_has_suffix(allowed, SPAN("/"));
    if (allowed.n == 0) {
        return true;
    }
    while (allowed.n > 0 && path.n > 0) {
        if (take(&allowed) != take(&path)) {
            return false;
        }
    }
    return allowed.n == 0 && (is_folder || path.n == 0);
}

static bool is_self(const struct target_page *page, const struct place *place) {
    struct place self = place_of(SPAN("/"), page);
    bool is_upgrade = self.port == URI_HTTP_PORT && place->port == URI_HTTPS_PORT;
    return is_scheme(page->scheme, place->scheme) && span_eq_nocase(self.host, place->host) &&
           (self.port == place->port || is_upgrade);
}

// scheme-source = scheme-part ":"
// host-source   = [ scheme-part "://" ] host-part [ ":" port-part ] [ path-part ]
static bool is_source(struct span source, const struct target_page *page,
                      const struct place *place) {
    struct span scheme = page->scheme, authority, path, host, port;
    if (span_eq(source, SPAN("*"))) {
        return true;
    }
    if (span_index(source, ':') + 1 == source.n) {
        return is_scheme(span_first(source, source.n - 1), place->scheme);
    }
    if (!cut_url(source, &scheme, &authority, &path)) {
        authority = span_first(source, span_index(source, '/'));
        path = span_skip(source, authority.n);
    }
    uri_authority_cut(authority, &host, &port);
    return is_scheme(scheme, place->scheme) && is_host(host, place->host) && is_port(port, place) &&
           is_path(path, place->path);
}

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t';
}

// The next word between blanks.
static bool next_word(struct span *rest, struct span *word) {
    size_t n = 0;
    *rest = span_trim(*rest);
    while (n < rest->n && !is_blank(rest->p[n])) {
        n++;
    }
    *word = span_first(*rest, n);
    *rest = span_skip(*rest, n);
    return n > 0;
}

// nonce-source, hash-source
static bool is_one_time(struct span word) {
    return span_eq_nocase(span_first(word, 7), SPAN("'nonce-")) ||
           span_eq_nocase(span_first(word, 4), SPAN("'sha"));
}

// What stands in the page, not in the URL: a nonce, a hash (of the page's integrity attribute), or
// the trust of another script.
static bool is_beyond_url(struct span word) {
    return is_one_time(word) || span_eq_nocase(word, SPAN("'strict-dynamic'"));
}

static bool list_allows(struct span list, bool has_nonces, const struct target_page *page,
                        const struct place *place) {
    struct span word;
    bool allows = false;
    while (next_word(&list, &word)) {
        if (has_nonces && is_beyond_url(word)) {
            return true;
        }
        if (word.p[0] == '\'') {
            allows |= span_eq_nocase(word, SPAN("'self'")) && is_self(page, place);
        } else {
            allows |= is_source(word, page, place);
        }
    }
    return allows;
}

// directive = directive-name [ RWS directive-value ]; the first of a name counts.
static bool find_directive(struct span policy, struct span name, struct span *value) {
    struct span directive, word;
    while (span_cut(&policy, ';', &directive)) {
        if (next_word(&directive, &word) && span_eq_nocase(word, name)) {
            *value = directive;
            return true;
        }
    }
    return false;
}

#define CHAIN_MAX 3
struct chain {
    struct span names[CHAIN_MAX]; // the first that the policy has counts
    bool has_nonces;
};
static const struct chain chains[] = {
    [HINT_AS_NONE] = {{SPAN_INIT("script-src-elem"), SPAN_INIT("script-src"),
                       SPAN_INIT("default-src")}, // a module
                      true},
    [HINT_AS_STYLE] = {{SPAN_INIT("style-src-elem"), SPAN_INIT("style-src"),
                        SPAN_INIT("default-src")},
                       true},
    [HINT_AS_SCRIPT] = {{SPAN_INIT("script-src-elem"), SPAN_INIT("script-src"),
                         SPAN_INIT("default-src")},
                        true},
    [HINT_AS_FONT] = {{SPAN_INIT("font-src"), SPAN_INIT("default-src")}, false},
    [HINT_AS_IMAGE] = {{SPAN_INIT("img-src"), SPAN_INIT("default-src")}, false},
    [HINT_AS_FETCH] = {{SPAN_INIT("connect-src"), SPAN_INIT("default-src")}, false},
};

static bool is_sandboxed(struct span policy) {
    struct span value, word;
    if (!find_directive(policy, SPAN("sandbox"), &value)) {
        return false;
    }
    while (next_word(&value, &word)) {
        if (span_eq_nocase(word, SPAN("allow-same-origin"))) {
            return false;
        }
    }
    return true;
}

bool policy_allows(struct span csp, const struct hint *hint, const struct target_page *page) {
    struct span policy, value;
    if (hint->rel == HINT_PRECONNECT) {
        return true;
    }
    struct place place = place_of(hint->target, page);
    const struct chain *chain = &chains[hint->as];
    while (span_cut(&csp, ',', &policy)) {
        if (is_sandboxed(policy)) {
            return false;
        }
        for (size_t i = 0; i < CHAIN_MAX && chain->names[i].n > 0; i++) {
            if (!find_directive(policy, chain->names[i], &value)) {
                continue;
            }
            if (!list_allows(value, chain->has_nonces, page, &place)) {
                return false;
            }
            break;
        }
    }
    return true;
}

// Looks at every quote rather than at words, since a nonce of one visitor may never reach another.
static bool is_steady(struct span csp) {
    for (size_t i = 0; i < csp.n; i++) {
        if (csp.p[i] == '\'' && is_one_time(span_skip(csp, i))) {
            return false;
        }
    }
    return true;
}

// It says where to report to, which may name who it was made for; in a 103 nobody reports anything.
static bool reports(struct span csp) {
    struct span policy, value;
    while (span_cut(&csp, ',', &policy)) {
        if (find_directive(policy, SPAN("report-uri"), &value) ||
            find_directive(policy, SPAN("report-to"), &value)) {
            return true;
        }
    }
    return false;
}

// policy-token = "no-referrer" / "same-origin" / ...; unknown ones are skipped by clients.
static bool is_referrer_policy(struct span value) {
    struct span token;
    size_t n = 0;
    while (field_next_element(&value, &token)) {
        n++;
        for (size_t i = 0; i < token.n; i++) {
            uint8_t low = span_lower_byte(token.p[i]);
            if ((low < 'a' || low > 'z') && low != '-') {
                return false;
            }
        }
    }
    return n > 0;
}

bool policy_is_sendable(struct span name, struct span value) {
    if (value.n == 0 || value.n > POLICY_MAX || !field_is_value(value)) {
        return false;
    }
    if (span_eq_nocase(name, SPAN("content-security-policy"))) {
        return is_steady(value) && !reports(value);
    }
    return span_eq_nocase(name, SPAN("referrer-policy")) && is_referrer_policy(value);
}
