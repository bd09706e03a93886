// SPDX-License-Identifier: MIT
// Nodes that need the same share one plan. What happens to an asset changes the plan of the group
// at once, without touching its nodes; these are told one by one as the news are pulled.
#include "learner/learner_inside.h"

#include <stdlib.h>

#define USERS_MAX 64 // nodes judged again when something becomes known of an asset they use

static uint64_t bloom_bit(uint32_t number) {
    return UINT64_C(1) << (number * UINT32_C(2654435769) >> 26);
}

static uint64_t bloom_of(const struct group_key *key) {
    uint64_t bloom = 0;
    for (size_t i = 0; i < key->n; i++) {
        bloom |= bloom_bit(key->numbers[i]);
    }
    return bloom;
}

static size_t key_len(const struct group_key *key) {
    return offsetof(struct group_key, numbers) + key->n * sizeof *key->numbers;
}

static bool is_same(const struct group_key *a, const struct group_key *b) {
    return a->n == b->n && a->csp == b->csp && a->referrer == b->referrer &&
           a->limits.links == b->limits.links && a->limits.bytes == b->limits.bytes &&
           memcmp(a->numbers, b->numbers, a->n * sizeof *a->numbers) == 0;
}

static uint64_t hash_of(const struct learner *l, const struct group_key *key) {
    return siphash(&l->conf.secret, span_of(key->numbers, key->n * sizeof *key->numbers)) ^
           (uint64_t)key->csp << 16 ^ key->referrer;
}

// ---- plans --------------------------------------------------------------------------------------

static struct plan *make_plan(struct learner *l, const struct group_key *key) {
    struct hint hints[HINT_SET_MAX];
    struct plan_conf conf = {.limits = key->limits,
                             .csp = l->policies[key->csp].text,
                             .referrer = l->policies[key->referrer].text};
    for (size_t i = 0; i < key->n; i++) {
        hints[i] = asset_at(&l->assets, key->numbers[i])->hint;
    }
    struct plan *plan = plan_new(&conf, hints, key->n);
    l->bytes += plan->size + ALLOCATION;
    return plan;
}

static void retire_plan(struct learner *l, struct plan *plan) {
    if (l->retired_n == l->retired_cap) {
        l->retired_cap = l->retired_cap ? 2 * l->retired_cap : 64;
        l->retired = realloc(l->retired, l->retired_cap * sizeof(struct plan *));
        if (l->retired == NULL) {
            abort();
        }
    }
    l->bytes -= plan->size + ALLOCATION;
    l->retired[l->retired_n++] = plan;
}

// Counts what the key refers to, or one less.
static void hold(struct learner *l, const struct group_key *key, bool has) {
    for (size_t i = 0; i < key->n; i++) {
        asset_plan(&l->assets, asset_at(&l->assets, key->numbers[i]), has);
    }
    l->policies[key->csp].refs += has ? 1u : UINT32_MAX;
    l->policies[key->referrer].refs += has ? 1u : UINT32_MAX;
}

// ---- groups -------------------------------------------------------------------------------------

static struct group **bucket(const struct learner *l, uint64_t hash) {
    return &l->group_buckets[hash & l->group_mask];
}

static void unchain(struct learner *l, struct group *g) {
    struct group **at = bucket(l, g->hash);
    while (*at != g) {
        at = &(*at)->chain;
    }
    *at = g->chain;
}

static void chain(struct learner *l, struct group *g) {
    struct group **at = bucket(l, g->hash);
    g->chain = *at;
    *at = g;
}

static void enlist(struct learner *l, struct group *g) {
    if (l->groups_n == l->groups_cap) {
        size_t old = l->groups_cap;
        l->groups_cap = old ? 2 * old : 64;
        l->groups = realloc(l->groups, l->groups_cap * sizeof(struct group *));
        l->blooms = realloc(l->blooms, l->groups_cap * sizeof *l->blooms);
        if (l->groups == NULL || l->blooms == NULL) {
            abort();
        }
        l->bytes += (l->groups_cap - old) * (sizeof(struct group *) + sizeof *l->blooms);
    }
    g->at = l->groups_n++;
    l->groups[g->at] = g;
    l->blooms[g->at] = bloom_of(&g->key);
}

static size_t group_size(const struct group_key *key) {
    return offsetof(struct group, key) + key_len(key);
}

static struct group *find_group(struct learner *l, const struct group_key *key) {
    uint64_t hash = hash_of(l, key);
    struct group *g = *bucket(l, hash);
    while (g != NULL && (g->hash != hash || !is_same(&g->key, key))) {
        g = g->chain;
    }
    if (g != NULL) {
        return g;
    }
    g = learner_allocate(l, group_size(key));
    memcpy(&g->key, key, key_len(key));
    g->hash = hash;
    list_init(&g->nodes);
    list_init(&g->stale);
    list_init(&g->pending);
    chain(l, g);
    enlist(l, g);
    hold(l, key, true);
    g->plan = make_plan(l, key);
    return g;
}

static void free_group(struct learner *l, struct group *g) {
    struct group *last = l->groups[--l->groups_n];
    unchain(l, g);
    l->groups[g->at] = last;
    l->blooms[g->at] = l->blooms[last->at];
    last->at = g->at;
    list_drop(&g->pending);
    retire_plan(l, g->plan);
    hold(l, &g->key, false);
    learner_release(l, g, group_size(&g->key));
}

static void leave(struct learner *l, struct node *node) {
    struct group *g = node->group;
    list_drop(&node->peers);
    node->group = NULL;
    if (list_is_empty(&g->stale)) {
        list_drop(&g->pending);
        if (list_is_empty(&g->nodes)) {
            free_group(l, g);
        }
    }
}

void learner_set_group(struct learner *l, struct node *node, const struct group_key *key) {
    if (key == NULL && node->group == NULL) {
        return;
    }
    struct group *g = key != NULL ? find_group(l, key) : NULL;
    if (g == node->group) {
        return;
    }
    if (node->group != NULL) {
        leave(l, node);
    }
    if (g != NULL) {
        node->group = g;
        list_put(&g->nodes, &node->peers);
    }
    if (!node->is_gone && (g != NULL || node->is_told)) {
        learner_tell(l, node);
    }
}

unsigned learner_group_rank(const struct group *group, const struct asset *asset) {
    for (unsigned i = 0; i < group->key.n; i++) {
        if (group->key.numbers[i] == asset->number) {
            return i + 1;
        }
    }
    return 0;
}

bool learner_group_has(const struct group *group, const struct asset *asset) {
    return learner_group_rank(group, asset) > 0;
}

struct node *learner_next_stale(struct learner *l) {
    if (list_is_empty(&l->pending)) {
        return NULL;
    }
    struct group *g = LIST_ITEM(l->pending.next, struct group, pending);
    struct node *node = LIST_ITEM(g->stale.next, struct node, peers);
    list_put(&g->nodes, &node->peers);
    learner_change(l, node);
    if (list_is_empty(&g->stale)) {
        list_drop(&g->pending);
    }
    return node;
}

void learner_free_groups(struct learner *l) {
    struct plan *plan;
    while (l->groups_n > 0) {
        free_group(l, l->groups[l->groups_n - 1]);
    }
    while ((plan = learner_next_retired(l)) != NULL) {
        plan_free(plan);
    }
    free(l->retired);
    free(l->groups);
    free(l->blooms);
}

// ---- when something happens to a file -----------------------------------------------------------

static uint64_t bloom_of_file(const struct asset_file *file) {
    uint64_t bloom = 0;
    for (const struct asset *a = file->variants; a != NULL; a = a->next) {
        bloom |= bloom_bit(a->number);
    }
    return bloom;
}

static bool has_file(const struct learner *l, const struct group *g,
                     const struct asset_file *file) {
    for (size_t i = 0; i < g->key.n; i++) {
        if (asset_at(&l->assets, g->key.numbers[i])->file == file) {
            return true;
        }
    }
    return false;
}

// The key without the file, or with its newest version, if that is known to be of use.
static void edit(struct learner *l, const struct group_key *old, const struct asset_file *file,
                 struct group_key *out) {
    *out = *old;
    out->n = 0;
    for (size_t i = 0; i < old->n; i++) {
        struct asset *a = asset_at(&l->assets, old->numbers[i]);
        if (a->file == file) {
            a = asset_newer(&l->assets, a);
            if (a == NULL || a->file->state != OFFER_ASSET_REUSABLE) {
                continue;
            }
        }
        bool is_there = false;
        for (size_t k = 0; k < out->n; k++) {
            is_there |= out->numbers[k] == a->number;
        }
        if (!is_there) {
            out->numbers[out->n++] = a->number;
        }
    }
}

static void append(struct list *to, struct list *from) {
    if (!list_is_empty(from)) {
        from->next->prev = to->prev;
        to->prev->next = from->next;
        from->prev->next = to;
        to->prev = from->prev;
        list_init(from);
    }
}

static void replace_plan(struct learner *l, struct group *g, const struct group_key *key) {
    struct group_key old;
    memcpy(&old, &g->key, key_len(&g->key));
    hold(l, key, true);
    hold(l, &old, false);
    unchain(l, g);
    retire_plan(l, g->plan);
    g->plan = make_plan(l, key);
    l->bytes -= group_size(&old) - group_size(key); // the list never gets longer
    memcpy(&g->key, key, key_len(key));
    g->hash = hash_of(l, key);
    chain(l, g);
    l->blooms[g->at] = bloom_of(key);
    append(&g->stale, &g->nodes);
    list_put(&l->pending, &g->pending);
}

void learner_take_out(struct learner *l, const struct asset_file *file) {
    uint64_t bloom = bloom_of_file(file);
    for (size_t i = 0; i < l->groups_n && file->plans > 0; i++) {
        struct group_key key;
        if ((l->blooms[i] & bloom) != 0 && has_file(l, l->groups[i], file)) {
            memcpy(&key, &l->groups[i]->key, key_len(&l->groups[i]->key));
            struct group_key old = key;
            edit(l, &old, file, &key);
            replace_plan(l, l->groups[i], &key);
        }
    }
}

unsigned learner_networks_of(const struct learner *l, const struct asset_file *file) {
    uint64_t bloom = bloom_of_file(file);
    unsigned most = 0, left = USERS_MAX;
    for (size_t i = 0; i < l->groups_n && left > 0 && file->plans > 0; i++) {
        if ((l->blooms[i] & bloom) == 0 || !has_file(l, l->groups[i], file)) {
            continue;
        }
        struct list *nodes = &l->groups[i]->nodes;
        for (struct list *at = nodes->next; at != nodes && left > 0; at = at->next, left--) {
            unsigned n = ballot_networks(&LIST_ITEM(at, struct node, peers)->ballot, BALLOT_MAX);
            most = n > most ? n : most;
        }
    }
    return most;
}

void learner_judge_users(struct learner *l, const struct asset_file *file, uint64_t now_ms) {
    struct route_id ids[USERS_MAX];
    size_t n = 0;
    uint64_t bloom = bloom_of_file(file);
    for (size_t i = 0; i < l->groups_n && n < USERS_MAX && file->plans > 0; i++) {
        if ((l->blooms[i] & bloom) == 0 || !has_file(l, l->groups[i], file)) {
            continue;
        }
        struct list *nodes = &l->groups[i]->nodes;
        for (struct list *at = nodes->next; at != nodes && n < USERS_MAX; at = at->next) {
            ids[n++] = LIST_ITEM(at, struct node, peers)->id;
        }
    }
    while (n > 0) {
        struct node *node = learner_node_by_id(l, ids[--n]);
        if (node != NULL) {
            learner_decide(l, node, now_ms);
        }
    }
}
