// SPDX-License-Identifier: MIT
// Conditional requests (RFC 9110, 13): whether the client's copy is still good.
#ifndef HTTP_CONDITION_H
#define HTTP_CONDITION_H

#include "base/message.h"

#define CONDITION_NO_TIME INT64_MIN // mtime of what has no Last-Modified

enum condition {
    CONDITION_OK,           // answer as if there were no conditions
    CONDITION_NOT_MODIFIED, // 304
    CONDITION_FAILED,       // 412
};

// Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of RFC
// 9110, 13.2.2 against the representation that would be sent: its ETag as sent, with quotes ("" for
// none), and its time of last change in seconds since 1970.
enum condition condition_evaluate(const struct request *r, struct span etag, int64_t mtime);
// The Range field counts: there is no If-Range, or it names this representation by a strong tag or
// its very date (RFC 9110, 13.1.5).
bool condition_allows_range(const struct request *r, struct span etag, int64_t mtime);

#endif
