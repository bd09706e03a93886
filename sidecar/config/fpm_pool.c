// SPDX-License-Identifier: MIT
#include "config/fpm_pool.h"

#include <glob.h>
#include <stdio.h>

#define LINE_LEN 1024

// Debian and Ubuntu, Fedora and RHEL, the official container.
static const char *const patterns[] = {"/etc/php/*/fpm/pool.d/*.conf", "/etc/php-fpm.d/*.conf",
                                       "/usr/local/etc/php-fpm.d/*.conf"};

// What is known of the section that is being read.
struct section {
    char name[128];
    bool is_ours;
    uint64_t children;
};

// /var/run is /run.
static struct span without_var(struct span path) {
    return span_has_prefix(path, SPAN("/var/run/")) ? span_skip(path, 4) : path;
}

static bool is_here(struct span host) {
    return host.n == 0 || span_eq(host, SPAN("localhost")) || span_eq(host, SPAN("127.0.0.1")) ||
           span_eq(host, SPAN("::1")) || span_eq(host, SPAN("[::1]")) ||
           span_eq(host, SPAN("0.0.0.0")) || span_eq(host, SPAN("[::]"));
}

// listen = path / [ host ":" ] port
static bool is_address(struct span listen, const struct pool_server_conf *server) {
    if (listen.n > 0 && listen.p[0] == '/') {
        return server->is_unix && span_eq(without_var(listen), without_var(server->path));
    }
    size_t colon = listen.n;
    while (colon > 0 && listen.p[colon - 1] != ':') {
        colon--;
    }
    uint64_t port;
    struct span host = span_first(listen, colon > 0 ? colon - 1 : 0);
    return !server->is_unix && span_to_u64(span_skip(listen, colon), &port) &&
           port == server->port && is_here(host) && is_here(server->host);
}

// $pool stands for the name of the section.
static bool is_listen(const struct section *s, struct span value,
                      const struct pool_server_conf *server) {
    char text[LINE_LEN];
    size_t at = span_find(value, SPAN("$pool"));
    if (at < value.n) {
        int n = snprintf(text, sizeof text, "%.*s%s%.*s", SPAN_ARG(span_first(value, at)), s->name,
                         SPAN_ARG(span_skip(value, at + 5)));
        value = span_of(text, n < (int)sizeof text ? (size_t)n : 0);
    }
    return is_address(value, server);
}

static void take_line(struct section *s, struct span line, const struct pool_server_conf *server) {
    size_t equals = span_index(line, '=');
    struct span key = span_trim(span_first(line, equals));
    struct span value = span_trim(span_skip(line, equals < line.n ? equals + 1 : equals));
    value = span_trim(span_first(value, span_index(value, ';')));
    if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"') {
        value = span_of(value.p + 1, value.n - 2);
    }
    if (span_eq(key, SPAN("listen"))) {
        s->is_ours = is_listen(s, value, server);
    } else if (span_eq(key, SPAN("pm.max_children")) && !span_to_u64(value, &s->children)) {
        s->children = 0;
    }
}

static unsigned found(const struct section *s) {
    return s->is_ours && s->children <= UINT16_MAX ? (unsigned)s->children : 0;
}

static unsigned read_file(FILE *file, const struct pool_server_conf *server) {
    struct section s = {.children = 0};
    char text[LINE_LEN];
    while (fgets(text, sizeof text, file) != NULL) {
        struct span line = span_str(text);
        line = span_trim(span_first(line, span_index(line, '\n')));
        size_t end = span_index(line, ']');
        if (line.n == 0 || line.p[0] == ';') {
            continue;
        }
        if (line.p[0] != '[' || end == line.n) {
            take_line(&s, line, server);
            continue;
        }
        if (found(&s) > 0) {
            return found(&s);
        }
        s = (struct section){.children = 0};
        snprintf(s.name, sizeof s.name, "%.*s", (int)end - 1, (const char *)line.p + 1);
    }
    return found(&s);
}

unsigned fpm_pool_children(const char *pattern, const struct pool_server_conf *server) {
    glob_t files = {.gl_pathc = 0};
    unsigned children = 0;
    if (glob(pattern, 0, NULL, &files) != 0) {
        return 0;
    }
    for (size_t i = 0; i < files.gl_pathc && children == 0; i++) {
        FILE *file = fopen(files.gl_pathv[i], "re");
        if (file != NULL) {
            children = read_file(file, server);
            fclose(file);
        }
    }
    globfree(&files);
    return children;
}

unsigned fpm_pool_least(const struct pool_server_conf *servers, size_t n) {
    unsigned least = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned children = 0;
        for (size_t k = 0; k < sizeof patterns / sizeof patterns[0] && children == 0; k++) {
            children = fpm_pool_children(patterns[k], &servers[i]);
        }
        if (children > 0 && (least == 0 || children < least)) {
            least = children;
        }
    }
    return least;
}
