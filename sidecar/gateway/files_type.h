// SPDX-License-Identifier: MIT
// The encoding of static text. A file may say it itself (<meta charset>, @charset), and what the
// Content-Type says is stronger: so nothing is said unless the operator knows it of all of them.
#ifndef GATEWAY_FILES_TYPE_H
#define GATEWAY_FILES_TYPE_H

#include "exchange/site.h"
#include "gateway/ports.h"

// Adds the site's charset to the Content-Type of a file that is text. 0, or ERR_ARENA_LIMIT.
int files_type_put(struct file_response *r, const struct site *site, struct arena *arena);

#endif
