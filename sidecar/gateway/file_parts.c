// SPDX-License-Identifier: MIT
#include "gateway/file_parts.h"

#include "base/error.h"

#include <inttypes.h>
#include <stdio.h>

#define BOUNDARY_LEN 16 // digits
#define TEXT_MAX 128    // bytes of a part's text besides its media type

static struct span format(struct arena *a, const char *boundary, struct span type,
                          struct span range) {
    size_t most = TEXT_MAX + type.n + range.n;
    char *out = arena_alloc(a, most);
    int n = 0;
    if (out != NULL && type.n > 0) {
        n = snprintf(out, most, "\r\n--%s\r\nContent-Type: %.*s\r\nContent-Range: %.*s\r\n\r\n",
                     boundary, SPAN_ARG(type), SPAN_ARG(range));
    } else if (out != NULL) {
        n = snprintf(out, most, "\r\n--%s\r\nContent-Range: %.*s\r\n\r\n", boundary,
                     SPAN_ARG(range));
    }
    return span_of(out, (size_t)n);
}

static struct span format_end(struct arena *a, const char *boundary) {
    char *out = arena_alloc(a, TEXT_MAX);
    int n = out != NULL ? snprintf(out, TEXT_MAX, "\r\n--%s--\r\n", boundary) : 0;
    return span_of(out, (size_t)n);
}

// One part for each range, and the end.
static struct file_part *make(const struct ranges *ranges, uint64_t len, struct span type,
                              const char *boundary, struct arena *a) {
    struct file_part *parts = arena_alloc(a, (ranges->n + 1) * sizeof *parts);
    char text[RANGE_TEXT_MAX];
    for (size_t i = 0; parts != NULL && i <= ranges->n; i++) {
        const struct range *range = &ranges->v[i];
        bool is_end = i == ranges->n;
        parts[i] = (struct file_part){.from = 0};
        if (is_end) {
            parts[i].text = format_end(a, boundary);
        } else {
            parts[i].text = format(a, boundary, type, range_format(range, len, text));
            parts[i].from = range->first;
            parts[i].to = range->first + range->len;
        }
        if (parts[i].text.p == NULL) {
            return NULL;
        }
    }
    return parts;
}

static struct pair *find(struct pairs *fields, struct span name) {
    for (size_t i = 0; i < fields->n; i++) {
        if (span_eq_nocase(fields->v[i].name, name)) {
            return &fields->v[i];
        }
    }
    return NULL;
}

static int put_head(struct file_response *r, const char *boundary, struct arena *a) {
    char type[64], len[24];
    uint64_t n = 0;
    for (size_t i = 0; i < r->parts_n; i++) {
        n += r->parts[i].text.n + (r->parts[i].to - r->parts[i].from);
    }
    snprintf(type, sizeof type, "multipart/byteranges; boundary=%s", boundary);
    snprintf(len, sizeof len, "%" PRIu64, n);
    struct span type_text = arena_copy(a, span_str(type)), len_text = arena_copy(a, span_str(len));
    struct pair *old = find(&r->head.fields, SPAN("content-type"));
    if (type_text.p == NULL || len_text.p == NULL) {
        return ERR_ARENA_LIMIT;
    }
    if (old != NULL) {
        old->value = type_text;
    }
    int err = old == NULL ? pairs_put(&r->head.fields, a, SPAN("content-type"), type_text) : 0;
    return err == 0 ? pairs_put(&r->head.fields, a, SPAN("content-length"), len_text) : err;
}

int file_parts_put(struct file_response *r, const struct ranges *ranges,
                   const struct siphash_key *secret, struct arena *arena) {
    const struct span *type = pairs_find(&r->head.fields, SPAN("content-type"));
    const struct span *etag = pairs_find(&r->head.fields, SPAN("etag"));
    char boundary[BOUNDARY_LEN + 1];
    snprintf(boundary, sizeof boundary, "%016" PRIx64,
             siphash(secret, etag != NULL ? *etag : span_of(NULL, 0)));
    struct file_part *parts =
        make(ranges, r->len, type != NULL ? *type : span_of(NULL, 0), boundary, arena);
    if (parts == NULL) {
        return ERR_ARENA_LIMIT;
    }
    r->parts = parts;
    r->parts_n = ranges->n + 1;
    r->part = 0;
    r->from = r->to = 0;
    return put_head(r, boundary, arena);
}

bool file_parts_next(struct file_response *r, struct span *text) {
    if (r->part == r->parts_n) {
        return false;
    }
    const struct file_part *part = &r->parts[r->part++];
    *text = part->text;
    r->from = part->from;
    r->to = part->to;
    return true;
}
