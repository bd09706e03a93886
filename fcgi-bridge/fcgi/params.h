// SPDX-License-Identifier: MIT
// The name/value pairs of FCGI_PARAMS. No pair ever straddles two records: the specification allows
// it, PHP-FPM closes the connection on it. A length below 128 takes one byte, else four with the
// highest bit set:
//
//     +----------------+-----------------+------+-------+
//     | name length 1/4 | value length 1/4 | name | value |
//     +----------------+-----------------+------+-------+
#ifndef FCGI_PARAMS_H
#define FCGI_PARAMS_H

#include "base/buf.h"
#include "base/pair.h"
#include "base/step.h"

#define PARAMS_LIMIT_DEFAULT (256u << 10) // bytes of all pairs of a request, lengths included

// Puts the pairs, in their order, and the empty record that ends the stream. 0; ERR_PARAMS_LIMIT
// when a pair does not fit into one record or all pairs are more than `limit` bytes; ERR_BUF_LIMIT.
// On an error nothing is written.
int params_put(struct buf *out, uint16_t id, const struct pairs *pairs, size_t limit);
// Takes the pair at the front of *content, which borrows from it. MORE when nothing is left, BAD
// when the lengths point behind the end; *content is then unchanged.
enum step params_next(struct span *content, struct pair *pair);

#endif
