// SPDX-License-Identifier: MIT
// The section "clients": what clients may hold.
#ifndef CONFIG_BUILD_CLIENTS_H
#define CONFIG_BUILD_CLIENTS_H

#include "config/build_value.h"

void build_clients(struct build *b);

#endif
