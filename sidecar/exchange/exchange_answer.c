// SPDX-License-Identifier: MIT
#include "exchange/exchange_inside.h"

#include "base/error.h"
#include "hints/merge.h"
#include "http/uri.h"

void exchange_merge(struct exchange *x, const struct response *response, int error) {
    struct pair fields[2];
    struct hinting_answer answer = {error, x->route.kind == ROUTE_SCRIPT, x->has_decision};
    struct merge_extra extra = hinting_extra(&x->hinting, &answer, fields);
    x->head = *response;
    // What does not fit is ours, not the application's: its fields are then as they were.
    (void)merge_fields(&response->fields, &extra, x->facts.arena, &x->head.fields);
}

void exchange_answer_page(struct exchange *x, struct page *page, int error) {
    exchange_enter(x, EXCHANGE_ANSWERING);
    if (x->refusal == 0) {
        (void)facts_change_fields(&x->facts, &page->head); // without memory it is sent as it is
    }
    exchange_merge(x, &page->head, error);
    if (x->route.kind != ROUTE_FILE && x->route.kind != ROUTE_SCRIPT) {
        exchange_learn(x, observation_head(&x->observation, &page->head, false));
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

void exchange_reset(struct exchange *x, int error) {
    exchange_enter(x, EXCHANGE_BROKEN);
    exchange_command(x, COMMAND_RESET)->error = error;
}

// ---- errors -------------------------------------------------------------------------------------

// The operator's page for what failed, or an empty path.
static struct span page_of(const struct exchange *x, int error, int status) {
    bool intercepts;
    if (x->refusal != 0) {
        return SPAN(""); // a bound is reached: no more is done for it
    }
    return error == ERR_MAINTENANCE ? x->facts.site->maintenance.page
                                    : facts_error_page(&x->facts, status, &intercepts);
}

static void make_page(const struct exchange *x, int error, int status, struct page *page) {
    bool is_closed = x->route.kind == ROUTE_ERROR && x->route.error == ERR_MAINTENANCE;
    if (is_closed) {
        uint64_t retry_s = x->facts.site->maintenance.retry_ms / 1000;
        page_status(page, status, retry_s, x->facts.arena);
    } else if (error != 0 && error_row(error)->status == status) {
        page_error(page, error, x->route.info.len, x->facts.arena);
    } else {
        page_status(page, status, 1, x->facts.arena);
    }
}

// What is said of the error besides: of the page's own fields those that are not of its body.
static int name_fields(struct exchange *x, int status) {
    struct page page;
    int err = 0;
    make_page(x, 0, status, &page);
    x->named = (struct response){.status = status, .reason = page.head.reason};
    for (size_t i = 0; i < page.head.fields.n && err == 0; i++) {
        const struct pair *f = &page.head.fields.v[i];
        if (!span_has_prefix(f->name, SPAN("content-"))) {
            err = pairs_put(&x->named.fields, x->facts.arena, f->name, f->value);
        }
    }
    return err;
}

// As the router would lead a GET of the application's own.
static struct sendfile *find_page(const struct exchange *x, struct span path) {
    struct sendfile *s = arena_alloc(x->facts.arena, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    bool is_head = span_eq(x->facts.request->method, SPAN("HEAD"));
    *s = (struct sendfile){.request = *x->facts.request, .why = ""};
    s->request.method = is_head ? SPAN("HEAD") : SPAN("GET");
    s->request.body_len = 0;
    s->request.path = path;
    s->request.query = span_of(NULL, 0);
    struct router_query query = {
        x->facts.site,     &s->request, x->conf->files, x->facts.arena, ACCESS_APPLICATION,
        x->facts.is_named, NULL};
    router_route(&query, &s->route);
    return s;
}

static void send_page(struct exchange *x, struct sendfile *page) {
    page->request.fields = (struct pairs){.n = 0}; // no conditions, no ranges
    x->sendfile = page;
    x->is_sendfile = true;
    struct exchange_command *c = exchange_command(x, COMMAND_SENDFILE);
    c->response = &x->named;
    c->sendfile = page;
}

static void run_page(struct exchange *x, struct sendfile *page) {
    x->route = page->route;
    x->sendfile = page;
    x->params = (struct pairs){.n = 0};
    x->redirects++; // the request's body is not for this script
    exchange_call(x, &page->request, false);
}

bool exchange_answer_by_page(struct exchange *x, int status, struct span path) {
    bool is_early = x->state == EXCHANGE_NEW || x->state == EXCHANGE_THINKING;
    if (path.n == 0 || x->page_status != 0 || x->facts.is_pushed || !is_early) {
        return false;
    }
    x->page_status = status;
    struct sendfile *page = find_page(x, path);
    bool is_file = page != NULL && page->route.kind == ROUTE_FILE;
    if (!is_file && (page == NULL || page->route.kind != ROUTE_SCRIPT)) {
        return false;
    }
    if (is_file && name_fields(x, status) != 0) {
        return false;
    }
    if (x->state == EXCHANGE_NEW) {
        exchange_enter(x, EXCHANGE_THINKING);
    } else {
        exchange_command(x, COMMAND_ABORT);
    }
    x->is_collecting = false;
    if (is_file) {
        send_page(x, page);
    } else {
        run_page(x, page);
    }
    return true;
}

void exchange_answer_error(struct exchange *x, int error) {
    struct page page;
    if (x->facts.is_pushed) {
        // A push that would answer an error is taken back: the client asks for itself if it must.
        if (x->state == EXCHANGE_NEW) {
            exchange_enter(x, EXCHANGE_THINKING);
        }
        exchange_reset(x, error);
        return;
    }
    int status = x->page_status != 0 ? x->page_status : error_row(error)->status;
    if (exchange_answer_by_page(x, status, page_of(x, error, status))) {
        return;
    }
    make_page(x, error, status, &page);
    exchange_answer_page(x, &page, error);
}

void exchange_answer_redirect(struct exchange *x, int status, struct span location) {
    struct page page;
    bool is_read = span_eq(x->facts.request->method, SPAN("GET")) ||
                   span_eq(x->facts.request->method, SPAN("HEAD"));
    if (status == 0) {
        status = is_read ? 301 : 308; // 301 lets clients turn a POST into a GET (RFC 9110, 15.4.2)
    }
    page_redirect(&page, status, location, x->facts.arena);
    exchange_answer_page(x, &page, 0);
}

void exchange_answer_status(struct exchange *x, int status) {
    struct page page;
    if (!exchange_answer_by_page(x, status, page_of(x, 0, status))) {
        make_page(x, 0, status, &page);
        exchange_answer_page(x, &page, 0);
    }
}

void exchange_answer_https(struct exchange *x) {
    struct span host = uri_host(x->facts.request->authority);
    host = host.n > 0 ? host : x->facts.site->name;
    struct span location =
        uri_https(x->facts.arena, host, x->conf->https_port, x->facts.request->target);
    if (location.p == NULL) {
        exchange_answer_error(x, ERR_ARENA_LIMIT);
    } else {
        exchange_answer_redirect(x, 0, location);
    }
}

// What another site asked the connection for says nothing here: a new one makes the client show
// what this site believes (RFC 9110, 15.5.20).
int exchange_refuse(struct exchange *x) {
    const struct tls_client_conf *asks = &x->facts.site->client;
    const struct tls_client *shown = x->peer->shown;
    if (asks->mode == TLS_CLIENT_OFF) {
        return 0;
    }
    if (shown != NULL && shown->asked != asks) {
        return ERR_CERTIFICATE_OTHER;
    }
    if (shown != NULL && shown->verdict == TLS_CLIENT_BAD) {
        return ERR_CERTIFICATE_BAD;
    }
    if (shown != NULL && shown->verdict == TLS_CLIENT_GOOD) {
        x->facts.certificate = x->facts.is_front ? SPAN("") : shown->fingerprint;
        return 0;
    }
    return asks->mode == TLS_CLIENT_REQUIRE ? ERR_CERTIFICATE_NONE : 0;
}
