// SPDX-License-Identifier: MIT
// What an authority says of a certificate (OCSP, RFC 6960), given to clients with the certificate
// ("stapled": RFC 6066, 8): read from a file in DER form, and only used when it is signed by who
// issued the certificate, or by whom that one names for it (4.2.2.2), speaks of this certificate,
// says "good", and is neither too old nor of the future. Somebody else renews the file.
#ifndef HTTP_TLS_OCSP_H
#define HTTP_TLS_OCSP_H

#include <stdbool.h>
#include <stddef.h>

struct asn1_string_st;
struct ssl_ctx_st;
struct x509_st;

// The responses of all certificates of a context.
struct tls_ocsp {
    struct tls_ocsp_response *v;
    size_t n;
};

// All zeros: none. Frees everything. Idempotent. No handshake may be under way.
void tls_ocsp_fini(struct tls_ocsp *o);
// Reads the response for `own`, which `x` has as its current certificate, with the chain that its
// issuer is in. NULL: it is sent from now on with that certificate, as long as it is good. Else why
// not: static text.
const char *tls_ocsp_add(struct tls_ocsp *o, struct ssl_ctx_st *x, const char *path);
// The file of a response that has become too old since it was read, each once; NULL: none.
const char *tls_ocsp_lapsed(struct tls_ocsp *o);
// The certificate says that it is not to be believed without a response (RFC 7633).
bool tls_ocsp_is_must(struct x509_st *certificate);

#endif
