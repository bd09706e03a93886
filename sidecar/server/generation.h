// SPDX-License-Identifier: MIT
// A generation: a configuration in use, with all that is made from it: router, certificates,
// networks, what the workers' pools have in common, and the workers on their threads. A reload
// starts another one on the same listening sockets; the one before then takes no more connections,
// completes what is under way, and is freed when its last worker has ended.
//
//     generation_new ─► generation_start ─► (serves) ─► generation_stop ─► on_ended:
//     generation_free
#ifndef SERVER_GENERATION_H
#define SERVER_GENERATION_H

#include "server/listening.h"
#include "server/stamp.h"
#include "server/worker.h"

struct generation;

// What outlives generations, and who hears of them. Borrowed for their life.
struct generation_conf {
    struct loop *loop; // the learner's: everything here is called on its thread
    struct publisher *publisher;
    struct metrics *metrics;
    struct tls_tickets *tickets;
    const struct siphash_key *secret;
    struct listening *listening;
    unsigned workers_n;
    // The last worker has ended: generation_free may be called.
    void (*on_ended)(struct generation *, void *self);
    void *self;
};

// A configuration that is freed with the last generation that is made from it.
struct generation_config {
    struct config config;
    unsigned generations_n;
};

struct generation {
    const struct generation_conf *conf;
    const struct config *config;
    struct generation_config *from; // what it belongs to; NULL: somebody else's
    struct list node;               // of its owner's
    struct arena arena;
    struct router router;
    bool has_tls;
    struct tls_context tls;
    struct stamp *stamps; // of what each site's certificates were read from
    struct networks networks;
    struct worker_conf worker_conf;
    struct access_output **access_outputs; // as in config->access_logs; NULL: not open
    struct upstream_shared *upstreams;     // as in config->pools
    struct worker *workers;
    unsigned started_n; // of them
    uv_async_t ended;   // a worker's thread is about to end
    bool is_over;       // all have
};

// Makes it as far as privileges may be needed: binds what is not listened on yet, reads
// certificates. Borrows config for its life; it belongs to `from`, unless that is NULL. NULL when
// that fails (logged), with nothing changed.
struct generation *generation_new(const struct generation_conf *conf, const struct config *config,
                                  struct generation_config *from);
// Frees what no generation has been made from, or the last one of it is gone.
void generation_config_free(struct generation_config *from);
// Whether a certificate, or what belongs to it, is another one than was read, or than was found by
// the last call.
bool generation_has_renewals(struct generation *g);
// Logs what is odd about its certificates. A configuration that is read tells it by itself.
void generation_tell_notes(const struct generation *g);
// Logs OCSP responses that have become too old, each once.
void generation_tell_lapsed(struct generation *g);
// Makes the workers and has them accept connections. 0, or an ERR_ (logged); then it ends, which
// on_ended tells later.
int generation_start(struct generation *g);
// From now on it takes no new connections. Harmless for one that has ended.
void generation_stop(struct generation *g, enum worker_stop how);
// Each worker that has not ended has turned its loop within that time; else its index in *stuck.
bool generation_is_alive(const struct generation *g, uint64_t within_ms, unsigned *stuck);
// How many requests were cut at the end of its drain. After on_ended.
unsigned generation_cut(const struct generation *g);
// For one that has ended or was not started. The loop must run once more.
void generation_free(struct generation *g);

#endif
