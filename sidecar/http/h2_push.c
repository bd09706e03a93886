// SPDX-License-Identifier: MIT
// Server push (RFC 9113, 8.4). Nearly every client forbids it, and one that does loses the whole
// connection when it gets a promise: so none goes out before its SETTINGS have been read.
#include "http/field.h"
#include "http/h2_stream.h"
#include "http/request.h"

#define FIELDS_MAX 32

bool h2_can_push(const struct front *f) {
    const struct h2 *h = h2_of_const(f);
    if (h->error != 0 || !h->has_settings || h->has_goaway || h->is_shutting) {
        return false;
    }
    uint32_t most =
        nghttp2_session_get_remote_settings(h->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return h->pushes < most && h->pushes < h->conf->max_streams &&
           nghttp2_session_get_remote_settings(h->session, NGHTTP2_SETTINGS_ENABLE_PUSH) != 0;
}

static int copy(struct h2_stream *s, const struct request *from) {
    struct arena *a = &s->base.arena;
    struct request *to = &s->base.request;
    to->method = arena_copy(a, from->method);
    to->scheme = arena_copy(a, from->scheme);
    to->authority = arena_copy(a, from->authority);
    to->target = arena_copy(a, from->target);
    if (to->method.p == NULL || to->scheme.p == NULL || to->authority.p == NULL ||
        to->target.p == NULL) {
        return ERR_ARENA_LIMIT;
    }
    for (size_t i = 0; i < from->fields.n; i++) {
        struct span name = arena_copy(a, from->fields.v[i].name);
        struct span value = arena_copy(a, from->fields.v[i].value);
        if (name.p == NULL || value.p == NULL || pairs_put(&to->fields, a, name, value) != 0) {
            return ERR_ARENA_LIMIT;
        }
    }
    const char *why;
    return request_complete(to, a, &why);
}

static int submit(struct h2 *h, const struct h2_stream *parent, struct h2_stream *s) {
    const struct request *r = &s->base.request;
    nghttp2_nv nv[4 + FIELDS_MAX] = {
        h2_nv(SPAN(":method"), r->method, NGHTTP2_NV_FLAG_NONE),
        h2_nv(SPAN(":scheme"), r->scheme, NGHTTP2_NV_FLAG_NONE),
        h2_nv(SPAN(":authority"), r->authority, NGHTTP2_NV_FLAG_NONE),
        h2_nv(SPAN(":path"), r->target, NGHTTP2_NV_FLAG_NONE),
    };
    size_t n = 4;
    for (size_t i = 0; i < r->fields.n; i++) {
        struct pair field = r->fields.v[i];
        if (n == 4 + FIELDS_MAX || !field_is_name(field.name) || !field_is_value(field.value)) {
            return ERR_PUSH_REFUSED;
        }
        nv[n++] = h2_nv(field.name, field.value, NGHTTP2_NV_FLAG_NONE);
    }
    // The library learns of `s` when the promise has been sent (h2_output.c): until then it could
    // not be made to forget it.
    return nghttp2_submit_push_promise(h->session, NGHTTP2_FLAG_NONE, h2_stream_id(parent), nv, n,
                                       NULL);
}

int h2_promise(struct front *f, struct front_stream *parent, const struct request *request,
               struct front_stream **pushed) {
    struct h2 *h = h2_of(f);
    struct h2_stream *p = h2_stream_of(parent);
    if (!h2_can_push(f) || p->is_closed || p->is_finished || p->has_end || p->is_pushed ||
        !span_eq(request->method, SPAN("GET"))) {
        return ERR_PUSH_REFUSED;
    }
    struct h2_stream *s = h2_pool_take(h, 0);
    int id = copy(s, request) == 0 ? submit(h, p, s) : ERR_PUSH_REFUSED;
    if (id <= 0) {
        h2_pool_put(h, s);
        return ERR_PUSH_REFUSED;
    }
    s->base.id = (uint32_t)id;
    s->base.request.body_len = 0;
    s->is_pushed = s->is_told = true;
    h2_order_promise(h, p, s);
    h->pushes++;
    *pushed = &s->base;
    return 0;
}
