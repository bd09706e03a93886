// SPDX-License-Identifier: MIT
// Reads the name/value pairs of FCGI_PARAMS as an application does: the other side of
// fcgi/params.h, for tests.
#ifndef SUPPORT_PARAMS_H
#define SUPPORT_PARAMS_H

#include "base/pair.h"
#include "base/step.h"

// Takes the pair at the front of *content, which borrows from it. MORE when nothing is left, BAD
// when the lengths point behind the end; *content is then unchanged.
enum step params_next(struct span *content, struct pair *pair);

#endif
