// SPDX-License-Identifier: MIT
// What an exchange says about hints: which route the request is for, what is known of it, whether
// that may be sent to this client, and what becomes of the application's own 103. The decision is
// the gate's; here is what it decides on.
#ifndef EXCHANGE_HINTING_H
#define EXCHANGE_HINTING_H

#include "base/message.h"
#include "hints/gate.h"
#include "hints/merge.h"
#include "hints/offer.h"
#include "learner/route_key.h"

struct exchange;

// What was learned, as the exchanges of one worker look it up, and what they decide with.
struct hinting_conf {
    // What is published under an identity. False: nothing. A plan is borrowed until the end of the
    // loop's turn.
    bool (*find)(void *self, struct route_id id, struct offer *out);
    bool (*find_asset)(void *self, struct route_id id, struct offer_asset *out);
    void *self;
    struct siphash_key secret;
    struct holdback
        *holdbacks; // one for each site, as in router->sites; NULL: nothing is held back
};

// Where the hints that were sent came from: bits.
enum hinting_source { HINTING_RULE = 1, HINTING_LEARNED = 2, HINTING_APPLICATION = 4 };

// What was decided in one exchange.
struct hinting {
    struct gate_client client; // if `passes`
    bool passes;               // nothing in the request speaks against hints
    bool has_offer;            // something is published for the route
    bool has_informed;         // a 103 left
    bool is_shared;            // the connection carries requests of several clients
    enum offer_scope scope;    // if has_offer
    uint8_t sources;           // bits of enum hinting_source
    uint8_t sent;              // hints in the 103
    uint8_t interims;          // further ones of the application that were passed on
    uint64_t informed_us;      // when the 103 left
};

// The key of the request's route; is_clean of the exchange with it. Empty where nothing is learned.
// Computed once.
struct span hinting_key(struct exchange *x);
// Who asked. Looked at once; borrows from the request.
const struct audience *hinting_audience(struct exchange *x);
// The request is of somebody whom the site knows: the session audience.
bool hinting_is_session(struct exchange *x);
// A script is to be asked: decides, and gives COMMAND_INFORM and COMMAND_PROMISE.
void hinting_request(struct exchange *x);
// An interim response of the application.
void hinting_interim(struct exchange *x, const struct response *response);
// The pushes that a final response asks for: gives COMMAND_PROMISE.
void hinting_push(struct exchange *x, const struct response *response);
// What is added to the final response: links for who got no 103, fields of ours. `error`: what it
// failed with, or 0. The fields are written to `fields`, which has room for two. Lives in the
// arena.
struct merge_extra hinting_extra(struct exchange *x, int error, struct pair *fields);
// Something is published for the route, whoever asks.
bool hinting_is_known(struct exchange *x);
// The asset under that path and query on the exchange's site, as published.
struct offer_asset hinting_asset(const struct exchange *x, struct span path);

#endif
