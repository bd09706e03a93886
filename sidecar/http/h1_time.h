// SPDX-License-Identifier: MIT
// The clock of HTTP/1: the request's body, and the request as a whole. How a client takes the
// response is seen at its socket.
#ifndef HTTP_H1_TIME_H
#define HTTP_H1_TIME_H

#include "http/h1.h"

// front_tick and front_is_held of http/front.h.
bool h1_time_tick(struct front *f, const struct front_clock *clock);
bool h1_time_is_held(const struct front *f);

#endif
