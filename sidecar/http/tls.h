// SPDX-License-Identifier: MIT
// TLS for one server connection (OpenSSL 3) as an engine: ciphertext is fed, plaintext pulled;
// plaintext is put, ciphertext leaves. It does no I/O. OpenSSL reads straight from the fed span and
// writes straight into the output queue, so a byte is copied only by encryption itself and once
// behind it.
//
//     tls_feed(ciphertext) ──► tls_next ──► plaintext
//     tls_put(plaintext)   ──► tls_output(ciphertext) ──► tls_sent(n)
//
// The handshake needs no call of its own: tls_next makes its answers, which wait in tls_output. So
// look at tls_output after each tls_next that returned STEP_MORE or STEP_BAD (an alert).
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "base/buf.h"
#include "base/step.h"
#include "http/tls_context.h"

struct bio_method_st;
struct ssl_st;

// What the connections of one thread share: memory that only one of them needs at a time.
struct tls_pool {
    uint8_t *plain; // where tls_next decrypts to
    uint8_t *spare; // an idle output block, or NULL
    size_t spare_cap;
    struct bio_method_st *method; // how OpenSSL reads and writes
};

// Allocates nothing.
void tls_pool_init(struct tls_pool *pool);
// Frees everything. Idempotent.
void tls_pool_fini(struct tls_pool *pool);

// The answer to ALPN (RFC 7301).
enum tls_protocol {
    TLS_PROTOCOL_NONE,
    TLS_PROTOCOL_HTTP10,
    TLS_PROTOCOL_HTTP11,
    TLS_PROTOCOL_H2,
};

// All members are private; read through the functions.
struct tls {
    struct ssl_st *ssl;
    struct tls_pool *pool;
    const struct tls_context *context;
    struct span input; // fed and not yet read
    struct buf out;
    const char *why;
    struct tls_client client;
    bool is_bad, has_ended, is_closed, has_client;
};

// 0, or ERR_TLS. Borrows pool and context until tls_fini; the context may be shared by threads.
// t may not be moved.
int tls_init(struct tls *t, struct tls_context *context, struct tls_pool *pool);
// Idempotent.
void tls_fini(struct tls *t);

// Hands over received ciphertext, borrowed until tls_next says MORE. 0, or ERR_TLS once broken.
int tls_feed(struct tls *t, struct span ciphertext);
// Pulls plaintext, borrowed until the next tls_next of any connection that shares the pool.
// STEP_BAD when the peer broke the protocol or the handshake failed: tls_why says how, an alert may
// wait in tls_output.
enum step tls_next(struct tls *t, struct span *plaintext);
// Encrypts all of plaintext into the output, in records of up to 16 KiB. Only when tls_is_open.
// 0; ERR_BUF_LIMIT with nothing done when tls_room is less; ERR_TLS once broken.
int tls_put(struct tls *t, struct span plaintext);
// How many bytes of plaintext tls_put takes now.
size_t tls_room(const struct tls *t);
// Bytes to be written, borrowed until the next call on t.
struct span tls_output(const struct tls *t);
void tls_sent(struct tls *t, size_t n);

// The handshake is complete: plaintext may be put, tls_protocol is known.
bool tls_is_open(const struct tls *t);
// The peer sent close_notify: no plaintext follows.
bool tls_has_ended(const struct tls *t);
enum tls_protocol tls_protocol(const struct tls *t);
// "TLSv1.2" or "TLSv1.3", once it is open.
const char *tls_version(const struct tls *t);
// The name the client asked for (SNI); empty when it did not. Borrowed until tls_fini.
struct span tls_server_name(const struct tls *t);
// Whether a request for `host` may come on this connection (RFC 9110, 7.4): it is the name that the
// client asked for, or the certificate that it was given is good for it (tls_context_covers). A
// client that asked for no name has taken what there is.
bool tls_covers(const struct tls *t, struct span host);
// What the client has shown of itself, once it is open. Borrowed until tls_fini.
const struct tls_client *tls_shown(struct tls *t);
// The hosts, at most `most`, that a client may ask for on this connection as well, once it is open
// (tls_context_origins).
size_t tls_origins(const struct tls *t, struct span *hosts, size_t most);
// Queues close_notify, once; nothing may be put afterwards.
void tls_close(struct tls *t);
// Why it is broken: static text; "" when it is not.
const char *tls_why(const struct tls *t);

#endif
