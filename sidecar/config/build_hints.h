// SPDX-License-Identifier: MIT
// The part of build_value.h that makes of a site's section `hints` what is learned, who gets hints,
// and by what users are known.
#ifndef CONFIG_BUILD_HINTS_H
#define CONFIG_BUILD_HINTS_H

#include "config/build_value.h"

// section: the site's.
void build_hints(struct build *b, const struct file_section *section, struct site *site);

#endif
