// SPDX-License-Identifier: MIT
// Hostile targets on a real disk, through everything that stands between a request and a file:
// never a source, never a file that the options close, never a script in a place where none may
// run; whether a client asks or an application names the file. Every file says what it is.
#include "server/files.h"

#include "base/error.h"
#include "exchange/sendfile.h"
#include "http/uri.h"

#include <fcntl.h>
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

#define TARGET_MOST 512 // bytes of a target, its zero included

// Below the folder of the test, whose "root" is the site's. A text of NULL is a folder.
static const struct {
    const char *name, *text;
} disk[] = {
    {"root", NULL},
    {"root-else", NULL},
    {"root-else/secret.txt", "OUTSIDE"},
    {"outside.txt", "OUTSIDE"},
    {"outside.php", "OUTSIDE"},
    {"root/index.php", "SOURCE"},
    {"root/page.php", "SOURCE"},
    {"root/app.PHP", "SOURCE"},
    {"root/style.css", "PUBLIC"},
    {"root/a b.css", "PUBLIC"},
    {"root/what?.css", "PUBLIC"},
    {"root/100%.css", "PUBLIC"},
    {"root/back\\slash.css", "PUBLIC"},
    {"root/caf\xc3\xa9.css", "PUBLIC"},
    {"root/photo.jpg", "PUBLIC"},
    {"root/.env", "SECRET"},
    {"root/.git", NULL},
    {"root/.git/config", "SECRET"},
    {"root/.well-known", NULL},
    {"root/.well-known/acme", "PUBLIC"},
    {"root/.well-known/.hidden", "SECRET"},
    {"root/old.bak", "SECRET"},
    {"root/index.php~", "SECRET"},
    {"root/index.php.bak", "SECRET"},
    {"root/sub", NULL},
    {"root/sub/.htpasswd", "SECRET"},
    {"root/sub/x.txt", "PUBLIC"},
    {"root/dir.php", NULL},
    {"root/dir.php/x.txt", "PUBLIC"},
    {"root/wp-content", NULL},
    {"root/wp-content/uploads", NULL},
    {"root/wp-content/uploads/photo.jpg", "PUBLIC"},
    {"root/wp-content/uploads/index.php", "EVIL"},
    {"root/wp-content/uploads/evil.php", "EVIL"},
    {"root/wp-content/uploads/evil.PHP", "EVIL"},
    {"root/closed", NULL},
    {"root/closed/index.php", "EVIL"},
    {"root/closed/evil.php", "EVIL"},
    {"root/closed/evil.PHP", "EVIL"},
    {"root/closed/list.txt", "SECRET"},
    {"root/paid", NULL},
    {"root/paid/film.txt", "PAID"},
    {"root/paid/index.php", "EVIL"},
};

static const struct {
    const char *name, *to;
} links[] = {
    {"root/near.css", "style.css"},
    {"root/run.php", "page.php"},
    {"root/source.txt", "index.php"},
    {"root/source", "page.php"},
    {"root/env.txt", ".env"},
    {"root/git", ".git"},
    {"root/list.txt", "closed/list.txt"},
    {"root/open", "closed"},
    {"root/evil.php", "closed/evil.php"},
    {"root/film.txt", "paid/film.txt"},
    {"root/photo.php", "wp-content/uploads/photo.jpg"},
    {"root/wp-content/uploads/link.php", "../../page.php"},
    {"root/wp-content/uploads/link.txt", "../../index.php"},
    {"root/out.txt", "../outside.txt"},
    {"root/out.php", "../outside.php"},
    {"root/far.txt", "sub/../../root-else/secret.txt"},
    {"root/up", ".."},
    {"root/etc", "/etc"},
    {"root/self", "/proc/self"},
    {"root/loop", "loop"},
};

static const char *const bases[] = {
    "/",
    "/index.php",
    "/page.php",
    "/app.PHP",
    "/style.css",
    "/a%20b.css",
    "/photo.jpg",
    "/.env",
    "/.git/config",
    "/.well-known/acme",
    "/.well-known/.hidden",
    "/old.bak",
    "/index.php~",
    "/index.php.bak",
    "/sub/.htpasswd",
    "/sub/x.txt",
    "/dir.php/x.txt",
    "/wp-content/uploads",
    "/wp-content/uploads/",
    "/wp-content/uploads/photo.jpg",
    "/wp-content/uploads/evil.php",
    "/wp-content/uploads/evil.PHP",
    "/wp-content/uploads/link.php",
    "/wp-content/uploads/link.txt",
    "/closed",
    "/closed/",
    "/closed/evil.php",
    "/closed/evil.PHP",
    "/closed/list.txt",
    "/paid/",
    "/paid/film.txt",
    "/near.css",
    "/run.php",
    "/source.txt",
    "/source",
    "/env.txt",
    "/git/config",
    "/list.txt",
    "/open/list.txt",
    "/open/evil.php",
    "/open/",
    "/evil.php",
    "/film.txt",
    "/photo.php",
    "/out.txt",
    "/out.php",
    "/far.txt",
    "/up/outside.txt",
    "/etc/passwd",
    "/self/environ",
    "/loop",
    "/../outside.txt",
    "/../root-else/secret.txt",
    "/../../../../../../../../etc/passwd",
    "/sub/../../outside.txt",
    "-else/secret.txt",
    "/index.php/../../outside.txt",
    "//evil.example/",
    "/missing",
    "/missing.php",
};

static const char *const tails[] = {
    "",          "/",       "/x",   "/x.jpg", "/x.php",  "/x.css", "//",
    "/.",        "/..",     "/../", "%00",    "%00.jpg", "%20",    "%0a",
    ".",         "::$DATA", "%2f",  "%5c",    "%2fx",    "%5cx",   "?x=1",
    "?/x.css",   ";x.css",  ".jpg", "~",      ".bak",    "%c0%af", "%c0%2e",
    "%e2%80%ae", "\\",      "%23",  "#.css",  "%3f.css", "%252e",  "/../style.css",
};

// Other ways to write a path.
enum {
    AS_IT_IS,
    CAPITALS,
    DOTS,
    SLASHES,
    LETTERS,
    TWICE,
    OVERLONG,
    OVERLONG_SLASH,
    BACKSLASHES,
    DOUBLED,
    DOTTED,
    ROUND,
    FULL_WIDTH,
    UTF8,
    WAYS
};

// The byte path[i] in that way, with a zero behind it.
static void write_byte(char to[16], const char *path, size_t i, int way) {
    char c = path[i];
    bool is_dot = c == '.', is_slash = c == '/' && i > 0;
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if ((way == DOTS && is_dot) || (way == SLASHES && is_slash) || (way == LETTERS && is_letter)) {
        snprintf(to, 16, "%%%02x", (unsigned char)c);
        return;
    }
    if (way == TWICE && (is_dot || is_slash)) {
        snprintf(to, 16, "%%25%02X", (unsigned char)c);
        return;
    }
    const char *with = way == OVERLONG && is_dot           ? "%c0%ae"
                       : way == OVERLONG_SLASH && is_slash ? "%e0%80%af"
                       : way == BACKSLASHES && is_slash    ? "\\"
                       : way == DOUBLED && c == '/'        ? "//"
                       : way == DOTTED && c == '/'         ? "/./"
                       : way == ROUND && is_slash          ? "/sub/../"
                       : way == FULL_WIDTH && is_dot       ? "%ef%bc%8e"
                       : way == UTF8 && c == 'e'           ? "\xc3\xa9"
                                                           : NULL;
    bool is_small = c >= 'a' && c <= 'z';
    char as_it_is[2] = {way == CAPITALS && is_small ? (char)(c - 0x20) : c, 0};
    snprintf(to, 16, "%s", with != NULL ? with : as_it_is);
}

static void write_target(char *to, const char *base, int way, const char *tail) {
    size_t n = 0;
    for (size_t i = 0; base[i] != 0; i++) {
        char byte[16];
        write_byte(byte, base, i, way);
        n += (size_t)snprintf(to + n, TARGET_MOST - n, "%s", byte);
    }
    snprintf(to + n, TARGET_MOST - n, "%s", tail);
}

// ---- the sites ----------------------------------------------------------------------------------

static char folder[64], root[PATH_MAX];
static struct loop loop;
static struct files files;
static struct arena arena, kept; // kept: for the whole test
static struct site site;
static unsigned sent, run, refused;

static const struct span indexes[] = {SPAN_INIT("index.php"), SPAN_INIT("index.html")};
static const struct span suffixes[] = {SPAN_INIT(".php")};
static const struct span denied[] = {SPAN_INIT("/closed/*")};
static const struct span denied_files[] = {SPAN_INIT("*~"), SPAN_INIT("*.bak")};
static const struct span script_free[] = {SPAN_INIT("*/wp-content/uploads/*")};
static const struct span internal[] = {SPAN_INIT("/paid/*")};

// Routes that let a client say as much as they can: whatever is asked for comes by them again.
static struct route_rule routes[3];
static struct route_try tries[5];

// What is wrong in a target is a mistake of this test's.
static void aim(struct route_rule *rule, const char *pattern, struct route_try *v, size_t n,
                const char *const *targets) {
    const char *why;
    *rule = (struct route_rule){.pattern = span_str(pattern), .tries = v, .tries_n = n};
    for (size_t i = 0; i < n; i++) {
        assert_true(route_target_parse(&v[i].target, span_str(targets[i]), true, &kept, &why));
    }
}

static void make_routes(void) {
    static const char *const list[] = {"{path}.css", "{path}", "/sub{path}"};
    char why[EXPRESSION_WHY_LEN];
    site.rules = routes;
    site.rules_n = 3;
    if (routes[0].tries_n > 0) {
        return; // they are made
    }
    aim(&routes[0], "/to/*", &tries[0], 1, (const char *const[]){"/{1}"});
    aim(&routes[1], "", &tries[1], 1, (const char *const[]){"{1}"});
    routes[1].expression = expression_new(SPAN("(?i)^/(?:wp-content|sub)(/.*)$"), &kept, why);
    assert_non_null(routes[1].expression);
    aim(&routes[2], "*", &tries[2], 3, list);
}

// w: as WordPress wants it; t: the same with routes; p: no front controller; f: files only; r:
// scripts that need not be there; n: and no root.
static void make_site(char kind) {
    static char front[PATH_MAX + 16];
    snprintf(front, sizeof front, "%s/index.php", kind == 'n' ? "" : root);
    bool has_front = kind == 'w' || kind == 't' || kind == 'r' || kind == 'n';
    site = (struct site){.name = SPAN("blog.example"),
                         .root = kind == 'n' ? span_of(NULL, 0) : span_str(root),
                         .index = {indexes, 2},
                         .index_len = 10,
                         .front.path = has_front ? SPAN("/index.php") : SPAN(""),
                         .front.file = has_front ? span_str(front) : SPAN(""),
                         .must_check = kind != 'r' && kind != 'n',
                         .suffixes = {suffixes, 1},
                         .denied = {denied, 1},
                         .denied_files = {denied_files, 2},
                         .script_free = {script_free, 1},
                         .internal = {internal, 1},
                         .pool = kind == 'f' ? SITE_NO_POOL : 0};
    if (kind == 't') {
        make_routes();
    }
}

static int setup(void **state) {
    (void)state;
    char path[PATH_MAX];
    snprintf(folder, sizeof folder, "/tmp/outrider-corpus-XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof disk / sizeof disk[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, disk[i].name);
        if (disk[i].text == NULL) {
            assert_int_equal(mkdir(path, 0755), 0);
            continue;
        }
        int fd = open(path, O_WRONLY | O_CREAT, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, disk[i].text, strlen(disk[i].text)), strlen(disk[i].text));
        close(fd);
    }
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, links[i].name);
        assert_int_equal(symlink(links[i].to, path), 0);
    }
    snprintf(path, sizeof path, "%s/root", folder);
    assert_non_null(realpath(path, root));
    make_site('w');
    arena_init(&arena, 1 << 20);
    arena_init(&kept, 1 << 20);
    assert_int_equal(loop_init(&loop), 0);
    files_init(&files, &loop, &site, 1);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    char command[128];
    files_fini(&files);
    loop_fini(&loop);
    arena_fini(&arena);
    arena_fini(&kept);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

// ---- the oracle ---------------------------------------------------------------------------------

static void check_file(const char *target, const struct route *route, const struct request *request,
                       bool by_application) {
    struct file_response file;
    struct span piece;
    int err = files_open(&files, &file, route->file, request, &arena);
    if (err != 0) {
        refused++;
        return;
    }
    assert_true(files_next(&files, &file, TARGET_MOST, &piece));
    bool is_good =
        span_eq(piece, SPAN("PUBLIC")) || (by_application && span_eq(piece, SPAN("PAID")));
    if (!is_good) {
        fail_msg("%s: sends %.*s", target, SPAN_ARG(piece));
    }
    files_close(&files, &file);
    sent++;
}

static bool has_nocase(struct span s, const char *part) {
    for (size_t i = 0; i + strlen(part) <= s.n; i++) {
        if (span_eq_nocase(span_first(span_skip(s, i), strlen(part)), span_str(part))) {
            return true;
        }
    }
    return false;
}

// Of scripts that are there, the file says what it is; others are known by their name only.
static void check_script(const char *target, const struct route *route) {
    char text[16] = "";
    struct span file = route->file;
    struct stat st;
    int fd = open((const char *)file.p, O_RDONLY);
    if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
        close(fd); // another machine may have a script of that name
        fd = -1;
    }
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    bool is_good = fd >= 0 ? n == 6 && strcmp(text, "SOURCE") == 0 : !site.must_check;
    is_good = is_good && span_has_prefix(file, site.root) && !has_nocase(file, "/closed/") &&
              !has_nocase(file, "/wp-content/uploads/") && !has_nocase(file, "/../") &&
              has_nocase(span_skip(file, file.n - 4), ".php") && file.p[file.n] == 0;
    if (fd >= 0) {
        close(fd);
    }
    if (!is_good) {
        fail_msg("%s: runs %.*s", target, SPAN_ARG(file));
    }
    run++;
}

static void ask(const char *target) {
    struct request request = {.method = SPAN("GET"), .target = span_str(target)};
    struct route route;
    const char *why;
    if (uri_path_normalise(&arena, request.target, &request.path, &request.query, &why) != 0) {
        refused++;
        return;
    }
    struct router_query q = {&site, &request, &files.finder, &arena, ACCESS_CLIENT, true, NULL};
    router_route(&q, &route);
    switch (route.kind) {
    case ROUTE_FILE:
        check_file(target, &route, &request, site.rules_n > 0);
        break;
    case ROUTE_SCRIPT:
        // Routes lead to what is internal.
        if (site.rules_n == 0 || span_find(route.script_name, SPAN("/paid/")) > 0) {
            check_script(target, &route);
        }
        break;
    case ROUTE_REDIRECT:
        assert_true(route.location.p[0] == '/' && route.location.p[1] != '/');
        break;
    case ROUTE_STATUS:
    case ROUTE_ERROR:
        refused++;
        break;
    }
}

static void name(const char *field, const char *target) {
    struct request request = {.method = SPAN("POST"), .path = SPAN("/page.php")};
    struct pair pair = {span_str(field), span_str(target)};
    struct response response = {.status = 200, .fields = {.v = &pair, .n = 1}};
    struct router_query q = {&site, &request, &files.finder, &arena, ACCESS_CLIENT, true, NULL};
    struct sendfile found;
    if (sendfile_find(&found, &q, &response) != 0) {
        assert_true(strlen(found.why) > 0);
        refused++;
        return;
    }
    if (found.route.kind == ROUTE_FILE) {
        check_file(target, &found.route, &found.request, true);
        return;
    }
    assert_int_equal(found.route.kind, ROUTE_SCRIPT); // X-Accel-Redirect runs it
    assert_true(strcmp(field, "x-accel-redirect") == 0 && !found.route.is_front);
    if (span_find(found.route.script_name, SPAN("/paid/")) > 0) { // which is open to it
        check_script(target, &found.route);
    }
}

static void test_no_target_gets_what_is_closed(void **state) {
    (void)state;
    unsigned targets = 0;
    char target[TARGET_MOST], path[PATH_MAX + TARGET_MOST];
    for (size_t b = 0; b < sizeof bases / sizeof bases[0]; b++) {
        for (int way = 0; way < WAYS; way++) {
            for (size_t t = 0; t < sizeof tails / sizeof tails[0]; t++) {
                write_target(target, bases[b], way, tails[t]);
                snprintf(path, sizeof path, "%s%s", root, target);
                targets++;
                for (const char *kind = "wpfrnt"; *kind != 0; kind++) {
                    make_site(*kind);
                    ask(target);
                    name("x-accel-redirect", target);
                    name("x-sendfile", path);
                    arena_reset(&arena);
                }
            }
        }
    }
    assert_true(targets >= 200);
    assert_true(sent > 1000 && run > 1000 && refused > 1000);
}

static void test_what_is_open_is_sent(void **state) {
    (void)state;
    static const char *const names[] = {
        "/a b.css",         "/a%20b.css",        "/what?.css",       "/what%3f.css",
        "/100%.css",        "/100%25.css",       "/caf\xc3\xa9.css", "/caf%c3%a9.css",
        "/back\\slash.css", "/back%5Cslash.css", "/paid/film.txt",   "//paid//film.txt",
        "/./paid/film.txt", "/style.css?x=1",    "/film.txt",
    };
    make_site('w');
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsigned before = sent;
        name("x-accel-redirect", names[i]);
        if (sent != before + 1) {
            fail_msg("%s is not sent", names[i]);
        }
        arena_reset(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_target_gets_what_is_closed),
        cmocka_unit_test(test_what_is_open_is_sent),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
