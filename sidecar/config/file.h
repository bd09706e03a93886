// SPDX-License-Identifier: MIT
// A configuration's text as a tree of sections with values, read by libconfuse from tables made of
// options.def, and with the line of everything (outline.h). Not re-entrant: libconfuse's scanner is
// one for the process.
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "config/config_errors.h"
#include "config/options.h"
#include "config/outline.h"

struct cfg_t;

struct file {
    struct cfg_t *cfg;
    struct outline outline;
    struct config_errors *errors;
    char *text; // a copy
};

// One section of it. A value, borrows from the file.
struct file_section {
    const struct file *file;
    struct cfg_t *cfg;
    unsigned index; // in the outline
    enum section id;
};

// The version of libconfuse that runs.
const char *file_library(void);
// Reads text. 0, or ERR_CONFIG when it could not be read as a whole. Names that nobody knows are
// told in errors, but the rest is read. Borrows errors until file_fini.
int file_init(struct file *f, struct span text, struct config_errors *errors);
// Idempotent.
void file_fini(struct file *f);
struct file_section file_top(const struct file *f);
// How many sections `id` there are inside s, and the i-th. A PLAIN one is always there, once.
size_t file_count(const struct file_section *s, enum section id);
struct file_section file_child(const struct file_section *s, enum section id, size_t i);
// What stands in quotes behind the section's name; zero-terminated.
struct span file_title(const struct file_section *s);
// Whether the option is written there, as opposed to its default.
bool file_has(const struct file_section *s, enum option id);
// How many values an option has, its default's when it is not written; an option without value and
// default has none, or one empty one.
size_t file_values(const struct file_section *s, enum option id);
// The i-th value, zero-terminated.
struct span file_value(const struct file_section *s, enum option id, size_t i);
// The line of an option, or of its section when it is not written.
unsigned file_line(const struct file_section *s, enum option id);
// The line in which a section begins; 0 when it is not written.
unsigned file_section_line(const struct file_section *s);

#endif
