// SPDX-License-Identifier: MIT
#include "config/build_clients.h"

#include "config/build_answers.h"
#include "config/build_fill.h"

static void build_except(struct build *b, const struct file_section *s) {
    struct config_clients *c = &b->config->clients;
    c->except = build_networks(b, s, OPTION_CLIENTS_EXCEPT, &c->except_n);
}

void build_clients(struct build *b) {
    struct file_section s = file_child(&b->top, SECTION_CLIENTS, 0);
    BUILD_FILL(b, &s, config, b->config);
    build_except(b, &s);
}
