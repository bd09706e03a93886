// SPDX-License-Identifier: MIT
// The part of build_value.h that makes a site's access log.
#ifndef CONFIG_BUILD_ACCESS_LOG_H
#define CONFIG_BUILD_ACCESS_LOG_H

#include "config/build_value.h"

// The access-log section of a site, or NULL when it writes none. Adds where it goes to access_logs
// of b->config.
const struct access_log *build_access_log(struct build *b, const struct file_section *site);

#endif
