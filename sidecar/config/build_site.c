// SPDX-License-Identifier: MIT
#include "config/build_site.h"

#include "base/tchar.h"
#include "config/build_access.h"
#include "config/build_access_log.h"
#include "config/certificates.h"
#include "hints/hint.h"
#include "hints/plan.h"
#include "hints/target.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define HINT_MEMORY 65536 // bytes for the parts of one link-value while it is checked

// One site being built.
struct builder {
    struct build *build;
    struct file_section section;
    struct site *site;
};

__attribute__((format(printf, 3, 4))) static void tell(const struct builder *b, enum option id,
                                                       const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    config_errors_put(b->build->errors, file_line(&b->section, id), "%s", text);
}

// A host name as it stands in an authority, or an IPv6 address in brackets.
static bool is_host(struct span name) {
    bool is_v6 = name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']';
    struct span inner = is_v6 ? span_first(span_skip(name, 1), name.n - 2) : name;
    for (size_t i = 0; i < inner.n; i++) {
        uint8_t c = inner.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
            (c == 0 || strchr(is_v6 ? ":." : "-._", c) == NULL)) {
            return false;
        }
    }
    return inner.n > 0 && inner.n <= 253;
}

// The name in lower case, without a dot at its end.
static struct span build_name(const struct builder *b, struct span text, unsigned line) {
    uint8_t *p = build_alloc(b->build, text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        p[i] = span_lower_byte(text.p[i]);
    }
    struct span name = span_of(p, text.n > 1 && p[text.n - 1] == '.' ? text.n - 1 : text.n);
    if (!is_host(name)) {
        config_errors_put(b->build->errors, line,
                          "\"%.*s\" is not a host name (no scheme, port, path or wildcard)",
                          SPAN_ARG(text));
    }
    return name;
}

static void build_names(const struct builder *b) {
    b->site->name = build_name(b, file_title(&b->section), file_section_line(&b->section));
    struct span_list texts = build_list(b->build, &b->section, OPTION_SITE_ALIASES);
    struct span *v = build_alloc(b->build, texts.n * sizeof *v);
    for (size_t i = 0; i < texts.n; i++) {
        v[i] = build_name(b, texts.v[i], file_line(&b->section, OPTION_SITE_ALIASES));
    }
    b->site->aliases = (struct span_list){v, texts.n};
}

// The root as it is written, so that a link in it may be turned; only made absolute, without
// slashes at its end.
static struct span root_of(const struct builder *b, struct span text) {
    char *here = text.p[0] != '/' ? realpath(".", NULL) : NULL;
    struct span base = here != NULL ? span_str(here) : SPAN("");
    while (text.n > 1 && text.p[text.n - 1] == '/') {
        text.n--;
    }
    uint8_t *p = build_alloc(b->build, base.n + 1 + text.n + 1), *to = p;
    if (base.n > 0) {
        memcpy(to, base.p, base.n);
        to[base.n] = '/';
        to += base.n + 1;
    }
    memcpy(to, text.p, text.n);
    to[text.n] = 0;
    free(here);
    return span_of(p, (size_t)(to - p) + text.n);
}

static void build_root(const struct builder *b) {
    struct span text = build_text(b->build, &b->section, OPTION_SITE_ROOT);
    struct stat st;
    b->site->symlinks =
        (enum site_symlinks)build_number(b->build, &b->section, OPTION_SITE_SYMLINKS);
    if (text.n == 0) {
        return;
    }
    char *real = realpath((const char *)text.p, NULL);
    if (real == NULL || stat(real, &st) != 0) {
        tell(b, OPTION_SITE_ROOT, "root %s: %s", (const char *)text.p, strerror(errno));
    } else if (!S_ISDIR(st.st_mode)) {
        tell(b, OPTION_SITE_ROOT, "root %s is not a directory", (const char *)text.p);
    } else if (real[1] == 0) {
        tell(b, OPTION_SITE_ROOT, "root must not be /: every file of this machine would be served");
    } else {
        b->site->root = root_of(b, text);
    }
    free(real);
}

static void check_each(const struct builder *b, enum option id, struct span_list list,
                       const char *(*why)(struct span)) {
    for (size_t i = 0; i < list.n; i++) {
        if (why(list.v[i]) != NULL) {
            tell(b, id, "\"%.*s\": %s", SPAN_ARG(list.v[i]), why(list.v[i]));
        }
    }
}

static const char *why_no_index(struct span s) {
    bool is_good = s.n > 0 && span_index(s, '/') == s.n && s.p[0] != '.';
    return is_good ? NULL : "an index file is a name without slash, and not hidden";
}

const char *build_why_no_pattern(struct span s) {
    if (s.n == 0 || (s.p[0] != '/' && s.p[0] != '*')) {
        return "a pattern of paths begins with / or *";
    }
    return span_index(s, '?') == s.n ? NULL : "a pattern is of paths; the query is not part of it";
}

// absolute-path, in normal form.
static const char *why_no_path(struct span s) {
    if (s.n < 2 || s.p[0] != '/' || s.p[s.n - 1] == '/') {
        return "it must be the path of a file, such as /index.php";
    }
    bool is_odd = span_find(s, SPAN("//")) < s.n || span_find(s, SPAN("/./")) < s.n ||
                  span_find(s, SPAN("/../")) < s.n || span_has_suffix(s, SPAN("/..")) ||
                  span_has_suffix(s, SPAN("/."));
    return is_odd ? "no //, /. or /.. may stand in it" : NULL;
}

// What a browser may be told to fetch: path and query, no fragment.
static const char *why_no_push(struct span s) {
    if (s.n < 2 || s.p[0] != '/' || s.p[1] == '/') {
        return "only paths of this site can be pushed, such as /style.css";
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || strchr("#\"<>\\^`{|}", s.p[i]) != NULL) {
            return "this must be written with %XX, and has no fragment";
        }
    }
    return s.n <= TARGET_MAX ? NULL : "it is too long";
}

// A client's header fields are HTTP_*: nobody else may say what they are.
static const char *why_no_param(struct span s) {
    size_t n = span_index(s, '=');
    if (n == 0 || n == s.n) {
        return "a parameter is written NAME=value";
    }
    for (size_t i = 0; i < n; i++) {
        bool is_letter = (s.p[i] >= 'A' && s.p[i] <= 'Z') || s.p[i] == '_';
        if (!is_letter && (i == 0 || s.p[i] < '0' || s.p[i] > '9')) {
            return "a parameter's name is made of A-Z, 0-9 and _";
        }
    }
    return span_has_prefix(s, SPAN("HTTP_")) ? "HTTP_* is what the client's fields become" : NULL;
}

static void build_files(const struct builder *b) {
    struct site *site = b->site;
    const struct file_section *s = &b->section;
    site->index = build_list(b->build, s, OPTION_SITE_INDEX);
    build_access(b->build, s, site);
    check_each(b, OPTION_SITE_INDEX, site->index, why_no_index);
    site->has_server_timing = build_number(b->build, s, OPTION_SITE_SERVER_TIMING) == 1;
    site->has_debug_field = build_number(b->build, s, OPTION_SITE_DEBUG_FIELD) == 1;
    site->params = build_list(b->build, s, OPTION_SITE_PARAMS);
    check_each(b, OPTION_SITE_PARAMS, site->params, why_no_param);
    for (size_t i = 0; i < site->index.n; i++) {
        size_t n = site->index.v[i].n;
        site->index_len = n > site->index_len ? n : site->index_len;
    }
    site->body_limit = build_number(b->build, s, OPTION_SITE_BODY_LIMIT);
    site->buffer = (struct site_buffer){
        .request = build_number(b->build, s, OPTION_SITE_BUFFER_REQUEST) == 1,
        .response = build_number(b->build, s, OPTION_SITE_BUFFER_RESPONSE) == 1,
        .memory = build_number(b->build, s, OPTION_SITE_BUFFER_MEMORY),
        .limit = build_number(b->build, s, OPTION_SITE_BUFFER_LIMIT),
    };
    site->must_check = build_number(b->build, s, OPTION_SITE_CHECK_SCRIPT) == 1;
    site->charset = build_text(b->build, s, OPTION_SITE_CHARSET);
    if (site->charset.n > 0 && !tchar_is_token(site->charset)) {
        tell(b, OPTION_SITE_CHARSET, "charset \"%.*s\" is not the name of one",
             SPAN_ARG(site->charset));
    }
}

static void build_front(const struct builder *b) {
    struct site *site = b->site;
    site->front = build_text(b->build, &b->section, OPTION_SITE_FRONT_CONTROLLER);
    if (site->front.n == 0) {
        return;
    }
    if (why_no_path(site->front) != NULL) {
        tell(b, OPTION_SITE_FRONT_CONTROLLER, "front-controller \"%.*s\": %s",
             SPAN_ARG(site->front), why_no_path(site->front));
    } else {
        build_access_front(b->build, &b->section, site);
    }
    uint8_t *p = build_alloc(b->build, site->root.n + site->front.n + 1);
    if (site->root.n > 0) {
        memcpy(p, site->root.p, site->root.n);
    }
    memcpy(p + site->root.n, site->front.p, site->front.n);
    site->front_file = span_of(p, site->root.n + site->front.n);
    struct stat st;
    if (site->must_check && site->root.n > 0 &&
        (stat((const char *)p, &st) != 0 || !S_ISREG(st.st_mode))) {
        tell(b, OPTION_SITE_FRONT_CONTROLLER, "front-controller: there is no file %s",
             (const char *)p);
    }
}

static void build_pool_index(const struct builder *b) {
    const struct config *c = b->build->config;
    struct site *site = b->site;
    struct span name = build_text(b->build, &b->section, OPTION_SITE_POOL);
    site->pool = SITE_NO_POOL;
    for (uint32_t i = 0; i < c->pools_n; i++) {
        if (span_eq(c->pools[i].name, name)) {
            site->pool = i;
        }
    }
    if (name.n > 0 && site->pool == SITE_NO_POOL) {
        tell(b, OPTION_SITE_POOL, "there is no pool \"%.*s\"", SPAN_ARG(name));
    } else if (name.n == 0 && site->front.n > 0) {
        tell(b, OPTION_SITE_FRONT_CONTROLLER, "a front-controller needs a pool that runs it");
    }
    if (file_has(&b->section, OPTION_SITE_ROOT)) {
        return;
    }
    if (name.n == 0) {
        tell(b, OPTION_SITE_ROOT, "site \"%.*s\" has neither root nor pool", SPAN_ARG(site->name));
    } else if (site->must_check) {
        tell(b, OPTION_SITE_ROOT,
             "site \"%.*s\" needs a root where its scripts are, or check-script = false",
             SPAN_ARG(site->name));
    }
}

// As it will be when the program starts: what `check` calls good must start.
static void try_certificate(const struct builder *b) {
    const struct site *site = b->site;
    struct tls_context tls;
    tls_context_init(&tls, true, NULL);
    int err = certificates_add(site, &tls);
    bool is_key = span_has_prefix(span_str(tls_context_why(&tls)), SPAN("key"));
    if (err != 0) {
        tell(b, is_key ? OPTION_SITE_KEY : OPTION_SITE_CERTIFICATE, "%s", tls_context_why(&tls));
    } else if (tls_context_note(&tls)[0] != 0) {
        config_errors_note(b->build->errors, file_line(&b->section, OPTION_SITE_CERTIFICATE),
                           tls_context_note(&tls));
    }
    tls_context_fini(&tls);
}

static void build_certificate(const struct builder *b) {
    struct site *site = b->site;
    site->certificates = build_list(b->build, &b->section, OPTION_SITE_CERTIFICATE);
    site->keys = build_list(b->build, &b->section, OPTION_SITE_KEY);
    b->build->has_certificate |= site->certificates.n > 0;
    if (site->certificates.n != site->keys.n) {
        tell(b, site->keys.n > 0 ? OPTION_SITE_KEY : OPTION_SITE_CERTIFICATE,
             "certificate and key belong together: one of them is missing");
    } else if (site->certificates.n > 0) {
        try_certificate(b);
    }
}

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
    size_t colon = span_index(rest, ':');
    uint64_t port = 0;
    bool has_port = rest.n > 0 && rest.p[0] != '[' && colon < rest.n;
    if (has_port && (!span_to_u64(span_skip(rest, colon + 1), &port) || port > UINT16_MAX)) {
        return "its port is a number up to 65535";
    }
    return is_host(has_port ? span_first(rest, colon) : rest)
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

static struct span_list build_checked(const struct builder *b, const struct file_section *s,
                                      enum option id, const char *(*why)(struct span)) {
    struct builder here = {b->build, *s, b->site};
    struct span_list list = build_list(b->build, s, id);
    check_each(&here, id, list, why);
    return list;
}

static void build_policy(const struct builder *b, const struct file_section *s) {
    struct hint_policy *policy = &b->site->policy;
    struct span_list words = build_list(b->build, s, OPTION_HINTS_LEARN);
    for (size_t i = 0; i < words.n; i++) {
        char why[OPTION_WHY_LEN];
        uint64_t word;
        if (option_parse(OPTION_HINTS_LEARN, words.v[i], &word, why) == 0) {
            policy->learn |= 1U << word; // the words stand in the order of enum learner_source
        } else {
            config_errors_put(b->build->errors, file_line(s, OPTION_HINTS_LEARN), "%s", why);
        }
    }
    struct span_list origins = build_checked(b, s, OPTION_HINTS_ORIGINS, why_no_origin);
    struct span_list patterns = build_checked(b, s, OPTION_HINTS_PATTERNS, build_why_no_pattern);
    policy->origins = origins.v;
    policy->origins_n = origins.n;
    policy->patterns = patterns.v;
    policy->patterns_n = patterns.n;
    policy->distinct = (unsigned)build_number(b->build, s, OPTION_HINTS_DISTINCT);
}

static void build_gate(const struct builder *b, const struct file_section *s) {
    struct gate_conf *gate = &b->site->gate;
    struct span_list agents = build_checked(b, s, OPTION_HINTS_DENY_AGENTS, why_no_name_pattern);
    *gate = (struct gate_conf){
        .mode = (enum hint_mode)build_number(b->build, s, OPTION_HINTS_MODE),
        .clients = (enum gate_clients)build_number(b->build, s, OPTION_HINTS_CLIENTS),
        .http1 = build_number(b->build, s, OPTION_HINTS_HTTP1) == 1,
        .via_front = build_number(b->build, s, OPTION_HINTS_VIA) == 1,
        .sessions = build_number(b->build, s, OPTION_HINTS_SESSIONS) == 1,
        .min_think_us = (uint32_t)build_number(b->build, s, OPTION_HINTS_MIN_THINK) * 1000,
        .holdback = (unsigned)build_number(b->build, s, OPTION_HINTS_HOLDBACK),
        .agents = agents.v,
        .agents_n = agents.n,
    };
}

static struct audience_names names_of(const struct builder *b, const struct file_section *s,
                                      enum option option) {
    struct span_list names = build_checked(b, s, option, why_no_name_pattern);
    struct span *v = build_alloc(b->build, names.n * sizeof *v);
    for (size_t i = 0; i < names.n; i++) {
        v[i] = names.v[i];
    }
    return audience_names_sort(v, names.n);
}

static void build_hints(const struct builder *b) {
    struct file_section s = file_child(&b->section, SECTION_HINTS, 0);
    struct site *site = b->site;
    build_gate(b, &s);
    build_policy(b, &s);
    site->route_query = build_checked(b, &s, OPTION_HINTS_ROUTE_QUERY, why_no_query_key);
    site->audience = (struct audience_conf){
        .session = names_of(b, &s, OPTION_HINTS_SESSION_COOKIES),
        .harmless = names_of(b, &s, OPTION_HINTS_HARMLESS_COOKIES),
        .fields = names_of(b, &s, OPTION_HINTS_SESSION_FIELDS),
    };
    site->limits = (struct plan_limits){
        .links = build_number(b->build, &s, OPTION_HINTS_LINKS),
        .bytes = build_number(b->build, &s, OPTION_HINTS_BYTES),
    };
    site->policy.limits = &site->limits;
    site->relay = (enum site_relay)build_number(b->build, &s, OPTION_HINTS_RELAY);
    site->policy.has_policy = build_number(b->build, &s, OPTION_HINTS_POLICY) == 1;
    site->has_final_link = build_number(b->build, &s, OPTION_HINTS_FINAL_LINK) == 1;
}

static void build_assets(const struct builder *b) {
    struct file_section s = file_child(&b->section, SECTION_ASSETS, 0);
    b->site->asset_max_age_s = build_number(b->build, &s, OPTION_ASSETS_MAX_AGE) / 1000;
    b->site->asset_immutable = build_number(b->build, &s, OPTION_ASSETS_VERSIONED) == 1;
}

// The page on which the operator's own links stand.
static struct target_page page_of(const struct site *site) {
    return (struct target_page){SPAN("https"), site->name, SPAN("/")};
}

// Whether every link in a value of the operator's would become a hint; else why not.
static const char *why_no_hint(const struct site *site, struct span value, struct arena *a) {
    struct target_page page = page_of(site);
    struct hint_context context = {.page = &page, .policy = &site->policy, .arena = a};
    struct link_reader reader;
    struct link link;
    unsigned links = 0;
    link_init(&reader, value, a);
    while (link_next(&reader, &link) == STEP_ITEM) {
        struct hint hint;
        enum hint_reason reason = hint_from_link(&hint, &link, &context);
        if (!hint_is_usable(reason)) {
            return hint_reason_row(reason)->sentence;
        }
        links++;
    }
    bool is_good = links > 0 && reader.broken == 0;
    return is_good ? NULL : "This is not a link: </path>; rel=preload; as=style.";
}

static void build_rule_hints(const struct builder *b, struct route_rule *rule) {
    struct arena scratch, *keep = &b->build->config->arena;
    struct target_page page = page_of(b->site);
    struct pairs fields = {0};
    bool is_good = true;
    rule->hints = build_list(b->build, &b->section, OPTION_ROUTE_HINT);
    arena_init(&scratch, HINT_MEMORY);
    for (size_t i = 0; i < rule->hints.n; i++) {
        arena_reset(&scratch);
        const char *why = why_no_hint(b->site, rule->hints.v[i], &scratch);
        if (why != NULL) {
            tell(b, OPTION_ROUTE_HINT, "hint \"%.*s\": %s",
                 SPAN_ARG(span_first(rule->hints.v[i], 200)), why);
        }
        is_good =
            is_good && why == NULL && pairs_put(&fields, keep, SPAN("link"), rule->hints.v[i]) == 0;
    }
    arena_fini(&scratch);
    if (is_good && rule->hints.n > 0) {
        rule->plan = plan_of_links(&fields, &page, &b->site->policy, keep);
    }
}

static void build_rules(const struct builder *b) {
    size_t n = file_count(&b->section, SECTION_ROUTE);
    struct route_rule *rules = build_alloc(b->build, n * sizeof *rules);
    for (size_t i = 0; i < n; i++) {
        struct builder r = {b->build, file_child(&b->section, SECTION_ROUTE, i), b->site};
        struct span title = file_title(&r.section);
        rules[i] = (struct route_rule){
            .pattern = arena_copy(&b->build->config->arena, title),
            .has_buffer_request = file_values(&r.section, OPTION_ROUTE_BUFFER_REQUEST) > 0,
            .buffer_request = build_number(b->build, &r.section, OPTION_ROUTE_BUFFER_REQUEST) == 1,
            .has_buffer_response = file_values(&r.section, OPTION_ROUTE_BUFFER_RESPONSE) > 0,
            .buffer_response =
                build_number(b->build, &r.section, OPTION_ROUTE_BUFFER_RESPONSE) == 1,
            .has_mode = file_values(&r.section, OPTION_ROUTE_MODE) > 0,
            .mode = (enum hint_mode)build_number(b->build, &r.section, OPTION_ROUTE_MODE),
            .pushes = build_list(b->build, &r.section, OPTION_ROUTE_PUSH),
        };
        if (build_why_no_pattern(title) != NULL) {
            config_errors_put(b->build->errors, file_section_line(&r.section), "route \"%.*s\": %s",
                              SPAN_ARG(title), build_why_no_pattern(title));
        }
        build_rule_hints(&r, &rules[i]);
        check_each(&r, OPTION_ROUTE_PUSH, rules[i].pushes, why_no_push);
        rules[i].params = build_list(b->build, &r.section, OPTION_ROUTE_PARAMS);
        check_each(&r, OPTION_ROUTE_PARAMS, rules[i].params, why_no_param);
    }
    b->site->rules = rules;
    b->site->rules_n = n;
}

// Whether an earlier site has the name, or this one has it twice.
static void check_name(struct build *b, size_t site, size_t alias) {
    const struct site *sites = b->config->sites;
    struct span name = alias == 0 ? sites[site].name : sites[site].aliases.v[alias - 1];
    struct file_section s = file_child(&b->top, SECTION_SITE, site);
    unsigned line = alias == 0 ? file_section_line(&s) : file_line(&s, OPTION_SITE_ALIASES);
    for (size_t i = 0; i <= site; i++) {
        for (size_t k = 0; k <= sites[i].aliases.n && (i < site || k < alias); k++) {
            if (span_eq(k == 0 ? sites[i].name : sites[i].aliases.v[k - 1], name)) {
                config_errors_put(b->errors, line,
                                  "the name \"%.*s\" is already that of site \"%.*s\"",
                                  SPAN_ARG(name), SPAN_ARG(sites[i].name));
                return;
            }
        }
    }
}

void build_sites(struct build *b) {
    size_t n = file_count(&b->top, SECTION_SITE);
    struct site *sites = build_alloc(b, n * sizeof *sites);
    b->config->sites = sites;
    b->config->sites_n = n;
    for (size_t i = 0; i < n; i++) {
        struct builder s = {b, file_child(&b->top, SECTION_SITE, i), &sites[i]};
        build_names(&s);
        build_root(&s);
        build_files(&s);
        build_front(&s);
        build_pool_index(&s);
        build_certificate(&s);
        build_hints(&s);
        build_assets(&s);
        build_rules(&s);
        sites[i].access_log = build_access_log(b, &s.section);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k <= sites[i].aliases.n; k++) {
            check_name(b, i, k);
        }
    }
}
