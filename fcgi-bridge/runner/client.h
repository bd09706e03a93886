// SPDX-License-Identifier: MIT
// The protocol of one FastCGI connection as its client sees it, without I/O. It reads the records
// that libfcgi does not expose: parameters with their lengths, aborts, questions about us, a body
// that comes after its answer. What a worker gets is one clean request.
//
//     IDLE -> HEAD -> WAITS -> RUNS -> IDLE (kept) or LEAVES
#ifndef RUNNER_CLIENT_H
#define RUNNER_CLIENT_H

#include "base/buf.h"
#include "base/list.h"
#include "fcgi/reader.h"

#include <stdbool.h>
#include <stdint.h>

#define CLIENT_PIECE 32768 // most bytes to be fed at once

enum client_state {
    CLIENT_IDLE,   // between requests
    CLIENT_HEAD,   // a request has begun; its parameters are coming
    CLIENT_WAITS,  // the head is complete: a worker may have it
    CLIENT_RUNS,   // a worker has it
    CLIENT_LEAVES, // nothing more is served; closed once `out` has left
};

struct client_conf {
    uint32_t connections, requests; // what FCGI_GET_VALUES is answered with
};

struct client {
    struct list node; // for the owner: the queue
    const struct client_conf *conf;
    enum client_state state;
    struct reader reader;
    struct buf record;    // content of a short record: BEGIN_REQUEST, GET_VALUES
    struct buf params;    // content of PARAMS
    struct buf in;        // records for the worker
    struct buf out;       // records for the client
    struct reader answer; // watches the worker's records for END_REQUEST
    uint16_t id;
    bool is_wanted; // the record that is being read is for us
    bool keep, is_input_ended, has_nul, is_answered;
    uint8_t end[8]; // content of the worker's END_REQUEST
    size_t end_len;
    // The owner's:
    int fd, channel;
    bool is_unix, is_shut, is_lingering;
    int64_t since_ms, moved_ms; // of the state; of the last byte
};

void client_init(struct client *c, const struct client_conf *conf, int fd);
// Frees the buffers. Idempotent.
void client_fini(struct client *c);
// More bytes of the client may be fed now.
bool client_wants(const struct client *c);
// Bytes from the client, at most CLIENT_PIECE. False when they make no sense: close.
bool client_feed(struct client *c, struct span bytes);
// The request that waits has all of its body here, and it is so short that any pipe takes it whole.
bool client_is_short(const struct client *c);
// Puts the request's head in front of `in`, for the worker that takes it now: WAITS -> RUNS.
// False when there is no memory for it.
bool client_start(struct client *c);
// How many bytes of the worker's answer are taken now.
size_t client_room(const struct client *c);
// Bytes of the worker's answer. is_answered is true once its END_REQUEST was among them. False when
// there is no memory for them.
bool client_answer(struct client *c, struct span bytes);
// The worker is done with the request. Without END_REQUEST the connection ends, cut.
void client_end(struct client *c);
// Answers a request that no worker gets: text is a CGI answer.
void client_refuse(struct client *c, const char *text);
// The value of a parameter of a request that waits, or NULL. Borrowed.
struct span client_param(const struct client *c, const char *name);

#endif
