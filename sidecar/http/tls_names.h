// SPDX-License-Identifier: MIT
// Host names, each with the number of what it stands for: filled, sorted once, then only read. Not
// case sensitive. "*.example.org" stands for all names with one label more.
#ifndef HTTP_TLS_NAMES_H
#define HTTP_TLS_NAMES_H

#include "base/span.h"

#define TLS_NAME_MOST 255       // bytes of a host name (RFC 1035, 2.3.4)
#define TLS_NAMES_NONE SIZE_MAX // no number

struct tls_name;

// All zeros: none.
struct tls_names {
    struct tls_name *v;
    size_t n, cap;
};

// Idempotent.
void tls_names_fini(struct tls_names *names);
// What can be no host name is left out.
void tls_names_put(struct tls_names *names, struct span name, size_t number);
// For a name put twice the lowest number stays.
void tls_names_sort(struct tls_names *names);
// The number of the name itself, else of the wildcard for its first label, or TLS_NAMES_NONE.
size_t tls_names_find(const struct tls_names *names, struct span name);
// The i-th of n, in lower case, and its number. Borrowed as long as the names.
struct span tls_names_at(const struct tls_names *names, size_t i, size_t *number);

#endif
