// SPDX-License-Identifier: MIT
// The ports of the gateway (gateway/ports.h) on one worker: memory for relays and their calls, the
// pools, the files, the clock, the learner's ring and the log.
#ifndef SERVER_RELAYS_H
#define SERVER_RELAYS_H

#include "gateway/relay.h"
#include "server/access_entries.h"
#include "server/conn.h"
#include "server/files.h"
#include "server/publisher.h"
#include "server/temporary.h"
#include "server/upstream.h"

struct relays {
    struct relay_conf conf; // for listeners to point at
    struct loop *loop;
    struct upstream *upstreams; // by site.pool
    struct publisher_worker *publisher;
    struct networks *networks; // of the clients behind fronts; NULL: they are not counted
    struct temporary temporary;
    struct access_entries access;
    struct encoders encoders;
    struct list spare; // that wait for their next use
    unsigned spare_count;
    unsigned under_way; // requests
};

// What of it the caller has made: loop, upstreams, learning, networks, the outputs of `access` and
// the folder of `temporary` are set. observer, metrics and secret of conf are the caller's to set.
// compressions: responses that are compressed at once, at most.
void relays_init(struct relays *rs, struct files *files, unsigned compressions);
void relays_fini(struct relays *rs);

// To be given to conn_conf, with a struct relay_listener as handler_self.
extern const struct conn_handler relays_handler;

#endif
