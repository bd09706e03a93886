// SPDX-License-Identifier: MIT
#include "gateway/relay_file.h"

#include "base/error.h"
#include "gateway/files_age.h"
#include "gateway/relay_body.h"
#include "http/uri.h"

void relay_file_more(struct relay *r) {
    struct span piece;
    // Of what there is room for now: a front that drops what it is given always has more.
    size_t room = relay_body_room(r);
    while (room > 0 && r->has_file && r->stream != NULL &&
           r->exchange.state == EXCHANGE_ANSWERING) {
        size_t most = room < RELAY_PIECE ? room : RELAY_PIECE;
        bool is_good = r->conf->files->next(r->conf->files_self, &r->file, most, &piece);
        room -= is_good ? piece.n : 0;
        struct exchange_event e = {.kind = EXCHANGE_BODY, .body = piece};
        if (!is_good) {
            e = (struct exchange_event){.kind = EXCHANGE_FAILED, .error = ERR_FILE_IO};
        } else if (piece.n == 0) {
            e.kind = EXCHANGE_END;
        }
        if (e.kind != EXCHANGE_BODY) {
            r->conf->files->close(r->conf->files_self, &r->file);
            r->has_file = false;
        }
        relay_put(r, &e);
    }
}

void relay_file_open(struct relay *r) {
    struct exchange_event e = {.kind = EXCHANGE_HEAD, .response = &r->file.head};
    int err = r->conf->files->open(r->conf->files_self, &r->file, &r->exchange.route,
                                   &r->stream->request, &r->stream->arena);
    if (err == 0) {
        err = files_age_put(&r->file, r->exchange.site, &r->stream->request, &r->exchange.route,
                            &r->stream->arena);
    }
    if (err != 0) {
        r->conf->files->close(r->conf->files_self, &r->file);
        e = (struct exchange_event){.kind = EXCHANGE_FAILED, .error = err};
    }
    r->has_file = err == 0;
    exchange_put(&r->exchange, &e);
}

// The file that a backend's response names instead of a body, below the site's root.
static int name_file(const struct relay *r, const struct response *response, struct span *file) {
    const struct span root = r->exchange.site->root;
    struct arena *a = &r->stream->arena;
    const struct span *given = pairs_find(&response->fields, SPAN("x-accel-redirect"));
    struct span path, query;
    const char *why;
    if (given != NULL) {
        int err = uri_path_normalise(a, *given, &path, &query, &why);
        if (err != 0) {
            return err;
        }
    } else {
        given = pairs_find(&response->fields, SPAN("x-sendfile"));
        if (root.n == 0 || !span_has_prefix(*given, root)) {
            return ERR_FORBIDDEN;
        }
        path = span_skip(*given, root.n);
    }
    uint8_t *text = arena_alloc(a, root.n + path.n + 1);
    if (root.n == 0 || path.n == 0 || path.p[0] != '/') {
        return ERR_FORBIDDEN;
    }
    if (text == NULL) {
        return ERR_ARENA_LIMIT;
    }
    memcpy(text, root.p, root.n);
    memcpy(text + root.n, path.p, path.n);
    text[root.n + path.n] = 0;
    *file = span_of(text, root.n + path.n);
    return 0;
}

// What the file's own head says better than the application, which has not read it.
static bool is_files_own(struct span name) {
    static const struct span own[] = {SPAN_INIT("content-length"), SPAN_INIT("content-range"),
                                      SPAN_INIT("accept-ranges"),  SPAN_INIT("etag"),
                                      SPAN_INIT("last-modified"),  SPAN_INIT("x-accel-redirect"),
                                      SPAN_INIT("x-sendfile")};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (span_eq_nocase(name, own[i])) {
            return true;
        }
    }
    return false;
}

// The application's fields, then those of the file; of Content-Type the application's.
static int join_fields(struct relay *r, const struct response *response) {
    const struct pairs *app = &response->fields, *file = &r->file.head.fields;
    bool has_type = pairs_find(app, SPAN("content-type")) != NULL;
    struct pairs joined = {.n = 0};
    int err = 0;
    for (size_t i = 0; i < app->n && err == 0; i++) {
        if (!is_files_own(app->v[i].name)) {
            err = pairs_put(&joined, &r->stream->arena, app->v[i].name, app->v[i].value);
        }
    }
    for (size_t i = 0; i < file->n && err == 0; i++) {
        if (!has_type || !span_eq(file->v[i].name, SPAN("content-type"))) {
            err = pairs_put(&joined, &r->stream->arena, file->v[i].name, file->v[i].value);
        }
    }
    r->file.head.fields = joined;
    return err;
}

void relay_file_send(struct relay *r, const struct response *response) {
    struct exchange_event e = {.kind = EXCHANGE_HEAD, .response = &r->file.head};
    struct route *route = &r->exchange.route;
    relay_drop_backend(r);
    if (r->stream == NULL) {
        return;
    }
    int err = name_file(r, response, &route->file);
    if (err == 0) {
        err = r->conf->files->open(r->conf->files_self, &r->file, route, &r->stream->request,
                                   &r->stream->arena);
    }
    r->has_file = err == 0;
    if (err == 0) {
        err = join_fields(r, response);
    }
    if (err != 0) {
        relay_log(r, RELAY_WARN, "the file that the application names", error_row(err)->text);
        e = (struct exchange_event){.kind = EXCHANGE_FAILED, .error = err};
    }
    exchange_put(&r->exchange, &e);
}
