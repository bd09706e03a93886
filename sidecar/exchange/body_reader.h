// SPDX-License-Identifier: MIT
// Reads the body of a page or a stylesheet on its way to the client: a reader is shown each piece,
// unpacks it if it is compressed, scans it, and puts what it finds into a piece of evidence. It
// changes nothing, delays nothing, and stops at its bound. Each worker has a pool of readers, so
// neither the number of navigations at once nor their rate makes memory grow.
#ifndef EXCHANGE_BODY_READER_H
#define EXCHANGE_BODY_READER_H

#include "base/pair.h"
#include "base/unpack.h"

#define BODY_READER_POOL_DEFAULT 256 // readers at once
#define BODY_READER_ITEMS_MAX 256    // items that one document gives

enum body_reader_kind { BODY_READER_NONE, BODY_READER_PAGE, BODY_READER_SHEET };

struct evidence_writer;
struct body_reader;

struct body_reader_pool {
    const struct unpack *unpack; // for compressed bodies
    struct body_reader *free;
    size_t kept, given, most; // readers in `free`, in use, and at most
    uint64_t refused;         // how often there was none left
};

struct body_reader_conf {
    enum body_reader_kind kind;
    struct span content_encoding;   // of the response; empty: none
    struct evidence_writer *writer; // takes the items. Borrowed until body_reader_free
};

// An empty pool of at most `most` readers (0: BODY_READER_POOL_DEFAULT). Allocates nothing. Borrows
// unpack; NULL: nothing is read of compressed bodies.
void body_reader_pool_init(struct body_reader_pool *pool, size_t most, const struct unpack *unpack);
// Frees the readers that are not in use. Idempotent.
void body_reader_pool_fini(struct body_reader_pool *pool);

// What a response could teach, by the mime_essence of its Content-Type: BODY_READER_NONE unless it
// is text/html or text/css.
enum body_reader_kind body_reader_kind_of(struct span essence);
// Starts to read. **Owns** nothing but what the pool gave. NULL when there is nothing to read
// (BODY_READER_NONE, a coding that is not known) or the pool has none left (counted).
struct body_reader *body_reader_new(struct body_reader_pool *pool,
                                    const struct body_reader_conf *conf);
// Looks at the next bytes of the body. They are not kept.
void body_reader_feed(struct body_reader *reader, struct span bytes);
// The body is complete: tells what only its end shows. Not called for one that broke off.
void body_reader_end(struct body_reader *reader);
// Whether further bytes would be looked at; what is done need not be fed.
bool body_reader_is_done(const struct body_reader *reader);
// The body could not be unpacked: it was not what its Content-Encoding said.
bool body_reader_is_bad(const struct body_reader *reader);
// Gives the reader back to its pool; what it put into the writer stays. NULL is allowed.
void body_reader_free(struct body_reader *reader);

#endif
