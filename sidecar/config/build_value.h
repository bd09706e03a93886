// SPDX-License-Identifier: MIT
// What the builders of all sections share: where they build, and how they read the values of a
// section's options.
#ifndef CONFIG_BUILD_VALUE_H
#define CONFIG_BUILD_VALUE_H

#include "config/address.h"
#include "config/config.h"
#include "config/file.h"

struct build {
    struct config *config;
    struct config_errors *errors;
    struct file_section top;
    bool has_certificate; // of some site
};

// The checked value of an option that is a number, a flag or a choice; 0 when it has none.
uint64_t build_number(struct build *b, const struct file_section *s, enum option id);
// Its text in the configuration's arena, zero-terminated; empty when it has none.
struct span build_text(struct build *b, const struct file_section *s, enum option id);
// All its texts; of an option that adds to its default, those of the default behind them, unless
// the first is "none".
struct span_list build_list(struct build *b, const struct file_section *s, enum option id);
// The option is written and begins with "none": nothing is added to it.
bool build_has_none(const struct file_section *s, enum option id);
// A copy in the configuration's arena, zero-terminated.
struct span build_keep(struct build *b, struct span text);
// n bytes of the arena, zeroed.
void *build_alloc(struct build *b, size_t n);
// An address from text. False when it is none, which is told with that line.
bool build_address(struct build *b, struct span text, unsigned line, struct address *address);

#endif
