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

void exchange_answer_page(struct exchange *x, const struct page *page, int error) {
    exchange_enter(x, EXCHANGE_ANSWERING);
    exchange_merge(x, &page->head, error);
    if (x->route.kind == ROUTE_ERROR || x->route.kind == ROUTE_REDIRECT) {
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
    page_error(&page, error, x->route.info.len, x->facts.arena);
    exchange_answer_page(x, &page, error);
}

void exchange_answer_redirect(struct exchange *x, struct span location) {
    struct page page;
    bool keeps_method = span_eq(x->facts.request->method, SPAN("GET")) ||
                        span_eq(x->facts.request->method, SPAN("HEAD"));
    // 301 lets clients turn a POST into a GET (RFC 9110, 15.4.2).
    page_redirect(&page, keeps_method ? 301 : 308, location, x->facts.arena);
    exchange_answer_page(x, &page, 0);
}

void exchange_answer_https(struct exchange *x) {
    struct span host = uri_host(x->facts.request->authority);
    host = host.n > 0 ? host : x->facts.site->name;
    struct span location =
        uri_https(x->facts.arena, host, x->conf->https_port, x->facts.request->target);
    if (location.p == NULL) {
        exchange_answer_error(x, ERR_ARENA_LIMIT);
    } else {
        exchange_answer_redirect(x, location);
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
