// SPDX-License-Identifier: MIT
#include "cli/explain.h"

#include "base/error.h"
#include "base/escape.h"
#include "cli/arguments.h"
#include "config/config.h"
#include "exchange/cgi_env.h"
#include "exchange/facts.h"
#include "http/request.h"
#include "http/status.h"
#include "server/files.h"

#include <stdio.h>

#define TEXT_MOST 1024               // bytes of a value that are shown
#define ARENA_MOST ((size_t)1 << 20) // bytes of the request and its answer

struct explain {
    const struct arguments *arguments;
    struct config config;
    struct arena arena;
    struct loop loop;
    struct files files;
    struct router router;
    struct request request;
    const struct site *site;
    bool is_named;
    struct ip from;
    struct route route;
};

// One line; the name of what it says stands in a column.
#define SAY(name, ...) (printf("%-9s ", name), printf(__VA_ARGS__), printf("\n"))

// A text that a client may have written, so that it acts on no terminal.
static void say_text(const char *name, struct span what, struct span text) {
    char shown[TEXT_MOST];
    size_t n = escape_text(ESCAPE_LINE, text, shown, sizeof shown);
    SAY(name, "%.*s%.*s", SPAN_ARG(what), (int)n, shown);
}

// ---- the request --------------------------------------------------------------------------------

static int misused(const char *what, const char *which) {
    return arguments_misused(COMMAND_EXPLAIN, what, which);
}

static bool put_header(struct explain *x, const char *header) {
    struct span text = span_str(header);
    size_t colon = span_index(text, ':');
    return colon < text.n && pairs_put(&x->request.fields, &x->arena, span_first(text, colon),
                                       span_trim(span_skip(text, colon + 1))) == 0;
}

// URL = ( "http" / "https" ) "://" authority [ origin-form ]
static int read_url(struct explain *x) {
    struct span text = span_str(x->arguments->url);
    const char *why = "it begins with http:// or https://";
    bool is_https = span_has_prefix(text, SPAN("https://"));
    if (!is_https && !span_has_prefix(text, SPAN("http://"))) {
        return misused(why, "");
    }
    struct span rest = span_skip(text, is_https ? 8 : 7);
    size_t n = span_index(rest, '/');
    x->request = (struct request){.scheme = is_https ? SPAN("https") : SPAN("http"),
                                  .authority = span_first(rest, n),
                                  .target = n < rest.n ? span_skip(rest, n) : SPAN("/"),
                                  .protocol = PROTOCOL_HTTP2,
                                  .is_secure = is_https};
    x->request.method = span_str(x->arguments->method != NULL ? x->arguments->method : "GET");
    if (x->arguments->header != NULL && !put_header(x, x->arguments->header)) {
        return misused("a header field is written \"Name: value\", not ", x->arguments->header);
    }
    int err = request_complete(&x->request, &x->arena, &why);
    if (err != 0) {
        SAY("answer", "%d %s: %s", error_row(err)->status, error_row(err)->text, why);
    }
    return err;
}

// ---- what is said -------------------------------------------------------------------------------

static struct span kind_text(enum file_kind kind) {
    static const char *const texts[] = {
        "nothing: ", "a file: ", "a folder: ", "denied: ", "not to be told: "};
    return span_str(texts[kind]);
}

// The disk, which says what it was asked for.
static enum file_kind find(void *self, struct span path, struct file_info *info) {
    struct files *files = self;
    enum file_kind kind = files->finder.find(files->finder.self, path, info);
    say_text("disk", kind_text(kind), path);
    return kind;
}

static struct span find_root(void *self, struct span root) {
    struct files *files = self;
    return files->finder.root(files->finder.self, root);
}

static void say_rules(const struct explain *x) {
    const struct route *r = &x->route;
    for (unsigned i = 0; i < r->sent_n; i++) {
        SAY("route", "\"%.*s\" sends it on", SPAN_ARG(r->sent[i]->pattern));
    }
    if (r->rule != NULL) {
        SAY("route", "\"%.*s\"", SPAN_ARG(r->rule->pattern));
    } else {
        SAY("route", "none matches%s", r->sent_n > 0 ? " the path that it was sent to" : "");
    }
}

static void say_script(struct explain *x) {
    const struct pool_conf *pool = &x->config.pools[x->site->pool];
    struct cgi_peer peer = {.server_port = SPAN("")};
    char address[IP_TEXT_LEN];
    struct pairs params = {.n = 0};
    peer.remote_addr = span_of(address, ip_print(&x->from, address));
    struct cgi_env env = {.request = &x->request,
                          .site = x->site,
                          .route = &x->route,
                          .peer = &peer,
                          .status = 200,
                          .is_named = x->is_named};
    SAY("answer", "the script: %s", x->route.why);
    SAY("pool", "%.*s", SPAN_ARG(pool->name));
    if (cgi_env_build(&env, &x->arena, &params) != 0) {
        SAY("params", "the request is too large");
    }
    for (size_t i = 0; i < params.n; i++) {
        struct span name = params.v[i].name;
        size_t room = name.n + 1;
        uint8_t *p = arena_alloc(&x->arena, room);
        if (p != NULL) {
            memcpy(p, name.p, name.n);
            p[name.n] = '=';
            say_text("param", span_of(p, room), params.v[i].value);
        }
    }
}

static void say_status(int status, const char *why) {
    SAY("answer", "%d %.*s: %s", status, SPAN_ARG(status_reason(status)), why);
}

static int status_of(const struct explain *x) {
    const struct route *r = &x->route;
    return r->kind == ROUTE_ERROR ? error_row(r->error)->status : r->status;
}

// The page that stands in for an error.
static void say_page(const struct explain *x, const struct facts *facts) {
    bool intercepts;
    struct span page = facts_error_page(facts, status_of(x), &intercepts);
    if (x->route.kind == ROUTE_ERROR && x->route.error == ERR_MAINTENANCE) {
        page = x->site->maintenance.page;
    }
    if (page.n > 0) {
        SAY("page", "%.*s", SPAN_ARG(page));
    }
}

static void say_answer(struct explain *x, const struct facts *facts) {
    const struct route *r = &x->route;
    switch (r->kind) {
    case ROUTE_FILE:
        SAY("answer", "the file: %s", r->why);
        say_text("file", SPAN(""), r->file);
        break;
    case ROUTE_SCRIPT:
        say_script(x);
        break;
    case ROUTE_REDIRECT:
        say_status(r->status != 0 ? r->status : 301, r->why);
        SAY("location", "%.*s", SPAN_ARG(r->location));
        break;
    case ROUTE_ERROR:
    case ROUTE_STATUS:
        say_status(status_of(x), r->why);
        say_page(x, facts);
        break;
    }
}

// Header fields that are set whatever the answer has.
static void say_fields(const struct explain *x, const struct facts *facts) {
    struct response response = {.status = x->route.kind == ROUTE_ERROR ? status_of(x) : 200};
    if (facts_change_fields(facts, &response) == 0) {
        for (size_t i = 0; i < response.fields.n; i++) {
            SAY("header", "%.*s: %.*s", SPAN_ARG(response.fields.v[i].name),
                SPAN_ARG(response.fields.v[i].value));
        }
    }
}

static void explain(struct explain *x) {
    struct router_files files = {&x->files, find, find_root};
    x->site = router_site(&x->router, x->request.authority, &x->is_named);
    SAY("site", "%.*s%s", SPAN_ARG(x->site->name),
        x->is_named ? "" : ", which answers to names that no site has");
    say_text("path", SPAN(""), x->request.path);
    struct router_query query = {x->site,       &x->request, &files,  &x->arena,
                                 ACCESS_CLIENT, x->is_named, &x->from};
    router_route(&query, &x->route);
    struct facts facts = {.request = &x->request,
                          .arena = &x->arena,
                          .site = x->site,
                          .rule = x->route.rule,
                          .from = &x->from,
                          .is_named = x->is_named};
    say_rules(x);
    say_answer(x, &facts);
    say_fields(x, &facts);
}

// ---- the command --------------------------------------------------------------------------------

static int load(struct explain *x) {
    struct config_errors errors;
    config_errors_init(&errors);
    int err = config_load(&x->config, x->arguments->config, &errors);
    struct span text = buf_span(&errors.text);
    if (text.n > 0) {
        fwrite(text.p, 1, text.n, stderr);
    }
    config_errors_fini(&errors);
    return err == 0 ? 0 : 1;
}

static int run(struct explain *x) {
    const char *from = x->arguments->from != NULL ? x->arguments->from : "127.0.0.1";
    if (!ip_parse(&x->from, span_str(from))) {
        return misused("this is no address: ", from);
    }
    int err = read_url(x);
    if (err != 0) {
        return err > 0 ? err : 0; // a request that is refused is explained, too
    }
    err = router_init(&x->router, &x->arena, x->config.sites, x->config.sites_n);
    if (err != 0 || loop_init(&x->loop) != 0) {
        return 1;
    }
    files_init(&x->files, &x->loop, x->config.sites, x->config.sites_n);
    explain(x);
    files_fini(&x->files);
    loop_fini(&x->loop);
    return 0;
}

int explain_command(int argc, char **argv) {
    struct arguments a;
    struct explain x = {.arguments = &a};
    (void)argc;
    int err = arguments_read(COMMAND_EXPLAIN, argv, &a);
    if (err != 0) {
        return err;
    }
    arena_init(&x.arena, ARENA_MOST);
    err = load(&x);
    err = err == 0 ? run(&x) : err;
    arena_fini(&x.arena);
    config_fini(&x.config);
    return err;
}
