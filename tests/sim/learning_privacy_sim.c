// SPDX-License-Identifier: MIT
// The privacy simulation: many small worlds of users, sessions, roamers and adversaries, in each of
// which every hint is held against what the world knows of who was given what. The invariant stands
// in learning_world.h. When it is broken, the history is shrunk to the shortest that breaks it
// still, and that is printed.
//
//     learning_privacy_sim [VIEWS [SEED]]     so many page views; status 1 when it was broken
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/learning_site.h"
#include "sim/learning_world.h"

#define VIEWS 20000 // by default: what every build can afford
#define EPISODE 500 // views of one world

struct totals {
    uint64_t views, worlds, hints, personal;
};

// Replays a history in a new world of that seed. How many events it took to break the invariant; 0:
// it holds.
static size_t replay(uint64_t seed, const struct world_event *events, size_t n,
                     struct totals *totals) {
    struct world *w = malloc(sizeof *w);
    size_t broken = 0;
    assert(w);
    world_init(w, seed);
    for (size_t i = 0; i < n && !broken; i++) {
        broken = world_happen(w, &events[i]) ? 0 : i + 1;
    }
    if (totals) {
        totals->views += broken ? broken : n;
        totals->worlds++;
        totals->hints += w->hints;
        totals->personal += w->personal;
    }
    world_fini(w);
    free(w);
    return broken;
}

// Leaves out as many events as it can, by halves, quarters and so on. How many are left.
static size_t shrink(uint64_t seed, struct world_event *events, size_t n) {
    struct world_event *tried = malloc(n * sizeof *tried);
    assert(tried);
    for (size_t part = n / 2; part > 0;) {
        bool is_shorter = false;
        for (size_t at = 0; at + part <= n;) {
            memcpy(tried, events, at * sizeof *tried);
            memcpy(tried + at, events + at + part, (n - at - part) * sizeof *tried);
            size_t broken = replay(seed, tried, n - part, NULL);
            if (broken) {
                n = broken;
                memcpy(events, tried, n * sizeof *tried);
                is_shorter = true;
            } else {
                at += part;
            }
        }
        part = part > 1 || !is_shorter ? part / 2 : 1;
    }
    free(tried);
    return n;
}

static void print_history(uint64_t seed, const struct world_event *events, size_t n) {
    struct world *w = malloc(sizeof *w);
    char line[256];
    assert(w);
    world_init(w, seed);
    printf("the invariant is broken in world %llu:\n", (unsigned long long)seed);
    for (size_t i = 0; i < n; i++) {
        world_tell(w, &events[i], line, sizeof line);
        printf("%3zu  %s\n", i + 1, line);
        if (!world_happen(w, &events[i])) {
            printf("     is hinted %s, which was not given to %u people in %u networks\n",
                   w->broken, WORLD_DISTINCT, WORLD_DISTINCT);
        }
    }
    world_fini(w);
    free(w);
}

// One world. False: the invariant was broken there.
static bool play(uint64_t seed, struct totals *totals) {
    static struct world_event events[EPISODE];
    struct world *w = malloc(sizeof *w);
    assert(w);
    world_init(w, seed);
    for (size_t i = 0; i < EPISODE; i++) {
        events[i] = world_chance(w, seed, i);
    }
    world_fini(w);
    free(w);
    size_t broken = replay(seed, events, EPISODE, totals);
    if (broken) {
        print_history(seed, events, shrink(seed, events, broken));
    }
    return broken == 0;
}

int main(int argc, char **argv) {
    uint64_t views = argc > 1 ? strtoull(argv[1], NULL, 10) : VIEWS;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct totals totals = {0};
    bool holds = true;
    while (holds && totals.views < views) {
        holds = play(seed++, &totals);
    }
    printf("%llu page views in %llu worlds: %llu hints checked, %llu of them not of what everybody "
           "is given\n",
           (unsigned long long)totals.views, (unsigned long long)totals.worlds,
           (unsigned long long)totals.hints, (unsigned long long)totals.personal);
    // A world in which nothing is hinted would break no promise either.
    holds = holds && totals.hints > totals.views / 4 && totals.personal > totals.views / 100;
    return holds ? EXIT_SUCCESS : EXIT_FAILURE;
}
