// SPDX-License-Identifier: MIT
// What is said of answers for a whole site, and by a route for its own paths: who gets any, which
// header fields they have, and which pages stand in for errors. Filled by config, then only read.
#ifndef EXCHANGE_SITE_ANSWERS_H
#define EXCHANGE_SITE_ANSWERS_H

#include "base/ip.h"
#include "base/pair.h"

enum field_change_kind {
    FIELD_SET,     // takes the place of all fields of that name
    FIELD_ADD,     // one more
    FIELD_DEFAULT, // where there is none of that name
    FIELD_REMOVE,
};

// One change of a response's header fields.
struct field_change {
    enum field_change_kind kind;
    struct span name, value; // lower case; a field value
};

// The page for a status.
struct error_page {
    int status;
    struct span path; // of this site, decoded: a file or a script
};

struct site_answers {
    const struct ip_net *allowed, *denied; // networks of clients
    size_t allowed_n, denied_n;            // allowed_n 0: all that are not denied
    const struct field_change *changes;    // in their order
    size_t changes_n;
    bool spares_errors; // responses from status 400 on are not changed
    const struct error_page *pages;
    size_t pages_n;
    bool intercepts; // the pages stand in for the application's errors, too
};

// Whether the client may have an answer. One without an address, over a unix socket, is of no
// network.
bool site_answers_admits(const struct site_answers *a, const struct ip *client);
// Changes *fields, whose array is not written to when it was the caller's. 0, or ERR_ARENA_LIMIT.
int site_answers_change(const struct site_answers *a, int status, struct arena *arena,
                        struct pairs *fields);
// The page for a status; p is NULL when there is none.
struct span site_answers_page(const struct site_answers *a, int status);

#endif
