// SPDX-License-Identifier: MIT
// Carries out what an exchange decides: between the front of the client's connection on one side
// and an upstream call or a file on the other. Here, too, is the back-pressure: a response is read
// only as fast as the client takes it, a request's body only as fast as the backend does.
//
//     front events ─► relay ─► exchange ─► commands ─► front, call, file, learner
#ifndef SERVER_RELAY_H
#define SERVER_RELAY_H

#include "base/siphash.h"
#include "exchange/exchange.h"
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
    struct teaching *teaching;
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
// Hands visits that are over to the learner, at most so many.
void relay_tell_visits(struct relay_conf *conf, unsigned most);

// Below: for the files of the relay.

#define RELAY_PIECE (64u << 10) // bytes of a body that are given at a time
#define RELAY_HELD_MOST                                                                            \
    (256u << 10)           // bytes of an unbuffered request's body held for a busy backend
#define RELAY_NAME_LEN 256 // bytes of a request as the log names it

struct relay {
    struct list node; // in conn->requests
    struct loop_task free, push;
    struct relay_conf *conf;
    struct conn *conn;
    struct front_stream *stream; // NULL once the front has let go of it
    struct exchange exchange;
    struct call call;
    struct file_response file;
    struct spool held; // of the request's body, not yet taken by the backend
    struct spool kept; // of the response's body, not yet taken by the client
    struct buf last;   // the piece of it that no disk could be found for
    size_t unconsumed; // bytes of the request's body that the front has not been told of
    bool has_call, has_file, is_call_ended, wants_call_end, wants_finish, is_acting;
    bool is_counted;  // its error is in the metrics
    bool is_decided;  // and so is what was decided about its hints
    uint64_t body_ms; // when the last of the request's body came
    uint64_t put;     // bytes of the response's body that the front was given
    uint64_t taken;   // how many of them had left it at taken_ms, the last time some had
    uint64_t taken_ms;
    char name[RELAY_NAME_LEN];
};

// Carries out what the exchange has to say; nothing when that is being done further out.
void relay_act(struct relay *r);
// The request can not be answered as it should: an error page, or a broken response.
void relay_fail(struct relay *r, int error);
// Lets go of the call or the file.
void relay_drop_backend(struct relay *r);
// An error is told on its way from the backend to the client more than once, and counted once.
void relay_count_error(struct relay *r, int error);
// "GET host/path" for the log, made only when a line is written about it.
const char *relay_name(struct relay *r);

#endif
