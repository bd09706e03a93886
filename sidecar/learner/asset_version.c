// SPDX-License-Identifier: MIT
#include "learner/asset_inside.h"

#define APART_MS ((uint64_t)24 * 3600 * 1000)
#define APART_MOST 7 // doublings and the first

static bool is_among(const struct asset_file *f, const struct asset_sight *sight) {
    for (size_t i = 0; i < sight->n; i++) {
        if (sight->files[i] == f) {
            return true;
        }
    }
    return false;
}

// Whether another version stands on the same page: then they are no versions of one file.
static bool has_sibling(const struct asset_file *f, const struct asset_sight *sight) {
    for (size_t i = 0; i < sight->n; i++) {
        if (sight->files[i] != f && sight->files[i]->stem == f->stem) {
            return true;
        }
    }
    return false;
}

// Two networks have seen an older version in use, or several of them on a page.
static bool is_apart_proven(const struct asset_sight *sight, struct asset_stem *stem) {
    bool is_proven = stem->is_doubted && stem->doubter != sight->network;
    stem->is_doubted = !is_proven;
    stem->doubter = sight->network;
    return is_proven;
}

// Names that are no versions are found side by side whenever it is tried: it is tried less often.
static void keep_apart(struct asset_stem *stem, uint64_t now_ms) {
    bool is_again = now_ms >= stem->apart_until_ms;
    stem->proofs += stem->is_name && is_again && stem->proofs < APART_MOST;
    stem->apart_until_ms = now_ms + (APART_MS << (stem->proofs > 0 ? stem->proofs - 1 : 0));
}

static bool is_newer_proven(const struct asset_sight *sight, const struct asset_file *f) {
    struct asset_stem *stem = f->stem;
    bool is_proven = stem->candidate == f && stem->network != sight->network;
    stem->candidate = is_proven ? NULL : f;
    stem->network = sight->network;
    return is_proven;
}

bool asset_retire(struct asset_table *t, const struct asset_sight *sight, struct asset_file **old) {
    uint64_t now_ms = sight->now_ms;
    for (size_t i = 0; i < sight->n; i++) {
        struct asset_file *f = sight->files[i];
        struct asset_stem *stem = f->stem;
        if (stem == NULL) {
            continue;
        }
        f->is_dated = true;
        if (has_sibling(f, sight) || (f->newer != NULL && !is_among(f->newer, sight))) {
            if (!is_apart_proven(sight, stem)) {
                continue;
            }
            keep_apart(stem, now_ms); // an old one is still in use
        }
        asset_set_newer(t, f, NULL);
        struct asset_file *newest = stem->newest;
        if (newest == NULL || now_ms < stem->apart_until_ms) {
            stem->newest = newest == NULL || newest->born < f->born ? f : newest;
            continue;
        }
        if (newest == f) {
            stem->candidate = NULL; // it is still in use
        } else if (newest->born < f->born && is_newer_proven(sight, f)) {
            stem->newest = f;
            asset_set_newer(t, newest, f);
            *old = newest;
            return true;
        }
    }
    return false;
}

// Following its newer versions comes to that file.
static bool leads_to(const struct asset_file *from, const struct asset_file *f) {
    while (from != NULL && from != f) {
        from = from->newer;
    }
    return from == f;
}

void asset_restore_version(struct asset_table *t, struct asset_file *f, uint64_t born,
                           struct span newer) {
    if (f->is_dated || f->stem == NULL || born == 0) {
        return;
    }
    f->is_dated = true;
    f->born = born;
    t->births = t->births < born && born <= t->now_ms ? born : t->births;
    struct asset_file *next = newer.n > 0 ? asset_put_file(t, f->site, newer) : NULL;
    if (next != NULL && next->stem == f->stem && !leads_to(next, f)) {
        asset_set_newer(t, f, next);
    }
    struct asset_file *newest = f->stem->newest;
    if (newest == f && f->newer != NULL) {
        f->stem->newest = f->newer;
    } else if (f->newer == NULL && (newest == NULL || newest->born < born)) {
        f->stem->newest = f;
    }
}

struct asset_file *asset_newest(struct asset_file *f) {
    for (unsigned hops = 0; f->newer != NULL && hops < 16; hops++) {
        f = f->newer;
    }
    return f;
}

struct asset *asset_newer(struct asset_table *t, struct asset *a) {
    struct asset_file *f = asset_newest(a->file);
    if (f == a->file) {
        return NULL;
    }
    // The integrity is that of the old version; the page will say the new one's.
    struct hint hint = a->hint;
    hint.target = f->url;
    hint.integrity = span_of(NULL, 0);
    for (struct asset *b = f->variants; b != NULL; b = b->next) {
        if (b->hint.rel == hint.rel && b->hint.as == hint.as &&
            b->hint.crossorigin == hint.crossorigin) {
            return b;
        }
    }
    return hint_eq(&hint, &a->hint) ? NULL : asset_put(t, a->file->site, &hint);
}
