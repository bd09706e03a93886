// SPDX-License-Identifier: MIT
#include "http/tls_self_signed.h"

#include "base/error.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define DAYS 30
#define NAME_MAX_LEN 253

static GENERAL_NAME *general_name(struct span name) {
    char text[NAME_MAX_LEN + 1];
    if (name.n == 0 || name.n > NAME_MAX_LEN || span_index(name, 0) < name.n) {
        return NULL;
    }
    memcpy(text, name.p, name.n);
    text[name.n] = 0;
    // No resolver is asked: this only reads the text of an address.
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(text);
    GENERAL_NAME *g = GENERAL_NAME_new();
    ASN1_IA5STRING *dns = ip == NULL ? ASN1_IA5STRING_new() : NULL;
    if (g == NULL ||
        (ip == NULL && (dns == NULL || ASN1_STRING_set(dns, text, (int)name.n) != 1))) {
        GENERAL_NAME_free(g);
        ASN1_OCTET_STRING_free(ip);
        ASN1_IA5STRING_free(dns);
        return NULL;
    }
    if (ip != NULL) {
        GENERAL_NAME_set0_value(g, GEN_IPADD, ip);
    } else {
        GENERAL_NAME_set0_value(g, GEN_DNS, dns);
    }
    return g;
}

static bool add_names(X509 *x, const struct span *names, size_t names_n) {
    GENERAL_NAMES *all = GENERAL_NAMES_new();
    bool is_good = all != NULL && names_n > 0;
    for (size_t i = 0; is_good && i < names_n; i++) {
        GENERAL_NAME *g = general_name(names[i]);
        is_good = g != NULL && sk_GENERAL_NAME_push(all, g) > 0;
        if (!is_good) {
            GENERAL_NAME_free(g);
        }
    }
    is_good = is_good && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0) == 1;
    GENERAL_NAMES_free(all);
    return is_good;
}

static bool add_extension(X509 *x, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool is_good = extension != NULL && X509_add_ext(x, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_good;
}

static bool set_serial(X509 *x) {
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return false;
    }
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); // positive, never shorter
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool is_good = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;
    BN_free(number);
    return is_good;
}

static bool set_validity(X509 *x, int64_t unix_time) {
    time_t now = (time_t)unix_time;
    return X509_time_adj_ex(X509_getm_notBefore(x), 0, -3600, &now) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(x), DAYS, 0, &now) != NULL;
}

// RFC 5280, 4.1 and 4.2. Version 3 is written as 2.
static bool fill(X509 *x, EVP_PKEY *key, int64_t unix_time) {
    X509_NAME *subject = X509_get_subject_name(x);
    return X509_set_version(x, 2) == 1 && set_serial(x) && set_validity(x, unix_time) &&
           X509_set_pubkey(x, key) == 1 &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                      (const unsigned char *)"Outrider self-signed", -1, -1,
                                      0) == 1 &&
           X509_set_issuer_name(x, subject) == 1 &&
           add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(x, NID_key_usage, "critical,digitalSignature") &&
           add_extension(x, NID_ext_key_usage, "serverAuth");
}

// RFC 7469, 2.4: base64 of SHA-256 of the DER of SubjectPublicKeyInfo.
static bool make_pin(struct tls_self_signed *s) {
    unsigned char *der = NULL, digest[32];
    int n = i2d_PUBKEY(s->key, &der);
    bool is_good = n > 0 && EVP_Digest(der, (size_t)n, digest, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    if (is_good) {
        EVP_EncodeBlock((unsigned char *)s->pin, digest, sizeof digest);
    }
    return is_good;
}

int tls_self_signed_init(struct tls_self_signed *s, const struct span *names, size_t names_n,
                         int64_t unix_time) {
    *s = (struct tls_self_signed){.certificate = X509_new(), .key = EVP_EC_gen("P-256")};
    bool is_good = s->certificate != NULL && s->key != NULL &&
                   fill(s->certificate, s->key, unix_time) &&
                   add_names(s->certificate, names, names_n) &&
                   X509_sign(s->certificate, s->key, EVP_sha256()) > 0 && make_pin(s);
    ERR_clear_error(); // a2i_IPADDRESS leaves one for each DNS name
    if (!is_good) {
        tls_self_signed_fini(s);
        return ERR_CONFIG;
    }
    return 0;
}

void tls_self_signed_fini(struct tls_self_signed *s) {
    X509_free(s->certificate);
    EVP_PKEY_free(s->key);
    *s = (struct tls_self_signed){0};
}
