// SPDX-License-Identifier: MIT
// The sites behind a listener, by name, as far as handshakes must know them: whom each asks for a
// certificate of the client, and whom it believes then.
#ifndef HTTP_TLS_SITES_H
#define HTTP_TLS_SITES_H

#include "http/tls_client.h"
#include "http/tls_names.h"

struct tls_site;

// All zeros: none.
struct tls_sites {
    struct tls_site *v; // the first answers to unknown names
    size_t n;
    struct tls_names names;
};

#define TLS_SITES_DIGEST 32 // bytes of tls_sites_digest

// No handshake may be under way. Idempotent.
void tls_sites_fini(struct tls_sites *s);
// Adds a site of these names. NULL, or why not, static text, with the file concerned in *path.
const char *tls_sites_add(struct tls_sites *s, const struct tls_client_conf *conf,
                          const struct span *names, size_t names_n, const char **path);
// To be called once behind the last.
void tls_sites_seal(struct tls_sites *s);
// Has the client of a handshake that asks for `name` be asked for a certificate, or not.
void tls_sites_ask(const struct tls_sites *s, struct ssl_st *ssl, struct span name);
// Whose demand that is; NULL: it is not asked.
const struct tls_client_conf *tls_sites_asked(const struct tls_sites *s, struct span name);
// The i-th name of a site that asks nobody for a certificate, from i = 0 on; p NULL: of one that
// does. False: there are no more.
bool tls_sites_open_name(const struct tls_sites *s, size_t i, struct span *name);
// A digest of the name and of all that decides about certificates there: what was resumed with
// another one would be believed by other rules. False: it cannot be made.
bool tls_sites_digest(const struct tls_sites *s, struct span name, uint8_t *digest);

#endif
