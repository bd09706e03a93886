// SPDX-License-Identifier: MIT
#include "config/certificates.h"

static const char *text(const struct span_list *list, size_t i) {
    return (const char *)list->v[i].p;
}

int certificates_add(const struct site *site, struct tls_context *tls) {
    const struct span_list *chains = &site->certificates, *keys = &site->keys;
    int err = 0;
    for (size_t i = 0; err == 0 && i < chains->n; i++) {
        err = i == 0 ? tls_context_add_files(tls, text(chains, i), text(keys, i), &site->name, 1)
                     : tls_context_add_beside(tls, text(chains, i), text(keys, i));
    }
    return err;
}
