// SPDX-License-Identifier: MIT
#include "config/build.h"

#include "config/build_clients.h"
#include "config/build_fill.h"
#include "config/build_listen.h"
#include "config/build_site.h"
#include "config/build_spawn.h"
#include "config/fpm_pool.h"

#define CONNECTIONS_AUTO 32 // where nothing says how many processes a server has

static void build_top(struct build *b) {
    struct config *c = b->config;
    static const enum section parts[] = {SECTION_REQUESTS, SECTION_RESPONSES, SECTION_TIMEOUTS};
    deadline_limits_init(&c->timeouts);
    BUILD_FILL(b, &b->top, config, c);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct file_section part = file_child(&b->top, parts[i], 0);
        BUILD_FILL(b, &part, config, c);
    }
}

static void build_servers(struct build *b, const struct file_section *s, struct pool_conf *pool) {
    struct span_list texts = build_list(b, s, OPTION_POOL_SERVERS);
    struct pool_server_conf *servers = build_alloc(b, texts.n * sizeof *servers);
    for (size_t i = 0; i < texts.n; i++) {
        const char *why;
        if (pool_address_parse(texts.v[i], &servers[i], &why) != 0) {
            config_errors_put(b->errors, file_line(s, OPTION_POOL_SERVERS), "server \"%.*s\": %s",
                              SPAN_ARG(texts.v[i]), why);
        }
    }
    struct file_section spawn = file_child(s, SECTION_SPAWN, 0);
    if (texts.n > POOL_SERVERS_MAX) {
        config_errors_put(b->errors, file_line(s, OPTION_POOL_SERVERS),
                          "pool \"%.*s\" has more than %d servers", SPAN_ARG(pool->name),
                          POOL_SERVERS_MAX);
    }
    if (texts.n == 0 && file_section_line(&spawn) == 0) {
        config_errors_put(b->errors, file_section_line(s), "pool \"%.*s\" has no servers",
                          SPAN_ARG(pool->name));
    }
    pool->servers = servers;
    pool->server_count = texts.n;
}

// More than its processes can not execute.
static void build_connections(struct build *b, const struct file_section *s,
                              struct pool_conf *pool) {
    uint64_t connections = build_number(b, s, OPTION_POOL_CONNECTIONS);
    pool->children = fpm_pool_least(pool->servers, pool->server_count);
    pool->is_auto = connections == OPTION_AUTO;
    if (pool->is_auto) {
        connections = pool->children > 0 ? pool->children : CONNECTIONS_AUTO;
    }
    pool->connections = (unsigned)connections;
}

static void build_pool(struct build *b, const struct file_section *s, struct pool_conf *pool) {
    *pool = (struct pool_conf){.name = build_keep(b, file_title(s))};
    BUILD_FILL(b, s, pool_conf, pool);
    build_servers(b, s, pool);
    build_connections(b, s, pool);
    if (pool->root.n > 0 && (pool->root.p[0] != '/' || pool->root.p[pool->root.n - 1] == '/')) {
        config_errors_put(b->errors, file_line(s, OPTION_POOL_ROOT),
                          "root \"%.*s\" must be an absolute path without a slash at its end",
                          SPAN_ARG(pool->root));
    }
}

static void build_pools(struct build *b) {
    size_t n = file_count(&b->top, SECTION_POOL);
    struct pool_conf *pools = build_alloc(b, n * sizeof *pools);
    for (size_t i = 0; i < n; i++) {
        struct file_section s = file_child(&b->top, SECTION_POOL, i);
        build_pool(b, &s, &pools[i]);
    }
    b->config->pools = pools;
    b->config->pools_n = n;
}

static void build_admin(struct build *b) {
    struct file_section s = file_child(&b->top, SECTION_ADMIN, 0);
    unsigned line = file_line(&s, OPTION_ADMIN_LISTEN);
    struct config *c = b->config;
    struct address address;
    BUILD_FILL(b, &s, config, c);
    if (file_section_line(&s) == 0) {
        return;
    }
    if (!build_address(b, c->admin.text, line, &address)) {
        return;
    }
    if (!address.is_loopback || address.is_https) {
        config_errors_put(b->errors, line,
                          "the admin endpoint listens without tls, on a unix socket or a loopback "
                          "address only");
        return;
    }
    c->has_admin = true;
    c->admin.host = address.host;
    c->admin.path = address.path;
    c->admin.port = address.port;
    c->admin.is_loopback = true;
}

static void build_learner(struct build *b) {
    struct file_section learner = file_child(&b->top, SECTION_LEARNER, 0);
    struct file_section store = file_child(&b->top, SECTION_STORE, 0);
    struct config *c = b->config;
    BUILD_FILL(b, &learner, config, c);
    BUILD_FILL(b, &store, config, c);
    if (file_section_line(&store) != 0 && c->store_path.n == 0) {
        config_errors_put(b->errors, file_section_line(&store), "store has no path");
    }
}

void build_config(struct build *b) {
    build_top(b);
    build_clients(b);
    build_learner(b);
    build_pools(b);
    build_spawns(b);
    build_sites(b);
    build_listens(b);
    build_admin(b);
    if (b->config->listens_n == 0) {
        config_errors_put(
            b->errors, 0,
            "nothing says where to listen: listen \"https://localhost:8443\" {}, or as "
            "argument --listen https://localhost:8443");
    }
    if (b->config->sites_n == 0) {
        config_errors_put(b->errors, 0, "there is no site section: nothing could be answered");
    }
}
