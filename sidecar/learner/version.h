// SPDX-License-Identifier: MIT
// Which part of an asset's URL is its version. Two URLs with the same stem are two versions of one
// asset: "style.css?ver=1" and "style.css?ver=2", "app.3f2a9c1b.js" and "app.77d0e1aa.js".
#ifndef LEARNER_VERSION_H
#define LEARNER_VERSION_H

#include "base/span.h"

// Writes the URL (path and query) with 0x01 in place of each version. The bytes written; 0 when it
// has no version, or does not fit into cap.
size_t version_stem(struct span url, uint8_t *out, size_t cap);
// Whether name "=" value of a query is a version: "ver=1" is one whatever it says, "id=5" may be
// another thing, "id=3f2a9c1b" is one. The names are rows of version_key.def.
bool version_is_pair(struct span name, struct span value);

#endif
