// SPDX-License-Identifier: MIT
// The every-split test: an engine must say the same events wherever the network cuts its input.
// The test writes the events as text to a transcript; split_check feeds the input whole, cut in two
// at every place, and one byte at a time, and compares the transcripts. Each piece is a block of
// its own that is freed when it is no longer lent, so that a sanitizer sees an engine that keeps
// it.
#ifndef TESTS_SPLIT_H
#define TESTS_SPLIT_H

#include "base/buf.h"
#include "base/span.h"

struct split {
    // Makes a fresh engine.
    void (*begin)(void *self);
    // Feeds a piece, pulls all events and writes them to `transcript`, e.g. "body:abc\n". Runs of
    // data that may be cut anywhere go through split_data instead, which joins neighbours.
    void (*piece)(void *self, struct span piece, struct buf *transcript);
    // End of input: writes what the engine says to that and frees it.
    void (*end)(void *self, struct buf *transcript);
    void *self;
};

// Writes `data` behind `label`; directly after other data of that label it continues the line.
void split_data(struct buf *transcript, const char *label, struct span data);
// printf to the transcript.
void split_line(struct buf *transcript, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Fails the running cmocka test, printing the cut and both transcripts, if any cut changes the
// events. The transcript of the whole input is left in *whole (initialised by the callee; the
// caller frees it with buf_fini), for comparison with what the test expects; whole may be NULL.
void split_check(const struct split *s, struct span input, struct buf *whole);
// The same as a question, for fuzz targets: cuts in two at `cut` and one byte at a time.
bool split_same(const struct split *s, struct span input, size_t cut);

#endif
