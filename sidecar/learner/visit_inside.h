// SPDX-License-Identifier: MIT
// What the files of visits share: visit.c finds visits and follows them, visit_evidence.c writes
// what one has shown.
#ifndef LEARNER_VISIT_INSIDE_H
#define LEARNER_VISIT_INSIDE_H

#include "learner/visit.h"

#define HINTED_MOST 64

// By what a visit is found: the hash of its client and the URL of the page or of a stylesheet.
struct name {
    uint64_t hash;
    uint32_t next; // in its bucket: index of the name + 1; 0 ends the chain
    uint8_t sheet; // index + 1 of the fetch that is the stylesheet; 0: the page
};

struct fetch {
    uint32_t hash; // of the path
    uint32_t asked_ms, done_ms;
    uint16_t at, len; // of the path, in the text
    uint8_t via;      // index + 1 of the stylesheet's fetch
    uint8_t as, flags;
    bool is_done;
};

struct visit {
    struct list node;
    uint32_t serial;
    uint64_t opened_us, hinted_us, answered_us, last_us;
    uint64_t network, at_ms;
    struct recipient recipient;
    uint8_t flags; // of the evidence
    bool has_client_hints, is_answered;
    uint8_t names_n, fetches_n, hinted_n;
    uint16_t key_len, text_n;
    uint32_t hinted[HINTED_MOST]; // hashes of the paths in the 103
    struct name names[1 + VISIT_SHEETS];
    struct fetch fetches[VISIT_FETCHES];
    uint8_t text[VISIT_TEXT]; // the key, then the paths
};

#define NAMES (1 + VISIT_SHEETS)

// Rendering can have waited for it.
bool visit_is_critical(uint8_t as);
// Writes the evidence of a visit that is over, into EVIDENCE_MAX bytes. How long it is.
size_t visit_encode(const struct visit *v, uint8_t *out);

#endif
