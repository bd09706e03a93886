// SPDX-License-Identifier: MIT
#include "server/server_inside.h"

#include "base/error.h"
#include "server/log.h"
#include "server/notify.h"

#include <stdlib.h>

#define GENERATIONS_MOST 32 // at a time; another reload cuts what the oldest still has under way
#define LINE_MOST 1024      // bytes of an error of the configuration, in the log

// ---- another configuration ----------------------------------------------------------------------

static void tell_errors(const struct config_errors *errors) {
    struct span rest = buf_span(&errors->text), line;
    char text[LINE_MOST];
    while (span_cut(&rest, '\n', &line)) {
        if (line.n > 0) {
            log_line(LOG_ERROR, "%s", log_escape(line, text, sizeof text));
        }
    }
}

// The same as at the start, or NULL (logged).
static struct generation_config *load(struct server *s) {
    struct generation_config *from = calloc(1, sizeof *from);
    struct config_errors errors;
    if (from == NULL) {
        abort();
    }
    config_errors_init(&errors);
    int err = s->source->load(s->source->self, &from->config, &errors);
    tell_errors(&errors);
    config_errors_fini(&errors);
    if (err != 0 || spawn_adopt(&s->spawn, &from->config) != 0) {
        generation_config_free(from);
        return NULL;
    }
    return from;
}

// What only a start acts on.
static void tell_ignored(const struct server *s, const struct config *to) {
    const struct config *from = s->config;
    const struct {
        bool is_same;
        const char *what;
    } rows[] = {
        {server_workers(from) == server_workers(to), "workers"},
        {span_eq(from->user, to->user), "user"},
        {span_eq(from->ticket_keys, to->ticket_keys), "ticket-keys"},
        {span_eq(from->store_path, to->store_path), "store"},
        {from->store_flush_ms == to->store_flush_ms, "store"},
        {from->learner_routes == to->learner_routes, "learner"},
        {from->learner_memory == to->learner_memory, "learner"},
        {from->learner_ttl_ms == to->learner_ttl_ms, "learner"},
        {span_eq(from->admin.text, to->admin.text), "admin"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!rows[i].is_same) {
            log_line(LOG_WARN, "%s has changed, which takes a restart", rows[i].what);
        }
    }
}

// A generation that serves that configuration, or NULL (logged).
static struct generation *start(struct server *s, const struct config *config,
                                struct generation_config *from) {
    struct generation *g = generation_new(&s->generation_conf, config, from);
    if (g == NULL) {
        return NULL;
    }
    list_put(&s->generations, &g->node);
    s->generations_n++;
    if (generation_start(g) == 0) {
        return g;
    }
    listening_open(&s->listening, s->now->config); // all of it is held
    listening_drop_rest(&s->listening);
    return NULL;
}

static void replace(struct server *s, struct generation *g) {
    struct generation *before = s->now;
    s->now = g;
    probe_fini(&s->probe);
    probe_init(&s->probe, &s->publisher, &g->router);
    log_init((enum log_level)g->config->log);
    generation_stop(before, WORKER_LEAVES);
    listening_drop_rest(&s->listening);
    if (s->generations_n > GENERATIONS_MOST) {
        log_line(LOG_WARN,
                 "%d configurations before this one still have requests under way: those of the "
                 "oldest are cut",
                 GENERATIONS_MOST);
        generation_stop(LIST_ITEM(s->generations.next, struct generation, node), WORKER_CUTS);
    }
}

static bool reload(struct server *s) {
    struct generation_config *from = load(s);
    struct generation *g = from != NULL ? start(s, &from->config, from) : NULL;
    if (g == NULL) {
        log_line(LOG_ERROR, "the new configuration is refused; the one before stays in use");
        return false;
    }
    replace(s, g);
    tell_ignored(s, g->config);
    log_line(LOG_INFO, "the new configuration is in use");
    return true;
}

bool server_reload(struct server *s) {
    notify_reloading();
    bool is_good = reload(s);
    notify("READY=1");
    return is_good;
}

void server_on_hangup(uv_signal_t *handle, int number) {
    struct server *s = handle->data;
    if (!s->api.is_draining) {
        log_line(LOG_INFO, "reading the configuration again on signal %d", number);
        server_reload(s);
    }
}

bool server_on_reload(void *self, struct buf *errors) {
    struct server *s = self;
    if (s->api.is_draining) {
        buf_put(errors, SPAN("Outrider is about to end\n"));
        return false;
    }
    log_line(LOG_INFO, "reading the configuration again, asked at the admin endpoint");
    log_copy_errors(errors);
    bool is_good = server_reload(s);
    log_copy_errors(NULL);
    return is_good;
}

// The same configuration with other certificates: whoever renews them need not tell us.
void server_on_renewals(struct loop_watch *watch, uint64_t now_ms) {
    struct server *s = LIST_ITEM(watch, struct server, renewals);
    loop_watch(&s->loop, watch, now_ms + RENEWALS_MS);
    generation_tell_lapsed(s->now);
    if (s->api.is_draining || !generation_has_renewals(s->now)) {
        return;
    }
    struct generation *g = start(s, s->now->config, s->now->from);
    if (g == NULL) {
        log_line(LOG_ERROR, "renewed certificates cannot be used; those before stay in use");
        return;
    }
    replace(s, g);
    generation_tell_notes(g);
    log_line(LOG_INFO, "renewed certificates are in use");
}
