// SPDX-License-Identifier: MIT
// What one exchange observes: the page's links and HTML, the assets that were asked for after it,
// what an asset answered. It reads what passes and changes nothing of it; what it learns comes out
// as pieces of evidence, each of which is borrowed until the next call.
#ifndef EXCHANGE_OBSERVATION_H
#define EXCHANGE_OBSERVATION_H

#include "exchange/facts.h"
#include "exchange/hinting.h"
#include "exchange/observer.h"

// What a request's fields say besides.
struct observation_signs {
    enum hint_as as;       // by Sec-Fetch-Dest
    bool has_mode;         // there is a Sec-Fetch-Mode
    bool is_navigation;    // to a document
    bool is_cors;          // Sec-Fetch-Mode: cors
    bool is_marked;        // x-moz: early hint
    bool has_client_hints; // Sec-CH-UA
    bool has_range;
    struct span referer;
};

#define OBSERVATION_SAID 4 // 103s of the application that are learned from

struct observation {
    const struct facts *facts;
    struct identity *identity;
    struct hinting *hinting;
    const struct published *published;
    struct observer *observer; // NULL: nothing is observed
    struct observation_signs signs;
    struct visit_ref visit, fetch; // the visit that this request is, or is a fetch of
    struct capture *capture;       // what is being learned from the response
    bool is_fetch_good;
    struct span essence; // of the response's Content-Type, once there is one
    bool is_script;      // the response is a script's own
    uint8_t said_n;      // the application's own 103s, and
    struct pairs *said;  // their fields: OBSERVATION_SAID places in the arena, once there are any
};

// Nothing is observed before observation_request. Borrows all for the exchange's life.
void observation_init(struct observation *o, const struct facts *facts, struct identity *identity,
                      struct hinting *hinting, struct observer *observer);
// A request came: reads its signs, and notes a fetch of an asset in its visit.
void observation_request(struct observation *o);
// Somebody navigates to it.
bool observation_is_navigation(const struct observation *o);
// A navigation is answered by a script: it is a visit.
void observation_open(struct observation *o);
// What its 103 said: hints of a plan, as bits. Or that it was held back.
void observation_hinted(struct observation *o, const struct plan *plan, uint64_t said);
void observation_held(struct observation *o);
// The application sent an interim response. Whether it is passed on or not, since ours may have
// left before: the next visitor may have the links of a 103.
void observation_interim(struct observation *o, const struct response *response);
// The final head. is_script: the response is a script's own.
struct span observation_head(struct observation *o, const struct response *response,
                             bool is_script);
// A piece of its body.
void observation_body(struct observation *o, struct span body);
// The body is complete.
struct span observation_end(struct observation *o);
// The response has been handed to the client's connection to its last byte.
void observation_sent(struct observation *o);
// The exchange is over, however. Idempotent.
void observation_leave(struct observation *o, bool is_complete);

#endif
