// SPDX-License-Identifier: MIT
// The part of build_value.h that makes the sites and their rules.
#ifndef CONFIG_BUILD_SITE_H
#define CONFIG_BUILD_SITE_H

#include "config/build_value.h"

// Fills sites of b->config, whose pools are there already, and b->has_certificate.
void build_sites(struct build *b);

#endif
