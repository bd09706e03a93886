// SPDX-License-Identifier: MIT
#include "exchange/facts.h"

struct gate_conf facts_gate(const struct facts *f) {
    struct gate_conf gate = f->site->gate;
    if (f->rule != NULL && f->rule->has_mode) {
        gate.mode = f->rule->mode;
    }
    return gate;
}
