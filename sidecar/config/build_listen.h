// SPDX-License-Identifier: MIT
// The listen sections: addresses, and whom a listener believes about its clients.
#ifndef CONFIG_BUILD_LISTEN_H
#define CONFIG_BUILD_LISTEN_H

#include "config/build_value.h"

// Fills b->config->listens. After the sites.
void build_listens(struct build *b);

#endif
