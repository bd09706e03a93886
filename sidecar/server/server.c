// SPDX-License-Identifier: MIT
#include "server/server.h"

#include "base/error.h"
#include "http/tls_self_signed.h"
#include "server/admin_port.h"
#include "server/keeping.h"
#include "server/listener.h"
#include "server/log.h"
#include "server/privileges.h"
#include "server/probe.h"
#include "server/spawn.h"
#include "server/tickets.h"
#include "server/worker.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define WORKERS_MOST 256
#define LOOK_MS 1000     // how often it is looked at how much memory clients hold
#define TRIM_MS 3000     // and when some has just been given back
#define FALL (16u << 20) // bytes of it that are worth that

struct server {
    const struct config *config;
    struct loop loop;
    struct learning learning;
    struct probe probe;
    struct keeping keeping;
    struct metrics metrics;
    struct networks networks;
    struct loop_watch memory;  // gives back what was freed
    uint64_t most_connections; // since it did
    struct router router;
    struct arena arena;
    struct tls_context tls;
    struct tickets tickets;
    struct siphash_key secret;
    struct worker_conf worker_conf;
    struct upstream_shared *upstreams; // as in config->pools
    struct worker *workers;
    unsigned workers_n;
    int *fds; // of worker w and listener l: [w * listens_n + l]
    int admin_fd;
    struct admin_port admin;
    struct api api;
    uv_signal_t terminate, interrupt;
    uv_async_t ended; // a worker's thread is about to end
    struct spawn spawn;
    int status; // that the process ends with
};

// ---- before the start ---------------------------------------------------------------------------

static unsigned worker_count(const struct config *config) {
    long n = config->workers > 0 ? (long)config->workers : sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > WORKERS_MOST ? WORKERS_MOST : (unsigned)n;
}

static int bind_all(struct server *s) {
    const struct config *config = s->config;
    size_t n = config->listens_n;
    int column[WORKERS_MOST];
    char url[256];
    uint16_t port;
    for (size_t i = 0; i < n; i++) {
        int err = listener_bind(&config->listens[i], column, s->workers_n, &port);
        if (err != 0) {
            return err;
        }
        for (unsigned w = 0; w < s->workers_n; w++) {
            s->fds[w * n + i] = column[w];
        }
        listener_url(&config->listens[i], port, url, sizeof url);
        log_line(LOG_INFO, "listening on %s", url);
    }
    if (!config->has_admin) {
        return 0;
    }
    int err = listener_bind(&config->admin, &s->admin_fd, 1, &port);
    if (err == 0) {
        log_line(LOG_INFO, "admin endpoint on %s",
                 listener_url(&config->admin, port, url, sizeof url));
    }
    return err;
}

static int self_sign(struct server *s) {
    static const struct span local[] = {SPAN_INIT("localhost"), SPAN_INIT("127.0.0.1"),
                                        SPAN_INIT("::1")};
    struct tls_self_signed made;
    int err = tls_self_signed_init(&made, local, sizeof local / sizeof local[0], time(NULL));
    if (err == 0) {
        err = tls_context_add(&s->tls, made.certificate, made.key, NULL, 0);
        log_line(LOG_INFO, "certificate for localhost made in memory, SPKI sha256/%s", made.pin);
    }
    tls_self_signed_fini(&made);
    return err;
}

static int open_tls(struct server *s) {
    const struct config *config = s->config;
    bool has_tls = false, must_sign = false;
    for (size_t i = 0; i < config->listens_n; i++) {
        has_tls = has_tls || config->listens[i].tls;
        must_sign = must_sign || config->listens[i].must_self_sign;
    }
    tls_context_init(&s->tls, true);
    if (!has_tls) {
        return 0;
    }
    int err = must_sign ? self_sign(s) : 0;
    for (size_t i = 0; err == 0 && i < config->sites_n; i++) {
        const struct site *site = &config->sites[i];
        if (site->certificate.n > 0) {
            err = tls_context_add_files(&s->tls, (const char *)site->certificate.p,
                                        (const char *)site->key.p, &site->name, 1);
        }
    }
    if (err == 0) {
        err = tls_context_seal(&s->tls);
    }
    if (err != 0) {
        log_line(LOG_ERROR, "%s", tls_context_why(&s->tls));
        return err;
    }
    s->worker_conf.tls = &s->tls;
    return tickets_open(&s->tickets, &s->loop, &s->tls.tickets,
                        (const char *)config->ticket_keys.p);
}

static const struct hint_policy *find_policy(void *self, struct span site) {
    const struct server *s = self;
    bool is_named;
    const struct site *found = router_site(&s->router, site, &is_named);
    return is_named ? &found->policy : NULL;
}

// The operator has changed what is known: the workers are to see it.
static void on_change(void *self) {
    struct server *s = self;
    learning_wants_drain(&s->learning);
}

static void open_learning(struct server *s) {
    static const char *gates[GATE_REASONS];
    for (int i = 0; i < GATE_REASONS; i++) {
        gates[i] = gate_reason_row((enum gate_reason)i)->label;
    }
    struct learner_conf conf = {.max_routes = s->config->learner_routes,
                                .max_bytes = s->config->learner_memory,
                                .ttl_ms = s->config->learner_ttl_ms,
                                .secret = s->secret,
                                .find_policy = find_policy,
                                .policy_self = s};
    keeping_open(&s->keeping, s->config, &conf);
    s->secret = conf.secret;
    learning_init(&s->learning, &s->loop, &conf);
    probe_init(&s->probe, &s->learning, &s->router);
    metrics_init(&s->metrics, gates, GATE_REASONS);
    s->api = (struct api){.metrics = &s->metrics,
                          .learner = s->learning.model,
                          .find_policy = find_policy,
                          .policy_self = s,
                          .on_change = on_change,
                          .change_self = s};
    keeping_start(&s->keeping, &s->loop, s->learning.model);
    learning_drain_all(&s->learning); // what was kept is hinted from the first request on
}

// ---- running ------------------------------------------------------------------------------------

static void stop(struct server *s) {
    s->api.is_draining = true;
    for (unsigned i = 0; i < s->workers_n; i++) {
        worker_stop(&s->workers[i]);
    }
}

static void on_signal(uv_signal_t *handle, int number) {
    struct server *s = handle->data;
    if (!s->api.is_draining) {
        log_line(LOG_INFO, "stopping on signal %d", number);
        stop(s);
    }
}

// Nobody has the right to start the programs any more: whoever started us may start us again.
static void on_spawn_gone(void *self) {
    struct server *s = self;
    s->status = 1;
    if (!s->api.is_draining) {
        stop(s);
    }
}

static void on_ended(uv_async_t *ended) {
    struct server *s = ended->data;
    // Several may have been told as one: ask each worker.
    for (unsigned i = 0; i < s->workers_n; i++) {
        if (!atomic_load(&s->workers[i].has_ended)) {
            return;
        }
    }
    for (unsigned i = 0; i < s->workers_n; i++) {
        worker_fini(&s->workers[i]);
    }
    learning_drain_all(&s->learning);
    keeping_close(&s->keeping);
    learning_close(&s->learning);
    admin_port_close(&s->admin);
    tickets_close(&s->tickets);
    spawn_unwatch(&s->spawn);
    uv_close((uv_handle_t *)&s->terminate, NULL);
    uv_close((uv_handle_t *)&s->interrupt, NULL);
    uv_close((uv_handle_t *)&s->ended, NULL);
}

static void open_upstreams(struct server *s) {
    s->upstreams = calloc(s->config->pools_n + 1, sizeof *s->upstreams);
    if (s->upstreams == NULL) {
        abort();
    }
    for (size_t i = 0; i < s->config->pools_n; i++) {
        upstream_shared_init(&s->upstreams[i], &s->config->pools[i], s->workers_n);
    }
    s->worker_conf.upstreams = s->upstreams;
}

static int open_workers(struct server *s) {
    s->workers = calloc(s->workers_n, sizeof *s->workers);
    if (s->workers == NULL) {
        abort();
    }
    for (unsigned i = 0; i < s->workers_n; i++) {
        int err =
            worker_init(&s->workers[i], &s->worker_conf, i, s->fds + i * s->config->listens_n);
        if (err != 0) {
            return err;
        }
        s->workers[i].ended = &s->ended;
    }
    return 0;
}

static void open_signals(struct server *s) {
    uv_async_init(&s->loop.uv, &s->ended, on_ended);
    uv_signal_init(&s->loop.uv, &s->terminate);
    uv_signal_init(&s->loop.uv, &s->interrupt);
    s->ended.data = s->terminate.data = s->interrupt.data = s;
    uv_signal_start(&s->terminate, on_signal, SIGTERM);
    uv_signal_start(&s->interrupt, on_signal, SIGINT);
}

static void look_at_capacity(const struct pool_conf *pool) {
    if (pool->children > 0 && (pool->connections == 0 || pool->connections > pool->children)) {
        log_line(LOG_WARN,
                 "pool \"%.*s\": connections = %u is above pm.max_children = %u of its PHP-FPM",
                 SPAN_ARG(pool->name), pool->connections, pool->children);
    }
}

// A backend that cannot be reached is told at once, not with the first visitor; it may come later.
static void look_at_pools(const struct config *config) {
    for (size_t i = 0; i < config->pools_n; i++) {
        const struct pool_conf *pool = &config->pools[i];
        look_at_capacity(pool);
        for (size_t k = 0; k < pool->server_count; k++) {
            const struct pool_server_conf *server = &pool->servers[k];
            char path[POOL_PATH_MAX + 1];
            snprintf(path, sizeof path, "%.*s", SPAN_ARG(server->path));
            if (server->is_unix && access(path, W_OK) != 0) {
                log_line(LOG_WARN, "pool \"%.*s\": %.*s: %s; its pages fail until that is mended",
                         SPAN_ARG(pool->name), SPAN_ARG(server->address), strerror(errno));
            }
        }
    }
}

// Many connections have been closed since there were most.
static bool connections_fell(struct server *s) {
    uint64_t now = metrics_read(&s->metrics, METRIC_CONNECTIONS_OPEN, 0);
    bool has_fewer = s->most_connections > now + FALL / CONN_MEMORY;
    s->most_connections = has_fewer || now > s->most_connections ? now : s->most_connections;
    return has_fewer;
}

// What clients held in small pieces and the program has freed the allocator keeps, for ever.
static void on_memory(struct loop_watch *watch, uint64_t now_ms) {
    struct server *s = LIST_ITEM(watch, struct server, memory);
    bool has_fewer = connections_fell(s);
    bool has_fallen = budget_fell(&s->networks.budget, FALL) || has_fewer;
    if (has_fallen) {
        malloc_trim(0);
    }
    loop_watch(&s->loop, watch, now_ms + (has_fallen ? TRIM_MS : LOOK_MS));
}

static void open_networks(struct server *s) {
    networks_init(&s->networks, &s->config->clients, &s->secret);
    loop_watch_init(&s->memory, on_memory);
    loop_watch(&s->loop, &s->memory, loop_now_ms(&s->loop) + LOOK_MS);
}

static int open_all(struct server *s) {
    int err = bind_all(s);
    if (err == 0) {
        err = open_tls(s);
    }
    if (err == 0) {
        err = privileges_drop(s->config->user);
    }
    if (err == 0) {
        look_at_pools(s->config);
        open_learning(s);
        open_networks(s);
        open_signals(s);
        open_upstreams(s);
        err = open_workers(s);
    }
    if (err == 0 && s->config->has_admin) {
        err = admin_port_open(&s->admin, &s->loop, &s->config->admin, s->admin_fd, &s->api);
    }
    return err;
}

static void init(struct server *s, const struct config *config) {
    s->config = config;
    s->workers_n = worker_count(config);
    arena_init(&s->arena, SIZE_MAX / 2);
    s->fds = calloc(s->workers_n * config->listens_n, sizeof *s->fds);
    if (s->fds == NULL || loop_init(&s->loop) != 0 ||
        getrandom(&s->secret, sizeof s->secret, 0) != (ssize_t)sizeof s->secret ||
        router_init(&s->router, &s->arena, config->sites, config->sites_n) != 0) {
        abort();
    }
    s->worker_conf = (struct worker_conf){.config = config,
                                          .router = &s->router,
                                          .learning = &s->learning,
                                          .metrics = &s->metrics,
                                          .networks = &s->networks,
                                          .secret = &s->secret};
}

static void fini(struct server *s) {
    loop_fini(&s->loop);
    probe_fini(&s->probe);
    learning_fini(&s->learning);
    metrics_fini(&s->metrics);
    networks_fini(&s->networks);
    tls_context_fini(&s->tls);
    arena_fini(&s->arena);
    for (size_t i = 0; i < s->config->pools_n; i++) {
        upstream_shared_fini(&s->upstreams[i]);
    }
    free(s->upstreams);
    free(s->workers);
    free(s->fds);
}

static int run(struct server *s, const struct config *config) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); // a file that may not grow is an error of that file
    log_init((enum log_level)config->log);
    // Before threads, handles and the loss of rights; and the programs keep the limits we were
    // given.
    if (spawn_open(&s->spawn, config) != 0) {
        return 1;
    }
    log_start(); // what the programs write has its own way
    privileges_files();
    init(s, &s->spawn.config);
    if (open_all(s) != 0) {
        spawn_close(&s->spawn);
        return 1; // the process ends; there is nothing to be undone that the kernel does not undo
    }
    spawn_watch(&s->spawn, &s->loop, on_spawn_gone, s);
    spawn_start(&s->spawn);
    for (unsigned i = 0; i < s->workers_n; i++) {
        if (worker_start(&s->workers[i]) != 0) {
            log_line(LOG_ERROR, "cannot start a thread");
            spawn_close(&s->spawn);
            return 1;
        }
    }
    log_line(LOG_INFO, "ready, %u workers", s->workers_n);
    loop_run(&s->loop);
    fini(s);
    spawn_close(&s->spawn); // only now: what was under way needed the programs
    log_line(LOG_INFO, "stopped");
    return s->status;
}

int server_run(const struct config *config) {
    static struct server server; // one a process: its address is in handles and threads
    int status = run(&server, config);
    log_stop();
    return status;
}
