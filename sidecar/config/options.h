// SPDX-License-Identifier: MIT
// The rows of options.def, and how the text of a value becomes one: the only place where defaults,
// units, ranges and words of options are known.
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "base/span.h"

#define OPTION_AUTO UINT64_MAX

enum section {
#define SECTION(id, name, parent, title, sentence) SECTION_##id,
#define OPTION(id, name, section, type, standard, least, most, unit, fills, sentence)
#include "config/options.def"
#undef SECTION
#undef OPTION
    SECTION_COUNT,
};

enum option {
#define SECTION(id, name, parent, title, sentence)
#define OPTION(id, name, section, type, standard, least, most, unit, fills, sentence) OPTION_##id,
#include "config/options.def"
#undef SECTION
#undef OPTION
    OPTION_COUNT,
};

enum option_type {
    OPTION_COUNT_TYPE,
    OPTION_DURATION_TYPE,
    OPTION_SIZE_TYPE,
    OPTION_SHARE_TYPE,
    OPTION_FLAG_TYPE,
    OPTION_CHOICE_TYPE,
    OPTION_TEXT_TYPE,
    OPTION_LIST_TYPE,
    OPTION_MORE_TYPE,
    OPTION_WORDS_TYPE,
};

struct section_row {
    const char *name;
    enum section parent; // the top is its own
    bool is_titled;
    const char *sentence;
};

struct option_row {
    const char *name;
    enum section section;
    enum option_type type;
    const char *standard; // the default as it would be written, without quotes; "" for none
    uint64_t least, most; // of numbers, in their base unit
    const char *unit;     // of CHOICE and WORDS: the words, "a|b"
    const char *sentence;
};

#define OPTION_WHY_LEN 256      // bytes of an error text, its zero included
#define OPTION_RANGE_LEN 96     // bytes of a range as text
#define OPTION_STANDARD_MOST 32 // texts in the default of a list

const struct section_row *section_row(enum section id);
const struct option_row *option_row(enum option id);
// The option takes several values in braces.
bool option_is_list(enum option id);
// Its values are added to those of its default, unless the first is "none".
bool option_adds(enum option id);
// Cuts the next text off a list's default, {"a", "b"}. False at its end.
bool option_next_standard(struct span *rest, struct span *text);
// The value of a COUNT, DURATION (milliseconds), SIZE (bytes), SHARE (ten-thousandths), FLAG (0,
// 1), CHOICE or a single word of WORDS (index of the word). 0, or ERR_SYNTAX with words for the
// operator in `why`, which has OPTION_WHY_LEN bytes.
int option_parse(enum option id, struct span text, uint64_t *value, char *why);
// What may be given: "500ms to 1min", "off, observe, hint or push", "true or false"; `out` has
// OPTION_RANGE_LEN bytes. Returns out.
const char *option_range(enum option id, char *out);
// The option or section of `section` whose name is most like `name`, or NULL when none is.
const char *option_nearest(enum section section, struct span name);

#endif
