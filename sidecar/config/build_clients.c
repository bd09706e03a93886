// SPDX-License-Identifier: MIT
#include "config/build_clients.h"

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
    b->config->clients = (struct config_clients){
        .ipv4_prefix = (unsigned)build_number(b, &s, OPTION_CLIENTS_IPV4_PREFIX),
        .ipv6_prefix = (unsigned)build_number(b, &s, OPTION_CLIENTS_IPV6_PREFIX),
        .connections = build_number(b, &s, OPTION_CLIENTS_CONNECTIONS),
        .handshakes = build_number(b, &s, OPTION_CLIENTS_HANDSHAKES),
        .requests = build_number(b, &s, OPTION_CLIENTS_REQUESTS),
        .queue = build_number(b, &s, OPTION_CLIENTS_QUEUE),
        .orphans = build_number(b, &s, OPTION_CLIENTS_ORPHANS),
        .memory = build_number(b, &s, OPTION_CLIENTS_MEMORY),
        .disk = build_number(b, &s, OPTION_CLIENTS_DISK),
        .all_memory = build_number(b, &s, OPTION_CLIENTS_ALL_MEMORY),
        .all_disk = build_number(b, &s, OPTION_CLIENTS_ALL_DISK),
    };
    build_except(b, &s);
}
