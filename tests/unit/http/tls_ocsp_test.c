// SPDX-License-Identifier: MIT
// OCSP responses made with OpenSSL: which of them are given to clients, and why others are not.
#include "http/tls.h"

#include "base/error.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define HOUR 3600

// A certificate and its key.
struct pair {
    X509 *certificate;
    EVP_PKEY *key;
};

static struct {
    char folder[64], chain[96], alone[96], key[96], response[96];
    struct pair root, leaf, other, helper, stranger;
} files;

static void set_name(X509_NAME *name, const char *text) {
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)text, -1, -1, 0);
}

static void extend(X509 *x, int nid, const char *value) {
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(e);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

// by: NULL: itself.
static struct pair make(const char *name, int serial, const struct pair *by, int nid,
                        const char *value) {
    struct pair p = {X509_new(), EVP_EC_gen("P-256")};
    X509_set_version(p.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(p.certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(p.certificate), -HOUR);
    X509_gmtime_adj(X509_getm_notAfter(p.certificate), 24 * HOUR);
    set_name(X509_get_subject_name(p.certificate), name);
    X509_set_issuer_name(p.certificate,
                         X509_get_subject_name(by ? by->certificate : p.certificate));
    X509_set_pubkey(p.certificate, p.key);
    if (nid != 0) {
        extend(p.certificate, nid, value);
    }
    X509_sign(p.certificate, by ? by->key : p.key, EVP_sha256());
    return p;
}

static void write_certificates(const char *path, X509 *first, X509 *second) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    PEM_write_X509(f, first);
    if (second != NULL) {
        PEM_write_X509(f, second);
    }
    fclose(f);
}

static int set_up(void **state) {
    (void)state;
    snprintf(files.folder, sizeof files.folder, "/tmp/tls_ocsp_test.XXXXXX");
    assert_non_null(mkdtemp(files.folder));
    snprintf(files.chain, sizeof files.chain, "%s/chain.pem", files.folder);
    snprintf(files.alone, sizeof files.alone, "%s/alone.pem", files.folder);
    snprintf(files.key, sizeof files.key, "%s/key.pem", files.folder);
    snprintf(files.response, sizeof files.response, "%s/response.der", files.folder);
    files.root = make("root", 1, NULL, NID_basic_constraints, "critical,CA:TRUE");
    files.leaf = make("leaf", 2, &files.root, NID_tlsfeature, "status_request");
    files.other = make("other", 3, &files.root, 0, NULL);
    files.helper = make("helper", 4, &files.root, NID_ext_key_usage, "OCSPSigning");
    files.stranger = make("root", 1, NULL, NID_basic_constraints, "critical,CA:TRUE");
    write_certificates(files.chain, files.leaf.certificate, files.root.certificate);
    write_certificates(files.alone, files.leaf.certificate, NULL);
    FILE *key = fopen(files.key, "w");
    PEM_write_PrivateKey(key, files.leaf.key, NULL, NULL, 0, NULL, NULL);
    fclose(key);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    struct pair *pairs[] = {&files.root, &files.leaf, &files.other, &files.helper, &files.stranger};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        X509_free(pairs[i]->certificate);
        EVP_PKEY_free(pairs[i]->key);
    }
    unlink(files.chain);
    unlink(files.alone);
    unlink(files.key);
    unlink(files.response);
    return rmdir(files.folder);
}

// ---- responses ----------------------------------------------------------------------------------

struct row {
    const char *name;
    const struct pair *about, *signer;
    int status; // V_OCSP_CERTSTATUS_, or -1: the authority gives no answer
    long from, until;
    bool has_no_end, is_cut, has_tail, is_sha256;
    const char *why; // NULL: it is given to clients
};

static OCSP_RESPONSE *make_response(const struct row *row) {
    if (row->status < 0) {
        return OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, NULL);
    }
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(row->is_sha256 ? EVP_sha256() : NULL, row->about->certificate,
                                      files.root.certificate);
    ASN1_TIME *from = X509_gmtime_adj(NULL, row->from), *until = X509_gmtime_adj(NULL, row->until),
              *since = X509_gmtime_adj(NULL, -HOUR);
    OCSP_basic_add1_status(basic, id, row->status, 0,
                           row->status == V_OCSP_CERTSTATUS_REVOKED ? since : NULL, from,
                           row->has_no_end ? NULL : until);
    assert_int_equal(
        OCSP_basic_sign(basic, row->signer->certificate, row->signer->key, EVP_sha256(), NULL, 0),
        1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ASN1_TIME_free(since);
    OCSP_BASICRESP_free(basic);
    return response;
}

// Its bytes, which are to be freed.
static unsigned char *write_response(const struct row *row, size_t *n) {
    unsigned char *der = NULL;
    OCSP_RESPONSE *response = make_response(row);
    *n = (size_t)i2d_OCSP_RESPONSE(response, &der);
    OCSP_RESPONSE_free(response);
    FILE *f = fopen(files.response, "w");
    fwrite(der, 1, row->is_cut ? *n - 1 : *n, f);
    if (row->has_tail) {
        fputc(0, f);
    }
    fclose(f);
    return der;
}

static struct span add(struct tls_context *c, const char *chain, const char *response) {
    tls_context_init(c, true, NULL);
    assert_int_equal(tls_context_add_files(c, chain, files.key, NULL, 0), 0);
    tls_context_staple(c, response);
    assert_int_equal(tls_context_seal(c), 0);
    return tls_context_notes(c);
}

// ---- clients ------------------------------------------------------------------------------------

static void carry(SSL *client, struct tls *server) {
    char bytes[16384];
    struct span plain;
    int n = BIO_read(SSL_get_wbio(client), bytes, sizeof bytes);
    if (n > 0) {
        tls_feed(server, span_of(bytes, (size_t)n));
        while (tls_next(server, &plain) == STEP_ITEM) {
        }
    }
    struct span out = tls_output(server);
    BIO_write(SSL_get_rbio(client), out.p, (int)out.n);
    tls_sent(server, out.n);
}

// What a client that asks for it is given with the certificate.
static struct span ask(struct tls_context *c, bool asks, int version, uint8_t *to, size_t cap) {
    struct tls_pool pool;
    struct tls server;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *client = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(client, in, out);
    SSL_set_connect_state(client);
    SSL_set_max_proto_version(client, version);
    if (asks) {
        SSL_set_tlsext_status_type(client, TLSEXT_STATUSTYPE_ocsp);
    }
    tls_pool_init(&pool);
    assert_int_equal(tls_init(&server, c, &pool), 0);
    for (int i = 0; i < 4; i++) {
        SSL_do_handshake(client);
        carry(client, &server);
    }
    assert_true(SSL_is_init_finished(client) && tls_is_open(&server));
    const unsigned char *p = NULL;
    long n = SSL_get_tlsext_status_ocsp_resp(client, &p);
    assert_true(n <= (long)cap);
    if (n > 0) {
        memcpy(to, p, (size_t)n);
    }
    SSL_free(client);
    SSL_CTX_free(context);
    tls_fini(&server);
    tls_pool_fini(&pool);
    return span_of(to, n > 0 ? (size_t)n : 0);
}

static void test_only_a_good_response_is_given_to_clients(void **state) {
    (void)state;
    const struct pair *root = &files.root, *leaf = &files.leaf;
    const int good = V_OCSP_CERTSTATUS_GOOD;
    const struct row rows[] = {
        {.name = "good",
         .about = leaf,
         .signer = root,
         .status = good,
         .from = -HOUR,
         .until = HOUR},
        {.name = "good, by SHA-256",
         .about = leaf,
         .signer = root,
         .status = good,
         .from = -HOUR,
         .until = HOUR,
         .is_sha256 = true},
        {.name = "signed by whom the issuer names",
         .about = leaf,
         .signer = &files.helper,
         .status = good,
         .from = -HOUR,
         .until = HOUR},
        {.name = "expired",
         .about = leaf,
         .signer = root,
         .status = good,
         .from = -9 * HOUR,
         .until = -HOUR,
         .why = "expired"},
        {.name = "not yet",
         .about = leaf,
         .signer = root,
         .status = good,
         .from = HOUR,
         .until = 2 * HOUR,
         .why = "not valid yet"},
        {.name = "for ever",
         .about = leaf,
         .signer = root,
         .status = good,
         .from = -HOUR,
         .has_no_end = true,
         .why = "nextUpdate"},
        {.name = "revoked",
         .about = leaf,
         .signer = root,
         .status = V_OCSP_CERTSTATUS_REVOKED,
         .from = -HOUR,
         .until = HOUR,
         .why = "revoked"},
        {.name = "unknown",
         .about = leaf,
         .signer = root,
         .status = V_OCSP_CERTSTATUS_UNKNOWN,
         .from = -HOUR,
         .until = HOUR,
         .why = "does not know"},
        {.name = "another's",
         .about = &files.other,
         .signer = root,
         .status = good,
         .from = -HOUR,
         .until = HOUR,
         .why = "for another certificate"},
        {.name = "signed by a stranger",
         .about = leaf,
         .signer = &files.stranger,
         .status = good,
         .from = -HOUR,
         .until = HOUR,
         .why = "not signed"},
        {.name = "signed by one who may not",
         .about = leaf,
         .signer = &files.other,
         .status = good,
         .from = -HOUR,
         .until = HOUR,
         .why = "not signed"},
        {.name = "no answer", .status = -1, .why = "gave no answer"},
        {.name = "cut",
         .about = leaf,
         .signer = root,
         .status = good,
         .from = -HOUR,
         .until = HOUR,
         .is_cut = true,
         .why = "no OCSP response"},
        {.name = "with a tail",
         .about = leaf,
         .signer = root,
         .status = good,
         .from = -HOUR,
         .until = HOUR,
         .has_tail = true,
         .why = "no OCSP response"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_context c;
        size_t n;
        uint8_t told[8192];
        print_message("  %s\n", rows[i].name);
        unsigned char *der = write_response(&rows[i], &n);
        struct span notes = add(&c, files.chain, files.response);
        const char *why = rows[i].why != NULL ? rows[i].why : "";
        assert_true(why[0] == 0 ? notes.n == 0 : span_find(notes, span_str(why)) < notes.n);
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            struct span got = ask(&c, true, version, told, sizeof told);
            assert_true(span_eq(got, span_of(der, rows[i].why == NULL ? n : 0)));
            assert_int_equal(ask(&c, false, version, told, sizeof told).n, 0);
        }
        OPENSSL_free(der);
        tls_context_fini(&c);
    }
}

static void test_what_cannot_be_checked_is_not_given(void **state) {
    (void)state;
    const struct row good = {
        .about = &files.leaf, .signer = &files.root, .from = -HOUR, .until = HOUR};
    struct tls_context c;
    size_t n;
    OPENSSL_free(write_response(&good, &n));
    struct span notes = add(&c, files.alone, files.response);
    assert_true(span_find(notes, SPAN("does not have the issuer")) < notes.n);
    tls_context_fini(&c);
    notes = add(&c, files.chain, "/nonexistent.der");
    assert_true(span_find(notes, SPAN("cannot be read")) < notes.n);
    tls_context_fini(&c);
    assert_int_equal(truncate(files.response, 65537), 0);
    notes = add(&c, files.chain, files.response);
    assert_true(span_find(notes, SPAN("larger than a response")) < notes.n);
    tls_context_fini(&c);
}

static void test_a_certificate_that_demands_a_response_is_told_of(void **state) {
    (void)state;
    struct tls_context c;
    struct span notes = add(&c, files.chain, "");
    assert_true(span_find(notes, SPAN("certificate of \"leaf\": it demands")) < notes.n);
    tls_context_fini(&c);
}

static void test_a_response_that_becomes_too_old_is_told_once_and_not_given(void **state) {
    (void)state;
    struct tls_context c;
    size_t n;
    uint8_t told[8192];
    bool is_late = true; // so slow a machine that it had expired before it was read
    for (long until = 1; is_late; until *= 2) {
        const struct row brief = {
            .about = &files.leaf, .signer = &files.root, .from = -HOUR, .until = until};
        OPENSSL_free(write_response(&brief, &n));
        is_late = add(&c, files.chain, files.response).n > 0;
        if (is_late) {
            tls_context_fini(&c);
        }
    }
    const char *path;
    while ((path = tls_ocsp_lapsed(&c.ocsp)) == NULL) {
        usleep(50000);
    }
    assert_string_equal(path, files.response);
    assert_null(tls_ocsp_lapsed(&c.ocsp));
    assert_int_equal(ask(&c, true, TLS1_3_VERSION, told, sizeof told).n, 0);
    tls_context_fini(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_a_good_response_is_given_to_clients),
        cmocka_unit_test(test_what_cannot_be_checked_is_not_given),
        cmocka_unit_test(test_a_certificate_that_demands_a_response_is_told_of),
        cmocka_unit_test(test_a_response_that_becomes_too_old_is_told_once_and_not_given),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
