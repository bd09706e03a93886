// SPDX-License-Identifier: MIT
// What the files of server share:
//
//     server.c          the start, signals, the end
//     server_upgrade.c  another program in our place
//     server_reload.c   another configuration, or renewed certificates
#ifndef SERVER_SERVER_INSIDE_H
#define SERVER_SERVER_INSIDE_H

#include "server/admin_port.h"
#include "server/generation.h"
#include "server/manager.h"
#include "server/persistence.h"
#include "server/probe.h"
#include "server/server.h"
#include "server/spawn.h"
#include "server/tally.h"
#include "server/tickets.h"
#include "server/upgrade.h"

#define RENEWALS_MS 2000 // how often for other certificates

struct server {
    const struct config *config; // the one it was started with
    const struct server_source *source;
    struct loop loop;
    struct publisher publisher;
    struct probe probe;
    struct persistence persistence;
    struct metrics metrics;
    struct tally tally;         // what is counted here
    struct loop_watch renewals; // looks for certificates that have been renewed
    struct loop_watch memory;   // gives back what was freed
    uint64_t most_connections;  // since it did
    struct tls_tickets ticket_keys;
    struct tickets tickets;
    struct siphash_key secret;
    struct listening listening;
    struct generation_conf generation_conf;
    struct list generations; // oldest first; the last one takes new connections
    struct generation *now;  // that one
    unsigned generations_n, cut;
    int admin_fd;
    struct admin_port admin;
    struct api api;
    uv_signal_t terminate, interrupt, hangup, rotate, child, replace;
    struct manager manager;
    struct upgrade upgrade;
    bool is_ready, is_ending; // it serves; somebody has said that it is to end
    struct spawn spawn;
    int status; // that the process ends with
};

// How many workers a configuration asks for.
unsigned server_workers(const struct config *config);
// Reads the configuration again and has it served. False when it is refused (logged): the one
// before stays in use.
bool server_reload(struct server *s);
// The same for the admin endpoint: what is logged as errors is also put into *errors, a line each.
bool server_on_reload(void *self, struct buf *errors);
// SIGHUP, and the watch for renewed certificates.
void server_on_hangup(uv_signal_t *handle, int number);
void server_on_renewals(struct loop_watch *watch, uint64_t now_ms);
// SIGUSR2. Another program is started, and when it serves this one completes what it has begun.
void server_on_upgrade(uv_signal_t *handle, int number);
// The same for the admin endpoint. False: it is not started, and *errors says why.
bool server_on_asked_upgrade(void *self, struct buf *errors);
// As api.state.
const char *server_state(void *self);
void server_init_upgrade(struct server *s);

#endif
