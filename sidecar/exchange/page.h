// SPDX-License-Identifier: MIT
// The responses that Outrider gives by itself: an error with a short page that a person can read,
// and a redirect.
#ifndef EXCHANGE_PAGE_H
#define EXCHANGE_PAGE_H

#include "base/message.h"

struct page {
    struct response head;
    struct span body;
};

// The page of an ERR_ code, with the fields that its status asks for (Allow, Retry-After; of
// ERR_RANGE how long what the range does not fit into is: `size`, RFC 9110, 15.5.17). It always
// succeeds, as the others do: the budget of the request may be spent.
void page_error(struct page *page, int error, uint64_t size, struct arena *arena);
// The page of a status that a rule of the operator's says; retry_s: seconds, for Retry-After.
void page_status(struct page *page, int status, uint64_t retry_s, struct arena *arena);
// A redirect to `location`. `status` is 301 to 308.
void page_redirect(struct page *page, int status, struct span location, struct arena *arena);
// What a front asks to see whether we are well: 200, or 503 while no new work is taken.
void page_health(struct page *page, bool is_draining, struct arena *arena);

#endif
