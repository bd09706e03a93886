// SPDX-License-Identifier: MIT
// What lies under one path on the disk: a file, a folder with an index file, a script with
// PATH_INFO, or nothing. Below router.h only, which says what becomes of it.
#ifndef EXCHANGE_ROUTER_SEARCH_H
#define EXCHANGE_ROUTER_SEARCH_H

#include "exchange/router.h"
#include "exchange/template.h"

#define ROUTER_PASSES 10 // most paths that one request is sent through by rules

// A path, who names it, and what access_check said of it: they hold together only.
struct router_place {
    struct span path;
    enum access_by by;
    size_t hidden;
};

// A route being decided.
struct router_search {
    const struct router_query *q;
    struct router_place at; // of this pass: the request's, or where a rule has sent it
    struct span query;      // likewise
    uint8_t *file;          // root and path in one piece, with room for an index file and a zero
    struct route *out;
    bool is_blind; // something could not be looked at
    bool is_given; // the path is where a rule sends whatever is not there
    struct template_values values;
    const struct route_rule *sent[ROUTER_PASSES]; // the rules that have sent the request on
    unsigned sent_n;
};

// Ends the route with an error; why: static words.
void router_search_fail(struct router_search *s, int error, const char *why);
// Makes `path` the one that is looked for. False when the budget of the arena is spent.
bool router_search_set(struct router_search *s, struct span path);
// Looks for it. True when that ends the route: with an answer, or an error if what is there is
// denied. *is_missing: its name is that of a script, and there is none.
bool router_search_find(struct router_search *s, bool *is_missing);
// Ends the route with the front controller of the rule or the site, or ERR_NOT_FOUND.
void router_search_front(struct router_search *s);

#endif
