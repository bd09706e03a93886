// SPDX-License-Identifier: MIT
// The JSON of GET /routes as a person reads it in a terminal: a line a route, and below it one for
// each of its hints.
//
//     blog.example/2024/*  public pattern, hinting, seen 7, thinks 240 ms, 3 voters
//         hinted        need 1.00 (0.81)  html       </style.css>; rel=preload; as=style
//         not_reusable  need 0.90 (0.70)  css        </f.woff2>; ...
//                       "no-store" forbids to keep it. (cache-control)
#ifndef ADMIN_ROUTES_TEXT_H
#define ADMIN_ROUTES_TEXT_H

#include "base/buf.h"

#define ROUTES_TEXT_WHY_LEN 200
#define ROUTES_TEXT_NEXT_LEN 8192

// Of what is more than the routes of one page.
struct routes_text {
    size_t routes;                   // that were written
    char next[ROUTES_TEXT_NEXT_LEN]; // for "after"; empty: that was all
    char why[ROUTES_TEXT_WHY_LEN];   // of ERR_SYNTAX
};

// Appends a page's routes, with whatever could steer a terminal escaped: routes are addresses that
// anybody may have asked for. 0, ERR_BUF_LIMIT, or ERR_SYNTAX when the text is not that JSON.
int routes_text_write(struct routes_text *t, struct span json, struct buf *out);

#endif
