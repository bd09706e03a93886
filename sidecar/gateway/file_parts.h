// SPDX-License-Identifier: MIT
// Several ranges of a file as one body (RFC 9110, 14.6 and 15.3.7.2). The texts between the ranges
// are made with the head, so that the length is known before the first byte leaves.
//
//     --BOUNDARY CRLF Content-Type: TYPE CRLF Content-Range: bytes 0-1/10 CRLF CRLF xx
//     CRLF --BOUNDARY CRLF ... CRLF CRLF yy CRLF --BOUNDARY-- CRLF
#ifndef GATEWAY_FILE_PARTS_H
#define GATEWAY_FILE_PARTS_H

#include "base/siphash.h"
#include "gateway/ports.h"
#include "http/range.h"

// A text, and the bytes of the file that follow it.
struct file_part {
    struct span text;
    uint64_t from, to; // [from, to)
};

// Turns *r, the whole of a file whose head is complete but for its length, into the ranges, of
// which there are at least two: the head's Content-Type becomes that of each part. The boundary is
// made of `secret` and the file's ETag, so that nobody can write a file that has it inside. Lives
// in the arena. 0, or ERR_ARENA_LIMIT.
int file_parts_put(struct file_response *r, const struct ranges *ranges,
                   const struct siphash_key *secret, struct arena *arena);
// What was to be sent of the file is: goes on with the next part and gives the text before it.
// False when there is none.
bool file_parts_next(struct file_response *r, struct span *text);

#endif
