// SPDX-License-Identifier: MIT
#include "server/worker.h"

#include "base/error.h"
#include "http/coding.h"
#include "server/log.h"
#include "server/persistence.h"

#include <stdlib.h>
#include <unistd.h>

#define BACKLOG 4096 // connections that may wait to be accepted; the kernel cuts it to somaxconn
#define DRAIN_LOOK_MS 20    // how often a stopping worker looks whether it is done
#define LEAVE_QUIET_MS 5000 // after which a client that asks for nothing is closed, while others
#define STOP_QUIET_MS 500   // take the worker's place, and when the server stops
#define SECOND_MS 1000
#define VISITS_A_SECOND 64 // that are told when there are no requests to tell them with

static void on_accept(struct acceptor *a, int fd) {
    struct worker_listener *l = LIST_ITEM(a, struct worker_listener, acceptor);
    metrics_add(l->relay.conf->metrics, METRIC_SLOT_CONNECTIONS, 1);
    conn_open(&l->conns, fd, a->is_unix);
}

static bool has_any(void *self) {
    return publisher_has_offers(self);
}

static bool find(void *self, struct route_id id, struct offer *out) {
    return publisher_find(self, id, out);
}

static bool find_asset(void *self, struct route_id id, struct offer_asset *out) {
    return publisher_find_asset(self, id, out);
}

static void on_turn_end(void *self) {
    publisher_turn_end(self);
}

// Adds to a metric what has been counted elsewhere since it was added last.
static void count(struct worker *w, enum metric_slot slot, uint64_t now, uint64_t *was) {
    metrics_add(w->relays.conf.metrics, slot, now - *was);
    *was = now;
}

static void on_second(struct loop_watch *watch, uint64_t now_ms) {
    struct worker *w = LIST_ITEM(watch, struct worker, watch);
    const struct observer *t = &w->observer;
    struct worker_counts *was = &w->counted;
    loop_watch(&w->loop, watch, now_ms + SECOND_MS);
    atomic_store_explicit(&w->alive_ms, now_ms, memory_order_relaxed);
    relay_tell_visits(&w->relays.conf, VISITS_A_SECOND);
    count(w, METRIC_SLOT_VISITS, t->visits.opened, &was->visits);
    count(w, METRIC_SLOT_VISITS_REFUSED, t->visits.refused, &was->refused);
    count(w, METRIC_SLOT_FETCHES_CUT, t->visits.cut, &was->cut);
    for (unsigned i = 0; i < LEARN_REASONS; i++) {
        enum metric_slot slot = (enum metric_slot)(METRIC_SLOT_PAGES + i);
        count(w, slot, t->pages_by[i], &was->pages_by[i]);
    }
    count(w, METRIC_SLOT_OBSERVATIONS_SPARED, t->spared, &was->spared);
    count(w, METRIC_SLOT_OBSERVATIONS_REFUSED, t->refused + t->readers.refused, &was->readers);
}

// The fields of a request take up to eight times their bytes: they are kept as they came, in
// pieces, joined, and as variables. Those of a response are copied once, and listed anew by each
// step that changes them.
#define MEMORY_FACTOR 8
#define MEMORY_FIELD 768

static void limit_heads(struct conn_conf *c, const struct config *config) {
    const struct config_requests *most = &config->requests;
    size_t memory = (size_t)most->fields * MEMORY_FACTOR + (size_t)config->responses.fields +
                    (size_t)config->responses.count * MEMORY_FIELD;
    c->h1.limits = (struct h1_limits){.line_bytes = (size_t)most->target,
                                      .field_bytes = (size_t)most->field,
                                      .head_bytes = (size_t)most->fields,
                                      .fields = most->count};
    c->h2.head_bytes = (size_t)most->fields;
    c->h2.head_bytes_hard = (size_t)most->fields * 2;
    c->h2.field_bytes = (size_t)(most->field > most->target ? most->field : most->target);
    c->h2.fields = most->count;
    c->h2.fields_hard = most->count * 5 / 2;
    c->h1.request_memory = c->h2.request_memory = memory;
}

static void init_conns(struct worker_listener *l, const struct listen_conf *listen) {
    struct worker *w = l->worker;
    struct conn_conf *c = &l->conns;
    *c = (struct conn_conf){
        .loop = &w->loop,
        .handler = &relays_handler,
        .handler_self = &l->relay,
        .tls = listen->tls ? w->conf->tls : NULL,
        .tls_pool = &w->tls_pool,
        .limits = w->conf->config->timeouts,
        .most = w->conf->config->connections,
        .networks = w->conf->networks,
        .trust = &listen->trust,
        .proxy = listen->proxy,
        .has_origins = listen->has_origins,
        .metrics = w->relays.conf.metrics,
    };
    list_init(&c->conns);
    h1_conf_init(&c->h1);
    h2_conf_init(&c->h2);
    limit_heads(c, w->conf->config);
    c->h1.is_secure = c->h2.is_secure = listen->tls;
    c->h1.unix_time = c->h2.unix_time = &w->loop.unix_time;
    c->h2.pool = &w->h2_pool;
    l->relay = (struct relay_listener){.conf = &w->relays.conf,
                                       .queue = c->h2.response_queue,
                                       .trust = listen->trust,
                                       .exchange = {.router = w->conf->router,
                                                    .files = &w->files.finder,
                                                    .published = {.has_any = has_any,
                                                                  .find = find,
                                                                  .find_asset = find_asset,
                                                                  .self = w->relays.publisher,
                                                                  .secret = *w->conf->secret},
                                                    .holdbacks = w->holdbacks,
                                                    .observer = &w->observer,
                                                    .redirect_https = listen->redirect,
                                                    .health = listen->health,
                                                    .https_port = listen->https_port}};
}

static int open_listener(struct worker_listener *l, const struct listen_conf *listen, int fd) {
    l->acceptor.on_accept = on_accept;
    int err = acceptor_open(&l->acceptor, &l->worker->loop, fd, BACKLOG);
    if (err != 0) {
        log_line(LOG_ERROR, "cannot listen on %.*s: %s", SPAN_ARG(listen->text), uv_strerror(err));
        return ERR_LISTEN;
    }
    return 0;
}

static int open_all(struct worker *w, unsigned index, const int *fds) {
    const struct config *config = w->conf->config;
    for (size_t i = 0; i < config->pools_n; i++) {
        int err = upstream_init(&w->upstreams[i], &w->loop, &config->pools[i],
                                &w->conf->upstreams[i], index, w->relays.conf.metrics);
        if (err != 0) {
            return err;
        }
        w->upstreams[i].head =
            (struct cgi_head_conf){.head_limit = (size_t)config->responses.fields,
                                   .fields_limit = config->responses.count};
        w->upstreams_n++;
    }
    for (size_t i = 0; i < config->listens_n; i++) {
        struct worker_listener *l = &w->listeners[i];
        l->worker = w;
        init_conns(l, &config->listens[i]);
        int err = open_listener(l, &config->listens[i], fds[i]);
        if (err != 0) {
            return err;
        }
        w->listeners_n++;
    }
    return 0;
}

// ---- stopping -----------------------------------------------------------------------------------

static bool has_conns(const struct worker *w) {
    for (size_t i = 0; i < w->listeners_n; i++) {
        if (w->listeners[i].conns.count > 0) {
            return true;
        }
    }
    return false;
}

static void close_handles(struct worker *w) {
    for (size_t i = 0; i < w->upstreams_n; i++) {
        upstream_close(&w->upstreams[i]);
    }
    uv_mutex_lock(&w->stop_lock);
    w->is_stoppable = false;
    uv_mutex_unlock(&w->stop_lock);
    uv_close((uv_handle_t *)&w->stop, NULL);
    uv_close((uv_handle_t *)&w->drained, NULL);
}

// The time is over for whoever is still there.
static void cut(struct worker *w) {
    w->cut += w->relays.under_way;
    metrics_add(w->relays.conf.metrics, METRIC_SLOT_REQUESTS_CUT, w->relays.under_way);
    for (size_t i = 0; i < w->listeners_n; i++) {
        conn_close_all(&w->listeners[i].conns);
    }
}

static void on_drained(uv_timer_t *timer) {
    struct worker *w = timer->data;
    if (!has_conns(w)) {
        close_handles(w);
    } else if (w->stopping == WORKER_CUTS || loop_now_ms(&w->loop) >= w->stop_by_ms) {
        cut(w); // and once more, when their handles are closed
    }
}

static void begin_stop(struct worker *w) {
    for (size_t i = 0; i < w->listeners_n; i++) {
        acceptor_close(&w->listeners[i].acceptor);
    }
    w->stop_by_ms = loop_now_ms(&w->loop) + w->conf->config->drain_timeout_ms;
    uv_timer_start(&w->drained, on_drained, 1, DRAIN_LOOK_MS);
}

static enum worker_stop wanted(struct worker *w) {
    uv_mutex_lock(&w->stop_lock);
    enum worker_stop wants = w->wants;
    uv_mutex_unlock(&w->stop_lock);
    return wants;
}

static void on_stop(uv_async_t *stop) {
    struct worker *w = stop->data;
    enum worker_stop wants = wanted(w);
    bool is_final = wants >= WORKER_STOPS;
    for (size_t i = 0; i < w->listeners_n && wants > w->stopping; i++) {
        struct worker_listener *l = &w->listeners[i];
        l->relay.exchange.is_draining = is_final;
        if (is_final && w->stopping == WORKER_RUNS) {
            acceptor_take_rest(&l->acceptor); // nobody else would
        }
        conn_drain(&l->conns, is_final ? STOP_QUIET_MS : LEAVE_QUIET_MS);
    }
    if (w->stopping == WORKER_RUNS) {
        begin_stop(w);
    }
    w->stopping = wants;
}

// ---- life ---------------------------------------------------------------------------------------

static void init_holdbacks(struct worker *w, unsigned index) {
    size_t n = w->conf->config->sites_n;
    w->holdbacks = calloc(n, sizeof *w->holdbacks);
    if (w->holdbacks == NULL) {
        abort();
    }
    for (size_t i = 0; i < n; i++) {
        holdback_init(&w->holdbacks[i], w->conf->secret, index * n + i);
    }
}

int worker_init(struct worker *w, const struct worker_conf *conf, unsigned index, const int *fds) {
    const struct config *config = conf->config;
    w->conf = conf;
    if (loop_init(&w->loop) != 0 || uv_mutex_init(&w->stop_lock) != 0) {
        return ERR_LISTEN;
    }
    w->listeners = calloc(config->listens_n, sizeof *w->listeners);
    w->upstreams = calloc(config->pools_n + 1, sizeof *w->upstreams);
    if (w->listeners == NULL || w->upstreams == NULL) {
        abort();
    }
    h2_pool_init(&w->h2_pool);
    tls_pool_init(&w->tls_pool);
    files_init(&w->files, &w->loop, config->sites, config->sites_n);
    w->relays = (struct relays){.conf = {.observer = &w->observer,
                                         .metrics = metrics_add_worker(conf->metrics),
                                         .secret = conf->secret},
                                .loop = &w->loop,
                                .upstreams = w->upstreams,
                                .publisher = publisher_add_worker(conf->publisher),
                                .networks = conf->networks,
                                .access = {.outputs = conf->access_outputs, .draw = index},
                                .temporary = {(const char *)config->temp.p}};
    relays_init(&w->relays, &w->files, conf->config->compressions);
    observer_init(&w->observer, conf->secret, &w->loop.unix_time, &coding_unpack);
    init_holdbacks(w, index);
    w->alive_ms = loop_now_ms(&w->loop);
    loop_watch_init(&w->watch, on_second);
    loop_watch(&w->loop, &w->watch, loop_now_ms(&w->loop) + SECOND_MS);
    w->loop.on_turn_end = on_turn_end;
    w->loop.turn_self = w->relays.publisher;
    uv_async_init(&w->loop.uv, &w->stop, on_stop);
    uv_timer_init(&w->loop.uv, &w->drained);
    w->stop.data = w->drained.data = w;
    w->is_stoppable = true;
    int err = open_all(w, index, fds);
    if (err != 0) {
        for (size_t i = w->listeners_n; i < config->listens_n; i++) {
            close(fds[i]);
        }
        worker_undo(w);
    }
    return err;
}

static void run(void *self) {
    struct worker *w = self;
    size_t n;
    publisher_enter(w->relays.publisher);
    loop_run(&w->loop);
    while ((n = observer_next_visit(&w->observer, loop_now_us(), true)) > 0) {
        publisher_put(w->relays.publisher, span_of(w->observer.bytes, n));
    }
    loop_fini(&w->loop);
    publisher_leave(w->relays.publisher);
    atomic_store(&w->has_ended, true);
    uv_async_send(w->ended);
}

int worker_start(struct worker *w) {
    return uv_thread_create(&w->thread, run, w);
}

bool worker_is_alive(const struct worker *w, uint64_t now_ms, uint64_t within_ms) {
    return atomic_load_explicit(&w->alive_ms, memory_order_relaxed) + within_ms >= now_ms;
}

void worker_stop(struct worker *w, enum worker_stop how) {
    uv_mutex_lock(&w->stop_lock);
    if (w->is_stoppable && how > w->wants) {
        w->wants = how;
        uv_async_send(&w->stop);
    }
    uv_mutex_unlock(&w->stop_lock);
}

static void fini(struct worker *w) {
    publisher_drop_worker(w->relays.publisher);
    metrics_drop_worker(w->conf->metrics, w->relays.conf.metrics);
    for (size_t i = 0; i < w->upstreams_n; i++) {
        upstream_fini(&w->upstreams[i]);
    }
    relays_fini(&w->relays);
    observer_fini(&w->observer);
    free(w->holdbacks);
    files_fini(&w->files);
    h2_pool_fini(&w->h2_pool);
    tls_pool_fini(&w->tls_pool);
    uv_mutex_destroy(&w->stop_lock);
    free(w->listeners);
    free(w->upstreams);
}

void worker_fini(struct worker *w) {
    uv_thread_join(&w->thread);
    fini(w);
}

void worker_undo(struct worker *w) {
    for (size_t i = 0; i < w->listeners_n; i++) {
        acceptor_close(&w->listeners[i].acceptor);
    }
    close_handles(w);
    loop_fini(&w->loop);
    fini(w);
}
