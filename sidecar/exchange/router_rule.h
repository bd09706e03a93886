// SPDX-License-Identifier: MIT
// What the operator's routes make of a path. Below router.h only.
#ifndef EXCHANGE_ROUTER_RULE_H
#define EXCHANGE_ROUTER_RULE_H

#include "exchange/router_search.h"

// Finds the rule for the path, and what its variables stand for, if it has any: out->rule. 0, or
// ERR_ROUTE_LIMIT, ERR_ARENA_LIMIT.
int router_rule_find(struct router_search *s);
// Whether the rule says where this request goes, and has not sent it on before.
bool router_rule_steers(const struct router_search *s);
// Does it. True when the request has another path now; else the route is ended.
bool router_rule_steer(struct router_search *s);
// Whether the client's network may have what lies under the path: by the rule of the path, or by
// the site's where that says nothing of networks. 0, or ERR_FORBIDDEN, and the errors of
// router_rule_find.
int router_rule_admit(const struct router_search *s);
// The same for a file or script that the path has led to, whose own rule may be another.
int router_rule_admit_found(struct router_search *s, struct span path);
// A script that is not there is the front controller's to answer.
bool router_rule_takes_missing(const struct router_search *s);

#endif
