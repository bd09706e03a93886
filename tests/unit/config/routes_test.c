// SPDX-License-Identifier: MIT
// Routes from what is written to what a request gets: the configuration is read, and the router
// asked, over a disk in memory.
#include "config/config.h"

#include "base/error.h"
#include "exchange/router.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// Below the root; a folder ends in a slash.
static const char *const tree[] = {
    "/index.php",         "/blog/",         "/blog/index.php",
    "/blog/style.css",    "/wp-admin/",     "/wp-admin/x.css",
    "/wp-admin/load.php", "/wp-login.php",  "/cache/",
    "/cache/page.html",   "/kept/",         "/kept/paid.txt",
    "/uploads/",          "/uploads/e.php", "/closed/",
    "/closed/x.php",      "/.git/",         "/.git/config",
    "/old.bak",           "/app",           "/docs/",
    "/docs/index.html",   "/cached/.env",   "/fixed/.git/",
    "/fixed/.git/config",
};

static const struct ip client = {.n = 4, .bytes = {192, 0, 2, 1}};
static char folder[] = "/tmp/outrider-routes-XXXXXX", root[PATH_MAX];

static enum file_kind find(void *self, struct span path, struct file_info *info) {
    (void)self;
    (void)info;
    struct span name = span_skip(path, strlen(root));
    assert_true(span_has_prefix(path, span_str(root)) && path.p[path.n] == 0);
    for (size_t i = 0; i < sizeof tree / sizeof tree[0]; i++) {
        struct span entry = span_str(tree[i]);
        bool is_folder = entry.p[entry.n - 1] == '/';
        if (span_eq(name, is_folder ? span_first(entry, entry.n - 1) : entry)) {
            return is_folder ? FILE_DIRECTORY : FILE_REGULAR;
        }
    }
    return FILE_NONE;
}

// One configuration of a site, with the routes of all rows: they do not meet.
static const char site_text[] =
    "listen \"127.0.0.1:8080\" {}\n"
    "pool \"php\" { servers = { \"unix:/run/fpm.sock\" } %s }\n"
    "site \"a.example\" { root = \"%s\"  pool = php  front-controller = \"/index.php\"\n"
    "deny = { \"/closed/*\" }  internal = { \"/kept/*\" }  scripts = { \"/app\" }\n%s\n}";

static const char routes[] =
    "route \"/blog/*\" { front-controller = \"/blog/index.php\" }\n"
    "route \"/moved/*\" { redirect = \"/new/{1}\" redirect-status = 301 }\n"
    "route \"/gone/*\" { try = { \"=410\" } }\n"
    "route \"~ ^/post/([0-9]+)(?:-[^/]*)?$\" { rewrite = \"/index.php?p={1}\" }\n"
    "route \"/cached/*\" { try = { \"/cache/{1}.html\", \"{path}\", \"/index.php\" } }\n"
    "route \"/fixed/*\" { try = { \"/cache/none.html\", \"{path}\", \"/index.php\" } }\n"
    "route \"/sub/wp-*\" { rewrite = \"/wp-{1}\" }\n"
    "route \"/only/*\" { try = { \"{path}\", \"=404\" } }\n"
    "route \"/paid/*\" { rewrite = \"/kept/{1}\" }\n"
    "route \"/to/*\" { rewrite = \"/{1}\" }\n"
    "route \"/climb*\" { rewrite = \"/kept/{1}\" }\n"
    "route \"/round/*\" { rewrite = \"/round/{1}/x\" }\n"
    "route \"/a\" { rewrite = \"/b\" } route \"/b\" { rewrite = \"/a\" }\n"
    "route \"/absent/*\" { missing-scripts = front-controller }\n"
    "route \"~ ^/slow/(a+)+$\" { rewrite = \"/index.php\" }\n"
    "route \"/near/*\" { allow-from = { \"10.0.0.0/8\", \"2001:db8::/32\" } }\n"
    "route \"/far/*\" { allow-from = { \"192.0.2.0/24\" } }\n"
    "route \"/barred/*\" { deny-from = { \"192.0.2.1\" } }\n"
    "route \"/wp-login.php\" { allow-from = { \"10.0.0.0/8\" } }\n"
    "route \"/blog2/*\" { rewrite = \"/near/{1}\" }\n"
    "route \"/docs*\" { try = { \"{path}\", \"{path}/\", \"=404\" } }\n"
    "route \"/denied\" { try = { \"/closed/x.php\", \"/index.php\" } }\n";

static const struct row {
    const char *name, *method, *target;
    enum route_kind kind;
    const char *what, *info, *query; // script, file or location; PATH_INFO; QUERY_STRING
    int code;                        // error or status
} rows[] = {
    {"a front controller of its own", "GET", "/blog/post/1?x", ROUTE_SCRIPT, "/blog/index.php", "",
     "x", 0},
    {"its files", "GET", "/blog/style.css", ROUTE_FILE, "/blog/style.css", "", "", 0},
    {"the site's elsewhere", "GET", "/blogs", ROUTE_SCRIPT, "/index.php", "", "", 0},
    {"a redirect", "GET", "/moved/a/b?c=d", ROUTE_REDIRECT, "/new/a/b?c=d", "", "c=d", 301},
    {"a status", "POST", "/gone/x", ROUTE_STATUS, "", "", "", 410},
    {"a rewrite with a query", "GET", "/post/17-title?q=1", ROUTE_SCRIPT, "/index.php", "", "p=17",
     0},
    {"what the expression does not have", "GET", "/post/x", ROUTE_SCRIPT, "/index.php", "", "", 0},
    {"a line feed does not slip past it", "GET", "/post/17\n", ROUTE_SCRIPT, "/index.php", "", "",
     0},
    {"the first of a list", "GET", "/cached/page", ROUTE_FILE, "/cache/page.html", "", "", 0},
    {"the last of a list", "GET", "/cached/none?x=1", ROUTE_SCRIPT, "/index.php", "", "x=1", 0},
    {"a rewrite to a file", "GET", "/sub/wp-admin/x.css", ROUTE_FILE, "/wp-admin/x.css", "", "", 0},
    {"a rewrite to a script with PATH_INFO", "GET", "/sub/wp-admin/load.php/a", ROUTE_SCRIPT,
     "/wp-admin/load.php", "/a", "", 0},
    {"a list that ends with a status", "GET", "/only/x", ROUTE_STATUS, "", "", "", 404},
    {"a rule opens what is internal", "GET", "/paid/paid.txt", ROUTE_FILE, "/kept/paid.txt", "", "",
     0},
    {"which is closed to clients", "GET", "/kept/paid.txt", ROUTE_ERROR, "", "", "", ERR_NOT_FOUND},
    {"a rewrite to what is denied", "GET", "/to/closed/x.php", ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"and behind it", "GET", "/to/closed/x.php/y", ROUTE_ERROR, "", "", "", ERR_FORBIDDEN},
    {"a rewrite to an upload", "GET", "/to/uploads/e.php", ROUTE_ERROR, "", "", "", ERR_FORBIDDEN},
    {"a rewrite to a hidden file", "GET", "/to/.git/config", ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"a rewrite to a backup", "GET", "/to/old.bak", ROUTE_ERROR, "", "", "", ERR_FORBIDDEN},
    {"a hidden file behind another in a list", "GET", "/cached/.env", ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"and behind one that hides nothing", "GET", "/fixed/.git/config", ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"a denied file in a list", "GET", "/denied", ROUTE_ERROR, "", "", "", ERR_FORBIDDEN},
    {"what a star caught does not climb", "GET", "/climb../blog/style.css", ROUTE_ERROR, "", "", "",
     ERR_REQUEST_PATH},
    {"a route sends on once", "GET", "/round/a", ROUTE_SCRIPT, "/index.php", "", "", 0},
    {"two that send to each other", "GET", "/a", ROUTE_SCRIPT, "/index.php", "", "", 0},
    {"a missing script", "GET", "/none.php", ROUTE_ERROR, "", "", "", ERR_NOT_FOUND},
    {"which the application answers", "GET", "/absent/none.php", ROUTE_SCRIPT, "/index.php", "", "",
     0},
    {"a script without suffix", "GET", "/app/x", ROUTE_SCRIPT, "/app", "/x", "", 0},
    {"and its source is not sent", "GET", "/app", ROUTE_SCRIPT, "/app", "", "", 0},
    {"a network that is not let in", "GET", "/near/x", ROUTE_ERROR, "", "", "", ERR_FORBIDDEN},
    {"one that is", "GET", "/far/x", ROUTE_SCRIPT, "/index.php", "", "", 0},
    {"one that is barred", "GET", "/barred/x", ROUTE_ERROR, "", "", "", ERR_FORBIDDEN},
    {"a rewrite to what is closed", "GET", "/blog2/x", ROUTE_ERROR, "", "", "", ERR_FORBIDDEN},
    {"a closed script", "GET", "/wp-login.php", ROUTE_ERROR, "", "", "", ERR_FORBIDDEN},
    {"a closed script with PATH_INFO", "GET", "/wp-login.php/x", ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"a closed script by a rewrite", "GET", "/sub/wp-login.php/x", ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"a folder of a list", "GET", "/docs/", ROUTE_FILE, "/docs/index.html", "", "", 0},
    {"a folder of a list without its slash", "GET", "/docs?x", ROUTE_REDIRECT, "/docs/?x", "", "x",
     0},
};

static void read_config(struct config *c, const char *pool, const char *text) {
    char whole[8192];
    struct config_errors e;
    config_errors_init(&e);
    int n = snprintf(whole, sizeof whole, site_text, pool, root, text);
    int error = config_parse(c, "t.conf", span_of(whole, (size_t)n), &e);
    if (error != 0) {
        fail_msg("%.*s", SPAN_ARG(buf_span(&e.text)));
    }
    config_errors_fini(&e);
}

static void route(const struct site *site, const char *method, const char *target, struct arena *a,
                  struct route *out) {
    struct router_files files = {NULL, find, NULL};
    struct span text = span_str(target);
    size_t n = span_index(text, '?');
    struct request request = {.method = span_str(method),
                              .authority = SPAN("a.example"),
                              .target = text,
                              .path = span_first(text, n),
                              .query = n < text.n ? span_skip(text, n + 1) : span_of(NULL, 0)};
    struct router_query q = {site, &request, &files, a, ACCESS_CLIENT, true, &client};
    arena_init(a, 65536);
    router_route(&q, out);
}

static bool is_as_told(const struct row *row, const struct route *out) {
    int code = out->kind == ROUTE_ERROR ? out->error : out->status;
    struct span what = out->kind == ROUTE_REDIRECT ? out->location : out->script_name;
    return out->kind == row->kind && code == row->code && span_eq(what, span_str(row->what)) &&
           span_eq(out->path_info, span_str(row->info)) &&
           span_eq(out->query, span_str(row->query)) &&
           (out->file.n == 0 || out->file.p[out->file.n] == 0);
}

static void test_a_request_gets_what_is_written(void **state) {
    (void)state;
    struct config c;
    read_config(&c, "", routes);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena a;
        struct route out;
        route(&c.sites[0], rows[i].method, rows[i].target, &a, &out);
        if (!is_as_told(&rows[i], &out)) {
            fail_msg("%s: kind %d, code %d or %d, %.*s%.*s ? %.*s", rows[i].name, (int)out.kind,
                     out.error, out.status, SPAN_ARG(out.script_name), SPAN_ARG(out.location),
                     SPAN_ARG(out.query));
        }
        arena_fini(&a);
    }
    config_fini(&c);
}

static void test_a_redirect_keeps_the_method(void **state) {
    (void)state;
    struct config c;
    struct arena a;
    struct route out;
    read_config(&c, "", "route \"/x\" { redirect = \"/y\" }");
    route(&c.sites[0], "GET", "/x", &a, &out);
    assert_int_equal(out.status, 302);
    arena_fini(&a);
    route(&c.sites[0], "POST", "/x", &a, &out);
    assert_int_equal(out.status, 307);
    arena_fini(&a);
    config_fini(&c);
}

static void test_an_expression_that_takes_too_long_is_an_error(void **state) {
    (void)state;
    struct config c;
    struct arena a;
    struct route out;
    char target[2000] = "/slow/";
    memset(target + 6, 'a', sizeof target - 8);
    target[sizeof target - 2] = '!';
    read_config(&c, "", routes);
    route(&c.sites[0], "GET", target, &a, &out);
    assert_int_equal(out.error, ERR_ROUTE_LIMIT);
    arena_fini(&a);
    config_fini(&c);
}

static void test_a_chain_of_routes_ends(void **state) {
    (void)state;
    struct config c;
    struct arena a;
    struct route out;
    char text[2048];
    size_t n = 0;
    for (int i = 0; i < 12; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "route \"/step%d\" { rewrite = \"/step%d\" }\n", i, i + 1);
    }
    read_config(&c, "", text);
    route(&c.sites[0], "GET", "/step0", &a, &out);
    assert_int_equal(out.error, ERR_ROUTE_LIMIT);
    arena_fini(&a);
    route(&c.sites[0], "GET", "/step3", &a, &out);
    assert_int_equal(out.kind, ROUTE_SCRIPT);
    arena_fini(&a);
    config_fini(&c);
}

static void test_a_site_is_worked_on(void **state) {
    (void)state;
    struct config c;
    struct arena a;
    struct route out;
    read_config(&c, "",
                "maintenance = \"/docs/index.html\"  maintenance-allow = { \"10.0.0.0/8\" }");
    route(&c.sites[0], "GET", "/blog/", &a, &out);
    assert_int_equal(out.error, ERR_MAINTENANCE);
    arena_fini(&a);
    config_fini(&c);
    read_config(&c, "",
                "maintenance = \"/docs/index.html\"  maintenance-allow = { \"192.0.2.1\" }");
    route(&c.sites[0], "GET", "/blog/", &a, &out);
    assert_int_equal(out.kind, ROUTE_SCRIPT);
    arena_fini(&a);
    config_fini(&c);
    read_config(&c, "", "maintenance = \"/none.html\"");
    route(&c.sites[0], "GET", "/blog/", &a, &out);
    assert_int_equal(out.kind, ROUTE_SCRIPT);
    arena_fini(&a);
    config_fini(&c);
}

static void test_a_pool_has_the_files_elsewhere(void **state) {
    (void)state;
    struct config c;
    struct arena a;
    struct route out;
    read_config(&c, "root = \"/var/www/html\"", "");
    route(&c.sites[0], "GET", "/blog/", &a, &out);
    assert_true(span_eq(out.file, SPAN("/var/www/html/blog/index.php")));
    assert_true(span_eq(out.root, SPAN("/var/www/html")));
    arena_fini(&a);
    config_fini(&c);
}

static int setup(void **state) {
    (void)state;
    char path[PATH_MAX + 32];
    assert_non_null(mkdtemp(folder));
    assert_non_null(realpath(folder, root));
    snprintf(path, sizeof path, "%s/blog", root);
    assert_int_equal(mkdir(path, 0755), 0);
    for (int i = 0; i < 2; i++) { // what check looks for
        snprintf(path, sizeof path, "%s%s", root, i == 0 ? "/index.php" : "/blog/index.php");
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fclose(f);
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    char command[PATH_MAX + 32];
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_gets_what_is_written),
        cmocka_unit_test(test_a_redirect_keeps_the_method),
        cmocka_unit_test(test_an_expression_that_takes_too_long_is_an_error),
        cmocka_unit_test(test_a_chain_of_routes_ends),
        cmocka_unit_test(test_a_site_is_worked_on),
        cmocka_unit_test(test_a_pool_has_the_files_elsewhere),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
