// SPDX-License-Identifier: MIT
// Asks the admin endpoint of a running outrider, waiting for the answer.
#ifndef CLI_ADMIN_CLIENT_H
#define CLI_ADMIN_CLIENT_H

#include "base/buf.h"

// GET `target` from the endpoint at `address` ("unix:/path" or "host:port"); its body is put into
// *body, which the caller initialised. 0, or 1 with words in why (why_len bytes).
int admin_client_fetch(const char *address, const char *target, struct buf *body, char *why,
                       size_t why_len);

#endif
