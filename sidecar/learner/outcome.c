// SPDX-License-Identifier: MIT
#include "learner/outcome.h"

#include <math.h>
#include <string.h>

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

void outcome_crowd_put(struct outcome_crowd *c, uint16_t network, double us) {
    unsigned at = 0;
    while (at < c->n && c->network[at] != network) {
        at++;
    }
    if (at < c->n) {
        c->us[at] += ((float)us - c->us[at]) / 4;
        return;
    }
    if (c->n == OUTCOME_CROWD) {
        c->n--;
        memmove(c->network, c->network + 1, c->n * sizeof *c->network);
        memmove(c->us, c->us + 1, c->n * sizeof *c->us);
    }
    c->network[c->n] = network;
    c->us[c->n++] = (float)us;
}

// The mean without the one that is farthest to that side.
static float mean_without(const struct outcome_crowd *c, bool slowest) {
    float sum = c->us[0], extreme = c->us[0];
    for (unsigned i = 1; i < c->n; i++) {
        sum += c->us[i];
        extreme = slowest == (c->us[i] > extreme) ? c->us[i] : extreme;
    }
    return (sum - extreme) / (float)(c->n - 1);
}

bool outcome_crowd_is_worse(const struct outcome_crowd *hinted, const struct outcome_crowd *held) {
    return hinted->n >= OUTCOME_NETWORKS && held->n >= OUTCOME_NETWORKS &&
           mean_without(hinted, true) > mean_without(held, false);
}
