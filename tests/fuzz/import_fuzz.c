// SPDX-License-Identifier: MIT
// Imports of any bytes. Oracle: what was taken is exported, imported elsewhere, and exported again:
// nothing is refused then, and no route is lost.
#include "admin/export_json.h"
#include "admin/transfer.h"

#include <stdlib.h>

#define NOW UINT64_C(1700000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so) {
    if (!is_so) {
        abort();
    }
}

static struct learner *take(struct span json, struct import *import) {
    struct learner_conf conf = {0};
    const char *why;
    *import = (struct import){.learner = learner_new(&conf), .now_ms = NOW};
    int err = export_json_read(import, json, &why);
    require((err != 0) == (why != NULL));
    require(err == 0 || import->taken + import->refused == 0);
    return import->learner;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct import first, second;
    struct buf json;
    struct transfer t;
    struct span route;
    buf_init(&json, 16 << 20);
    struct learner *a = take(span_of(data, size), &first);
    require(export_json_write(a, SPAN("/export?limit=10000"), &json) == 0);
    struct learner *b = take(buf_span(&json), &second);
    require(second.refused == 0 && second.taken <= first.taken);
    require(learner_stats(a)->routes == learner_stats(b)->routes);
    require(learner_stats(a)->patterns == learner_stats(b)->patterns);
    uint64_t n = 0;
    require(transfer_init(&t, buf_span(&json)));
    while (transfer_next(&t, &route) == STEP_ITEM) {
        n++;
    }
    require(n == second.taken);
    if (transfer_init(&t, span_of(data, size))) {
        while (transfer_next(&t, &route) == STEP_ITEM) {
            require(route.n >= 2 && route.p[0] == '{' && route.p[route.n - 1] == '}');
        }
    }
    buf_fini(&json);
    learner_free(a);
    learner_free(b);
    return 0;
}
