// SPDX-License-Identifier: MIT
// What an exchange teaches: the page's links and HTML, what the assets that were asked for after it
// were, what an asset answered. It reads what passes and changes nothing of it; evidence goes out
// as COMMAND_LEARN.
#ifndef EXCHANGE_TEACHING_H
#define EXCHANGE_TEACHING_H

#include "exchange/lesson.h"
#include "hints/lineage.h"
#include "learner/evidence.h"
#include "learner/share.h"
#include "learner/visit.h"

#define TEACHING_STUDIES 256 // responses at once from which is learned while they pass
#define TEACHING_TOLD 4096   // assets of which a worker remembers what it told; a power of two

#define TEACHING_ROUTES 1024   // places for routes, to remember how often they taught; likewise
#define TEACHING_EACH 16       // times a second that a route may teach a worker's learner
#define TEACHING_SHARE 8       // of these by networks that had their own
#define TEACHING_OWN 4         // pages a second that a network may teach of, whatever others do
#define TEACHING_ALL 512       // pages a second that teach
#define TEACHING_ASSETS_OWN 32 // the same two of assets
#define TEACHING_ASSETS 512
#define TEACHING_STUDIES_HELD 64 // studies of one network at once

struct exchange;
struct study; // a response that is being learned from

// What the exchanges of one worker teach with.
struct teaching {
    struct siphash_key secret;
    const int64_t *unix_time; // seconds; borrowed
    struct visit_table visits;
    struct lineage lineage; // of the cookies that users were given
    struct lesson_pool lessons;
    struct study *spare;
    unsigned studies; // made
    uint64_t refused; // responses from which nothing was learned since the studies were in use
    uint64_t spared;  // responses of routes or networks that had just taught enough
    uint64_t *told;   // hashes of what was told of assets
    struct share_rate *routes;
    struct share pages, assets;
    struct share_loans held;     // studies by network
    uint8_t bytes[EVIDENCE_MAX]; // of the evidence that is being handed over
};

// What a request's fields say besides.
struct teaching_signs {
    enum hint_as as;       // by Sec-Fetch-Dest
    bool has_mode;         // there is a Sec-Fetch-Mode
    bool is_navigation;    // to a document
    bool is_cors;          // Sec-Fetch-Mode: cors
    bool is_marked;        // x-moz: early hint
    bool has_client_hints; // Sec-CH-UA
    bool has_range;
    struct span referer;
};

// Allocates. Borrows unpack, which reads compressed pages; NULL: those teach nothing by their HTML.
void teaching_init(struct teaching *t, const struct siphash_key *secret, const int64_t *unix_time,
                   const struct unpack *unpack);
// Idempotent.
void teaching_fini(struct teaching *t);
// Writes the next visit that is over into t->bytes. How many bytes; 0: there is none.
size_t teaching_next_visit(struct teaching *t, uint64_t now_us, bool all);

// A request came: reads its signs, and notes a fetch of an asset in its visit.
void teaching_request(struct exchange *x);
// A navigation is answered by a script: it is a visit.
void teaching_open(struct exchange *x);
// The final head.
void teaching_head(struct exchange *x, const struct response *response);
// A piece of its body.
void teaching_body(struct exchange *x, struct span body);
// The body is complete.
void teaching_end(struct exchange *x);
// The response has been handed to the client's connection to its last byte.
void teaching_sent(struct exchange *x);
// The exchange is over, however. Idempotent.
void teaching_leave(struct exchange *x);

#endif
