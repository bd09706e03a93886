// SPDX-License-Identifier: MIT
#include "exchange/facts.h"

enum hint_mode facts_mode(const struct facts *f) {
    return f->rule != NULL && f->rule->has_mode ? f->rule->mode : f->site->gate.mode;
}

struct gate_conf facts_gate(const struct facts *f) {
    struct gate_conf gate = f->site->gate;
    gate.is_front = f->is_front;
    gate.mode = facts_mode(f);
    return gate;
}

bool facts_buffers_request(const struct facts *f) {
    bool is_own = f->rule != NULL && f->rule->has_buffer_request;
    return is_own ? f->rule->buffer_request : f->site->buffer.request;
}

bool facts_buffers_response(const struct facts *f) {
    bool is_own = f->rule != NULL && f->rule->has_buffer_response;
    return is_own ? f->rule->buffer_response : f->site->buffer.response;
}
