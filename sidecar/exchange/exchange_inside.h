// SPDX-License-Identifier: MIT
// What the files of the exchange share: exchange.c has its states and what it decides,
// exchange_answer.c the answers that no backend gives.
#ifndef EXCHANGE_EXCHANGE_INSIDE_H
#define EXCHANGE_EXCHANGE_INSIDE_H

#include "exchange/exchange.h"
#include "exchange/page.h"

// The only writer of the state.
void exchange_enter(struct exchange *x, enum exchange_state state);
// A new command at the end of the queue.
struct exchange_command *exchange_command(struct exchange *x, enum exchange_command_kind kind);
// Evidence to be learned from; an empty one is none.
void exchange_learn(struct exchange *x, struct span evidence);

// ---- exchange_answer.c --------------------------------------------------------------------------

// Makes the final head of the response, with the fields that we add. error: what failed, or 0.
void exchange_merge(struct exchange *x, const struct response *response, int error);
// Ends the exchange with a page of our own.
void exchange_answer_page(struct exchange *x, const struct page *page, int error);
void exchange_answer_error(struct exchange *x, int error);
void exchange_answer_redirect(struct exchange *x, struct span location);
// Sends the client to the same target by https.
void exchange_answer_https(struct exchange *x);
// Ends the exchange without a (whole) response.
void exchange_reset(struct exchange *x, int error);
// Why the site does not answer this client for want of a certificate, or 0. Notes whom a good one
// names.
int exchange_refuse(struct exchange *x);

#endif
