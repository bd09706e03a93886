// SPDX-License-Identifier: MIT
// Evidence is what a worker tells the learner, as flat bytes in a ring. There are four kinds.
//
//     PAGE    a response of a route, and the links in its fields and its HTML
//     VISIT   a navigation and the assets that were asked for after it
//     ASSET   what an asset answered
//     SHEET   what a stylesheet imports, and the fonts it declares
//
// Integers are big-endian:
//
//     +--------+------+-------+-----------+----------+--------+------------+---------+
//     | 'E' 03 | kind | flags | status 16 | at_ms 64 | who 64 | network 64 | user 64 |
//     +--------+------+-------+-----------+----------+--------+------------+---------+
//     | think_us 32 | lead_us 32 | critical_us 32 | as | reuse | lifetime_s 32 | bytes 64 |
//     | key_len 16 key | scheme_len 8 scheme | authority_len 16 authority | target_len 16 target |
//     | items 16 | items times: kind, flags, as, asked_ms 32, done_ms 32, len 16 text, len 16 via |
//     +-----------------------------------------------------------------------------------------+
#ifndef LEARNER_EVIDENCE_H
#define LEARNER_EVIDENCE_H

#include "base/message.h"

#define EVIDENCE_MAX 16384 // bytes of one encoded piece of evidence
#define EVIDENCE_NO_PAGE                                                                           \
    204 // status of a PAGE whose response showed nothing (RFC 9110, 15.3.5), or
        // was a 200 that a navigation does not show: a feed, a file to save

enum evidence_kind { EVIDENCE_PAGE, EVIDENCE_VISIT, EVIDENCE_ASSET, EVIDENCE_SHEET };

enum evidence_flag {
    EVIDENCE_CUT = 1,            // some items did not fit and are missing
    EVIDENCE_SESSION = 2,        // PAGE, VISIT, ASSET: of the session audience
    EVIDENCE_PRIVATE = 4,        // PAGE, VISIT: private, no-store or Set-Cookie, or asked for with
                                 // a cookie of which nothing is known: shown to others only when
                                 // several users of several networks were given the same
    EVIDENCE_HINTED = 8,         // VISIT: a 103 was sent
    EVIDENCE_HELD = 16,          // VISIT: held back although there was something to send
    EVIDENCE_VARIES_ORIGIN = 32, // ASSET: by Vary: Origin; `reuse` is that of who sends none
    EVIDENCE_NAMED = 64,         // PAGE, VISIT: asked for with credentials, or a cookie of which
                                 // nothing is known
    EVIDENCE_INSIDE = 128,       // PAGE, VISIT: of a client whose network is not of the Internet
};

enum evidence_item_kind {
    EVIDENCE_LINK, // PAGE: text is a Link field value
    EVIDENCE_HTML, // PAGE: text is one link in canonical form (link_format) found in the HTML
    EVIDENCE_BASE, // PAGE: text is the URL against which the HTML and FONT items behind it resolve
    EVIDENCE_FONT, // PAGE, SHEET: text is the URL of a declared font: a candidate, not yet a hint
    EVIDENCE_IMPORT, // SHEET: text is the URL of an imported stylesheet
    EVIDENCE_POLICY, // PAGE: text is a policy field of the final head as "name: value"
    EVIDENCE_FETCH,  // VISIT: text is the path and query of an asset; via that of the stylesheet
                     // that asked for it, or empty
    EVIDENCE_ITEMS,
};

enum evidence_item_flag {
    EVIDENCE_BODY = 1,       // HTML: stands behind <head>
    EVIDENCE_LATE = 2,       // HTML: does not block rendering (async, defer, module, low priority)
    EVIDENCE_WAS_HINTED = 4, // FETCH: our 103 asked for it, so it proves no need
    EVIDENCE_ANSWERED = 8,   // FETCH: 200 (or 304) with the type of an asset
    EVIDENCE_CONDITIONAL = 16, // HTML: only some clients apply it, though all may fetch it
};

struct evidence_item {
    enum evidence_item_kind kind;
    uint8_t flags;              // enum evidence_item_flag
    uint8_t as;                 // FETCH: enum hint_as
    uint32_t asked_ms, done_ms; // FETCH: after the navigation was received; done_ms 0: not seen
    struct span text, via;
};

struct evidence {
    enum evidence_kind kind;
    uint8_t flags;     // enum evidence_flag
    uint16_t status;   // of the final response; PAGE: without items unless 200
    uint64_t at_ms;    // Unix time
    uint64_t who;      // who votes: of a session its keyed hash, else the network
    uint64_t network;  // keyed hash of the client's /24 or /48; 0: unknown; ASSET, SHEET: the
                       // file on disk says it
    uint64_t user;     // keyed hash of who was given it (learner/recipient.h); 0: cannot be told
    uint32_t think_us; // PAGE, VISIT: request to final head
    uint32_t lead_us;  // VISIT: 103 to final head
    uint32_t
        critical_us; // VISIT: navigation received to last render-critical asset sent; 0: unknown
    uint8_t as;      // ASSET: enum hint_as by its content type
    uint8_t reuse;   // ASSET: enum reuse_reason
    uint32_t lifetime_s;   // ASSET: for how long it is fresh
    uint64_t bytes;        // ASSET: length of its body; 0: unknown
    struct span key;       // of the route (route_key); ASSET, SHEET: the name of the site
    struct span scheme;    // of the page or stylesheet, to resolve its links against
    struct span authority; // likewise
    struct span target;    // likewise: path and query as received; ASSET, SHEET: the asset's
    uint16_t items_n;      // set by evidence_decode
    struct span items;     // them, encoded; read with evidence_next; set by evidence_decode
};

enum learn_reason {
#define REASON(constant, label, sentence) LEARN_##constant,
#include "learner/learn_reason.def"
#undef REASON
    LEARN_REASONS
};

struct learn_reason_row {
    const char *label, *sentence;
};

// Writes one piece of evidence into the caller's bytes.
struct evidence_writer {
    uint8_t *p;
    size_t n, cap;
    size_t items_at; // where the number of items stands
    uint16_t items;
    bool is_full; // something did not fit
};

// Whether the route of a request may be learned about from its final response: a GET that was
// answered in full, not a prefetch, and not chosen by something that other clients do not send (the
// credentials of a session do not count here: they tell its audience). LEARN_STATUS comes last:
// everything else allowed it, and the learner may be told that the route redirects or fails.
enum learn_reason evidence_may_learn(const struct request *request, const struct response *response,
                                     bool is_session);
// The response is meant for one user only: private, no-store, or it sets a cookie.
bool evidence_is_private(const struct response *response);
// The row of a reason.
const struct learn_reason_row *learn_reason_row(enum learn_reason reason);
// Starts with everything but the items. False when not even that fits into cap bytes.
bool evidence_begin(struct evidence_writer *w, const struct evidence *e, uint8_t *p, size_t cap);
// Adds an item. False when it does not fit: it is left out (EVIDENCE_CUT), a shorter one may fit.
bool evidence_put(struct evidence_writer *w, const struct evidence_item *item);
// Ends it. The bytes written.
size_t evidence_end(struct evidence_writer *w);
// Reads what was written. False for anything else. *e borrows from bytes.
bool evidence_decode(struct evidence *e, struct span bytes);
// Takes the next item off *items (a copy of e->items). False when there is none.
bool evidence_next(struct span *items, struct evidence_item *item);

#endif
