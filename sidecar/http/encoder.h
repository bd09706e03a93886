// SPDX-License-Identifier: MIT
// Packs a body for a Content-Encoding (RFC 9110, 8.4): gzip (RFC 1952), br (RFC 7932), zstd (RFC
// 8878). What has been fed can be had at any time by a flush, and what comes out does not depend on
// how the input was cut, but for where it was flushed. Windows are 128 KB or less, so that a
// stream has a bounded size here and in every browser.
//
//     feed(bytes) ─► next* ─► MORE    flush ─► next* ─► MORE    end ─► next* ─► MORE (it is done)
#ifndef HTTP_ENCODER_H
#define HTTP_ENCODER_H

#include "base/step.h"
#include "http/coding.h"

// Bytes of memory that no encoder gets beyond; those of the highest levels take half of it.
#define ENCODER_MEMORY_MOST (8u << 20)

struct encoder;

// The coding's name in Content-Encoding: "gzip". Empty for a coding that cannot be packed.
struct span encoder_name(enum coding_kind kind);
// level: 1 to 9 of gzip, 0 to 6 of br and 1 to 6 of zstd (above, one stream would take 7 to 13 MB).
// NULL without memory, or for a coding that cannot be packed. **Owns**: the caller gives it to
// encoder_free.
struct encoder *encoder_new(enum coding_kind kind, int level);
// NULL is allowed.
void encoder_free(struct encoder *e);
// Makes it ready for another body. False when it cannot be: then it is to be freed.
bool encoder_reset(struct encoder *e);
enum coding_kind encoder_kind(const struct encoder *e);
int encoder_level(const struct encoder *e);
// Bytes of memory that it has now.
size_t encoder_memory(const struct encoder *e);

// Bytes of the body, borrowed until encoder_next says MORE; only then may more be fed.
void encoder_feed(struct encoder *e, struct span bytes);
// What has been fed is to come out, so that the client can read all of it. Nothing if it is out.
void encoder_flush(struct encoder *e);
// The body is complete. Nothing may be fed any more.
void encoder_end(struct encoder *e);
// The next packed bytes, in buffer[0, cap), cap at least 16. STEP_MORE: nothing before more is fed,
// flushed or ended. STEP_BAD: no memory was left; nothing comes any more.
enum step encoder_next(struct encoder *e, uint8_t *buffer, size_t cap, struct span *out);

#endif
