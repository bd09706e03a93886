// SPDX-License-Identifier: MIT
#include "gateway/files_age.h"

#include "http/mime.h"
#include "learner/version.h"

#include <inttypes.h>
#include <stdio.h>

#define HASH_LEAST 8   // characters
#define NAME_MOST 1024 // bytes of a file's name

static bool has_version_key(struct span query) {
    struct span pair;
    while (span_cut(&query, '&', &pair)) {
        size_t equals = span_index(pair, '=');
        if (equals + 1 < pair.n &&
            version_is_pair(span_first(pair, equals), span_skip(pair, equals + 1))) {
            return true;
        }
    }
    return false;
}

// What stands in the name where its stem has the version is a hash; numbers with dots are not
// enough, since nobody promises that "report-2024.05.pdf" never changes.
static bool has_hash(struct span name) {
    uint8_t stem[NAME_MOST];
    size_t n = version_stem(name, stem, sizeof stem);
    size_t at = span_index(span_of(stem, n), 0x01), len = 0;
    while (n > 0 && at + len < name.n && memchr(".-_", name.p[at + len], 3) == NULL) {
        len++;
    }
    return len >= HASH_LEAST;
}

bool files_age_is_versioned(struct span path, struct span query) {
    struct span name = path, part;
    while (span_cut(&path, '/', &part)) {
        name = part;
    }
    return has_version_key(query) || has_hash(name);
}

struct span files_age_of(const struct site *site, struct span path, struct span query,
                         struct arena *arena) {
    char text[40];
    if (!site->asset_immutable && site->asset_max_age_s == 0) {
        return span_of(NULL, 0); // nothing is said of any
    }
    struct span type = mime_essence(mime_type(path));
    if (span_eq(type, SPAN("text/html")) || span_eq(type, SPAN("application/xhtml+xml"))) {
        return span_of(NULL, 0);
    }
    if (site->asset_immutable && files_age_is_versioned(path, query)) {
        return SPAN("public, max-age=31536000, immutable");
    }
    if (site->asset_max_age_s == 0) {
        return span_of(NULL, 0);
    }
    int n =
        snprintf(text, sizeof text, "public, max-age=%" PRIu64, (uint64_t)site->asset_max_age_s);
    return arena_copy(arena, span_of(text, (size_t)n));
}

int files_age_put(struct file_response *r, const struct site *site, const struct request *request,
                  struct span path, struct arena *arena) {
    struct span age = files_age_of(site, path, request->query, arena);
    return age.n > 0 ? pairs_put(&r->head.fields, arena, SPAN("cache-control"), age) : 0;
}
