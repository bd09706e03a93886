// SPDX-License-Identifier: MIT
// The networks that clients come from, each with its share of the budget (gateway/budget.h), in one
// table for all workers: a lock when a connection opens and closes, none for its requests, but
// those of a front, which are of one network each. Networks that hold nothing are remembered for a
// while, for the rate of their handshakes; the table is bounded by the connections, and its keys
// are keyed hashes.
//
// Those that are excepted (proxies that speak for many clients, unix sockets) have one share
// together, without bounds of its own.
#ifndef SERVER_NETWORKS_H
#define SERVER_NETWORKS_H

#include "base/ip.h"
#include "base/list.h"
#include "base/siphash.h"
#include "config/config.h"
#include "gateway/budget.h"

#include <uv.h>

#define NETWORKS_SHARDS 1024 // of the table, a lock each
#define NETWORKS_IDLE 16     // networks remembered a shard that hold nothing

struct networks_shard {
    uv_mutex_t lock;
    struct list used; // that somebody holds
    struct list idle; // and that nobody does, least recently used first
    unsigned idle_count;
};

struct networks {
    const struct config_clients *conf;
    struct siphash_key secret;
    struct budget budget;
    struct budget_share excepted;
    struct networks_shard shards[NETWORKS_SHARDS];
};

// Borrows conf until networks_fini.
void networks_init(struct networks *n, const struct config_clients *conf,
                   const struct siphash_key *secret);
void networks_fini(struct networks *n);
// A connection from that address, which begins a TLS handshake or does not. 0 with the share of its
// network, held until networks_leave; or the ERR_ of the bound that is reached.
int networks_enter(struct networks *n, const struct ip *from, bool has_handshake, uint64_t now_us,
                   struct budget_share **share);
void networks_leave(struct budget_share *share);
// The share of an address's network, for a request that a front brings: held until
// networks_release. Counts no connection.
struct budget_share *networks_take(struct networks *n, const struct ip *from);
// Holds a share for longer than the connection it came from. NULL is nobody's.
void networks_hold(struct budget_share *share);
void networks_release(struct budget_share *share);

#endif
