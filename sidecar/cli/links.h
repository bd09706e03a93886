// SPDX-License-Identifier: MIT
// What `outrider check` says about symbolic links: which ones below a site's root are not followed.
#ifndef CLI_LINKS_H
#define CLI_LINKS_H

#include "config/config.h"

// Prints a line for each of the first few links that the site does not follow, and how many there
// are beside. Looks at a bounded number of files.
void links_tell(const char *file, const struct site *site);

#endif
