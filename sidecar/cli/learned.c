// SPDX-License-Identifier: MIT
#include "cli/learned.h"

#include "admin/transfer.h"
#include "cli/admin_client.h"
#include "cli/arguments.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PAGE_MOST ((size_t)128 << 20) // bytes of an answer
#define FILE_MOST ((size_t)8 << 30)   // bytes of a file to import
#define PIECE ((size_t)1 << 20)       // bytes that are imported at once, and a route more
#define TARGET_MOST 16384             // bytes
#define READ_LEN 65536

static int failed(const char *what, const char *why) {
    fprintf(stderr, "outrider: %s: %s\n", what, why);
    return 1;
}

// ---- export -------------------------------------------------------------------------------------

struct export {
    const char *admin;
    FILE *out;
    uint64_t since_ms; // 0: all
    bool has_routes;   // one was written
    char next[TARGET_MOST];
};

static int write_page(struct export *x, struct span page) {
    struct transfer t;
    struct span route;
    enum step step = STEP_BAD;
    if (!transfer_init(&t, page)) {
        return failed(x->admin, "its answer is no export");
    }
    if (!x->has_routes && x->since_ms == 0 && x->next[0] == 0) {
        fwrite(t.head.p, 1, t.head.n, x->out);
    }
    while ((step = transfer_next(&t, &route)) == STEP_ITEM) {
        fprintf(x->out, "%s\n%.*s", x->has_routes ? "," : "", SPAN_ARG(route));
        x->has_routes = true;
    }
    if (step == STEP_BAD) {
        return failed(x->admin, "its answer is cut short");
    }
    snprintf(x->next, sizeof x->next, "%.*s", SPAN_ARG(transfer_cursor(&t)));
    return 0;
}

// All pages of the routes seen since then.
static int write_pages(struct export *x) {
    char target[TARGET_MOST + 64], why[ADMIN_CLIENT_WHY_LEN] = "";
    int err = 0;
    do {
        struct buf page;
        snprintf(target, sizeof target, "/export?since=%llu%s%s", (unsigned long long)x->since_ms,
                 x->next[0] != 0 ? "&after=" : "", x->next);
        buf_init(&page, PAGE_MOST);
        err = admin_client_ask(x->admin, &(struct admin_request){.method = "GET", .target = target},
                               &page, why);
        err = err == 0 ? write_page(x, buf_span(&page)) : failed(x->admin, why);
        buf_fini(&page);
    } while (err == 0 && x->next[0] != 0);
    return err;
}

int learned_export(int argc, char **argv) {
    struct arguments a;
    (void)argc;
    int err = arguments_read(COMMAND_EXPORT, argv, &a);
    if (err != 0) {
        return err;
    }
    struct export x = {.admin = a.admin, .out = stdout};
    uint64_t start_ms = (uint64_t)time(NULL) * 1000;
    err = write_pages(&x);
    // Routes that were seen meanwhile have moved to the front, past the page that was next.
    x.since_ms = start_ms;
    if (err == 0) {
        err = write_pages(&x);
    }
    if (err == 0) {
        fputs("\n]}\n", x.out);
        err = fflush(x.out) == 0 && !ferror(x.out) ? 0 : failed("standard output", strerror(errno));
    }
    return err;
}

// ---- import -------------------------------------------------------------------------------------

struct piece {
    const char *admin;
    struct buf body;
    unsigned long long imported, refused;
};

static unsigned long long count(struct span answer, struct span name) {
    struct span digits = span_skip(answer, span_find(answer, name) + name.n);
    uint64_t n = 0;
    size_t len = 0;
    while (len < digits.n && digits.p[len] >= '0' && digits.p[len] <= '9') {
        len++;
    }
    span_to_u64(span_first(digits, len), &n);
    return n;
}

static int send_piece(struct piece *p) {
    char why[ADMIN_CLIENT_WHY_LEN] = "";
    struct buf answer;
    buf_put(&p->body, SPAN("]}"));
    buf_init(&answer, 65536);
    int err = admin_client_ask(
        p->admin,
        &(struct admin_request){.method = "POST", .target = "/import", .body = buf_span(&p->body)},
        &answer, why);
    if (err != 0) {
        failed(p->admin, why);
    }
    p->imported += count(buf_span(&answer), SPAN("\"imported\":"));
    p->refused += count(buf_span(&answer), SPAN("\"refused\":"));
    buf_fini(&answer);
    buf_take(&p->body, buf_len(&p->body));
    return err;
}

static int send_all(struct piece *p, struct span text) {
    struct transfer t;
    struct span route;
    enum step step = STEP_MORE;
    int err = 0;
    if (!transfer_init(&t, text)) {
        return failed("import", "it is not an export of outrider");
    }
    buf_put(&p->body, t.head);
    while (err == 0 && (step = transfer_next(&t, &route)) == STEP_ITEM) {
        bool is_first = buf_len(&p->body) == t.head.n;
        if (!is_first) {
            buf_put(&p->body, SPAN(","));
        }
        if (buf_put(&p->body, route) != 0) {
            return failed("import", "a route is too long");
        }
        if (buf_len(&p->body) > PIECE) {
            err = send_piece(p);
            buf_put(&p->body, t.head);
        }
    }
    if (err == 0 && step == STEP_BAD) {
        err = failed("import", "the export is cut short");
    }
    return err == 0 ? send_piece(p) : err;
}

static int read_all(const char *path, struct buf *out) {
    bool is_stdin = path == NULL || strcmp(path, "-") == 0;
    FILE *in = is_stdin ? stdin : fopen(path, "rb");
    if (in == NULL) {
        return failed(path, strerror(errno));
    }
    size_t got;
    do {
        uint8_t *at = buf_reserve(out, READ_LEN);
        got = at != NULL ? fread(at, 1, READ_LEN, in) : 0;
        buf_wrote(out, got);
    } while (got > 0);
    bool is_bad = ferror(in) || !feof(in);
    if (!is_stdin) {
        fclose(in);
    }
    return is_bad ? failed(is_stdin ? "standard input" : path, "cannot be read") : 0;
}

int learned_import(int argc, char **argv) {
    struct arguments a;
    (void)argc;
    int err = arguments_read(COMMAND_IMPORT, argv, &a);
    if (err != 0) {
        return err;
    }
    struct piece p = {.admin = a.admin};
    struct buf text;
    buf_init(&text, FILE_MOST);
    buf_init(&p.body, 4 * PIECE);
    err = read_all(a.file, &text);
    if (err == 0) {
        err = send_all(&p, buf_span(&text));
    }
    if (err == 0) {
        printf("%llu routes imported, %llu refused\n", p.imported, p.refused);
    }
    buf_fini(&text);
    buf_fini(&p.body);
    return err;
}

// ---- forget and clear ---------------------------------------------------------------------------

struct drop {
    const char *admin, *path;
    struct span body;
    unsigned long long forgotten;
    bool is_cut; // the endpoint has more to do than it does at once
    char next[TARGET_MOST];
};

static int drop_page(struct drop *d) {
    char why[ADMIN_CLIENT_WHY_LEN] = "", target[TARGET_MOST + 64];
    struct buf answer;
    buf_init(&answer, 65536);
    snprintf(target, sizeof target, "%s%s%s", d->path, d->next[0] != 0 ? "?after=" : "", d->next);
    int err = admin_client_ask(
        d->admin, &(struct admin_request){.method = "POST", .target = target, .body = d->body},
        &answer, why);
    if (err != 0) {
        failed(d->admin, why);
    } else {
        struct transfer t = {.rest = buf_span(&answer)};
        d->forgotten += count(t.rest, SPAN("\"forgotten\":"));
        d->is_cut = span_find(t.rest, SPAN("\"truncated\":true")) < t.rest.n;
        snprintf(d->next, sizeof d->next, "%.*s", SPAN_ARG(transfer_cursor(&t)));
    }
    buf_fini(&answer);
    return err;
}

// With a site that nothing is known of: an error, as its name may be misspelt.
static int drop_all(struct drop *d, const char *site) {
    int err;
    do {
        err = drop_page(d);
    } while (err == 0 && d->is_cut);
    if (err == 0 && d->forgotten == 0 && site != NULL) {
        fprintf(stderr, "outrider: nothing has been learned of a site \"%s\"\n", site);
        return 1;
    }
    if (err == 0) {
        printf("%llu routes forgotten\n", d->forgotten);
    }
    return err;
}

// {"site":"...","route":"...","audience":"..."} of those that are set.
static void put_object(struct buf *out, const char *const *names, const char *const *values) {
    buf_put(out, SPAN("{"));
    for (size_t i = 0, n = 0; names[i] != NULL; i++) {
        if (values[i] != NULL) {
            buf_put(out, n++ > 0 ? SPAN(",") : SPAN(""));
            arguments_put_json(out, names[i]);
            buf_put(out, SPAN(":"));
            arguments_put_json(out, values[i]);
        }
    }
    buf_put(out, SPAN("}"));
}

int learned_forget(int argc, char **argv) {
    static const char *const names[] = {"site", "route", "audience", NULL};
    struct arguments a;
    (void)argc;
    int err = arguments_read(COMMAND_FORGET, argv, &a);
    if (err != 0) {
        return err;
    }
    const char *const values[] = {a.site, a.route, a.audience};
    struct buf body;
    buf_init(&body, 65536);
    put_object(&body, names, values);
    struct drop d = {.admin = a.admin, .path = "/forget", .body = buf_span(&body)};
    err = drop_all(&d, NULL);
    buf_fini(&body);
    return err;
}

int learned_clear(int argc, char **argv) {
    static const char *const names[] = {"site", NULL};
    struct arguments a;
    (void)argc;
    int err = arguments_read(COMMAND_CLEAR, argv, &a);
    if (err != 0) {
        return err;
    }
    const char *const values[] = {a.site};
    struct buf body;
    buf_init(&body, 65536);
    put_object(&body, names, values);
    struct drop d = {.admin = a.admin, .path = "/clear", .body = buf_span(&body)};
    err = drop_all(&d, a.site);
    buf_fini(&body);
    return err;
}
