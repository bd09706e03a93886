// SPDX-License-Identifier: MIT
// What a program sees in its environment: the CGI variables of the request (RFC 3875, 4.1, and what
// servers conventionally add), what the operator passes on, PATH, and nothing that we inherited.
// Names are listed, not forbidden: a parameter called LD_PRELOAD or PYTHONPATH has no business
// here, and no list of such names is ever complete. A `Proxy` header never becomes HTTP_PROXY
// (F-01).
#ifndef RUNNER_ENVIRONMENT_H
#define RUNNER_ENVIRONMENT_H

#include "runner/options.h"
#include "runner/program.h"

#define ENVIRONMENT_OWN (OPTIONS_LIST_MOST + 8)

struct environment {
    char **v;                   // "NAME=value", NULL at the end, each name once
    char *own[ENVIRONMENT_OWN]; // those of v that were made here
    size_t n_own;
};

// params: the request's "NAME=value" strings, NULL at the end; borrowed until fini. Of a repeated
// name the first counts. 0, or -1 when there is no memory.
int environment_init(struct environment *e, const struct options *o, const struct program *p,
                     char **params);
// Idempotent.
void environment_fini(struct environment *e);

#endif
