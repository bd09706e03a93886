// SPDX-License-Identifier: MIT
// TLS: a client of OpenSSL over memory BIOs against the engine.
#include "http/tls.h"
#include "http/tls_self_signed.h"

#include "base/error.h"

#include <openssl/err.h>
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

#define WHOLE (SIZE_MAX / 2)

static const struct span loopback[] = {SPAN_INIT("localhost"), SPAN_INIT("127.0.0.1"),
                                       SPAN_INIT("::1")};

struct world {
    struct tls_tickets keys;
    struct tls_context context;
    struct tls_pool pool;
    struct tls tls;
    SSL_CTX *client_context;
    SSL *client;
    struct buf received; // plaintext at the server
    enum step step;
    unsigned tickets;
};

static void add_self_signed(struct tls_context *c, const struct span *names, size_t n,
                            const struct span *more, size_t more_n) {
    struct tls_self_signed s;
    assert_int_equal(tls_self_signed_init(&s, names, n, time(NULL)), 0);
    assert_int_equal(tls_context_add(c, s.certificate, s.key, more, more_n), 0);
    tls_self_signed_fini(&s);
}

static int on_ticket(SSL *ssl, SSL_SESSION *session) {
    (void)session;
    struct world *w = SSL_get_app_data(ssl);
    w->tickets++;
    return 0;
}

static void world_init(struct world *w) {
    *w = (struct world){.step = STEP_MORE};
    tls_tickets_init(&w->keys);
    tls_context_init(&w->context, true, &w->keys);
    add_self_signed(&w->context, loopback, 3, NULL, 0);
    assert_int_equal(tls_context_seal(&w->context), 0);
    tls_pool_init(&w->pool);
    buf_init(&w->received, 64u << 20);
    w->client_context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(w->client_context, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(w->client_context, on_ticket);
}

static void connect_client(struct world *w, const char *alpn, const char *name) {
    assert_int_equal(tls_init(&w->tls, &w->context, &w->pool), 0);
    w->client = SSL_new(w->client_context);
    SSL_set_app_data(w->client, w);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(w->client, in, out);
    SSL_set_connect_state(w->client);
    if (alpn != NULL) {
        SSL_set_alpn_protos(w->client, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    }
    if (name != NULL) {
        char host[256]; // the macro casts const away
        snprintf(host, sizeof host, "%s", name);
        SSL_set_tlsext_host_name(w->client, host);
    }
}

static void world_fini(struct world *w) {
    SSL_free(w->client);
    SSL_CTX_free(w->client_context);
    tls_fini(&w->tls);
    tls_fini(&w->tls);
    tls_pool_fini(&w->pool);
    tls_context_fini(&w->context);
    tls_tickets_fini(&w->keys);
    buf_fini(&w->received);
}

static void feed(struct world *w, struct span bytes) {
    struct span plain;
    if (tls_feed(&w->tls, bytes) != 0) {
        w->step = STEP_BAD;
        return;
    }
    while ((w->step = tls_next(&w->tls, &plain)) == STEP_ITEM) {
        assert_int_equal(buf_put(&w->received, plain), 0);
    }
}

// Carries what is there both ways, `step` bytes at a time to the server. False when nothing was.
static bool carry(struct world *w, size_t step) {
    char *p;
    bool is_busy = false;
    BIO *out = SSL_get_wbio(w->client);
    size_t n = (size_t)BIO_get_mem_data(out, &p);
    if (n > 0) {
        // A block of its own, freed afterwards: nothing may be kept of it.
        uint8_t *copy = malloc(n);
        assert_non_null(copy);
        memcpy(copy, p, n);
        (void)BIO_reset(out);
        for (struct span s = span_of(copy, n); s.n > 0; s = span_skip(s, step)) {
            feed(w, span_first(s, step));
        }
        free(copy);
        is_busy = true;
    }
    struct span s = tls_output(&w->tls);
    if (s.n > 0) {
        assert_int_equal(BIO_write(SSL_get_rbio(w->client), s.p, (int)s.n), s.n);
        tls_sent(&w->tls, s.n);
        is_busy = true;
    }
    return is_busy;
}

static bool handshake(struct world *w, size_t step) {
    uint8_t byte;
    do {
        ERR_clear_error();
        if (SSL_is_init_finished(w->client)) {
            SSL_read(w->client, &byte, 0); // takes tickets and alerts
            SSL_peek(w->client, &byte, 1);
        } else {
            SSL_do_handshake(w->client);
        }
    } while (carry(w, step));
    return SSL_is_init_finished(w->client) && tls_is_open(&w->tls);
}

static void test_handshake_at_any_cut(void **state) {
    (void)state;
    static const size_t steps[] = {WHOLE, 1, 2, 3, 5, 7, 64, 333};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct world w;
        world_init(&w);
        connect_client(&w, "\x02h2", "localhost");
        assert_false(tls_is_open(&w.tls));
        assert_int_equal(tls_room(&w.tls), 0);
        assert_int_equal(tls_put(&w.tls, SPAN("x")), ERR_TLS);
        assert_true(handshake(&w, steps[i]));
        assert_int_equal(tls_protocol(&w.tls), TLS_PROTOCOL_H2);
        assert_true(span_eq(tls_server_name(&w.tls), SPAN("localhost")));
        assert_int_equal(w.tickets, 1);
        assert_string_equal(SSL_get_version(w.client), "TLSv1.3");
        assert_string_equal(tls_why(&w.tls), "");
        assert_null(w.tls.out.p); // an idle connection holds no output block
        world_fini(&w);
    }
}

static void test_alpn(void **state) {
    (void)state;
    static const struct {
        const char *name, *offered;
        bool has_h2, is_good;
        enum tls_protocol protocol;
    } rows[] = {
        {"h2 before http/1.1, whatever the client prefers", "\x08http/1.1\x02h2", true, true,
         TLS_PROTOCOL_H2},
        {"http/1.1 alone", "\x08http/1.1", true, true, TLS_PROTOCOL_HTTP11},
        {"http/1.0 alone", "\x08http/1.0", true, true, TLS_PROTOCOL_HTTP10},
        {"http/1.1 before http/1.0", "\x08http/1.0\x08http/1.1", true, true, TLS_PROTOCOL_HTTP11},
        {"http/1.0 where h2 is switched off", "\x08http/1.0\x02h2", false, true,
         TLS_PROTOCOL_HTTP10},
        {"http/0.9", "\x08http/0.9", true, false, TLS_PROTOCOL_NONE},
        {"no ALPN at all", NULL, true, true, TLS_PROTOCOL_NONE},
        {"nothing in common",
         "\x03"
         "foo",
         true, false, TLS_PROTOCOL_NONE},
        {"h2 switched off", "\x02h2\x08http/1.1", false, true, TLS_PROTOCOL_HTTP11},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        print_message("  %s\n", rows[i].name);
        world_init(&w);
        tls_context_fini(&w.context);
        tls_context_init(&w.context, rows[i].has_h2, &w.keys);
        add_self_signed(&w.context, loopback, 3, NULL, 0);
        assert_int_equal(tls_context_seal(&w.context), 0);
        connect_client(&w, rows[i].offered, NULL);
        assert_int_equal(handshake(&w, WHOLE), rows[i].is_good);
        if (rows[i].is_good) {
            assert_int_equal(tls_protocol(&w.tls), rows[i].protocol);
        } else {
            assert_int_equal(w.step, STEP_BAD);
            assert_string_equal(tls_why(&w.tls), "no application protocol");
            assert_int_equal(ERR_GET_REASON(ERR_peek_error()),
                             SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
        }
        world_fini(&w);
    }
}

static void test_versions_and_suites(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int version;
        const char *suites; // of TLS 1.2
        bool is_good;
    } rows[] = {
        {"TLS 1.3", TLS1_3_VERSION, NULL, true},
        {"TLS 1.2 with its usual suites", TLS1_2_VERSION, NULL, true},
        {"TLS 1.2 with CBC only", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", false},
        {"TLS 1.1", TLS1_1_VERSION, "DEFAULT@SECLEVEL=0", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        print_message("  %s\n", rows[i].name);
        world_init(&w);
        if (rows[i].suites != NULL) {
            assert_int_equal(SSL_CTX_set_cipher_list(w.client_context, rows[i].suites), 1);
        }
        SSL_CTX_set_min_proto_version(w.client_context, rows[i].version);
        SSL_CTX_set_max_proto_version(w.client_context, rows[i].version);
        connect_client(&w, "\x02h2", "localhost");
        assert_int_equal(handshake(&w, 11), rows[i].is_good);
        assert_int_equal(tls_why(&w.tls)[0] == 0, rows[i].is_good);
        world_fini(&w);
    }
}

static void test_renegotiation_is_refused(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    SSL_CTX_set_max_proto_version(w.client_context, TLS1_2_VERSION);
    connect_client(&w, "\x02h2", "localhost");
    assert_true(handshake(&w, WHOLE));
    SSL_renegotiate(w.client);
    SSL_do_handshake(w.client);
    for (int i = 0; i < 4 && carry(&w, WHOLE); i++) {
        SSL_do_handshake(w.client);
    }
    assert_false(SSL_is_init_finished(w.client));
    world_fini(&w);
}

static void test_big_transfers_both_ways(void **state) {
    (void)state;
    enum { LEN = 3 << 20 };
    static uint8_t up[LEN], down[LEN], got[LEN];
    for (size_t i = 0; i < LEN; i++) {
        up[i] = (uint8_t)(i * 7 + i / 251);
        down[i] = (uint8_t)(i * 13 + i / 257);
    }
    struct world w;
    world_init(&w);
    connect_client(&w, "\x02h2", "localhost");
    assert_true(handshake(&w, WHOLE));
    assert_int_equal(SSL_write(w.client, up, LEN), LEN);
    carry(&w, 4099);
    assert_true(span_eq(buf_span(&w.received), span_of(up, LEN)));
    size_t read_n = 0;
    for (struct span left = span_of(down, LEN); left.n > 0;) {
        size_t n = tls_room(&w.tls);
        n = n < left.n ? n : left.n;
        assert_true(n > 0);
        assert_int_equal(tls_put(&w.tls, span_first(left, n)), 0);
        left = span_skip(left, n);
        carry(&w, WHOLE);
        for (int r; (r = SSL_read(w.client, got + read_n, (int)(LEN - read_n))) > 0;) {
            read_n += (size_t)r;
        }
    }
    assert_int_equal(read_n, LEN);
    assert_memory_equal(got, down, LEN);
    world_fini(&w);
}

static void test_output_is_bounded(void **state) {
    (void)state;
    static uint8_t data[65536];
    struct world w;
    int rv = 0;
    size_t n = 0;
    world_init(&w);
    connect_client(&w, "\x02h2", "localhost");
    assert_true(handshake(&w, WHOLE));
    for (; n < 100 && rv == 0; n++) {
        rv = tls_put(&w.tls, span_of(data, sizeof data));
    }
    assert_int_equal(rv, ERR_BUF_LIMIT);
    assert_true(n < 20);
    assert_true(tls_output(&w.tls).n <= 1u << 20);
    // What was refused left no trace: the client reads all the rest.
    size_t whole = (n - 1) * sizeof data, read_n = 0;
    carry(&w, WHOLE);
    for (int r; (r = SSL_read(w.client, data, sizeof data)) > 0;) {
        read_n += (size_t)r;
    }
    assert_int_equal(read_n, whole);
    world_fini(&w);
}

static void test_close_notify(void **state) {
    (void)state;
    struct world w;
    uint8_t byte;
    world_init(&w);
    connect_client(&w, "\x02h2", "localhost");
    assert_true(handshake(&w, WHOLE));
    assert_int_equal(SSL_write(w.client, "bye", 3), 3);
    SSL_shutdown(w.client);
    carry(&w, WHOLE);
    assert_true(span_eq(buf_span(&w.received), SPAN("bye")));
    assert_true(tls_has_ended(&w.tls));
    assert_int_equal(w.step, STEP_MORE);
    assert_int_equal(tls_put(&w.tls, SPAN("late")), 0);
    tls_close(&w.tls);
    tls_close(&w.tls);
    assert_int_equal(tls_room(&w.tls), 0);
    carry(&w, WHOLE);
    char text[8];
    assert_int_equal(SSL_read(w.client, text, sizeof text), 4);
    assert_int_equal(SSL_read(w.client, &byte, 1), 0);
    assert_int_equal(SSL_get_error(w.client, 0), SSL_ERROR_ZERO_RETURN);
    world_fini(&w);
}

static void test_garbage(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    connect_client(&w, NULL, NULL);
    feed(&w, SPAN("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"));
    assert_int_equal(w.step, STEP_BAD);
    assert_string_equal(tls_why(&w.tls), "http request");
    assert_int_equal(tls_feed(&w.tls, SPAN("x")), ERR_TLS);
    world_fini(&w);
}

static void test_changed_record(void **state) {
    (void)state;
    struct world w;
    char *p;
    world_init(&w);
    connect_client(&w, "\x02h2", "localhost");
    assert_true(handshake(&w, WHOLE));
    SSL_write(w.client, "secret", 6);
    long n = BIO_get_mem_data(SSL_get_wbio(w.client), &p);
    p[n - 1] ^= 1;
    carry(&w, WHOLE);
    assert_int_equal(w.step, STEP_BAD);
    assert_int_equal(buf_len(&w.received), 0);
    assert_true(tls_why(&w.tls)[0] != 0);
    world_fini(&w);
}

// ---- certificates ----

static void test_names(void **state) {
    (void)state;
    static const struct span first[] = {SPAN_INIT("default.example")};
    static const struct span second[] = {SPAN_INIT("*.shop.example"), SPAN_INIT("shop.example")};
    static const struct span site[] = {SPAN_INIT("Blog.Example"), SPAN_INIT("default.example")};
    static const struct {
        const char *name, *asked;
        size_t certificate;
    } rows[] = {
        {"the default by its name", "default.example", 0},
        {"an unknown name gets the default", "nobody.example", 0},
        {"no name gets the default", "", 0},
        {"a name of the certificate", "shop.example", 1},
        {"a wildcard of the certificate", "www.shop.example", 1},
        {"a wildcard stands for one label", "a.b.shop.example", 0},
        {"a name in capitals", "WWW.SHOP.EXAMPLE", 1},
        {"a name of the site", "blog.example", 1},
        {"a star is no label", "*.example", 0},
        {"a leading dot", ".shop.example", 0},
    };
    struct tls_context c;
    tls_context_init(&c, true, NULL);
    assert_int_equal(tls_context_seal(&c), ERR_CONFIG);
    add_self_signed(&c, first, 1, NULL, 0);
    add_self_signed(&c, second, 2, site, 2);
    assert_int_equal(tls_context_seal(&c), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("  %s\n", rows[i].name);
        assert_ptr_equal(tls_context_find(&c, span_str(rows[i].asked)),
                         c.certificates[rows[i].certificate]);
    }
    tls_context_fini(&c);
    tls_context_fini(&c);
}

static void test_server_name_chooses_the_certificate(void **state) {
    (void)state;
    static const struct span other[] = {SPAN_INIT("*.shop.example")};
    static const char *const asked[] = {"localhost", "www.shop.example"};
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        world_init(&w);
        add_self_signed(&w.context, other, 1, NULL, 0);
        assert_int_equal(tls_context_seal(&w.context), 0);
        connect_client(&w, "\x02h2", asked[i]);
        assert_true(handshake(&w, WHOLE));
        X509 *seen = SSL_get1_peer_certificate(w.client);
        assert_int_equal(X509_check_host(seen, asked[i], 0, 0, NULL), 1);
        X509_free(seen);
        world_fini(&w);
    }
}

static void test_self_signed(void **state) {
    (void)state;
    struct tls_self_signed s;
    assert_int_equal(tls_self_signed_init(&s, loopback, 3, 1700000000), 0);
    assert_int_equal(X509_check_host(s.certificate, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(s.certificate, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(s.certificate, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(s.certificate, "127.0.0.2", 0), 0);
    assert_int_equal(X509_check_purpose(s.certificate, X509_PURPOSE_SSL_SERVER, 0), 1);
    assert_int_equal(X509_verify(s.certificate, s.key), 1);
    time_t before = 1700000000 - 3601, from = 1700000000 - 3599,
           until = 1700000000 + 30 * 86400 + 1;
    assert_true(X509_cmp_time(X509_get0_notBefore(s.certificate), &before) > 0);
    assert_true(X509_cmp_time(X509_get0_notBefore(s.certificate), &from) < 0);
    assert_true(X509_cmp_time(X509_get0_notAfter(s.certificate), &until) < 0);
    assert_int_equal(strlen(s.pin), 44);
    // The pin computed another way: from the key in the certificate.
    unsigned char *der = NULL, digest[32], text[64];
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(s.certificate), &der);
    EVP_Digest(der, (size_t)n, digest, NULL, EVP_sha256(), NULL);
    EVP_EncodeBlock(text, digest, 32);
    assert_string_equal((const char *)text, s.pin);
    OPENSSL_free(der);
    tls_self_signed_fini(&s);
    tls_self_signed_fini(&s);
    static const struct span empty[] = {SPAN_INIT("")};
    assert_int_equal(tls_self_signed_init(&s, empty, 1, 0), ERR_CONFIG);
    assert_int_equal(tls_self_signed_init(&s, NULL, 0, 0), ERR_CONFIG);
}

struct files {
    char folder[64], certificate[96], key[96], other_key[96], text[96], locked[96], rsa[96],
        empty[96], chain[96], turned[96];
};

static FILE *open_new(const char *path) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    return f;
}

// A chain of two: the authority is b, and a is signed anew by it.
static void write_chains(struct files *f, struct tls_self_signed *a, struct tls_self_signed *b) {
    snprintf(f->chain, sizeof f->chain, "%s/chain.pem", f->folder);
    snprintf(f->turned, sizeof f->turned, "%s/turned.pem", f->folder);
    X509 *leaf = X509_dup(a->certificate), *root = X509_dup(b->certificate);
    X509_NAME *name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"root", -1, -1, 0);
    X509_set_subject_name(root, name);
    X509_set_issuer_name(root, name);
    X509_set_issuer_name(leaf, name);
    X509_NAME_free(name);
    for (X509_EXTENSION *e; (e = X509_delete_ext(root, 0)) != NULL;) {
        X509_EXTENSION_free(e);
    }
    X509_sign(root, b->key, EVP_sha256());
    X509_sign(leaf, b->key, EVP_sha256());
    FILE *files[] = {open_new(f->chain), open_new(f->turned)};
    PEM_write_X509(files[0], leaf);
    PEM_write_X509(files[0], root);
    PEM_write_X509(files[1], root);
    PEM_write_X509(files[1], leaf);
    fclose(files[0]);
    fclose(files[1]);
    X509_free(leaf);
    X509_free(root);
}

static void write_files(struct files *f) {
    struct tls_self_signed a, b;
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    snprintf(f->folder, sizeof f->folder, "/tmp/tls_test.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->certificate, sizeof f->certificate, "%s/certificate.pem", f->folder);
    snprintf(f->key, sizeof f->key, "%s/key.pem", f->folder);
    snprintf(f->other_key, sizeof f->other_key, "%s/other.pem", f->folder);
    snprintf(f->text, sizeof f->text, "%s/text.pem", f->folder);
    snprintf(f->locked, sizeof f->locked, "%s/locked.pem", f->folder);
    assert_int_equal(tls_self_signed_init(&a, loopback, 3, time(NULL)), 0);
    assert_int_equal(tls_self_signed_init(&b, loopback, 3, time(NULL)), 0);
    snprintf(f->rsa, sizeof f->rsa, "%s/rsa.pem", f->folder);
    snprintf(f->empty, sizeof f->empty, "%s/empty.pem", f->folder);
    FILE *files[] = {open_new(f->certificate), open_new(f->key),    open_new(f->other_key),
                     open_new(f->text),        open_new(f->locked), open_new(f->rsa),
                     open_new(f->empty)};
    PEM_write_PrivateKey(files[5], rsa, NULL, NULL, 0, NULL, NULL);
    EVP_PKEY_free(rsa);
    write_chains(f, &a, &b);
    PEM_write_X509(files[0], a.certificate);
    PEM_write_PrivateKey(files[1], a.key, NULL, NULL, 0, NULL, NULL);
    PEM_write_PrivateKey(files[2], b.key, NULL, NULL, 0, NULL, NULL);
    fputs("hello\n", files[3]);
    PEM_write_PKCS8PrivateKey(files[4], a.key, EVP_aes_128_cbc(), "word", 4, NULL, NULL);
    for (size_t i = 0; i < 7; i++) {
        fclose(files[i]);
    }
    tls_self_signed_fini(&a);
    tls_self_signed_fini(&b);
}

static void test_files(void **state) {
    (void)state;
    struct files f;
    write_files(&f);
    const struct {
        const char *name, *certificate, *key, *file, *why; // NULL: good
    } rows[] = {
        {"a certificate and its key", f.certificate, f.key, NULL, NULL},
        {"no such certificate", "/nonexistent.pem", f.key, "/nonexistent.pem", "No such file"},
        {"no such key", f.certificate, "/nonexistent.pem", "/nonexistent.pem", "No such file"},
        {"a certificate that is not PEM", f.text, f.key, f.text, "PEM"},
        {"a key that is not PEM", f.certificate, f.text, f.text, "PEM"},
        {"the key of another", f.certificate, f.other_key, f.other_key, "does not belong"},
        {"a key with a pass phrase", f.certificate, f.locked, f.locked, "encrypted"},
        {"a key in place of the certificate", f.key, f.key, f.key, "PEM"},
        {"a key of another kind", f.certificate, f.rsa, f.rsa, "does not belong"},
        {"an empty certificate", f.empty, f.key, f.empty, "PEM"},
        {"an empty key", f.certificate, f.empty, f.empty, "PEM"},
        {"a certificate in place of the key", f.certificate, f.certificate, f.certificate, "PEM"},
        {"a folder", f.folder, f.key, f.folder, "PEM"},
        {"a chain", f.chain, f.key, NULL, NULL},
        {"a chain that is upside down", f.turned, f.key, f.turned, "upside down"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_context c;
        print_message("  %s\n", rows[i].name);
        tls_context_init(&c, true, NULL);
        int rv = tls_context_add_files(&c, rows[i].certificate, rows[i].key, NULL, 0);
        assert_int_equal(rv, rows[i].why == NULL ? 0 : ERR_CONFIG);
        if (rows[i].why != NULL) {
            print_message("    %s\n", tls_context_why(&c));
            assert_non_null(strstr(tls_context_why(&c), rows[i].file));
            assert_non_null(strstr(tls_context_why(&c), rows[i].why));
        }
        tls_context_fini(&c);
    }
    struct tls_context c;
    tls_context_init(&c, true, NULL);
    assert_int_equal(tls_context_add_files(&c, f.certificate, f.key, NULL, 0), 0);
    assert_int_equal(tls_context_add_beside(&c, f.chain, f.key), ERR_CONFIG);
    assert_non_null(strstr(tls_context_why(&c), "one of that kind of key already"));
    assert_int_equal(tls_context_add_beside(&c, f.text, f.key), ERR_CONFIG);
    assert_non_null(strstr(tls_context_why(&c), "PEM"));
    tls_context_fini(&c);
    unlink(f.certificate);
    unlink(f.key);
    unlink(f.other_key);
    unlink(f.text);
    unlink(f.locked);
    unlink(f.rsa);
    unlink(f.empty);
    unlink(f.chain);
    unlink(f.turned);
    rmdir(f.folder);
}

static void test_a_connection_is_for_what_its_certificate_says(void **state) {
    (void)state;
    static const struct span other[] = {SPAN_INIT("*.shop.example"), SPAN_INIT("shop.example")};
    static const struct {
        const char *name, *host;
        bool covers;
    } rows[] = {
        {"localhost", "localhost", true},
        {"localhost", "LOCALHOST", true},
        {"localhost", "unknown.example", true}, // the default certificate is all it would get
        {"localhost", "a.shop.example", false},
        {"a.shop.example", "b.shop.example", true},
        {"a.shop.example", "shop.example", true},
        {"a.shop.example", "localhost", false},
        {"a.shop.example", "a.b.shop.example", false},
        {"unknown.example", "unknown.example", true},
        {NULL, "a.shop.example", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        world_init(&w);
        add_self_signed(&w.context, other, 2, NULL, 0);
        assert_int_equal(tls_context_seal(&w.context), 0);
        connect_client(&w, "\x02h2", rows[i].name);
        assert_true(handshake(&w, WHOLE));
        if (tls_covers(&w.tls, span_str(rows[i].host)) != rows[i].covers) {
            fail_msg("%s asks for %s", rows[i].name, rows[i].host);
        }
        world_fini(&w);
    }
}

// ---- tickets ------------------------------------------------------------------------------------

// Connects again, to `name`, with the session of the connection before. Whether it was resumed.
static bool resumes(struct world *w, const char *name) {
    SSL_SESSION *session = SSL_get1_session(w->client);
    SSL_set_shutdown(w->client, SSL_SENT_SHUTDOWN); // or the library calls the session spoiled
    SSL_free(w->client);
    tls_fini(&w->tls);
    connect_client(w, "\x02h2", name);
    SSL_set_session(w->client, session);
    SSL_SESSION_free(session);
    assert_true(handshake(w, WHOLE));
    return SSL_session_reused(w->client) == 1;
}

static void test_a_ticket_is_good_for_its_name_only(void **state) {
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        world_init(&w);
        SSL_CTX_set_max_proto_version(w.client_context, versions[i]);
        connect_client(&w, "\x02h2", "a.example");
        assert_true(handshake(&w, WHOLE));
        assert_true(resumes(&w, "a.example"));
        assert_false(resumes(&w, "b.example"));
        assert_true(resumes(&w, "b.example"));
        assert_false(resumes(&w, NULL));
        world_fini(&w);
    }
}

static void test_a_ticket_outlives_two_changes_of_keys(void **state) {
    (void)state;
    for (unsigned changes = 0; changes <= TLS_TICKETS_MOST; changes++) {
        struct world w;
        world_init(&w);
        connect_client(&w, "\x02h2", "a.example");
        assert_true(handshake(&w, WHOLE));
        for (unsigned i = 0; i < changes; i++) {
            tls_tickets_rotate(&w.keys);
        }
        assert_int_equal(resumes(&w, "a.example"), changes < TLS_TICKETS_MOST);
        world_fini(&w);
    }
}

static void test_keys_of_a_file_are_those_of_all_machines(void **state) {
    (void)state;
    uint8_t old[TLS_TICKETS_KEY], keys[4 * TLS_TICKETS_KEY];
    memset(keys, 1, sizeof keys);
    memset(old, 2, sizeof old);
    memcpy(keys + TLS_TICKETS_KEY, old, sizeof old);
    struct world w;
    world_init(&w);
    assert_int_equal(tls_tickets_load(&w.keys, span_of(old, sizeof old)), 0);
    connect_client(&w, "\x02h2", "a.example");
    assert_true(handshake(&w, WHOLE));
    static const size_t wrong[] = {0, 1, 79, 81, 241, 320};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(tls_tickets_load(&w.keys, span_of(keys, wrong[i])), ERR_SYNTAX);
    }
    assert_int_equal(tls_tickets_load(&w.keys, span_of(keys, 160)), 0);
    assert_true(resumes(&w, "a.example"));
    assert_int_equal(tls_tickets_load(&w.keys, span_of(keys, 80)), 0);
    assert_true(resumes(&w, "a.example")); // it was renewed with the first
    assert_int_equal(tls_tickets_load(&w.keys, span_of(old, 80)), 0);
    assert_false(resumes(&w, "a.example"));
    world_fini(&w);
}

// Certificates are replaced under a running server: open connections keep working.
static void test_context_may_go_before_open_connections(void **state) {
    (void)state;
    struct world w;
    char text[8];
    world_init(&w);
    connect_client(&w, "\x02h2", "localhost");
    assert_true(handshake(&w, WHOLE));
    tls_context_fini(&w.context);
    SSL_write(w.client, "ping", 4);
    carry(&w, WHOLE);
    assert_true(span_eq(buf_span(&w.received), SPAN("ping")));
    assert_int_equal(tls_put(&w.tls, SPAN("pong")), 0);
    carry(&w, WHOLE);
    assert_int_equal(SSL_read(w.client, text, sizeof text), 4);
    world_fini(&w);
}

// And who comes back resumes what the context before had opened.
static void test_a_ticket_outlives_its_context(void **state) {
    (void)state;
    struct world w;
    world_init(&w);
    connect_client(&w, "\x02h2", "localhost");
    assert_true(handshake(&w, WHOLE));
    tls_context_fini(&w.context);
    tls_context_init(&w.context, true, &w.keys);
    add_self_signed(&w.context, loopback, 3, NULL, 0);
    assert_int_equal(tls_context_seal(&w.context), 0);
    assert_true(resumes(&w, "localhost"));
    world_fini(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_at_any_cut),
        cmocka_unit_test(test_alpn),
        cmocka_unit_test(test_versions_and_suites),
        cmocka_unit_test(test_renegotiation_is_refused),
        cmocka_unit_test(test_big_transfers_both_ways),
        cmocka_unit_test(test_output_is_bounded),
        cmocka_unit_test(test_close_notify),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_changed_record),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_server_name_chooses_the_certificate),
        cmocka_unit_test(test_self_signed),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_context_may_go_before_open_connections),
        cmocka_unit_test(test_a_ticket_outlives_its_context),
        cmocka_unit_test(test_a_connection_is_for_what_its_certificate_says),
        cmocka_unit_test(test_a_ticket_is_good_for_its_name_only),
        cmocka_unit_test(test_a_ticket_outlives_two_changes_of_keys),
        cmocka_unit_test(test_keys_of_a_file_are_those_of_all_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
