// SPDX-License-Identifier: MIT
// Fields by which an application steers the server in front of it (X-Accel-*, X-Sendfile), and
// which are not the client's business.
#ifndef EXCHANGE_STEERING_H
#define EXCHANGE_STEERING_H

#include "base/message.h"

// Obeys X-Accel-Buffering. True when a file is to be sent instead of the body, if it may_name one:
// who finds that needs the fields.
bool steering_obey(const struct response *response, bool may_name, bool *is_buffered);
// Takes all such fields out of the response. 0, or ERR_ARENA_LIMIT: half of a head is none.
int steering_drop(struct response *response, struct arena *a);

#endif
