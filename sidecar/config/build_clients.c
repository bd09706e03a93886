// SPDX-License-Identifier: MIT
#include "config/build_clients.h"

#include "config/build_fill.h"

static void build_except(struct build *b, const struct file_section *s) {
    struct config_clients *c = &b->config->clients;
    struct span_list texts = build_list(b, s, OPTION_CLIENTS_EXCEPT);
    struct ip_net *networks = build_alloc(b, texts.n * sizeof *networks);
    for (size_t i = 0; i < texts.n; i++) {
        if (!ip_net_parse(&networks[i], texts.v[i])) {
            config_errors_put(b->errors, file_line(s, OPTION_CLIENTS_EXCEPT),
                              "except \"%.*s\" is neither an IP address nor a network such as "
                              "10.0.0.0/8 without bits behind its prefix",
                              SPAN_ARG(texts.v[i]));
        }
    }
    c->except = networks;
    c->except_n = texts.n;
}

void build_clients(struct build *b) {
    struct file_section s = file_child(&b->top, SECTION_CLIENTS, 0);
    BUILD_FILL(b, &s, config, b->config);
    build_except(b, &s);
}
