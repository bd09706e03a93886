// SPDX-License-Identifier: MIT
// The FastCGI record layer, receiving side: bytes in, records out, nothing kept. Content is handed
// on in the pieces in which it came, borrowed from the input, so that a record of any length costs
// no memory; padding is skipped. Who may send which record when is not this layer's business.
//
//      0         1        2 3         4 5              6               7
//     +---------+------+------------+---------------+---------------+----------+
//     | version | type | request id | content length | padding length | reserved |
//     +---------+------+------------+---------------+---------------+----------+
//     | content (content length bytes) | padding (padding length bytes)         |
//     +--------------------------------+-----------------------------------------+
#ifndef FCGI_READER_H
#define FCGI_READER_H

#include "base/span.h"
#include "base/step.h"

#define READER_HEADER_LEN 8

enum reader_part { READER_HEADER, READER_CONTENT, READER_PADDING };

enum reader_event_kind {
    READER_OPEN,  // a record header is complete
    READER_PIECE, // some bytes of its content; none for an empty record
    READER_CLOSE, // the record is complete, padding too
};

struct reader_event {
    enum reader_event_kind kind;
    uint8_t type;         // of the record, in all three events: FCGI_STDOUT, ...
    uint16_t id;          // request id, likewise
    uint16_t content_len; // of the whole record, likewise
    struct span piece;    // READER_PIECE: borrowed from the input, never empty
};

struct reader {
    enum reader_part part;
    size_t need; // bytes still missing of the part
    uint8_t header[READER_HEADER_LEN];
    struct span in;
};

void reader_init(struct reader *r);
// Hands over bytes, borrowed until reader_next says MORE; only then may more be fed.
void reader_feed(struct reader *r, struct span bytes);
// STEP_BAD when a header does not say version 1, for ever after.
enum step reader_next(struct reader *r, struct reader_event *e);
// No record is begun and no input is left.
bool reader_is_between(const struct reader *r);

#endif
