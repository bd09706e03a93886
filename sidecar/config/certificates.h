// SPDX-License-Identifier: MIT
// The certificates of a site as its configuration names them, and those of its clients. One home
// for it: what `check` calls good must be what starts.
#ifndef CONFIG_CERTIFICATES_H
#define CONFIG_CERTIFICATES_H

#include "exchange/site.h"
#include "http/tls_context.h"

// Adds all of a site, for its name and those that are in them, and what it demands of its clients.
// 0, or ERR_CONFIG: tls_context_why.
int certificates_add(const struct site *site, struct tls_context *tls);
// The files that this reads, by number; zero-terminated. False: there are no more.
bool certificates_file(const struct site *site, size_t i, struct span *path);

#endif
