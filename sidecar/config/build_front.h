// SPDX-License-Identifier: MIT
// Front controllers, of a site or of a route.
#ifndef CONFIG_BUILD_FRONT_H
#define CONFIG_BUILD_FRONT_H

#include "config/build.h"

// Completes *front, whose path the option `id` of the section s gives: joins it with the root, and
// tells when it is denied or not there. The site's files and rules of access are built before.
void build_front(struct build *b, const struct file_section *s, enum option id,
                 const struct site *site, struct site_front *front);

#endif
