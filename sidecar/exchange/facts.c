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

uint64_t facts_body_limit(const struct facts *f) {
    return f->rule != NULL && f->rule->has_body_limit ? f->rule->body_limit : f->site->body_limit;
}

int facts_change_fields(const struct facts *f, struct response *response) {
    int status = response->status;
    int err = site_answers_change(&f->site->answers, status, f->arena, &response->fields);
    if (err == 0 && f->rule != NULL) {
        err = site_answers_change(&f->rule->answers, status, f->arena, &response->fields);
    }
    return err;
}

struct span facts_error_page(const struct facts *f, int status, bool *intercepts) {
    struct span page = SPAN("");
    if (f->rule != NULL) {
        page = site_answers_page(&f->rule->answers, status);
        *intercepts = f->rule->answers.intercepts;
    }
    if (page.n == 0) {
        page = site_answers_page(&f->site->answers, status);
        *intercepts = f->site->answers.intercepts;
    }
    return page;
}
