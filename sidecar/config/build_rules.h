// SPDX-License-Identifier: MIT
// The part of build_value.h that makes the operator's rules for paths of one site, with the plans
// of their hints.
#ifndef CONFIG_BUILD_RULES_H
#define CONFIG_BUILD_RULES_H

#include "config/build_value.h"

// section: the site's, whose name and policy are there already.
void build_rules(struct build *b, const struct file_section *section, struct site *site);

#endif
