// SPDX-License-Identifier: MIT
#include "exchange/page.h"

#include "base/error.h"
#include "http/status.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define PAGE_MAX 512  // bytes of a page
#define FIELDS_MOST 5 // of its head
#define RETRY_S 1     // seconds, of a 429 or 503

// What a page is made of. It is taken beyond the budget of the request, which may be spent: of that
// the page may have to tell.
struct memory {
    struct pair fields[FIELDS_MOST];
    char body[PAGE_MAX], len[24], size[40], retry[24];
};

static void put(struct page *page, struct span name, struct span value) {
    struct pairs *fields = &page->head.fields;
    assert(fields->n < FIELDS_MOST);
    fields->v[fields->n++] = (struct pair){name, value};
}

static struct memory *begin(struct page *page, int status, struct arena *arena) {
    struct memory *m = arena_alloc_beyond(arena, sizeof *m);
    *page = (struct page){.head.status = status, .head.reason = status_reason(status)};
    page->head.fields = (struct pairs){m->fields, 0, FIELDS_MOST};
    return m;
}

static void put_body(struct page *page, struct memory *m) {
    int status = page->head.status;
    struct span reason = page->head.reason;
    int n = snprintf(m->body, sizeof m->body,
                     "<!doctype html>\n<html lang=en><meta charset=utf-8><title>%d %.*s</title>\n"
                     "<h1>%d %.*s</h1>\n",
                     status, SPAN_ARG(reason), status, SPAN_ARG(reason));
    page->body = span_of(m->body, (size_t)n);
    n = snprintf(m->len, sizeof m->len, "%zu", page->body.n);
    put(page, SPAN("content-type"), SPAN("text/html; charset=utf-8"));
    put(page, SPAN("content-length"), span_of(m->len, (size_t)n));
}

static struct memory *make(struct page *page, int status, uint64_t retry_s, struct arena *arena) {
    struct memory *m = begin(page, status, arena);
    put_body(page, m);
    if (status == 405) {
        put(page, SPAN("allow"), SPAN("GET, HEAD"));
    }
    if (status == 429 || status == 503) {
        int n = snprintf(m->retry, sizeof m->retry, "%" PRIu64, retry_s);
        put(page, SPAN("retry-after"), span_of(m->retry, (size_t)n));
    }
    return m;
}

void page_status(struct page *page, int status, uint64_t retry_s, struct arena *arena) {
    make(page, status, retry_s, arena);
}

void page_error(struct page *page, int error, uint64_t size, struct arena *arena) {
    struct memory *m = make(page, error_row(error)->status, RETRY_S, arena);
    if (error == ERR_RANGE) {
        int n = snprintf(m->size, sizeof m->size, "bytes */%" PRIu64, size);
        put(page, SPAN("content-range"), span_of(m->size, (size_t)n));
    }
}

void page_redirect(struct page *page, int status, struct span location, struct arena *arena) {
    put_body(page, begin(page, status, arena));
    put(page, SPAN("location"), location);
}

void page_health(struct page *page, bool is_draining, struct arena *arena) {
    begin(page, is_draining ? 503 : 200, arena);
    page->body = is_draining ? SPAN("draining\n") : SPAN("ok\n");
    put(page, SPAN("content-type"), SPAN("text/plain"));
    put(page, SPAN("content-length"), is_draining ? SPAN("9") : SPAN("3"));
    put(page, SPAN("cache-control"), SPAN("no-store"));
    put(page, SPAN("allow"), SPAN("GET, HEAD, OPTIONS"));
}
