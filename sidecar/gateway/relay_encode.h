// SPDX-License-Identifier: MIT
// Compresses the response of a relay on its way to the front. What the learner reads has passed
// before, so it sees the plain page. What a backend has given by the end of a turn leaves then, so
// that a page which is flushed, or an event, does not wait for what follows.
//
//     exchange ─► head, body, end ─► encoder ─► relay_body_keep ─► front
#ifndef GATEWAY_RELAY_ENCODE_H
#define GATEWAY_RELAY_ENCODE_H

#include "gateway/relay.h"

// The head that is sent for c->response: that, or one in `room`. Takes an encoder where it is to be
// compressed and there is a body. NULL when the memory of the request is spent.
const struct response *relay_encode_head(struct relay *r, const struct exchange_command *c,
                                         struct response *room);
void relay_encode_body(struct relay *r, struct span body);
// The body is complete.
void relay_encode_end(struct relay *r);
// The turn ends: what came so far is to leave.
void relay_encode_flush(struct relay *r);
// Lets go of the encoder. Idempotent.
void relay_encode_drop(struct relay *r);

#endif
