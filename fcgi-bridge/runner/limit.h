// SPDX-License-Identifier: MIT
// The limits for all processes of a request together (limit.def): where the kernel enforces one in
// the worker's cgroup, it is asked whether it had to; the others are measured.
#ifndef RUNNER_LIMIT_H
#define RUNNER_LIMIT_H

#include "runner/leaf.h"
#include "runner/options.h"
#include "runner/report.h"

// The name of its option.
const char *limit_name(enum limit limit);
// How much of it a request may have, 0: no limit.
uint64_t limit_most(const struct options *o, enum limit limit);
// Whether the kernel stopped the request of the leaf at a limit: which; REPORT_RUNNING when not.
enum report_ending limit_enforced(const struct leaf *leaf);
// Whether all that descends from us has reached a limit: which; REPORT_RUNNING when none.
enum report_ending limit_reached(const struct options *o, const struct leaf *leaf);

#endif
