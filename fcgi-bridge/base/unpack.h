// SPDX-License-Identifier: MIT
// How the body behind a Content-Encoding is read by somebody who may not know the libraries that
// can: a struct of functions, which the HTTP step has (http/coding.h) and the server hands down.
//
//     p = unpack->open(content_encoding, most);
//     unpack->feed(p, bytes);
//     while ((step = unpack->next(p, buffer, sizeof buffer, &piece)) == STEP_ITEM) ...
#ifndef BASE_UNPACK_H
#define BASE_UNPACK_H

#include "base/span.h"
#include "base/step.h"

struct unpack {
    // A reader of at most `most` unpacked bytes; NULL for a coding that is not known, or without
    // memory. Owns: the caller gives it to close.
    void *(*open)(struct span content_encoding, uint64_t most);
    // Bytes, borrowed until next says MORE or BAD.
    void (*feed)(void *reader, struct span bytes);
    // The next unpacked bytes, in buffer[0, cap). STEP_BAD: the body is not what it says.
    enum step (*next)(void *reader, uint8_t *buffer, size_t cap, struct span *out);
    // Nothing comes any more, by the body's own account.
    bool (*is_done)(const void *reader);
    void (*close)(void *reader);
};

#endif
