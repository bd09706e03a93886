// SPDX-License-Identifier: MIT
// GET /routes: what is known of each route, and for each of its hints why it is sent or not.
//
//     {"routes":[{"site":"blog.example","route":"/2024/*","audience":"public","pattern":true,
//       "state":"hinting","seen":7,"first_seen":...,"last_seen":...,"think_us":...,"voters":3,
//       "links":["</style.css>; rel=preload; as=style"],
//       "hints":[{"link":"...","sources":["html"],"need":1.0,"need_low":0.81,"worth_ms":...,
//         "waste_bytes":...,"voters":3,"verdict":"hinted","reason":"It is in the plan."}],
//       "outcome":{"hinted":{"n":...,"mean_us":...,"interval_us":...},"held":{...}}}],
//      "truncated":true,"next":"..."}
#ifndef ADMIN_ROUTES_JSON_H
#define ADMIN_ROUTES_JSON_H

#include "base/buf.h"
#include "learner/learner.h"

// Writes the routes that the query of `target` asks for: "site" and "route" by their texts,
// "audience", at most "limit" of them (1000), those behind the one called "after" (the "next" of an
// answer). 0, ERR_BUF_LIMIT, or ERR_NOT_FOUND when that one is not known any more.
int routes_json_write(const struct learner *learner, struct span target, struct buf *out);

#endif
