// SPDX-License-Identifier: MIT
// The keys of session tickets (RFC 8446, 4.6.1; RFC 5077), shared by all threads: the newest
// encrypts, it and the two before it decrypt. Who steals a key reads what was resumed with it, so
// none lives long. Keys come from chance, or from a file that several machines share.
//
//     key = name(16) HMAC-SHA256-key(32) AES-256-CBC-key(32)     ; what nginx reads, too
#ifndef HTTP_TLS_TICKETS_H
#define HTTP_TLS_TICKETS_H

#include "base/span.h"

#include <stdatomic.h>

#define TLS_TICKETS_MOST 3  // keys that are good at a time
#define TLS_TICKETS_KEY 80u // bytes of one

struct ssl_ctx_st;
struct tls_tickets_keys;

struct tls_tickets {
    _Atomic(struct tls_tickets_keys *) now; // what handshakes read
    struct tls_tickets_keys *before;        // what a handshake under way may still read
};

// No keys: no tickets are given.
void tls_tickets_init(struct tls_tickets *t);
void tls_tickets_fini(struct tls_tickets *t);
// Makes a new key the one that encrypts, and forgets the oldest. One thread at a time may call this
// or tls_tickets_load, and not twice within the duration of a callback of OpenSSL.
void tls_tickets_rotate(struct tls_tickets *t);
// Takes the keys of a file in place of all others: one to three, the first encrypts. 0, or
// ERR_SYNTAX for another length.
int tls_tickets_load(struct tls_tickets *t, struct span bytes);
bool tls_tickets_has_keys(const struct tls_tickets *t);
// Lets a context use them; borrows t for the context's life.
void tls_tickets_serve(struct tls_tickets *t, struct ssl_ctx_st *x);

#endif
