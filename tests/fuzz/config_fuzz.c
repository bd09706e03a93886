// SPDX-License-Identifier: MIT
// Any text is either a whole configuration or refused with a line for each error; and whatever it
// was, the next text is read as if it had not been there.
#include "config/config.h"

#include "base/error.h"
#include "exchange/router.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds) {
    if (!holds) {
        abort();
    }
}

static void check_errors(const struct config_errors *e, int error) {
    struct span rest = buf_span(&e->text), line;
    must((error == 0) == (e->count == 0));
    must(error == 0 || error == ERR_CONFIG);
    while (rest.n > 0 && span_cut(&rest, '\n', &line)) {
        must(span_has_prefix(line, SPAN("f:")));
        for (size_t i = 0; i < line.n; i++) {
            must(line.p[i] >= 0x20 && line.p[i] != 0x7f);
        }
    }
}

static void check_site(const struct config *c, const struct site *s) {
    must(s->name.n > 0);
    must(s->pool == SITE_NO_POOL || s->pool < c->pools_n);
    must(s->root.n > 0 || s->pool != SITE_NO_POOL);
    must(s->root.n == 0 || (s->root.n > 1 && s->root.p[0] == '/' && s->root.p[s->root.n] == 0));
    must(s->front.path.n == 0 || (s->front.path.p[0] == '/' && s->pool != SITE_NO_POOL));
    must(s->front.file.n == (s->front.path.n ? s->root.n + s->front.path.n : 0));
    must(s->certificates.n == s->keys.n);
    must(s->gate.mode <= HINT_MODE_PUSH);
    for (size_t i = 0; i < s->rules_n; i++) {
        must(s->rules[i].pattern.n > 0 && s->rules[i].mode <= HINT_MODE_PUSH);
    }
}

static void check_config(struct config *c) {
    struct router r;
    must(c->sites_n > 0 && c->listens_n > 0);
    must(router_init(&r, &c->arena, c->sites, c->sites_n) == 0);
    for (size_t i = 0; i < c->sites_n; i++) {
        bool is_named;
        check_site(c, &c->sites[i]);
        // No name is there twice, so each leads to its own site.
        must(router_site(&r, c->sites[i].name, &is_named) == &c->sites[i] && is_named);
    }
    for (size_t i = 0; i < c->listens_n; i++) {
        const struct listen_conf *l = &c->listens[i];
        must((l->host.n > 0) != (l->path.n > 0));
        must(!l->must_self_sign || (l->tls && l->is_loopback));
        must(!(l->tls && l->redirect));
    }
    for (size_t i = 0; i < c->pools_n; i++) {
        must(c->pools[i].server_count > 0 && c->pools[i].think_timeout_ms > 0);
    }
    must(!c->has_admin || c->admin.is_loopback);
}

static int parse(struct config *c, struct span text) {
    struct config_errors e;
    config_errors_init(&e);
    int error = config_parse(c, "f", text, &e);
    check_errors(&e, error);
    config_errors_fini(&e);
    return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct config c;
    if (n > 65536) {
        return 0;
    }
    if (parse(&c, span_of(data, n)) == 0) {
        check_config(&c);
    }
    config_fini(&c);
    must(parse(&c, SPAN("listen \":80\" {} site \"a\" { root = \"/tmp\" index = {\"i\"} }")) == 0);
    must(c.sites_n == 1 && c.sites[0].index.n == 1 && c.sites[0].denied_files.n == 4);
    config_fini(&c);
    return 0;
}
