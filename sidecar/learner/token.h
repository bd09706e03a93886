// SPDX-License-Identifier: MIT
// Whether the URL of an asset looks as if it were meant for one person or for one use. Secrets,
// nonces, one-time and signed URLs never become hints, since others would see them or could not use
// them. A value that nobody can have thought of may be one, or the fingerprint of what is sent:
// whoever was given it tells. A version ("?ver=6.4", "?id=68b329da9893e340", "app.3f2a9c1b.css") is
// none of these: it is the same for everybody.
#ifndef LEARNER_TOKEN_H
#define LEARNER_TOKEN_H

#include "base/span.h"

enum token {
    TOKEN_NONE,
    TOKEN_DOUBTFUL, // it has a value that nobody can have thought of, or that is made anew each
                    // time
    TOKEN_SECRET,   // it says that it is a secret, or that it is for one use
};

// The worst that it has. `url`: path and query, or a whole URL. Percent-encoded names and values
// are judged as what they stand for.
enum token token_of(struct span url);
// A name that nobody has thought of: a UUID, or a run of letters and digits in no order that words
// have, at any length from six. Of a share, an upload, an account: who knows it may see what it
// names. Of a folder or a page, that is: what a file's name has of that kind is mostly its version.
bool token_is_name(struct span segment);
// Such names among the labels of the URL's host and its folders, and a UUID as the name of its
// file: those that fit into `most` places of out. How many.
size_t token_names(struct span url, struct span *out, size_t most);
// The name of a query key whose value is the version of what the path names: "ver", "v", ...
bool token_is_version_key(struct span name);

#endif
