// SPDX-License-Identifier: MIT
#include "config/certificates.h"

#include <stdlib.h>

static const char *text(const struct span_list *list, size_t i) {
    return i < list->n ? (const char *)list->v[i].p : "";
}

// Its name comes first, then its aliases.
static int serve(const struct site *site, struct tls_context *tls) {
    size_t n = 1 + site->aliases.n;
    struct span *names = malloc(n * sizeof *names);
    if (names == NULL) {
        abort();
    }
    names[0] = site->name;
    for (size_t i = 1; i < n; i++) {
        names[i] = site->aliases.v[i - 1];
    }
    int err = tls_context_serve(tls, &site->client, names, n);
    free(names);
    return err;
}

static void note_names(const struct site *site, struct tls_context *tls, const char *path) {
    tls_context_note_name(tls, path, site->name);
    for (size_t i = 0; i < site->aliases.n; i++) {
        tls_context_note_name(tls, path, site->aliases.v[i]);
    }
}

int certificates_add(const struct site *site, struct tls_context *tls) {
    const struct span_list *chains = &site->certificates, *keys = &site->keys;
    int err = serve(site, tls);
    for (size_t i = 0; err == 0 && i < chains->n; i++) {
        err = i == 0 ? tls_context_add_files(tls, text(chains, i), text(keys, i), &site->name, 1)
                     : tls_context_add_beside(tls, text(chains, i), text(keys, i));
        if (err == 0) {
            note_names(site, tls, text(chains, i));
            tls_context_staple(tls, text(&site->ocsp, i));
        }
    }
    return err;
}

bool certificates_file(const struct site *site, size_t i, struct span *path) {
    bool is_asking = site->client.mode != TLS_CLIENT_OFF;
    const struct span_list lists[] = {site->certificates,
                                      site->keys,
                                      site->ocsp,
                                      {&site->client.authorities, is_asking},
                                      {&site->client.revoked, is_asking}};
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        if (i < lists[k].n) {
            *path = lists[k].v[i];
            return true;
        }
        i -= lists[k].n;
    }
    return false;
}
