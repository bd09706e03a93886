// SPDX-License-Identifier: MIT
#include "exchange/exchange_inside.h"

#include "base/error.h"

#define REDIRECTS_MOST 10 // from script to script

// Cookies that a script sets before it hands over to another are the client's all the same.
int exchange_carry(struct exchange *x, const struct pairs *from, struct pairs *to) {
    int err = 0;
    for (size_t i = 0; i < from->n && err == 0; i++) {
        if (span_eq_nocase(from->v[i].name, SPAN("set-cookie"))) {
            err = pairs_put(to, x->facts.arena, from->v[i].name, from->v[i].value);
        }
    }
    return err;
}

// Runs the script that another one names: as a GET of the same client, without the body, which has
// been the first one's. Its head is awaited instead of that one's.
static void run_named(struct exchange *x, const struct response *response) {
    exchange_command(x, COMMAND_ABORT);
    x->carried = (struct pairs){.n = 0}; // what was carried so far is among the fields
    int err = exchange_carry(x, &response->fields, &x->carried);
    if (err != 0) {
        exchange_answer_error(x, err);
        return;
    }
    x->route = x->sendfile->route;
    x->params = (struct pairs){.n = 0};
    x->sendfile->request.fields = x->facts.request->fields;
    exchange_call(x, &x->sendfile->request, false);
}

void exchange_hand_over(struct exchange *x, const struct response *response) {
    struct router_query query = {x->facts.site,
                                 x->facts.request,
                                 x->conf->files,
                                 x->facts.arena,
                                 ACCESS_APPLICATION,
                                 x->facts.is_named,
                                 NULL};
    x->sendfile = arena_alloc(x->facts.arena, sizeof *x->sendfile);
    if (x->sendfile == NULL) {
        exchange_command(x, COMMAND_ABORT);
        exchange_answer_error(x, ERR_ARENA_LIMIT);
        return;
    }
    int err = sendfile_find(x->sendfile, &query, response);
    if (err == 0 && x->sendfile->route.kind == ROUTE_SCRIPT) {
        if (x->redirects++ < REDIRECTS_MOST) {
            run_named(x, response);
            return;
        }
        x->sendfile->why = "scripts name each other without end";
        err = ERR_SENDFILE;
    }
    struct exchange_command *c = exchange_command(x, COMMAND_SENDFILE);
    x->is_sendfile = true;
    c->response = response;
    c->error = err;
    c->sendfile = x->sendfile;
}
