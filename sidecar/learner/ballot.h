// SPDX-License-Identifier: MIT
// The recent votes on what a route needs. A ballot holds one vote of each voter. The voters of a
// page are client networks or sessions; the voters of a pattern are its pages. How much an asset is
// needed is its share of the votes, weighted by their age; with few votes the lower bound of that
// share counts (Wilson's score interval, 1927).
//
// Each vote also says from which network and which page it came. In a full ballot a new vote takes
// the place of one of the network that has the most votes, so that no network outvotes the others
// by asking often.
#ifndef LEARNER_BALLOT_H
#define LEARNER_BALLOT_H

#include "base/span.h"

#define BALLOT_MAX 32 // votes

struct vote {
    uint64_t voter;
    uint16_t network, page;  // from where: short hashes
    uint32_t user;           // who was given it: vote_user; 0: cannot be told
    uint32_t at_min : 28;    // Unix time in minutes
    uint32_t is_private : 1; // what it says was meant for that user alone
    uint32_t has_page : 1;   // html counts
    uint32_t has_visit : 1;  // fetched counts, where testable
    uint32_t has_failed : 1; // the newest response was no 200
    uint8_t spread;          // of a pattern: networks that were given the page before
    uint64_t html;           // bit of each asset that the page or its fields had
    uint64_t fetched;        // that was fetched after a navigation
    uint64_t testable;       // that nobody had hinted then
    uint64_t behind;         // of html: what stands behind the head, or does not block
};

// What a user is told by. Who showed credentials may be the one who showed none elsewhere, and
// whoever was given something in private the one for whom a network stands that was given it
// openly. So the kinds are told apart, and not counted together.
enum vote_kind { VOTE_NETWORK, VOTE_NAMED, VOTE_OTHER, VOTE_KINDS };

static inline uint32_t vote_user(uint32_t hash, enum vote_kind kind) {
    return (hash & ~UINT32_C(3)) | (kind == VOTE_NETWORK ? 3 : kind);
}

static inline enum vote_kind vote_kind(const struct vote *v) {
    return (v->user & 3) == 3 ? VOTE_NETWORK : (enum vote_kind)(v->user & 3);
}

// It came from a network that is not of the Internet: the last bit of its hash says so.
static inline bool vote_is_inside(const struct vote *v) {
    return (v->network & 1) != 0;
}

struct ballot {
    struct vote *v; // the newest at the end
    uint8_t n, cap;
};

// How much the votes weigh.
struct ballot_rules {
    uint8_t max;       // votes, at most BALLOT_MAX
    float half_votes;  // so many newer votes halve a vote's weight
    float half_visits; // likewise of what visits fetched
    float half_days;   // so much older than the newest vote halves it
};

// The weights of a ballot, made once for all its assets.
struct ballot_view {
    const struct ballot *ballot;
    float weight[BALLOT_MAX];     // 0: too old to count
    float visit[BALLOT_MAX];      // likewise of what visits fetched
    uint64_t network[BALLOT_MAX]; // one bit for each network
    uint64_t page[BALLOT_MAX];    // one bit for each page
    uint64_t user[BALLOT_MAX];    // one bit for each user who can be told
};

// BEHIND: of the votes whose page has it.
enum ballot_question { BALLOT_PAGE, BALLOT_VISIT, BALLOT_BEHIND };

struct ballot_share {
    float need, low;   // share of the votes, and its lower bound; 0 when there are none
    unsigned voters;   // that say yes
    unsigned open;     // that say yes and were not private
    unsigned outside;  // of these, from networks of the Internet
    unsigned votes;    // that say anything
    unsigned networks; // that say anything
    unsigned yes, no;  // networks that say so, each in most of its votes
    unsigned run;      // votes at the newest end that say what the newest one says
    unsigned running;  // networks of these
    unsigned others;   // networks of all other votes
    unsigned mixed;    // of these votes, those that say what the newest one says, too
    unsigned pages;    // that say yes
    unsigned given;    // users that say yes and can be told, each of a network of his own
    bool newest;       // what the newest vote says
};

void ballot_free(struct ballot *b);
// The vote of a voter, or NULL.
struct vote *ballot_find(const struct ballot *b, uint64_t voter);
// Whether that network may cast the vote of this voter. A network that votes for one voter of
// others after the other gets at most a quarter of a ballot in this way.
bool ballot_may_put(const struct ballot *b, uint64_t voter, uint32_t from);
// The vote of a voter as the newest one, from that network (the upper 16 bits of `from`) and page
// (the lower ones); a new voter gets an empty one, for which an old one may
// have to go. Never NULL. Borrowed until the next put.
struct vote *ballot_put(struct ballot *b, uint64_t voter, uint32_t from,
                        const struct ballot_rules *rules);
void ballot_look(struct ballot_view *view, const struct ballot *b,
                 const struct ballot_rules *rules);
// Of how many networks there are votes; `most` where there are as many.
unsigned ballot_networks(const struct ballot *b, unsigned most);
// There are votes, and all come from networks that are not of the Internet.
bool ballot_is_inside(const struct ballot *b);
// What the votes say to one question about the asset of that bit.
struct ballot_share ballot_ask(const struct ballot_view *view, enum ballot_question question,
                               unsigned bit);
// The share of the votes whose newest response failed; need, yes and no as above.
struct ballot_share ballot_failures(const struct ballot_view *view);
// The newest votes agree, of half as many networks as all others, two at least, and all before them
// say the opposite. What an application has changed looks like this, and so do as many liars; a
// page of which there are variants does not.
bool ballot_has_turned(const struct ballot_share *share);
// Forgets all but the newest votes.
void ballot_forget(struct ballot *b, unsigned keep);
// The lower bound of a share of n (which may be fractional).
float ballot_wilson(float share, float n);

#endif
