// SPDX-License-Identifier: MIT
// Where a route sends its requests: `redirect`, `rewrite` and `try`.
#ifndef CONFIG_BUILD_STEER_H
#define CONFIG_BUILD_STEER_H

#include "config/build.h"

// Fills the pattern of the rule from the section's title, and what it does with a request.
void build_steer(struct build *b, const struct file_section *s, struct route_rule *rule);

#endif
