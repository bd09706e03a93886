// SPDX-License-Identifier: MIT
#include "exchange/exchange.h"

#include "base/error.h"
#include "exchange/page.h"
#include "hints/evidence.h"
#include "hints/merge.h"
#include "hints/route_key.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

// ---- state --------------------------------------------------------------------------------------

#define FROM(name) (1u << EXCHANGE_##name)

static const struct {
    const char *name;
    unsigned from;
} states[EXCHANGE_STATES] = {
#define STATE(name, predecessors, meaning) {#name, predecessors},
#include "exchange/states.def"
#undef STATE
};

const char *exchange_state_name(enum exchange_state state) {
    return states[state].name;
}

static void exchange_enter(struct exchange *x, enum exchange_state state) {
    assert(states[state].from & (1u << x->state));
    x->state = state;
}

void exchange_init(struct exchange *x, const struct exchange_conf *conf, struct request *request,
                   struct arena *arena) {
    *x = (struct exchange){.conf = conf, .request = request, .arena = arena};
    x->state = EXCHANGE_NEW;
    x->gate = GATE_ANSWERED; // until it is decided: who is answered at once is not hinted
}

static struct exchange_command *command(struct exchange *x, enum exchange_command_kind kind) {
    assert(x->count < EXCHANGE_COMMANDS);
    struct exchange_command *c = &x->commands[(x->first + x->count++) % EXCHANGE_COMMANDS];
    *c = (struct exchange_command){.kind = kind};
    return c;
}

enum step exchange_next(struct exchange *x, struct exchange_command *out) {
    if (x->count == 0) {
        return STEP_MORE;
    }
    *out = x->commands[x->first];
    x->first = (uint8_t)((x->first + 1) % EXCHANGE_COMMANDS);
    x->count--;
    return STEP_ITEM;
}

// ---- answers of our own -------------------------------------------------------------------------

// Server-Timing (W3C): what was decided about the hints, how long the final head took, and what
// failed. For the operator's eyes in the browser's tools; only where the site wants it.
static void put_server_timing(struct exchange *x, int error) {
    char text[160];
    if (x->site == NULL || !x->site->has_server_timing) {
        return;
    }
    uint64_t think_us = x->now_us - x->asked_us;
    bool has_gate = x->route.kind == ROUTE_SCRIPT;
    int n = snprintf(text, sizeof text, "outrider;desc=\"%s\", think;dur=%" PRIu64 ".%03" PRIu64,
                     has_gate ? gate_reason_row(x->gate)->label : "file", think_us / 1000,
                     think_us % 1000);
    if (error != 0) {
        n += snprintf(text + n, sizeof text - (size_t)n, ", failed;desc=\"%s\"",
                      error_row(error)->label);
    }
    struct span value = arena_copy(x->arena, span_of(text, (size_t)n));
    if (value.p != NULL) {
        pairs_put(&x->head.fields, x->arena, SPAN("server-timing"), value);
    }
}

static void answer_page(struct exchange *x, const struct page *page, int error) {
    exchange_enter(x, EXCHANGE_ANSWERING);
    x->head = page->head;
    put_server_timing(x, error);
    x->status = page->head.status;
    struct exchange_command *head = command(x, COMMAND_HEAD);
    head->response = &x->head;
    head->end = page->body.n == 0;
    if (!head->end) {
        command(x, COMMAND_BODY)->body = page->body;
        command(x, COMMAND_FINISH);
    }
    exchange_enter(x, EXCHANGE_DONE);
}

static void reset(struct exchange *x, int error) {
    exchange_enter(x, EXCHANGE_BROKEN);
    command(x, COMMAND_RESET)->error = error;
}

// How long what the range does not fit into is (RFC 9110, 15.5.17).
static void put_size(struct exchange *x, struct page *page) {
    char text[40];
    int n = snprintf(text, sizeof text, "bytes */%" PRIu64, x->route.info.len);
    struct span value = arena_copy(x->arena, span_of(text, (size_t)n));
    if (value.p != NULL) {
        pairs_put(&page->head.fields, x->arena, SPAN("content-range"), value);
    }
}

static void answer_error(struct exchange *x, int error) {
    struct page page;
    if (x->is_pushed) {
        // A push that would answer an error is taken back: the client asks for itself if it must.
        if (x->state == EXCHANGE_NEW) {
            exchange_enter(x, EXCHANGE_THINKING);
        }
        reset(x, error);
        return;
    }
    page_error(&page, error, x->arena);
    if (error == ERR_RANGE) {
        put_size(x, &page);
    }
    answer_page(x, &page, error);
}

static void answer_redirect(struct exchange *x, struct span location) {
    struct page page;
    bool keeps_method =
        span_eq(x->request->method, SPAN("GET")) || span_eq(x->request->method, SPAN("HEAD"));
    // 301 lets clients turn a POST into a GET (RFC 9110, 15.4.2).
    page_redirect(&page, keeps_method ? 301 : 308, location, x->arena);
    answer_page(x, &page, 0);
}

// "https://host[:port]/path", on the port of the TLS listener.
static void redirect_https(struct exchange *x) {
    struct span host = router_host(x->request->authority), target = x->request->target;
    char port[8] = "";
    host = host.n > 0 ? host : x->site->name;
    size_t cap = sizeof "https://:65535" + host.n + target.n;
    char *text = arena_alloc(x->arena, cap);
    if (text == NULL) {
        answer_error(x, ERR_ARENA_LIMIT);
        return;
    }
    if (x->conf->https_port != 443) {
        snprintf(port, sizeof port, ":%u", x->conf->https_port);
    }
    int n = snprintf(text, cap, "https://%.*s%s%.*s", SPAN_ARG(host), port, SPAN_ARG(target));
    answer_redirect(x, span_of(text, (size_t)n));
}

// ---- hinting ------------------------------------------------------------------------------------

static struct gate_conf gate_of(const struct exchange *x) {
    struct gate_conf gate = x->site->gate;
    if (x->route.rule != NULL && x->route.rule->has_mode) {
        gate.mode = x->route.rule->mode;
    }
    return gate;
}

static struct target_page page_of(const struct exchange *x) {
    return (struct target_page){x->request->scheme, x->request->authority, x->request->target};
}

static void promise(struct exchange *x) {
    if (x->push.n > 0) {
        struct exchange_command *c = command(x, COMMAND_PROMISE);
        c->paths = x->push.paths;
        c->paths_n = x->push.n;
    }
}

static bool may_push(const struct exchange *x, enum hint_mode least) {
    return x->can_push && !x->is_pushed && gate_of(x).mode >= least;
}

// What is known of the route before anybody is asked: the operator's rule and the learned plan.
static const struct plan *find_plan(struct exchange *x) {
    const struct route_rule *rule = x->route.rule;
    const struct plan *learned = NULL;
    if (x->key.n > 0) {
        learned = x->conf->find_plan(x->conf->plan_self, x->key);
        x->has_plan = learned != NULL;
    }
    return plan_union(rule != NULL ? rule->plan : NULL, learned, x->arena);
}

static void hint(struct exchange *x) {
    struct gate_conf gate = gate_of(x);
    if (gate.mode != HINT_MODE_OFF && x->is_named && x->site->learn != 0 &&
        span_eq(x->request->method, SPAN("GET"))) {
        x->key = route_key(x->arena, x->site->name, x->request->path);
    }
    const struct plan *plan = find_plan(x);
    struct gate_facts facts = {.has_hints = plan_has_link(plan)};
    x->gate = gate_decide(&gate, x->request, &facts);
    if (x->gate == GATE_SEND) {
        x->has_informed = true;
        command(x, COMMAND_INFORM)->response = &plan->response;
    }
    push_init(&x->push);
    if (may_push(x, HINT_MODE_HINT) && x->route.rule != NULL) {
        for (size_t i = 0; i < x->route.rule->pushes.n && x->push.n < PUSH_MAX; i++) {
            x->push.paths[x->push.n++] = x->route.rule->pushes.v[i];
        }
    }
    if (may_push(x, HINT_MODE_PUSH)) {
        push_put_plan(&x->push, plan);
    }
    promise(x);
}

// The application's own 103, where ours has not left: browsers act on the first one only.
static void relay_interim(struct exchange *x, const struct response *response) {
    if (x->state != EXCHANGE_THINKING || x->has_informed || response->status != 103) {
        return;
    }
    struct target_page page = page_of(x);
    const struct plan *plan = plan_of_links(&response->fields, &page, x->arena);
    struct gate_conf gate = gate_of(x);
    struct gate_facts facts = {.has_hints = plan_has_link(plan)};
    x->gate = gate_decide(&gate, x->request, &facts);
    if (x->gate == GATE_SEND) {
        x->has_informed = true;
        command(x, COMMAND_INFORM)->response = &plan->response;
    }
}

// ---- asking -------------------------------------------------------------------------------------

static void call(struct exchange *x) {
    struct cgi_env env = {.request = x->request,
                          .site = x->site,
                          .route = &x->route,
                          .peer = x->peer,
                          .is_named = x->is_named};
    int err = cgi_env_build(&env, x->arena, &x->params);
    if (err != 0) {
        answer_error(x, err);
        return;
    }
    if (x->state == EXCHANGE_NEW) {
        exchange_enter(x, EXCHANGE_THINKING);
    }
    command(x, COMMAND_CALL)->params = &x->params;
}

static bool buffers_request(const struct exchange *x) {
    const struct route_rule *rule = x->route.rule;
    return rule != NULL && rule->has_buffer_request ? rule->buffer_request
                                                    : x->site->buffer.request;
}

static bool buffers_response(const struct exchange *x) {
    const struct route_rule *rule = x->route.rule;
    return rule != NULL && rule->has_buffer_response ? rule->buffer_response
                                                     : x->site->buffer.response;
}

static void run_script(struct exchange *x) {
    if (x->site->pool == SITE_NO_POOL) {
        answer_error(x, ERR_NOT_FOUND);
        return;
    }
    if (x->request->body_len != BODY_UNKNOWN && x->request->body_len > x->site->body_limit) {
        answer_error(x, ERR_BODY_LIMIT);
        return;
    }
    hint(x);
    x->is_buffered = buffers_response(x);
    // FastCGI wants the length before the first byte.
    if (x->request->body_len == BODY_UNKNOWN || (x->request->body_len > 0 && buffers_request(x))) {
        x->is_collecting = true;
        exchange_enter(x, EXCHANGE_THINKING);
        return;
    }
    call(x);
}

static void on_request(struct exchange *x) {
    x->asked_us = x->now_us;
    x->site = router_site(x->conf->router, x->request->authority, &x->is_named);
    if (x->conf->redirect_https) {
        redirect_https(x);
        return;
    }
    struct router_query query = {x->site, x->request, x->conf->files, x->arena};
    router_route(&query, &x->route);
    switch (x->route.kind) {
    case ROUTE_FILE:
        exchange_enter(x, EXCHANGE_THINKING);
        command(x, COMMAND_FILE);
        break;
    case ROUTE_SCRIPT:
        run_script(x);
        break;
    case ROUTE_REDIRECT:
        answer_redirect(x, x->route.location);
        break;
    case ROUTE_ERROR:
        answer_error(x, x->route.error);
        break;
    }
}

static bool wants_body(const struct exchange *x) {
    return (x->state == EXCHANGE_THINKING || x->state == EXCHANGE_ANSWERING) &&
           x->route.kind == ROUTE_SCRIPT;
}

static void on_request_body(struct exchange *x, struct span body) {
    x->body_len += body.n;
    if (!wants_body(x)) {
        return;
    }
    if (x->body_len > x->site->body_limit) {
        command(x, COMMAND_ABORT);
        if (x->state == EXCHANGE_THINKING) {
            answer_error(x, ERR_BODY_LIMIT);
        } else {
            reset(x, ERR_BODY_LIMIT);
        }
        return;
    }
    command(x, COMMAND_CALL_BODY)->body = body;
}

static void on_request_end(struct exchange *x) {
    if (!wants_body(x)) {
        return;
    }
    if (x->is_collecting) {
        x->is_collecting = false;
        x->request->body_len = x->body_len;
        call(x);
    }
    if (x->state == EXCHANGE_THINKING || x->state == EXCHANGE_ANSWERING) {
        command(x, COMMAND_CALL_END);
    }
}

// ---- answering ----------------------------------------------------------------------------------

static bool has_link(const struct response *response) {
    return pairs_find(&response->fields, SPAN("link")) != NULL;
}

static void teach(struct exchange *x, const struct response *response) {
    // A route without links that nobody hints has nothing to say.
    if (x->key.n > 0 && (has_link(response) || x->has_plan) &&
        evidence_may_teach(x->request, response) == TEACH_OK) {
        command(x, COMMAND_LEARN)->response = response;
    }
}

// Fields by which an application steers its server, and which are not the client's business.
static bool is_for_us(struct span name) {
    return (name.n > 8 && span_eq_nocase(span_first(name, 8), SPAN("x-accel-"))) ||
           span_eq_nocase(name, SPAN("x-sendfile"));
}

// Obeys them and takes them out. True when the body is to come from a file.
static bool obey(struct exchange *x, struct response *response) {
    struct pairs *fields = &response->fields;
    bool has_file = false;
    size_t kept = 0;
    for (size_t i = 0; i < fields->n; i++) {
        const struct pair *f = &fields->v[i];
        if (span_eq_nocase(f->name, SPAN("x-accel-buffering"))) {
            x->is_buffered = span_eq_nocase(f->value, SPAN("yes"));
        }
        has_file = has_file || span_eq_nocase(f->name, SPAN("x-accel-redirect")) ||
                   span_eq_nocase(f->name, SPAN("x-sendfile"));
        kept += !is_for_us(f->name);
    }
    if (has_file && response->status == 200 && !x->is_sendfile) {
        return true; // who finds the file needs them
    }
    if (kept == fields->n) {
        return false;
    }
    struct pairs rest = {.n = 0};
    for (size_t i = 0; i < fields->n; i++) {
        if (!is_for_us(fields->v[i].name)) {
            pairs_put(&rest, x->arena, fields->v[i].name, fields->v[i].value);
        }
    }
    *fields = rest;
    return false;
}

static void on_head(struct exchange *x, const struct response *given) {
    if (x->state != EXCHANGE_THINKING) {
        return;
    }
    struct response copy = *given;
    const struct response *response = &copy;
    if (x->route.kind == ROUTE_SCRIPT && obey(x, &copy)) {
        x->is_sendfile = true;
        command(x, COMMAND_SENDFILE)->response = given;
        return;
    }
    if (x->is_pushed && response->status >= 400) {
        command(x, COMMAND_ABORT);
        reset(x, ERR_NOT_FOUND);
        return;
    }
    if (x->route.kind == ROUTE_SCRIPT && !x->is_sendfile) {
        teach(x, given);
    }
    push_init(&x->push);
    if (may_push(x, HINT_MODE_HINT) && response->status == 200 && has_link(response)) {
        struct target_page page = page_of(x);
        push_put_links(&x->push, &response->fields, &page, x->arena);
        promise(x);
    }
    exchange_enter(x, EXCHANGE_ANSWERING);
    x->head = *response;
    merge_fields(&response->fields, x->arena, &x->head.fields);
    if (x->is_pushed) {
        pairs_put(&x->head.fields, x->arena, SPAN("x-http2-push"), SPAN("pushed"));
    }
    put_server_timing(x, 0);
    x->status = response->status;
    command(x, COMMAND_HEAD)->response = &x->head;
}

static void on_failed(struct exchange *x, int error) {
    if (x->state == EXCHANGE_THINKING) {
        answer_error(x, error);
    } else if (x->state == EXCHANGE_ANSWERING) {
        reset(x, error);
    }
}

static void on_client_gone(struct exchange *x) {
    if (x->state == EXCHANGE_THINKING || x->state == EXCHANGE_ANSWERING) {
        exchange_enter(x, EXCHANGE_BROKEN);
        command(x, COMMAND_ABORT);
    }
}

void exchange_put(struct exchange *x, const struct exchange_event *event) {
    switch (event->kind) {
    case EXCHANGE_REQUEST:
        on_request(x);
        break;
    case EXCHANGE_REQUEST_BODY:
        on_request_body(x, event->body);
        break;
    case EXCHANGE_REQUEST_END:
        on_request_end(x);
        break;
    case EXCHANGE_CLIENT_GONE:
        on_client_gone(x);
        break;
    case EXCHANGE_INTERIM:
        relay_interim(x, event->response);
        break;
    case EXCHANGE_HEAD:
        on_head(x, event->response);
        break;
    case EXCHANGE_BODY:
        if (x->state == EXCHANGE_ANSWERING) {
            command(x, COMMAND_BODY)->body = event->body;
        }
        break;
    case EXCHANGE_END:
        if (x->state == EXCHANGE_ANSWERING) {
            command(x, COMMAND_FINISH);
            exchange_enter(x, EXCHANGE_DONE);
        }
        break;
    case EXCHANGE_FAILED:
        on_failed(x, event->error);
        break;
    }
}
