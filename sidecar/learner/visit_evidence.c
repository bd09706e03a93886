// SPDX-License-Identifier: MIT
#include "learner/visit_inside.h"

bool visit_is_critical(uint8_t as) {
    return as == HINT_AS_STYLE || as == HINT_AS_SCRIPT || as == HINT_AS_FONT;
}

// From the navigation to the end of the last delivery for which rendering can have waited, in
// microseconds; 0 when that is not known. What was asked for long after all before it was complete
// did not hold anything up.
static uint32_t critical_us(const struct visit *v) {
    uint64_t last_ms = (v->answered_us - v->opened_us) / 1000, critical_ms = 0;
    for (unsigned i = 0; i < v->fetches_n; i++) {
        const struct fetch *f = &v->fetches[i];
        if (!visit_is_critical(f->as)) {
            continue;
        }
        if (f->asked_ms > last_ms + VISIT_LATE_US / 1000) {
            break;
        }
        if (!f->is_done) {
            return 0;
        }
        critical_ms = f->done_ms > critical_ms ? f->done_ms : critical_ms;
        last_ms = critical_ms > last_ms ? critical_ms : last_ms;
    }
    return (uint32_t)(critical_ms * 1000);
}

// The path of a fetch by its index + 1.
static struct span text_of(const struct visit *v, unsigned fetch) {
    struct span none = {NULL, 0};
    return fetch > 0 ? span_of(v->text + v->fetches[fetch - 1].at, v->fetches[fetch - 1].len)
                     : none;
}

size_t visit_encode(const struct visit *v, uint8_t *out) {
    struct evidence e = {.kind = EVIDENCE_VISIT,
                         .flags = v->flags | v->recipient.flags,
                         .status = 200,
                         .at_ms = v->at_ms,
                         .who = v->recipient.who,
                         .network = v->network,
                         .user = v->recipient.user,
                         .think_us = (uint32_t)(v->answered_us - v->opened_us),
                         .critical_us = critical_us(v),
                         .key = span_of(v->text, v->key_len)};
    if ((v->flags & EVIDENCE_HINTED) != 0) {
        e.lead_us = (uint32_t)(v->answered_us - v->hinted_us);
    }
    struct evidence_writer w;
    evidence_begin(&w, &e, out, EVIDENCE_MAX); // a key of half VISIT_TEXT fits
    for (unsigned i = 0; i < v->fetches_n; i++) {
        const struct fetch *f = &v->fetches[i];
        evidence_put(&w, &(struct evidence_item){.kind = EVIDENCE_FETCH,
                                                 .flags = f->flags,
                                                 .as = f->as,
                                                 .asked_ms = f->asked_ms,
                                                 .done_ms = f->done_ms,
                                                 .text = text_of(v, i + 1),
                                                 .via = text_of(v, f->via)});
    }
    return evidence_end(&w);
}
