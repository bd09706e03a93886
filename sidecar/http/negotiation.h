// SPDX-License-Identifier: MIT
// Which content coding a client is sent (RFC 9110, 12.5.3).
//
//     Accept-Encoding = [ codings [ weight ] *( OWS "," OWS codings [ weight ] ) ]
//     codings         = content-coding / "identity" / "*"        weight = OWS ";" OWS "q=" qvalue
#ifndef HTTP_NEGOTIATION_H
#define HTTP_NEGOTIATION_H

#include "base/pair.h"
#include "http/coding.h"

// The one of `offered` that the request's Accept-Encoding fields give the highest weight; of those
// that have the same, the first in `offered`. CODING_IDENTITY where none is acceptable, where
// identity is given a higher weight by its name, and without such a field: who forbids identity,
// too, is sent it all the same, as RFC 9110 lets a server do.
enum coding_kind negotiation_coding(const struct pairs *fields, const enum coding_kind *offered,
                                    size_t n);

#endif
