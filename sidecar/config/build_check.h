// SPDX-License-Identifier: MIT
// The part of build_value.h that looks at the texts of a list: each way of writing has a function
// that says why a text is none, for people, or NULL.
#ifndef CONFIG_BUILD_CHECK_H
#define CONFIG_BUILD_CHECK_H

#include "config/build_value.h"

// Tells of each text of the option's list why it may not stand there.
void build_check(struct build *b, const struct file_section *s, enum option id,
                 struct span_list list, const char *(*why)(struct span));
// A pattern of paths: begins with "/" or "*", and has no query.
const char *build_why_no_pattern(struct span text);
// A FastCGI parameter of the operator's, NAME=value.
const char *build_why_no_param(struct span text);

#endif
