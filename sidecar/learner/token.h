// SPDX-License-Identifier: MIT
// Does the URL of an asset look as if it were meant for one person, or for one time? Secrets,
// nonces, one-time and signed URLs would be shown to others, or be of no use to them, and never
// become hints. A version ("?ver=6.4", "?id=68b329da9893e340", "app.3f2a9c1b.css") is none of
// these: it is the same for everybody.
#ifndef LEARNER_TOKEN_H
#define LEARNER_TOKEN_H

#include "base/span.h"

// `url`: path and query, or a whole URL.
bool token_is_in(struct span url);
// The name of a query key whose value is the version of what the path names: "ver", "v", ...
bool token_is_version_key(struct span name);

#endif
