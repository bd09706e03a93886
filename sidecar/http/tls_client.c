// SPDX-License-Identifier: MIT
#include "http/tls_client.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define NAME_MOST 2048 // bytes of a name, as it is printed
#define PARTS 7        // texts of a certificate

// The texts are printed one behind the other, each with where it ends.
struct printer {
    BIO *out;
    size_t ends[PARTS];
    unsigned n;
    bool is_bad;
};

static void end_part(struct printer *p) {
    char *bytes;
    long n = BIO_get_mem_data(p->out, &bytes);
    size_t begin = p->n > 0 ? p->ends[p->n - 1] : 0;
    p->is_bad |= n < 0 || (size_t)n - begin > NAME_MOST;
    p->ends[p->n++] = (size_t)n;
}

static void print_name(struct printer *p, const X509_NAME *name) {
    p->is_bad |= X509_NAME_print_ex(p->out, name, 0, XN_FLAG_RFC2253) < 0;
    end_part(p);
}

// The last one is the most specific. One with control characters is as good as none.
static void print_common_name(struct printer *p, const X509_NAME *name) {
    unsigned char *text = NULL;
    int at = -1, last = -1, n = -1;
    while ((at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0) {
        last = at;
    }
    if (last >= 0) {
        n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
    }
    bool has_ctl = false;
    for (int i = 0; i < n; i++) {
        has_ctl |= text[i] < 0x20 || text[i] == 0x7f;
    }
    if (n > 0 && !has_ctl) {
        p->is_bad |= BIO_write(p->out, text, n) != n;
    }
    OPENSSL_free(text);
    end_part(p);
}

static void print_serial(struct printer *p, const X509 *x) {
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
    char *digits = number != NULL ? BN_bn2hex(number) : NULL;
    p->is_bad |= digits == NULL || BIO_puts(p->out, digits) < 0;
    OPENSSL_free(digits);
    BN_free(number);
    end_part(p);
}

static void print_fingerprint(struct printer *p, const X509 *x) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    p->is_bad |= X509_digest(x, EVP_sha1(), digest, &n) != 1;
    for (unsigned i = 0; i < n; i++) {
        BIO_printf(p->out, "%02x", digest[i]);
    }
    end_part(p);
}

static void print_time(struct printer *p, const ASN1_TIME *time) {
    p->is_bad |= ASN1_TIME_print(p->out, time) != 1;
    end_part(p);
}

static void print_all(struct printer *p, const X509 *x) {
    print_name(p, X509_get_subject_name(x));
    print_name(p, X509_get_issuer_name(x));
    print_common_name(p, X509_get_subject_name(x));
    print_serial(p, x);
    print_fingerprint(p, x);
    print_time(p, X509_get0_notBefore(x));
    print_time(p, X509_get0_notAfter(x));
}

static void take_texts(struct tls_client *c, const struct printer *p) {
    struct span *parts[PARTS] = {&c->subject,     &c->issuer, &c->name, &c->serial,
                                 &c->fingerprint, &c->from,   &c->until};
    char *bytes;
    long n = BIO_get_mem_data(p->out, &bytes);
    c->text = malloc(n > 0 ? (size_t)n : 1);
    if (c->text == NULL) {
        abort();
    }
    memcpy(c->text, bytes, (size_t)n);
    for (unsigned i = 0; i < PARTS; i++) {
        size_t begin = i > 0 ? p->ends[i - 1] : 0;
        *parts[i] = span_of(c->text + begin, p->ends[i] - begin);
    }
}

// NULL: it is good. A session that is resumed was looked at when it began: its certificate may have
// expired since.
static const char *why_bad(SSL *ssl, const X509 *x) {
    long verified = SSL_get_verify_result(ssl);
    if (verified != X509_V_OK) {
        return X509_verify_cert_error_string(verified);
    }
    if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0) {
        return X509_verify_cert_error_string(X509_V_ERR_CERT_HAS_EXPIRED);
    }
    return NULL;
}

void tls_client_init(struct tls_client *c, const struct tls_client_conf *asked, SSL *ssl) {
    *c = (struct tls_client){.asked = asked};
    const X509 *x = asked != NULL ? SSL_get0_peer_certificate(ssl) : NULL;
    struct printer printer = {.out = NULL};
    if (x == NULL) {
        return;
    }
    c->why = why_bad(ssl, x);
    if (c->why == NULL) {
        printer.out = BIO_new(BIO_s_mem());
        if (printer.out == NULL) {
            abort();
        }
        print_all(&printer, x);
        c->why = printer.is_bad ? "its names are too long" : NULL;
    }
    c->verdict = c->why == NULL ? TLS_CLIENT_GOOD : TLS_CLIENT_BAD;
    if (c->verdict == TLS_CLIENT_GOOD) {
        take_texts(c, &printer);
    }
    BIO_free(printer.out);
    ERR_clear_error();
}

void tls_client_fini(struct tls_client *c) {
    free(c->text);
    *c = (struct tls_client){.asked = NULL};
}
