// SPDX-License-Identifier: MIT
// A small world in which the learner is held to its first promise, for the privacy simulation:
// sites by chance, people who sign in in every way there is, who roam or sign in again and again,
// and what each response gave to whom. The learner is told what the sidecar would tell it, by the
// same code: who asked (hints/audience), to whom the response was given (learner/recipient), its
// evidence.
//
// The invariant. For every visitor V of a page and every URL U that he is hinted there, whose
// versions (?ver=) count as one, one of these is so:
//
//     - a response gave it that anybody could have been given: nobody's credentials, not private;
//       and in a network of the Internet, if V is in one; and not because of its address, if V has
//       another
//     - this page gave it to somebody without credentials, as V is
//     - responses gave it to k people in k networks at least, and V could have been given these: of
//       sessions, if he has one himself; else of others
//
// People are told apart by the world, which knows them; the learner has only what they show.
// Each of them either roams or signs in again: who does both can be told from two by nobody.
#ifndef SIM_LEARNING_WORLD_H
#define SIM_LEARNING_WORLD_H

#include "hints/lineage.h"
#include "sim/learning_pupil.h"

#define WORLD_PEOPLE 24
#define WORLD_PAGES 20
#define WORLD_NETWORKS 12
#define WORLD_INSIDE 3         // of the networks, so many are not of the Internet
#define WORLD_OFFICE_NETWORK 3 // of the Internet
#define WORLD_WORKERS 2
#define WORLD_URLS 512
#define WORLD_USES 12    // of one page
#define WORLD_DISTINCT 3 // the k

// How somebody shows who he is.
enum world_scheme {
    WORLD_NOBODY,
    WORLD_PHP,     // a session's cookie that stays the same until he signs in again
    WORLD_LARAVEL, // one that is another with each answer
    WORLD_FIELD,   // a field of a front
    WORLD_BASIC,
    WORLD_AUTH,  // a cookie of unknown name that stays the same
    WORLD_TOKEN, // one that is renewed now and then
    WORLD_SCHEMES,
};

// What a page gives.
enum world_kind {
    WORLD_OPEN,     // the same to all
    WORLD_PERSONAL, // to who shows who he is what is his
    WORLD_NO_STORE, // likewise, and says that it is private
    WORLD_INTRANET, // to who is inside more than to others
    WORLD_SECRET,   // one person's, who alone knows its URL; says that it is private
    WORLD_OFFICE,   // to one network of the Internet more than to others, and says nothing of it
    WORLD_KINDS,
};

// One thing that happens. All else follows from the events before it.
struct world_event {
    uint8_t person, page;
    uint8_t network; // where he is, if he roams
    uint8_t worker;  // which of the workers answers
    uint8_t minutes; // since the event before
    bool signs_in;   // he signs in again first, if he does such things
    bool fails;      // the page redirects
    bool is_hidden;  // no fetches are seen
    bool is_late;    // the fetches are told after the next page
    bool is_renewed; // the cookie is renewed, if it is one that is now and then
    bool is_cut;     // what was found in the page did not all fit
    bool is_deploy;  // the files have another version from now on
};

struct world_person {
    enum world_scheme scheme;
    bool roams, signs_in; // never both
    uint8_t home, agent, group;
    char cookie[32]; // the value that he has now
    unsigned serial; // of his cookies
};

// Who was given a URL: of each kind of response as many people and networks as matter.
struct world_given {
    uint64_t people, networks; // bits
};

struct world_url {
    char text[64];
    bool is_open, is_open_inside;
    bool is_of_office;                  // given by address
    uint32_t by_page;                   // bits of pages that gave it to who showed nothing
    struct world_given session, others; // given in private
};

// What a browser fetched after a page.
struct world_fetches {
    struct pupil_visitor visitor;
    uint8_t flags;
    size_t n;
    uint16_t urls[WORLD_USES];
    bool was_hinted[WORLD_USES];
};

struct world {
    struct pupil pupil;
    struct lineage lineages[WORLD_WORKERS];
    struct world_person people[WORLD_PEOPLE];
    struct {
        enum world_kind kind;
        uint8_t owner; // of a secret page
        char path[48];
    } pages[WORLD_PAGES];
    struct world_url urls[WORLD_URLS];
    size_t urls_n;
    unsigned version;
    bool has_late;
    struct world_fetches late;
    uint64_t hints, personal; // that were checked; those among them that not everybody was given
    // What broke the invariant: the URL, and who was hinted it where.
    const char *broken;
    uint8_t broken_person, broken_page;
};

// A world that follows from the seed.
void world_init(struct world *w, uint64_t seed);
void world_fini(struct world *w);
// An event by chance, one that can happen in this world.
struct world_event world_chance(const struct world *w, uint64_t seed, uint64_t nth);
// Lets it happen: checks what the visitor is hinted, then gives him the page and teaches that.
// False: the invariant is broken.
bool world_happen(struct world *w, const struct world_event *e);
// Writes the event in words. What does not fit is cut off.
void world_tell(const struct world *w, const struct world_event *e, char *out, size_t cap);

#endif
