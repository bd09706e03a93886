// SPDX-License-Identifier: MIT
// The encoders of one worker: so many at once, and some that wait for their next body, since making
// one costs as much as packing a small page.
#ifndef GATEWAY_ENCODERS_H
#define GATEWAY_ENCODERS_H

#include "http/encoder.h"

#define ENCODERS_IDLE 8

struct encoders {
    struct encoder *idle[ENCODERS_IDLE];
    unsigned idle_n, given, most; // in use, and at most
};

void encoders_init(struct encoders *es, unsigned most);
// Frees those that wait; all others have been given back.
void encoders_fini(struct encoders *es);
// NULL when as many are in use as may be, or without memory.
struct encoder *encoders_take(struct encoders *es, enum coding_kind kind, int level);
// Takes one back, whatever it was doing.
void encoders_give_back(struct encoders *es, struct encoder *e);

#endif
