// SPDX-License-Identifier: MIT
// The application's side of one FastCGI connection in a play: what it was sent, read record by
// record with our reader and judged as PHP-FPM would (and stricter); and how to write the records
// that it answers with, good ones and bad ones.
#ifndef TESTS_SIM_PEER_H
#define TESTS_SIM_PEER_H

#include "base/buf.h"
#include "base/pair.h"
#include "fcgi/reader.h"

#define PEER_REQUESTS 8 // on one connection

// One request as the application received it.
struct asked {
    struct pairs params;
    struct buf input; // its standard input
    uint16_t id;
    bool has_params, has_input, is_kept;
    bool is_answered; // END_REQUEST was written
};

struct peer {
    struct reader reader;
    struct arena arena;
    struct asked asked[PEER_REQUESTS];
    size_t asked_n;
    struct buf content; // of the record that is coming in
    const char *fault;  // static words for what an application would choke on, or NULL
};

void peer_init(struct peer *p);
void peer_fini(struct peer *p);
// Bytes from Outrider.
void peer_feed(struct peer *p, struct span bytes);
// The value of a variable of a request, or NULL.
const struct span *peer_param(const struct asked *a, struct span name);
// Writes `METHOD SCRIPT_NAME ["input"] [open]`.
void peer_write(const struct asked *a, struct buf *text);

// Puts one record with any header: the content may be cut or missing.
struct peer_record {
    uint8_t version, type, padding;
    uint16_t id, len;
    struct span content;
};
void peer_put(struct buf *out, const struct peer_record *record);
// Puts a stream's content as one record of a request, padded as PHP-FPM does.
void peer_put_stream(struct buf *out, uint8_t type, uint16_t id, struct span content);
// Puts END_REQUEST.
void peer_put_end(struct buf *out, uint16_t id, uint8_t protocol_status);
// The id of the request that was asked last; 1 before the first.
uint16_t peer_id(const struct peer *p);

#endif
