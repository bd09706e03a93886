// SPDX-License-Identifier: MIT
#include "runner/descriptors.h"

#include <stdbool.h>
#include <sys/resource.h>

static struct rlimit before; // both are inherited by workers
static bool is_raised;

size_t descriptors_raise(size_t wanted) {
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    before = is_raised ? before : limit;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        is_raised |= setrlimit(RLIMIT_NOFILE, &limit) == 0;
    }
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

void descriptors_restore(void) {
    if (is_raised) {
        setrlimit(RLIMIT_NOFILE, &before);
    }
}
