// SPDX-License-Identifier: MIT
#include "http/tls_ocsp.h"

#include "http/tls_pem.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define RESPONSE_MOST (64 << 10) // bytes of a response; usual ones have 500 to 2000
#define SKEW_S 300               // by which clocks may differ
#define STATUS_REQUEST 5         // TLS feature status_request (RFC 6066, 8)

struct tls_ocsp_response {
    X509 *own; // whose it is
    char *path;
    unsigned char *der;
    int n;
    ASN1_GENERALIZEDTIME *until; // its nextUpdate
    bool is_told;                // that it is too old
};

void tls_ocsp_fini(struct tls_ocsp *o) {
    for (size_t i = 0; i < o->n; i++) {
        X509_free(o->v[i].own);
        free(o->v[i].path);
        OPENSSL_free(o->v[i].der);
        ASN1_GENERALIZEDTIME_free(o->v[i].until);
    }
    free(o->v);
    *o = (struct tls_ocsp){NULL, 0};
}

// ---- the file -----------------------------------------------------------------------------------

static OCSP_RESPONSE *parse(const unsigned char *bytes, int n) {
    const unsigned char *p = bytes;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, n);
    if (response != NULL && p != bytes + n) {
        OCSP_RESPONSE_free(response);
        return NULL;
    }
    return response;
}

static const char *read_file(const char *path, OCSP_RESPONSE **out) {
    static const char too_large[] = "it is larger than a response";
    unsigned char *bytes = malloc(RESPONSE_MOST + 1);
    BIO *file = bytes != NULL ? tls_pem_open(path) : NULL;
    const char *why = NULL;
    if (file == NULL) {
        free(bytes);
        ERR_clear_error();
        return "it cannot be read";
    }
    int n = 0, more;
    while (n <= RESPONSE_MOST && (more = BIO_read(file, bytes + n, RESPONSE_MOST + 1 - n)) > 0) {
        n += more;
    }
    *out = n <= RESPONSE_MOST ? parse(bytes, n) : NULL;
    if (*out == NULL) {
        why = n > RESPONSE_MOST ? too_large : "it is no OCSP response in DER form";
    }
    BIO_free(file);
    free(bytes);
    ERR_clear_error();
    return why;
}

// ---- what it says -------------------------------------------------------------------------------

static X509 *find_issuer(SSL_CTX *x, X509 *own) {
    STACK_OF(X509) *chain = NULL;
    SSL_CTX_get0_chain_certs(x, &chain);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        if (X509_check_issued(sk_X509_value(chain, i), own) == X509_V_OK) {
            return sk_X509_value(chain, i);
        }
    }
    return NULL;
}

// Only the issuer is believed, or whom it has given a certificate for this purpose.
static bool is_signed_by(OCSP_BASICRESP *basic, X509 *issuer) {
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *known = sk_X509_new_null();
    bool is = store != NULL && known != NULL && sk_X509_push(known, issuer) > 0 &&
              X509_STORE_add_cert(store, issuer) == 1 &&
              X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
              OCSP_basic_verify(basic, known, store, 0) == 1;
    sk_X509_free(known);
    X509_STORE_free(store);
    return is;
}

// The authority chooses by which digest it names a certificate.
static bool is_about(const OCSP_SINGLERESP *single, X509 *own, X509 *issuer) {
    ASN1_OBJECT *digest = NULL;
    OCSP_CERTID *id = (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single), *mine = NULL;
    if (OCSP_id_get0_info(NULL, &digest, NULL, NULL, id) == 1) {
        const EVP_MD *md = EVP_get_digestbyobj(digest);
        mine = md != NULL ? OCSP_cert_to_id(md, own, issuer) : NULL;
    }
    bool is = mine != NULL && OCSP_id_cmp(id, mine) == 0;
    OCSP_CERTID_free(mine);
    return is;
}

static OCSP_SINGLERESP *find_single(OCSP_BASICRESP *basic, X509 *own, X509 *issuer) {
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        if (is_about(single, own, issuer)) {
            return single;
        }
    }
    return NULL;
}

static const char *why_not_now(OCSP_SINGLERESP *single, ASN1_GENERALIZEDTIME **until) {
    ASN1_GENERALIZEDTIME *from = NULL;
    int status = OCSP_single_get0_status(single, NULL, NULL, &from, until);
    if (status == V_OCSP_CERTSTATUS_REVOKED) {
        return "it says that the certificate is revoked";
    }
    if (status != V_OCSP_CERTSTATUS_GOOD) {
        return "it does not know the certificate";
    }
    if (*until == NULL) {
        return "it does not say how long it is good (nextUpdate)";
    }
    if (OCSP_check_validity(from, *until, SKEW_S, -1) == 1) {
        return NULL;
    }
    return X509_cmp_current_time(*until) < 0 ? "it has expired" : "it is not valid yet";
}

static const char *why_not(OCSP_BASICRESP *basic, X509 *own, X509 *issuer,
                           ASN1_GENERALIZEDTIME **until) {
    OCSP_SINGLERESP *single = find_single(basic, own, issuer);
    if (single == NULL) {
        return "it is for another certificate";
    }
    if (!is_signed_by(basic, issuer)) {
        return "it is not signed by the certificate's issuer";
    }
    return why_not_now(single, until);
}

static const char *check(OCSP_RESPONSE *response, SSL_CTX *x, X509 *own,
                         ASN1_GENERALIZEDTIME **until) {
    X509 *issuer = find_issuer(x, own);
    if (issuer == NULL) {
        return "the certificate's file does not have the issuer, who would have signed it";
    }
    OCSP_BASICRESP *basic = OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL
                                ? OCSP_response_get1_basic(response)
                                : NULL;
    if (basic == NULL) {
        return "the authority gave no answer";
    }
    ASN1_GENERALIZEDTIME *next = NULL;
    const char *why = why_not(basic, own, issuer, &next);
    *until = why == NULL ? ASN1_STRING_dup(next) : NULL;
    OCSP_BASICRESP_free(basic);
    ERR_clear_error();
    return why;
}

// ---- the handshake ------------------------------------------------------------------------------

// Each time the certificate that was chosen for this client, and the time as it is now.
static const struct tls_ocsp_response *find(const struct tls_ocsp *o, const X509 *own) {
    for (size_t i = 0; i < o->n; i++) {
        if (o->v[i].own == own) {
            return X509_cmp_current_time(o->v[i].until) > 0 ? &o->v[i] : NULL;
        }
    }
    return NULL;
}

static int on_status(SSL *ssl, void *self) {
    const struct tls_ocsp_response *r = find(self, SSL_get_certificate(ssl));
    unsigned char *copy = r != NULL ? OPENSSL_memdup(r->der, (size_t)r->n) : NULL;
    if (copy == NULL) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, r->n); // which frees it
    return SSL_TLSEXT_ERR_OK;
}

// ---- all of them --------------------------------------------------------------------------------

static void keep(struct tls_ocsp *o, const struct tls_ocsp_response *one) {
    o->v = realloc(o->v, (o->n + 1) * sizeof *o->v);
    if (o->v == NULL) {
        abort();
    }
    o->v[o->n++] = *one;
}

const char *tls_ocsp_add(struct tls_ocsp *o, SSL_CTX *x, const char *path) {
    X509 *own = SSL_CTX_get0_certificate(x);
    struct tls_ocsp_response one = {.own = own};
    OCSP_RESPONSE *response = NULL;
    const char *why = read_file(path, &response);
    if (why == NULL) {
        why = check(response, x, own, &one.until);
    }
    if (why == NULL) {
        one.n = i2d_OCSP_RESPONSE(response, &one.der);
        one.path = strdup(path);
        X509_up_ref(own);
        keep(o, &one);
        SSL_CTX_set_tlsext_status_cb(x, on_status);
        SSL_CTX_set_tlsext_status_arg(x, o);
    }
    OCSP_RESPONSE_free(response);
    return why;
}

const char *tls_ocsp_lapsed(struct tls_ocsp *o) {
    for (size_t i = 0; i < o->n; i++) {
        struct tls_ocsp_response *r = &o->v[i];
        if (!r->is_told && X509_cmp_current_time(r->until) < 0) {
            r->is_told = true;
            return r->path;
        }
    }
    return NULL;
}

bool tls_ocsp_is_must(X509 *certificate) {
    TLS_FEATURE *features = X509_get_ext_d2i(certificate, NID_tlsfeature, NULL, NULL);
    bool is = false;
    for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++) {
        is |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == STATUS_REQUEST;
    }
    TLS_FEATURE_free(features);
    return is;
}
