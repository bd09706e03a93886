// SPDX-License-Identifier: MIT
#include "server/generation.h"

#include "base/error.h"
#include "config/certificates.h"
#include "http/tls_self_signed.h"
#include "server/access_output.h"
#include "server/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void *must(void *p) {
    if (p == NULL) {
        abort();
    }
    return p;
}

// ---- certificates -------------------------------------------------------------------------------

// One for the life of the process: who has come to trust it finds it after a reload, too.
static int self_sign(struct tls_context *tls) {
    static const struct span local[] = {SPAN_INIT("localhost"), SPAN_INIT("127.0.0.1"),
                                        SPAN_INIT("::1")};
    static struct tls_self_signed made;
    if (made.certificate == NULL) {
        int err = tls_self_signed_init(&made, local, sizeof local / sizeof local[0], time(NULL));
        if (err != 0) {
            return err;
        }
        log_line(LOG_INFO, "certificate for localhost made in memory, SPKI sha256/%s", made.pin);
    }
    return tls_context_add(tls, made.certificate, made.key, NULL, 0);
}

static size_t count_files(const struct config *config) {
    size_t n = 0;
    for (size_t i = 0; i < config->sites_n; i++) {
        struct span path;
        for (size_t k = 0; certificates_file(&config->sites[i], k, &path); k++) {
            n++;
        }
    }
    return n;
}

bool generation_has_renewals(struct generation *g) {
    struct stamp *stamp = g->stamps;
    bool is_other = false;
    struct span path;
    for (size_t i = 0; i < g->config->sites_n; i++) {
        for (size_t k = 0; certificates_file(&g->config->sites[i], k, &path); k++, stamp++) {
            struct stamp now = stamp_of_path((const char *)path.p);
            bool is_seen = now.inode != 0; // one that is gone for a moment is no other
            is_other |= is_seen && !stamp_is_same(stamp, &now);
            *stamp = is_seen ? now : *stamp;
        }
    }
    return is_other;
}

void generation_tell_notes(const struct generation *g) {
    struct span notes = tls_context_notes(&g->tls), line;
    while (span_cut(&notes, '\n', &line)) {
        if (line.n > 0) {
            log_line(LOG_WARN, "%.*s", SPAN_ARG(line));
        }
    }
}

void generation_tell_lapsed(struct generation *g) {
    const char *path;
    while ((path = tls_ocsp_lapsed(&g->tls.ocsp)) != NULL) {
        log_line(LOG_WARN, "ocsp \"%s\": it has expired, and is not sent any more", path);
    }
}

static int open_tls(struct generation *g) {
    const struct config *config = g->config;
    bool must_sign = false;
    for (size_t i = 0; i < config->listens_n; i++) {
        g->has_tls = g->has_tls || config->listens[i].tls;
        must_sign = must_sign || config->listens[i].must_self_sign;
    }
    if (!g->has_tls) {
        return 0;
    }
    int err = must_sign ? self_sign(&g->tls) : 0;
    for (size_t i = 0; err == 0 && i < config->sites_n; i++) {
        const struct site *site = &config->sites[i];
        err = certificates_add(site, &g->tls);
    }
    if (err == 0) {
        err = tls_context_seal(&g->tls);
    }
    if (err != 0) {
        log_line(LOG_ERROR, "%s", tls_context_why(&g->tls));
    }
    return err;
}

// ---- workers ------------------------------------------------------------------------------------

static void on_ended(uv_async_t *ended) {
    struct generation *g = ended->data;
    // Several may have been told as one: ask each worker.
    for (unsigned i = 0; i < g->started_n; i++) {
        if (!atomic_load(&g->workers[i].has_ended)) {
            return;
        }
    }
    if (g->is_over) {
        return;
    }
    g->is_over = true;
    for (unsigned i = 0; i < g->started_n; i++) {
        worker_fini(&g->workers[i]);
    }
    g->conf->on_ended(g, g->conf->self);
}

static void open_upstreams(struct generation *g) {
    g->upstreams = must(calloc(g->config->pools_n + 1, sizeof *g->upstreams));
    for (size_t i = 0; i < g->config->pools_n; i++) {
        upstream_shared_init(&g->upstreams[i], &g->config->pools[i], g->conf->workers_n);
    }
    g->worker_conf.upstreams = g->upstreams;
}

static void close_fds(const int *fds, size_t n) {
    for (size_t i = 0; i < n; i++) {
        close(fds[i]);
    }
}

// A socket of the worker's for each listener. 0, or ERR_LISTEN (logged) with none.
static int take_sockets(struct generation *g, unsigned worker, int *fds) {
    for (size_t i = 0; i < g->config->listens_n; i++) {
        fds[i] = listening_take(g->conf->listening, i, worker);
        if (fds[i] < 0) {
            log_line(LOG_ERROR, "cannot share a listening socket: %s", strerror(errno));
            close_fds(fds, i);
            return ERR_LISTEN;
        }
    }
    return 0;
}

static int open_worker(struct generation *g, unsigned index) {
    struct worker *w = &g->workers[index];
    int *fds = must(calloc(g->config->listens_n, sizeof *fds));
    int err = take_sockets(g, index, fds);
    if (err == 0) {
        w->ended = &g->ended;
        err = worker_init(w, &g->worker_conf, index, fds);
    }
    free(fds);
    return err;
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
                log_line(LOG_WARN, "pool \"%.*s\": %.*s: %s; its pages will fail",
                         SPAN_ARG(pool->name), SPAN_ARG(server->address), strerror(errno));
            }
        }
    }
}

static struct worker_conf worker_conf(struct generation *g) {
    return (struct worker_conf){.config = g->config,
                                .router = &g->router,
                                .tls = g->has_tls ? &g->tls : NULL,
                                .publisher = g->conf->publisher,
                                .metrics = g->conf->metrics,
                                .networks = &g->networks,
                                .access_outputs = g->access_outputs,
                                .secret = g->conf->secret};
}

// Those that run have taken connections already, which they answer.
static void give_up(struct generation *g, unsigned opened) {
    for (unsigned i = g->started_n; i < opened; i++) {
        worker_undo(&g->workers[i]);
    }
    generation_stop(g, WORKER_LEAVES);
    uv_async_send(&g->ended); // there may be none whose end would tell
}

int generation_start(struct generation *g) {
    int err = 0;
    look_at_pools(g->config);
    g->worker_conf = worker_conf(g);
    open_upstreams(g);
    unsigned opened = 0;
    while (opened < g->conf->workers_n && (err = open_worker(g, opened)) == 0) {
        opened++;
    }
    while (err == 0 && g->started_n < opened) {
        if (worker_start(&g->workers[g->started_n]) != 0) {
            log_line(LOG_ERROR, "cannot start a thread");
            err = ERR_LISTEN;
        } else {
            g->started_n++;
        }
    }
    if (err != 0) {
        give_up(g, opened);
    }
    return err;
}

void generation_stop(struct generation *g, enum worker_stop how) {
    for (unsigned i = 0; i < g->started_n && !g->is_over; i++) {
        worker_stop(&g->workers[i], how);
    }
}

bool generation_is_alive(const struct generation *g, uint64_t within_ms, unsigned *stuck) {
    uint64_t now_ms = loop_now_ms(g->conf->loop);
    for (unsigned i = 0; i < g->started_n && !g->is_over; i++) {
        const struct worker *w = &g->workers[i];
        if (!atomic_load(&w->has_ended) && !worker_is_alive(w, now_ms, within_ms)) {
            *stuck = i;
            return false;
        }
    }
    return true;
}

unsigned generation_cut(const struct generation *g) {
    unsigned n = 0;
    for (unsigned i = 0; i < g->started_n; i++) {
        n += g->workers[i].cut;
    }
    return n;
}

// ---- access logs --------------------------------------------------------------------------------

static int open_access(struct generation *g) {
    size_t n = g->config->access_logs_n;
    g->access_outputs = must(calloc(n + 1, sizeof *g->access_outputs));
    for (size_t i = 0; i < n; i++) {
        g->access_outputs[i] = access_output_take(g->config->access_logs[i]);
        if (g->access_outputs[i] == NULL) {
            return ERR_CONFIG;
        }
    }
    return 0;
}

static void close_access(struct generation *g) {
    for (size_t i = 0; g->access_outputs != NULL && g->access_outputs[i] != NULL; i++) {
        access_output_release(g->access_outputs[i]);
    }
    free(g->access_outputs);
}

// ---- life ---------------------------------------------------------------------------------------

void generation_config_free(struct generation_config *from) {
    if (from != NULL && from->generations_n == 0) {
        config_fini(&from->config);
        free(from);
    }
}

struct generation *generation_new(const struct generation_conf *conf, const struct config *config,
                                  struct generation_config *from) {
    struct generation *g = must(calloc(1, sizeof *g));
    g->conf = conf;
    g->config = config;
    g->from = from;
    if (from != NULL) {
        from->generations_n++;
    }
    list_init(&g->node);
    arena_init(&g->arena, SIZE_MAX / 2);
    tls_context_init(&g->tls, true, conf->tickets);
    g->workers = must(calloc(conf->workers_n, sizeof *g->workers));
    if (router_init(&g->router, &g->arena, config->sites, config->sites_n) != 0) {
        abort();
    }
    networks_init(&g->networks, &config->clients, conf->secret);
    uv_async_init(&conf->loop->uv, &g->ended, on_ended);
    g->ended.data = g;
    g->stamps = must(calloc(count_files(config) + 1, sizeof *g->stamps));
    generation_has_renewals(g); // before they are read: what comes meanwhile is found later
    if (open_tls(g) != 0 || open_access(g) != 0 || listening_open(conf->listening, config) != 0) {
        generation_free(g);
        return NULL;
    }
    return g;
}

static void on_closed(uv_handle_t *ended) {
    struct generation *g = ended->data;
    networks_fini(&g->networks);
    tls_context_fini(&g->tls);
    arena_fini(&g->arena);
    for (size_t i = 0; i < g->config->pools_n && g->upstreams != NULL; i++) {
        upstream_shared_fini(&g->upstreams[i]);
    }
    close_access(g);
    free(g->upstreams);
    free(g->workers);
    free(g->stamps);
    if (g->from != NULL) {
        g->from->generations_n--;
        generation_config_free(g->from);
    }
    free(g);
}

void generation_free(struct generation *g) {
    list_drop(&g->node);
    uv_close((uv_handle_t *)&g->ended, on_closed);
}
