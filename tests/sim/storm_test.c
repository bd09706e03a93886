// SPDX-License-Identifier: MIT
// Some thousand storms of seeds; tests/fuzz/conversation_fuzz.c makes more of scripts.
#include "sim/storm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#define STORMS 4000
#define STEPS 60 // of a storm

static void check_storm(struct storm *t, unsigned seed) {
    storm_init_seed(t, seed);
    for (int i = 0; i < STEPS; i++) {
        storm_step(t);
    }
    storm_calm(t);
    const char *fault = storm_fault(t);
    if (fault != NULL) {
        struct buf text;
        buf_init(&text, 1u << 20);
        storm_write(t, &text);
        print_error("storm %u (%s): %s\n%.*s", seed, t->stage.conf.is_h2 ? "HTTP/2" : "HTTP/1.1",
                    fault, SPAN_ARG(buf_span(&text)));
        buf_fini(&text);
        fail();
    }
    storm_fini(t);
}

static unsigned first = 1, storms = STORMS;

static void no_storm_breaks_a_rule(void **state) {
    (void)state;
    struct storm *t = malloc(sizeof *t);
    assert_non_null(t);
    for (unsigned i = 0; i < storms; i++) {
        check_storm(t, first + i);
    }
    free(t);
}

// storm_test [FIRST [COUNT]]: other storms than the usual ones.
int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_storm_breaks_a_rule)};
    first = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : first;
    storms = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : storms;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
