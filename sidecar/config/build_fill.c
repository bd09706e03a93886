// SPDX-License-Identifier: MIT
#include "config/build_fill.h"

#include "exchange/access_log.h"

#include <assert.h>

// Where a value goes.
struct place {
    const char *type; // the struct's name; NULL: it is fetched by hand
    size_t offset, size;
};

static const struct place places[OPTION_COUNT] = {
#define INTO(type, member)                                                                         \
    { #type, offsetof(struct type, member), sizeof(((struct type *)NULL)->member) }
#define BY_HAND                                                                                    \
    { NULL, 0, 0 }
#define SECTION(id, name, parent, title, sentence)
#define OPTION(id, name, section, type, standard, least, most, unit, fills, sentence)              \
    [OPTION_##id] = fills,
#include "config/options.def"
#undef SECTION
#undef OPTION
#undef BY_HAND
#undef INTO
};

// Integers are written by their size; an enum's and a bool's representation is an integer's.
static void put_number(uint8_t *at, size_t size, uint64_t value) {
    uint8_t byte = (uint8_t)value;
    uint16_t two = (uint16_t)value;
    uint32_t four = (uint32_t)value;
    const void *from = size == 1   ? (const void *)&byte
                       : size == 2 ? (const void *)&two
                       : size == 4 ? (const void *)&four
                                   : (const void *)&value;
    assert(size == 1 || size == 2 || size == 4 || size == 8);
    memcpy(at, from, size);
}

static void put_value(struct build *b, const struct file_section *s, enum option id, uint8_t *at) {
    if (option_is_list(id)) {
        struct span_list list = build_list(b, s, id);
        assert(places[id].size == sizeof list);
        memcpy(at, &list, sizeof list);
    } else if (option_row(id)->type == OPTION_TEXT_TYPE) {
        struct span text = build_text(b, s, id);
        assert(places[id].size == sizeof text);
        memcpy(at, &text, sizeof text);
    } else {
        put_number(at, places[id].size, build_number(b, s, id));
    }
}

void build_fill(struct build *b, const struct file_section *s, const char *type, void *out) {
    for (enum option id = 0; id < OPTION_COUNT; id++) {
        if (option_row(id)->section != s->id || places[id].type == NULL) {
            continue;
        }
        assert(strcmp(places[id].type, type) == 0);
        put_value(b, s, id, (uint8_t *)out + places[id].offset);
    }
}
