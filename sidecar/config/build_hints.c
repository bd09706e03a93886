// SPDX-License-Identifier: MIT
#include "config/build_hints.h"

#include "config/build_check.h"
#include "config/build_fill.h"
#include "http/uri.h"

// key, or key=*
static const char *why_no_query_key(struct span s) {
    struct span key = span_has_suffix(s, SPAN("=*")) ? span_first(s, s.n - 2) : s;
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] <= 0x20 || key.p[i] >= 0x7f || strchr("&=#?*", key.p[i]) != NULL) {
            return "a query key is written as in a URL, with =* behind it where its value does not "
                   "matter";
        }
    }
    return key.n > 0 ? NULL : "a query key has a name";
}

static bool is_lower(struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != span_lower_byte(s.p[i])) {
            return false;
        }
    }
    return true;
}

// scheme "://" host [":" port], as browsers write an origin
static const char *why_no_origin(struct span s) {
    struct span rest = s;
    if (span_has_prefix(s, SPAN("https://"))) {
        rest = span_skip(s, 8);
    } else if (span_has_prefix(s, SPAN("http://"))) {
        rest = span_skip(s, 7);
    } else {
        return "an origin begins with https:// or http://";
    }
    struct span host, port;
    uint64_t number = 0;
    uri_authority_cut(rest, &host, &port);
    if (host.n < rest.n && (!span_to_u64(port, &number) || number > UINT16_MAX)) {
        return "its port is a number up to 65535";
    }
    return uri_is_host(host) && is_lower(host)
               ? NULL
               : "an origin is a scheme and a host in lower case, and a port if it needs one";
}

static const char *why_no_name_pattern(struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < 0x20 || s.p[i] >= 0x7f) {
            return "only printable characters of ASCII stand in it";
        }
    }
    return s.n > 0 ? NULL : "it is empty";
}

static struct span_list list_of(struct build *b, const struct file_section *s, enum option id,
                                const char *(*why)(struct span)) {
    struct span_list list = build_list(b, s, id);
    build_check(b, s, id, list, why);
    return list;
}

static void build_policy(struct build *b, const struct file_section *s,
                         struct hint_policy *policy) {
    struct span_list words = build_list(b, s, OPTION_HINTS_LEARN);
    for (size_t i = 0; i < words.n; i++) {
        char why[OPTION_WHY_LEN];
        uint64_t word;
        if (option_parse(OPTION_HINTS_LEARN, words.v[i], &word, why) == 0) {
            policy->learn |= 1U << word; // the words stand in the order of enum learner_source
        } else {
            config_errors_put(b->errors, file_line(s, OPTION_HINTS_LEARN), "%s", why);
        }
    }
    struct span_list origins = list_of(b, s, OPTION_HINTS_ORIGINS, why_no_origin);
    struct span_list patterns = list_of(b, s, OPTION_HINTS_PATTERNS, build_why_no_pattern);
    policy->origins = origins.v;
    policy->origins_n = origins.n;
    policy->patterns = patterns.v;
    policy->patterns_n = patterns.n;
}

static void build_gate(struct build *b, const struct file_section *s, struct gate_conf *gate) {
    struct span_list agents = list_of(b, s, OPTION_HINTS_DENY_AGENTS, why_no_name_pattern);
    gate->min_think_us = (uint32_t)build_number(b, s, OPTION_HINTS_MIN_THINK) * 1000;
    gate->agents = agents.v;
    gate->agents_n = agents.n;
}

static struct audience_names names_of(struct build *b, const struct file_section *s,
                                      enum option option) {
    struct span_list names = list_of(b, s, option, why_no_name_pattern);
    struct span *v = build_alloc(b, names.n * sizeof *v);
    for (size_t i = 0; i < names.n; i++) {
        v[i] = names.v[i];
    }
    return audience_names_sort(v, names.n);
}

void build_hints(struct build *b, const struct file_section *section, struct site *site) {
    struct file_section s = file_child(section, SECTION_HINTS, 0);
    BUILD_FILL(b, &s, site, site);
    build_gate(b, &s, &site->gate);
    build_policy(b, &s, &site->policy);
    build_check(b, &s, OPTION_HINTS_ROUTE_QUERY, site->route_query, why_no_query_key);
    site->audience = (struct audience_conf){
        .session = names_of(b, &s, OPTION_HINTS_SESSION_COOKIES),
        .harmless = names_of(b, &s, OPTION_HINTS_HARMLESS_COOKIES),
        .fields = names_of(b, &s, OPTION_HINTS_SESSION_FIELDS),
    };
    site->policy.limits = &site->limits;
}
