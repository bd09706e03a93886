// SPDX-License-Identifier: MIT
// Reads what a Content-Encoding (RFC 9110, 8.4) hides: gzip, deflate (with the zlib wrapper or, as
// some send it, without), br, zstd. For those who look at a body that passes, so nothing here can
// harm it: what is broken is STEP_BAD, and what unpacks to more than was asked for ends there.
//
//     coding_feed(&coding, bytes);
//     while ((step = coding_next(&coding, buffer, sizeof buffer, &piece)) == STEP_ITEM) ...
#ifndef HTTP_CODING_H
#define HTTP_CODING_H

#include "base/unpack.h"
#include "http/coding_memory.h"

// Most bytes a decoder may allocate; a stream that needs more is STEP_BAD. Enough for any gzip, and
// for Brotli up to windows and pieces of 512 KB.
#define CODING_MEMORY_MOST (1u << 20)

enum coding_kind {
    CODING_IDENTITY,
    CODING_GZIP,
    CODING_DEFLATE,
    CODING_BROTLI,
    CODING_ZSTD,
    CODING_UNKNOWN
};

struct coding {
    enum coding_kind kind;
    uint64_t room;               // how many more bytes may come out
    struct coding_memory memory; // not of zstd, which has its own, bounded by the window
    struct span in;
    // The first bytes of deflate tell whether there is a wrapper; how many of them the decoder has.
    uint8_t first[2], first_n, first_read;
    bool is_done, is_bad;
    void *state; // the library's; NULL until bytes came
};

// The coding that a Content-Encoding value names, without case; x-gzip is gzip, an empty value is
// CODING_IDENTITY. CODING_UNKNOWN for others and for several at once.
enum coding_kind coding_kind_of(struct span content_encoding);
// Starts a body of that coding of which at most `most` decoded bytes are wanted. Allocates nothing;
// c may not be moved between the first feed and fini. CODING_UNKNOWN gives STEP_BAD.
void coding_init(struct coding *c, enum coding_kind kind, uint64_t most);
// Frees the decoder. Idempotent.
void coding_fini(struct coding *c);
// Hands over bytes, borrowed until coding_next says MORE or BAD; only then may more be fed.
void coding_feed(struct coding *c, struct span bytes);
// The next decoded bytes: *out lies in buffer[0, cap) or, of CODING_IDENTITY, in what was fed.
// STEP_MORE: nothing before more is fed, or never again (coding_is_done). STEP_BAD: not that
// coding, or over CODING_MEMORY_MOST.
enum step coding_next(struct coding *c, uint8_t *buffer, size_t cap, struct span *out);
// Nothing comes any more: the body ended by its own account, is broken, or `most` came out.
bool coding_is_done(const struct coding *c);
// The same for those who only know that there are codings (base/unpack.h).
extern const struct unpack coding_unpack;

#endif
