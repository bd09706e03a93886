// SPDX-License-Identifier: MIT
#include "http/tls_sites.h"

#include "http/tls_pem.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct tls_site {
    const struct tls_client_conf *conf;
    X509_STORE *store; // whom it believes; NULL: nobody is asked
    STACK_OF(X509_NAME) * authorities;
    uint8_t digest[TLS_SITES_DIGEST]; // of all that
};

static void *must(void *p) {
    if (p == NULL) {
        abort();
    }
    return p;
}

static void site_fini(struct tls_site *site) {
    X509_STORE_free(site->store);
    sk_X509_NAME_pop_free(site->authorities, X509_NAME_free);
}

void tls_sites_fini(struct tls_sites *s) {
    for (size_t i = 0; i < s->n; i++) {
        site_fini(&s->v[i]);
    }
    free(s->v);
    tls_names_fini(&s->names);
    *s = (struct tls_sites){.n = 0};
}

// ---- files --------------------------------------------------------------------------------------

static STACK_OF(X509_INFO) * read_file(const char *path) {
    BIO *file = tls_pem_open(path);
    STACK_OF(X509_INFO) *all = file != NULL ? PEM_X509_INFO_read_bio(file, NULL, NULL, NULL) : NULL;
    BIO_free(file);
    ERR_clear_error();
    return all;
}

static void mix(struct tls_site *site, const uint8_t *digest, unsigned n) {
    uint8_t both[TLS_SITES_DIGEST + EVP_MAX_MD_SIZE];
    memcpy(both, site->digest, TLS_SITES_DIGEST);
    memcpy(both + TLS_SITES_DIGEST, digest, n);
    EVP_Digest(both, TLS_SITES_DIGEST + n, site->digest, NULL, EVP_sha256(), NULL);
}

static bool take_authority(struct tls_site *site, X509 *x) {
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    X509_NAME *name = X509_NAME_dup(X509_get_subject_name(x));
    if (name == NULL || sk_X509_NAME_push(site->authorities, name) <= 0) {
        X509_NAME_free(name);
        return false;
    }
    X509_digest(x, EVP_sha256(), digest, &n);
    mix(site, digest, n);
    return X509_STORE_add_cert(site->store, x) == 1;
}

static bool take_list(struct tls_site *site, X509_CRL *list) {
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    X509_CRL_digest(list, EVP_sha256(), digest, &n);
    mix(site, digest, n);
    return X509_STORE_add_crl(site->store, list) == 1;
}

static const char *read_authorities(struct tls_site *site, const char *path) {
    STACK_OF(X509_INFO) *all = read_file(path);
    const char *why = all == NULL ? "it cannot be read" : NULL;
    unsigned found = 0;
    for (int i = 0; why == NULL && i < sk_X509_INFO_num(all); i++) {
        X509 *x = sk_X509_INFO_value(all, i)->x509;
        found += x != NULL;
        why = x == NULL || take_authority(site, x) ? NULL : "a certificate in it cannot be used";
    }
    sk_X509_INFO_pop_free(all, X509_INFO_free);
    return why != NULL || found > 0 ? why : "there is no certificate in PEM form in it";
}

static const char *read_lists(struct tls_site *site, const char *path) {
    STACK_OF(X509_INFO) *all = read_file(path);
    const char *why = all == NULL ? "it cannot be read" : NULL;
    unsigned found = 0;
    for (int i = 0; why == NULL && i < sk_X509_INFO_num(all); i++) {
        X509_CRL *list = sk_X509_INFO_value(all, i)->crl;
        found += list != NULL;
        why = list == NULL || take_list(site, list) ? NULL : "a list in it cannot be used";
    }
    sk_X509_INFO_pop_free(all, X509_INFO_free);
    X509_STORE_set_flags(site->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return why != NULL || found > 0 ? why : "there is no list (X509 CRL) in PEM form in it";
}

// Whoever is in the file is believed, be it a root or not.
static const char *site_open(struct tls_site *site, const char **path) {
    const struct tls_client_conf *conf = site->conf;
    uint8_t rules[2] = {(uint8_t)conf->mode, (uint8_t)conf->depth};
    site->store = must(X509_STORE_new());
    site->authorities = must(sk_X509_NAME_new_null());
    X509_STORE_set_flags(site->store, X509_V_FLAG_PARTIAL_CHAIN);
    mix(site, rules, sizeof rules);
    *path = (const char *)conf->authorities.p;
    const char *why = read_authorities(site, *path);
    if (why == NULL && conf->revoked.n > 0) {
        *path = (const char *)conf->revoked.p;
        why = read_lists(site, *path);
    }
    ERR_clear_error();
    return why;
}

const char *tls_sites_add(struct tls_sites *s, const struct tls_client_conf *conf,
                          const struct span *names, size_t names_n, const char **path) {
    struct tls_site site = {.conf = conf};
    const char *why = conf->mode != TLS_CLIENT_OFF ? site_open(&site, path) : NULL;
    if (why != NULL) {
        site_fini(&site);
        return why;
    }
    s->v = must(realloc(s->v, (s->n + 1) * sizeof *s->v));
    for (size_t i = 0; i < names_n; i++) {
        tls_names_put(&s->names, names[i], s->n);
    }
    s->v[s->n++] = site;
    return NULL;
}

void tls_sites_seal(struct tls_sites *s) {
    tls_names_sort(&s->names);
}

// ---- handshakes ---------------------------------------------------------------------------------

// The site that the router would choose; NULL: there are none.
static const struct tls_site *find(const struct tls_sites *s, struct span name) {
    size_t i = tls_names_find(&s->names, name);
    return s->n > 0 ? &s->v[i == TLS_NAMES_NONE ? 0 : i] : NULL;
}

// What is wrong stays in the SSL's verify result, and the handshake goes on.
static int on_verify(int is_good, X509_STORE_CTX *context) {
    (void)is_good, (void)context;
    return 1;
}

void tls_sites_ask(const struct tls_sites *s, SSL *ssl, struct span name) {
    const struct tls_site *site = find(s, name);
    if (site == NULL || site->store == NULL) {
        SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
        return;
    }
    SSL_set_verify(ssl, SSL_VERIFY_PEER, on_verify);
    SSL_set_verify_depth(ssl, (int)site->conf->depth);
    SSL_set1_verify_cert_store(ssl, site->store);
    SSL_set0_CA_list(ssl, SSL_dup_CA_list(site->authorities));
}

const struct tls_client_conf *tls_sites_asked(const struct tls_sites *s, struct span name) {
    const struct tls_site *site = find(s, name);
    return site != NULL && site->store != NULL ? site->conf : NULL;
}

bool tls_sites_open_name(const struct tls_sites *s, size_t i, struct span *name) {
    size_t site;
    if (i >= s->names.n) {
        return false;
    }
    struct span text = tls_names_at(&s->names, i, &site);
    *name = s->v[site].store == NULL ? text : span_of(NULL, 0);
    return true;
}

bool tls_sites_digest(const struct tls_sites *s, struct span name, uint8_t *digest) {
    uint8_t bytes[TLS_SITES_DIGEST + TLS_NAME_MOST];
    const struct tls_site *site = find(s, name);
    struct span known = span_first(name, TLS_NAME_MOST);
    memset(bytes, 0, TLS_SITES_DIGEST);
    if (site != NULL) {
        memcpy(bytes, site->digest, TLS_SITES_DIGEST);
    }
    for (size_t i = 0; i < known.n; i++) {
        bytes[TLS_SITES_DIGEST + i] = span_lower_byte(known.p[i]);
    }
    return EVP_Digest(bytes, TLS_SITES_DIGEST + known.n, digest, NULL, EVP_sha256(), NULL) == 1;
}
