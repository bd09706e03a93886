// SPDX-License-Identifier: MIT
// The part of build_value.h that makes the programs that the server starts.
#ifndef CONFIG_BUILD_SPAWN_H
#define CONFIG_BUILD_SPAWN_H

#include "config/build_value.h"

// Fills spawns of b->config, whose pools are there already. What is told of a program that is not
// there, cannot be executed, or of a user that does not exist, is as of now and on this machine.
void build_spawns(struct build *b);

#endif
