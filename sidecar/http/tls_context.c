// SPDX-License-Identifier: MIT
#include "http/tls_context.h"

#include "base/error.h"
#include "http/tls_pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define NOTES_MOST (64u << 10) // bytes of all notes; more are not made

static void *must(void *p) {
    if (p == NULL) {
        abort();
    }
    return p;
}

void tls_context_init(struct tls_context *c, bool has_h2, struct tls_tickets *tickets) {
    *c = (struct tls_context){.has_h2 = has_h2, .tickets = tickets};
    buf_init(&c->notes, NOTES_MOST);
}

void tls_context_fini(struct tls_context *c) {
    for (size_t i = 0; i < c->certificates_n; i++) {
        SSL_CTX_free(c->certificates[i]);
    }
    free(c->certificates);
    tls_names_fini(&c->names);
    tls_sites_fini(&c->sites);
    tls_ocsp_fini(&c->ocsp);
    buf_fini(&c->notes);
    tls_context_init(c, c->has_h2, c->tickets);
}

const char *tls_context_why(const struct tls_context *c) {
    return c->why;
}

struct span tls_context_notes(const struct tls_context *c) {
    return buf_span(&c->notes);
}

// RFC 7301, 3.1: a list of names with their lengths before them.
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                   const unsigned char *offered, unsigned offered_n, void *self) {
    (void)ssl;
    const unsigned char *mine = self;
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_n, mine, (unsigned)strlen((const char *)mine), offered,
                              offered_n) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int on_server_name(SSL *ssl, int *alert, void *self) {
    (void)alert;
    const struct tls_context *c = self;
    struct span name = span_str(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    SSL_CTX *found = tls_context_find(c, name);
    if (found != SSL_get_SSL_CTX(ssl)) {
        SSL_set_SSL_CTX(ssl, found);
    }
    tls_sites_ask(&c->sites, ssl, name);
    return SSL_TLSEXT_ERR_OK;
}

// ServerNameList of one host_name (RFC 6066, 3): two lengths, a zero, the length of the name.
static struct span find_name(SSL *ssl) {
    const unsigned char *p = NULL;
    size_t n = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n) != 1 || n < 5 ||
        p[2] != TLSEXT_NAMETYPE_host_name || ((size_t)p[3] << 8 | p[4]) + 5 != n) {
        return span_of(NULL, 0);
    }
    return span_of(p + 5, n - 5);
}

// A ticket is good for the name that it was given for only, whichever certificate that has: what
// was resumed would else speak for another site. This callback comes before tickets are looked at.
static int on_client_hello(SSL *ssl, int *alert, void *self) {
    (void)alert;
    const struct tls_context *c = self;
    uint8_t digest[TLS_SITES_DIGEST];
    bool is_set = tls_sites_digest(&c->sites, find_name(ssl), digest) &&
                  SSL_set_session_id_context(ssl, digest, sizeof digest) == 1;
    return is_set ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

static bool set_rules(SSL_CTX *x, struct tls_context *c) {
    static const unsigned char with_h2[] = "\x02h2\x08http/1.1\x08http/1.0",
                               without_h2[] = "\x08http/1.1\x08http/1.0";
    const unsigned char *alpn = c->has_h2 ? with_h2 : without_h2;
    SSL_CTX_set_options(x, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(x, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(x, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(x, c->tickets != NULL ? 1 : 0);
    SSL_CTX_set_max_early_data(x, 0);
    SSL_CTX_set_alpn_select_cb(x, on_alpn, (void *)(uintptr_t)alpn);
    SSL_CTX_set_tlsext_servername_callback(x, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(x, c);
    SSL_CTX_set_client_hello_cb(x, on_client_hello, c);
    if (c->tickets != NULL) {
        tls_tickets_serve(c->tickets, x);
    }
    return SSL_CTX_set_min_proto_version(x, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_session_id_context(x, (const unsigned char *)"outrider", 8) == 1 &&
           SSL_CTX_set1_groups_list(x, "X25519:P-256:P-384") == 1 &&
           SSL_CTX_set_ciphersuites(x, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                       "TLS_CHACHA20_POLY1305_SHA256") == 1 &&
           SSL_CTX_set_cipher_list(x, "ECDHE+AESGCM:ECDHE+CHACHA20:!PSK:!aNULL") == 1;
}

static const char *reason(void) {
    unsigned long code = ERR_peek_error();
    if (ERR_SYSTEM_ERROR(code)) {
        return strerror(ERR_GET_REASON(code));
    }
    bool has_no_start =
        ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    if (has_no_start || ERR_GET_LIB(code) == ERR_LIB_OSSL_DECODER) {
        return "nothing of that kind in PEM form in it";
    }
    const char *text = ERR_reason_error_string(code);
    return text != NULL ? text : "the TLS library does not say why";
}

static int refuse(struct tls_context *c, const char *what, const char *path, const char *why) {
    snprintf(c->why, sizeof c->why, "%s \"%s\": %s", what, path, why);
    ERR_clear_error();
    return ERR_CONFIG;
}

// RFC 6125, 6.4: what the certificate itself says it is for.
static void add_names_of(struct tls_context *c, X509 *x, size_t certificate) {
    GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        if (name->type == GEN_DNS) {
            tls_names_put(&c->names,
                          span_of(ASN1_STRING_get0_data(name->d.dNSName),
                                  (size_t)ASN1_STRING_length(name->d.dNSName)),
                          certificate);
        }
    }
    GENERAL_NAMES_free(all);
}

static void keep(struct tls_context *c, SSL_CTX *x, const struct span *names, size_t names_n) {
    size_t certificate = c->certificates_n;
    c->certificates = must(realloc(c->certificates, (certificate + 1) * sizeof(SSL_CTX *)));
    c->certificates[c->certificates_n++] = x;
    for (size_t i = 0; i < names_n; i++) {
        tls_names_put(&c->names, names[i], certificate);
    }
    add_names_of(c, SSL_CTX_get0_certificate(x), certificate);
    c->is_sealed = false;
}

static const char *key_reason(void) {
    unsigned long code = ERR_peek_last_error();
    bool is_other =
        ERR_GET_LIB(code) == ERR_LIB_X509 && (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
                                              ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH);
    return is_other ? "it does not belong to the certificate" : reason();
}

// A key of another kind than the certificate's is loaded all the same, and stands alone then.
static bool is_pair(const SSL_CTX *x) {
    return SSL_CTX_get0_certificate(x) != NULL && SSL_CTX_check_private_key(x) == 1;
}

// The server's own certificate comes first; what is signed by the one before it is no part of a
// chain above it.
static bool is_upside_down(SSL_CTX *x) {
    STACK_OF(X509) *chain = NULL;
    X509 *first = SSL_CTX_get0_certificate(x);
    SSL_CTX_get0_chain_certs(x, &chain);
    for (int i = 0; first != NULL && i < sk_X509_num(chain); i++) {
        X509 *next = sk_X509_value(chain, i);
        if (X509_check_issued(first, next) == X509_V_OK &&
            X509_check_issued(next, first) != X509_V_OK) {
            return true;
        }
    }
    return false;
}

static void note(struct tls_context *c, const char *what, const char *path, const char *why) {
    char text[TLS_WHY_LEN];
    int n = snprintf(text, sizeof text, "%s \"%s\": %s\n", what, path, why);
    if (n > 0 && (size_t)n < sizeof text) {
        buf_put(&c->notes, span_of(text, (size_t)n));
    }
}

// Less than a tenth of its life is left: whoever renews it should have done so.
static bool is_old(const X509 *x) {
    int days, seconds, left, left_s;
    const ASN1_TIME *from = X509_get0_notBefore(x), *to = X509_get0_notAfter(x);
    return ASN1_TIME_diff(&days, &seconds, from, to) == 1 &&
           ASN1_TIME_diff(&left, &left_s, NULL, to) == 1 &&
           (left * INT64_C(86400) + left_s) * 10 < days * INT64_C(86400) + seconds;
}

void tls_context_note_name(struct tls_context *c, const char *path, struct span name) {
    char text[TLS_WHY_LEN];
    bool is_pattern = span_index(name, '*') < name.n;
    if (!is_pattern && X509_check_host(c->last, (const char *)name.p, name.n, 0, NULL) == 0) {
        snprintf(text, sizeof text,
                 "it is not for \"%.*s\": browsers refuse that name; have it added to the "
                 "certificate",
                 SPAN_ARG(name));
        note(c, "certificate", path, text);
    }
}

static void note_age(struct tls_context *c, X509 *x, const char *path) {
    if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0) {
        note(c, "certificate", path, "it has expired");
    } else if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0) {
        note(c, "certificate", path, "it is not valid yet, or the clock is wrong");
    } else if (is_old(x)) {
        note(c, "certificate", path, "it expires soon: it has not been renewed");
    }
}

// ---- files --------------------------------------------------------------------------------------

static int load_files(struct tls_context *c, SSL_CTX *x, const char *certificate_path,
                      const char *key_path) {
    bool is_locked = false;
    if (!tls_pem_chain(x, certificate_path)) {
        return refuse(c, "certificate", certificate_path, reason());
    }
    if (is_upside_down(x)) {
        return refuse(c, "certificate", certificate_path,
                      "it is upside down: the server's own comes first, then who signed it");
    }
    c->last = SSL_CTX_get0_certificate(x);
    note_age(c, c->last, certificate_path);
    ERR_clear_error();
    if (!tls_pem_key(x, key_path, &is_locked)) {
        return refuse(c, "key", key_path, is_locked ? "it is encrypted" : key_reason());
    }
    return is_pair(x) ? 0 : refuse(c, "key", key_path, "it does not belong to the certificate");
}

static SSL_CTX *context_new(struct tls_context *c) {
    ERR_clear_error();
    SSL_CTX *x = SSL_CTX_new(TLS_server_method());
    if (x != NULL && set_rules(x, c)) {
        return x;
    }
    SSL_CTX_free(x);
    refuse(c, "library", "OpenSSL", reason());
    return NULL;
}

int tls_context_add_files(struct tls_context *c, const char *certificate_path, const char *key_path,
                          const struct span *names, size_t names_n) {
    SSL_CTX *x = context_new(c);
    int rv = x == NULL ? ERR_CONFIG : load_files(c, x, certificate_path, key_path);
    if (rv != 0) {
        SSL_CTX_free(x);
        return rv;
    }
    keep(c, x, names, names_n);
    return 0;
}

// There is one place for each kind of key: a second one of a kind would take the first one's.
static bool has_kind(SSL_CTX *x, int kind) {
    bool is_set = SSL_CTX_set_current_cert(x, SSL_CERT_SET_FIRST) == 1;
    while (is_set && EVP_PKEY_get_base_id(SSL_CTX_get0_privatekey(x)) != kind) {
        is_set = SSL_CTX_set_current_cert(x, SSL_CERT_SET_NEXT) == 1;
    }
    return is_set;
}

int tls_context_add_beside(struct tls_context *c, const char *certificate_path,
                           const char *key_path) {
    SSL_CTX *x = c->certificates[c->certificates_n - 1];
    if (has_kind(x, tls_pem_kind(certificate_path))) {
        return refuse(c, "certificate", certificate_path,
                      "there is one of that kind of key already: give one RSA, one ECDSA");
    }
    int rv = load_files(c, x, certificate_path, key_path);
    if (rv == 0) {
        add_names_of(c, SSL_CTX_get0_certificate(x), c->certificates_n - 1);
        c->is_sealed = false;
    }
    SSL_CTX_set_current_cert(x, SSL_CERT_SET_FIRST);
    return rv;
}

void tls_context_staple(struct tls_context *c, const char *path) {
    SSL_CTX *x = c->certificates[c->certificates_n - 1];
    bool is_must = tls_ocsp_is_must(c->last), is_set = true;
    SSL_CTX_set_current_cert(x, SSL_CERT_SET_FIRST);
    while (is_set && SSL_CTX_get0_certificate(x) != c->last) {
        is_set = SSL_CTX_set_current_cert(x, SSL_CERT_SET_NEXT) == 1;
    }
    const char *why = path[0] != 0 ? tls_ocsp_add(&c->ocsp, x, path) : NULL;
    if (why != NULL) {
        note(c, "ocsp", path, why);
    }
    if (is_must && (why != NULL || path[0] == 0)) {
        char name[TLS_NAME_MOST + 1] = "";
        X509_NAME_get_text_by_NID(X509_get_subject_name(c->last), NID_commonName, name,
                                  sizeof name);
        note(c, "certificate of", name,
             "it demands an OCSP response (must-staple), or browsers refuse it");
    }
    SSL_CTX_set_current_cert(x, SSL_CERT_SET_FIRST);
}

int tls_context_serve(struct tls_context *c, const struct tls_client_conf *conf,
                      const struct span *names, size_t names_n) {
    const char *path = "";
    const char *why = tls_sites_add(&c->sites, conf, names, names_n, &path);
    bool is_list = conf->revoked.n > 0 && path == (const char *)conf->revoked.p;
    return why == NULL ? 0 : refuse(c, is_list ? "client-crl" : "client-ca", path, why);
}

int tls_context_add(struct tls_context *c, X509 *certificate, EVP_PKEY *key,
                    const struct span *names, size_t names_n) {
    SSL_CTX *x = context_new(c);
    if (x == NULL || SSL_CTX_use_certificate(x, certificate) != 1 ||
        SSL_CTX_use_PrivateKey(x, key) != 1 || !is_pair(x)) {
        SSL_CTX_free(x);
        return refuse(c, "certificate", "in memory", reason());
    }
    keep(c, x, names, names_n);
    return 0;
}

int tls_context_seal(struct tls_context *c) {
    if (c->certificates_n == 0) {
        snprintf(c->why, sizeof c->why, "no certificate");
        return ERR_CONFIG;
    }
    tls_names_sort(&c->names);
    tls_sites_seal(&c->sites);
    c->is_sealed = true;
    if (c->tickets != NULL && !tls_tickets_has_keys(c->tickets)) {
        tls_tickets_rotate(c->tickets);
    }
    return 0;
}

SSL_CTX *tls_context_find(const struct tls_context *c, struct span name) {
    size_t i = tls_names_find(&c->names, name);
    return c->certificates[i == TLS_NAMES_NONE ? 0 : i];
}

static bool is_for(X509 *certificate, struct span name) {
    return X509_check_host(certificate, (const char *)name.p, name.n, 0, NULL) == 1;
}

bool tls_context_covers(const struct tls_context *c, SSL_CTX *x, struct span name) {
    struct span host = span_first(name, TLS_NAME_MOST);
    return tls_context_find(c, name) == x ||
           (host.n > 0 && is_for(SSL_CTX_get0_certificate(x), host));
}

size_t tls_context_origins(const struct tls_context *c, SSL_CTX *x, struct span *names,
                           size_t most) {
    size_t n = 0;
    struct span name;
    for (size_t i = 0; n < most && tls_sites_open_name(&c->sites, i, &name); i++) {
        if (name.n > 0 && tls_context_find(c, name) == x &&
            is_for(SSL_CTX_get0_certificate(x), name)) {
            names[n++] = name;
        }
    }
    return n;
}
