// SPDX-License-Identifier: MIT
#include "server/server.h"

#include "base/error.h"
#include "http/tls_pem.h"
#include "server/inherited.h"
#include "server/labels.h"
#include "server/listener.h"
#include "server/log.h"
#include "server/log_writer.h"
#include "server/notify.h"
#include "server/opener.h"
#include "server/privileges.h"
#include "server/server_inside.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS_MOST 256
#define LOOK_MS 1000     // how often it is looked at how much memory clients hold
#define TRIM_MS 3000     // and when some has just been given back
#define FALL (16u << 20) // bytes of it that are worth that

// ---- before the start ---------------------------------------------------------------------------

unsigned server_workers(const struct config *config) {
    long n = config->workers > 0 ? (long)config->workers : sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > WORKERS_MOST ? WORKERS_MOST : (unsigned)n;
}

static int bind_admin(struct server *s) {
    const struct listen_conf *listen = &s->config->admin;
    char url[256];
    uint16_t port;
    int err = s->config->has_admin ? listener_bind(listen, &s->admin_fd, 1, &port) : 0;
    if (err == 0 && s->config->has_admin) {
        log_line(LOG_INFO, "admin endpoint on %s", listener_url(listen, port, url, sizeof url));
    }
    return err;
}

static const struct hint_policy *find_policy(void *self, struct span site) {
    const struct server *s = self;
    bool is_named;
    const struct site *found = router_site(&s->now->router, site, &is_named);
    return is_named ? &found->policy : NULL;
}

// The operator has changed what is known: the workers are to see it.
static void on_change(void *self) {
    struct server *s = self;
    publisher_wants_drain(&s->publisher);
}

static int open_learning(struct server *s) {
    struct learner_conf conf = {.max_routes = s->config->learner_routes,
                                .max_bytes = s->config->learner_memory,
                                .ttl_ms = s->config->learner_ttl_ms,
                                .secret = s->secret,
                                .find_policy = find_policy,
                                .policy_self = s};
    int err = persistence_open(&s->persistence, s->config, &conf);
    s->secret = conf.secret;
    publisher_init(&s->publisher, &s->loop, &conf);
    probe_init(&s->probe, &s->publisher, &s->now->router);
    metrics_init(&s->metrics);
    labels_give(&s->metrics);
    tally_init(&s->tally, &s->metrics);
    s->api = (struct api){.metrics = &s->metrics,
                          .learner = s->publisher.model,
                          .find_policy = find_policy,
                          .policy_self = s,
                          .on_change = on_change,
                          .change_self = s,
                          .reload = server_on_reload,
                          .upgrade = server_on_asked_upgrade,
                          .reload_self = s,
                          .pid = getpid(),
                          .state = server_state};
    persistence_start(&s->persistence, &s->loop, s->publisher.model);
    publisher_drain_all(&s->publisher); // what was kept is hinted from the first request on
    return err;
}

// ---- running ------------------------------------------------------------------------------------

static void stop_generations(struct server *s, enum worker_stop how) {
    for (struct list *n = s->generations.next; n != &s->generations; n = n->next) {
        generation_stop(LIST_ITEM(n, struct generation, node), how);
    }
}

static void stop(struct server *s) {
    notify("STOPPING=1");
    upgrade_abort(&s->upgrade);
    s->api.is_draining = true;
    listening_close(&s->listening); // the workers have sockets of their own
    stop_generations(s, WORKER_STOPS);
}

static void on_signal(uv_signal_t *handle, int number) {
    struct server *s = handle->data;
    if (s->is_ending) {
        log_line(LOG_WARN, "stopping at once on signal %d", number);
        stop_generations(s, WORKER_CUTS);
        return;
    }
    log_line(LOG_INFO, "stopping on signal %d", number);
    s->is_ending = true;
    stop(s);
}

// Nobody has the right to start the programs any more: whoever started us may start us again.
static void on_spawn_gone(void *self) {
    struct server *s = self;
    s->status = 1;
    if (!s->api.is_draining) {
        stop(s);
    }
}

// Nobody is served any more.
static void finish(struct server *s) {
    publisher_drain_all(&s->publisher);
    persistence_close(&s->persistence);
    publisher_close(&s->publisher);
    admin_port_close(&s->admin);
    tickets_close(&s->tickets);
    spawn_unwatch(&s->spawn);
    uv_close((uv_handle_t *)&s->terminate, NULL);
    uv_close((uv_handle_t *)&s->interrupt, NULL);
    uv_close((uv_handle_t *)&s->hangup, NULL);
    uv_close((uv_handle_t *)&s->rotate, NULL);
    uv_close((uv_handle_t *)&s->child, NULL);
    uv_close((uv_handle_t *)&s->replace, NULL);
    manager_close(&s->manager);
}

static void on_generation_ended(struct generation *g, void *self) {
    struct server *s = self;
    unsigned cut = generation_cut(g);
    s->cut += cut;
    s->generations_n--;
    if (!s->api.is_draining) {
        log_line(LOG_INFO, "the configuration before has ended; %u requests cut", cut);
    }
    generation_free(g);
    if (s->api.is_draining && list_is_empty(&s->generations)) {
        finish(s);
    }
}

// Whoever has renamed the access logs wants them made anew.
static void on_rotate(uv_signal_t *handle, int number) {
    (void)handle;
    (void)number;
    log_writer_reopen();
}

// Nobody else asks how they ended. As the first process of a container we inherit all orphans.
static void on_child(uv_signal_t *handle, int number) {
    (void)handle;
    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

static void open_signals(struct server *s) {
    uv_signal_init(&s->loop.uv, &s->terminate);
    uv_signal_init(&s->loop.uv, &s->interrupt);
    uv_signal_init(&s->loop.uv, &s->hangup);
    uv_signal_init(&s->loop.uv, &s->rotate);
    uv_signal_init(&s->loop.uv, &s->replace);
    s->replace.data = s;
    uv_signal_start(&s->replace, server_on_upgrade, SIGUSR2);
    server_init_upgrade(s);
    uv_signal_init(&s->loop.uv, &s->child);
    uv_signal_start(&s->child, on_child, SIGCHLD);
    uv_signal_start(&s->rotate, on_rotate, SIGUSR1);
    s->terminate.data = s->interrupt.data = s->hangup.data = s;
    uv_signal_start(&s->terminate, on_signal, SIGTERM);
    uv_signal_start(&s->interrupt, on_signal, SIGINT);
    uv_signal_start(&s->hangup, server_on_hangup, SIGHUP);
}

// Many connections have been closed since there were most.
static bool connections_fell(struct server *s) {
    uint64_t now = metrics_read(&s->metrics, METRIC_CONNECTIONS_OPEN, 0);
    bool has_fewer = s->most_connections > now + FALL / CONN_MEMORY;
    s->most_connections = has_fewer || now > s->most_connections ? now : s->most_connections;
    return has_fewer;
}

static bool memory_fell(struct server *s) {
    bool has_fallen = connections_fell(s);
    for (struct list *n = s->generations.next; n != &s->generations; n = n->next) {
        struct generation *g = LIST_ITEM(n, struct generation, node);
        has_fallen |= budget_fell(&g->networks.budget, FALL);
    }
    return has_fallen;
}

// What clients held in small pieces and the program has freed the allocator keeps, for ever.
static void on_memory(struct loop_watch *watch, uint64_t now_ms) {
    struct server *s = LIST_ITEM(watch, struct server, memory);
    bool has_fallen = memory_fell(s);
    if (has_fallen) {
        malloc_trim(0);
    }
    tally_take(&s->tally, s->publisher.model);
    loop_watch(&s->loop, watch, now_ms + (has_fallen ? TRIM_MS : LOOK_MS));
}

static void start_looking(struct server *s) {
    loop_watch_init(&s->memory, on_memory);
    loop_watch(&s->loop, &s->memory, loop_now_ms(&s->loop) + LOOK_MS);
    loop_watch_init(&s->renewals, server_on_renewals);
    loop_watch(&s->loop, &s->renewals, loop_now_ms(&s->loop) + RENEWALS_MS);
}

// As far as privileges may be needed.
static int open_privileged(struct server *s) {
    tls_pem_set_opener(opener_read);
    s->now = generation_new(&s->generation_conf, s->config, NULL);
    int err = s->now != NULL ? bind_admin(s) : ERR_CONFIG;
    if (err == 0) {
        err = tickets_open(&s->tickets, &s->loop, &s->ticket_keys,
                           (const char *)s->config->ticket_keys.p);
    }
    inherited_close_rest();
    return err;
}

static int open_all(struct server *s) {
    int err = open_privileged(s);
    if (err == 0) {
        err = privileges_drop(s->config->user);
    }
    if (err == 0) {
        list_put(&s->generations, &s->now->node);
        s->generations_n = 1;
        err = open_learning(s);
        start_looking(s);
        manager_open(&s->manager, &s->loop, &s->generations);
        open_signals(s);
    }
    if (err == 0 && s->config->has_admin) {
        err = admin_port_open(&s->admin, &s->loop, &s->config->admin, s->admin_fd, &s->api);
    }
    return err;
}

static void init(struct server *s, const struct config *config) {
    unsigned workers_n = server_workers(config);
    s->config = config;
    if (loop_init(&s->loop) != 0 ||
        getrandom(&s->secret, sizeof s->secret, 0) != (ssize_t)sizeof s->secret) {
        abort();
    }
    list_init(&s->generations);
    listening_init(&s->listening, workers_n);
    tls_tickets_init(&s->ticket_keys);
    s->generation_conf = (struct generation_conf){.loop = &s->loop,
                                                  .publisher = &s->publisher,
                                                  .metrics = &s->metrics,
                                                  .tickets = &s->ticket_keys,
                                                  .secret = &s->secret,
                                                  .listening = &s->listening,
                                                  .workers_n = workers_n,
                                                  .on_ended = on_generation_ended,
                                                  .self = s};
}

static void fini(struct server *s) {
    loop_fini(&s->loop);
    probe_fini(&s->probe);
    publisher_fini(&s->publisher);
    metrics_fini(&s->metrics);
    tls_tickets_fini(&s->ticket_keys);
    listening_close(&s->listening);
}

static int run(struct server *s, const struct config *config) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); // a file that may not grow is an error of that file
    log_init((enum log_level)config->log);
    inherited_init();
    upgrade_init();
    notify_init();
    // Before threads, handles and the loss of rights; and the programs keep the limits we were
    // given.
    if (opener_start(config, s->source) != 0 || spawn_open(&s->spawn, config) != 0) {
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
    if (generation_start(s->now) != 0) {
        spawn_close(&s->spawn);
        return 1;
    }
    log_line(LOG_INFO, "ready, %u workers", s->generation_conf.workers_n);
    notify("READY=1");
    upgrade_tell_ready();
    s->is_ready = true;
    loop_run(&s->loop);
    fini(s);
    spawn_close(&s->spawn); // only now: what was under way needed the programs
    log_line(LOG_INFO, "stopped; %u requests cut", s->cut);
    return s->status;
}

const char *server_library(void) {
    return uv_version_string();
}

int server_run(const struct config *config, const struct server_source *source) {
    static struct server server = {.status = 0}; // one a process: its address is in handles
    server.source = source;
    int status = run(&server, config);
    log_stop();
    return status;
}
