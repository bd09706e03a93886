// SPDX-License-Identifier: MIT
#include "config/build_compress.h"

#include "config/build_fill.h"

static bool has(const struct site_compression *c, enum coding_kind kind) {
    for (size_t i = 0; i < c->codings_n; i++) {
        if (c->codings[i] == kind) {
            return true;
        }
    }
    return false;
}

static void build_codings(struct build *b, const struct file_section *s,
                          struct site_compression *c) {
    // In the order of the words.
    static const enum coding_kind kinds[SITE_CODINGS] = {CODING_GZIP, CODING_BROTLI, CODING_ZSTD};
    struct span_list words = build_list(b, s, OPTION_COMPRESS_CODINGS);
    for (size_t i = 0; i < words.n; i++) {
        char why[OPTION_WHY_LEN];
        uint64_t word;
        if (option_parse(OPTION_COMPRESS_CODINGS, words.v[i], &word, why) != 0) {
            config_errors_put(b->errors, file_line(s, OPTION_COMPRESS_CODINGS), "%s", why);
        } else if (!has(c, kinds[word])) {
            c->codings[c->codings_n++] = kinds[word];
        }
    }
}

void build_compress(struct build *b, const struct file_section *site_section, struct site *site) {
    struct file_section s = file_child(site_section, SECTION_COMPRESS, 0);
    BUILD_FILL(b, &s, site, site);
    build_codings(b, &s, &site->compress);
}
