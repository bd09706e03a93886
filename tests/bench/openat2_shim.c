// SPDX-License-Identifier: MIT
// Valgrind (3.19) does not know openat2(2), so a program under it would take the longer way that is
// meant for old kernels. Loaded by LD_PRELOAD, this makes one openat(2) of it, which lacks the
// rules about links: for counting instructions only.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>

long syscall(long number, ...) {
    static long (*next)(long, ...);
    long v[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++) {
        v[i] = va_arg(list, long);
    }
    va_end(list);
    if (number == SYS_openat2) {
        const struct open_how *how = (const struct open_how *)v[2];
        return openat((int)v[0], (const char *)v[1], (int)how->flags, (mode_t)how->mode);
    }
    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "syscall");
    }
    return next(number, v[0], v[1], v[2], v[3], v[4], v[5]);
}
