// SPDX-License-Identifier: MIT
// The FastCGI record layer, sending side. A record never has more than WRITER_CONTENT_MAX bytes of
// content: a multiple of 8, so that content and padding together stay below 65536 (PHP-FPM resets
// the connection otherwise) and a length can never be cut to its lower 16 bits. Records are padded
// to a multiple of 8. The wire is drawn in reader.h.
#ifndef FCGI_WRITER_H
#define FCGI_WRITER_H

#include "base/buf.h"

#define WRITER_CONTENT_MAX 65528

// How many bytes n bytes of content take as records of one stream: headers, content, padding. 0 for
// none.
size_t writer_len(size_t n);
// Writes a record header for n (<= WRITER_CONTENT_MAX, asserted) bytes of content to at[0, 8) and
// gives the place behind it. The padding length it announces is what writer_pad writes.
uint8_t *writer_header(uint8_t *at, uint8_t type, uint16_t id, size_t n);
// Writes the padding that belongs to n bytes of content and gives the place behind it.
uint8_t *writer_pad(uint8_t *at, size_t n);
// Puts content as records, as many as it takes; no record for no content, since an empty one would
// end the stream. 0, or ERR_BUF_LIMIT with nothing written.
int writer_put(struct buf *out, uint8_t type, uint16_t id, struct span content);
// Puts the empty record that ends a stream. 0, or ERR_BUF_LIMIT.
int writer_end(struct buf *out, uint8_t type, uint16_t id);

#endif
