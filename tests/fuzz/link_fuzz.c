// SPDX-License-Identifier: MIT
// A Link field value of any bytes. A good link behind it is always found; every link that can be
// written reads the same; a hint made of it is in canonical form; merging twice changes nothing.
#include "hints/hint.h"
#include "hints/merge.h"
#include "hints/target.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void need(bool holds) {
    if (!holds) {
        abort();
    }
}

static struct link only(struct span value, struct arena *arena) {
    struct link_reader reader;
    struct link link, none;
    link_init(&reader, value, arena);
    need(link_next(&reader, &link) == STEP_ITEM);
    need(link_next(&reader, &none) == STEP_MORE && reader.broken == 0);
    return link;
}

static void check_round_trip(struct link link, struct arena *arena) {
    static uint8_t out[1 << 20];
    size_t written = link_format(&link, out, sizeof out);
    if (written > 0) {
        struct link again = only(span_of(out, written), arena);
        link.others = 0; // others are not written
        link.raw = again.raw;
        need(link_eq(&link, &again) && link.has == again.has && span_eq(link.target, again.target));
    }
}

static void check_hint(const struct link *link, struct arena *arena) {
    static const struct target_page page = {SPAN_INIT("https"), SPAN_INIT("site.example"),
                                            SPAN_INIT("/dir/page?x")};
    struct hint_context context = {.page = &page, .arena = arena};
    struct hint hint, again;
    static uint8_t out[1 << 16];
    if (!hint_is_usable(hint_from_link(&hint, link, &context))) {
        return;
    }
    size_t written = hint_format(&hint, out, sizeof out);
    if (written > 0) {
        struct link canonical = only(span_of(out, written), arena);
        need(canonical.others == 0 && !link_has(&canonical, LINK_NOPUSH));
        need(hint_from_link(&again, &canonical, &context) == HINT_OK);
        need(hint_is_same(&hint, &again) && hint.as == again.as);
        need(hint.rel == HINT_PRECONNECT || hint.target.p[0] == '/');
    }
}

static void check_merge(struct span value, struct arena *arena) {
    struct pair pair = {SPAN("link"), value};
    struct pairs fields = {&pair, 1, 1}, once, twice;
    if (merge_fields(&fields, NULL, arena, &once) != 0 ||
        merge_fields(&once, NULL, arena, &twice) != 0) {
        return; // out of memory
    }
    need(twice.v == once.v && twice.n == once.n);
    need(once.n == 0 || once.v[0].value.n <= 2 * value.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static const struct span good = SPAN_INIT(", </good>; rel=preload");
    struct arena arena;
    struct link_reader reader;
    struct link link = {.has = 0};
    uint8_t *value = malloc(n + good.n);
    need(value != NULL);
    if (n > 0) {
        memcpy(value, data, n);
    }
    memcpy(value + n, good.p, good.n);
    arena_init(&arena, 1 << 22);
    link_init(&reader, span_of(value, n + good.n), &arena);
    while (link_next(&reader, &link) == STEP_ITEM) {
        need(link.raw.p >= value && link.raw.p + link.raw.n <= value + n + good.n);
        check_round_trip(link, &arena);
        check_hint(&link, &arena);
    }
    need(span_eq(link.target, SPAN("/good")) && link_has_rel(&link, SPAN("preload")));
    check_merge(span_of(value, n), &arena);
    arena_fini(&arena);
    free(value);
    return 0;
}
