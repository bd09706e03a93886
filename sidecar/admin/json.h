// SPDX-License-Identifier: MIT
// What the JSON of routes and that of records have in common: texts that are surely UTF-8, keys
// taken apart, hexadecimal numbers where 64 bits may not fit into a JSON number.
#ifndef ADMIN_JSON_H
#define ADMIN_JSON_H

#include "base/buf.h"
#include "learner/record_text.h"

#include <jansson.h>

// The version of the library that runs.
const char *json_library(void);

// None of these gives NULL: running out of memory ends the program.

// A text of bytes that stand for themselves; those that are no UTF-8 are written as %XX.
json_t *json_of_text(struct span s);
json_t *json_of_hint(const struct hint *hint);
json_t *json_of_hex(uint64_t value);
// Bits of enum learner_source as an array of labels.
json_t *json_of_sources(unsigned sources);
// Sets the members "site", "route", "audience" and "pattern" of *object.
void json_put_key(json_t *object, struct span key);
// Appends the text of `json` and frees it. 0, or ERR_BUF_LIMIT.
int json_write(json_t *json, struct buf *out);

// The inverses; false, or a NULL p, for what is not of that kind.
struct span json_text(const json_t *json); // borrowed
bool json_to_hex(const json_t *json, uint64_t *value);
bool json_to_sources(const json_t *json, unsigned *sources);
// A number in [0, most].
bool json_to_number(const json_t *json, uint64_t most, uint64_t *value);
// The key of an object with "site", "route" and "audience", written into bytes (ROUTE_KEY_MAX).
struct span json_to_key(const json_t *object, uint8_t *bytes);

#endif
