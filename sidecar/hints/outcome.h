// SPDX-License-Identifier: MIT
// How long navigations take in one population, and whether one population is slower than another
// beyond what chance explains. Mean and variance after Welford (1962), with forgetting: what is
// older than some hundred navigations fades out.
#ifndef HINTS_OUTCOME_H
#define HINTS_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#define OUTCOME_LEAST 30   // navigations of each before they are compared
#define OUTCOME_MEMORY 500 // navigations that count

struct outcome {
    uint32_t n; // at most OUTCOME_MEMORY
    double mean_us;
    double m2; // n times the variance
};

// The difference of the means with its confidence interval.
struct outcome_gap {
    double us, low_us, high_us; // first minus second
};

void outcome_put(struct outcome *o, double us);
double outcome_variance(const struct outcome *o);
// False when one of them has too few.
bool outcome_compare(const struct outcome *a, const struct outcome *b, struct outcome_gap *out);
// `hinted` is slower than `held` beyond noise, and by more than a hundredth.
bool outcome_is_worse(const struct outcome *hinted, const struct outcome *held);

#endif
