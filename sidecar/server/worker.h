// SPDX-License-Identifier: MIT
// One worker: a thread with a loop of its own, its listening sockets (SO_REUSEPORT), its client
// connections, its connections to the backends and its caches. Workers share nothing that is
// written, but for the ring to the learner.
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "config/config.h"
#include "server/acceptor.h"
#include "server/relays.h"

// A listening socket as the worker uses it.
struct worker_listener {
    struct worker *worker;
    struct acceptor acceptor;
    struct conn_conf conns;
    struct relay_listener relay; // what its connections share
};

// What of other counters has been added to the metrics.
struct worker_counts {
    uint64_t visits, refused, cut, spared, readers, pages_by[LEARN_REASONS];
};

// How it ends; a later one may follow on an earlier one.
enum worker_stop {
    WORKER_RUNS,
    WORKER_LEAVES, // others take its place: clients have time to come to an end
    WORKER_STOPS,  // the server stops: who asks for nothing is closed soon
    WORKER_CUTS,   // at once, whatever is under way
};

// What all workers are made from. Borrowed for their life.
struct worker_conf {
    const struct config *config;
    const struct router *router;
    struct tls_context *tls; // NULL when nobody listens with TLS
    struct publisher *publisher;
    struct metrics *metrics;
    struct networks *networks;                   // of all workers
    struct upstream_shared *upstreams;           // as in config->pools
    struct access_output *const *access_outputs; // as in config->access_logs
    const struct siphash_key *secret;
};

struct worker {
    const struct worker_conf *conf;
    struct loop loop;
    struct worker_listener *listeners; // as in config->listens
    struct upstream *upstreams;        // as in config->pools
    struct files files;
    struct relays relays;
    struct observer observer;
    struct holdback *holdbacks; // as in config->sites
    struct loop_watch watch;    // tells visits that are over
    struct worker_counts counted;
    size_t listeners_n, upstreams_n; // that are open
    struct h2_pool h2_pool;
    struct tls_pool tls_pool;
    uv_async_t stop;
    uv_timer_t drained;        // looks whether the last connection is gone
    uv_mutex_t stop_lock;      // of the next two
    bool is_stoppable;         // `stop` is open
    enum worker_stop wants;    // what others have asked for
    enum worker_stop stopping; // what it does
    uint64_t stop_by_ms;
    unsigned cut; // requests that were under way at the end of the drain
    uv_thread_t thread;
    _Atomic uint64_t alive_ms; // when its loop turned last, about
    _Atomic bool has_ended;    // its loop is over
    uv_async_t *ended;         // of the main loop, told when it is
};

// Makes the worker on its listening sockets, one a listener of the configuration, which become its
// own. 0, or an ERR_ that has been logged; then nothing is left.
int worker_init(struct worker *w, const struct worker_conf *conf, unsigned index, const int *fds);
// Runs it on a thread. 0, or a libuv error.
int worker_start(struct worker *w);
// For one that was not started: undoes worker_init.
void worker_undo(struct worker *w);
// Its loop has turned within that time. From any thread, while it has not ended.
bool worker_is_alive(const struct worker *w, uint64_t now_ms, uint64_t within_ms);
// From the learner's thread: takes no new connections, ends those that are open when they have
// what they have asked for, or after drain-timeout; then ends the thread.
void worker_stop(struct worker *w, enum worker_stop how);
// Waits for the thread, then frees. On the learner's thread, as worker_init.
void worker_fini(struct worker *w);

#endif
