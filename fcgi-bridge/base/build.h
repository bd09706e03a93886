// SPDX-License-Identifier: MIT
// How this program was built: what CMakeLists.txt said then.
#ifndef BASE_BUILD_H
#define BASE_BUILD_H

#include "base/buf.h"

// A library, and the version that runs: NULL where it cannot be asked.
struct build_library {
    const char *name; // as pkg-config calls it
    const char *(*running)(void);
};

// "0.1.0".
const char *build_version(void);
// Of the version: "2026-12-01".
const char *build_date(void);
// Compiler, flags, features, and each library with the version that the program was built with and,
// where that is another one, the version that runs. What `out` has no room for is missing.
void build_describe(struct buf *out, const struct build_library *libraries, size_t n);

#endif
