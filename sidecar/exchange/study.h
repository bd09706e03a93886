// SPDX-License-Identifier: MIT
// A response that is being learned from while it passes: the evidence that is being written, and
// the lesson that reads its body. A worker has a bounded number of them, which are used again;
// one network gets a part of them.
#ifndef EXCHANGE_STUDY_H
#define EXCHANGE_STUDY_H

#include "exchange/lesson.h"
#include "learner/evidence.h"

struct response;
struct observer;

struct study {
    struct study *next; // while it is spare
    struct lesson *lesson;
    uint64_t network; // whose it is
    struct evidence_writer writer;
    uint8_t bytes[EVIDENCE_MAX];
};

// Begins one for a client of that network. NULL: none is left, or the network has enough; that is
// counted.
struct study *study_open(struct observer *t, uint64_t network);
// Starts to scan the body. False when it should be scanned and cannot be now: then what else is
// known would say that the page needs nothing of what is in it.
bool study_scan(struct study *s, struct observer *t, const struct response *response,
                enum lesson_kind kind);
// The response is complete: gives what was found, in t->bytes, and the study is over.
struct span study_end(struct study *s, struct observer *t);
// It is over without a word. NULL is allowed.
void study_drop(struct study *s, struct observer *t);
// When the worker ends.
void study_free_all(struct observer *t);

#endif
