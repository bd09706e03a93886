// SPDX-License-Identifier: MIT
// A learner as the server keeps it, for tests: evidence is encoded and decoded as on its way
// through the ring, what is published is kept in a table, questions about assets are answered from
// what the test says of them, retired plans are freed. The clock is the test's.
#ifndef SIM_LEARNING_PUPIL_H
#define SIM_LEARNING_PUPIL_H

#include "learner/learner.h"

#define PUPIL_SITE "site.example"

// What became of a question about an asset. False: it is not known either.
typedef bool pupil_look_up(void *self, struct span path, struct evidence *asset);

struct pupil_slot {
    struct route_id id;
    struct offer offer;
};

struct pupil {
    struct learner *l;
    struct siphash_key secret;
    uint64_t now_ms;
    struct pupil_slot *slots; // open addressing; a dropped one keeps its place without a plan
    size_t slots_n, used;
    uint64_t plans_n;       // published
    pupil_look_up *look_up; // NULL: every asset exists and can be kept
    void *self;
};

// Who asked for what.
struct pupil_visitor {
    const char *path, *query; // query: "" for none
    uint64_t network;
    uint64_t session;   // 0: nobody in particular
    bool is_private;    // the response is for one user only
    uint64_t user;      // by the best evidence; 0: the session, or the network
    bool is_cut;        // not all of the page fitted
    bool is_inside;     // his network is not of the Internet
    bool is_named;      // that are credentials
    bool is_user_known; // `user` counts as it is: 0 says that it cannot be told
};

// A learner with those bounds; conf->secret is set here.
void pupil_init(struct pupil *p, struct learner_conf conf);
void pupil_fini(struct pupil *p);
// A response with status 200 and those items; does nothing where the query makes it teach nothing.
void pupil_page(struct pupil *p, const struct pupil_visitor *v, const struct evidence_item *items,
                size_t n);
// One with another status.
void pupil_failed(struct pupil *p, const struct pupil_visitor *v, uint16_t status);
// The asset requests that followed a navigation; flags: of enum evidence_flag.
void pupil_visit(struct pupil *p, const struct pupil_visitor *v, uint8_t flags,
                 const struct evidence_item *items, size_t n);
// What an asset answered: as the disk has it.
void pupil_asset(struct pupil *p, const char *path, enum hint_as as, uint16_t status);
// Likewise what a script answered a client of that network.
void pupil_asset_to(struct pupil *p, const char *path, enum hint_as as, uint16_t status,
                    uint64_t network);
// The plan that the visitor is offered, or NULL.
const struct plan *pupil_plan(const struct pupil *p, const struct pupil_visitor *v);
// The plan has a hint for that target.
bool pupil_hints(const struct pupil *p, const struct pupil_visitor *v, const char *target);

#endif
