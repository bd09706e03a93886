// SPDX-License-Identifier: MIT
// How long navigations take in one population, and whether one population is slower than another
// beyond what chance explains. Mean and variance after Welford (1962), with forgetting: what is
// older than some hundred navigations fades out.
#ifndef LEARNER_OUTCOME_H
#define LEARNER_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#define OUTCOME_LEAST 30   // navigations of each before they are compared
#define OUTCOME_MEMORY 500 // navigations that count
#define OUTCOME_CROWD 16   // networks that count
#define OUTCOME_NETWORKS 3 // of each population before they are compared

struct outcome {
    uint32_t n; // at most OUTCOME_MEMORY
    double mean_us;
    double m2; // n times the variance
};

// The difference of the means with its confidence interval.
struct outcome_gap {
    double us, low_us, high_us; // first minus second
};

// How long each of the networks of a population took lately, the one heard first at the front.
// A network that asks often counts once, like every other.
struct outcome_crowd {
    uint16_t network[OUTCOME_CROWD]; // short hashes
    float us[OUTCOME_CROWD];
    uint8_t n;
};

void outcome_put(struct outcome *o, double us);
void outcome_crowd_put(struct outcome_crowd *c, uint16_t network, double us);
double outcome_variance(const struct outcome *o);
// False when one of them has too few.
bool outcome_compare(const struct outcome *a, const struct outcome *b, struct outcome_gap *out);
// `hinted` is slower than `held` beyond noise, and by more than a hundredth.
bool outcome_is_worse(const struct outcome *hinted, const struct outcome *held);
// The networks say so, too: even without the slowest of the hinted and the fastest of the held. So
// none of them can bring it about alone.
bool outcome_crowd_is_worse(const struct outcome_crowd *hinted, const struct outcome_crowd *held);

#endif
