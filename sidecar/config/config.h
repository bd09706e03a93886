// SPDX-License-Identifier: MIT
// The whole configuration, checked: what a file says, or what the arguments of `outrider run` say,
// with the defaults of options.def for the rest. All errors are collected, each as
// "file:line: what and why", so that one run of `outrider check` shows them all. A configuration is
// filled once, then only read; everything in it lives in its arena.
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/deadline.h"
#include "config/args.h"
#include "config/config_errors.h"
#include "exchange/client.h"
#include "exchange/site.h"
#include "fcgi/pool.h"

// PROXY headers before the first bytes of a connection, of trusted fronts.
enum listen_proxy { LISTEN_PROXY_OFF, LISTEN_PROXY_ALLOW, LISTEN_PROXY_REQUIRE };

// Where to listen. Exactly one of host and path is set.
struct listen_conf {
    struct span text; // as written, for messages
    struct span host; // "0.0.0.0", "::", "localhost"; no brackets; zero-terminated
    uint16_t port;    // 0: any free one
    struct span path; // of a unix socket; zero-terminated
    bool is_loopback; // only this machine can connect
    bool tls;
    bool must_self_sign; // tls, and no site has a certificate: loopback only
    bool redirect;       // answers everything by a redirect to https
    uint16_t https_port; // of that redirect: the port of the first tls listener, else 443
    struct client_trust trust;
    enum listen_proxy proxy;
    bool has_origins;         // HTTP/2 clients are told of other sites of the certificate
    struct span health;       // the path that is answered for fronts; empty: none
    uint16_t mode;            // of a unix socket; 0: of its owner only
    struct span owner, group; // of a unix socket, zero-terminated; empty: as the process
};

// A program that the server starts and keeps running for a pool. The texts are zero-terminated.
struct spawn_conf {
    size_t pool;              // by its index. One without servers is served over a socket that is
                              // made at start; else the program opens what the servers name
    struct span_list command; // an absolute path, and arguments
    struct span_list env;     // "NAME=value"
    unsigned processes;
    struct span user; // empty: the one of the configuration
};

enum config_log { CONFIG_LOG_ERROR, CONFIG_LOG_WARN, CONFIG_LOG_INFO, CONFIG_LOG_DEBUG };

// What clients may hold at once: those of one network, and all. 0 is no bound.
struct config_clients {
    unsigned ipv4_prefix, ipv6_prefix; // bits of an address that name its network
    const struct ip_net *except;       // networks that only the bounds of all hold for
    size_t except_n;
    uint64_t connections, handshakes, requests, queue, orphans; // handshakes: a second
    uint64_t memory, disk, all_memory, all_disk;                // bytes
};

// How large the head of a request may be: bytes, and fields.
struct config_requests {
    uint64_t target, field, fields;
    unsigned count;
};

// The same of a response, as it comes from a pool.
struct config_responses {
    uint64_t fields;
    unsigned count;
};

struct config {
    struct arena arena;
    unsigned workers;        // 0: one for each processor
    struct span ticket_keys; // a file, zero-terminated; empty: none
    struct span temp;        // folder for bodies that wait, zero-terminated
    struct span user;        // zero-terminated; empty: stay who we are
    enum config_log log;
    struct config_requests requests;
    struct config_responses responses;
    unsigned connections;            // most of clients, of one worker
    unsigned compressions;           // responses that one worker compresses at once
    struct deadline_limits timeouts; // of clients
    uint64_t drain_timeout_ms, upgrade_timeout_ms;
    struct config_clients clients;
    const struct listen_conf *listens;
    size_t listens_n;
    const struct pool_conf *pools; // by site.pool; without servers only if it has a spawn
    size_t pools_n;
    const struct spawn_conf *spawns;
    size_t spawns_n;
    const struct span *access_logs; // where they go, each once; zero-terminated
    size_t access_logs_n;
    const struct site *sites; // the first is the default
    size_t sites_n;
    size_t learner_routes, learner_memory; // most of them; bytes
    uint64_t learner_ttl_ms;
    struct span store_path; // zero-terminated; empty: nothing is kept
    uint64_t store_flush_ms;
    bool has_admin;
    struct listen_conf admin; // if has_admin
};

// Reads a file, and looks whether the roots, certificates and keys it names are there. 0, or
// ERR_CONFIG with at least one error told. Either way config_fini is to be called. Not re-entrant:
// libconfuse's scanner is one for the process.
int config_load(struct config *c, const char *path, struct config_errors *errors);
// The same from memory; `name` stands in the errors for the file.
int config_parse(struct config *c, const char *name, struct span text,
                 struct config_errors *errors);
// The configuration of a single site from arguments; errors name the argument ("--root: ...").
int config_args(struct config *c, const struct config_args *args, struct config_errors *errors);
// Idempotent.
void config_fini(struct config *c);

#endif
