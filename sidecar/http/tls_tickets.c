// SPDX-License-Identifier: MIT
#include "http/tls_tickets.h"

#include "base/error.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#define NAME_LEN 16
#define SECRET_LEN 32 // of either half of the rest

// Never changed once it is published.
struct tls_tickets_keys {
    unsigned n;
    uint8_t v[TLS_TICKETS_MOST][TLS_TICKETS_KEY];
};

static void keys_free(struct tls_tickets_keys *keys) {
    if (keys != NULL) {
        OPENSSL_cleanse(keys, sizeof *keys);
        free(keys);
    }
}

static struct tls_tickets_keys *keys_new(void) {
    struct tls_tickets_keys *keys = calloc(1, sizeof *keys);
    if (keys == NULL) {
        abort();
    }
    return keys;
}

static void publish(struct tls_tickets *t, struct tls_tickets_keys *keys) {
    keys_free(t->before);
    t->before = atomic_exchange(&t->now, keys);
}

void tls_tickets_init(struct tls_tickets *t) {
    atomic_init(&t->now, NULL);
    t->before = NULL;
}

void tls_tickets_fini(struct tls_tickets *t) {
    publish(t, NULL);
    publish(t, NULL);
}

void tls_tickets_rotate(struct tls_tickets *t) {
    const struct tls_tickets_keys *old = atomic_load(&t->now);
    struct tls_tickets_keys *keys = keys_new();
    if (RAND_priv_bytes(keys->v[0], TLS_TICKETS_KEY) != 1) {
        keys_free(keys); // the old one does a little longer
        return;
    }
    keys->n = 1;
    for (unsigned i = 0; old != NULL && i < old->n && keys->n < TLS_TICKETS_MOST; i++) {
        memcpy(keys->v[keys->n++], old->v[i], TLS_TICKETS_KEY);
    }
    publish(t, keys);
}

int tls_tickets_load(struct tls_tickets *t, struct span bytes) {
    size_t n = bytes.n / TLS_TICKETS_KEY;
    if (n == 0 || n > TLS_TICKETS_MOST || bytes.n % TLS_TICKETS_KEY != 0) {
        return ERR_SYNTAX;
    }
    struct tls_tickets_keys *keys = keys_new();
    keys->n = (unsigned)n;
    memcpy(keys->v, bytes.p, bytes.n);
    publish(t, keys);
    return 0;
}

bool tls_tickets_has_keys(const struct tls_tickets *t) {
    return atomic_load(&t->now) != NULL;
}

static const uint8_t *find(const struct tls_tickets_keys *keys, const unsigned char *name,
                           unsigned *age) {
    for (*age = 0; keys != NULL && *age < keys->n; ++*age) {
        if (memcmp(keys->v[*age], name, NAME_LEN) == 0) {
            return keys->v[*age];
        }
    }
    return NULL;
}

static bool set_up(const uint8_t *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
                   EVP_MAC_CTX *mac, int encrypts) {
    uint8_t secret[SECRET_LEN];
    char digest[] = "SHA256";
    memcpy(secret, key + NAME_LEN, sizeof secret);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, sizeof secret),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    bool is_set = EVP_MAC_CTX_set_params(mac, params) == 1 &&
                  EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key + NAME_LEN + SECRET_LEN,
                                    iv, encrypts) == 1;
    OPENSSL_cleanse(secret, sizeof secret);
    return is_set;
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 0 is "no ticket" or "unknown key", 2 "renew it".
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int encrypts) {
    struct tls_tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const struct tls_tickets_keys *keys = atomic_load(&t->now);
    unsigned age = 0;
    const uint8_t *key = encrypts && keys != NULL ? keys->v[0] : find(keys, name, &age);
    if (key == NULL) {
        return 0;
    }
    if (encrypts) {
        memcpy(name, key, NAME_LEN);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) {
            return -1;
        }
    }
    return !set_up(key, iv, cipher, mac, encrypts) ? -1 : age > 0 ? 2 : 1;
}

void tls_tickets_serve(struct tls_tickets *t, SSL_CTX *x) {
    SSL_CTX_set_app_data(x, t);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(x, on_ticket);
}
