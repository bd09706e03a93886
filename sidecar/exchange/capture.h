// SPDX-License-Identifier: MIT
// The evidence that is being written about one response while it passes, and the reader of its
// body. A worker has a bounded number of captures, which are used again; one network may hold only
// a part of them.
#ifndef EXCHANGE_CAPTURE_H
#define EXCHANGE_CAPTURE_H

#include "exchange/body_reader.h"
#include "learner/evidence.h"

struct response;
struct observer;

struct capture {
    struct capture *next; // while it is spare
    struct body_reader *reader;
    uint64_t network; // whose it is
    struct evidence_writer writer;
    uint8_t bytes[EVIDENCE_MAX];
};

// Begins one for a client of that network. NULL: none is left, or the network holds its part
// already; that is counted.
struct capture *capture_open(struct observer *t, uint64_t network);
// Starts to scan the body. False when it should be scanned and cannot be now: then what else is
// known would say that the page needs nothing of what is in it.
bool capture_scan(struct capture *s, struct observer *t, const struct response *response,
                  enum body_reader_kind kind);
// The response is complete: gives what was found, in t->bytes, and ends the capture.
struct span capture_end(struct capture *s, struct observer *t);
// Ends it and gives nothing. NULL is allowed.
void capture_drop(struct capture *s, struct observer *t);
// When the worker ends.
void capture_free_all(struct observer *t);

#endif
