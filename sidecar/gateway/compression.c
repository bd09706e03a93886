// SPDX-License-Identifier: MIT
#include "gateway/compression.h"

#include "base/error.h"
#include "base/wildcard.h"
#include "http/encoder.h"
#include "http/field.h"
#include "http/mime.h"
#include "http/negotiation.h"

// ---- whether ------------------------------------------------------------------------------------

static bool is_wanted(const struct compression_question *q) {
    if (q->rule != NULL && q->rule->has_compress && !q->rule->compress) {
        return false;
    }
    enum site_compress mode = q->site->compress.mode;
    return mode == SITE_COMPRESS_ALL || (mode == SITE_COMPRESS_FILES && q->is_file);
}

static bool is_of_types(const struct site *site, struct span type) {
    const struct span_list *types = &site->compress.types;
    return wildcard_match_any(types->v, types->n, mime_essence(type), WILDCARD_NOCASE);
}

// A redirect's page is read by nobody, and 204 has none.
static bool has_whole_body(int status) {
    return (status >= 200 && status < 300 && status != 204 && status != 205 && status != 206) ||
           status >= 400;
}

// What is said of a representation in its other selections, too: of its validation and its parts.
static bool is_other_selection(int status) {
    return status == 304 || status == 206;
}

static bool is_long_enough(const struct compression_question *q) {
    const struct span *value = pairs_find(&q->response->fields, SPAN("content-length"));
    uint64_t len = UINT64_MAX;
    if (is_other_selection(q->response->status)) {
        len = q->is_file ? q->len : len;
    } else if (value != NULL && !span_to_u64(*value, &len)) {
        len = UINT64_MAX;
    }
    return len >= q->site->compress.min_size;
}

static struct span type_of(const struct compression_question *q) {
    const struct span *said = pairs_find(&q->response->fields, SPAN("content-type"));
    bool is_other = is_other_selection(q->response->status);
    return q->is_file && is_other ? q->type : said != NULL ? *said : span_of(NULL, 0);
}

struct compression compression_of(const struct compression_question *q) {
    struct compression none = {CODING_IDENTITY, false};
    const struct pairs *fields = &q->response->fields;
    int status = q->response->status;
    if (!is_wanted(q) || !(has_whole_body(status) || is_other_selection(status)) ||
        pairs_find(fields, SPAN("content-encoding")) != NULL ||
        field_has_token(fields, SPAN("cache-control"), SPAN("no-transform")) ||
        !is_of_types(q->site, type_of(q)) || !is_long_enough(q)) {
        return none;
    }
    bool is_old = q->request->protocol == PROTOCOL_HTTP10;
    bool has_parts = status == 206 || (status != 304 && pairs_find(fields, SPAN("content-range")));
    const struct site_compression *conf = &q->site->compress;
    enum coding_kind coding =
        is_old || has_parts
            ? CODING_IDENTITY
            : negotiation_coding(&q->request->fields, conf->codings, conf->codings_n);
    return (struct compression){coding, true};
}

int compression_level(const struct site *site, enum coding_kind kind) {
    const struct site_compression *c = &site->compress;
    unsigned level = kind == CODING_GZIP     ? c->gzip_level
                     : kind == CODING_BROTLI ? c->br_level
                                             : c->zstd_level;
    return (int)level;
}

// ---- the head -----------------------------------------------------------------------------------

// What is not true any more when the bytes are others.
static bool is_of_bytes(struct span name) {
    return span_eq_nocase(name, SPAN("content-length")) ||
           span_eq_nocase(name, SPAN("accept-ranges")) || field_is_digest(name);
}

// entity-tag = [ "W/" ] opaque-tag
static struct span weaken(struct span tag, struct arena *a) {
    uint8_t *p = span_has_prefix(tag, SPAN("W/")) ? NULL : arena_alloc(a, tag.n + 2);
    if (p == NULL) {
        return tag;
    }
    memcpy(p, "W/", 2);
    memcpy(p + 2, tag.p, tag.n);
    return span_of(p, tag.n + 2);
}

static int put_vary(const struct response *from, struct arena *a, struct pairs *fields) {
    struct span name = SPAN("vary"), own = SPAN("accept-encoding");
    bool is_said = field_has_token(&from->fields, name, SPAN("*")) ||
                   field_has_token(&from->fields, name, own);
    return is_said ? 0 : pairs_put(fields, a, name, SPAN("Accept-Encoding"));
}

int compression_head(const struct compression *c, const struct response *from, struct arena *a,
                     struct response *to) {
    bool is_packed = c->coding != CODING_IDENTITY;
    bool has_body = is_packed && from->status != 304;
    struct pairs fields = {.n = 0};
    int err = 0;
    for (size_t i = 0; err == 0 && i < from->fields.n; i++) {
        struct pair f = from->fields.v[i];
        if (is_packed && span_eq_nocase(f.name, SPAN("etag"))) {
            f.value = weaken(f.value, a);
        }
        if (!is_packed || !is_of_bytes(f.name)) {
            err = pairs_put(&fields, a, f.name, f.value);
        }
    }
    if (err == 0 && has_body) {
        err = pairs_put(&fields, a, SPAN("content-encoding"), encoder_name(c->coding));
    }
    if (err == 0 && c->varies) {
        err = put_vary(from, a, &fields);
    }
    *to = *from;
    to->fields = fields;
    return err;
}
