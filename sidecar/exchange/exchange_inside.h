// SPDX-License-Identifier: MIT
// What the files of the exchange share: exchange.c has its states and what it decides,
// exchange_answer.c the answers that no backend gives, exchange_handover.c what an application
// names instead of a body.
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

// Asks the site's pool for the script of x->route.
void exchange_call(struct exchange *x, const struct request *request, bool has_body);

// ---- exchange_answer.c --------------------------------------------------------------------------

// Makes the final head of the response, with the fields that we add. error: what failed, or 0.
void exchange_merge(struct exchange *x, const struct response *response, int error);
// Ends the exchange with a page of our own.
void exchange_answer_page(struct exchange *x, struct page *page, int error);
// Asks for the operator's page for a status: it will be the answer, with that status. False when
// there is none, or it is what has just failed.
bool exchange_answer_by_page(struct exchange *x, int status, struct span path);
void exchange_answer_error(struct exchange *x, int error);
// status 0: 301, or 308 to keep the method.
void exchange_answer_redirect(struct exchange *x, int status, struct span location);
// A status that a rule says, with a page of ours.
void exchange_answer_status(struct exchange *x, int status);
// Sends the client to the same target by https.
void exchange_answer_https(struct exchange *x);
// Ends the exchange without a (whole) response.
void exchange_reset(struct exchange *x, int error);
// Why the site does not answer this client for want of a certificate, or 0. Notes whom a good one
// names.
int exchange_refuse(struct exchange *x);

// ---- exchange_handover.c ------------------------------------------------------------------------

// Puts the Set-Cookie fields of one list behind another: those of a script that hands over are the
// client's all the same. 0, or ERR_ARENA_LIMIT.
int exchange_carry(struct exchange *x, const struct pairs *from, struct pairs *to);
// Sends or runs what the response names.
void exchange_hand_over(struct exchange *x, const struct response *response);

#endif
