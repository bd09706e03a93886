// SPDX-License-Identifier: MIT
// Evidence is one fact: a response on this route used these assets. A worker writes it as flat
// bytes into its ring, the learner's thread reads it back. Integers are big-endian:
//
//     +--------+-------+-----------+----------------------------------------------+
//     | 'E' 01 | flags | status 16 | at_ms 64                                     |
//     +--------+-------+-----------+----------------------------------------------+
//     | key_len 16 key | scheme_len 8 scheme | authority_len 16 authority | target_len 16 target |
//     | links 16 | links times: len 16, Link field value                          |
//     +---------------------------------------------------------------------------+
#ifndef HINTS_EVIDENCE_H
#define HINTS_EVIDENCE_H

#include "base/message.h"

#define EVIDENCE_MAX 16384 // bytes of one encoded piece of evidence

enum evidence_flag {
    EVIDENCE_CUT = 1, // some Link values did not fit and are missing
};

struct evidence {
    struct span key;       // of the route (route_key)
    struct span scheme;    // of the page, to resolve its links against
    struct span authority; // likewise
    struct span target;    // likewise: path and query as received
    uint64_t at_ms;        // Unix time
    uint16_t status;
    uint8_t flags;     // enum evidence_flag
    uint16_t links_n;  // Link field values; set by evidence_decode
    struct span links; // them, encoded; read with evidence_next; set by evidence_decode
};

enum teach_reason {
#define REASON(constant, label, sentence) TEACH_##constant,
#include "hints/teach_reason.def"
#undef REASON
    TEACH_REASONS
};

struct teach_reason_row {
    const char *label, *sentence;
};

// Whether a final response may teach the route of its request: a GET by somebody anonymous that was
// answered in full with something that is meant for everybody.
enum teach_reason evidence_may_teach(const struct request *request,
                                     const struct response *response);
// The row of a reason.
const struct teach_reason_row *teach_reason_row(enum teach_reason reason);
// Writes e and the values of all Link fields among `fields` into p. Values that do not fit are left
// out whole (EVIDENCE_CUT). The bytes written; 0 when not even the rest of it fits.
size_t evidence_encode(const struct evidence *e, const struct pairs *fields, uint8_t *p,
                       size_t cap);
// Reads what evidence_encode wrote. False for anything else. *e borrows from bytes.
bool evidence_decode(struct evidence *e, struct span bytes);
// Takes the next Link field value off *links (a copy of e->links). False when there is none.
bool evidence_next(struct span *links, struct span *value);

#endif
