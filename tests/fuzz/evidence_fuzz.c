// SPDX-License-Identifier: MIT
// Evidence of any bytes: what is decoded encodes to the same bytes.
#include "learner/evidence.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void need(bool holds) {
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static uint8_t out[EVIDENCE_MAX];
    struct evidence e;
    struct evidence_item item;
    struct evidence_writer w;
    unsigned items = 0;
    if (!evidence_decode(&e, span_of(data, n))) {
        return 0;
    }
    struct span rest = e.items;
    need(evidence_begin(&w, &e, out, sizeof out));
    while (evidence_next(&rest, &item)) {
        need(evidence_put(&w, &item));
        items++;
    }
    need(items == e.items_n && rest.n == 0);
    need(span_eq(span_of(out, evidence_end(&w)), span_of(data, n)));
    return 0;
}
