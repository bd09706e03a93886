// SPDX-License-Identifier: MIT
// Certificates and rules for the TLS connections of a listener: one default certificate, others by
// the name the client asks for (SNI, RFC 6066, 3). TLS 1.2 and 1.3, only cipher suites that HTTP/2
// allows (RFC 9113, 9.2.2); ALPN h2, http/1.1 and http/1.0, anything else is refused with
// no_application_protocol (RFC 7301, 3.2); one session ticket, good for the name that it was given
// for; no renegotiation, no compression, no
// early data. Filled at start or reload, then only read, so that threads may share it.
#ifndef HTTP_TLS_CONTEXT_H
#define HTTP_TLS_CONTEXT_H

#include "base/buf.h"
#include "http/tls_names.h"
#include "http/tls_ocsp.h"
#include "http/tls_sites.h"
#include "http/tls_tickets.h"

struct evp_pkey_st;
struct ssl_ctx_st;
struct x509_st;

#define TLS_WHY_LEN 512 // bytes of an error text, its zero included

struct tls_context {
    struct ssl_ctx_st **certificates; // one SSL_CTX each; the first is the default
    size_t certificates_n;
    struct tls_names names; // of the certificates
    struct tls_sites sites;
    struct tls_tickets *tickets; // NULL: nobody resumes
    struct tls_ocsp ocsp;
    struct x509_st *last; // the certificate that was added last; borrowed
    bool has_h2, is_sealed;
    char why[TLS_WHY_LEN];
    struct buf notes;
};

// has_h2: offer h2 besides http/1.1. tickets: borrowed, also by connections that outlive the
// context; what follows it with the same keys resumes what it has opened. NULL: no tickets.
void tls_context_init(struct tls_context *c, bool has_h2, struct tls_tickets *tickets);
// Frees everything. No handshake that uses it may be under way; open connections may. Idempotent.
void tls_context_fini(struct tls_context *c);

// Adds a certificate chain and its key, both PEM files, for the names given and those in the
// certificate (dNSName, also "*.example.org"). The first added is the default, for clients without
// SNI and unknown names. For a name given twice the first certificate stays. 0, or ERR_CONFIG:
// tls_context_why names the file and what is wrong with it.
int tls_context_add_files(struct tls_context *c, const char *certificate_path, const char *key_path,
                          const struct span *names, size_t names_n);
// Notes it when the certificate that was added last, from the file `path`, is not for that name.
void tls_context_note_name(struct tls_context *c, const char *path, struct span name);
// Puts another chain and its key, of another kind of key (ECDSA beside RSA), beside the certificate
// that was added last: each client is given the one that it understands, ECDSA first. Its names
// count too. 0, or ERR_CONFIG; the context is of no more use then.
int tls_context_add_beside(struct tls_context *c, const char *certificate_path,
                           const char *key_path);
// Gives the OCSP response in a file with the certificate that was added last, if it is good for it.
// An empty path: there is none. What is wrong with that is a note, and no error.
void tls_context_staple(struct tls_context *c, const char *path);
// Says which names a site has, and what it demands of its clients. The first one that is added
// answers to unknown names. Borrows conf. 0, or ERR_CONFIG.
int tls_context_serve(struct tls_context *c, const struct tls_client_conf *conf,
                      const struct span *names, size_t names_n);
// The same as tls_context_add_files from memory; takes references of its own.
int tls_context_add(struct tls_context *c, struct x509_st *certificate, struct evp_pkey_st *key,
                    const struct span *names, size_t names_n);

// Sorts the names and sees that there is a key for tickets; to be called once after the last add,
// before the first tls_init. 0, or ERR_CONFIG when there is no certificate.
int tls_context_seal(struct tls_context *c);

// The certificate that a client asking for `name` gets: an exact name, then a wildcard for its
// first label, then the default. Not case sensitive.
struct ssl_ctx_st *tls_context_find(const struct tls_context *c, struct span name);

// Whether who was given the certificate of `x` may ask for `name`: it is the one that a client
// asking for the name would be given, or it says that it is for that name too.
bool tls_context_covers(const struct tls_context *c, struct ssl_ctx_st *x, struct span name);

// The names of sites, at most `most`, that a client may as well ask for who was given the
// certificate of `x`: it is for them, and they ask for none of the client. Borrowed.
size_t tls_context_origins(const struct tls_context *c, struct ssl_ctx_st *x, struct span *names,
                           size_t most);

// Text for the operator, after an error.
const char *tls_context_why(const struct tls_context *c);
// What else the operator should know, each on a line: certificates that are out of date or
// not for their site, which only clients can refuse, and OCSP responses that are not used. Borrowed
// until the next call.
struct span tls_context_notes(const struct tls_context *c);

#endif
