// SPDX-License-Identifier: MIT
// Where a route's rule sends a request: another path of the site (`rewrite`, `try`), or another URL
// (`redirect`).
//
//     target = [ ( "http" / "https" / "{scheme}" ) "://" ( host [ ":" port ] / "{host}" ) ]
//              path [ "?" query ]                     ; templates (template.h)
//
// Without "?" the request's query is kept, with it what stands behind it takes its place: "/x?" is
// without any, "/x?page={1}&{query}" has both (and no "&" at its end where there is only one). What
// a client wrote can not become the host of a redirect: a host is written out, followed by a slash,
// and a path begins with exactly one. Nor can it climb: a dot segment that a variable makes is left
// in the path, and such paths are refused.
#ifndef EXCHANGE_ROUTE_TARGET_H
#define EXCHANGE_ROUTE_TARGET_H

#include "exchange/template.h"

struct route_target {
    struct template path, query;
    bool has_query; // written; else that of the request is kept, if it has one
    bool is_url;    // path begins with a scheme and a host
};

// False with words for the operator in *why. Lives in the arena and borrows from the text. A URL is
// none with is_inside.
bool route_target_parse(struct route_target *t, struct span text, bool is_inside, struct arena *a,
                        const char **why);
// The URL for a Location field; p is NULL when the budget of the arena is spent.
struct span route_target_location(const struct route_target *t,
                                  const struct template_values *values, struct arena *a);
// The path, decoded, with runs of "/" made one, and the query, whose p is NULL when there is none.
// False when the budget of the arena is spent.
bool route_target_inside(const struct route_target *t, const struct template_values *values,
                         struct arena *a, struct span *path, struct span *query);

#endif
