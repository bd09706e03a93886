// SPDX-License-Identifier: MIT
// A file as the answer: one that the request names, or one that the application names instead of a
// body (X-Accel-Redirect, X-Sendfile).
#ifndef GATEWAY_RELAY_FILE_H
#define GATEWAY_RELAY_FILE_H

#include "gateway/relay.h"

// Gives the exchange the head of the file that its router has found.
void relay_file_open(struct relay *r, struct span path);
// The same for the file that the application's response names, with the application's fields, as
// COMMAND_SENDFILE has it.
void relay_file_send(struct relay *r, const struct exchange_command *c);
// Goes on sending, as far as the client has room. Nothing if no file is being sent.
void relay_file_more(struct relay *r);

#endif
