// SPDX-License-Identifier: MIT
#include "exchange/router_rule.h"

#include "base/error.h"
#include "base/wildcard.h"

// ---- which --------------------------------------------------------------------------------------

static int match(struct router_search *s, const struct route_rule *rule, struct span path) {
    if (rule->expression == NULL) {
        return wildcard_match(rule->pattern, path, WILDCARD_CASE);
    }
    return expression_find(rule->expression, path, s->values.captures, &s->values.captures_n);
}

static int find_rule(struct router_search *s, struct span path, const struct route_rule **rule) {
    const struct site *site = s->q->site;
    int found = 0;
    *rule = NULL;
    for (size_t i = 0; i < site->rules_n && found == 0; i++) {
        found = match(s, &site->rules[i], path);
        *rule = found > 0 ? &site->rules[i] : NULL;
    }
    return found < 0 ? found : 0;
}

int router_rule_find(struct router_search *s) {
    return find_rule(s, s->at.path, &s->out->rule);
}

static int admit(const struct router_search *s, const struct route_rule *rule) {
    bool is_own = rule != NULL && (rule->answers.allowed_n > 0 || rule->answers.denied_n > 0);
    const struct site_answers *answers = is_own ? &rule->answers : &s->q->site->answers;
    bool is_open = s->q->from == NULL || site_answers_admits(answers, s->q->from);
    return is_open ? 0 : ERR_FORBIDDEN;
}

int router_rule_admit(const struct router_search *s) {
    return admit(s, s->out->rule);
}

int router_rule_admit_found(struct router_search *s, struct span path) {
    const struct route_rule *rule;
    if (!s->q->site->has_guards || span_eq(path, s->at.path)) {
        return 0;
    }
    int error = find_rule(s, path, &rule);
    return error == 0 ? admit(s, rule) : error;
}

bool router_rule_takes_missing(const struct router_search *s) {
    const struct route_rule *rule = s->out->rule;
    return rule != NULL && rule->has_missing ? rule->missing_to_front
                                             : s->q->site->missing_to_front;
}

// ---- what it does -------------------------------------------------------------------------------

bool router_rule_steers(const struct router_search *s) {
    const struct route_rule *rule = s->out->rule;
    for (unsigned i = 0; i < s->sent_n; i++) {
        if (s->sent[i] == rule) {
            return false;
        }
    }
    return rule->redirect != NULL || rule->tries_n > 0;
}

// Of a glob the stars are {1}, {2}, ...; {0} is the whole path.
static void fill_values(struct router_search *s) {
    const struct request *request = s->q->request;
    const struct route_rule *rule = s->out->rule;
    struct template_values *v = &s->values;
    v->variables[TEMPLATE_PATH] = s->at.path;
    v->variables[TEMPLATE_QUERY] = s->query;
    v->variables[TEMPLATE_HOST] = s->q->is_named ? request->authority : s->q->site->name;
    v->variables[TEMPLATE_SCHEME] = request->is_secure ? SPAN("https") : SPAN("http");
    if (rule->expression == NULL) {
        v->captures[0] = s->at.path;
        v->captures_n =
            1 + wildcard_stars(rule->pattern, s->at.path, v->captures + 1, TEMPLATE_CAPTURES - 1);
    }
}

static void redirect(struct router_search *s) {
    struct route *out = s->out;
    out->location = route_target_location(out->rule->redirect, &s->values, s->q->arena);
    if (out->location.p == NULL) {
        router_search_fail(s, ERR_ARENA_LIMIT, "");
        return;
    }
    bool is_read =
        span_eq(s->q->request->method, SPAN("GET")) || span_eq(s->q->request->method, SPAN("HEAD"));
    out->kind = ROUTE_REDIRECT;
    out->why = "the route redirects it";
    out->status = out->rule->redirect_status;
    if (out->status == 0) {
        out->status = is_read ? 302 : 307; // 302 lets clients turn a POST into a GET
    }
}

// Whether a file that the list names ends the route. The path itself has been checked, the others
// are the operator's.
static bool try_file(struct router_search *s, struct span path) {
    struct router_place was = s->at;
    bool is_missing;
    int error = 0;
    // A folder that is asked for without its slash is redirected to what is with it.
    if (path.n == was.path.n + 1 && path.p[was.path.n] == '/' && span_has_prefix(path, was.path)) {
        path = was.path;
    }
    if (!span_eq(path, was.path)) {
        s->at.by = ACCESS_APPLICATION;
        error = access_check(s->q->site, path, s->at.by, &s->at.hidden);
    }
    error = error == 0 && !router_search_set(s, path) ? ERR_ARENA_LIMIT : error;
    if (error != 0) {
        router_search_fail(s, error, "deny has a file of the try list");
        return true;
    }
    if (router_search_find(s, &is_missing)) {
        return true;
    }
    s->at = was;
    return false;
}

static bool send_on(struct router_search *s, struct span path, struct span query) {
    const struct route_rule *rule = s->out->rule;
    if (s->sent_n == ROUTER_PASSES) {
        router_search_fail(s, ERR_ROUTE_LIMIT, "routes send it on more than ten times");
        return false;
    }
    s->sent[s->sent_n++] = rule;
    s->is_given = rule->tries_n > 1;
    s->at.path = path;
    s->query = query;
    s->at.by = ACCESS_APPLICATION;
    return true;
}

bool router_rule_steer(struct router_search *s) {
    const struct route_rule *rule = s->out->rule;
    fill_values(s);
    if (rule->redirect != NULL) {
        redirect(s);
        return false;
    }
    for (size_t i = 0; i < rule->tries_n; i++) {
        const struct route_try *t = &rule->tries[i];
        struct span path, query;
        if (t->status != 0) {
            s->out->kind = ROUTE_STATUS;
            s->out->status = t->status;
            s->out->why = "nothing of the try list is there";
            return false;
        }
        if (!route_target_inside(&t->target, &s->values, s->q->arena, &path, &query)) {
            router_search_fail(s, ERR_ARENA_LIMIT, "");
            return false;
        }
        if (i + 1 == rule->tries_n) {
            return send_on(s, path, query);
        }
        if (try_file(s, path)) {
            s->query = t->target.has_query ? query : s->query;
            return false;
        }
    }
    return false;
}
