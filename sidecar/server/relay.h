// SPDX-License-Identifier: MIT
// Carries out what an exchange decides: between the front of the client's connection on one side
// and an upstream call or a file on the other. Here, too, is the back-pressure: a response is read
// only as fast as the client takes it, a request's body only as fast as the backend does.
//
//     front events ─► relay ─► exchange ─► commands ─► front, call, file, learner
#ifndef SERVER_RELAY_H
#define SERVER_RELAY_H

#include "exchange/exchange.h"
#include "hints/siphash.h"
#include "metrics/metrics.h"
#include "server/conn.h"
#include "server/files.h"
#include "server/learning.h"
#include "server/spool.h"
#include "server/upstream.h"

// What the relays of one worker share. Borrowed by each.
struct relay_conf {
    struct loop *loop;
    struct upstream *upstreams; // by site.pool
    struct files *files;
    struct learning_worker *learning;
    struct metrics_worker *metrics;
    const struct siphash_key *secret;
    const char *temp;  // folder for bodies that wait
    struct list spare; // relays that wait for their next use
    unsigned spare_count;
};

// What the connections of one listener share besides: conn_conf.handler_self.
struct relay_listener {
    struct relay_conf *conf;
    struct exchange_conf exchange;
};

// To be given to conn_conf, with a struct relay_listener as handler_self.
extern const struct conn_handler relay_handler;

void relay_conf_init(struct relay_conf *conf);
void relay_conf_fini(struct relay_conf *conf);

#endif
