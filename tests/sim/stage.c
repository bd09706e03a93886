// SPDX-License-Identifier: MIT
#include "sim/stage.h"

#include "base/error.h"
#include "support/split.h"

#include <stdlib.h>

#define LIMIT (64u << 20)

// A relay with what the stage keeps for it.
struct slot {
    struct relay relay;
    struct call call;
    struct part *part;
};

void stage_fault(struct stage *s, const char *words) {
    if (s->fault == NULL) {
        s->fault = words;
    }
}

uint8_t *stage_lend(struct span bytes) {
    uint8_t *copy = malloc(bytes.n ? bytes.n : 1);
    if (copy == NULL) {
        abort();
    }
    if (bytes.n > 0) {
        memcpy(copy, bytes.p, bytes.n);
    }
    return copy;
}

void stage_note(struct stage *s, int error) {
    const char *label = error_row(error)->label;
    size_t n = strlen(label) + 1;
    struct span all = buf_span(&s->errors);
    // One misfortune is told twice: by the backend, and when the stream is broken off for it.
    bool is_again = all.n >= n && memcmp(all.p + all.n - n, label, n - 1) == 0;
    if (!is_again) {
        split_line(&s->errors, "%s ", label);
    }
}

struct part *stage_part(const struct relay *r) {
    return ((const struct slot *)r)->part;
}

// ---- memory -------------------------------------------------------------------------------------

static struct relay *take(void *self) {
    struct stage *s = self;
    struct slot *slot = calloc(1, sizeof *slot);
    struct part *p = calloc(1, sizeof *p);
    if (slot == NULL || p == NULL) {
        abort();
    }
    *p = (struct part){.stage = s, .relay = &slot->relay};
    list_init(&p->node);
    buf_init(&p->given, LIMIT);
    slot->part = p;
    slot->relay.call = &slot->call;
    list_put(&s->parts, &p->node);
    return &slot->relay;
}

static void give_back(struct relay *r) {
    stage_part(r)->is_given_back = true;
}

static void go_on_later(struct relay *r) {
    stage_part(r)->is_due = true;
}

static void sweep(struct stage *s) {
    for (struct list *n = s->parts.next; n != &s->parts; n = n->next) {
        struct part *p = LIST_ITEM(n, struct part, node);
        if (p->is_given_back && p->relay != NULL) {
            p->state = p->relay->exchange.state;
            free(p->relay); // the first member of its slot
            p->relay = NULL;
        }
    }
}

// ---- clock, learner, log ------------------------------------------------------------------------

static uint64_t now_us(void *self) {
    const struct stage *s = self;
    return s->now_ms * 1000;
}

static bool learn(void *self, struct span bytes) {
    static const char *const kinds[] = {"page", "visit", "asset", "sheet"};
    struct stage *s = self;
    struct evidence e;
    if (!evidence_decode(&e, bytes)) {
        stage_fault(s, "evidence that is none");
        return true;
    }
    split_line(&s->taught, "%s %.*s %u ", kinds[e.kind], SPAN_ARG(e.target), e.status);
    return true;
}

static void write_log(struct relay *r, enum relay_level level, const char *words, const char *why) {
    (void)r, (void)level, (void)words, (void)why;
}

static const struct relay_ops relay_ops = {.take = take,
                                           .give_back = give_back,
                                           .go_on_later = go_on_later,
                                           .now_us = now_us,
                                           .learn = learn,
                                           .log = write_log};

// Errors that have been counted since the last look. Mostly none: that is found out at once.
static void note_errors(struct stage *s) {
    static const _Atomic uint64_t none[ERROR_COUNT];
    if (memcmp(&s->metrics.v[METRIC_SLOT_ERRORS], none, sizeof none) == 0) {
        return;
    }
    for (unsigned i = 0; i < ERROR_COUNT; i++) {
        if (s->metrics.v[METRIC_SLOT_ERRORS + i] != 0) {
            s->metrics.v[METRIC_SLOT_ERRORS + i] = 0;
            stage_note(s, -1 - (int)i);
        }
    }
}

// ---- the client's connection --------------------------------------------------------------------

static void wants_flush(struct downstream *d) {
    (void)d; // every turn does
}

static bool pump(struct stage *s) {
    struct front_event e;
    enum step step = STEP_MORE;
    bool moved = false;
    if (s->is_pumping || s->is_closed) {
        return false;
    }
    s->is_pumping = true;
    while ((step = front_next(s->down.front, &e)) == STEP_ITEM) {
        struct front_stream *stream = e.stream;
        bool is_new = e.kind == FRONT_REQUEST;
        moved = true;
        relay_on_event(&s->down, &e);
        note_errors(s);
        if (is_new && stream->owner != NULL) {
            stage_part(stream->owner)->id = (int32_t)stream->id;
        }
        if (e.kind == FRONT_DONE || e.kind == FRONT_RESET) {
            front_release(s->down.front, stream);
        }
    }
    s->is_pumping = false;
    s->is_ending |= step == STEP_BAD;
    return moved;
}

static void on_pump(struct downstream *d) {
    pump(LIST_ITEM(d, struct stage, down));
}

static void on_cut(struct downstream *d) {
    LIST_ITEM(d, struct stage, down)->is_cut = true;
}

static const struct downstream_ops downstream_ops = {
    .wants_flush = wants_flush, .pump = on_pump, .cut = on_cut};

static bool flush_client(struct stage *s) {
    bool moved = false;
    for (struct span out; (out = front_output(s->down.front)).n > 0;) {
        uint8_t *copy = stage_lend(out);
        size_t n = out.n;
        front_sent(s->down.front, n);
        visitor_feed(&s->client, span_of(copy, n));
        free(copy);
        moved = true;
    }
    return moved;
}

static bool read_client(struct stage *s) {
    visitor_flush(&s->client);
    struct span all = buf_span(&s->client.out);
    if (all.n == 0 || s->is_ending || !front_wants(s->down.front)) {
        return false;
    }
    struct span piece = s->conf.client_step > 0 ? span_first(all, s->conf.client_step) : all;
    uint8_t *copy = stage_lend(piece);
    size_t n = piece.n;
    buf_take(&s->client.out, n);
    s->is_ending |= front_feed(s->down.front, span_of(copy, n)) != 0;
    pump(s);
    free(copy);
    return true;
}

static void end_connection(struct stage *s, bool by_client) {
    if (s->is_closed) {
        return;
    }
    s->is_closed = true;
    downstream_end(&s->down);
    note_errors(s);
    visitor_close(&s->client, by_client   ? CLIENT_LEAVES
                              : s->is_cut ? CLIENT_SEES_RESET
                                          : CLIENT_SEES_FIN);
}

// ---- a turn -------------------------------------------------------------------------------------

static bool go_on(struct stage *s) {
    bool moved = false;
    for (struct list *n = s->parts.next; n != &s->parts; n = n->next) {
        struct part *p = LIST_ITEM(n, struct part, node);
        if (p->is_due && !p->is_given_back) {
            p->is_due = false;
            p->id = p->relay->is_begin_due ? (int32_t)p->relay->stream->id : p->id;
            moved = true;
            relay_go_on(p->relay);
        }
    }
    return moved;
}

void stage_turn(struct stage *s) {
    bool moved = true;
    while (moved && !s->is_closed) {
        moved = pump(s);
        moved |= go_on(s);
        moved |= flush_client(s);
        moved |= stage_flush_backends(s);
        moved |= stage_tell_failures(s);
        note_errors(s);
        sweep(s);
        moved |= read_client(s);
        moved |= stage_read_backends(s);
        note_errors(s);
    }
    while (s->is_closed && stage_read_backends(s)) {
    }
    bool wants_end = s->is_ending || front_phase(s->down.front) == FRONT_CLOSING;
    if (!s->is_closed && wants_end && front_output(s->down.front).n == 0) {
        end_connection(s, false);
    }
    sweep(s);
}

void stage_lose_client(struct stage *s) {
    end_connection(s, true);
}

// As conn does: what the client was sent has arrived by then.
static void look(struct stage *s) {
    struct front_clock clock = {&s->limits, s->now_ms, true};
    if (!s->is_closed) {
        front_tick(s->down.front, &clock);
        pump(s);
        downstream_tick(&s->down);
        note_errors(s);
    }
}

void stage_wait(struct stage *s, uint64_t ms) {
    uint64_t end_ms = s->now_ms + ms, look_ms = deadline_look_ms(&s->limits);
    look(s);
    while (s->now_ms < end_ms) {
        s->now_ms = end_ms - s->now_ms < look_ms ? end_ms : s->now_ms + look_ms;
        look(s);
    }
}

void stage_shut_down(struct stage *s) {
    if (!s->is_closed) {
        front_shutdown(s->down.front);
    }
}

// ---- life ---------------------------------------------------------------------------------------

static void init_front(struct stage *s) {
    h2_pool_init(&s->pool);
    h2_conf_init(&s->h2_conf);
    h1_conf_init(&s->h1_conf);
    s->h2_conf.pool = &s->pool;
    s->h2_conf.unix_time = s->h1_conf.unix_time = &s->unix_time;
    s->h2_conf.is_secure = s->h1_conf.is_secure = true;
    int error =
        s->conf.is_h2 ? h2_init(&s->engine.h2, &s->h2_conf) : h1_init(&s->engine.h1, &s->h1_conf);
    if (error != 0) {
        abort();
    }
    s->down.front = s->conf.is_h2 ? &s->engine.h2.front : &s->engine.h1.front;
    s->down.is_h2 = s->conf.is_h2;
}

static void init_gateway(struct stage *s) {
    static const struct cgi_peer peer = {.remote_addr = SPAN_INIT("192.0.2.1"),
                                         .remote_port = SPAN_INIT("1234"),
                                         .server_addr = SPAN_INIT("192.0.2.2"),
                                         .server_port = SPAN_INIT("443")};
    static const struct ip from = {4, {192, 0, 2, 1}};
    s->relay_conf.ops = &relay_ops;
    s->relay_conf.self = s->relay_conf.files_self = s;
    s->relay_conf.calls = &stage_calls;
    s->relay_conf.files = &stage_files;
    s->relay_conf.spools = (struct spool_disk){&stage_spools, s};
    s->relay_conf.metrics = &s->metrics;
    s->relay_conf.encoders = &s->encoders;
    encoders_init(&s->encoders, s->conf.compressions);
    s->listener.conf = &s->relay_conf;
    downstream_init(&s->down, &downstream_ops, &peer, &from);
    s->down.listener = &s->listener;
}

void stage_init(struct stage *s, const struct stage_conf *conf) {
    *s = (struct stage){.conf = *conf, .unix_time = 784111777, .now_ms = 1};
    list_init(&s->parts);
    list_init(&s->backends);
    list_init(&s->dead);
    arena_init(&s->arena, 1u << 20);
    buf_init(&s->errors, LIMIT);
    buf_init(&s->taught, LIMIT);
    stage_init_site(s);
    init_gateway(s);
    init_front(s);
    s->listener.queue = s->h2_conf.response_queue;
    deadline_limits_init(&s->limits);
    s->limits.ms[LIMIT_SEND] = s->limits.ms[LIMIT_BODY] = 30000;
    s->limits.rate[RATE_DOWN] = 2048;
    s->limits.rate[RATE_UP] = 500;
    s->limits.grace_ms = 60000;
    visitor_init(&s->client, conf->is_h2, conf->takes_pushes, conf->window);
    s->client.is_http10 = conf->is_http10;
    stage_turn(s);
}

void stage_fini(struct stage *s) {
    end_connection(s, true);
    sweep(s);
    front_fini(s->down.front);
    for (struct list *n; (n = list_take(&s->parts)) != NULL;) {
        struct part *p = LIST_ITEM(n, struct part, node);
        buf_fini(&p->given);
        free(p);
    }
    stage_free_backends(s);
    visitor_fini(&s->client);
    h2_pool_fini(&s->pool);
    stage_fini_site(s);
    if (s->encoders.given > 0) {
        stage_fault(s, "an encoder that nobody gives back");
    }
    encoders_fini(&s->encoders);
    if (s->spools > 0) {
        stage_fault(s, "a temporary file that nobody closes");
    }
    buf_fini(&s->errors);
    buf_fini(&s->taught);
    arena_fini(&s->arena);
}
