// SPDX-License-Identifier: MIT
#include "exchange/page.h"

#include "base/error.h"
#include "http/status.h"

#include <inttypes.h>
#include <stdio.h>

#define PAGE_MAX 512 // bytes of a page

static struct span format_body(int status, struct span reason, struct arena *arena) {
    char text[PAGE_MAX];
    int n = snprintf(text, sizeof text,
                     "<!doctype html>\n<html lang=en><meta charset=utf-8><title>%d %.*s</title>\n"
                     "<h1>%d %.*s</h1>\n",
                     status, SPAN_ARG(reason), status, SPAN_ARG(reason));
    return arena_copy(arena, span_of(text, (size_t)n));
}

static void put_body(struct page *page, struct arena *arena) {
    char len[24];
    struct pairs *fields = &page->head.fields;
    page->head.reason = status_reason(page->head.status);
    page->body = format_body(page->head.status, page->head.reason, arena);
    struct span digits =
        arena_copy(arena, span_of(len, (size_t)snprintf(len, sizeof len, "%zu", page->body.n)));
    if (page->body.p == NULL || digits.p == NULL ||
        pairs_put(fields, arena, SPAN("content-type"), SPAN("text/html; charset=utf-8")) != 0 ||
        pairs_put(fields, arena, SPAN("content-length"), digits) != 0) {
        page->body = (struct span){NULL, 0};
        fields->n = 0;
    }
}

void page_error(struct page *page, int error, struct arena *arena) {
    *page = (struct page){.head.status = error_row(error)->status};
    put_body(page, arena);
    if (page->head.status == 405) {
        pairs_put(&page->head.fields, arena, SPAN("allow"), SPAN("GET, HEAD"));
    }
    if (page->head.status == 429 || page->head.status == 503) {
        pairs_put(&page->head.fields, arena, SPAN("retry-after"), SPAN("1"));
    }
}

void page_put_size(struct page *page, uint64_t len, struct arena *arena) {
    char text[40];
    int n = snprintf(text, sizeof text, "bytes */%" PRIu64, len);
    struct span value = arena_copy(arena, span_of(text, (size_t)n));
    if (value.p != NULL) {
        pairs_put(&page->head.fields, arena, SPAN("content-range"), value);
    }
}

void page_redirect(struct page *page, int status, struct span location, struct arena *arena) {
    *page = (struct page){.head.status = status};
    put_body(page, arena);
    if (pairs_put(&page->head.fields, arena, SPAN("location"), location) != 0) {
        page_error(page, ERR_ARENA_LIMIT, arena); // without it there is nowhere to go
    }
}

void page_health(struct page *page, bool is_draining, struct arena *arena) {
    *page = (struct page){.head.status = is_draining ? 503 : 200,
                          .body = is_draining ? SPAN("draining\n") : SPAN("ok\n")};
    page->head.reason = status_reason(page->head.status);
    pairs_put(&page->head.fields, arena, SPAN("content-type"), SPAN("text/plain"));
    pairs_put(&page->head.fields, arena, SPAN("content-length"),
              is_draining ? SPAN("9") : SPAN("3"));
    pairs_put(&page->head.fields, arena, SPAN("cache-control"), SPAN("no-store"));
    pairs_put(&page->head.fields, arena, SPAN("allow"), SPAN("GET, HEAD, OPTIONS"));
}
