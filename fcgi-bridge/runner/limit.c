// SPDX-License-Identifier: MIT
#include "runner/limit.h"

#include "runner/family.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    size_t option, used; // of the members in struct options, struct family_sum
    enum report_ending ending;
} rows[LIMITS] = {
#define LIMIT(NAME, option, controller, events, count)                                             \
    [LIMIT_##NAME] = {#option, offsetof(struct options, option),                                   \
                      offsetof(struct family_sum, option), REPORT_##NAME},
#include "runner/limit.def"
#undef LIMIT
};

static uint64_t number_at(const void *object, size_t at) {
    uint64_t number;
    memcpy(&number, (const char *)object + at, sizeof number);
    return number;
}

const char *limit_name(enum limit limit) {
    return rows[limit].name;
}

uint64_t limit_most(const struct options *o, enum limit limit) {
    return number_at(o, rows[limit].option);
}

enum report_ending limit_enforced(const struct leaf *leaf) {
    for (enum limit i = 0; i < LIMITS; i++) {
        if (leaf_has_reached(leaf, i)) {
            return rows[i].ending;
        }
    }
    return REPORT_RUNNING;
}

static bool is_measured(const struct options *o, const struct leaf *leaf, enum limit limit) {
    return limit_most(o, limit) > 0 && !leaf->has[limit];
}

enum report_ending limit_reached(const struct options *o, const struct leaf *leaf) {
    struct family_sum sum;
    bool has_sum = false;
    for (enum limit i = 0; i < LIMITS; i++) {
        if (!is_measured(o, leaf, i)) {
            continue;
        }
        if (!has_sum) {
            family_measure(&sum);
            has_sum = true;
        }
        if (number_at(&sum, rows[i].used) > limit_most(o, i)) {
            return rows[i].ending;
        }
    }
    return limit_enforced(leaf);
}
