// SPDX-License-Identifier: MIT
// Tries what `outrider run` would do with a configuration, without doing it: as the user that it
// would become, and from outside the program. What is found says what is wrong, why that matters,
// and what to write.
#ifndef SERVER_DOCTOR_H
#define SERVER_DOCTOR_H

#include "base/buf.h"
#include "config/config.h"

// Puts a line for each finding: "error: ..." when run would not start, or "warning: ...". path: the
// configuration's file. Returns how many errors there are.
unsigned doctor_look(const struct config *config, const char *path, struct buf *out);

#endif
