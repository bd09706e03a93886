// SPDX-License-Identifier: MIT
#include "learner/ballot.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#define Z 0.84f           // one-sided: four of five times the share is above the bound
#define FADED (1.0f / 16) // by age alone: four half-lives
#define MINUTES_OF_DAY (24 * 60)

void ballot_free(struct ballot *b) {
    free(b->v);
    *b = (struct ballot){.v = NULL};
}

struct vote *ballot_find(const struct ballot *b, uint64_t voter) {
    for (unsigned i = b->n; i > 0; i--) {
        if (b->v[i - 1].voter == voter) {
            return &b->v[i - 1];
        }
    }
    return NULL;
}

static void take_out(struct ballot *b, unsigned at) {
    b->n--;
    memmove(&b->v[at], &b->v[at + 1], (b->n - at) * sizeof *b->v);
}

static unsigned votes_of(const struct ballot *b, uint16_t network) {
    unsigned n = 0;
    for (unsigned i = 0; i < b->n; i++) {
        n += b->v[i].network == network;
    }
    return n;
}

bool ballot_may_put(const struct ballot *b, uint64_t voter, uint32_t from) {
    const struct vote *old = ballot_find(b, voter);
    uint16_t network = (uint16_t)(from >> 16);
    unsigned n = votes_of(b, network);
    return old == NULL || old->network == network || n == 0 || n < b->n / 4u;
}

// Of the network that has the most votes, the newcomer's counted, the vote of the page that the
// fewest networks know; of these the oldest.
static unsigned find_dispensable(const struct ballot *b, uint16_t newcomer) {
    unsigned votes[BALLOT_MAX], most = 0, at = 0;
    for (unsigned i = 0; i < b->n; i++) {
        votes[i] = votes_of(b, b->v[i].network) + (b->v[i].network == newcomer);
        most = votes[i] > most ? votes[i] : most;
    }
    for (unsigned i = 0, least = UINT_MAX; i < b->n; i++) {
        if (votes[i] == most && b->v[i].spread < least) {
            least = b->v[i].spread;
            at = i;
        }
    }
    return at;
}

static void make_room(struct ballot *b, uint16_t newcomer, unsigned max) {
    if (b->n == max) {
        take_out(b, find_dispensable(b, newcomer));
    }
    if (b->n == b->cap) {
        b->cap = (uint8_t)(b->cap ? 2 * b->cap : 1);
        b->v = realloc(b->v, b->cap * sizeof *b->v);
        if (b->v == NULL) {
            abort();
        }
    }
}

struct vote *ballot_put(struct ballot *b, uint64_t voter, uint32_t from,
                        const struct ballot_rules *rules) {
    struct vote *old = ballot_find(b, voter);
    struct vote vote = {.voter = voter};
    if (old != NULL) {
        vote = *old;
        take_out(b, (unsigned)(old - b->v));
    } else {
        make_room(b, (uint16_t)(from >> 16), rules->max);
    }
    vote.network = (uint16_t)(from >> 16);
    vote.page = (uint16_t)from;
    b->v[b->n] = vote;
    return &b->v[b->n++];
}

unsigned ballot_networks(const struct ballot *b, unsigned most) {
    unsigned n = 0;
    for (unsigned i = 0; i < b->n && n < most; i++) {
        bool is_new = true;
        for (unsigned k = 0; k < i; k++) {
            is_new &= b->v[k].network != b->v[i].network;
        }
        n += is_new;
    }
    return n;
}

bool ballot_is_inside(const struct ballot *b) {
    bool is_inside = b->n > 0;
    for (unsigned i = 0; i < b->n; i++) {
        is_inside &= vote_is_inside(&b->v[i]);
    }
    return is_inside;
}

// ---- what they say ------------------------------------------------------------------------------

// How many there are of what votes have a bit for.
struct crowd {
    unsigned networks, pages, users;
};

// Gives vote i one bit for its network, one for its page and one for its user, the same as others
// of them have.
static void give_bits(struct ballot_view *view, unsigned i, struct crowd *crowd) {
    const struct vote *v = view->ballot->v;
    for (unsigned k = i + 1; k < view->ballot->n; k++) {
        if (view->weight[k] > 0 && v[k].network == v[i].network) {
            view->network[i] = view->network[k];
        }
        if (view->weight[k] > 0 && v[k].page == v[i].page) {
            view->page[i] = view->page[k];
        }
        if (view->weight[k] > 0 && v[k].user == v[i].user) {
            view->user[i] = view->user[k];
        }
    }
    if (view->network[i] == 0) {
        view->network[i] = UINT64_C(1) << crowd->networks++;
    }
    if (view->page[i] == 0) {
        view->page[i] = UINT64_C(1) << crowd->pages++;
    }
    if (view->user[i] == 0 && v[i].user != 0) {
        view->user[i] = UINT64_C(1) << crowd->users++;
    }
}

void ballot_look(struct ballot_view *view, const struct ballot *b,
                 const struct ballot_rules *rules) {
    float by_rank = 1, step = exp2f(-1 / rules->half_votes);
    struct crowd crowd = {0, 0, 0};
    float by_visit = 1, visit_step = exp2f(-1 / rules->half_visits);
    uint32_t newest = 0;
    *view = (struct ballot_view){.ballot = b};
    for (unsigned i = 0; i < b->n; i++) {
        newest = b->v[i].at_min > newest ? b->v[i].at_min : newest;
    }
    for (unsigned i = b->n; i-- > 0; by_rank *= step, by_visit *= visit_step) {
        float days = (float)(newest - b->v[i].at_min) / MINUTES_OF_DAY;
        float by_age = days > 0 ? exp2f(-days / rules->half_days) : 1;
        if (by_age < FADED) {
            continue;
        }
        view->weight[i] = by_rank * by_age;
        view->visit[i] = by_visit * by_age;
        give_bits(view, i, &crowd);
    }
}

// The sums while the votes are counted.
struct count {
    struct ballot_share share;
    float sum, yes, squares;
    float for_it[BALLOT_MAX]; // by network: weight of its votes that say yes, less that of others
    uint64_t networks, yes_pages;
    uint64_t running, others; // networks
    bool has_run_out;
    // Of those that say yes and can be told, the networks of each user: by what he is told by, and
    // by his place.
    uint64_t given[VOTE_KINDS][BALLOT_MAX];
};

static void add(struct count *c, const struct ballot_view *view, unsigned i, float weight,
                bool says_yes) {
    c->sum += weight;
    c->squares += weight * weight;
    c->share.newest = c->share.votes == 0 ? says_yes : c->share.newest;
    c->share.votes++;
    c->has_run_out |= says_yes != c->share.newest;
    c->share.run += !c->has_run_out;
    c->share.mixed += c->has_run_out && says_yes == c->share.newest;
    c->networks |= view->network[i];
    *(c->has_run_out ? &c->others : &c->running) |= view->network[i];
    c->for_it[__builtin_ctzll(view->network[i])] += says_yes ? weight : -weight;
    if (says_yes) {
        c->yes += weight;
        c->share.voters++;
        c->share.open += !view->ballot->v[i].is_private;
        c->share.outside += !view->ballot->v[i].is_private && !vote_is_inside(&view->ballot->v[i]);
        c->yes_pages |= view->page[i];
        if (view->user[i] != 0) {
            c->given[vote_kind(&view->ballot->v[i])][__builtin_ctzll(view->user[i])] |=
                view->network[i];
        }
    }
}

static unsigned count_bits(uint64_t bits) {
    return (unsigned)__builtin_popcountll(bits);
}

// Finds the user a network that no other has, if need be by giving another user another one (Kuhn's
// augmenting path). `tried`: networks that are of no use.
static bool settle(const uint64_t *networks, unsigned user, uint8_t *users, uint64_t *tried) {
    for (uint64_t left = networks[user] & ~*tried; left != 0; left = networks[user] & ~*tried) {
        unsigned network = (unsigned)__builtin_ctzll(left);
        *tried |= UINT64_C(1) << network;
        if (users[network] == 0 || settle(networks, users[network] - 1U, users, tried)) {
            users[network] = (uint8_t)(user + 1);
            return true;
        }
    }
    return false;
}

// How many users there are of whom each has a network of his own. The smaller number of the two
// would take one user in three networks and two log-ins of another in one for three.
static unsigned count_given(const uint64_t networks[BALLOT_MAX], unsigned most) {
    uint8_t users[BALLOT_MAX] = {0}; // of each network, from 1
    unsigned n = 0;
    for (unsigned user = 0; user < most; user++) {
        uint64_t tried = 0;
        n += networks[user] != 0 && settle(networks, user, users, &tried);
    }
    return n;
}

// most: users there can be.
static struct ballot_share finish(struct count *c, unsigned most) {
    if (c->share.votes > 0) {
        c->share.need = c->yes / c->sum;
        c->share.low = ballot_wilson(c->share.need, c->sum * c->sum / c->squares);
        c->share.pages = count_bits(c->yes_pages);
        c->share.networks = count_bits(c->networks);
        c->share.running = count_bits(c->running);
        c->share.others = count_bits(c->others);
        for (uint64_t rest = c->networks; rest != 0; rest &= rest - 1) {
            c->share.yes += c->for_it[__builtin_ctzll(rest)] >= 0;
        }
        c->share.no = c->share.networks - c->share.yes;
        for (unsigned kind = 0; kind < VOTE_KINDS; kind++) {
            unsigned given = count_given(c->given[kind], most);
            c->share.given = given > c->share.given ? given : c->share.given;
        }
    }
    return c->share;
}

struct ballot_share ballot_ask(const struct ballot_view *view, enum ballot_question question,
                               unsigned bit) {
    struct count c = {.sum = 0};
    uint64_t mask = UINT64_C(1) << bit;
    for (unsigned i = view->ballot->n; i-- > 0;) {
        const struct vote *v = &view->ballot->v[i];
        bool counts = question == BALLOT_VISIT    ? v->has_visit && v->testable & mask
                      : question == BALLOT_BEHIND ? v->has_page && v->html & mask
                                                  : v->has_page;
        uint64_t says = question == BALLOT_VISIT    ? v->fetched
                        : question == BALLOT_BEHIND ? v->behind
                                                    : v->html;
        if (view->weight[i] > 0 && counts) {
            float weight = question == BALLOT_VISIT ? view->visit[i] : view->weight[i];
            add(&c, view, i, weight, (says & mask) != 0);
        }
    }
    return finish(&c, view->ballot->n);
}

struct ballot_share ballot_failures(const struct ballot_view *view) {
    struct count c = {.sum = 0};
    for (unsigned i = view->ballot->n; i-- > 0;) {
        if (view->weight[i] > 0) {
            add(&c, view, i, view->weight[i], view->ballot->v[i].has_failed);
        }
    }
    return finish(&c, view->ballot->n);
}

void ballot_forget(struct ballot *b, unsigned keep) {
    unsigned n = b->n > keep ? b->n - keep : 0;
    memmove(b->v, b->v + n, (b->n - n) * sizeof *b->v);
    b->n = (uint8_t)(b->n - n);
}

bool ballot_has_turned(const struct ballot_share *share) {
    return share->running >= 2 && 2 * share->running >= share->others && share->mixed == 0;
}

float ballot_wilson(float share, float n) {
    if (n <= 0) {
        return 0;
    }
    float z2 = Z * Z;
    float middle = share + z2 / (2 * n);
    float width = Z * sqrtf(share * (1 - share) / n + z2 / (4 * n * n));
    float low = (middle - width) / (1 + z2 / n);
    return low > 0 ? low : 0;
}
