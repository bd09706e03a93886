// SPDX-License-Identifier: MIT
// What of a site's files may be reached, by the operator's patterns: `deny`, `deny-files`,
// `deny-scripts` and `internal`. One matcher, held against every name that leads to an answer: the
// path asked for, the file or script that the router found for it (an index file, the part before
// PATH_INFO, the front controller, what an application names by X-Accel-Redirect), and, behind
// symbolic links, the file that is really there. The rules about files (`deny-files`, names that
// begin with a dot, `deny-scripts`) are held against what lies on the disk alone: an application
// may give its pages any names. File systems and CGI programs may take another case for the same
// script, so names of scripts are compared without case. The patterns are those of base/wildcard.h.
#ifndef EXCHANGE_ACCESS_H
#define EXCHANGE_ACCESS_H

#include "exchange/site.h"

// Who names a path.
enum access_by {
    ACCESS_CLIENT,      // the request's target
    ACCESS_APPLICATION, // X-Accel-Redirect, X-Sendfile or a route: internal paths are open to it
};

// How the names in these patterns begin. Not complete when a pattern says too little of a name, or
// when there are more beginnings than places.
struct name_starts access_starts(struct span_list patterns);
// Whether the name ends in a suffix of the site's scripts, in any case: its source must not leave.
bool access_is_script(const struct site *site, struct span path);
// Whether a path is well-formed and may be asked for at all, before anything is looked up. 0;
// ERR_REQUEST_PATH for an empty path, a NUL, "//", "/./" or "/../"; ERR_FORBIDDEN for one that
// `deny` has; ERR_NOT_FOUND for an internal one that a client names.
//
// *hidden: bytes of the path up to the end of its first name that begins with a dot; if that is on
// the disk, it and all below it is hidden. 0 when there is none, but for /.well-known/ (RFC 8615),
// or when the site shows such names.
int access_check(const struct site *site, struct span path, enum access_by by, size_t *hidden);
// Whether a file below the root may be the answer that was found under a path which access_check
// lets pass and of which it said *hidden. With `runs`, it is going to be run as a script, whatever
// its name is. 0; ERR_FORBIDDEN for what `deny-files` has, for a hidden one, and for a script in a
// folder of `deny-scripts`.
int access_check_file(const struct site *site, struct span path, bool runs, size_t hidden);
// Both for a file that was found under another name.
int access_check_found(const struct site *site, struct span path, bool runs, enum access_by by);

#endif
