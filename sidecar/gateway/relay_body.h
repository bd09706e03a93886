// SPDX-License-Identifier: MIT
// The bodies that a relay passes on. A request's body waits for the backend, a response's for the
// client: in memory, then on disk (gateway/spool.h), and beyond that whoever sends waits.
//
//     front ─► hold ─► held ─► pass ─► call          call, file ─► keep ─► kept ─► pass_kept ─►
//     front
#ifndef GATEWAY_RELAY_BODY_H
#define GATEWAY_RELAY_BODY_H

#include "gateway/relay.h"

// Lets go of what is held of the request's body.
void relay_body_drop_held(struct relay *r);
// Takes bytes of the request's body.
void relay_body_hold(struct relay *r, struct span body);
// Gives the backend what is held, as far as it has room, and the end when it is its turn.
void relay_body_pass(struct relay *r);
// More of the request's body may come.
bool relay_body_is_taking(const struct relay *r);
// The client may send as much as has been taken off our hands.
void relay_body_acknowledge(struct relay *r);

// Takes bytes of the response's body.
void relay_body_keep(struct relay *r, struct span body);
// Gives the client what is kept, as far as it has room, and the end when it is its turn.
void relay_body_pass_kept(struct relay *r);
// The backend must wait for the client.
bool relay_body_must_pause(const struct relay *r);
// Bytes of the response's body that the front takes now.
size_t relay_body_room(const struct relay *r);

#endif
