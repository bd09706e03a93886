// SPDX-License-Identifier: MIT
// Which site a request is for, and what answers it: a file, a script, a redirect or an error. The
// rule is the one that WordPress and its kind are written for: an existing file; else an existing
// directory's index file; else a script with PATH_INFO; else the front controller. A script must be
// a regular file under the root before any backend is asked for it, and only the router says which
// part of the path it is. The router looks at no disk itself: the caller's router_files does.
// Whatever it finds is held against the operator's rules (access.h) before it is an answer.
//
// Before that the first route (site.h) whose pattern has the path may redirect it, look for other
// files (`try`), or send the request on to another path, which is then looked at as if it had been
// asked for: the routes are matched again. A route sends a request on once, and REQUEST_URI stays
// what the client wrote.
//
//     /style.css          ROUTE_FILE    root/style.css
//     /wp-admin           ROUTE_REDIRECT to /wp-admin/
//     /wp-admin/          ROUTE_SCRIPT  root/wp-admin/index.php
//     /index.php/a/b      ROUTE_SCRIPT  root/index.php, PATH_INFO=/a/b
//     /2024/05/post/      ROUTE_SCRIPT  root/index.php (the front controller)
//     /missing.php        ROUTE_ERROR   ERR_NOT_FOUND
//     /.git/config        ROUTE_ERROR   ERR_FORBIDDEN (if it is there)
//     /wiki/.net          ROUTE_SCRIPT  root/index.php
#ifndef EXCHANGE_ROUTER_H
#define EXCHANGE_ROUTER_H

#include "base/message.h"
#include "exchange/access.h"

enum file_kind {
    FILE_NONE,      // nothing there, or nothing we may know of
    FILE_REGULAR,   // a regular file that can be read
    FILE_DIRECTORY, // a directory
    FILE_DENIED,    // it exists, but is not to be served: no permission, leads out of the root, ...
    FILE_UNKNOWN,   // nobody can tell now: no descriptor, no memory
};

// What is known of a regular file. Filled by router_files.find.
struct file_info {
    uint64_t len;      // bytes
    int64_t mtime_s;   // seconds since 1970
    uint32_t mtime_ns; // and nanoseconds
    struct span real;  // where symbolic links led: its path below the root, or below the deepest
                       // folder that holds both; borrowed until the next look; p is NULL when
                       // there is no link in the name
};

// The disk, as the router asks for it. `path` is absolute and zero-terminated (the zero is not
// counted), begins with a site's root, and is borrowed for the call only.
struct router_files {
    void *self;
    enum file_kind (*find)(void *self, struct span path, struct file_info *info);
    // The real path of a site's root as it is now, borrowed until the next call; p is NULL when it
    // is not known, or the same. May be NULL.
    struct span (*root)(void *self, struct span root);
};

enum route_kind {
    ROUTE_FILE,     // send `file`
    ROUTE_SCRIPT,   // ask the site's pool to run `file`
    ROUTE_REDIRECT, // to `location`, with `status`
    ROUTE_ERROR,    // `error`
    ROUTE_STATUS,   // `status`, with a page of ours: a rule says so
};

struct route {
    enum route_kind kind;
    int error;         // ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_REQUEST_METHOD (Allow: GET, HEAD),
                       // ERR_REQUEST_PATH, ERR_ARENA_LIMIT, ERR_FILES_BUSY, ERR_ROUTE_LIMIT,
                       // ERR_MAINTENANCE
    int status;        // of ROUTE_STATUS; of ROUTE_REDIRECT 0: 301, or 308 to keep the method
    struct span file;  // absolute, zero-terminated: the file to send, or SCRIPT_FILENAME
    struct span root;  // of a script: DOCUMENT_ROOT; real, as in `file`
    bool is_front;     // it is for what is not there: the front controller, or the end of a `try`
    struct span query; // QUERY_STRING: the request's, or a rule's; p is NULL: none
    const char *why;   // static words about how it was found
    struct file_info info;
    struct span script_name; // SCRIPT_NAME: `file` without the root; of files too
    struct span path_info;   // PATH_INFO, or empty
    struct span location;    // encoded: begins with one slash, or with a scheme and a host
    // The rules that have sent the request on, in their order; in the arena.
    const struct route_rule **sent;
    unsigned sent_n;
    const struct route_rule *rule; // the operator's rule for this path, or for the one that it
                                   // was sent to last; or NULL
};

struct router_name;

// The sites by name. Read only after router_init: shared by all workers.
struct router {
    const struct site *sites; // the first answers to names that nobody has
    size_t sites_n;
    struct router_name *names; // hash table, open addressing
    uint32_t mask;
};

// Borrows sites for the router's life; the table lives in `a`. At least one site. 0, or
// ERR_ARENA_LIMIT. When two sites have one name, the first has it (config refuses that).
int router_init(struct router *r, struct arena *a, const struct site *sites, size_t n);
// The site of an authority ("host[:port]", lower case). *is_named tells whether a site has that
// name; if not, it is the first site, and nothing should be learned under the name.
const struct site *router_site(const struct router *r, struct span authority, bool *is_named);

// What to route, and with what.
struct router_query {
    const struct site *site;
    const struct request *request; // method, path, query
    const struct router_files *files;
    struct arena *arena;   // of the request; one piece is taken from it
    enum access_by by;     // who names the path
    bool is_named;         // the site has the request's host as a name
    const struct ip *from; // the client's address, which networks are compared with; NULL: no
                           // client asks, and all are open
};

// Decides. The spans of *out live in the arena, the request or the site.
void router_route(const struct router_query *q, struct route *out);

#endif
