// SPDX-License-Identifier: MIT
#include "gateway/relay_client.h"

#include "gateway/relay.h"
#include "http/uri.h"

#include <stdio.h>

#define FORWARDED_MOST 96 // bytes of one element of Forwarded that we write

static struct span print_port(uint16_t port, char *out, size_t cap) {
    out[0] = 0;
    if (port > 0) {
        snprintf(out, cap, "%u", port);
    }
    return span_str(out);
}

// The scheme that the client spoke. A front that speaks HTTP/2 to us says it in :scheme too.
static void take_scheme(const struct relay_client *c, const struct downstream *d,
                        struct request *q) {
    bool is_secure = d->is_tls || q->is_secure;
    if (c->client.scheme != CLIENT_SCHEME_UNSAID) {
        is_secure = c->client.scheme == CLIENT_SCHEME_HTTPS;
    } else if (c->client.is_front && d->is_h2) {
        is_secure = is_secure || span_eq(q->scheme, SPAN("https"));
    }
    q->is_secure = is_secure;
    q->scheme = is_secure ? SPAN("https") : SPAN("http");
}

// Only what could be an authority of HTTP itself: a front may pass on anything.
static void take_host(struct relay_client *c, struct front_stream *stream) {
    struct uri_authority authority;
    const char *why;
    if (c->client.host.n > 0 &&
        uri_authority_parse(&stream->arena, c->client.host, &authority, &why) == 0) {
        stream->request.authority = authority.text;
    } else {
        c->client.host = span_of(NULL, 0);
    }
}

// Where the client connected, as it sees it: behind a front that is not where the front did.
static uint16_t server_port(const struct relay_client *c, const struct request *q) {
    struct span host = router_host(q->authority), port = span_skip(q->authority, host.n);
    uint64_t n;
    if (c->client.server_port > 0) {
        return c->client.server_port;
    }
    if (port.n > 1 && span_to_u64(span_skip(port, 1), &n) && n > 0 && n <= UINT16_MAX) {
        return (uint16_t)n;
    }
    return q->is_secure ? 443 : 80;
}

static void say(struct relay_client *c, struct arena *a, enum forwarded_field field,
                struct span value) {
    pairs_put(&c->said, a, span_str(forwarded_field_name(field)), value);
}

// One element with what is known, in place of the list that came.
static void say_forwarded(struct relay_client *c, struct arena *a, const struct request *q) {
    char text[FORWARDED_MOST];
    bool is_v6 = c->client.ip.n == 16;
    snprintf(text, sizeof text, "for=%s%s%s;proto=%s", is_v6 ? "\"[" : "", c->address,
             is_v6 ? "]\"" : "", q->is_secure ? "https" : "http");
    say(c, a, FORWARDED_FIELD_FORWARDED, arena_copy(a, span_str(text)));
}

// Exactly the fields that the operator named, with what was found out. A field that names a client
// is said only where one is named.
static void say_all(struct relay_client *c, const struct client_trust *trust,
                    struct front_stream *stream) {
    struct arena *a = &stream->arena;
    const struct request *q = &stream->request;
    for (size_t i = 0; i < trust->fields_n && c->client.is_vouched; i++) {
        if (trust->fields[i] == FORWARDED_FIELD_FORWARDED) {
            say_forwarded(c, a, q);
        } else {
            say(c, a, trust->fields[i], span_str(c->address));
        }
    }
    if (c->client.scheme != CLIENT_SCHEME_UNSAID) {
        say(c, a, FORWARDED_FIELD_X_FORWARDED_PROTO, q->scheme);
    }
    if (c->client.server_port > 0) {
        say(c, a, FORWARDED_FIELD_X_FORWARDED_PORT, span_str(c->server_port));
    }
    if (c->client.host.n > 0) {
        say(c, a, FORWARDED_FIELD_X_FORWARDED_HOST, q->authority);
    }
}

static void take_front(struct relay_client *c, const struct client_trust *trust,
                       struct front_stream *stream) {
    const struct request *q = &stream->request;
    take_host(c, stream);
    if (c->client.is_vouched) {
        ip_print(&c->client.ip, c->address);
        c->peer.remote_addr = span_str(c->address);
        c->peer.remote_port = print_port(c->client.port, c->port, sizeof c->port);
    }
    c->peer.server_port = print_port(server_port(c, q), c->server_port, sizeof c->server_port);
    say_all(c, trust, stream);
}

void relay_client_init(struct relay_client *c, const struct downstream *d,
                       struct front_stream *stream) {
    const struct client_trust *trust = &d->listener->trust;
    c->peer = *d->peer;
    c->said = (struct pairs){.n = 0};
    client_read(&c->client, trust, d->from, d->from_port, &stream->request.fields);
    take_scheme(c, d, &stream->request);
    if (c->client.is_front) {
        take_front(c, trust, stream);
    } else if (c->client.claim != FORWARDED_FIELDS && (d->from->n == 0 || ip_is_private(d->from))) {
        // Likely a front that nobody has told us of. Applications that open doors to 127.0.0.1
        // look whether there was one.
        say(c, &stream->arena, FORWARDED_FIELD_X_FORWARDED_FOR, SPAN("unknown"));
        if (d->listener->conf->ops->claimed != NULL) {
            d->listener->conf->ops->claimed(d->listener->conf->self, c->client.claim);
        }
    }
    c->peer.said = &c->said;
}
