// SPDX-License-Identifier: MIT
// Carries out what an exchange decides: between the front of the client's connection on one side
// and an upstream call or a file on the other. Here, too, is the back-pressure: a response is read
// only as fast as the client takes it, a request's body only as fast as the backend does. It does
// no I/O: what it needs of the world are ports (gateway/ports.h), and the time is given by them.
//
//     front events ─► relay ─► exchange ─► commands ─► front, call, file, learner
#ifndef GATEWAY_RELAY_H
#define GATEWAY_RELAY_H

#include "base/siphash.h"
#include "exchange/exchange.h"
#include "gateway/budget.h"
#include "gateway/downstream.h"
#include "gateway/encoders.h"
#include "gateway/ports.h"
#include "gateway/relay_client.h"
#include "gateway/spool.h"
#include "metrics/metrics.h"

// What the relays of one worker share. Borrowed by each.
struct relay_conf {
    const struct relay_ops *ops;
    void *self; // of ops
    const struct call_ops *calls;
    const struct file_ops *files;
    void *files_self; // of files
    struct spool_disk spools;
    struct observer *observer;
    struct metrics_worker *metrics;
    const struct siphash_key *secret;
    struct encoders *encoders;
};

// What the connections of one listener share besides.
struct relay_listener {
    struct relay_conf *conf;
    size_t queue; // bytes of a response that a front queues: front_room of an empty stream
    struct client_trust trust; // whose word about its clients is believed
    struct exchange_conf exchange;
};

// An event of the connection's front, in order. After FRONT_DONE and FRONT_RESET the caller
// releases the stream.
void relay_on_event(struct downstream *d, const struct front_event *e);
// What a backend answers: INTERIM, HEAD, BODY, END or FAILED; END and FAILED are the last.
void relay_on_answer(struct relay *r, const struct exchange_event *e);
// The call takes more of the request's body.
void relay_on_room(struct relay *r);
// The moment that relay_ops.go_on_later asked for has come.
void relay_go_on(struct relay *r);
// Hands visits that are over to the learner, at most so many.
void relay_tell_visits(struct relay_conf *conf, unsigned most);

// Below: for the files of the relay.

#define RELAY_PIECE (64u << 10)  // bytes of a body that are given at a time
#define RELAY_PACKED (16u << 10) // bytes of a file that are compressed at a time: 0.1 to 0.6 ms
#define RELAY_HELD_MOST                                                                            \
    (256u << 10) // bytes of an unbuffered request's body held for a busy backend

struct relay {
    struct list node; // in downstream->relays
    struct relay_conf *conf;
    struct downstream *down;
    struct front_stream *stream; // NULL once the front has let go of it
    struct relay_client client;
    struct exchange exchange;
    struct call *call; // the port's; it works while has_call
    struct file_response file;
    struct spool held; // of the request's body, not yet taken by the backend
    struct spool kept; // of the response's body, not yet taken by the client
    struct buf last;   // the piece of it that no disk could be found for
    size_t unconsumed; // bytes of the request's body that the front has not been told of
    bool has_call, has_file, is_call_ended, wants_call_end, wants_finish, is_acting;
    bool is_begin_due;          // the request of a push is to be answered yet
    struct encoder *encoder;    // of a response that is being compressed, or NULL
    bool is_counted;            // its error is in the metrics
    bool is_decided;            // and so is what was decided about its hints
    uint64_t put;               // bytes of the response's body that the front was given
    struct budget_share *share; // of the client's network: what is counted there
    bool is_held;               // by this relay: it is not the connection's
    int refusal;                // ERR_ of a bound that was reached before it came, or 0
    bool is_excess;             // twice as much as it may hold was there before
    bool is_trimmed;            // only what the log needs is left of the request
    int status, error;          // of the final head, and what failed; 0: none
    uint64_t head_us;           // when that head was given
    unsigned pushed;            // pushes that were promised
    bool is_sent;               // the client has all of the response
    uint64_t memory, disk;      // bytes of each
};

// Hands the exchange an event and carries out what it has to say; when that is being done further
// out, it is done there.
void relay_put(struct relay *r, const struct exchange_event *event);
// The client is gone, or has all it gets: nothing of the relay may be touched after this turn.
void relay_end(struct relay *r);
// The request can not be answered as it should: an error page, or a broken response.
void relay_fail(struct relay *r, int error);
// An error is told on its way from the backend to the client more than once, and counted once.
void relay_count_error(struct relay *r, int error);
// Lets go of the call or the file.
void relay_drop_backend(struct relay *r);
// A backend works on the request, or is to.
bool relay_is_asking(const struct relay *r);

static inline void relay_log(struct relay *r, enum relay_level level, const char *words,
                             const char *why) {
    r->conf->ops->log(r, level, words, why);
}

#endif
