// SPDX-License-Identifier: MIT
#include "gateway/file_head.h"

#include "base/error.h"
#include "http/condition.h"
#include "http/mime.h"
#include "http/range.h"

#include <inttypes.h>
#include <stdio.h>

void file_head_describe(struct file_texts *out, const struct file_info *info) {
    uint64_t mtime_us = (uint64_t)info->mtime_s * 1000000 + info->mtime_ns / 1000;
    out->etag_n = (uint8_t)snprintf(out->etag, sizeof out->etag, "\"%" PRIx64 "-%" PRIx64 "\"",
                                    info->len, mtime_us);
    out->len_n = (uint8_t)snprintf(out->len, sizeof out->len, "%" PRIu64, info->len);
    date_format(info->mtime_s, out->modified);
}

static struct span etag_of(const struct file_texts *texts) {
    return span_of(texts->etag, texts->etag_n);
}

// The text of the length that is sent: of all of the file, or of a range.
static int put_lengths(struct file_response *r, const struct file_texts *texts, struct arena *a,
                       struct span range_text) {
    struct pairs *fields = &r->head.fields;
    struct span len = span_of(texts->len, texts->len_n);
    int err = 0;
    if (r->ranges != NULL) {
        return 0;
    }
    if (r->head.status == 206) {
        char digits[24];
        int n = snprintf(digits, sizeof digits, "%" PRIu64, r->to - r->from);
        len = arena_copy(a, span_of(digits, (size_t)n));
        err = pairs_put(fields, a, SPAN("content-range"), range_text);
    }
    return err == 0 ? pairs_put(fields, a, SPAN("content-length"), len) : err;
}

static int put_fields(struct file_response *r, const struct file_texts *texts,
                      const struct file_request *q, struct span range_text) {
    const struct pair validators[] = {
        {SPAN("last-modified"), span_of(texts->modified, DATE_LEN)},
        {SPAN("etag"), etag_of(texts)},
        {SPAN("accept-ranges"), SPAN("bytes")},
    };
    struct pairs *fields = &r->head.fields;
    int err = 0;
    if (r->head.status != 304) {
        err = pairs_put(fields, q->arena, SPAN("content-type"), r->type);
        err = err == 0 ? put_lengths(r, texts, q->arena, range_text) : err;
    }
    for (size_t i = 0; err == 0 && i < sizeof validators / sizeof *validators; i++) {
        err = pairs_put(fields, q->arena, validators[i].name, validators[i].value);
    }
    return err;
}

static int keep_ranges(struct file_response *r, const struct ranges *ranges, struct arena *a) {
    struct ranges *kept = arena_alloc(a, sizeof *kept);
    if (kept == NULL) {
        return ERR_ARENA_LIMIT;
    }
    *kept = *ranges;
    r->ranges = kept;
    return 0;
}

static int open_range(struct file_response *r, const struct file_info *info,
                      const struct file_texts *texts, const struct file_request *q,
                      struct span *text) {
    const struct span *wanted = pairs_find(&q->request->fields, SPAN("range"));
    struct ranges ranges;
    if (wanted == NULL || !span_eq(q->request->method, SPAN("GET")) ||
        !condition_allows_range(q->request, etag_of(texts), info->mtime_s)) {
        return 0;
    }
    enum range_kind kind = range_parse(*wanted, info->len, &ranges);
    if (kind == RANGE_WHOLE) {
        return 0;
    }
    if (kind == RANGE_UNSATISFIABLE) {
        return ERR_RANGE;
    }
    r->head.status = 206;
    if (ranges.n > 1) {
        return keep_ranges(r, &ranges, q->arena);
    }
    const struct range *range = &ranges.v[0];
    char *out = arena_alloc(q->arena, RANGE_TEXT_MAX);
    if (out == NULL) {
        return ERR_ARENA_LIMIT;
    }
    *text = range_format(range, info->len, out);
    r->from = range->first;
    r->to = range->first + range->len;
    return 0;
}

// What the request's conditions make of it: the status, and the bytes to be sent.
static int decide(struct file_response *r, const struct file_info *info,
                  const struct file_texts *texts, const struct file_request *q,
                  struct span *range_text) {
    r->head.status = 200;
    r->type = mime_type(q->path);
    r->len = info->len;
    r->from = 0;
    r->to = info->len;
    switch (condition_evaluate(q->request, etag_of(texts), info->mtime_s)) {
    case CONDITION_FAILED:
        return ERR_PRECONDITION;
    case CONDITION_NOT_MODIFIED:
        r->head.status = 304;
        break;
    case CONDITION_OK:
        return open_range(r, info, texts, q, range_text);
    }
    return 0;
}

int file_head_build(struct file_response *r, const struct file_info *info,
                    const struct file_texts *texts, const struct file_request *q) {
    struct span range_text = {NULL, 0};
    int err = decide(r, info, texts, q, &range_text);
    if (err == 0) {
        err = put_fields(r, texts, q, range_text);
    }
    // A front drops the body of these; no need to read it.
    if (r->head.status == 304 || span_eq(q->request->method, SPAN("HEAD"))) {
        r->to = r->from;
    }
    return err;
}
