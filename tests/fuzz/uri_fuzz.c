// SPDX-License-Identifier: MIT
// Paths, hosts and references. Oracles: a clean path stays inside the root, holds no NUL, and is
// itself again after encoding and normalising; a host is itself again; a resolved URL has a clean
// absolute path and resolves to itself.
#include "http/uri.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds, const char *what, struct span input) {
    if (!holds) {
        fprintf(stderr, "%s: %.*s\n", what, SPAN_ARG(input));
        abort();
    }
}

static void check_clean(struct span path) {
    struct span rest = path, segment;
    must(path.n > 0 && path.p[0] == '/', "not absolute", path);
    must(span_find(path, SPAN("//")) == path.n, "a double slash", path);
    while (span_cut(&rest, '/', &segment)) {
        must(!span_eq(segment, SPAN(".")) && !span_eq(segment, SPAN("..")), "a dot segment", path);
    }
    must(span_index(path, 0) == path.n, "a NUL", path);
}

static void try_path(struct arena *a, struct span target) {
    struct span path, query, again, none;
    const char *why;
    if (uri_path_normalise(a, target, &path, &query, &why) != 0) {
        return;
    }
    check_clean(path);
    must(path.n <= target.n, "longer than the target", target);
    struct span encoded = uri_path_encode(a, path);
    must(encoded.p != NULL, "not encoded", path);
    must(uri_path_normalise(a, encoded, &again, &none, &why) == 0, "refused again", path);
    must(span_eq(path, again) && none.p == NULL, "not idempotent", path);
}

static void try_authority(struct arena *a, struct span text) {
    struct uri_authority once, twice;
    const char *why;
    if (uri_authority_parse(a, text, &once, &why) != 0) {
        return;
    }
    must(uri_authority_parse(a, once.text, &twice, &why) == 0, "host refused again", text);
    must(span_eq(once.text, twice.text) && once.port == twice.port, "another host", text);
    must(span_index(once.text, '@') == once.text.n && span_index(once.text, ',') == once.text.n,
         "a host with user or list", text);
}

static void try_reference(struct arena *a, struct span reference) {
    const struct uri base = {SPAN("https"), SPAN("a.example"), SPAN("/b/c/d;p?q")};
    struct uri once, twice;
    if (uri_resolve(a, &base, reference, &once) != 0) {
        return;
    }
    must(once.path.n > 0 && once.path.p[0] == '/' && !span_has_prefix(once.path, SPAN("//")),
         "a bad path", once.path);
    struct span path = span_first(once.path, span_index(once.path, '?'));
    must(span_find(path, SPAN("/../")) == path.n && !span_has_suffix(path, SPAN("/..")),
         "dots left", once.path);
    for (size_t i = 0; i < once.path.n; i++) {
        uint8_t c = once.path.p[i];
        must(c > ' ' && c < 0x7f && c != '#' && c != '"' && c != '<' && c != '>', "a bad byte",
             once.path);
    }
    must(uri_resolve(a, &base, once.path, &twice) == 0, "refused again", once.path);
    must(span_eq(once.path, twice.path), "not idempotent", once.path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena a;
    struct span input = span_of(data, n < 4096 ? n : 4096);
    arena_init(&a, 1u << 20);
    try_path(&a, input);
    try_authority(&a, input);
    try_reference(&a, input);
    arena_fini(&a);
    return 0;
}
