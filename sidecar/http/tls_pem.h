// SPDX-License-Identifier: MIT
// Certificates and keys out of PEM files, for tls_context. What failed is in OpenSSL's queue.
#ifndef HTTP_TLS_PEM_H
#define HTTP_TLS_PEM_H

#include <stdbool.h>

struct bio_st;
struct ssl_ctx_st;

// How a PEM file is opened that this process may not open itself: a descriptor, or -1. Set once,
// before there are threads.
void tls_pem_set_opener(int (*open)(const char *path));
// Opens a file of this kind to be read; NULL with the reason in OpenSSL's queue.
struct bio_st *tls_pem_open(const char *path);
// Takes a server's certificate and the chain behind it. False: it cannot be read.
bool tls_pem_chain(struct ssl_ctx_st *x, const char *path);
// Takes the private key. False: it cannot be read; *is_locked is set when it is encrypted.
bool tls_pem_key(struct ssl_ctx_st *x, const char *path, bool *is_locked);
// The kind of key of a certificate in a file; EVP_PKEY_NONE when it cannot be read.
int tls_pem_kind(const char *path);

#endif
