// SPDX-License-Identifier: MIT
// What the configuration says about one virtual host, as the pure steps read it: its names, its
// files, its pool, what it may hint, and the operator's rules by path. Filled by config, then only
// read, so that workers share it. Everything it points at lives in the configuration's arena.
#ifndef EXCHANGE_SITE_H
#define EXCHANGE_SITE_H

#include "base/span.h"
#include "exchange/expression.h"
#include "exchange/route_target.h"
#include "exchange/site_answers.h"
#include "hints/audience.h"
#include "hints/gate.h"
#include "hints/plan.h"
#include "http/coding.h"
#include "http/tls_client.h"

#define SITE_NO_POOL UINT32_MAX // the site has static files only

// What becomes of an application's own 103.
enum site_relay {
    SITE_RELAY_FIRST, // used where ours has not left
    SITE_RELAY_ALL,   // later ones too, for clients that are no browsers
    SITE_RELAY_OFF,
};

struct access_log; // exchange/access_log.h

// Which symbolic links are followed, from the strictest on.
enum site_symlinks {
    SITE_SYMLINKS_BENEATH, // those that stay below the root
    SITE_SYMLINKS_OWNER,   // also those that who owns them may lead out of it (files_walk.h)
    SITE_SYMLINKS_FOLLOW,  // all
};

struct span_list {
    const struct span *v;
    size_t n;
};

#define NAME_STARTS_MAX 16

// How names in patterns begin: four bytes each, in lower case. When it is complete, a path of which
// no name begins so matches none of the patterns.
struct name_starts {
    uint32_t v[NAME_STARTS_MAX];
    uint8_t n;
    bool is_complete;
};

// The script for what is no file.
struct site_front {
    struct span path; // under the root: "/index.php", or empty
    struct span file; // root and path joined, zero-terminated
    bool is_open;     // no rule of access.h denies it: that need not be asked each time
};

// One thing that a `try` list has. All but the last are looked for, and the first that is there is
// the answer; the last is where the request is sent, or its status.
struct route_try {
    struct route_target target; // if there is no status
    int status;                 // "=404"; 0: there is none
};

// What the operator wrote for paths of one pattern. In `pattern` a "*" stands for any run of bytes,
// slashes too; it is compared with the normalised path. The first rule that matches counts, and
// what it does not say is the site's.
struct route_rule {
    struct span pattern;                 // "/", "/checkout/*"; or as written: "~ ^/old/(.*)"
    const struct expression *expression; // of a pattern that begins with "~"; NULL: it is a glob
    struct site_front front;             // path empty: that of the site counts
    const struct route_target *redirect; // where to, or NULL
    int redirect_status;                 // 301 to 308; 0: 302, or 307 to keep a POST
    const struct route_try *tries;       // in their order
    size_t tries_n;                      // 0: what the site does
    bool has_missing, missing_to_front;  // what counts instead of site.missing_to_front
    bool has_body_limit;
    uint64_t body_limit;         // if has_body_limit
    struct site_answers answers; // networks instead of the site's, the rest before what it says
    bool has_mode;               // false: that of site.gate counts
    bool has_buffer_request, buffer_request;   // what counts instead of site.buffer.request
    bool has_buffer_response, buffer_response; // and of site.buffer.response
    bool has_compress, compress;               // whether it may be compressed
    enum hint_mode mode;                       // if has_mode
    struct span_list hints;                    // link-values (RFC 8288, 3), each checked at load
    const struct plan *plan; // of these hints, ready to be sent; NULL when there are none
    struct span_list params; // FastCGI parameters, "NAME=value" each
    struct span_list pushes; // paths of this site: "/assets/critical.css"
};

// What is compressed for clients that ask for it.
enum site_compress {
    SITE_COMPRESS_OFF,
    SITE_COMPRESS_FILES, // files of the document root
    SITE_COMPRESS_ALL,   // and what scripts answer
};

#define SITE_CODINGS 3

struct site_compression {
    enum site_compress mode;
    enum coding_kind codings[SITE_CODINGS]; // those that are offered, the best first
    size_t codings_n;
    unsigned gzip_level, br_level, zstd_level;
    struct span_list types; // patterns of media types
    uint64_t min_size;      // bytes of a response whose length is known
};

// While a file is there, all are answered 503 with it.
struct site_maintenance {
    struct span page, file;       // under the root; with it, zero-terminated; empty: never
    const struct ip_net *allowed; // networks that the site goes on for
    size_t allowed_n;
    uint64_t retry_ms; // when clients may come again
};

// How bodies wait for a slow client (a request) or a slow reader (a response).
struct site_buffer {
    bool request;    // the pool is asked when the request's body is complete
    bool response;   // the pool is read as fast as it gives
    uint64_t memory; // bytes of one body that wait in memory, the rest in a file
    uint64_t limit;  // bytes of a response that may wait in a file
};

struct site {
    struct span name;         // "blog.example", lower case
    struct span_list aliases; // further names
    struct span root; // absolute, no slash at the end; a link in it may be turned; empty: none
    struct span_list index; // names of index files, in the order in which they are tried
    size_t index_len;       // bytes of the longest of them
    struct site_front front;
    bool must_check;               // a script must be a regular file under root
    bool missing_to_front;         // a script that is not there is the front controller's to answer
    struct span_list suffixes;     // of scripts: ".php", compared without case; or a path, "/app"
    struct span_list denied;       // patterns of paths that are nobody's business
    struct span_list denied_files; // of files that are neither run nor sent
    bool shows_dot_names;          // files whose names begin with a dot are like others
    struct span_list script_free;  // of folders whose scripts never run
    struct name_starts script_free_starts; // access_starts of them
    struct span_list internal;             // of paths that only the application may name
    uint32_t pool;                         // index into the pools, or SITE_NO_POOL
    struct site_answers answers;
    bool has_guards; // a route lets in some networks only
    struct site_maintenance maintenance;
    struct span pool_root; // where the pool has the root's files; empty: where we have them
    // PEM files, zero-terminated, each certificate with the key of its number; one for each kind of
    // key, or none
    struct span_list certificates, keys;
    struct tls_client_conf client;       // what clients are asked to show
    struct span_list ocsp;               // responses for these, in their order; an empty path: none
    const struct access_log *access_log; // how requests are logged; NULL: they are not
    enum site_symlinks symlinks;         // which links below the root are followed
    struct span charset; // of static files that are text; empty: they say it themselves
    struct site_buffer buffer;
    struct site_compression compress;
    bool has_server_timing;        // responses carry a Server-Timing field of ours
    struct span_list params;       // FastCGI parameters, "NAME=value" each
    uint64_t body_limit;           // bytes of a request body; more is 413
    bool has_debug_field;          // responses carry the field "outrider"
    struct gate_conf gate;         // whether and to whom its pages are hinted
    struct hint_policy policy;     // what is learned, and how its links are judged
    struct plan_limits limits;     // of a 103
    struct span_list route_query;  // query keys that choose a page: "p", "s=*"
    struct audience_conf audience; // by which cookies and fields users are known
    enum site_relay relay;
    bool has_final_link;      // hints of a rule go into the final response where no 103 was sent
    uint64_t asset_max_age_s; // of static files; 0: nothing is said
    bool asset_immutable;     // versioned static files may be kept for ever
    const struct route_rule *rules;
    size_t rules_n;
};

#endif
