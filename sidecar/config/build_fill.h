// SPDX-License-Identifier: MIT
// Copies the values of a section into the struct that the rows of options.def name. What a row says
// BY_HAND is left to the code that knows what becomes of it.
//
//     option type                           member
//     COUNT, DURATION, SIZE, SHARE, CHOICE  any unsigned integer, an enum, or bool
//     FLAG                                  bool
//     TEXT                                  struct span, zero-terminated
//     LIST, MORE, WORDS                     struct span_list
#ifndef CONFIG_BUILD_FILL_H
#define CONFIG_BUILD_FILL_H

#include "config/build_value.h"

// Fills the members of *out, a struct of the type named, that options of the section s belong to.
// An option without value and default gives 0 or an empty text. What is wrong is told in b->errors,
// and the member is 0 then. All rows of a section name the same type (asserted).
void build_fill(struct build *b, const struct file_section *s, const char *type, void *out);
#define BUILD_FILL(b, s, name, out)                                                                \
    do {                                                                                           \
        struct name *typed = (out);                                                                \
        build_fill(b, s, #name, typed);                                                            \
    } while (0)

#endif
