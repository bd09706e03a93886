// SPDX-License-Identifier: MIT
#include "gateway/relay_budget.h"

#include "base/error.h"

#define UNIT (16u << 10)      // bytes that memory is counted in: an ordinary request counts once
#define STREAM_OWN (2u << 10) // bytes about that a front has of its own for a stream
#define NAME_LEN 128          // bytes of a target
#define FIELD_LEN 128         // bytes of a field that the access log names

// ---- counting -----------------------------------------------------------------------------------

static void set(struct relay *r, enum budget_kind kind, uint64_t *counted, uint64_t now) {
    if (now > *counted) {
        budget_add(r->share, kind, now - *counted);
    } else {
        budget_put(r->share, kind, *counted - now);
    }
    *counted = now;
}

static uint64_t queued(const struct relay *r) {
    size_t most = r->down->listener->queue;
    size_t room = front_room(r->down->front, r->stream);
    return room < most ? most - room : 0;
}

void relay_budget_see(struct relay *r) {
    uint64_t memory = sizeof *r + STREAM_OWN + r->stream->arena.used + r->held.memory.cap +
                      r->kept.memory.cap + r->last.cap + queued(r) +
                      (r->encoder != NULL ? encoder_memory(r->encoder) : 0);
    uint64_t disk = r->held.file_to + r->kept.file_to;
    memory = (memory + UNIT - 1) / UNIT * UNIT;
    if (memory != r->memory || disk != r->disk) { // seldom
        set(r, BUDGET_MEMORY, &r->memory, memory);
        set(r, BUDGET_DISK, &r->disk, disk);
    }
}

// 0, or the ERR_ of a bound of which `times` as much is reached.
static int check(const struct relay *r, unsigned times) {
    int err = budget_check(r->share, BUDGET_MEMORY, times);
    return err == 0 ? budget_check(r->share, BUDGET_REQUESTS, times) : err;
}

// Through a front come requests of many networks.
static void find_share(struct relay *r) {
    const struct relay_ops *ops = r->conf->ops;
    r->is_held = r->client.is_vouched && ops->hold != NULL;
    r->share = r->is_held ? ops->hold(r->conf->self, &r->client.ip) : r->down->share;
}

void relay_budget_begin(struct relay *r) {
    find_share(r);
    r->memory = r->disk = 0;
    r->is_trimmed = false;
    int err = check(r, 1);
    r->refusal = err != 0 ? err : r->refusal;
    r->is_excess = err != 0 && check(r, 2) != 0;
    budget_add(r->share, BUDGET_REQUESTS, 1);
    relay_budget_see(r);
}

void relay_budget_end(struct relay *r) {
    set(r, BUDGET_MEMORY, &r->memory, 0);
    set(r, BUDGET_DISK, &r->disk, 0);
    budget_put(r->share, BUDGET_REQUESTS, 1);
    if (r->is_held) {
        r->conf->ops->let_go(r->share);
    }
}

// ---- refusing -----------------------------------------------------------------------------------

bool relay_budget_admits(struct relay *r) {
    if (r->refusal == 0) {
        return true;
    }
    relay_log(r, RELAY_WARN, error_row(r->refusal)->text, NULL);
    relay_count_error(r, r->refusal);
    if (r->is_excess) {
        front_reset(r->down->front, r->stream, r->refusal);
    }
    return !r->is_excess;
}

// What the access log says of it besides, of a long value its beginning.
static void keep_fields(struct pairs *to, struct arena *a, const struct pairs *from) {
    static const struct span names[] = {SPAN_INIT("referer"), SPAN_INIT("user-agent")};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct span *value = pairs_find(from, names[i]);
        struct span kept = value != NULL ? arena_copy(a, span_first(*value, FIELD_LEN)) : *names;
        if (value != NULL && (kept.p == NULL || pairs_put(to, a, names[i], kept) != 0)) {
            return; // the line has a dash there
        }
    }
}

// What the log calls a request: of a long target its beginning.
static void keep_name(struct front_stream *s, bool has_access_log) {
    struct arena old = s->arena;
    struct request *q = &s->request;
    struct pairs fields = q->fields;
    arena_init(&s->arena, old.budget);
    *q = (struct request){.method = arena_copy(&s->arena, q->method),
                          .authority = arena_copy(&s->arena, q->authority),
                          .target = arena_copy(&s->arena, span_first(q->target, NAME_LEN)),
                          .protocol = q->protocol,
                          .is_secure = q->is_secure,
                          .body_len = q->body_len};
    if (has_access_log) {
        keep_fields(&q->fields, &s->arena, &fields);
    }
    arena_fini(&old);
}

void relay_budget_trim(struct relay *r) {
    if (exchange_is_done(&r->exchange) && !r->has_call && !r->has_file && !r->is_trimmed) {
        r->is_trimmed = true;
        const struct site *site = exchange_site(&r->exchange);
        keep_name(r->stream, site != NULL && site->access_log != NULL);
        relay_budget_see(r);
    }
}

// ---- bodies -------------------------------------------------------------------------------------

size_t relay_budget_memory(const struct relay *r, size_t most) {
    return budget_check(r->share, BUDGET_MEMORY, 1) == 0 ? most : 0;
}

uint64_t relay_budget_disk(const struct relay *r, const struct spool *spool, uint64_t most) {
    uint64_t room = budget_room(r->share, BUDGET_DISK);
    return room < most && spool->file_to + room < most ? spool->file_to + room : most;
}

int relay_budget_disk_error(const struct relay *r, uint64_t n) {
    int err = budget_take(r->share, BUDGET_DISK, n);
    if (err == 0) { // another has just given some back
        budget_put(r->share, BUDGET_DISK, n);
        err = ERR_SPOOL_ALL;
    }
    return err;
}
