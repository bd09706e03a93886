// SPDX-License-Identifier: MIT
// Opens files for a server that has given up its rights: certificates and keys that only root may
// read, and access logs in folders that only root may write. A process of its own, forked while we
// are root, keeps these rights and does nothing else: it opens what the configuration names as a
// certificate or with one, as file of ticket keys or access log, and nothing besides. What is asked
// for and not known it looks for in the configuration as it is now, read by itself; a configuration
// that others than root may write is not believed.
//
//     server                                opener (root)
//       "r/etc/outrider/blog.key" ────────►  named by the configuration? open(2)
//       descriptor, or errno      ◄────────
#ifndef SERVER_OPENER_H
#define SERVER_OPENER_H

#include "server/server.h"

#define OPENER_SOCKET "OUTRIDER_OPENER"

// Takes over that of the process whose place we take; or forks one, when we are root and the
// configuration has a user to become. It ends with us. 0, or ERR_CONFIG (logged).
int opener_start(const struct config *config, const struct server_source *source);
// Its socket, or -1, for another process that takes our place and finds its number in the
// environment as OPENER_SOCKET. Until opener_take_back we ask for nothing: answers could be mixed
// up.
int opener_lend(void);
void opener_take_back(void);
// A descriptor to read a certificate or key from; -1 with errno. Also where there is no opener:
// then it is opened here. From any thread.
int opener_read(const char *path);
// The same, to append to an access log, which is made if it is not there.
int opener_append(const char *path);

#endif
