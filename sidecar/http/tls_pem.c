// SPDX-License-Identifier: MIT
#include "http/tls_pem.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

// Without this, OpenSSL asks for the pass phrase of a key on the terminal.
static int on_password(char *to, int len, int is_write, void *self) {
    (void)to, (void)len, (void)is_write;
    *(bool *)self = true;
    return -1;
}

static int (*opener)(const char *path);

void tls_pem_set_opener(int (*open)(const char *path)) {
    opener = open;
}

BIO *tls_pem_open(const char *path) {
    BIO *file = BIO_new_file(path, "r");
    bool is_locked = file == NULL && ERR_GET_REASON(ERR_peek_error()) == EACCES;
    int fd = is_locked && opener != NULL ? opener(path) : -1;
    if (fd >= 0) {
        ERR_clear_error();
        file = BIO_new_fd(fd, BIO_CLOSE);
    }
    return file;
}

// Whether the chain ended where nothing of its kind follows.
static bool has_ended(void) {
    unsigned long code = ERR_peek_last_error();
    bool is = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    if (is) {
        ERR_clear_error();
    }
    return is;
}

static bool add_chain(SSL_CTX *x, BIO *file) {
    X509 *above;
    while ((above = PEM_read_bio_X509(file, NULL, NULL, NULL)) != NULL) {
        if (SSL_CTX_add0_chain_cert(x, above) != 1) {
            X509_free(above);
            return false;
        }
    }
    return has_ended();
}

bool tls_pem_chain(SSL_CTX *x, const char *path) {
    BIO *file = tls_pem_open(path);
    X509 *own = file != NULL ? PEM_read_bio_X509_AUX(file, NULL, NULL, NULL) : NULL;
    bool is_good = own != NULL && SSL_CTX_use_certificate(x, own) == 1 && add_chain(x, file);
    X509_free(own);
    BIO_free(file);
    return is_good;
}

bool tls_pem_key(SSL_CTX *x, const char *path, bool *is_locked) {
    BIO *file = tls_pem_open(path);
    EVP_PKEY *key =
        file != NULL ? PEM_read_bio_PrivateKey(file, NULL, on_password, is_locked) : NULL;
    bool is_good = key != NULL && SSL_CTX_use_PrivateKey(x, key) == 1;
    EVP_PKEY_free(key);
    BIO_free(file);
    return is_good;
}

int tls_pem_kind(const char *path) {
    BIO *file = tls_pem_open(path);
    X509 *own = file != NULL ? PEM_read_bio_X509_AUX(file, NULL, NULL, NULL) : NULL;
    EVP_PKEY *key = own != NULL ? X509_get0_pubkey(own) : NULL;
    int kind = key != NULL ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
    X509_free(own);
    BIO_free(file);
    ERR_clear_error();
    return kind;
}
