// SPDX-License-Identifier: MIT
#include "config/build_steer.h"

#include "config/build_check.h"

static void build_pattern(struct build *b, const struct file_section *s, struct route_rule *rule) {
    struct span title = file_title(s);
    char why[EXPRESSION_WHY_LEN] = "";
    rule->pattern = build_keep(b, title);
    const char *wrong = why;
    if (span_has_prefix(title, SPAN("~"))) {
        rule->expression = expression_new(span_trim(span_skip(title, 1)), &b->config->arena, why);
        wrong = rule->expression == NULL ? why : NULL;
    } else {
        wrong = build_why_no_pattern(title);
    }
    if (wrong != NULL) {
        config_errors_put(b->errors, file_section_line(s), "route \"%.*s\": %s", SPAN_ARG(title),
                          wrong);
    }
}

// A target from text; what is wrong with it is told.
static bool build_target(struct build *b, const struct file_section *s, enum option id,
                         struct span text, struct route_target *target) {
    const char *why;
    bool is_inside = id != OPTION_ROUTE_REDIRECT;
    if (route_target_parse(target, build_keep(b, text), is_inside, &b->config->arena, &why)) {
        return true;
    }
    config_errors_put(b->errors, file_line(s, id), "%s \"%.*s\": %s", option_row(id)->name,
                      SPAN_ARG(text), why);
    return false;
}

static void build_redirect(struct build *b, const struct file_section *s, struct route_rule *rule) {
    static const int statuses[] = {301, 302, 303, 307, 308}; // the words of redirect-status
    struct route_target *target = build_alloc(b, sizeof *target);
    if (file_values(s, OPTION_ROUTE_REDIRECT_STATUS) > 0) {
        rule->redirect_status = statuses[build_number(b, s, OPTION_ROUTE_REDIRECT_STATUS) % 5];
    }
    if (file_values(s, OPTION_ROUTE_REDIRECT) == 0) {
        if (rule->redirect_status != 0) {
            config_errors_put(b->errors, file_line(s, OPTION_ROUTE_REDIRECT_STATUS),
                              "redirect-status is of no use without redirect");
        }
        return;
    }
    if (build_target(b, s, OPTION_ROUTE_REDIRECT, file_value(s, OPTION_ROUTE_REDIRECT, 0),
                     target)) {
        rule->redirect = target;
    }
}

// "=404": the status, or 0.
static int status_of(struct span text) {
    uint64_t status;
    bool is_status = span_has_prefix(text, SPAN("=")) && span_to_u64(span_skip(text, 1), &status) &&
                     status >= 400 && status <= 599;
    return is_status ? (int)status : 0;
}

static void build_try(struct build *b, const struct file_section *s, enum option id,
                      struct route_rule *rule) {
    size_t n = file_values(s, id);
    struct route_try *tries = build_alloc(b, n * sizeof *tries);
    for (size_t i = 0; i < n; i++) {
        struct span text = file_value(s, id, i);
        tries[i].status = id == OPTION_ROUTE_TRY ? status_of(text) : 0;
        if (tries[i].status != 0 && i + 1 < n) {
            config_errors_put(b->errors, file_line(s, id), "try: \"%.*s\" must be the last",
                              SPAN_ARG(text));
        } else if (tries[i].status == 0 && !build_target(b, s, id, text, &tries[i].target)) {
            return;
        }
    }
    rule->tries = tries;
    rule->tries_n = n;
}

void build_steer(struct build *b, const struct file_section *s, struct route_rule *rule) {
    static const enum option ways[] = {OPTION_ROUTE_REDIRECT, OPTION_ROUTE_REWRITE,
                                       OPTION_ROUTE_TRY};
    unsigned given = 0;
    build_pattern(b, s, rule);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        given += file_values(s, ways[i]) > 0;
        if (given == 2 && file_values(s, ways[i]) > 0) {
            config_errors_put(b->errors, file_line(s, ways[i]),
                              "a route has one of redirect, rewrite and try: write two routes");
        }
    }
    build_redirect(b, s, rule);
    build_try(b, s, file_values(s, OPTION_ROUTE_TRY) > 0 ? OPTION_ROUTE_TRY : OPTION_ROUTE_REWRITE,
              rule);
}
