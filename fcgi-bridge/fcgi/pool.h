// SPDX-License-Identifier: MIT
// Which server of a pool takes a request, who waits, and which connections are kept: decisions
// only, no sockets, the caller's clock (milliseconds, monotonic).
//
// A PHP-FPM worker is occupied by its connection, not by its request: also while the connection is
// idle, and until the client closes it. Therefore kept connections are few (none by default; on a
// unix socket they gain nothing), requests executing at a server are limited below its number of
// workers, and the others wait here, in order and bounded, where the wait can be seen and ended.
// A slot taken is given back when the server is known to be free again: if a request is abandoned,
// the script may run on, so the caller may keep the slot until the peer closes.
//
// Each worker thread has a pool of its own; slots and the order of those that wait are common to
// all of them (pool_share.h).
#ifndef FCGI_POOL_H
#define FCGI_POOL_H

#include "base/list.h"
#include "fcgi/pool_address.h"
#include "fcgi/pool_share.h"

#define POOL_SERVERS_MAX 64 // a set of them is a word
#define POOL_FAULTS 8       // URLs remembered of the last faults of a server

struct pool_conf {
    struct span name;
    const struct pool_server_conf *servers;
    size_t server_count;           // at least 1
    unsigned keepalive;            // idle connections kept, per server; 0: none
    unsigned connections;          // requests executing at once, per server; 0: no limit
    bool is_auto;                  // nobody has said so: it was found out, or guessed
    unsigned children;             // processes that its servers may have; 0: not known
    unsigned queue;                // requests waiting, of all workers; 0: none waits
    unsigned max_fails;            // failures that take a server out; at least 1
    uint64_t fail_timeout_ms;      // within which they count, and for which it stays out
    uint64_t connect_timeout_ms;   // the caller's: until a connection is made
    uint64_t queue_timeout_ms;     // a waiter is expired after it
    uint64_t think_timeout_ms;     // the caller's: until the final head
    uint64_t idle_timeout_ms;      // the caller's: between pieces of a response
    uint64_t total_timeout_ms;     // the caller's: from the request to the end; 0: no limit
    uint64_t keepalive_timeout_ms; // an idle connection is aged out after it
    struct span root;              // where the servers see the files of a site; empty: where we do
};

// What became of a request, for the server's health.
enum pool_outcome {
    POOL_GOOD,    // it answered, whatever the status
    POOL_FAILED,  // no connection, or it refused: whatever had been asked
    POOL_FAULTY,  // what it answered is no answer, is cut short or late: perhaps only of this URL
    POOL_NEUTRAL, // says nothing about the server: the client went away
};

struct pool_server {
    unsigned active, fails, idle_count;
    uint64_t first_fail_ms, down_until_ms;
    uint64_t faults[POOL_FAULTS]; // keys of the URLs of its last faults
    unsigned faults_n;
    bool has_grant;   // the slot just taken is that of a kept connection
    struct list idle; // of struct pool_idle, least recently used first
};

// Member of a request that waits; on no list (list_init) at first.
struct pool_waiter {
    struct list node;
    uint64_t deadline_ms;
    uint64_t tried;  // as in pool_take; set before pool_wait
    unsigned server; // set by pool_next
};

// Member of a connection that is kept; on no list (list_init) at first.
struct pool_idle {
    struct list node;
    uint64_t since_ms;
};

struct pool {
    struct pool_conf conf;
    struct pool_share *share;
    unsigned member; // whose pool it is, in the share
    struct pool_server *servers;
    unsigned turn; // where the search for the least loaded begins
    unsigned waiting, active;
    struct list waiters; // first come first
};

enum pool_verdict { POOL_TAKEN, POOL_WAIT };

// Nobody knows how many processes its servers have: it is to be learned (pool_cap.h).
bool pool_conf_learns(const struct pool_conf *conf);

// Copies conf but borrows what it points to until fini, and the share, which has room for all
// servers; member is who of it this is.
void pool_init(struct pool *p, const struct pool_conf *conf, struct pool_share *share,
               unsigned member);
// All waiters and idle connections must be off before (asserted). Idempotent.
void pool_fini(struct pool *p);

// Takes a slot at the least loaded server that is not out. `tried` has a bit (1 << server) for each
// that has failed for this request: these are taken only if there is no other. POOL_TAKEN with
// *server; POOL_WAIT when the request must wait (pool_wait) or be given up; ERR_QUEUE_FULL when it
// may not even wait. Who comes now never overtakes who waits, at whatever worker.
int pool_take(struct pool *p, uint64_t now_ms, uint64_t tried, unsigned *server);
// Gives the slot back; then call pool_next, and pool_pass.
void pool_put(struct pool *p, unsigned server);
// What became of a request, for the server's health. Of a POOL_FAULTY one `key` is the URL, hashed:
// one URL that fails for ever is one failure.
void pool_judge(struct pool *p, unsigned server, enum pool_outcome outcome, uint64_t key,
                uint64_t now_ms);
// The server is out: failures within fail_timeout_ms reached max_fails.
bool pool_is_down(const struct pool *p, unsigned server, uint64_t now_ms);

// Puts a request at the end of the queue, after POOL_WAIT.
void pool_wait(struct pool *p, struct pool_waiter *w, uint64_t now_ms);
// Puts one that had been let go back to its place, before all others of this worker.
void pool_wait_first(struct pool *p, struct pool_waiter *w, uint64_t now_ms);
// Takes a waiter off that is no longer interested; nothing if it does not wait.
void pool_leave(struct pool *p, struct pool_waiter *w);
// Takes the first waiter off with a slot for it (w->server), or NULL. To be called until NULL after
// pool_put, after pool_wait, when the share wakes this worker, and from a timer while anybody waits
// (a server may come back). `in_turn`: nobody at another worker is passed by.
struct pool_waiter *pool_next(struct pool *p, uint64_t now_ms, bool in_turn);
// Wakes the worker whose turn it is, if it is another and there may be a slot for it.
void pool_pass(struct pool *p);
// Takes a waiter off whose deadline has come (answer: ERR_QUEUE_TIMEOUT), or NULL.
struct pool_waiter *pool_expired(struct pool *p, uint64_t now_ms);

// Keeps a connection, whose slot was given back; gives the one that must be closed instead (this
// one, or the one unused for longest), or NULL.
struct pool_idle *pool_keep(struct pool *p, unsigned server, struct pool_idle *c, uint64_t now_ms);
// Takes the most recently used kept connection of the server, or NULL. To be asked directly after a
// slot was taken: kept and active connections together stay within `connections`.
struct pool_idle *pool_reuse(struct pool *p, unsigned server);
// Takes off a connection that was kept for keepalive_timeout_ms, to be closed, or NULL.
struct pool_idle *pool_aged(struct pool *p, uint64_t now_ms);
// Takes off a kept connection, to be closed, whose place another worker waits for; or NULL.
struct pool_idle *pool_shed(struct pool *p);
// Takes off a kept connection that the peer closed.
void pool_forget(struct pool *p, unsigned server, struct pool_idle *c);
// When pool_expired, pool_aged or (for a server that comes back) pool_next needs a call;
// UINT64_MAX: never.
uint64_t pool_deadline(const struct pool *p, uint64_t now_ms);

#endif
