// SPDX-License-Identifier: MIT
// Header fields as RFC 9110, 5 has them: what a name and a value may be made of, and how lists in
// values are read. Parsers and writers of every protocol ask here.
#ifndef HTTP_FIELD_H
#define HTTP_FIELD_H

#include "base/pair.h"
#include "base/tchar.h"

// A field name: a token of any case.
static inline bool field_is_name(struct span s) {
    return tchar_is_token(s);
}
// A field value that may be kept and sent: VCHAR, obs-text, SP and HTAB only, no blank at either
// end (RFC 9110, 5.5). The empty value is one.
bool field_is_value(struct span s);
// Fields that speak about one connection and go no further (RFC 9110, 7.6.1; RFC 9113, 8.2.2):
// connection, keep-alive, proxy-connection, transfer-encoding, te, upgrade, http2-settings.
bool field_is_connection_specific(struct span name);

// Fields with a checksum of the bytes that are sent (RFC 9530; Digest and Content-MD5 before it).
bool field_is_digest(struct span name);
// Writes `s` in lower case to `out`, which has room for s.n bytes; gives the span of it.
struct span field_lower(struct span s, uint8_t *out);

// The next element of a list (RFC 9110, 5.6.1), without blanks around it: splits at commas outside
// quoted strings, skips empty elements. False at the end. *rest starts as the value.
bool field_next_element(struct span *rest, struct span *element);
// The next part of an element between semicolons outside quoted strings (parameters, RFC 9110,
// 5.6.6), without blanks around it; may be empty. False at the end.
bool field_next_part(struct span *rest, struct span *part);
// A list, over all fields of that name, has an element equal to `token` without case.
bool field_has_token(const struct pairs *fields, struct span name, struct span token);

// The index of the first field of that name (without case) at or behind `from`, or fields->n: how
// to visit all of them.
size_t field_find(const struct pairs *fields, struct span name, size_t from);

#endif
