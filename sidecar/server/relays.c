// SPDX-License-Identifier: MIT
#include "server/relays.h"

#include "server/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define SPARE_MOST 256 // relays kept for their next use
#define NAME_LEN 256   // bytes of a request as the log names it

// A relay with what its ports keep for it.
struct slot {
    struct relay relay;
    struct relays *relays;
    struct call call;
    struct loop_task free, go_on;
    char name[NAME_LEN]; // made only when a line is written about it
};

static struct slot *slot_of(struct relay *r) {
    return LIST_ITEM(r, struct slot, relay);
}

// ---- memory -------------------------------------------------------------------------------------

static void on_free(struct loop_task *task) {
    struct slot *s = LIST_ITEM(task, struct slot, free);
    struct relays *rs = s->relays;
    if (rs->spare_count < SPARE_MOST) {
        rs->spare_count++;
        list_put(&rs->spare, &s->relay.node);
    } else {
        free(s);
    }
}

static void on_go_on(struct loop_task *task) {
    relay_go_on(&LIST_ITEM(task, struct slot, go_on)->relay);
}

static struct relay *take(void *self) {
    struct relays *rs = self;
    struct list *spare = list_take(&rs->spare);
    struct slot *s =
        spare != NULL ? slot_of(LIST_ITEM(spare, struct relay, node)) : malloc(sizeof *s);
    if (s == NULL) {
        abort();
    }
    rs->spare_count -= spare != NULL;
    rs->under_way++;
    s->relays = rs;
    s->relay.call = &s->call;
    list_init(&s->free.node);
    list_init(&s->go_on.node);
    s->free.run = on_free;
    s->go_on.run = on_go_on;
    s->name[0] = 0;
    s->call.server = NULL;
    return &s->relay;
}

static void give_back(struct relay *r) {
    struct slot *s = slot_of(r);
    s->relays->under_way--;
    list_drop(&s->go_on.node);
    loop_put(s->relays->loop, LOOP_SWEEP, &s->free);
}

// Behind the heads of this turn; then those who have much to pack let others go first.
static void go_on_later(struct relay *r) {
    struct slot *s = slot_of(r);
    loop_put(s->relays->loop, LOOP_WORK, &s->go_on);
}

// ---- clock, learner, log ------------------------------------------------------------------------

static uint64_t now_us(void *self) {
    (void)self;
    return loop_now_us();
}

static bool learn(void *self, struct span evidence) {
    const struct relays *rs = self;
    return publisher_put(rs->publisher, evidence);
}

// "GET host/path"
static const char *name_of(struct slot *s) {
    if (s->name[0] == 0) {
        const struct request *q = &s->relay.stream->request;
        char method[32], authority[80], target[120];
        snprintf(s->name, sizeof s->name, "%s %s%s", log_escape(q->method, method, sizeof method),
                 log_escape(q->authority, authority, sizeof authority),
                 log_escape(q->target, target, sizeof target));
    }
    return s->name;
}

static void write_log(struct relay *r, enum relay_level level, const char *words, const char *why) {
    static const enum log_level levels[] = {
        [RELAY_INFO] = LOG_INFO, [RELAY_WARN] = LOG_WARN, [RELAY_ERROR] = LOG_ERROR};
    log_line_of(words, levels[level], "%s: %s%s%s", name_of(slot_of(r)), words,
                why != NULL ? ": " : "", why != NULL ? why : "");
}

static struct budget_share *hold(void *self, const struct ip *client) {
    const struct relays *rs = self;
    return rs->networks != NULL ? networks_take(rs->networks, client) : NULL;
}

// Once: it would come with each request.
static void claimed(void *self, enum forwarded_field field) {
    static atomic_flag has_told = ATOMIC_FLAG_INIT;
    (void)self;
    if (!atomic_flag_test_and_set(&has_told)) {
        log_line(LOG_WARN,
                 "a request came with %s, but its sender is not trusted, so it was ignored. If a "
                 "front stands before Outrider, name it in its listen section, for example: "
                 "trusted = { \"127.0.0.1\" }",
                 forwarded_field_name(field));
    }
}

// Once: who tries out names would fill the log.
static void stranger(void *self, struct span host) {
    static atomic_flag has_told = ATOMIC_FLAG_INIT;
    char text[80];
    (void)self;
    if (!atomic_flag_test_and_set(&has_told)) {
        log_line(LOG_WARN,
                 "a page was asked for at \"%s\", which is no name of any site: such pages are "
                 "served, but nothing is learned of them, and they are not hinted. Add the name to "
                 "aliases, or give it by --name; or let the front pass on the Host field that it "
                 "was sent",
                 log_escape(host, text, sizeof text));
    }
}

static void log_access(struct relay *r, const struct site *site) {
    struct slot *s = slot_of(r);
    access_entries_put(&s->relays->access, r, &s->call, site->access_log);
}

static const struct relay_ops ops = {.take = take,
                                     .give_back = give_back,
                                     .go_on_later = go_on_later,
                                     .now_us = now_us,
                                     .learn = learn,
                                     .hold = hold,
                                     .let_go = networks_release,
                                     .claimed = claimed,
                                     .stranger = stranger,
                                     .access = log_access,
                                     .log = write_log};

// ---- calls --------------------------------------------------------------------------------------

static const char *on_call_name(struct call *call) {
    return name_of(LIST_ITEM(call, struct slot, call));
}

static void on_call_event(struct call *call, const struct exchange_event *event) {
    relay_on_answer(&LIST_ITEM(call, struct slot, call)->relay, event);
}

static void on_call_room(struct call *call) {
    relay_on_room(&LIST_ITEM(call, struct slot, call)->relay);
}

static bool is_timed(const struct access_log *log) {
    return log != NULL && (access_log_has(log, ENTRY_QUEUE) || access_log_has(log, ENTRY_CONNECT) ||
                           access_log_has(log, ENTRY_THINK));
}

static void start(struct relay *r, const struct call_request *q) {
    struct slot *s = slot_of(r);
    s->call = (struct call){
        .params = q->params,
        .arena = q->arena,
        .body_len = q->body_len,
        .is_safe = q->is_safe,
        .is_timed = is_timed(exchange_site(&r->exchange)->access_log),
        .share = q->share,
        .name = on_call_name,
        .on_event = on_call_event,
        .on_room = on_call_room,
    };
    upstream_call(&s->relays->upstreams[q->pool], &s->call);
}

static bool is_placed(const struct call *call) {
    return call->backend != NULL;
}

static const struct call_ops calls = {.start = start,
                                      .is_placed = is_placed,
                                      .room = call_room,
                                      .keeps_up = call_keeps_up,
                                      .body = call_body,
                                      .body_end = call_body_end,
                                      .pause = call_pause,
                                      .abort = call_abort};

// ---- connections --------------------------------------------------------------------------------

static void on_open(struct downstream *d, void *listener) {
    d->listener = listener;
}

const struct conn_handler relays_handler = {
    .on_open = on_open,
    .on_event = relay_on_event,
    .on_close = downstream_end,
    .on_tick = downstream_tick,
    .is_asking = downstream_is_asking,
};

// ---- life ---------------------------------------------------------------------------------------

void relays_init(struct relays *rs, struct files *files, unsigned compressions) {
    list_init(&rs->spare);
    rs->spare_count = rs->under_way = 0;
    rs->conf.ops = &ops;
    rs->conf.self = rs;
    rs->conf.calls = &calls;
    rs->conf.files = &files_ops;
    rs->conf.files_self = files;
    rs->conf.spools = temporary_disk(&rs->temporary);
    rs->conf.encoders = &rs->encoders;
    encoders_init(&rs->encoders, compressions);
    rs->access.loop = rs->loop;
    access_entries_init(&rs->access);
}

void relays_fini(struct relays *rs) {
    encoders_fini(&rs->encoders);
    access_entries_fini(&rs->access);
    for (struct list *n; (n = list_take(&rs->spare)) != NULL;) {
        free(slot_of(LIST_ITEM(n, struct relay, node)));
    }
}
