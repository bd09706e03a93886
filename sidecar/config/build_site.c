// SPDX-License-Identifier: MIT
#include "config/build_site.h"

#include "base/tchar.h"
#include "config/build_access.h"
#include "config/build_access_log.h"
#include "config/build_answers.h"
#include "config/build_check.h"
#include "config/build_compress.h"
#include "config/build_fill.h"
#include "config/build_front.h"
#include "config/build_hints.h"
#include "config/build_rules.h"
#include "config/certificates.h"
#include "exchange/access.h"
#include "http/uri.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

// One site being built.
struct builder {
    struct build *build;
    struct file_section section;
    struct site *site;
};

__attribute__((format(printf, 3, 4))) static void tell(const struct builder *b, enum option id,
                                                       const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    config_errors_put(b->build->errors, file_line(&b->section, id), "%s", text);
}

// The name in lower case, without a dot at its end.
static struct span build_name(const struct builder *b, struct span text, unsigned line) {
    uint8_t *p = build_alloc(b->build, text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        p[i] = span_lower_byte(text.p[i]);
    }
    struct span name = span_of(p, text.n > 1 && p[text.n - 1] == '.' ? text.n - 1 : text.n);
    if (!uri_is_host(name)) {
        config_errors_put(b->build->errors, line,
                          "\"%.*s\" is not a host name (no scheme, port, path or wildcard)",
                          SPAN_ARG(text));
    }
    return name;
}

static void build_names(const struct builder *b) {
    b->site->name = build_name(b, file_title(&b->section), file_section_line(&b->section));
    struct span_list texts = build_list(b->build, &b->section, OPTION_SITE_ALIASES);
    struct span *v = build_alloc(b->build, texts.n * sizeof *v);
    for (size_t i = 0; i < texts.n; i++) {
        v[i] = build_name(b, texts.v[i], file_line(&b->section, OPTION_SITE_ALIASES));
    }
    b->site->aliases = (struct span_list){v, texts.n};
}

// The root as it is written, so that a link in it may be turned; only made absolute, without
// slashes at its end.
static struct span root_of(const struct builder *b, struct span text) {
    char *here = text.p[0] != '/' ? realpath(".", NULL) : NULL;
    struct span base = here != NULL ? span_str(here) : SPAN("");
    while (text.n > 1 && text.p[text.n - 1] == '/') {
        text.n--;
    }
    uint8_t *p = build_alloc(b->build, base.n + 1 + text.n + 1), *to = p;
    if (base.n > 0) {
        memcpy(to, base.p, base.n);
        to[base.n] = '/';
        to += base.n + 1;
    }
    memcpy(to, text.p, text.n);
    to[text.n] = 0;
    free(here);
    return span_of(p, (size_t)(to - p) + text.n);
}

static void build_root(const struct builder *b) {
    struct span text = build_text(b->build, &b->section, OPTION_SITE_ROOT);
    struct stat st;
    if (text.n == 0) {
        return;
    }
    char *real = realpath((const char *)text.p, NULL);
    if (real == NULL || stat(real, &st) != 0) {
        tell(b, OPTION_SITE_ROOT, "root %s: %s", (const char *)text.p, strerror(errno));
    } else if (!S_ISDIR(st.st_mode)) {
        tell(b, OPTION_SITE_ROOT, "root %s is not a directory", (const char *)text.p);
    } else if (real[1] == 0) {
        tell(b, OPTION_SITE_ROOT, "root must not be /: every file of this machine would be served");
    } else {
        b->site->root = root_of(b, text);
    }
    free(real);
}

static const char *why_no_index(struct span s) {
    bool is_good = s.n > 0 && span_index(s, '/') == s.n && s.p[0] != '.';
    return is_good ? NULL : "an index file is a name without slash, and not hidden";
}

static void build_files(const struct builder *b) {
    struct site *site = b->site;
    build_access(b->build, &b->section, site);
    build_check(b->build, &b->section, OPTION_SITE_INDEX, site->index, why_no_index);
    build_check(b->build, &b->section, OPTION_SITE_PARAMS, site->params, build_why_no_param);
    for (size_t i = 0; i < site->index.n; i++) {
        size_t n = site->index.v[i].n;
        site->index_len = n > site->index_len ? n : site->index_len;
    }
    if (site->charset.n > 0 && !tchar_is_token(site->charset)) {
        tell(b, OPTION_SITE_CHARSET, "charset \"%.*s\" is not the name of one",
             SPAN_ARG(site->charset));
    }
}

static void build_pool_index(const struct builder *b) {
    const struct config *c = b->build->config;
    struct site *site = b->site;
    struct span name = build_text(b->build, &b->section, OPTION_SITE_POOL);
    site->pool = SITE_NO_POOL;
    for (uint32_t i = 0; i < c->pools_n; i++) {
        if (span_eq(c->pools[i].name, name)) {
            site->pool = i;
            site->pool_root = c->pools[i].root;
        }
    }
    if (name.n > 0 && site->pool == SITE_NO_POOL) {
        tell(b, OPTION_SITE_POOL, "there is no pool \"%.*s\"", SPAN_ARG(name));
    }
    if (file_has(&b->section, OPTION_SITE_ROOT)) {
        return;
    }
    if (name.n == 0) {
        tell(b, OPTION_SITE_ROOT, "site \"%.*s\" has neither root nor pool", SPAN_ARG(site->name));
    } else if (site->must_check) {
        tell(b, OPTION_SITE_ROOT,
             "site \"%.*s\" needs a root where its scripts are, or check-script = false",
             SPAN_ARG(site->name));
    }
}

static void note(const struct builder *b, struct span notes) {
    char text[TLS_WHY_LEN];
    struct span line;
    while (span_cut(&notes, '\n', &line)) {
        bool is_ocsp = span_has_prefix(line, SPAN("ocsp"));
        enum option id = is_ocsp ? OPTION_SITE_OCSP : OPTION_SITE_CERTIFICATE;
        snprintf(text, sizeof text, "%.*s", SPAN_ARG(line));
        if (line.n > 0) {
            config_errors_note(b->build->errors, file_line(&b->section, id), text);
        }
    }
}

// As it will be when the program starts: what `check` calls good must start.
static void try_certificate(const struct builder *b) {
    static const enum option options[] = {OPTION_SITE_CERTIFICATE, OPTION_SITE_KEY,
                                          OPTION_SITE_CLIENT_CA, OPTION_SITE_CLIENT_CRL};
    struct tls_context tls;
    tls_context_init(&tls, true, NULL);
    int err = certificates_add(b->site, &tls);
    for (size_t i = 0; err != 0 && i < sizeof options / sizeof *options; i++) {
        const char *why = tls_context_why(&tls), *name = option_row(options[i])->name;
        if (span_has_prefix(span_str(why), span_str(name))) {
            tell(b, options[i], "%s", why);
        }
    }
    note(b, tls_context_notes(&tls));
    tls_context_fini(&tls);
}

// Whether what it says about certificates goes together.
static bool check_certificate(const struct builder *b) {
    const struct site *site = b->site;
    bool is_asking = site->client.mode != TLS_CLIENT_OFF, is_good = false;
    if (site->certificates.n != site->keys.n) {
        tell(b, site->keys.n > 0 ? OPTION_SITE_KEY : OPTION_SITE_CERTIFICATE,
             "certificate and key belong together: one of them is missing");
    } else if (site->ocsp.n > site->certificates.n) {
        tell(b, OPTION_SITE_OCSP, "there are more ocsp files than certificates");
    } else if (is_asking && site->client.authorities.n == 0) {
        tell(b, OPTION_SITE_CLIENT_CERTIFICATE,
             "client-certificate needs client-ca: whose certificates are believed");
    } else if (!is_asking && (site->client.authorities.n > 0 || site->client.revoked.n > 0)) {
        tell(b, site->client.authorities.n > 0 ? OPTION_SITE_CLIENT_CA : OPTION_SITE_CLIENT_CRL,
             "nobody is asked for a certificate: client-certificate = optional, or require");
    } else {
        is_good = true;
    }
    return is_good;
}

static void build_certificate(const struct builder *b) {
    b->build->has_certificate |= b->site->certificates.n > 0;
    if (check_certificate(b)) {
        try_certificate(b);
    }
}

// The file is there only while it is wanted.
static void build_maintenance(const struct builder *b) {
    struct site_maintenance *m = &b->site->maintenance;
    struct span root = b->site->root;
    m->allowed =
        build_networks(b->build, &b->section, OPTION_SITE_MAINTENANCE_ALLOW, &m->allowed_n);
    if (m->page.n == 0) {
        return;
    }
    if (m->page.p[0] != '/' || root.n == 0 ||
        access_check_found(b->site, m->page, false, ACCESS_APPLICATION) != 0 ||
        access_is_script(b->site, m->page)) {
        tell(b, OPTION_SITE_MAINTENANCE,
             "maintenance \"%.*s\" must be the path of a file under root that may be sent, such as "
             "/maintenance.html",
             SPAN_ARG(m->page));
        return;
    }
    uint8_t *p = build_alloc(b->build, root.n + m->page.n + 1);
    memcpy(p, root.p, root.n);
    memcpy(p + root.n, m->page.p, m->page.n);
    m->file = span_of(p, root.n + m->page.n);
}

static void build_assets(const struct builder *b) {
    struct file_section s = file_child(&b->section, SECTION_ASSETS, 0);
    b->site->asset_max_age_s = build_number(b->build, &s, OPTION_ASSETS_MAX_AGE) / 1000;
    BUILD_FILL(b->build, &s, site, b->site);
}

// Whether an earlier site has the name, or this one has it twice.
static void check_name(struct build *b, size_t site, size_t alias) {
    const struct site *sites = b->config->sites;
    struct span name = alias == 0 ? sites[site].name : sites[site].aliases.v[alias - 1];
    struct file_section s = file_child(&b->top, SECTION_SITE, site);
    unsigned line = alias == 0 ? file_section_line(&s) : file_line(&s, OPTION_SITE_ALIASES);
    for (size_t i = 0; i <= site; i++) {
        for (size_t k = 0; k <= sites[i].aliases.n && (i < site || k < alias); k++) {
            if (span_eq(k == 0 ? sites[i].name : sites[i].aliases.v[k - 1], name)) {
                config_errors_put(b->errors, line,
                                  "the name \"%.*s\" is already that of site \"%.*s\"",
                                  SPAN_ARG(name), SPAN_ARG(sites[i].name));
                return;
            }
        }
    }
}

void build_sites(struct build *b) {
    size_t n = file_count(&b->top, SECTION_SITE);
    struct site *sites = build_alloc(b, n * sizeof *sites);
    b->config->sites = sites;
    b->config->sites_n = n;
    for (size_t i = 0; i < n; i++) {
        struct builder s = {b, file_child(&b->top, SECTION_SITE, i), &sites[i]};
        BUILD_FILL(b, &s.section, site, &sites[i]);
        build_names(&s);
        build_root(&s);
        build_files(&s);
        build_pool_index(&s);
        build_front(b, &s.section, OPTION_SITE_FRONT_CONTROLLER, &sites[i], &sites[i].front);
        build_certificate(&s);
        build_answers(b, &s.section, &sites[i].answers);
        build_maintenance(&s);
        build_hints(b, &s.section, &sites[i]);
        build_assets(&s);
        build_compress(b, &s.section, &sites[i]);
        build_rules(b, &s.section, &sites[i]);
        sites[i].access_log = build_access_log(b, &s.section);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k <= sites[i].aliases.n; k++) {
            check_name(b, i, k);
        }
    }
}
