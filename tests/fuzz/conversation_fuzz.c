// SPDX-License-Identifier: MIT
// Whole conversations on the real relay: the input is the script of a storm (sim/storm.h), in which
// a client, applications and the clock take turns. Oracles: those of all storms; and behind a
// client that falls silent every request ends by its deadlines, and all that was lent comes back.
#include "sim/storm.h"

#include <stdio.h>
#include <stdlib.h>

#define STEPS 60 // a longer script says little that a shorter one does not

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static struct storm storm;
    struct storm *t = &storm;
    if (n == 0) {
        return 0;
    }
    bool is_silent = data[0] & 1;
    storm_init_script(t, span_of(data + 1, n - 1));
    for (int i = 0; i < STEPS && t->script.n > 0; i++) {
        storm_step(t);
    }
    if (is_silent) {
        storm_silence(t);
    } else {
        storm_calm(t);
    }
    const char *fault = storm_fault(t);
    storm_fini(t);
    if (fault != NULL || t->stage.fault != NULL) {
        fprintf(stderr, "%s\n", fault != NULL ? fault : t->stage.fault);
        abort();
    }
    return 0;
}
