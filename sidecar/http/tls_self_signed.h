// SPDX-License-Identifier: MIT
// A certificate made in memory, for loopback use without a configuration: EC P-256, signed by
// itself, for server authentication. Its pin (SHA-256 of the public key, base64: RFC 7469, 2.4)
// lets a client that has no reason to trust it recognise it all the same.
#ifndef HTTP_TLS_SELF_SIGNED_H
#define HTTP_TLS_SELF_SIGNED_H

#include "base/span.h"

struct evp_pkey_st;
struct x509_st;

#define TLS_PIN_LEN 45 // bytes of a pin, its zero included

struct tls_self_signed {
    struct x509_st *certificate;
    struct evp_pkey_st *key;
    char pin[TLS_PIN_LEN];
};

// Makes key and certificate for the DNS names and IP addresses given as text ("localhost",
// "127.0.0.1", "::1"), valid from an hour before unix_time for 30 days. 0, or ERR_CONFIG when a
// name cannot be one, or the library fails. Give certificate and key to tls_context_add.
int tls_self_signed_init(struct tls_self_signed *s, const struct span *names, size_t names_n,
                         int64_t unix_time);
// Idempotent.
void tls_self_signed_fini(struct tls_self_signed *s);

#endif
