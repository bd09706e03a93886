// SPDX-License-Identifier: MIT
// For how long a browser may use a static file without asking: the site's `assets`. Documents are
// left out, and so is whatever an application answers, a file that it names too: for those the
// application speaks.
#ifndef GATEWAY_FILES_AGE_H
#define GATEWAY_FILES_AGE_H

#include "exchange/site.h"
#include "gateway/ports.h"

// The Cache-Control of the file at `path` asked for by a target with that query; empty: none.
// Static text, or in the arena; empty too when that has no room.
struct span files_age_of(const struct site *site, struct span path, struct span query,
                         struct arena *arena);
// Whether a URL carries a version: a query key like "ver", or a hash in the file's name.
bool files_age_is_versioned(struct span path, struct span query);
// Adds the field to the head of a response. 0, or ERR_ARENA_LIMIT.
int files_age_put(struct file_response *r, const struct site *site, const struct request *request,
                  struct span path, struct arena *arena);

#endif
