// SPDX-License-Identifier: MIT
// What a site compresses.
#ifndef CONFIG_BUILD_COMPRESS_H
#define CONFIG_BUILD_COMPRESS_H

#include "config/build.h"

// Fills site->compress from the section of the site.
void build_compress(struct build *b, const struct file_section *site_section, struct site *site);

#endif
