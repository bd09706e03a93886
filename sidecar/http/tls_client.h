// SPDX-License-Identifier: MIT
// Certificates of clients: what a site demands, and what a client of it has shown. A handshake does
// not fail for want of a good one: a browser could not say why, so the requests are answered 400.
//
// What is demanded goes by the name that the client asks for (SNI), as everything of a handshake. A
// request for another site on the same connection is none of what was asked then: `asked` tells.
#ifndef HTTP_TLS_CLIENT_H
#define HTTP_TLS_CLIENT_H

#include "base/span.h"

#include <stdint.h>

struct ssl_st;

enum tls_client_mode {
    TLS_CLIENT_OFF,      // nobody is asked for a certificate
    TLS_CLIENT_OPTIONAL, // who has none is welcome, too
    TLS_CLIENT_REQUIRE,
};

// What a site demands. Borrowed as long as anybody may ask for it.
struct tls_client_conf {
    enum tls_client_mode mode;
    struct span authorities; // PEM file of those who are believed, zero-terminated
    struct span revoked;     // PEM file of their lists of revoked certificates; empty: none
    unsigned depth;          // most intermediate certificates
};

enum tls_client_verdict {
    TLS_CLIENT_NONE, // no certificate was shown
    TLS_CLIENT_GOOD,
    TLS_CLIENT_BAD, // it is not believed
};

// What a client has shown. Texts are empty unless the verdict is good.
struct tls_client {
    const struct tls_client_conf *asked; // whose demand it was; NULL: nobody's
    enum tls_client_verdict verdict;
    const char *why;                 // static text of a bad one
    struct span subject, issuer;     // distinguished names (RFC 4514)
    struct span name;                // the subject's common name; empty: it has none
    struct span serial, fingerprint; // hexadecimal digits; the latter of SHA-1
    struct span from, until;         // "Dec  1 14:48:05 2026 GMT"
    char *text;                      // they are in it
};

// What an SSL, whose handshake is complete, was shown by its client.
void tls_client_init(struct tls_client *c, const struct tls_client_conf *asked, struct ssl_st *ssl);
// Idempotent.
void tls_client_fini(struct tls_client *c);

#endif
