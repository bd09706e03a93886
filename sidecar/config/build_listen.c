// SPDX-License-Identifier: MIT
#include "config/build_listen.h"

#include "config/build_fill.h"
#include "http/uri.h"

#define MODE_DIGITS_MOST 4 // of the mode of a file: 0660

// ---- trust --------------------------------------------------------------------------------------

static void build_trusted(struct build *b, const struct file_section *s, struct client_trust *t) {
    struct span_list texts = build_list(b, s, OPTION_LISTEN_TRUSTED);
    struct ip_net *nets = build_alloc(b, texts.n * sizeof *nets);
    for (size_t i = 0; i < texts.n; i++) {
        if (span_eq(texts.v[i], SPAN("private"))) {
            t->has_private = true;
        } else if (span_eq(texts.v[i], SPAN("unix"))) {
            t->has_unix = true;
        } else if (ip_net_parse(&nets[t->nets_n], texts.v[i])) {
            t->nets_n++;
        } else {
            config_errors_put(b->errors, file_line(s, OPTION_LISTEN_TRUSTED),
                              "trusted \"%.*s\" is neither an IP address nor a network such as "
                              "10.0.0.0/8 without bits behind its prefix, nor private, nor unix",
                              SPAN_ARG(texts.v[i]));
        }
    }
    t->nets = nets;
}

static void build_client_ip(struct build *b, const struct file_section *s, struct client_trust *t) {
    struct span_list texts = build_list(b, s, OPTION_LISTEN_CLIENT_IP);
    enum forwarded_field *fields = build_alloc(b, texts.n * sizeof *fields);
    for (size_t i = 0; i < texts.n; i++) {
        enum forwarded_field field = forwarded_field_find(texts.v[i]);
        if (field != FORWARDED_FIELDS && forwarded_field_names_client(field)) {
            fields[t->fields_n++] = field;
        } else {
            config_errors_put(b->errors, file_line(s, OPTION_LISTEN_CLIENT_IP),
                              "client-ip \"%.*s\" is no field that names a client; such are "
                              "x-forwarded-for, forwarded, x-real-ip, cf-connecting-ip and "
                              "true-client-ip",
                              SPAN_ARG(texts.v[i]));
        }
    }
    t->fields = fields;
}

static void build_trust(struct build *b, const struct file_section *s, struct listen_conf *l) {
    static const enum option needs[] = {OPTION_LISTEN_CLIENT_IP, OPTION_LISTEN_FORWARDED_HOST,
                                        OPTION_LISTEN_PROXY};
    build_trusted(b, s, &l->trust);
    build_client_ip(b, s, &l->trust);
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        if (file_has(s, needs[i]) && file_values(s, OPTION_LISTEN_TRUSTED) == 0) {
            config_errors_put(b->errors, file_line(s, needs[i]),
                              "%s needs trusted: whose word is it?", option_row(needs[i])->name);
        }
    }
}

// ---- sockets ------------------------------------------------------------------------------------

// As chmod(1) takes it, in octal digits.
static void build_mode(struct build *b, const struct file_section *s, struct listen_conf *l) {
    struct span text = build_text(b, s, OPTION_LISTEN_MODE);
    l->mode = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '7' || text.n > MODE_DIGITS_MOST || text.n < 3) {
            config_errors_put(b->errors, file_line(s, OPTION_LISTEN_MODE),
                              "mode \"%.*s\" is not three or four octal digits, such as 0660",
                              SPAN_ARG(text));
            return;
        }
        l->mode = (uint16_t)(l->mode * 8 + (text.p[i] - '0'));
    }
}

static void build_unix(struct build *b, const struct file_section *s, struct listen_conf *l) {
    static const enum option options[] = {OPTION_LISTEN_MODE, OPTION_LISTEN_OWNER,
                                          OPTION_LISTEN_GROUP};
    build_mode(b, s, l);
    // A front connects as somebody else than root, which the user is.
    l->owner = l->owner.n > 0 ? l->owner : b->config->user;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (file_has(s, options[i]) && l->path.n == 0) {
            config_errors_put(b->errors, file_line(s, options[i]), "%s is for unix sockets only",
                              option_row(options[i])->name);
        }
    }
}

static void check_health(struct build *b, const struct file_section *s,
                         const struct listen_conf *l) {
    if (l->health.n > 0 && l->health.p[0] != '/') {
        config_errors_put(b->errors, file_line(s, OPTION_LISTEN_HEALTH),
                          "health \"%.*s\" does not begin with /", SPAN_ARG(l->health));
    }
}

static void build_listen(struct build *b, const struct file_section *s, struct listen_conf *l) {
    struct address address = {0};
    unsigned line = file_section_line(s);
    l->text = build_keep(b, file_title(s));
    if (!build_address(b, l->text, line, &address)) {
        return;
    }
    l->host = address.host;
    l->path = address.path;
    l->port = address.port;
    l->is_loopback = address.is_loopback;
    BUILD_FILL(b, s, listen_conf, l);
    build_trust(b, s, l);
    build_unix(b, s, l);
    check_health(b, s, l);
    l->redirect = file_values(s, OPTION_LISTEN_REDIRECT) > 0;
    build_number(b, s, OPTION_LISTEN_REDIRECT); // there is one word only, but it may be wrong
    bool has_tls = file_has(s, OPTION_LISTEN_TLS);
    l->tls = has_tls ? build_number(b, s, OPTION_LISTEN_TLS) == 1 : address.is_https;
    if (has_tls && address.has_scheme && l->tls != address.is_https) {
        config_errors_put(b->errors, file_line(s, OPTION_LISTEN_TLS), "\"%.*s\" says %s tls",
                          SPAN_ARG(l->text), l->tls ? "no" : "to speak");
    }
    if (l->tls && l->redirect) {
        config_errors_put(
            b->errors, file_line(s, OPTION_LISTEN_REDIRECT),
            "this listener speaks tls: a redirect to https would go round in a circle");
    }
}

static bool is_same_address(const struct listen_conf *a, const struct listen_conf *b) {
    bool is_free = a->path.n == 0 && a->port == 0;
    return !is_free && span_eq_nocase(a->host, b->host) && span_eq(a->path, b->path) &&
           a->port == b->port;
}

void build_listens(struct build *b) {
    size_t n = file_count(&b->top, SECTION_LISTEN);
    struct listen_conf *listens = build_alloc(b, n * sizeof *listens);
    uint16_t https_port = 0;
    for (size_t i = 0; i < n; i++) {
        struct file_section s = file_child(&b->top, SECTION_LISTEN, i);
        struct listen_conf *l = &listens[i];
        build_listen(b, &s, l);
        unsigned line = file_section_line(&s);
        for (size_t k = 0; k < i && l->host.n + l->path.n > 0; k++) {
            if (is_same_address(l, &listens[k])) {
                config_errors_put(b->errors, line, "\"%.*s\" is the same address as \"%.*s\"",
                                  SPAN_ARG(l->text), SPAN_ARG(listens[k].text));
            }
        }
        l->must_self_sign = l->tls && !b->has_certificate;
        if (l->must_self_sign && !l->is_loopback) {
            config_errors_put(b->errors, line,
                              "tls on \"%.*s\" needs a site with certificate and key; only on "
                              "loopback addresses one is made in memory",
                              SPAN_ARG(l->text));
        }
        https_port = l->tls && https_port == 0 ? l->port : https_port;
    }
    for (size_t i = 0; i < n; i++) {
        listens[i].https_port = https_port ? https_port : URI_HTTPS_PORT;
    }
    b->config->listens = listens;
    b->config->listens_n = n;
}
