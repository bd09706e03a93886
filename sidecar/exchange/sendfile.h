// SPDX-License-Identifier: MIT
// What an application names instead of a body: X-Accel-Redirect with a path of the site, or
// X-Sendfile (lighttpd calls it X-LIGHTTPD-send-file) with a file below its root. The name goes
// through the router as a request of the application's own would: `deny` and the rule of dot names
// hold, `internal` paths are open, and the source of a script never leaves: one that
// X-Accel-Redirect names is run. A name that is no file is not the front controller's, which would
// be asked for the same request again. Nothing is opened here.
//
//     X-Accel-Redirect = absolute-path [ "?" query ]  ; raw, or with %XX
//     X-Sendfile       = root absolute-path           ; raw
#ifndef EXCHANGE_SENDFILE_H
#define EXCHANGE_SENDFILE_H

#include "base/message.h"
#include "exchange/router.h"

// What the file is opened with.
struct sendfile {
    struct route route;     // a ROUTE_FILE, or a ROUTE_SCRIPT that is to be run
    struct request request; // the client's as a GET or HEAD; without conditions and ranges where
                            // the application's status is another than 200
    bool may_run;           // a script may be named
    const char *why;        // after an error: static words for the log
};

// Fields by which an application steers its server: nobody else's business.
bool sendfile_is_for_us(struct span name);
// Whether a final response leaves its body to us: it names a file, at a status that has a body.
bool sendfile_is_named(const struct response *response);
// Finds the file that `response` names. q->request is the client's; q->by is not looked at. 0;
// ERR_SENDFILE for a name that cannot be used and for a script that X-Sendfile names;
// ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_FILES_BUSY, ERR_ARENA_LIMIT as the router has it. What is found
// lives in q->arena.
int sendfile_find(struct sendfile *s, const struct router_query *q,
                  const struct response *response);
// Makes the file's head that of the answer: the application's fields but for those that were about
// the body it did not send, then the file's; of Content-Type the application's; its status where it
// is another than 200. 0, or ERR_ARENA_LIMIT.
int sendfile_join(const struct response *response, struct arena *a, struct response *file);

#endif
