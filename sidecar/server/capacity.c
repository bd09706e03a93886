// SPDX-License-Identifier: MIT
#include "server/capacity.h"

#include "server/backend.h"
#include "server/listen_queue.h"
#include "server/log.h"
#include "server/upstream_address.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LOOK_MS 20 // several times a window of the rule

static const struct pool_server_conf *server_conf(const struct upstream *u, unsigned server) {
    return &u->conf->servers[server];
}

// Who is alone at a server is not evidence of anything.
static bool is_alone(const struct upstream *u, unsigned server) {
    return pool_share_held(&u->shared->share, server) < 2;
}

// How much the kernel has of what we have written and nobody has read (unix(7), SIOCOUTQ).
static int left_of(const struct backend *b) {
    uv_os_fd_t fd;
    int left = 0;
    bool is_known = uv_fileno(&b->io.handle, &fd) == 0 && ioctl(fd, SIOCOUTQ, &left) == 0;
    return is_known ? left : 0;
}

struct span capacity_piece(const struct backend *b, struct span out) {
    bool is_first = !list_is_empty(&b->unread) && b->left == 0 && out.n > FCGI_CONN_END_LEN;
    return is_first ? span_first(out, out.n - FCGI_CONN_END_LEN) : out;
}

// What was written first may have been read already: then there is not more now than there was.
void capacity_sent(struct backend *b) {
    if (!list_is_empty(&b->unread)) {
        int left = left_of(b);
        if (left <= b->left) {
            list_drop(&b->unread);
        }
        b->left = left;
    }
}

// How many requests of each server are late, into `late`.
static void count_late(struct capacity *c, unsigned *late) {
    uint64_t now_ms = loop_now_ms(c->upstream->loop);
    for (struct list *n = c->sent.next, *next; n != &c->sent; n = next) {
        struct backend *b = LIST_ITEM(n, struct backend, unread);
        next = n->next;
        if (now_ms - b->sent_ms < POOL_CAP_LATE_MS) {
            return; // nor is any behind it
        }
        if (b->left > 0 && left_of(b) < b->left) {
            list_drop(n);
        } else {
            late[b->server] += b->left > 0;
        }
    }
}

// Trials by one or two, and back, are not worth a line each.
static bool is_news(const struct capacity_shared *s) {
    return s->cap.most < s->logged || s->cap.most >= s->logged * 2;
}

static void tell(struct upstream *u, unsigned server, struct capacity_shared *s) {
    char address[256];
    if (is_news(s)) {
        log_line(LOG_INFO,
                 "pool \"%.*s\": %s is given %u requests at once, as many as it was seen to "
                 "execute (%u before)",
                 SPAN_ARG(u->conf->name),
                 log_escape(server_conf(u, server)->address, address, sizeof address), s->cap.most,
                 s->logged);
        s->logged = s->cap.most;
    }
}

static void count(struct capacity *c, uint64_t by) {
    metrics_add(c->upstream->metrics, METRIC_SLOT_POOL_LEARNED, by);
    c->counted += by;
}

// Of all workers. Under the lock.
static unsigned add_late(struct capacity *c, unsigned server, unsigned late) {
    struct capacity_shared *s = &c->upstream->shared->capacities[server];
    s->unread += late - c->unread[server];
    c->unread[server] = late;
    return s->unread;
}

// Under the lock.
static void look_at(struct capacity *c, unsigned server, unsigned unread) {
    struct upstream *u = c->upstream;
    struct pool_share *share = &u->shared->share;
    struct capacity_shared *s = &u->shared->capacities[server];
    unsigned was = s->cap.most;
    struct pool_cap_view view = {.held = pool_share_held(share, server),
                                 .unread = unread,
                                 .is_wanted = atomic_load(&share->waiting) > 0 &&
                                              pool_share_is_full(share, server)};
    if (pool_cap_look(&s->cap, &view, loop_now_ms(u->loop))) {
        pool_share_limit(share, server, s->cap.most);
        count(c, (uint64_t)s->cap.most - was);
        tell(u, server, s);
    }
}

static void look(struct capacity *c) {
    struct upstream *u = c->upstream;
    unsigned late[POOL_SERVERS_MAX] = {0};
    count_late(c, late);
    uv_mutex_lock(&u->shared->lock);
    for (unsigned i = 0; i < u->conf->server_count; i++) {
        if (server_conf(u, i)->is_unix) {
            look_at(c, i, add_late(c, i, late[i]));
        } else if (!is_alone(u, i)) {
            int queued = listen_queue_len(c->queues, &u->addresses[i].to.any);
            if (queued >= 0) {
                look_at(c, i, (unsigned)queued);
            }
        }
    }
    uv_mutex_unlock(&u->shared->lock);
}

static bool has_ended(const struct capacity *c) {
    bool may_queue = c->queues >= 0 && c->upstream->pool.active > 0;
    return list_is_empty(&c->sent) && !may_queue &&
           atomic_load(&c->upstream->shared->share.waiting) == 0;
}

static void on_look(uv_timer_t *timer) {
    struct capacity *c = timer->data;
    look(c);
    upstream_next(c->upstream); // there may be more room now
    if (has_ended(c)) {
        uv_timer_stop(timer);
    }
}

void capacity_watch(struct capacity *c) {
    if (c->is_learning && !uv_is_active((uv_handle_t *)&c->timer)) {
        uv_timer_start(&c->timer, on_look, LOOK_MS, LOOK_MS);
    }
}

void capacity_put(struct capacity *c, struct backend *b) {
    struct upstream *u = c->upstream;
    if (!c->is_learning || is_alone(u, b->server)) {
        return;
    }
    if (server_conf(u, b->server)->is_unix) {
        b->sent_ms = loop_now_ms(u->loop);
        list_put(&c->sent, &b->unread);
    }
    capacity_watch(c);
}

// One of the workers counts what all began with.
void capacity_init(struct capacity *c, struct upstream *u) {
    *c = (struct capacity){.upstream = u, .is_learning = pool_conf_learns(u->conf), .queues = -1};
    list_init(&c->sent);
    c->unread = calloc(u->conf->server_count, sizeof *c->unread);
    if (c->unread == NULL) {
        abort();
    }
    if (c->is_learning && u->pool.member == 0) {
        count(c, (uint64_t)u->conf->connections * u->conf->server_count);
    }
    for (size_t i = 0; i < u->conf->server_count && c->is_learning && c->queues < 0; i++) {
        c->queues = server_conf(u, (unsigned)i)->is_unix ? -1 : listen_queue_open();
    }
    uv_timer_init(&u->loop->uv, &c->timer);
    uv_unref((uv_handle_t *)&c->timer);
    c->timer.data = c;
}

void capacity_close(struct capacity *c) {
    count(c, -c->counted);
    uv_close((uv_handle_t *)&c->timer, NULL);
}

void capacity_fini(struct capacity *c) {
    if (c->queues >= 0) {
        close(c->queues);
    }
    free(c->unread);
}
