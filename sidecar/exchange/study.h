// SPDX-License-Identifier: MIT
// A response that is being learned from while it passes: the evidence that is being written, and
// the lesson that reads its body. A worker has a bounded number of them, which are used again;
// one network gets a part of them.
#ifndef EXCHANGE_STUDY_H
#define EXCHANGE_STUDY_H

#include "exchange/lesson.h"
#include "learner/evidence.h"

struct exchange;
struct teaching;

struct study {
    struct study *next; // while it is spare
    struct lesson *lesson;
    uint64_t network; // whose it is
    struct evidence_writer writer;
    uint8_t bytes[EVIDENCE_MAX];
};

// Begins x->study. False: none is left, or the client's network has enough; that is counted.
bool study_open(struct exchange *x);
// Starts to scan the body. False when it should be scanned and cannot be now: then what else is
// known would say that the page needs nothing of what is in it.
bool study_scan(struct exchange *x, const struct response *response, enum lesson_kind kind);
// The response is complete: what was found is handed over, and the study is over.
void study_end(struct exchange *x);
// It is over without a word. Idempotent.
void study_drop(struct exchange *x);
// When the worker ends.
void study_free_all(struct teaching *t);

#endif
