// SPDX-License-Identifier: MIT
// The fields of an asset of any bytes, a "name: value" each line. What a client can keep it can
// keep for some time; a further field that forbids or shortens that always counts, wherever it
// stands.
#include "hints/reuse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define FIELDS_MAX 64
#define NOW 1785000000

static void need(bool holds) {
    if (!holds) {
        abort();
    }
}

static size_t read_fields(struct span lines, struct pair *v) {
    struct span line;
    size_t n = 0;
    while (n < FIELDS_MAX && span_cut(&lines, '\n', &line)) {
        size_t colon = span_index(line, ':');
        v[n++] = (struct pair){span_first(line, colon), span_trim(span_skip(line, colon + 1))};
    }
    return n;
}

static struct reuse judge(const struct pair *v, size_t n, const struct reuse_use *use) {
    struct response response = {.status = 200};
    response.fields = (struct pairs){(struct pair *)(uintptr_t)v, n, n};
    struct reuse reuse = reuse_judge(&response, use, NOW);
    need((reuse.reason == REUSE_OK) == (reuse.lifetime_s > 0));
    need(reuse.reason != REUSE_STATUS && reuse_row(reuse.reason)->label[0] != 0);
    return reuse;
}

// v[0] is free for one field more, the others are v[1, n].
static void check(struct pair *v, size_t n, const struct reuse_use *use) {
    struct reuse alone = judge(v + 1, n, use);
    for (int i = 0; i < 2; i++) { // in front, then behind
        struct pair *extra = i == 0 ? v : &v[n + 1];
        struct pair *from = i == 0 ? v : v + 1;
        *extra = (struct pair){SPAN("Cache-Control"), SPAN("No-Store")};
        need(judge(from, n + 1, use).reason == REUSE_NO_STORE);
        *extra = (struct pair){SPAN("vary"), SPAN("*")};
        need(judge(from, n + 1, use).reason != REUSE_OK);
        *extra = (struct pair){SPAN("x"), SPAN("y")};
        struct reuse same = judge(from, n + 1, use);
        need(same.reason == alone.reason && same.lifetime_s == alone.lifetime_s);
        *extra = (struct pair){SPAN("cache-control"), SPAN("max-age=5")};
        need(judge(from, n + 1, use).lifetime_s <= 5);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static const struct reuse_use uses[] = {
        {.as = HINT_AS_STYLE}, {.as = HINT_AS_FONT}, {.rel = HINT_MODULEPRELOAD}};
    struct pair v[FIELDS_MAX + 2];
    size_t fields = read_fields(span_of(data, n), v + 1);
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        check(v, fields, &uses[i]);
    }
    return 0;
}
