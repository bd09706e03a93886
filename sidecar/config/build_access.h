// SPDX-License-Identifier: MIT
// What of a site may be reached: `scripts`, `deny`, `deny-files`, `dot-files`, `deny-scripts` and
// `internal`. Folders of
// uploads whose names are too common for a rule of their own ("/images") are found by the
// application that stands in the root.
#ifndef CONFIG_BUILD_ACCESS_H
#define CONFIG_BUILD_ACCESS_H

#include "config/build_value.h"

// Fills the lists of `site`, whose root is known; errors are told.
void build_access(struct build *b, const struct file_section *s, struct site *site);

#endif
