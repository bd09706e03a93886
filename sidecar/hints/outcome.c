// SPDX-License-Identifier: MIT
#include "hints/outcome.h"

#include <math.h>

// It is asked after every navigation, so that the usual 1.96 would be passed by chance soon.
#define Z 3.0

void outcome_put(struct outcome *o, double us) {
    if (o->n == OUTCOME_MEMORY) { // one average navigation makes room
        o->m2 -= o->m2 / o->n;
        o->n--;
    }
    o->n++;
    double delta = us - o->mean_us;
    o->mean_us += delta / o->n;
    o->m2 += delta * (us - o->mean_us);
}

double outcome_variance(const struct outcome *o) {
    return o->n > 1 ? o->m2 / (o->n - 1) : 0;
}

bool outcome_compare(const struct outcome *a, const struct outcome *b, struct outcome_gap *out) {
    if (a->n < OUTCOME_LEAST || b->n < OUTCOME_LEAST) {
        return false;
    }
    double error = sqrt(outcome_variance(a) / a->n + outcome_variance(b) / b->n);
    double us = a->mean_us - b->mean_us;
    *out = (struct outcome_gap){us, us - Z * error, us + Z * error};
    return true;
}

bool outcome_is_worse(const struct outcome *hinted, const struct outcome *held) {
    struct outcome_gap gap;
    return outcome_compare(hinted, held, &gap) && gap.low_us > held->mean_us / 100;
}
