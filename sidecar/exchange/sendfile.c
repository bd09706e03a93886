// SPDX-License-Identifier: MIT
#include "exchange/sendfile.h"

#include "base/error.h"
#include "base/hex.h"
#include "http/field.h"

static bool has_prefix_nocase(struct span s, struct span prefix) {
    return s.n >= prefix.n && span_eq_nocase(span_first(s, prefix.n), prefix);
}

bool sendfile_is_for_us(struct span name) {
    if (name.n == 0 || span_lower_byte(name.p[0]) != 'x') {
        return false; // as nearly all
    }
    return has_prefix_nocase(name, SPAN("x-accel-")) || span_eq_nocase(name, SPAN("x-sendfile")) ||
           has_prefix_nocase(name, SPAN("x-lighttpd-send-"));
}

// RFC 9110, 6.4.1: these have no body.
static bool has_body(int status) {
    return status >= 200 && status != 204 && status != 205 && status != 304;
}

static const struct span *find_accel(const struct response *response) {
    return pairs_find(&response->fields, SPAN("x-accel-redirect"));
}

static const struct span *find_sendfile(const struct response *response) {
    const struct span *given = pairs_find(&response->fields, SPAN("x-sendfile"));
    return given != NULL ? given : pairs_find(&response->fields, SPAN("x-lighttpd-send-file"));
}

bool sendfile_is_named(const struct response *response) {
    return has_body(response->status) &&
           (find_accel(response) != NULL || find_sendfile(response) != NULL);
}

// ---- the name -----------------------------------------------------------------------------------

// Undoes %XX, in place; a "%" without two digits stands for itself.
static struct span decode(uint8_t *text, size_t n) {
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        int escaped = hex_escape_read(span_of(text + i, n - i));
        text[to++] = escaped < 0 ? text[i] : (uint8_t)escaped;
        i += escaped < 0 ? 0 : 2;
    }
    return span_of(text, to);
}

// Where the last of the segments in text[0, n) begins: at its slash. n when there is none.
static size_t find_last(const uint8_t *text, size_t n) {
    size_t at = n;
    while (at > 0 && text[at - 1] != '/') {
        at--;
    }
    return at > 0 ? at - 1 : n;
}

// Removes dot segments (RFC 3986, 5.2.4) and makes runs of "/" one, in place: "$folder/" . "/$name"
// is what programs write. A ".." above the root stays, for why_not.
static struct span clean(uint8_t *text, size_t n) {
    struct span rest = span_of(text, n), segment;
    size_t to = 0;
    bool is_first = true, ends_in_slash = false;
    while (span_cut(&rest, '/', &segment)) {
        bool is_dot = segment.n == 0 || span_eq(segment, SPAN("."));
        size_t last = find_last(text, to);
        // A ".." that could not go up is none to go up from.
        bool goes_up = span_eq(segment, SPAN("..")) && last < to &&
                       !span_eq(span_of(text + last, to - last), SPAN("/.."));
        if (is_first && segment.n > 0) {
            return span_of(text, n); // no path at all
        }
        is_first = false;
        ends_in_slash = is_dot || goes_up;
        if (goes_up) {
            to = last;
        } else if (!is_dot) {
            text[to++] = '/';
            memmove(text + to, segment.p, segment.n);
            to += segment.n;
        }
    }
    if (ends_in_slash && n > 0) {
        text[to++] = '/';
    }
    return span_of(text, to);
}

static const char *why_not(struct span path) {
    if (path.n == 0 || path.p[0] != '/') {
        return "it names no path of this site";
    }
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] < 0x20 || path.p[i] == 0x7f) {
            return "a control character stands in it";
        }
    }
    return span_find(path, SPAN("/../")) < path.n || span_has_suffix(path, SPAN("/.."))
               ? "it leads above the root"
               : NULL;
}

// ---- the file -----------------------------------------------------------------------------------

static int refuse(struct sendfile *s, const char *why) {
    s->why = why;
    return ERR_SENDFILE;
}

// What the router makes of the path.
static int judge(struct sendfile *s) {
    switch (s->route.kind) {
    case ROUTE_FILE:
        return 0;
    case ROUTE_SCRIPT:
        if (s->route.is_front) {
            s->why = "there is no such file"; // which would be the front controller's to answer
            return ERR_NOT_FOUND;
        }
        return s->may_run ? 0 : refuse(s, "it is a script, whose source is not sent");
    case ROUTE_REDIRECT:
        return refuse(s, "it is a folder, or a route redirects it");
    case ROUTE_STATUS:
        return refuse(s, "a route answers it with a status");
    case ROUTE_ERROR:
        break;
    }
    if (s->route.error == ERR_REQUEST_PATH) {
        return refuse(s, "it names no path of this site");
    }
    s->why = error_row(s->route.error)->text;
    return s->route.error;
}

static int route(struct sendfile *s, const struct router_query *q, struct span path) {
    struct router_query own = *q;
    s->why = why_not(path);
    if (s->why != NULL) {
        return ERR_SENDFILE;
    }
    s->request.path = path;
    own.request = &s->request;
    own.by = ACCESS_APPLICATION;
    own.from = NULL;
    router_route(&own, &s->route);
    return judge(s);
}

// A name may be encoded or not, and a file may be called "a%20b" or "what?": what the encoded form
// does not find is looked for under the very name.
static int find_by_url(struct sendfile *s, const struct router_query *q, struct span given) {
    uint8_t *raw = arena_alloc(q->arena, 2 * given.n + 1), *text = raw + given.n;
    size_t n = span_index(given, '?');
    if (raw == NULL) {
        return ERR_ARENA_LIMIT;
    }
    memcpy(raw, given.p, given.n);
    memcpy(text, given.p, given.n);
    s->may_run = true;
    s->request.query = n < given.n ? span_skip(span_of(raw, given.n), n + 1) : span_of(NULL, 0);
    struct span decoded = decode(text, n);
    bool is_plain = n == given.n && decoded.n == n;
    int error = route(s, q, clean(text, decoded.n));
    if (error == ERR_NOT_FOUND && !is_plain) {
        s->may_run = false; // its name has a "?" or "%" in it
        error = route(s, q, clean(raw, given.n));
    }
    return error;
}

static bool is_below(struct span given, struct span root) {
    return root.n > 0 && given.n > root.n && span_has_prefix(given, root) && given.p[root.n] == '/';
}

// Programs take the root as it is written or as they were told it.
static int find_by_name(struct sendfile *s, const struct router_query *q, struct span given) {
    struct span root = q->site->root;
    if (!is_below(given, root) && q->files->root != NULL) {
        root = q->files->root(q->files->self, root);
    }
    if (!is_below(given, root)) {
        return refuse(s, "it is not below the site's root");
    }
    uint8_t *text = arena_alloc(q->arena, given.n - root.n);
    if (text == NULL) {
        return ERR_ARENA_LIMIT;
    }
    memcpy(text, given.p + root.n, given.n - root.n);
    return route(s, q, clean(text, given.n - root.n));
}

int sendfile_find(struct sendfile *s, const struct router_query *q,
                  const struct response *response) {
    const struct span *url = find_accel(response);
    bool is_head = span_eq(q->request->method, SPAN("HEAD"));
    *s = (struct sendfile){.request = *q->request, .why = ""};
    s->request.method = is_head ? SPAN("HEAD") : SPAN("GET");
    s->request.body_len = 0;
    if (response->status != 200 && response->status != 206) {
        s->request.fields = (struct pairs){.n = 0};
    }
    if (q->site->root.n == 0) {
        return refuse(s, "the site has no root");
    }
    return url != NULL ? find_by_url(s, q, *url) : find_by_name(s, q, *find_sendfile(response));
}

// ---- the head -----------------------------------------------------------------------------------

// What the file's own head says better than the application, which has not read it, and what was
// said of the body that is thrown away.
static bool is_of_body(struct span name) {
    static const struct span own[] = {SPAN_INIT("content-length"),
                                      SPAN_INIT("content-range"),
                                      SPAN_INIT("content-encoding"),
                                      SPAN_INIT("transfer-encoding"),
                                      SPAN_INIT("trailer"),
                                      SPAN_INIT("accept-ranges"),
                                      SPAN_INIT("etag"),
                                      SPAN_INIT("last-modified")};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (span_eq_nocase(name, own[i])) {
            return true;
        }
    }
    return field_is_digest(name);
}

int sendfile_join(const struct response *response, struct arena *a, struct response *file) {
    const struct pairs *app = &response->fields, *own = &file->fields;
    bool has_type = pairs_find(app, SPAN("content-type")) != NULL;
    struct pairs joined = {.n = 0};
    int err = 0;
    for (size_t i = 0; i < app->n && err == 0; i++) {
        if (!is_of_body(app->v[i].name) && !sendfile_is_for_us(app->v[i].name)) {
            err = pairs_put(&joined, a, app->v[i].name, app->v[i].value);
        }
    }
    for (size_t i = 0; i < own->n && err == 0; i++) {
        if (!has_type || !span_eq(own->v[i].name, SPAN("content-type"))) {
            err = pairs_put(&joined, a, own->v[i].name, own->v[i].value);
        }
    }
    file->fields = joined;
    if (response->status != 200 && response->status != 206) {
        file->status = response->status;
    }
    return err;
}
