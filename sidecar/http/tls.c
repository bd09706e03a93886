// SPDX-License-Identifier: MIT
#include "http/tls.h"

#include "base/error.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#define PLAIN_LEN (32u << 10)   // bytes decrypted at once: two records
#define OUT_LIMIT (1u << 20)    // bytes of ciphertext that may wait
#define RECORD_LEN 16384u       // bytes of plaintext in a record (RFC 8446, 5.1)
#define RECORD_OVERHEAD 64u     // more than header, nonce and tag take
#define CONTROL_LEN (32u << 10) // kept free for handshake, alerts, tickets
#define SPARE_CAP (256u << 10)  // larger output blocks are not kept

void tls_pool_init(struct tls_pool *pool) {
    *pool = (struct tls_pool){0};
}

void tls_pool_fini(struct tls_pool *pool) {
    free(pool->plain);
    free(pool->spare);
    BIO_meth_free(pool->method);
    *pool = (struct tls_pool){0};
}

// The output block goes from connection to connection: as a rule one is in use at a time.
static void take_spare(struct tls *t) {
    if (t->out.p == NULL && t->pool->spare != NULL) {
        t->out.p = t->pool->spare;
        t->out.cap = t->pool->spare_cap;
        t->out.from = t->out.to = 0;
        t->pool->spare = NULL;
    }
}

static void give_spare(struct tls *t) {
    if (t->out.p == NULL || buf_len(&t->out) > 0) {
        return;
    }
    if (t->pool->spare == NULL && t->out.cap <= SPARE_CAP) {
        t->pool->spare = t->out.p;
        t->pool->spare_cap = t->out.cap;
        t->out.p = NULL;
        t->out.cap = 0;
    }
    buf_release(&t->out);
}

static int on_bio_read(BIO *bio, char *to, size_t len, size_t *n) {
    struct tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (t->input.n == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *n = len < t->input.n ? len : t->input.n;
    memcpy(to, t->input.p, *n);
    t->input = span_skip(t->input, *n);
    return 1;
}

static int on_bio_write(BIO *bio, const char *from, size_t len, size_t *n) {
    struct tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    take_spare(t);
    if (buf_put(&t->out, span_of(from, len)) != 0) {
        return 0; // not to be tried again: the peer makes us talk and does not read
    }
    *n = len;
    return 1;
}

static long on_bio_ctrl(BIO *bio, int command, long n, void *p) {
    (void)bio, (void)n, (void)p;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *method_new(void) {
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "span");
    if (m != NULL) {
        BIO_meth_set_read_ex(m, on_bio_read);
        BIO_meth_set_write_ex(m, on_bio_write);
        BIO_meth_set_ctrl(m, on_bio_ctrl);
    }
    return m;
}

static bool attach_bio(struct tls *t) {
    if (t->pool->method == NULL) {
        t->pool->method = method_new();
    }
    BIO *bio = t->pool->method == NULL ? NULL : BIO_new(t->pool->method);
    if (bio == NULL) {
        return false;
    }
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    return true;
}

int tls_init(struct tls *t, struct tls_context *context, struct tls_pool *pool) {
    *t = (struct tls){.pool = pool, .context = context, .why = ""};
    buf_init(&t->out, OUT_LIMIT);
    t->ssl = SSL_new(tls_context_find(context, span_of(NULL, 0)));
    if (t->ssl == NULL || !attach_bio(t)) {
        SSL_free(t->ssl);
        t->ssl = NULL;
        t->is_bad = true;
        t->why = "out of memory";
        return ERR_TLS;
    }
    SSL_set_accept_state(t->ssl);
    return 0;
}

void tls_fini(struct tls *t) {
    SSL_free(t->ssl);
    t->ssl = NULL;
    t->is_bad = true;
    tls_client_fini(&t->client);
    buf_fini(&t->out);
}

int tls_feed(struct tls *t, struct span ciphertext) {
    if (t->is_bad) {
        return ERR_TLS;
    }
    t->input = ciphertext;
    return 0;
}

static void fail(struct tls *t) {
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    t->is_bad = true;
    t->why = reason != NULL ? reason : "connection broken";
    t->input = span_of(NULL, 0);
}

// One record, or what is left of it. False when there is no more for now.
static bool read_record(struct tls *t, uint8_t *to, size_t room, size_t *n) {
    if (SSL_read_ex(t->ssl, to, room, n) == 1) {
        return true;
    }
    *n = 0;
    switch (SSL_get_error(t->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_ZERO_RETURN:
        t->has_ended = true;
        t->input = span_of(NULL, 0);
        break;
    default:
        fail(t);
    }
    return false;
}

enum step tls_next(struct tls *t, struct span *plaintext) {
    if (t->is_bad) {
        return STEP_BAD;
    }
    if (t->pool->plain == NULL) {
        t->pool->plain = malloc(PLAIN_LEN);
        if (t->pool->plain == NULL) {
            abort();
        }
    }
    size_t len = 0, n = 0;
    ERR_clear_error();
    while (!t->has_ended && len < PLAIN_LEN &&
           read_record(t, t->pool->plain + len, PLAIN_LEN - len, &n)) {
        len += n;
    }
    if (len > 0) {
        *plaintext = span_of(t->pool->plain, len);
        return STEP_ITEM;
    }
    return t->is_bad ? STEP_BAD : STEP_MORE;
}

size_t tls_room(const struct tls *t) {
    size_t room = buf_room(&t->out);
    if (!tls_is_open(t) || t->is_closed || room <= CONTROL_LEN) {
        return 0;
    }
    return (room - CONTROL_LEN) / (RECORD_LEN + RECORD_OVERHEAD) * RECORD_LEN;
}

int tls_put(struct tls *t, struct span plaintext) {
    if (t->is_bad || !tls_is_open(t)) {
        return ERR_TLS;
    }
    if (plaintext.n > tls_room(t)) {
        return ERR_BUF_LIMIT;
    }
    if (plaintext.n == 0) {
        return 0;
    }
    // Room for all records at once, or the block would be copied each time it grows.
    take_spare(t);
    size_t records = plaintext.n / RECORD_LEN + 1;
    if (buf_reserve(&t->out, plaintext.n + records * RECORD_OVERHEAD) == NULL) {
        return ERR_BUF_LIMIT;
    }
    size_t n = 0;
    ERR_clear_error();
    if (SSL_write_ex(t->ssl, plaintext.p, plaintext.n, &n) != 1 || n != plaintext.n) {
        fail(t);
        return ERR_TLS;
    }
    return 0;
}

struct span tls_output(const struct tls *t) {
    return buf_span(&t->out);
}

void tls_sent(struct tls *t, size_t n) {
    buf_take(&t->out, n);
    give_spare(t);
}

bool tls_is_open(const struct tls *t) {
    return !t->is_bad && SSL_is_init_finished(t->ssl);
}

bool tls_has_ended(const struct tls *t) {
    return t->has_ended;
}

enum tls_protocol tls_protocol(const struct tls *t) {
    const unsigned char *name = NULL;
    unsigned n = 0;
    if (t->ssl != NULL) {
        SSL_get0_alpn_selected(t->ssl, &name, &n);
    }
    if (span_eq(span_of(name, n), SPAN("h2"))) {
        return TLS_PROTOCOL_H2;
    }
    if (span_eq(span_of(name, n), SPAN("http/1.0"))) {
        return TLS_PROTOCOL_HTTP10;
    }
    return n > 0 ? TLS_PROTOCOL_HTTP11 : TLS_PROTOCOL_NONE;
}

const char *tls_version(const struct tls *t) {
    return t->ssl != NULL ? SSL_get_version(t->ssl) : "";
}

struct span tls_server_name(const struct tls *t) {
    return t->ssl == NULL ? span_of(NULL, 0)
                          : span_str(SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name));
}

bool tls_covers(const struct tls *t, struct span host) {
    struct span name = tls_server_name(t);
    return name.n == 0 || span_eq_nocase(name, host) ||
           tls_context_covers(t->context, SSL_get_SSL_CTX(t->ssl), host);
}

const struct tls_client *tls_shown(struct tls *t) {
    if (!t->has_client && tls_is_open(t)) {
        t->has_client = true;
        tls_client_init(&t->client, tls_sites_asked(&t->context->sites, tls_server_name(t)),
                        t->ssl);
    }
    return &t->client;
}

size_t tls_origins(const struct tls *t, struct span *hosts, size_t most) {
    return tls_context_origins(t->context, SSL_get_SSL_CTX(t->ssl), hosts, most);
}

void tls_close(struct tls *t) {
    if (!t->is_closed && tls_is_open(t)) {
        ERR_clear_error();
        SSL_shutdown(t->ssl);
    }
    t->is_closed = true;
}

const char *tls_why(const struct tls *t) {
    return t->why;
}
