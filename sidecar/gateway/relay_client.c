// SPDX-License-Identifier: MIT
#include "gateway/relay_client.h"

#include "base/error.h"
#include "exchange/client.h"
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

// What is made for a request of which the connection does not say everything.
struct words {
    struct client client;
    struct cgi_peer peer; // as text; borrows from here, the connection and the request
    struct pairs said;    // what of it the application is told in fields
    char address[IP_TEXT_LEN], port[8], server_port[8];
};

// In the arena of the request, in place of the connection's; NULL when that has no room.
static struct words *words_new(const struct downstream *d, struct arena *a) {
    struct words *w = arena_alloc(a, sizeof *w);
    if (w != NULL) {
        w->peer = *d->peer;
        w->said = (struct pairs){.n = 0};
        w->peer.said = &w->said;
    }
    return w;
}

static void set_scheme(struct request *q, bool is_secure) {
    q->is_secure = is_secure;
    q->scheme = is_secure ? SPAN("https") : SPAN("http");
}

// The scheme that the client spoke to the front. One that speaks HTTP/2 to us says it in :scheme
// too.
static void take_scheme(const struct words *w, const struct downstream *d, struct request *q) {
    bool is_secure = d->is_tls || q->is_secure;
    if (w->client.scheme != CLIENT_SCHEME_UNSAID) {
        is_secure = w->client.scheme == CLIENT_SCHEME_HTTPS;
    } else if (d->is_h2) {
        is_secure = is_secure || span_eq(q->scheme, SPAN("https"));
    }
    set_scheme(q, is_secure);
}

// Only what could be an authority of HTTP itself: a front may pass on anything.
static void take_host(struct words *w, struct front_stream *stream) {
    struct uri_authority authority;
    const char *why;
    if (w->client.host.n > 0 &&
        uri_authority_parse(&stream->arena, w->client.host, &authority, &why) == 0) {
        stream->request.authority = authority.text;
    } else {
        w->client.host = span_of(NULL, 0);
    }
}

// Where the client connected, as it sees it: behind a front that is not where the front did.
static uint16_t server_port(const struct words *w, const struct request *q) {
    return w->client.server_port > 0 ? w->client.server_port : uri_port(q->scheme, q->authority);
}

static int say(struct words *w, struct arena *a, enum forwarded_field field, struct span value) {
    return pairs_put(&w->said, a, span_str(forwarded_field_name(field)), value);
}

// One element with what is known, in place of the list that came.
static int say_forwarded(struct words *w, struct arena *a, const struct request *q) {
    char text[FORWARDED_MOST];
    bool is_v6 = w->client.ip.n == 16;
    snprintf(text, sizeof text, "for=%s%s%s;proto=%s", is_v6 ? "\"[" : "", w->address,
             is_v6 ? "]\"" : "", q->is_secure ? "https" : "http");
    struct span value = arena_copy(a, span_str(text));
    return value.p != NULL ? say(w, a, FORWARDED_FIELD_FORWARDED, value) : ERR_ARENA_LIMIT;
}

// The fields that the operator named, with the client that was found out.
static int say_client(struct words *w, const struct client_trust *trust,
                      struct front_stream *stream) {
    struct arena *a = &stream->arena;
    int err = 0;
    for (size_t i = 0; i < trust->fields_n && err == 0; i++) {
        err = trust->fields[i] == FORWARDED_FIELD_FORWARDED
                  ? say_forwarded(w, a, &stream->request)
                  : say(w, a, trust->fields[i], span_str(w->address));
    }
    return err;
}

// Exactly what was found out. A field that names a client is said only where one is named. Without
// room the request is refused: an application must not hear half of who asks.
static int say_all(struct words *w, const struct client_trust *trust, struct front_stream *stream) {
    struct arena *a = &stream->arena;
    const struct request *q = &stream->request;
    int err = w->client.is_vouched ? say_client(w, trust, stream) : 0;
    if (err == 0 && w->client.scheme != CLIENT_SCHEME_UNSAID) {
        err = say(w, a, FORWARDED_FIELD_X_FORWARDED_PROTO, q->scheme);
    }
    if (err == 0 && w->client.server_port > 0) {
        err = say(w, a, FORWARDED_FIELD_X_FORWARDED_PORT, span_str(w->server_port));
    }
    if (err == 0 && w->client.host.n > 0) {
        err = say(w, a, FORWARDED_FIELD_X_FORWARDED_HOST, q->authority);
    }
    return err;
}

static int take_front(struct relay_client *c, struct words *w, const struct downstream *d,
                      struct front_stream *stream) {
    const struct client_trust *trust = &d->listener->trust;
    struct request *q = &stream->request;
    client_read(&w->client, trust, d->from, d->from_port, &q->fields);
    take_scheme(w, d, q);
    take_host(w, stream);
    if (w->client.is_vouched) {
        ip_print(&w->client.ip, w->address);
        w->peer.remote_addr = span_str(w->address);
        w->peer.remote_port = print_port(w->client.port, w->port, sizeof w->port);
    }
    w->peer.server_port = print_port(server_port(w, q), w->server_port, sizeof w->server_port);
    c->ip = w->client.ip;
    c->is_vouched = w->client.is_vouched;
    return say_all(w, trust, stream);
}

// Likely a front that nobody has told us of. Applications that open doors to 127.0.0.1 look whether
// there was one.
static int take_claim(struct words *w, const struct downstream *d, struct arena *a,
                      enum forwarded_field claim) {
    const struct relay_conf *conf = d->listener->conf;
    if (conf->ops->claimed != NULL) {
        conf->ops->claimed(conf->self, claim);
    }
    return say(w, a, FORWARDED_FIELD_X_FORWARDED_FOR, SPAN("unknown"));
}

int relay_client_init(struct relay_client *c, const struct downstream *d,
                      struct front_stream *stream) {
    bool is_front = client_is_trusted(&d->listener->trust, d->from);
    *c = (struct relay_client){.ip = *d->from, .peer = d->peer, .is_front = is_front};
    enum forwarded_field claim = FORWARDED_FIELDS;
    if (!is_front) {
        set_scheme(&stream->request, d->is_tls || stream->request.is_secure);
        claim = client_claim(&stream->request.fields);
        if (claim == FORWARDED_FIELDS || (d->from->n > 0 && !ip_is_private(d->from))) {
            return 0;
        }
    }
    struct words *w = words_new(d, &stream->arena);
    if (w == NULL) {
        return ERR_ARENA_LIMIT;
    }
    c->peer = &w->peer;
    return is_front ? take_front(c, w, d, stream) : take_claim(w, d, &stream->arena, claim);
}
