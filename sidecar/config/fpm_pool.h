// SPDX-License-Identifier: MIT
// How many processes the PHP-FPM behind a pool's server may have: pm.max_children of the pool file
// that listens at that address, if it is on this machine and can be read. More requests than that
// do not execute: they wait in the listen queue, where nobody sees them.
#ifndef CONFIG_FPM_POOL_H
#define CONFIG_FPM_POOL_H

#include "fcgi/pool.h"

// The number, of the files that the pattern (glob) names; 0: not found.
unsigned fpm_pool_children(const char *pattern, const struct pool_server_conf *server);
// The same of the places where distributions keep these files, and the least of all servers of the
// pool that are found.
unsigned fpm_pool_least(const struct pool_server_conf *servers, size_t n);

#endif
