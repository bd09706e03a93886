// SPDX-License-Identifier: MIT
// What the files of the learner share:
//
//     learner.c        life, looking up, what comes out
//     learner_room.c   admission and eviction of nodes, their memory
//     learner_reading.c what evidence says, as assets
//     learner_voter.c  whose vote that is
//     learner_page.c  pages become votes
//     learner_sheet.c  what a stylesheet imports
//     learner_asset.c  what assets answer
//     learner_visit.c  what was fetched after a navigation becomes votes
//     learner_pattern.c what a pattern may take from its pages
//     learner_abandon.c what no page of a site uses any more
//     learner_judge.c  votes become a list of hints
//     learner_use.c    whether a browser can use what is needed
//     learner_group.c  nodes with the same hints share one plan
//     learner_view.c   what people see of it
//     learner_record.c what a store keeps of it
#ifndef LEARNER_LEARNER_INSIDE_H
#define LEARNER_LEARNER_INSIDE_H

#include "learner/asset.h"
#include "learner/ballot.h"
#include "learner/learner.h"
#include "learner/outcome.h"
#include "learner/recipient.h"
#include "learner/route_chain.h"

#define SLOTS_MAX 64  // assets of a node: bits of a vote
#define JUDGED_MAX 96 // with what stylesheets import
#define POLICIES_MAX 1024
#define ALLOCATION 16 // bytes that an allocation costs beside what was asked for

// A node's asset: its number and how it is known there.
struct slot {
    uint32_t number : 24;
    uint32_t sources : 4;        // enum learner_source
    uint32_t is_behind : 1;      // behind <head>, or not blocking, when judged last
    uint32_t is_firm : 1;        // enough voters have agreed on it: see learner_judge.c
    uint32_t is_conditional : 1; // what pages apply for some clients only: a place of its own
};

// A policy field or the origin of pages, each text once.
struct policy_text {
    struct span text;
    uint32_t refs;
};

// What a plan is made of.
struct group_key {
    struct plan_limits limits;
    uint16_t csp, referrer; // of its 103: places in learner.policies; 0: none
    uint32_t n;
    uint32_t numbers[HINT_SET_MAX]; // of its assets, in order
};

// Nodes with the same hints in the same order.
struct group {
    struct group *chain;
    uint64_t hash;
    struct plan *plan;
    struct list nodes;   // to which the plan was told, or is told by their own news
    struct list stale;   // to which it is to be told
    struct list pending; // in learner.pending while stale has some
    size_t at;           // in learner.groups
    struct group_key key;
};

struct outcomes {
    struct outcome hinted, held;
    struct outcome_crowd hinted_crowd, held_crowd;
    uint64_t observed_ms; // since when hints are not sent; 0: they are
};

// A route or a pattern.
struct node {
    struct node *chain;
    struct route_id id;
    struct list age;     // in learner.probation or .main; nowhere when it was forgotten
    struct list peers;   // in the group's nodes or stale
    struct list changed; // in learner.changed: what a store has of it is old
    struct node *next_news;
    struct group *group; // NULL: nothing to publish
    struct outcomes *outcomes;
    struct ballot ballot;
    struct slot *slots;
    uint32_t seen, first_s, last_s;
    uint32_t think_us, told_think_us;
    uint16_t key_n;
    uint16_t csp, referrer; // places in learner.policies; 0: none
    uint16_t origin;        // likewise, "scheme://authority" of which the policy speaks
    uint16_t other_network; // that was given another policy: a short hash
    uint32_t other_policy;  // hash of that one; 0: there is none
    uint8_t slots_n, slots_cap;
    uint8_t uses; // lately
    bool is_main : 1, is_pattern : 1, is_session : 1, is_gone : 1;
    bool is_secret : 1; // who knows its URL may see it: neither kept nor shown to people
    bool in_news : 1, is_told : 1, is_stored : 1;
    bool is_observed : 1;
    bool is_told_inside : 1; // as what is published says
    bool is_policy_new : 1;  // the newest response had another policy than the one before
    uint8_t key[];
};

struct queue {
    struct node *head, **tail;
};

// What a link of a page was read as before: most pages have the links of other pages.
#define MEMOS 4096
struct memo {
    struct siphash_wide link; // with scheme and authority of the page
    struct route_id file;
    uint32_t number; // of the asset
};

struct judged {
    struct asset *asset;
    unsigned sources;
    bool is_behind, is_disputed;
    float need, low, worth_ms, waste_bytes;
    unsigned voters;
    enum learner_verdict verdict;
};

struct judgement {
    struct judged v[JUDGED_MAX];
    size_t n, hinted; // the hinted ones come first, in their order
    unsigned turned;  // the newest votes that decided against all before, if any did
    bool is_open;     // something may still become a hint: leave it to the patterns
};

// What one judgement goes by.
struct judging {
    struct learner *l;
    struct node *node;
    const struct hint_policy *policy;
    struct ballot_view view;
    uint64_t now_ms;
    bool fails;
    bool is_firm;    // of the asset asked about
    unsigned run;    // votes for which the asset asked about last comes or goes
    unsigned turned; // the fewest of them all; 0: nothing does
    bool is_new;     // what was hinted so far was so to others
};

struct learner {
    struct learner_conf conf;
    struct node **buckets;
    size_t mask;
    struct list probation, main; // the one seen last at the end
    struct queue news;
    struct list changed;
    struct node *lingering; // a forgotten one whose record is lent
    struct asset_table assets;
    struct group **group_buckets;
    struct group **groups;
    uint64_t *blooms; // of the assets of each group
    size_t groups_n, groups_cap, group_mask;
    struct list pending;
    struct plan **retired; // in the order in which they were replaced
    size_t retired_n, retired_cap, retired_at;
    struct policy_text policies[POLICIES_MAX]; // 0 stands for none
    struct arena scratch;
    struct memo *memos;
    struct judgement judgement; // the last one made
    struct learner_stats stats;
    struct learner_route view; // of the node
    const struct node *viewed;
    struct judgement shown; // of the node viewed
    bool is_shown;
    size_t bytes; // of nodes and groups
};

static inline struct span node_key(const struct node *node) {
    return span_of(node->key, node->key_n);
}

static inline const struct hint_policy *learner_policy(const struct learner *l, struct span key) {
    return l->conf.find_policy != NULL
               ? l->conf.find_policy(l->conf.policy_self, route_key_site(key))
               : NULL;
}

// The pattern of all pages of a site.
static inline bool learner_is_site(const struct node *node) {
    struct span path = route_key_path(node_key(node));
    return node->is_pattern && path.n == 2 && path.p[0] == '/' && path.p[1] == ROUTE_WILDCARD;
}

// Only networks that are not of the Internet know the route. Of a session its credentials say what
// it may have, wherever it is.
static inline bool learner_is_inside(const struct node *node) {
    return !node->is_session && ballot_is_inside(&node->ballot);
}

static inline unsigned learner_distinct(const struct hint_policy *policy) {
    return policy != NULL && policy->distinct > 0 ? policy->distinct : 3;
}

// ---- learner.c ----------------------------------------------------------------------------------

// calloc that ends the program where the machine has no memory, and counts the bytes.
void *learner_allocate(struct learner *l, size_t n);
void learner_release(struct learner *l, void *p, size_t n);
struct node *learner_node(const struct learner *l, struct span key);
struct node *learner_node_by_id(const struct learner *l, struct route_id id);
// What is published for the node is no longer right.
void learner_tell(struct learner *l, struct node *node);
// What a store keeps of the node is no longer right.
void learner_change(struct learner *l, struct node *node);
struct node *learner_take_changed(struct learner *l);
// Brings the figures of the stats up to date.
void learner_count(struct learner *l);

// ---- learner_room.c -----------------------------------------------------------------------------

// A new node on probation.
struct node *learner_add(struct learner *l, struct span key, uint64_t now_ms);
// It was seen (again).
void learner_touch(struct learner *l, struct node *node, uint64_t now_ms);
// Forgets a node. Its memory goes when what it has to say has been pulled.
void learner_drop(struct learner *l, struct node *node);
// Frees a forgotten node on whose news nobody waits any more.
void learner_bury(struct learner *l, struct node *node);
// Forgets nodes until the bounds are kept.
void learner_make_room(struct learner *l);
// The place of an asset among those that the node's pages apply for everybody, or -1.
int learner_slot(const struct node *node, const struct asset *asset);
// Likewise of any asset of that file.
int learner_slot_of_file(const struct learner *l, const struct node *node,
                         const struct asset_file *file);
// The place of the asset, made if need be, but not out of those whose bit is set in taken; -1 where
// all are in use.
int learner_put_slot(struct learner *l, struct node *node, struct asset *asset, uint64_t taken);
// The same two for what only some clients apply.
int learner_conditional_slot(const struct learner *l, const struct node *node,
                             const struct asset_file *file);
int learner_put_conditional(struct learner *l, struct node *node, struct asset *asset,
                            uint64_t taken);
const struct ballot_rules *learner_rules(const struct node *node);
struct vote *learner_vote(struct learner *l, struct node *node, uint64_t voter, uint32_t from);
uint16_t learner_put_text(struct learner *l, struct span text);
void learner_set_text(struct learner *l, uint16_t *place, uint16_t text);

// ---- learner_page.c, learner_asset.c, learner_sheet.c, learner_visit.c ------------------------

void learner_put_page(struct learner *l, const struct evidence *e, uint64_t now_ms);
void learner_put_asset(struct learner *l, const struct evidence *e, uint64_t now_ms);
void learner_put_sheet(struct learner *l, const struct evidence *e, uint64_t now_ms);
void learner_put_visit(struct learner *l, const struct evidence *e, uint64_t now_ms);

// ---- learner_voter.c ----------------------------------------------------------------------------

// Who votes in a node: from where (network and page), and as whom.
uint32_t learner_from(const struct learner *l, const struct evidence *e);
uint64_t learner_voter(const struct learner *l, const struct node *node, const struct evidence *e);
// The vote of the evidence's voter in a node, which says nothing yet that another user was given.
// NULL: it may not vote there now.
struct vote *learner_admit(struct learner *l, struct node *node, const struct evidence *e);
// All votes are of that network.
bool learner_is_only_network(const struct node *node, uint16_t network);

// ---- learner_pattern.c --------------------------------------------------------------------------

// From where somebody votes in a node: the network, and of a folder's pattern the folder or page
// right below it, since one author's pages mostly have one.
uint32_t learner_from_below(const struct learner *l, const struct node *node,
                            const struct evidence *e);
// How much of the page's path it takes to have all of its segments that are in the file's URL: 0
// where it has none, SIZE_MAX where a value of its query is.
size_t learner_own_part(struct span key, const struct asset_file *f);
// Whether a node may vote on what has that much of a page's path in its URL: all its pages have.
bool learner_may_take(const struct node *node, size_t own);
// All names in the file's URL that nobody has thought of are in the node's own, too.
bool learner_knows_names(const struct node *node, const struct asset_file *f);
// Marks those of other hosts that the policy of their page names.
void learner_name_hosts(struct asset_file *const *files, size_t n, struct span csp);
// The asset's host is the site's own, or named by the operator, by a page's policy or all over the
// site.
bool learner_is_host_known(struct learner *l, const struct node *node, const struct asset *asset);
// Enough networks, pages and folders below a pattern have it: where others were given pages without
// it, as many as `distinct`.
bool learner_is_common(const struct ballot_share *share, unsigned distinct);

// ---- learner_abandon.c --------------------------------------------------------------------------

// Looks whether the newest votes of a site's pattern leave something behind.
void learner_abandon(struct learner *l, const struct node *site, uint64_t now_ms);
// A page has it.
void learner_use_again(struct asset_file *f, uint64_t now_ms);
// Votes that had something abandoned count no longer.
void learner_pass_over(const struct learner *l, const struct node *node, struct ballot_view *view);

// ---- learner_judge.c ----------------------------------------------------------------------------

// What the votes of a node amount to now. With `now_ms` not 0, unknown assets are asked for.
void learner_judge(struct learner *l, struct node *node, uint64_t now_ms, struct judgement *out);
// Judges it and publishes what changed.
void learner_decide(struct learner *l, struct node *node, uint64_t now_ms);
// Goes on with a plan that it had: of these assets, as far as they may still be hinted.
void learner_resume(struct learner *l, struct node *node, struct asset *const *assets, size_t n);

// ---- learner_use.c ------------------------------------------------------------------------------

// Whether a browser could use the asset, which is needed; LEARNER_HINTED, or why not. was: it is in
// the plan.
enum learner_verdict learner_use(const struct judging *j, struct asset *asset, bool was);

// ---- learner_group.c ----------------------------------------------------------------------------

// Gives the node a plan of these assets; NULL: none.
void learner_set_group(struct learner *l, struct node *node, const struct group_key *key);
bool learner_group_has(const struct group *group, const struct asset *asset);
// The place of an asset in the group's plan, from 1; 0: it has none.
unsigned learner_group_rank(const struct group *group, const struct asset *asset);
// Takes a file out of all plans at once, or puts its newest version in its place.
void learner_take_out(struct learner *l, const struct asset_file *file);
// Of the nodes whose plan has the file, how many networks know the one that most know.
unsigned learner_networks_of(const struct learner *l, const struct asset_file *file);
// Judges some of the nodes whose plan has the file again.
void learner_judge_users(struct learner *l, const struct asset_file *file, uint64_t now_ms);
// The next node to which its group's plan is to be told, or NULL.
struct node *learner_next_stale(struct learner *l);
void learner_free_groups(struct learner *l);

#endif
