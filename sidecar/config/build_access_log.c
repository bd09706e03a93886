// SPDX-License-Identifier: MIT
#include "config/build_access_log.h"

#include "config/build_fill.h"
#include "exchange/access_log.h"

// Why it is no place for lines; NULL when it is one.
static const char *why_no_place(struct span to) {
    static const struct span words[] = {SPAN_INIT("stdout"), SPAN_INIT("stderr"),
                                        SPAN_INIT("syslog")};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (span_eq(to, words[i])) {
            return NULL;
        }
    }
    struct span path = span_has_prefix(to, SPAN("syslog:")) ? span_skip(to, 7) : to;
    bool is_path = path.n > 1 && path.p[0] == '/' && path.p[path.n - 1] != '/';
    return is_path ? NULL
                   : "it is stdout, stderr, syslog, syslog:/path, or the absolute path of a file";
}

// Its index among those of the configuration. An entry for each site is room enough.
static unsigned add_place(struct build *b, struct span to) {
    struct config *c = b->config;
    size_t sites_n = file_count(&b->top, SECTION_SITE);
    if (c->access_logs == NULL) {
        c->access_logs = build_alloc(b, sites_n * sizeof *c->access_logs);
    }
    for (size_t i = 0; i < c->access_logs_n; i++) {
        if (span_eq(c->access_logs[i], to)) {
            return (unsigned)i;
        }
    }
    struct span *v = build_alloc(b, sites_n * sizeof *v);
    memcpy(v, c->access_logs, c->access_logs_n * sizeof *v);
    v[c->access_logs_n] = to;
    c->access_logs = v;
    return (unsigned)c->access_logs_n++;
}

const struct access_log *build_access_log(struct build *b, const struct file_section *site) {
    struct file_section s = file_child(site, SECTION_ACCESS_LOG, 0);
    struct span to = build_text(b, &s, OPTION_ACCESS_LOG_TO);
    struct span format = build_text(b, &s, OPTION_ACCESS_LOG_FORMAT);
    struct access_log *log = build_alloc(b, sizeof *log);
    const char *why = NULL;
    BUILD_FILL(b, &s, access_log, log);
    if (!access_log_parse(log, format, &b->config->arena, &why)) {
        config_errors_put(b->errors, file_line(&s, OPTION_ACCESS_LOG_FORMAT), "format: %s", why);
    }
    if (to.n == 0) {
        if (file_section_line(&s) != 0) {
            config_errors_put(
                b->errors, file_section_line(&s),
                "access-log does not say where to: to = \"/var/log/outrider/access.log\"");
        }
        return NULL;
    }
    if (why_no_place(to) != NULL) {
        config_errors_put(b->errors, file_line(&s, OPTION_ACCESS_LOG_TO), "to \"%.*s\": %s",
                          SPAN_ARG(to), why_no_place(to));
    }
    log->output = add_place(b, to);
    return log;
}
