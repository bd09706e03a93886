// SPDX-License-Identifier: MIT
// Where everything in a configuration stands: the sections and options in the order of the text,
// with their lines. Names that nobody knows and options given twice are told here, all of them; the
// unknown ones are blanked out of the text, so that the rest can still be read and checked.
#ifndef CONFIG_OUTLINE_H
#define CONFIG_OUTLINE_H

#include "config/config_errors.h"
#include "config/options.h"

#define OUTLINE_TOP 0 // index of the entry that stands for the whole text

struct outline_entry {
    unsigned parent; // index; of the top its own
    unsigned end;    // index behind the last entry inside it
    unsigned line;
    bool is_section;
    unsigned id; // enum section or enum option
};

struct outline {
    struct outline_entry *v;
    size_t n, cap;
    bool is_whole; // false: it stopped where the grammar was left; libconfuse says how
    unsigned line; // where it stopped
};

// Reads the text and blanks what is unknown. 0, or ERR_CONFIG when its words could not be told
// apart (told in errors). Unknown names are told but are no error here.
int outline_init(struct outline *o, uint8_t *text, size_t n, struct config_errors *errors);
// Idempotent.
void outline_fini(struct outline *o);
// The i-th section `id` inside the section at index `parent`: its index, or OUTLINE_TOP.
unsigned outline_section(const struct outline *o, unsigned parent, enum section id, size_t i);
// The line of an option of the section at index `parent`, or 0 when it is not given.
unsigned outline_line(const struct outline *o, unsigned parent, enum option id);

#endif
