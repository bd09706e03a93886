// SPDX-License-Identifier: MIT
// Whether a response is compressed, and what becomes of its head then. Compressed is what the
// site's `compress` section and the route allow, whole (no 206), once (no Content-Encoding yet),
// not against its owner's word (Cache-Control: no-transform), of a type that is worth it and not
// too short; for a client that asks for it (http/negotiation.h) over HTTP/1.1 or HTTP/2.
#ifndef GATEWAY_COMPRESSION_H
#define GATEWAY_COMPRESSION_H

#include "base/message.h"
#include "exchange/site.h"

// All borrowed.
struct compression_question {
    const struct site *site;
    const struct route_rule *rule; // the operator's for this path, or NULL
    const struct request *request;
    const struct response *response;
    bool is_file;     // of the document root:
    struct span type; // its media type and bytes, where the response is a 304 or ranges of it
    uint64_t len;
};

struct compression {
    enum coding_kind coding; // CODING_IDENTITY: it goes as it is
    bool varies;             // another client may be sent the same response in another coding
};

struct compression compression_of(const struct compression_question *q);
// The level that the site has for a coding.
int compression_level(const struct site *site, enum coding_kind kind);
// Makes *to of the head: of a compressed response without its length, its digests (RFC 9530) and
// ranges, and with a weak ETag, since its bytes are others now; a 304 has the same ETag. All that
// vary say so (RFC 9110, 12.5.5). Lives in `a`. 0, or ERR_ARENA_LIMIT.
int compression_head(const struct compression *c, const struct response *from, struct arena *a,
                     struct response *to);

#endif
