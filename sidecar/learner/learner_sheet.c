// SPDX-License-Identifier: MIT
// What a stylesheet imports, as far as it is believed.
#include "learner/learner_reading.h"

static bool are_other_imports(const struct reading *reading, struct asset_file *f) {
    bool are_other = reading->n != f->imports_n ||
                     memcmp(reading->assets, f->imports, reading->n * sizeof *f->imports) != 0;
    if (!are_other) {
        f->other_imports = 0;
    }
    return are_other;
}

// What a stylesheet imports is hinted to all who are hinted the stylesheet: it is believed what the
// disk says (no network), and what two networks were given.
static bool are_imports_proven(const struct reading *reading, struct asset_file *f) {
    const struct learner *l = reading->l;
    const struct evidence *e = reading->e;
    uint32_t numbers[ASSET_IMPORTS_MAX + 1] = {(uint32_t)reading->n};
    for (size_t i = 0; i < reading->n; i++) {
        numbers[1 + i] = reading->assets[i]->number;
    }
    size_t bytes = (1 + reading->n) * sizeof *numbers;
    uint64_t hash = siphash(&l->conf.secret, span_of((const uint8_t *)numbers, bytes)) | 1;
    uint16_t network = (uint16_t)(learner_from(l, e) >> 16);
    bool is_proven = e->network == 0 || (f->other_imports == hash && f->others_network != network);
    f->other_imports = is_proven ? 0 : hash;
    f->others_network = network;
    return is_proven;
}

void learner_put_sheet(struct learner *l, const struct evidence *e, uint64_t now_ms) {
    struct reading reading;
    if (e->key.n == 0 || e->target.n == 0 || e->target.p[0] != '/') {
        l->stats.ignored++;
        return;
    }
    learner_reading_sheet(&reading, l, e, now_ms);
    struct asset_file *f = asset_put_file(&l->assets, e->key, e->target);
    bool is_new = f != NULL && are_other_imports(&reading, f) && are_imports_proven(&reading, f);
    if (is_new) {
        asset_set_imports(&l->assets, f, reading.assets, reading.n);
    }
    learner_reading_fini(&reading);
    if (is_new) {
        learner_judge_users(l, f, now_ms);
    }
}
