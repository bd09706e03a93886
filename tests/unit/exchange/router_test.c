// SPDX-License-Identifier: MIT
#include "exchange/router.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// The disk: a list of names, directories ending in a slash, denied ones in "!", and
// in "?" those of which nothing can be said now.
static const char *const tree[] = {
    "/srv/",
    "/srv/index.php",
    "/srv/style.css",
    "/srv/a b.css",
    "/srv/info.PHP",
    "/srv/up/",
    "/srv/up/photo.jpg",
    "/srv/wp-admin/",
    "/srv/wp-admin/index.php",
    "/srv/wp-admin/load.php",
    "/srv/docs/",
    "/srv/docs/index.html",
    "/srv/odd name?/",
    "/srv/odd name?/index.html",
    "/srv/dir.php/",
    "/srv/dir.php/x.txt",
    "/srv/secret.txt!",
    "/srv/.git/",
    "/srv/.git/config",
    "/srv/.env",
    "/srv/app/.theme/",
    "/srv/app/.theme/index.php",
    "/srv/.well-known/acme",
    "/srv/.well-known/.x",
    "/srv/x/.well-known/",
    "/srv/x/.well-known/acme",
    "/srv/wp-config.php.bak",
    "/srv/notes.txt~",
    "/srv/wp-content/uploads/",
    "/srv/wp-content/uploads/index.php",
    "/srv/wp-content/uploads/evil.php",
    "/srv/wp-content/uploads/evil.PHP",
    "/srv/closed/",
    "/srv/closed/index.php",
    "/srv/closed/evil.php",
    "/srv/closed/evil.PHP",
    "/srv/paid/",
    "/srv/paid/index.html",
    "/srv/linked/",
    "/srv/linked/index.php", // -> /closed/evil.php
    "/srv/source.txt",       // -> /index.php
    "/srv/hidden.txt",       // -> /.env
    "/srv/old.txt",          // -> /notes.txt~
    "/srv/fine.txt",         // -> /style.css
    "/srv/fine.php",         // -> /index.php
    "/srv/bought.zip",       // -> /paid/index.html
    "/srv/busy.txt?",
    "/srv/busy.php?",
    "/etc/passwd",
};

// Symbolic links among them, and where they lead to.
static const struct {
    const char *name, *real;
} links[] = {
    {"/srv/linked/index.php", "/closed/evil.php"},
    {"/srv/source.txt", "/index.php"},
    {"/srv/hidden.txt", "/.env"},
    {"/srv/old.txt", "/notes.txt~"},
    {"/srv/fine.txt", "/style.css"},
    {"/srv/fine.php", "/index.php"},
    {"/srv/bought.zip", "/paid/index.html"},
};

static struct span real_of(struct span path) {
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        if (span_eq(path, span_str(links[i].name))) {
            return span_str(links[i].real);
        }
    }
    return span_of(NULL, 0);
}

static enum file_kind find(void *self, struct span path, struct file_info *info) {
    unsigned *looks = self;
    assert_int_equal(path.p[path.n], 0);
    assert_true(span_has_prefix(path, SPAN("/srv")));
    assert_true(span_find(path, SPAN("/../")) == path.n);
    ++*looks;
    for (size_t i = 0; i < sizeof tree / sizeof tree[0]; i++) {
        struct span name = span_str(tree[i]);
        uint8_t last = name.p[name.n - 1];
        bool is_marked = last == '/' || last == '!' || last == '?';
        if (span_eq(path, is_marked ? span_first(name, name.n - 1) : name)) {
            info->len = i;
            info->real = real_of(path);
            return last == '/'   ? FILE_DIRECTORY
                   : last == '!' ? FILE_DENIED
                   : last == '?' ? FILE_UNKNOWN
                                 : FILE_REGULAR;
        }
    }
    return FILE_NONE;
}

static const struct span indexes[] = {SPAN_INIT("index.php"), SPAN_INIT("index.html")};
static const struct span suffixes[] = {SPAN_INIT(".php")};
static const struct span denied[] = {SPAN_INIT("/closed/*.php"), SPAN_INIT("/private/*")};
static const struct span denied_files[] = {SPAN_INIT("*~"), SPAN_INIT("*.bak")};
static const struct span script_free[] = {SPAN_INIT("*/wp-content/uploads/*")};
static const struct span internal[] = {SPAN_INIT("/paid/*")};
static const struct span aliases[] = {SPAN_INIT("www.blog.example"), SPAN_INIT("[::1]")};
static const struct route_rule rules[] = {
    {.pattern = SPAN_INIT("/")},
    {.pattern = SPAN_INIT("/checkout/*")},
    {.pattern = SPAN_INIT("*.css")},
};

// What the tables call the sites: w WordPress, f files only, r scripts elsewhere but with a root,
// n scripts elsewhere and no root, p plain scripts without front controller, d one that shows names
// with a dot.
static struct site make_site(char kind) {
    struct site s = {
        .name = SPAN("blog.example"),
        .aliases = {aliases, 2},
        .root = SPAN("/srv"),
        .index = {indexes, 2},
        .index_len = 10,
        .front.path = SPAN("/index.php"),
        .front.file = SPAN("/srv/index.php"),
        .must_check = true,
        .suffixes = {suffixes, 1},
        .denied = {denied, 2},
        .denied_files = {denied_files, 2},
        .shows_dot_names = kind == 'd',
        .script_free = {script_free, 1},
        .internal = {internal, 1},
        .rules = rules,
        .rules_n = 3,
    };
    if (kind == 'f') {
        s.pool = SITE_NO_POOL;
    }
    if (kind == 'f' || kind == 'p') {
        s.front.path = s.front.file = SPAN("");
    }
    if (kind == 'r' || kind == 'n') {
        s.must_check = false;
        s.front.path = SPAN("/app.php");
        s.front.file = kind == 'r' ? SPAN("/srv/app.php") : SPAN("/app.php");
    }
    if (kind == 'n') {
        s.root = (struct span){0};
    }
    return s;
}

struct row {
    const char *name;
    char site;
    const char *method, *path, *query;
    enum route_kind kind;
    const char *what; // file or location
    const char *script_name, *path_info;
    int error;
};

static const struct row rows[] = {
    {"an existing file", 'w', "GET", "/style.css", NULL, ROUTE_FILE, "/srv/style.css", "/style.css",
     "", 0},
    {"HEAD of a file", 'w', "HEAD", "/a b.css", NULL, ROUTE_FILE, "/srv/a b.css", "/a b.css", "",
     0},
    {"POST to a file", 'w', "POST", "/style.css", NULL, ROUTE_ERROR, "", "", "",
     ERR_REQUEST_METHOD},
    {"a method that only looks like GET", 'w', "get", "/style.css", NULL, ROUTE_ERROR, "", "", "",
     ERR_REQUEST_METHOD},
    {"an existing script", 'w', "GET", "/wp-admin/load.php", NULL, ROUTE_SCRIPT,
     "/srv/wp-admin/load.php", "/wp-admin/load.php", "", 0},
    {"POST to a script", 'w', "POST", "/index.php", NULL, ROUTE_SCRIPT, "/srv/index.php",
     "/index.php", "", 0},
    {"a script in capitals is a script", 'w', "GET", "/info.PHP", NULL, ROUTE_SCRIPT,
     "/srv/info.PHP", "/info.PHP", "", 0},
    {"a missing script costs no worker", 'w', "GET", "/missing.php", NULL, ROUTE_ERROR, "", "", "",
     ERR_NOT_FOUND},
    {"a denied script with PATH_INFO", 'w', "GET", "/closed/evil.php/x", NULL, ROUTE_ERROR, "", "",
     "", ERR_FORBIDDEN},
    {"a denied script with a slash", 'w', "GET", "/closed/evil.php/", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"a denied script in capitals", 'w', "GET", "/closed/evil.PHP", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"capitals and PATH_INFO", 'w', "GET", "/closed/evil.PHP/x", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"a denied index", 'w', "GET", "/closed/", NULL, ROUTE_ERROR, "", "", "", ERR_FORBIDDEN},
    {"a denied script that we cannot see", 'n', "GET", "/closed/evil.PHP/x", NULL, ROUTE_ERROR, "",
     "", "", ERR_FORBIDDEN},
    {"a script among uploads", 'w', "GET", "/wp-content/uploads/evil.php", NULL, ROUTE_ERROR, "",
     "", "", ERR_FORBIDDEN},
    {"the same in capitals", 'w', "GET", "/wp-content/uploads/evil.PHP/", NULL, ROUTE_ERROR, "", "",
     "", ERR_FORBIDDEN},
    {"the index of uploads", 'w', "GET", "/wp-content/uploads/", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"uploads that we cannot see", 'n', "POST", "/blog/wp-content/uploads/x.php/y", NULL,
     ROUTE_ERROR, "", "", "", ERR_FORBIDDEN},
    {"what is missing among uploads is the application's", 'w', "GET", "/wp-content/uploads/x.jpg",
     NULL, ROUTE_SCRIPT, "/srv/index.php", "/index.php", "", 0},
    {"an internal path", 'w', "GET", "/paid/index.html", NULL, ROUTE_ERROR, "", "", "",
     ERR_NOT_FOUND},
    {"the index of an internal folder", 'w', "GET", "/paid/", NULL, ROUTE_ERROR, "", "", "",
     ERR_NOT_FOUND},
    {"a link to what is internal", 'w', "GET", "/bought.zip", NULL, ROUTE_ERROR, "", "", "",
     ERR_NOT_FOUND},
    {"an index that links to a denied script", 'w', "GET", "/linked/", NULL, ROUTE_ERROR, "", "",
     "", ERR_FORBIDDEN},
    {"a link to a source", 'w', "GET", "/source.txt", NULL, ROUTE_ERROR, "", "", "", ERR_FORBIDDEN},
    {"a link to a hidden file", 'w', "GET", "/hidden.txt", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"a link to a denied file", 'w', "GET", "/old.txt", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"a link to another file", 'w', "GET", "/fine.txt", NULL, ROUTE_FILE, "/srv/fine.txt",
     "/fine.txt", "", 0},
    {"a link from script to script", 'w', "GET", "/fine.php", NULL, ROUTE_SCRIPT, "/srv/fine.php",
     "/fine.php", "", 0},
    {"a file that cannot be looked at", 'w', "GET", "/busy.txt", NULL, ROUTE_ERROR, "", "", "",
     ERR_FILES_BUSY},
    {"a script that cannot be looked at", 'w', "GET", "/busy.php/x", NULL, ROUTE_ERROR, "", "", "",
     ERR_FILES_BUSY},
    {"the root", 'w', "GET", "/", NULL, ROUTE_SCRIPT, "/srv/index.php", "/index.php", "", 0},
    {"a directory with index.php", 'w', "GET", "/wp-admin/", NULL, ROUTE_SCRIPT,
     "/srv/wp-admin/index.php", "/wp-admin/index.php", "", 0},
    {"a directory with index.html", 'w', "GET", "/docs/", NULL, ROUTE_FILE, "/srv/docs/index.html",
     "/docs/index.html", "", 0},
    {"POST to a directory with index.html", 'w', "POST", "/docs/", NULL, ROUTE_ERROR, "", "", "",
     ERR_REQUEST_METHOD},
    {"a directory without slash", 'w', "GET", "/wp-admin", "a=1&b=%20", ROUTE_REDIRECT,
     "/wp-admin/?a=1&b=%20", "", "", 0},
    {"an empty query stays one", 'w', "GET", "/docs", "", ROUTE_REDIRECT, "/docs/?", "", "", 0},
    {"a redirect is encoded", 'w', "GET", "/odd name?", NULL, ROUTE_REDIRECT, "/odd%20name%3F/", "",
     "", 0},
    {"a directory without index file", 'w', "GET", "/up/", NULL, ROUTE_SCRIPT, "/srv/index.php",
     "/index.php", "", 0},
    {"a directory without index file and slash", 'w', "GET", "/up", NULL, ROUTE_SCRIPT,
     "/srv/index.php", "/index.php", "", 0},
    {"a pretty link", 'w', "GET", "/2024/05/post/", NULL, ROUTE_SCRIPT, "/srv/index.php",
     "/index.php", "", 0},
    {"POST to a pretty link", 'w', "POST", "/2024/05/post", NULL, ROUTE_SCRIPT, "/srv/index.php",
     "/index.php", "", 0},
    {"a file with a slash is no file", 'w', "GET", "/style.css/", NULL, ROUTE_SCRIPT,
     "/srv/index.php", "/index.php", "", 0},
    {"PATH_INFO", 'w', "GET", "/index.php/a/b.css", NULL, ROUTE_SCRIPT, "/srv/index.php",
     "/index.php", "/a/b.css", 0},
    {"PATH_INFO is split at the first script", 'w', "GET", "/index.php/x.php/y", NULL, ROUTE_SCRIPT,
     "/srv/index.php", "/index.php", "/x.php/y", 0},
    {"PATH_INFO of one slash", 'w', "GET", "/index.php/", NULL, ROUTE_SCRIPT, "/srv/index.php",
     "/index.php", "/", 0},
    {"PATH_INFO in capitals", 'w', "GET", "/info.PHP/z", NULL, ROUTE_SCRIPT, "/srv/info.PHP",
     "/info.PHP", "/z", 0},
    {"a picture is no script (F-04)", 'w', "GET", "/up/photo.jpg/x.php", NULL, ROUTE_ERROR, "", "",
     "", ERR_NOT_FOUND},
    {"a directory named like a script", 'w', "GET", "/dir.php/x.txt", NULL, ROUTE_FILE,
     "/srv/dir.php/x.txt", "/dir.php/x.txt", "", 0},
    {"what the disk denies", 'w', "GET", "/secret.txt", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"a hidden directory", 'w', "GET", "/.git/config", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"a hidden directory itself", 'w', "GET", "/.git", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"a hidden directory with a slash", 'w', "GET", "/.git/", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"what is not there below a hidden directory", 'w', "GET", "/.git/x/y", NULL, ROUTE_ERROR, "",
     "", "", ERR_FORBIDDEN},
    {"the index of a hidden directory", 'w', "GET", "/app/.theme/", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"a script in a hidden directory", 'w', "GET", "/app/.theme/index.php/x", NULL, ROUTE_ERROR, "",
     "", "", ERR_FORBIDDEN},
    {"a hidden file that is not there", 'w', "GET", "/x/.env", NULL, ROUTE_SCRIPT, "/srv/index.php",
     "/index.php", "", 0},
    {"a page's name begins with a dot", 'w', "GET", "/search/.net/feed/rss2/", NULL, ROUTE_SCRIPT,
     "/srv/index.php", "/index.php", "", 0},
    {"a page's name is hidden below what is not", 'w', "GET", "/.net/.git/.x", NULL, ROUTE_SCRIPT,
     "/srv/index.php", "/index.php", "", 0},
    {"a missing script with a dot", 'w', "GET", "/.x.php", NULL, ROUTE_ERROR, "", "", "",
     ERR_NOT_FOUND},
    {"a hidden file behind a script", 'w', "GET", "/index.php/.env", NULL, ROUTE_SCRIPT,
     "/srv/index.php", "/index.php", "/.env", 0},
    {"a hidden directory behind a script", 'w', "GET", "/index.php/.git/x", NULL, ROUTE_SCRIPT,
     "/srv/index.php", "/index.php", "/.git/x", 0},
    {"dot names shown: a file", 'd', "GET", "/.git/config", NULL, ROUTE_FILE, "/srv/.git/config",
     "/.git/config", "", 0},
    {"dot names shown: a link to one", 'd', "GET", "/hidden.txt", NULL, ROUTE_FILE,
     "/srv/hidden.txt", "/hidden.txt", "", 0},
    {"dot names shown: an index", 'd', "GET", "/app/.theme/", NULL, ROUTE_SCRIPT,
     "/srv/app/.theme/index.php", "/app/.theme/index.php", "", 0},
    {"/.well-known/ is public", 'w', "GET", "/.well-known/acme", NULL, ROUTE_FILE,
     "/srv/.well-known/acme", "/.well-known/acme", "", 0},
    {"/.well-known/ elsewhere is not", 'w', "GET", "/x/.well-known/acme", NULL, ROUTE_ERROR, "", "",
     "", ERR_FORBIDDEN},
    {"a hidden file in /.well-known/", 'w', "GET", "/.well-known/.x", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"a page called like a backup", 'w', "GET", "/wiki/notes~", NULL, ROUTE_SCRIPT,
     "/srv/index.php", "/index.php", "", 0},
    {"PATH_INFO like a backup", 'w', "GET", "/index.php/a.bak", NULL, ROUTE_SCRIPT,
     "/srv/index.php", "/index.php", "/a.bak", 0},
    {"a missing backup behind a backup", 'w', "GET", "/notes.txt~/x", NULL, ROUTE_SCRIPT,
     "/srv/index.php", "/index.php", "", 0},
    {"a page that the operator denies", 'w', "GET", "/private/page", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"elsewhere: a hidden script that we cannot see", 'n', "GET", "/a/.x.php", NULL, ROUTE_ERROR,
     "", "", "", ERR_FORBIDDEN},
    {"elsewhere: a page's name begins with a dot", 'n', "GET", "/a/.net", NULL, ROUTE_SCRIPT,
     "/app.php", "/app.php", "", 0},
    {"a backup file", 'w', "GET", "/wp-config.php.bak", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"an editor's file", 'w', "GET", "/notes.txt~", NULL, ROUTE_ERROR, "", "", "", ERR_FORBIDDEN},
    {"a path that climbs", 'w', "GET", "/../etc/passwd", NULL, ROUTE_ERROR, "", "", "",
     ERR_REQUEST_PATH},
    {"a path that climbs at its end", 'w', "GET", "/up/..", NULL, ROUTE_ERROR, "", "", "",
     ERR_REQUEST_PATH},
    {"a path that stays", 'w', "GET", "/up/./photo.jpg", NULL, ROUTE_ERROR, "", "", "",
     ERR_REQUEST_PATH},
    {"two slashes", 'w', "GET", "//evil.example/", NULL, ROUTE_ERROR, "", "", "", ERR_REQUEST_PATH},
    {"a backslash is an ordinary byte", 'w', "GET", "/..\\..\\etc", NULL, ROUTE_SCRIPT,
     "/srv/index.php", "/index.php", "", 0},
    {"an overlong dot is not a dot", 'w', "GET", "/\xc0\xae\xc0\xae/etc/passwd", NULL, ROUTE_SCRIPT,
     "/srv/index.php", "/index.php", "", 0},
    {"the asterisk of OPTIONS", 'w', "OPTIONS", "*", NULL, ROUTE_ERROR, "", "", "",
     ERR_REQUEST_PATH},
    {"an empty path", 'w', "GET", "", NULL, ROUTE_ERROR, "", "", "", ERR_REQUEST_PATH},

    {"files only: a file", 'f', "GET", "/style.css", NULL, ROUTE_FILE, "/srv/style.css",
     "/style.css", "", 0},
    {"files only: nobody reads a script's source", 'f', "GET", "/index.php", NULL, ROUTE_ERROR, "",
     "", "", ERR_FORBIDDEN},
    {"files only: not even through a directory", 'f', "GET", "/", NULL, ROUTE_ERROR, "", "", "",
     ERR_FORBIDDEN},
    {"files only: nothing there", 'f', "GET", "/x", NULL, ROUTE_ERROR, "", "", "", ERR_NOT_FOUND},
    {"no front controller: nothing there", 'p', "GET", "/x/", NULL, ROUTE_ERROR, "", "", "",
     ERR_NOT_FOUND},

    {"elsewhere: our file", 'r', "GET", "/style.css", NULL, ROUTE_FILE, "/srv/style.css",
     "/style.css", "", 0},
    {"elsewhere: a script that we do not see", 'r', "GET", "/wp-login.php", NULL, ROUTE_SCRIPT,
     "/srv/wp-login.php", "/wp-login.php", "", 0},
    {"elsewhere: with PATH_INFO", 'r', "GET", "/api.php/v1/", NULL, ROUTE_SCRIPT, "/srv/api.php",
     "/api.php", "/v1/", 0},
    {"elsewhere: a directory that may be a picture", 'r', "GET", "/up/unseen.jpg/x.php", NULL,
     ROUTE_SCRIPT, "/srv/app.php", "/app.php", "", 0},
    {"elsewhere: the front controller", 'r', "GET", "/post/", NULL, ROUTE_SCRIPT, "/srv/app.php",
     "/app.php", "", 0},
    {"no root: a script", 'n', "GET", "/wp-login.php", NULL, ROUTE_SCRIPT, "/wp-login.php",
     "/wp-login.php", "", 0},
    {"no root: the front controller", 'n', "GET", "/style.css", NULL, ROUTE_SCRIPT, "/app.php",
     "/app.php", "", 0},
    {"no root: a path that climbs", 'n', "GET", "/../x.php", NULL, ROUTE_ERROR, "", "", "",
     ERR_REQUEST_PATH},
};

static void expect(const struct row *row, const char *what, struct span got, const char *want) {
    if (!span_eq(got, span_str(want))) {
        fail_msg("%s: %s is \"%.*s\", not \"%s\"", row->name, what, SPAN_ARG(got), want);
    }
}

static void route(const struct row *row, struct arena *a, struct route *out) {
    unsigned looks = 0;
    struct router_files files = {&looks, find, NULL};
    struct site site = make_site(row->site);
    struct request request = {.method = span_str(row->method),
                              .path = span_str(row->path),
                              .query = span_str(row->query)};
    struct router_query q = {&site, &request, &files, a, ACCESS_CLIENT, true, NULL};
    router_route(&q, out);
    assert_true(looks <= 6);
    assert_true(row->site != 'n' || looks == 0);
}

static void test_a_path_leads_where_it_should(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct arena a;
        struct route out;
        arena_init(&a, 65536);
        route(row, &a, &out);
        if (out.kind != row->kind || out.error != row->error) {
            fail_msg("%s: kind %d error %d", row->name, out.kind, out.error);
        }
        bool is_redirect = out.kind == ROUTE_REDIRECT;
        expect(row, "target", is_redirect ? out.location : out.file, row->what);
        expect(row, "script_name", out.script_name, row->script_name);
        expect(row, "path_info", out.path_info, row->path_info);
        assert_true(out.file.n == 0 || out.file.p[out.file.n] == 0);
        arena_fini(&a);
    }
}

static struct span real_root(void *self, struct span root) {
    (void)self;
    assert_true(span_eq(root, SPAN("/srv")));
    return SPAN("/releases/2");
}

static void test_scripts_are_told_by_the_real_root(void **state) {
    (void)state;
    const struct {
        const char *path, *file;
    } scripts[] = {{"/wp-admin/load.php/x", "/releases/2/wp-admin/load.php"},
                   {"/wp-admin/", "/releases/2/wp-admin/index.php"},
                   {"/pretty/", "/releases/2/index.php"}};
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        unsigned looks = 0;
        struct arena a;
        struct route out;
        struct router_files files = {&looks, find, real_root};
        struct site site = make_site('w');
        struct request request = {.method = SPAN("GET"), .path = span_str(scripts[i].path)};
        struct router_query q = {&site, &request, &files, &a, ACCESS_CLIENT, true, NULL};
        arena_init(&a, 65536);
        router_route(&q, &out);
        assert_int_equal(out.kind, ROUTE_SCRIPT);
        assert_true(span_eq(out.file, span_str(scripts[i].file)));
        assert_true(span_eq(out.root, SPAN("/releases/2")));
        assert_true(out.file.p[out.file.n] == 0);
        arena_fini(&a);
    }
}

static void test_a_spent_budget_is_an_error(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t budget = 0; budget < 64; budget += 8) {
            struct arena a;
            struct route out;
            arena_init(&a, budget);
            route(&rows[i], &a, &out);
            assert_true(out.kind == rows[i].kind || out.error == ERR_ARENA_LIMIT);
            arena_fini(&a);
        }
    }
}

static void test_a_name_too_long_is_not_looked_for(void **state) {
    (void)state;
    static char path[8192];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    struct row row = {"a long path", 'p', "GET", path, NULL, ROUTE_ERROR, "", "", "", 0};
    struct arena a;
    struct route out;
    arena_init(&a, 65536);
    route(&row, &a, &out);
    assert_int_equal(out.error, ERR_NOT_FOUND);
    arena_fini(&a);
}

static void test_the_first_rule_that_matches_counts(void **state) {
    (void)state;
    const struct {
        const char *path;
        int rule;
    } paths[] = {{"/", 0},          {"/checkout/x.css", 1}, {"/checkout/", 1},
                 {"/checkout", -1}, {"/a/b.css", 2},        {"/a/b.css/", -1}};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct row row = {"a rule", 'w', "GET", paths[i].path, NULL, ROUTE_FILE, "", "", "", 0};
        struct arena a;
        struct route out;
        arena_init(&a, 65536);
        route(&row, &a, &out);
        assert_ptr_equal(out.rule, paths[i].rule < 0 ? NULL : &rules[paths[i].rule]);
        arena_fini(&a);
    }
}

static void test_an_authority_finds_its_site(void **state) {
    (void)state;
    static const struct span more[] = {SPAN_INIT("c.example")};
    struct site sites[] = {make_site('w'), {.name = SPAN("b.example"), .aliases = {more, 1}}};
    const struct {
        const char *authority;
        int site;
        bool is_named;
    } names[] = {
        {"blog.example", 0, true},
        {"blog.example:8443", 0, true},
        {"b.example", 1, true},
        {"b.example.", 1, true},
        {"b.example.:443", 1, true},
        {"c.example:1", 1, true},
        {"www.blog.example", 0, true},
        {"[::1]:8443", 0, true},
        {"[::1]", 0, true},
        {"x.example", 0, false},
        {"", 0, false},
        {":80", 0, false},
        {"[::2]:443", 0, false},
        {".", 0, false},
        {"b.example..", 0, false},
        {"xb.example", 0, false},
    };
    struct arena a;
    struct router r;
    arena_init(&a, 65536);
    assert_int_equal(router_init(&r, &a, sites, 2), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool is_named;
        const struct site *site = router_site(&r, span_str(names[i].authority), &is_named);
        if (site != &sites[names[i].site] || is_named != names[i].is_named) {
            fail_msg("%s", names[i].authority);
        }
    }
    arena_fini(&a);
    arena_init(&a, 16);
    assert_int_equal(router_init(&r, &a, sites, 2), ERR_ARENA_LIMIT);
    arena_fini(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_leads_where_it_should),
        cmocka_unit_test(test_scripts_are_told_by_the_real_root),
        cmocka_unit_test(test_a_spent_budget_is_an_error),
        cmocka_unit_test(test_a_name_too_long_is_not_looked_for),
        cmocka_unit_test(test_the_first_rule_that_matches_counts),
        cmocka_unit_test(test_an_authority_finds_its_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
