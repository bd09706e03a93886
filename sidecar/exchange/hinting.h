// SPDX-License-Identifier: MIT
// What one exchange says about hints: what is known of the route, whether that may be sent to this
// client, and what becomes of the application's own 103. The decision is the gate's; here is what
// it decides on. Nothing is sent here: the exchange is told what to say.
#ifndef EXCHANGE_HINTING_H
#define EXCHANGE_HINTING_H

#include "base/message.h"
#include "exchange/facts.h"
#include "exchange/identity.h"
#include "exchange/published.h"
#include "hints/gate.h"
#include "hints/holdback.h"
#include "hints/merge.h"
#include "hints/push.h"

// Where the hints that were sent came from: bits.
enum hinting_source { HINTING_RULE = 1, HINTING_LEARNED = 2, HINTING_APPLICATION = 4 };

struct hinting {
    const struct facts *facts;
    struct identity *identity;
    const struct published *published;
    enum gate_reason gate;     // what was decided about the 103 of this request
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
    struct push *push;         // what is to be pushed now, in the arena; NULL: nothing
};

// What is to be said now.
struct hinting_words {
    const struct response *inform; // an interim response, or NULL
    const struct plan *plan;       // what it was made of, and which of its hints it says: bits;
    uint64_t said;                 // 0 where it only passes something on
};

// Borrows all three for the exchange's life.
void hinting_init(struct hinting *h, const struct facts *facts, struct identity *identity,
                  const struct published *published);
// A script is to be asked: decides, and chooses h->push. holdback: of the site, or NULL.
void hinting_request(struct hinting *h, struct holdback *holdback, struct hinting_words *words);
// An interim response of the application, before its final head.
void hinting_interim(struct hinting *h, const struct response *response,
                     struct hinting_words *words);
// Chooses h->push from the final response.
void hinting_final(struct hinting *h, const struct response *response);
// "rule", "learned", "rule+learned", "application", or "none": where the hints that were sent came
// from.
const char *hinting_sources(const struct hinting *h);
// Something is published for the route, whoever asks.
bool hinting_is_known(struct hinting *h);

// What the final response says of the hints, besides.
struct hinting_answer {
    int error;         // it fails with, or 0
    bool is_script;    // the route is one
    bool has_decision; // the decision about hints is about this response
};

// What is added to the final response: links for who got no 103, fields of ours. The fields are
// written to `fields`, which has room for two. Lives in the arena.
struct merge_extra hinting_extra(struct hinting *h, const struct hinting_answer *answer,
                                 struct pair *fields);

#endif
