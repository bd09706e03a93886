// SPDX-License-Identifier: MIT
// Makes a struct config of a file's tree. Every value goes through its row of options.def; what is
// wrong is told with its line and the building goes on with the default, so that all is told.
#ifndef CONFIG_BUILD_H
#define CONFIG_BUILD_H

#include "config/build_value.h"

// Fills b->config, whose arena is ready. Errors are told in b->errors.
void build_config(struct build *b);

#endif
