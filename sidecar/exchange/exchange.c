// SPDX-License-Identifier: MIT
#include "exchange/exchange.h"

#include "base/error.h"
#include "exchange/exchange_inside.h"
#include "exchange/steering.h"
#include "http/status.h"

#include <assert.h>

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

void exchange_enter(struct exchange *x, enum exchange_state state) {
    assert(states[state].from & (1u << x->state));
    x->state = state;
}

void exchange_init(struct exchange *x, const struct exchange_conf *conf,
                   const struct exchange_request *asked) {
    memset(x, 0, offsetof(struct exchange, named));
    x->commands.first = x->commands.count = 0;
    x->state = EXCHANGE_NEW;
    x->conf = conf;
    x->refusal = asked->refusal;
    x->request = asked->request;
    x->peer = asked->peer;
    x->facts = (struct facts){.request = asked->request,
                              .arena = asked->arena,
                              .secret = &conf->published.secret,
                              .from = asked->from,
                              .seen = asked->seen,
                              .is_front = asked->is_front,
                              .can_push = asked->can_push,
                              .is_pushed = asked->is_pushed};
    identity_init(&x->identity, &x->facts);
    hinting_init(&x->hinting, &x->facts, &x->identity, &conf->published);
    observation_init(&x->observation, &x->facts, &x->identity, &x->hinting, conf->observer);
}

void exchange_fini(struct exchange *x) {
    observation_leave(&x->observation, x->state == EXCHANGE_DONE);
}

bool exchange_wants_time(const struct exchange *x, enum exchange_event_kind kind) {
    return kind != EXCHANGE_BODY && kind != EXCHANGE_REQUEST_BODY && kind != EXCHANGE_REQUEST_END &&
           kind != EXCHANGE_END && (kind != EXCHANGE_SENT || x->observation.fetch.place != 0);
}

void exchange_set_time(struct exchange *x, uint64_t now_us) {
    x->facts.now_us = now_us;
}

struct exchange_command *exchange_command(struct exchange *x, enum exchange_command_kind kind) {
    struct exchange_queue *q = &x->commands;
    assert(q->count < EXCHANGE_COMMANDS);
    struct exchange_command *c = &q->v[(q->first + q->count++) % EXCHANGE_COMMANDS];
    *c = (struct exchange_command){.kind = kind};
    return c;
}

enum step exchange_next(struct exchange *x, struct exchange_command *out) {
    struct exchange_queue *q = &x->commands;
    if (q->count == 0) {
        return STEP_MORE;
    }
    *out = q->v[q->first];
    q->first = (uint8_t)((q->first + 1) % EXCHANGE_COMMANDS);
    q->count--;
    return STEP_ITEM;
}

// ---- hints and evidence -------------------------------------------------------------------------

void exchange_learn(struct exchange *x, struct span evidence) {
    if (evidence.n > 0) {
        exchange_command(x, COMMAND_LEARN)->body = evidence;
    }
}

static void inform(struct exchange *x, const struct hinting_words *words) {
    if (words->inform != NULL) {
        exchange_command(x, COMMAND_INFORM)->response = words->inform;
        observation_hinted(&x->observation, words->plan, words->said);
    }
}

static void promise(struct exchange *x) {
    if (x->hinting.push != NULL && x->hinting.push->n > 0) {
        exchange_command(x, COMMAND_PROMISE)->push = x->hinting.push;
    }
}

static struct holdback *holdback_of(const struct exchange *x) {
    struct holdback *all = x->conf->holdbacks;
    return all != NULL ? &all[x->facts.site - x->conf->router->sites] : NULL;
}

// What was decided when a script is to be asked.
static void say_hints(struct exchange *x, const struct hinting_words *words) {
    if (x->hinting.passes) {
        observation_open(&x->observation);
    }
    if (x->hinting.gate == GATE_HELD) {
        observation_held(&x->observation);
    }
    inform(x, words);
    promise(x);
}

// ---- asking -------------------------------------------------------------------------------------

void exchange_call(struct exchange *x, const struct request *request, bool has_body) {
    struct cgi_env env = {.request = request,
                          .site = x->facts.site,
                          .route = &x->route,
                          .peer = x->peer,
                          .has_body = has_body,
                          .is_front = x->facts.is_front,
                          .status = x->page_status != 0 ? x->page_status : 200,
                          .is_named = x->facts.is_named};
    int err = cgi_env_build(&env, x->facts.arena, &x->params);
    if (err != 0) {
        exchange_answer_error(x, err);
        return;
    }
    if (x->state == EXCHANGE_NEW) {
        exchange_enter(x, EXCHANGE_THINKING);
    }
    struct exchange_command *c = exchange_command(x, COMMAND_CALL);
    c->params = &x->params;
    c->request = request;
}

// Why the site's pool is not asked for the script, or 0.
static int refusal(const struct exchange *x) {
    const struct request *q = x->facts.request;
    if (x->facts.site->pool == SITE_NO_POOL) {
        return ERR_NOT_FOUND;
    }
    return q->body_len != BODY_UNKNOWN && q->body_len > facts_body_limit(&x->facts) ? ERR_BODY_LIMIT
                                                                                    : 0;
}

static void run_script(struct exchange *x) {
    uint64_t len = x->facts.request->body_len;
    x->is_buffered = facts_buffers_response(&x->facts);
    // FastCGI wants the length before the first byte.
    if (len == BODY_UNKNOWN || (len > 0 && facts_buffers_request(&x->facts))) {
        x->is_collecting = true;
        exchange_enter(x, EXCHANGE_THINKING);
        return;
    }
    exchange_call(x, x->facts.request, false);
}

// Of the server and not of a page: "OPTIONS *" (RFC 9110, 9.3.7), which some fronts ask for their
// health checks, and the path that the operator names for them.
static bool is_health(const struct exchange *x) {
    const struct request *q = x->facts.request;
    if (span_eq(q->target, SPAN("*"))) {
        return true;
    }
    bool is_read = span_eq(q->method, SPAN("GET")) || span_eq(q->method, SPAN("HEAD")) ||
                   span_eq(q->method, SPAN("OPTIONS"));
    return is_read && x->conf->health.n > 0 && span_eq(q->path, x->conf->health);
}

static void answer_health(struct exchange *x) {
    struct page page;
    page_health(&page, x->conf->is_draining, x->facts.arena);
    exchange_answer_page(x, &page, 0);
}

static void find_route(struct exchange *x) {
    struct facts *f = &x->facts;
    struct router_query query = {f->site,       f->request,  x->conf->files, f->arena,
                                 ACCESS_CLIENT, f->is_named, f->from};
    observation_request(&x->observation);
    x->has_decision = observation_is_navigation(&x->observation);
    router_route(&query, &x->route);
    f->rule = x->route.rule;
}

static void on_request(struct exchange *x) {
    struct facts *f = &x->facts;
    struct hinting_words words;
    int err;
    f->asked_us = f->now_us;
    f->is_get = span_eq(f->request->method, SPAN("GET"));
    f->site = router_site(x->conf->router, f->request->authority, &f->is_named);
    if (is_health(x)) {
        answer_health(x);
        return;
    }
    if (x->refusal != 0) {
        exchange_answer_error(x, x->refusal);
        return;
    }
    if (x->conf->redirect_https) {
        exchange_answer_https(x);
        return;
    }
    if ((err = exchange_refuse(x)) != 0) {
        exchange_answer_error(x, err);
        return;
    }
    find_route(x);
    switch (x->route.kind) {
    case ROUTE_FILE:
        exchange_enter(x, EXCHANGE_THINKING);
        exchange_command(x, COMMAND_FILE)->body = x->route.file;
        break;
    case ROUTE_SCRIPT:
        if ((err = refusal(x)) != 0) {
            exchange_answer_error(x, err);
            break;
        }
        x->has_decision = true;
        hinting_request(&x->hinting, holdback_of(x), &words);
        say_hints(x, &words);
        run_script(x);
        break;
    case ROUTE_REDIRECT:
        exchange_answer_redirect(x, x->route.status, x->route.location);
        break;
    case ROUTE_STATUS:
        exchange_answer_status(x, x->route.status);
        break;
    case ROUTE_ERROR:
        exchange_answer_error(x, x->route.error);
        break;
    }
}

static bool wants_body(const struct exchange *x) {
    return (x->state == EXCHANGE_THINKING || x->state == EXCHANGE_ANSWERING) &&
           x->route.kind == ROUTE_SCRIPT && x->redirects == 0;
}

static void on_request_body(struct exchange *x, struct span body) {
    x->body_len += body.n;
    if (!wants_body(x)) {
        return;
    }
    if (x->body_len > facts_body_limit(&x->facts)) {
        exchange_command(x, COMMAND_ABORT);
        if (x->state == EXCHANGE_THINKING) {
            exchange_answer_error(x, ERR_BODY_LIMIT);
        } else {
            exchange_reset(x, ERR_BODY_LIMIT);
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
        exchange_call(x, x->facts.request, true);
    }
    if (x->state == EXCHANGE_THINKING || x->state == EXCHANGE_ANSWERING) {
        exchange_command(x, COMMAND_CALL_END);
    }
}

// ---- answering ----------------------------------------------------------------------------------

// A page of the operator's stands in for the application's error.
static bool intercept(struct exchange *x, int status) {
    bool intercepts = false;
    struct span page = status >= 400 ? facts_error_page(&x->facts, status, &intercepts) : SPAN("");
    return intercepts && exchange_answer_by_page(x, status, page);
}

static int mark_push(struct exchange *x) {
    return x->facts.is_pushed
               ? pairs_put(&x->head.fields, x->facts.arena, SPAN("x-http2-push"), SPAN("pushed"))
               : 0;
}

static void on_head(struct exchange *x, const struct response *given) {
    if (x->state != EXCHANGE_THINKING) {
        return;
    }
    struct response copy = *given;
    const struct response *response = &copy;
    bool may_name = !x->is_sendfile;
    if (!x->is_sendfile && exchange_carry(x, &x->carried, &copy.fields) != 0) {
        exchange_command(x, COMMAND_ABORT);
        exchange_answer_error(x, ERR_BACKEND_HEAD);
        return;
    }
    if (x->route.kind == ROUTE_SCRIPT && steering_obey(&copy, may_name, &x->is_buffered)) {
        x->named = copy;
        exchange_hand_over(x, &x->named);
        return;
    }
    if (x->route.kind == ROUTE_SCRIPT && steering_drop(&copy, x->facts.arena) != 0) {
        exchange_command(x, COMMAND_ABORT);
        exchange_answer_error(x, ERR_BACKEND_HEAD);
        return;
    }
    if (x->facts.is_pushed && response->status >= 400) {
        exchange_command(x, COMMAND_ABORT);
        exchange_reset(x, ERR_NOT_FOUND);
        return;
    }
    bool is_script = x->route.kind == ROUTE_SCRIPT && !x->is_sendfile;
    if (is_script && (intercept(x, copy.status) || x->state != EXCHANGE_THINKING)) {
        return;
    }
    if (is_script && x->page_status != 0 && copy.status == 200) {
        copy.status = x->page_status;
        copy.reason = status_reason(copy.status);
    }
    if (facts_change_fields(&x->facts, &copy) != 0) {
        exchange_command(x, COMMAND_ABORT);
        exchange_answer_error(x, ERR_ARENA_LIMIT);
        return;
    }
    exchange_learn(x, observation_head(&x->observation, response, is_script));
    hinting_final(&x->hinting, response);
    promise(x);
    exchange_merge(x, response, 0);
    if (mark_push(x) != 0) {
        exchange_command(x, COMMAND_ABORT);
        exchange_reset(x, ERR_ARENA_LIMIT);
        return;
    }
    exchange_enter(x, EXCHANGE_ANSWERING);
    exchange_command(x, COMMAND_HEAD)->response = &x->head;
}

static void on_interim(struct exchange *x, const struct response *response) {
    struct hinting_words words;
    if (x->state == EXCHANGE_THINKING) {
        observation_interim(&x->observation, response);
        hinting_interim(&x->hinting, response, &words);
        inform(x, &words);
    }
}

static void on_failed(struct exchange *x, int error, uint64_t file_len) {
    x->route.info.len =
        file_len; // an application may have named another file than the router found
    if (x->state == EXCHANGE_THINKING) {
        exchange_answer_error(x, error);
    } else if (x->state == EXCHANGE_ANSWERING) {
        exchange_reset(x, error);
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
        on_interim(x, event->response);
        break;
    case EXCHANGE_HEAD:
        on_head(x, event->response);
        break;
    case EXCHANGE_BODY:
        if (x->state == EXCHANGE_ANSWERING) {
            observation_body(&x->observation, event->body);
            exchange_command(x, COMMAND_BODY)->body = event->body;
        }
        break;
    case EXCHANGE_END:
        if (x->state == EXCHANGE_ANSWERING) {
            exchange_learn(x, observation_end(&x->observation));
            exchange_command(x, COMMAND_FINISH);
            exchange_enter(x, EXCHANGE_DONE);
        }
        break;
    case EXCHANGE_SENT:
        observation_sent(&x->observation);
        break;
    case EXCHANGE_FAILED:
        on_failed(x, event->error, event->file_len);
        break;
    }
}
