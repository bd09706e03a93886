// SPDX-License-Identifier: MIT
// What a response teaches while it passes. A lesson is shown each piece of the body of a page or a
// stylesheet on its way to the client, unpacks it if it is compressed, scans it, and puts what it
// finds into a piece of evidence. It changes nothing, delays nothing, and stops looking at its
// bound. Lessons come from a pool that each worker has, so that neither the number of navigations
// at once nor their rate makes memory grow.
#ifndef EXCHANGE_LESSON_H
#define EXCHANGE_LESSON_H

#include "base/pair.h"
#include "base/unpack.h"

#define LESSON_POOL_DEFAULT 256 // lessons at once
#define LESSON_ITEMS_MAX 256    // items that one document teaches

enum lesson_kind { LESSON_NONE, LESSON_PAGE, LESSON_SHEET };

struct evidence_writer;
struct lesson;

struct lesson_pool {
    const struct unpack *unpack; // for compressed bodies
    struct lesson *free;
    size_t kept, given, most; // lessons in `free`, lessons that are held, most that may be
    uint64_t refused;         // how often there was none left
};

struct lesson_conf {
    enum lesson_kind kind;
    struct span content_encoding;   // of the response; empty: none
    struct evidence_writer *writer; // takes the items. Borrowed until lesson_free
};

// An empty pool of at most `most` lessons (0: LESSON_POOL_DEFAULT). Allocates nothing. Borrows
// unpack; NULL: compressed bodies teach nothing.
void lesson_pool_init(struct lesson_pool *pool, size_t most, const struct unpack *unpack);
// Frees the lessons that nobody holds. Idempotent.
void lesson_pool_fini(struct lesson_pool *pool);

// What a response could teach, by the mime_essence of its Content-Type: LESSON_NONE unless it is
// text/html or text/css.
enum lesson_kind lesson_kind_of(struct span essence);
// Starts a lesson. **Owns** nothing but what the pool gave. NULL when there is nothing to learn
// (LESSON_NONE, a coding that is not known) or the pool has none left (counted).
struct lesson *lesson_new(struct lesson_pool *pool, const struct lesson_conf *conf);
// Looks at the next bytes of the body. They are not kept.
void lesson_feed(struct lesson *lesson, struct span bytes);
// The body is complete: tells what only its end shows. Not called for one that broke off.
void lesson_end(struct lesson *lesson);
// Whether further bytes would be looked at; what is done need not be fed.
bool lesson_is_done(const struct lesson *lesson);
// The body could not be unpacked: it was not what its Content-Encoding said.
bool lesson_is_bad(const struct lesson *lesson);
// Gives the lesson back to its pool; what it put into the writer stays. NULL is allowed.
void lesson_free(struct lesson *lesson);

#endif
