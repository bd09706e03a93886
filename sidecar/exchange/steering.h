// SPDX-License-Identifier: MIT
// Fields by which an application steers the server in front of it (X-Accel-*, X-Sendfile), and
// which are not the client's business.
#ifndef EXCHANGE_STEERING_H
#define EXCHANGE_STEERING_H

#include "base/message.h"

// Obeys X-Accel-Buffering, and takes all such fields out of the response. True, with all of them
// left for whoever finds it, when a file is to be sent instead of the body, if it may_name one.
// Without memory in `a` the fields that no longer fit are lost.
bool steering_obey(struct response *response, struct arena *a, bool may_name, bool *is_buffered);

#endif
