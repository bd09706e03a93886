// SPDX-License-Identifier: MIT
#include "server/probe.h"

#include "base/error.h"
#include "http/uri.h"
#include "scan/css_scan.h"
#include "server/clock.h"

#define ARENA_MOST (64u << 10)

static void on_drain(void *self) {
    probe_turn(self);
}

void probe_init(struct probe *p, struct publisher *publisher, const struct router *router) {
    *p = (struct probe){.publisher = publisher, .router = router};
    files_init(&p->files, publisher->loop, router->sites, router->sites_n);
    arena_init(&p->arena, ARENA_MOST);
    publisher->on_drain = on_drain;
    publisher->drain_self = p;
}

void probe_fini(struct probe *p) {
    files_fini(&p->files);
    arena_fini(&p->arena);
}

// What is being looked up.
struct inquiry {
    const struct site *site;
    const struct learner_question *question;
    struct request request;
    struct route route;
};

static void put(struct probe *p, const struct evidence *e) {
    learner_put(p->publisher->model, e, e->at_ms);
}

static struct evidence begin(const struct inquiry *q, enum evidence_kind kind) {
    return (struct evidence){.kind = kind,
                             .at_ms = clock_unix_ms(),
                             .key = q->site->name,
                             .scheme = q->request.scheme,
                             .authority = q->request.authority,
                             .target = q->question->path};
}

// It is not there, for nobody.
static void tell_status(struct probe *p, const struct inquiry *q, int status) {
    struct evidence e = begin(q, EVIDENCE_ASSET);
    e.status = (uint16_t)status;
    e.as = (uint8_t)q->question->as;
    e.reuse = REUSE_STATUS;
    p->missing++;
    put(p, &e);
}

static void put_items(struct css_scan *scan, struct evidence_writer *w) {
    struct css_item found;
    while (css_scan_next(scan, &found) == STEP_ITEM) {
        if (found.kind == CSS_FONT && !found.is_latin) {
            continue; // of other scripts only: few pages need it
        }
        struct evidence_item item = {
            .kind = found.kind == CSS_FONT ? EVIDENCE_FONT : EVIDENCE_IMPORT, .text = found.url};
        evidence_put(w, &item);
    }
}

// Reads the stylesheet. How many bytes that were.
static size_t tell_sheet(struct probe *p, const struct inquiry *q, struct file_response *file) {
    static struct css_scan scan; // one thread
    struct evidence e = begin(q, EVIDENCE_SHEET);
    struct evidence_writer w;
    struct span piece;
    size_t n = 0;
    if (!evidence_begin(&w, &e, p->bytes, sizeof p->bytes)) {
        return 0;
    }
    css_scan_init(&scan, PROBE_SHEET);
    while (n < PROBE_SHEET && !css_scan_is_done(&scan)) {
        if (!files_next(&p->files, file, PROBE_SHEET - n, &piece)) {
            return n;
        }
        if (piece.n == 0) {
            css_scan_end(&scan);
            put_items(&scan, &w);
            break;
        }
        n += piece.n;
        css_scan_feed(&scan, piece);
        put_items(&scan, &w);
    }
    if (evidence_decode(&e, span_of(p->bytes, evidence_end(&w)))) {
        put(p, &e);
    }
    return n;
}

// Of the errors, only those that say something about the file.
static void tell_error(struct probe *p, const struct inquiry *q, int error) {
    if (error == ERR_NOT_FOUND || error == ERR_FORBIDDEN) {
        tell_status(p, q, error_row(error)->status);
    }
}

static size_t tell_file(struct probe *p, struct inquiry *q) {
    struct file_response file;
    const struct learner_question *question = q->question;
    size_t n = 0;
    int err = files_open(&p->files, &file, q->route.file, &q->request, &p->arena);
    if (err != 0) {
        tell_error(p, q, err);
        return 0;
    }
    struct evidence e = begin(q, EVIDENCE_ASSET);
    bool is_font = question->as == HINT_AS_FONT;
    struct reuse_use use = {HINT_PRELOAD, question->as, is_font ? HINT_ANONYMOUS : HINT_NO_CORS};
    struct reuse reuse = reuse_judge(&file.head, &use, (int64_t)(e.at_ms / 1000));
    e.status = 200;
    e.as = (uint8_t)question->as;
    e.flags = reuse.varies_origin ? EVIDENCE_VARIES_ORIGIN : 0;
    e.reuse = (uint8_t)reuse.reason;
    e.lifetime_s = reuse.lifetime_s;
    e.bytes = q->route.info.len;
    p->files_n++;
    put(p, &e);
    if (question->as == HINT_AS_STYLE && (q->site->policy.learn & LEARNER_CSS) != 0) {
        n = tell_sheet(p, q, &file);
    }
    files_close(&p->files, &file);
    return n;
}

// As the front would route a GET of it. How many bytes were read for the answer.
static size_t answer(struct probe *p, const struct learner_question *question) {
    struct inquiry q = {.question = question};
    const char *why;
    bool is_named;
    q.site = router_site(p->router, question->site, &is_named);
    q.request = (struct request){.method = SPAN("GET"),
                                 .scheme = SPAN("https"),
                                 .authority = question->site,
                                 .target = question->path,
                                 .protocol = PROTOCOL_HTTP2};
    if (!is_named || uri_path_normalise(&p->arena, question->path, &q.request.path,
                                        &q.request.query, &why) != 0) {
        return 0;
    }
    struct router_query query = {q.site, &q.request, &p->files.finder, &p->arena, ACCESS_CLIENT,
                                 true,   NULL};
    router_route(&query, &q.route);
    switch (q.route.kind) {
    case ROUTE_FILE:
        return tell_file(p, &q);
    case ROUTE_REDIRECT:
    case ROUTE_STATUS:
        tell_status(p, &q, q.route.kind == ROUTE_STATUS ? q.route.status : 301);
        return 0;
    case ROUTE_ERROR:
        tell_error(p, &q, q.route.error);
        return 0;
    case ROUTE_SCRIPT:
        if (question->was_file) {
            tell_status(p, &q, 404);
        }
        return 0;
    }
    return 0;
}

void probe_turn(struct probe *p) {
    struct learner_question question;
    size_t bytes = 0;
    for (unsigned i = 0; i < PROBE_QUESTIONS && bytes < PROBE_BYTES; i++) {
        if (learner_next_question(p->publisher->model, &question) != STEP_ITEM) {
            return;
        }
        // learner_put may move what the question borrows.
        question.site = arena_copy(&p->arena, question.site);
        question.path = arena_copy(&p->arena, question.path);
        p->asked++;
        bytes += question.path.p != NULL ? answer(p, &question) : 0;
        arena_reset(&p->arena);
    }
    publisher_wants_drain(p->publisher);
}
