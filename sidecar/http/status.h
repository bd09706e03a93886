// SPDX-License-Identifier: MIT
// The usual words for a status code, for people and for HTTP/1 status lines.
#ifndef HTTP_STATUS_H
#define HTTP_STATUS_H

#include "base/span.h"

// The reason phrase of a status (RFC 9110, 15), or "" for one that we never send by ourselves.
struct span status_reason(int status);

#endif
