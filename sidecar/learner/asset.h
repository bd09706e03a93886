// SPDX-License-Identifier: MIT
// The assets that routes need, each kept once. A file is a URL of a site with what is known of its
// own response; an asset is one way to hint it (as, crossorigin, ...). Routes and plans refer to
// assets by number. Files to which nothing refers any more wait, still known, until their room is
// needed. Versions of one file know each other.
#ifndef LEARNER_ASSET_H
#define LEARNER_ASSET_H

#include "base/list.h"
#include "hints/hint.h"
#include "hints/offer.h"
#include "hints/reuse.h"
#include "learner/route_key.h"

#define ASSET_IMPORTS_MAX 16 // of a stylesheet
#define ASSET_VARIANTS_MAX 8 // of a file
#define ASSET_DOUBTERS_MAX 6 // half of the networks of a page
#define ASSET_NUMBERS (1u << 24)

// A route that is to be judged again when the file becomes known.
struct asset_wait {
    struct asset_wait *next;
    struct route_id id;
};

// All versions of one file.
struct asset_stem {
    struct asset_stem *chain;
    uint64_t hash;
    struct asset_file *newest;
    uint32_t files;
    uint64_t apart_until_ms;            // versions are in use side by side: none replaces another
    const struct asset_file *candidate; // newer than the newest, but one network's word so far
    uint16_t network;                   // that one
    uint16_t doubter;                   // the network that had versions side by side
    bool is_doubted;                    // there is one
    uint8_t proofs;                     // how often versions were found side by side
    bool is_name; // the version is in the path: it may as well be whose file it is
};

// What a page has, and what it had before.
struct asset_sight {
    struct asset_file *const *files;
    size_t n;
    uint16_t network; // that was given it
    uint64_t now_ms;
};

struct asset_file {
    struct asset_file *chain;
    struct route_id id;
    struct span site, url; // path and query; of another origin the whole URL
    struct list idle;      // while nothing refers to it
    struct list news;      // while its state is to be published
    struct list question;  // while it is to be asked for
    struct asset *variants;
    struct asset *imports[ASSET_IMPORTS_MAX]; // of a stylesheet: what it imports, each kept
    uint64_t other_imports;                   // hash of others that one network was given
    struct asset_stem *stem;                  // NULL: its URL has no version
    struct asset_file *newer;                 // the version that replaced it, kept
    struct asset_wait *waits;
    uint64_t asked_ms;
    uint64_t bytes;
    uint32_t lifetime_s, refs;
    uint32_t plans; // that have it
    uint64_t born;  // the higher, the later: Unix time in ms, and each higher than the one before
    bool is_abandoned;      // the newest pages of the site have it no longer
    uint64_t keep_until_ms; // it is not abandoned again before
    bool is_dated;          // by evidence or a record
    uint8_t state;          // enum offer_asset_state
    uint8_t reuse;          // enum reuse_reason; VARY_ORIGIN of what is reusable: by who sends none
    uint8_t imports_n;
    uint16_t others_network;               // that one: a short hash
    bool is_local;                         // on the site's own origin
    uint16_t doubters[ASSET_DOUBTERS_MAX]; // networks that were answered otherwise than is known
    uint8_t doubters_n;
    uint8_t doubt;    // what with (see learner_asset.c); 0: there are none
    bool is_proven;   // the disk or two networks say that it cannot be hinted
    bool is_on_disk;  // a file: what it answers depends on nobody
    bool is_suspect;  // its URL has a name that nobody has thought of (token_names)
    bool is_doubtful; // its URL has what may be for one user or one use only (token_of)
    bool is_named;    // of another host: a page's policy names that
    bool is_font;     // a stylesheet or page declared it as one
    bool is_told;     // its state was published
};

struct asset {
    struct hint hint; // its spans are its own
    struct asset_file *file;
    struct asset *next; // of the same file
    uint32_t number, refs;
};

struct asset_table {
    struct siphash_key secret;
    struct asset_file **buckets;
    struct asset_stem **stems;
    size_t mask; // of both
    struct asset **v;
    uint32_t *free_numbers;
    size_t numbers, free_n, cap;
    struct list idle; // the one idle longest first
    struct list news;
    struct list questions;
    size_t files, max, waits;
    size_t bytes;
    uint64_t now_ms; // set by its user
    uint64_t births, refused;
};

// max: files; buckets: of its hash table, a power of two.
void asset_table_init(struct asset_table *t, size_t max, size_t buckets,
                      const struct siphash_key *secret);
void asset_table_fini(struct asset_table *t);
// The file of that URL, or NULL.
struct asset_file *asset_find(const struct asset_table *t, struct span site, struct span url);
// The same, made if need be. NULL where there is no room for it (counted as refused).
struct asset_file *asset_put_file(struct asset_table *t, struct span site, struct span url);
// The asset of a hint, made if need be. NULL where there is no room.
struct asset *asset_put(struct asset_table *t, struct span site, const struct hint *hint);
// Forgets the file to which nothing referred for the longest time. False: there is none.
bool asset_shed(struct asset_table *t);
// It is reusable, but not by who sends Origin.
static inline bool asset_varies_origin(const struct asset_file *f) {
    return f->state == OFFER_ASSET_REUSABLE && f->reuse == REUSE_VARY_ORIGIN;
}
static inline struct asset *asset_at(const struct asset_table *t, uint32_t number) {
    return t->v[number];
}
// Counts one who refers to it, or one less.
void asset_keep(struct asset_table *t, struct asset *a);
void asset_release(struct asset_table *t, struct asset *a);
// A plan has it, or no longer. Its state is then published or dropped.
void asset_plan(struct asset_table *t, struct asset *a, bool has);
// Says what is known of the file from now on. True when the state changed.
bool asset_set_state(struct asset_table *t, struct asset_file *f, enum offer_asset_state state,
                     enum reuse_reason reuse);
// The imports of a stylesheet from now on; assets of its own site.
void asset_set_imports(struct asset_table *t, struct asset_file *f, struct asset *const *imports,
                       size_t n);
// Lets somebody look at the file unless that was asked for less than every_ms ago. True when it is
// asked for now.
bool asset_ask(struct asset_table *t, struct asset_file *f, uint64_t now_ms, uint64_t every_ms);
// Remembers that a route waits for the file. Forgotten where too many wait.
void asset_wait(struct asset_table *t, struct asset_file *f, struct route_id id);
// Takes one of those that wait. False: none.
bool asset_take_wait(struct asset_table *t, struct asset_file *f, struct route_id *id);
// A page uses these files together: a newer version replaces an older one, unless they are in use
// side by side. Both are believed of two networks. Returns a file that was replaced just now in
// *old; call until false.
bool asset_retire(struct asset_table *t, const struct asset_sight *sight, struct asset_file **old);
// Goes on from a record: when the version appeared (0: not known), and the URL of the one that
// replaced it (empty: none). Nothing changes where the file was seen since.
void asset_restore_version(struct asset_table *t, struct asset_file *f, uint64_t born,
                           struct span newer);
// The newest version of the file, which may be itself.
struct asset_file *asset_newest(struct asset_file *f);
// The asset that hints the newest version of its file in the same way; NULL: itself is the newest,
// or there is no room.
struct asset *asset_newer(struct asset_table *t, struct asset *a);
// The next file whose state is to be published, or NULL. The caller reads it before the next call.
struct asset_file *asset_next_news(struct asset_table *t);
// The next file to be looked at, or NULL.
struct asset_file *asset_next_question(struct asset_table *t);

#endif
