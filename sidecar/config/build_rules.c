// SPDX-License-Identifier: MIT
#include "config/build_rules.h"

#include "config/build_answers.h"
#include "config/build_check.h"
#include "config/build_fill.h"
#include "config/build_front.h"
#include "config/build_steer.h"
#include "hints/hint.h"
#include "hints/plan.h"
#include "hints/target.h"

#define HINT_MEMORY 65536 // bytes for the parts of one link-value while it is checked

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

static void build_rule_hints(struct build *b, const struct file_section *s, const struct site *site,
                             struct route_rule *rule) {
    struct arena scratch, *keep = &b->config->arena;
    struct target_page page = page_of(site);
    struct pairs fields = {0};
    bool is_good = true;
    arena_init(&scratch, HINT_MEMORY);
    for (size_t i = 0; i < rule->hints.n; i++) {
        arena_reset(&scratch);
        const char *why = why_no_hint(site, rule->hints.v[i], &scratch);
        if (why != NULL) {
            config_errors_put(b->errors, file_line(s, OPTION_ROUTE_HINT), "hint \"%.*s\": %s",
                              SPAN_ARG(span_first(rule->hints.v[i], 200)), why);
        }
        is_good =
            is_good && why == NULL && pairs_put(&fields, keep, SPAN("link"), rule->hints.v[i]) == 0;
    }
    arena_fini(&scratch);
    if (is_good && rule->hints.n > 0) {
        rule->plan = plan_of_links(&fields, &page, &site->policy, keep);
    }
}

void build_rules(struct build *b, const struct file_section *section, struct site *site) {
    size_t n = file_count(section, SECTION_ROUTE);
    struct route_rule *rules = build_alloc(b, n * sizeof *rules);
    for (size_t i = 0; i < n; i++) {
        struct file_section s = file_child(section, SECTION_ROUTE, i);
        rules[i] = (struct route_rule){
            .has_buffer_request = file_values(&s, OPTION_ROUTE_BUFFER_REQUEST) > 0,
            .has_buffer_response = file_values(&s, OPTION_ROUTE_BUFFER_RESPONSE) > 0,
            .has_compress = file_values(&s, OPTION_ROUTE_COMPRESS) > 0,
            .has_missing = file_values(&s, OPTION_ROUTE_MISSING_SCRIPTS) > 0,
            .has_body_limit = file_values(&s, OPTION_ROUTE_BODY_LIMIT) > 0,
            .has_mode = file_values(&s, OPTION_ROUTE_MODE) > 0,
        };
        BUILD_FILL(b, &s, route_rule, &rules[i]);
        build_steer(b, &s, &rules[i]);
        build_answers(b, &s, &rules[i].answers);
        site->has_guards |= rules[i].answers.allowed_n > 0 || rules[i].answers.denied_n > 0;
        build_front(b, &s, OPTION_ROUTE_FRONT_CONTROLLER, site, &rules[i].front);
        build_rule_hints(b, &s, site, &rules[i]);
        build_check(b, &s, OPTION_ROUTE_PUSH, rules[i].pushes, why_no_push);
        build_check(b, &s, OPTION_ROUTE_PARAMS, rules[i].params, build_why_no_param);
    }
    site->rules = rules;
    site->rules_n = n;
}
