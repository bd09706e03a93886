// SPDX-License-Identifier: MIT
// The chunked transfer coding of a request body (RFC 9112, 7.1), decoded strictly: every line ends
// in CR LF, what is between the size and the line's end holds no CTL, trailer fields are checked
// and dropped, and the overhead is bounded, so that a body cannot be all wrapping. Where another
// parser could read it differently, it is refused.
//
//     1a;name=value CR LF  <26 bytes> CR LF  ...  0 CR LF  [trailer fields] CR LF
//
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include "base/span.h"
#include "base/step.h"

#define CHUNKED_EXTENSION_MAX 1024        // bytes of one chunk's extension
#define CHUNKED_EXTENSIONS_MAX (16 << 10) // of all of a body
#define CHUNKED_TRAILER_MAX (8 << 10)     // bytes of all trailer fields
#define CHUNKED_WASTE_MAX (100 << 10)     // overhead above which it must be less than 3/4 of all
#define CHUNKED_NAME_MAX 24               // the longest trailer name that is looked at

struct chunked {
    int state;
    uint64_t left;   // bytes of data left in the chunk
    uint64_t data;   // decoded in all
    uint64_t waste;  // bytes that were not data
    uint32_t digits; // of the size so far
    uint32_t extension, extensions, trailer;
    uint8_t name[CHUNKED_NAME_MAX]; // of the trailer field, lower case
    uint32_t name_len;
};

void chunked_init(struct chunked *c);
// Takes bytes off the front of *in. STEP_ITEM with data, which lies in *in's memory; STEP_ITEM with
// empty data when the body is complete: then *in begins with what follows it. STEP_MORE when *in is
// used up, STEP_BAD for bad framing.
enum step chunked_next(struct chunked *c, struct span *in, struct span *data);

#endif
