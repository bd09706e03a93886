// SPDX-License-Identifier: MIT
#include "exchange/exchange.h"

#include "base/error.h"
#include "exchange/page.h"
#include "hints/merge.h"

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

void exchange_fini(struct exchange *x) {
    teaching_leave(x);
}

struct exchange_command *exchange_command(struct exchange *x, enum exchange_command_kind kind) {
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

// The fields of the final head, with ours.
static void merge(struct exchange *x, const struct response *response, int error) {
    struct pair fields[2];
    struct merge_extra extra = hinting_extra(x, error, fields);
    x->head = *response;
    x->status = response->status;
    merge_fields(&response->fields, &extra, x->arena, &x->head.fields);
}

static void answer_page(struct exchange *x, const struct page *page, int error) {
    exchange_enter(x, EXCHANGE_ANSWERING);
    merge(x, &page->head, error);
    if (x->route.kind == ROUTE_ERROR || x->route.kind == ROUTE_REDIRECT) {
        teaching_head(x, &page->head);
    }
    struct exchange_command *head = exchange_command(x, COMMAND_HEAD);
    head->response = &x->head;
    head->end = page->body.n == 0;
    if (!head->end) {
        exchange_command(x, COMMAND_BODY)->body = page->body;
        exchange_command(x, COMMAND_FINISH);
    }
    exchange_enter(x, EXCHANGE_DONE);
}

static void reset(struct exchange *x, int error) {
    exchange_enter(x, EXCHANGE_BROKEN);
    exchange_command(x, COMMAND_RESET)->error = error;
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
    exchange_command(x, COMMAND_CALL)->params = &x->params;
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
    x->has_decision = true;
    hinting_request(x);
    x->is_buffered = buffers_response(x);
    // FastCGI wants the length before the first byte.
    if (x->request->body_len == BODY_UNKNOWN || (x->request->body_len > 0 && buffers_request(x))) {
        x->is_collecting = true;
        exchange_enter(x, EXCHANGE_THINKING);
        return;
    }
    call(x);
}

// Of the server and not of a page: "OPTIONS *" (RFC 9110, 9.3.7), which some fronts ask for their
// health checks, and the path that the operator names for them.
static bool is_health(const struct exchange *x) {
    const struct request *q = x->request;
    if (span_eq(q->target, SPAN("*"))) {
        return true;
    }
    bool is_read = span_eq(q->method, SPAN("GET")) || span_eq(q->method, SPAN("HEAD")) ||
                   span_eq(q->method, SPAN("OPTIONS"));
    return is_read && x->conf->health.n > 0 && span_eq(q->path, x->conf->health);
}

static void answer_health(struct exchange *x) {
    struct page page;
    page_health(&page, x->conf->is_draining, x->arena);
    answer_page(x, &page, 0);
}

static void on_request(struct exchange *x) {
    x->asked_us = x->now_us;
    x->site = router_site(x->conf->router, x->request->authority, &x->is_named);
    if (is_health(x)) {
        answer_health(x);
        return;
    }
    if (x->refusal != 0) {
        answer_error(x, x->refusal);
        return;
    }
    if (x->conf->redirect_https) {
        redirect_https(x);
        return;
    }
    teaching_request(x);
    x->has_decision = x->is_get && x->signs.is_navigation;
    struct router_query query = {x->site, x->request, x->conf->files, x->arena, ACCESS_CLIENT};
    router_route(&query, &x->route);
    switch (x->route.kind) {
    case ROUTE_FILE:
        exchange_enter(x, EXCHANGE_THINKING);
        exchange_command(x, COMMAND_FILE);
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
        exchange_command(x, COMMAND_ABORT);
        if (x->state == EXCHANGE_THINKING) {
            answer_error(x, ERR_BODY_LIMIT);
        } else {
            reset(x, ERR_BODY_LIMIT);
        }
        return;
    }
    exchange_command(x, COMMAND_CALL_BODY)->body = body;
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
        exchange_command(x, COMMAND_CALL_END);
    }
}

// ---- answering ----------------------------------------------------------------------------------

// Obeys the fields by which an application steers its server, and takes them out. True when the
// body is to come from a file: who finds that needs them.
static bool obey(struct exchange *x, struct response *response) {
    struct pairs *fields = &response->fields;
    size_t kept = 0;
    for (size_t i = 0; i < fields->n; i++) {
        const struct pair *f = &fields->v[i];
        if (span_eq_nocase(f->name, SPAN("x-accel-buffering"))) {
            x->is_buffered = span_eq_nocase(f->value, SPAN("yes"));
        }
        kept += !sendfile_is_for_us(f->name);
    }
    if (!x->is_sendfile && sendfile_is_named(response)) {
        return true;
    }
    if (kept == fields->n) {
        return false;
    }
    struct pairs rest = {.n = 0};
    for (size_t i = 0; i < fields->n; i++) {
        if (!sendfile_is_for_us(fields->v[i].name)) {
            pairs_put(&rest, x->arena, fields->v[i].name, fields->v[i].value);
        }
    }
    *fields = rest;
    return false;
}

static void send_file(struct exchange *x, const struct response *response) {
    struct router_query query = {x->site, x->request, x->conf->files, x->arena, ACCESS_APPLICATION};
    struct exchange_command *c = exchange_command(x, COMMAND_SENDFILE);
    x->is_sendfile = true;
    c->response = response;
    c->error = sendfile_find(&x->sendfile, &query, response);
    if (c->error == 0) {
        x->route.file = x->sendfile.route.file;
        x->route.info = x->sendfile.route.info;
    }
}

static void on_head(struct exchange *x, const struct response *given) {
    if (x->state != EXCHANGE_THINKING) {
        return;
    }
    struct response copy = *given;
    const struct response *response = &copy;
    if (x->route.kind == ROUTE_SCRIPT && obey(x, &copy)) {
        send_file(x, given);
        return;
    }
    if (x->is_pushed && response->status >= 400) {
        exchange_command(x, COMMAND_ABORT);
        reset(x, ERR_NOT_FOUND);
        return;
    }
    teaching_head(x, response);
    hinting_push(x, response);
    merge(x, response, 0);
    exchange_enter(x, EXCHANGE_ANSWERING);
    if (x->is_pushed) {
        pairs_put(&x->head.fields, x->arena, SPAN("x-http2-push"), SPAN("pushed"));
    }
    exchange_command(x, COMMAND_HEAD)->response = &x->head;
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
        exchange_command(x, COMMAND_ABORT);
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
        hinting_interim(x, event->response);
        break;
    case EXCHANGE_HEAD:
        on_head(x, event->response);
        break;
    case EXCHANGE_BODY:
        if (x->state == EXCHANGE_ANSWERING) {
            teaching_body(x, event->body);
            exchange_command(x, COMMAND_BODY)->body = event->body;
        }
        break;
    case EXCHANGE_END:
        if (x->state == EXCHANGE_ANSWERING) {
            teaching_end(x);
            exchange_command(x, COMMAND_FINISH);
            exchange_enter(x, EXCHANGE_DONE);
        }
        break;
    case EXCHANGE_SENT:
        teaching_sent(x);
        break;
    case EXCHANGE_FAILED:
        on_failed(x, event->error);
        break;
    }
}
