// SPDX-License-Identifier: MIT
// What a response had becomes a vote in its route and in the patterns that its route matches.
#include "learner/learner_inside.h"

#include "hints/target.h"
#include "http/uri.h"
#include "learner/token.h"

#define OFTEN 32      // sightings after which a pattern is not judged with each of them
#define AGREED 6      // newest votes that say the same
#define THINK_PARTS 4 // a new think time counts a quarter
#define SPREAD_MOST 4 // networks: of those that know a page, so many count

// One response while it is read.
struct lesson {
    struct learner *l;
    const struct evidence *e;
    const struct hint_policy *policy;
    struct target_page page;
    struct uri base; // against which links in the HTML resolve
    struct asset *assets[SLOTS_MAX];
    struct slot kinds[SLOTS_MAX]; // but for their numbers
    struct asset_file *files[SLOTS_MAX];
    size_t own[SLOTS_MAX]; // learner_own_part of each
    size_t n;
    struct span csp, referrer;
    bool has_base;
    uint64_t now_ms;
};

static bool may_learn(const struct lesson *lesson, unsigned source) {
    const struct hint_policy *p = lesson->policy;
    return p == NULL || p->learn == 0 || (p->learn & source) != 0;
}

uint32_t learner_from(const struct learner *l, const struct evidence *e) {
    uint64_t page = route_key_id(&l->conf.secret, e->key).a;
    uint64_t network = e->network * UINT64_C(0x9e3779b97f4a7c15); // it need not be a hash
    uint16_t from = (uint16_t)(network >> 48 & 0xfffe) | ((e->flags & EVIDENCE_INSIDE) != 0);
    return (uint32_t)from << 16 | (uint16_t)(page >> 48);
}

uint64_t learner_voter(const struct learner *l, const struct node *node, const struct evidence *e) {
    bool is_page = node->is_pattern && !node->is_session;
    return is_page ? route_key_id(&l->conf.secret, e->key).a : e->who;
}

// What everybody could have been given is the network's; what was meant for one is that user's. A
// page of its own is nobody's who had no credentials to show, since all that tells them apart is
// where they are. The pages of a pattern may be known to one user only, whose program may tell.
static uint32_t user_of(const struct node *node, const struct evidence *e) {
    bool is_his = (e->flags & EVIDENCE_SESSION) != 0 ||
                  ((e->flags & EVIDENCE_PRIVATE) != 0 &&
                   ((e->flags & EVIDENCE_NAMED) != 0 || node->is_pattern));
    uint64_t user = is_his ? e->user : e->network;
    bool is_named = is_his && (e->user & RECIPIENT_NAMED) != 0;
    uint32_t hash = (uint32_t)(user * UINT64_C(0x9e3779b97f4a7c15) >> 32);
    return user != 0 ? vote_user(hash, is_named) : 0;
}

struct vote *learner_admit(struct learner *l, struct node *node, const struct evidence *e) {
    uint64_t voter = learner_voter(l, node, e);
    uint32_t from = learner_from_below(l, node, e), user = user_of(node, e);
    const struct vote *old = ballot_find(&node->ballot, voter);
    bool is_private = (e->flags & (EVIDENCE_SESSION | EVIDENCE_PRIVATE)) != 0;
    // Of two users one must not be taken for the other, nor where he is for where he was, or what
    // one of them was given would be known of two, or in two networks.
    bool is_other = old != NULL && (old->has_page || old->has_visit) &&
                    (old->user != user || old->network != from >> 16) &&
                    (old->is_private || is_private);
    bool is_late = is_other && e->kind == EVIDENCE_VISIT && old->has_page;
    if (is_late || (node->is_pattern && !ballot_may_put(&node->ballot, voter, from))) {
        return NULL;
    }
    struct vote *vote = learner_vote(l, node, voter, from);
    if (is_other) {
        vote->has_page = vote->has_visit = false;
        vote->html = vote->fetched = vote->testable = 0;
    }
    vote->is_private = vote->has_page ? vote->is_private : is_private;
    vote->user = user;
    const struct node *page = node->is_pattern ? learner_node(l, e->key) : NULL;
    vote->spread = page != NULL ? (uint8_t)ballot_networks(&page->ballot, SPREAD_MOST) : 0;
    return vote;
}

// All votes are of that network.
static bool is_only_network(const struct node *node, uint16_t network) {
    for (unsigned i = 0; i < node->ballot.n; i++) {
        if (node->ballot.v[i].network != network) {
            return false;
        }
    }
    return true;
}

// What one network brings about in a row counts once, where others vote as well: it could ask for
// what is fast.
static void think(struct node *node, uint32_t think_us, uint16_t network) {
    const struct ballot *b = &node->ballot;
    bool is_again =
        b->n > 0 && b->v[b->n - 1].network == network && !is_only_network(node, network);
    if (think_us > 0 && !is_again) {
        uint32_t old = node->think_us;
        node->think_us = old == 0 ? think_us : old - old / THINK_PARTS + think_us / THINK_PARTS;
    }
}

// ---- reading ------------------------------------------------------------------------------------

// What the page also has for everybody is for everybody.
static void add_asset(struct lesson *lesson, struct asset *asset, struct slot kind) {
    struct learner *l = lesson->l;
    size_t at = 0;
    while (at < lesson->n && lesson->assets[at]->file != asset->file) {
        at++;
    }
    if (at == SLOTS_MAX) {
        l->stats.refused++;
        return;
    }
    if (at == lesson->n) {
        learner_use_again(asset->file, lesson->now_ms);
        asset_keep(&l->assets, asset); // until the lesson is over
        lesson->assets[at] = asset;
        lesson->files[at] = asset->file;
        lesson->kinds[at] = kind;
        lesson->n++;
        return;
    }
    struct slot *known = &lesson->kinds[at];
    if (known->is_conditional && !kind.is_conditional) {
        asset_keep(&l->assets, asset);
        asset_release(&l->assets, lesson->assets[at]);
        lesson->assets[at] = asset;
        *known = kind;
    } else if (known->is_conditional == kind.is_conditional) {
        known->sources |= kind.sources;
        known->is_behind &= kind.is_behind;
    }
}

static struct asset *put_asset(struct lesson *lesson, const struct hint *hint, struct slot kind) {
    struct learner *l = lesson->l;
    if (hint->rel != HINT_PRECONNECT && token_is_in(hint->target)) {
        l->stats.refused++;
        return NULL;
    }
    struct asset *asset = asset_put(&l->assets, route_key_site(lesson->e->key), hint);
    if (asset != NULL) {
        add_asset(lesson, asset, kind);
    }
    return asset;
}

// Where the reading of a link is remembered. *link: what tells it from others. NULL: it depends on
// more than that, since its target is relative to the page.
static struct memo *find_memo(const struct lesson *lesson, struct span text,
                              struct siphash_wide *link) {
    struct span site = route_key_site(lesson->e->key);
    const struct span parts[] = {site, lesson->page.scheme, lesson->page.authority, text};
    uint8_t bytes[1024];
    size_t n = 0;
    bool is_absolute = span_has_prefix(text, SPAN("</")) || span_has_prefix(text, SPAN("<http"));
    if (!is_absolute || lesson->has_base) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].n + 1 > sizeof bytes - n) {
            return NULL;
        }
        if (parts[i].n > 0) {
            memcpy(bytes + n, parts[i].p, parts[i].n);
        }
        n += parts[i].n;
        bytes[n++] = 0;
    }
    *link = siphash_wide(&lesson->l->conf.secret, span_of(bytes, n));
    return &lesson->l->memos[link->low % MEMOS];
}

// The asset that the link was read as, if that is still the same. A link to the page itself is
// none.
static struct asset *recall(const struct lesson *lesson, const struct memo *memo,
                            struct siphash_wide link) {
    const struct asset_table *t = &lesson->l->assets;
    bool is_it = memo->link.low == link.low && memo->link.high == link.high;
    struct asset *asset = is_it && memo->number < t->numbers ? asset_at(t, memo->number) : NULL;
    bool is_same = asset != NULL && route_id_eq(asset->file->id, memo->file);
    return is_same && !span_eq(asset->file->url, lesson->page.path) ? asset : NULL;
}

// The link's target as an absolute URL, where the page has a base of its own. False: it is none.
static bool rebase(const struct lesson *lesson, struct link *link) {
    struct arena *arena = &lesson->l->scratch;
    struct uri uri;
    if (uri_resolve(arena, &lesson->base, link->target, &uri) != 0) {
        return false;
    }
    size_t n = uri.scheme.n + 3 + uri.authority.n + uri.path.n;
    uint8_t *p = arena_alloc(arena, n), *to = p;
    if (p == NULL) {
        return false;
    }
    const struct span parts[] = {uri.scheme, SPAN("://"), uri.authority, uri.path};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        memcpy(to, parts[i].p, parts[i].n);
        to += parts[i].n;
    }
    link->target = span_of(p, n);
    return true;
}

static void read_links(struct lesson *lesson, const struct evidence_item *item) {
    struct learner *l = lesson->l;
    bool is_html = item->kind == EVIDENCE_HTML;
    struct slot kind = {.sources = is_html ? LEARNER_HTML : LEARNER_LINK,
                        .is_behind = (item->flags & (EVIDENCE_BODY | EVIDENCE_LATE)) != 0,
                        .is_conditional = (item->flags & EVIDENCE_CONDITIONAL) != 0};
    struct hint_context context = {&lesson->page, lesson->policy, &l->scratch};
    struct link_reader reader;
    struct link link;
    struct hint hint;
    if (!may_learn(lesson, kind.sources)) {
        return;
    }
    struct siphash_wide key = {0, 0};
    struct memo *memo = is_html ? find_memo(lesson, item->text, &key) : NULL;
    struct asset *asset = memo != NULL ? recall(lesson, memo, key) : NULL;
    if (asset != NULL) {
        l->stats.links.reasons[HINT_OK]++;
        add_asset(lesson, asset, kind);
        return;
    }
    link_init(&reader, item->text, &l->scratch);
    while (link_next(&reader, &link) == STEP_ITEM) {
        if (is_html && lesson->has_base && !rebase(lesson, &link)) {
            l->stats.links.reasons[HINT_TARGET_SYNTAX]++;
            continue;
        }
        enum hint_reason reason = hint_from_link(&hint, &link, &context);
        l->stats.links.reasons[reason]++;
        if (hint_is_usable(reason)) {
            asset = put_asset(lesson, &hint, kind);
        }
        if (memo != NULL && asset != NULL && asset->file->is_local && reason == HINT_OK) {
            *memo = (struct memo){key, asset->file->id, asset->number};
        }
    }
    l->stats.links.broken += reader.broken;
}

static void read_base(struct lesson *lesson, struct span text) {
    struct uri page = {lesson->page.scheme, lesson->page.authority, lesson->page.path};
    lesson->has_base = uri_resolve(&lesson->l->scratch, &page, text, &lesson->base) == 0;
}

// A font that is declared may be needed; whether it is, requests tell.
static void read_font(struct lesson *lesson, struct span text) {
    struct learner *l = lesson->l;
    struct link link = {.target = text};
    struct target target;
    if (lesson->has_base && !rebase(lesson, &link)) {
        return;
    }
    if (target_resolve(&target, &lesson->page, link.target, &l->scratch) == HINT_OK &&
        target.is_same_origin) {
        struct span site =
            lesson->e->kind == EVIDENCE_SHEET ? lesson->e->key : route_key_site(lesson->e->key);
        struct asset_file *f = asset_put_file(&l->assets, site, target.path);
        if (f != NULL) {
            f->is_font = true;
        }
    }
}

static void read_policy(struct lesson *lesson, struct span text) {
    size_t at = span_index(text, ':');
    struct span name = span_first(text, at), value = span_trim(span_skip(text, at + 1));
    if (span_eq_nocase(name, SPAN("content-security-policy"))) {
        // One with nonces is another one each time.
        bool has_nonce = span_find(value, SPAN("'nonce-")) < value.n;
        lesson->csp = has_nonce ? span_of(NULL, 0) : value;
    } else if (span_eq_nocase(name, SPAN("referrer-policy"))) {
        lesson->referrer = value;
    }
}

static void read_items(struct lesson *lesson) {
    struct span items = lesson->e->items;
    struct evidence_item item;
    while (evidence_next(&items, &item)) {
        switch (item.kind) {
        case EVIDENCE_LINK:
        case EVIDENCE_HTML:
            read_links(lesson, &item);
            break;
        case EVIDENCE_BASE:
            read_base(lesson, item.text);
            break;
        case EVIDENCE_FONT:
            read_font(lesson, item.text);
            break;
        case EVIDENCE_POLICY:
            read_policy(lesson, item.text);
            break;
        default:
            break;
        }
    }
}

// ---- versions -----------------------------------------------------------------------------------

// Old versions go out of all plans at once. What was not meant for everybody, or is not complete,
// says nothing about others.
static void retire_versions(struct lesson *lesson, uint64_t now_ms) {
    struct learner *l = lesson->l;
    struct asset_file *old;
    struct asset_sight sight = {.files = lesson->files,
                                .n = lesson->n,
                                .network = (uint16_t)(learner_from(l, lesson->e) >> 16),
                                .now_ms = now_ms};
    bool is_for_all = (lesson->e->flags & (EVIDENCE_SESSION | EVIDENCE_PRIVATE)) == 0;
    while (is_for_all && asset_retire(&l->assets, &sight, &old)) {
        learner_take_out(l, old);
    }
}

// What was voted for the old version is said of the newest one.
static void migrate(struct learner *l, struct node *node) {
    for (unsigned i = 0; i < node->slots_n; i++) {
        struct asset *old = asset_at(&l->assets, node->slots[i].number);
        struct asset *newer = asset_newer(&l->assets, old);
        if (newer == NULL) {
            continue;
        }
        int there = node->slots[i].is_conditional ? learner_conditional_slot(l, node, newer->file)
                                                  : learner_slot_of_file(l, node, newer->file);
        if (there < 0) {
            asset_keep(&l->assets, newer);
            node->slots[i].number = newer->number & (ASSET_NUMBERS - 1);
            asset_release(&l->assets, old);
            continue;
        }
        uint64_t from = UINT64_C(1) << i, to = UINT64_C(1) << there;
        for (unsigned k = 0; k < node->ballot.n; k++) {
            struct vote *v = &node->ballot.v[k];
            v->html = (v->html & from ? v->html | to : v->html) & ~from;
            v->behind = (v->behind & from ? v->behind | to : v->behind) & ~from;
            v->fetched = (v->fetched & from ? v->fetched | to : v->fetched) & ~from;
        }
    }
}

// ---- voting -------------------------------------------------------------------------------------

// "scheme://authority" of the page; none where no policy asks for it.
static struct span origin_of(struct lesson *lesson) {
    const struct span parts[] = {lesson->page.scheme, SPAN("://"), lesson->page.authority};
    size_t most = parts[0].n + parts[1].n + parts[2].n, n = 0;
    uint8_t *p = lesson->csp.n > 0 ? arena_alloc(&lesson->l->scratch, most) : NULL;
    for (size_t i = 0; p != NULL && i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].n > 0) {
            memcpy(p + n, parts[i].p, parts[i].n);
        }
        n += parts[i].n;
    }
    return span_of(p, n);
}

// Another policy than the node's is believed when another network was given it before: it blocks
// hints of all visitors. A network that nobody else voted with is believed at once.
static bool is_policy_proven(const struct lesson *lesson, struct node *node, struct span origin) {
    const struct learner *l = lesson->l;
    const struct span parts[] = {lesson->csp, lesson->referrer, origin};
    uint64_t hashes[3];
    for (size_t i = 0; i < 3; i++) {
        hashes[i] = siphash(&l->conf.secret, parts[i]);
    }
    uint64_t hash = siphash(&l->conf.secret, span_of((const uint8_t *)hashes, sizeof hashes));
    uint32_t other = (uint32_t)hash | 1;
    uint16_t network = (uint16_t)(learner_from(l, lesson->e) >> 16);
    bool is_proven = is_only_network(node, network) ||
                     (node->other_policy == other && node->other_network != network);
    node->other_policy = is_proven ? 0 : other;
    node->other_network = network;
    return is_proven;
}

static void set_text(struct learner *l, uint16_t *place, struct span text) {
    learner_set_text(l, place, learner_put_text(l, text));
}

static void set_policies(struct lesson *lesson, struct node *node) {
    struct learner *l = lesson->l;
    struct span origin = origin_of(lesson);
    bool is_other = !span_eq(l->policies[node->csp].text, lesson->csp) ||
                    !span_eq(l->policies[node->referrer].text, lesson->referrer);
    bool is_elsewhere = !span_eq(l->policies[node->origin].text, origin);
    if (!is_other && !is_elsewhere) {
        node->is_policy_new = false;
        node->other_policy = 0;
    } else if (is_policy_proven(lesson, node, origin)) {
        node->is_policy_new = is_other;
        set_text(l, &node->csp, lesson->csp);
        set_text(l, &node->referrer, lesson->referrer);
        set_text(l, &node->origin, origin);
    }
    // What one user was given is repeated to nobody.
    node->is_policy_new |= (lesson->e->flags & (EVIDENCE_PRIVATE | EVIDENCE_SESSION)) != 0;
}

// The newest votes of the ballot all say the same.
static bool is_agreed(const struct ballot *b) {
    for (unsigned i = 1; i < AGREED && b->n >= AGREED; i++) {
        if (b->v[b->n - 1 - i].html != b->v[b->n - 1].html) {
            return false;
        }
    }
    return b->n >= AGREED;
}

static void cast(struct lesson *lesson, struct node *node) {
    struct learner *l = lesson->l;
    const struct evidence *e = lesson->e;
    migrate(l, node);
    struct vote *vote = learner_admit(l, node, e);
    if (vote == NULL) {
        return;
    }
    uint64_t before = vote->html;
    vote->at_min = (uint32_t)(e->at_ms / 60000) & ((1u << 28) - 1);
    // Of one that was cut short the rest stays as it was, and so does whom that was meant for.
    vote->is_private =
        (e->flags & EVIDENCE_PRIVATE) != 0 || ((e->flags & EVIDENCE_CUT) != 0 && vote->is_private);
    vote->has_page = true;
    vote->has_failed = false;
    vote->html = (e->flags & EVIDENCE_CUT) != 0 ? before : 0;
    for (size_t i = 0; i < lesson->n; i++) {
        if (!learner_may_take(node, lesson->own[i])) {
            continue;
        }
        int at = lesson->kinds[i].is_conditional
                     ? learner_put_conditional(l, node, lesson->assets[i], 0)
                     : learner_put_slot(l, node, lesson->assets[i], 0);
        if (at >= 0) {
            uint64_t bit = UINT64_C(1) << at;
            vote->html |= bit;
            vote->behind = lesson->kinds[i].is_behind ? vote->behind | bit : vote->behind & ~bit;
            node->slots[at].sources |= lesson->kinds[i].sources;
        }
    }
}

// The page in one of its nodes: its own or a pattern's.
static void teach_node(struct lesson *lesson, struct span key, uint64_t now_ms) {
    struct learner *l = lesson->l;
    struct node *node = learner_node(l, key);
    if (node == NULL) {
        node = learner_add(l, key, now_ms);
    }
    if (!node->is_pattern) {
        set_policies(lesson, node);
    }
    think(node, lesson->e->think_us, (uint16_t)(learner_from(l, lesson->e) >> 16));
    learner_touch(l, node, now_ms);
    cast(lesson, node);
    if (!node->is_session && learner_is_site(node)) {
        learner_abandon(l, node, now_ms);
    }
    // A pattern sees all its pages, which mostly say the same.
    if (!node->is_pattern || !is_agreed(&node->ballot) || node->seen <= OFTEN ||
        node->seen % OFTEN == 0) {
        learner_decide(l, node, now_ms);
    }
}

static bool has_pattern(struct learner *l, struct span key, const struct hint_policy *p) {
    struct route_chain chain;
    struct span next;
    route_chain_init(&chain, key, p != NULL ? p->patterns : NULL, p != NULL ? p->patterns_n : 0);
    while (route_chain_next(&chain, &next)) {
        const struct node *node = learner_node(l, next);
        if (node != NULL && node->group != NULL) {
            return true;
        }
    }
    return false;
}

static void teach_patterns(struct lesson *lesson, uint64_t now_ms) {
    const struct hint_policy *p = lesson->policy;
    struct route_chain chain;
    struct span key;
    bool is_session = route_key_is_session(lesson->e->key);
    route_chain_init(&chain, lesson->e->key, p != NULL ? p->patterns : NULL,
                     p != NULL ? p->patterns_n : 0);
    while (route_chain_next(&chain, &key)) {
        if (route_key_is_pattern(key) && route_key_is_session(key) == is_session) {
            teach_node(lesson, key, now_ms);
        }
    }
}

// Not "not found", which anybody can bring about for any path.
static bool may_add_failing(uint16_t status) {
    return (status >= 300 && status < 400) || status == 401 || status == 403 || status >= 500;
}

// Redirects and errors count where the route is known, or would be hinted what its kind is: then it
// has to be known that it is none of them.
static struct node *failing_node(struct learner *l, const struct evidence *e, uint64_t now_ms) {
    struct node *node = learner_node(l, e->key);
    if (e->status == 304) {
        return NULL;
    }
    if (node == NULL && may_add_failing(e->status) &&
        has_pattern(l, e->key, learner_policy(l, e->key))) {
        node = learner_add(l, e->key, now_ms);
    }
    return node;
}

static void teach_failure(struct learner *l, const struct evidence *e, uint64_t now_ms) {
    struct node *node = failing_node(l, e, now_ms);
    if (node == NULL) {
        l->stats.ignored++;
        return;
    }
    if (may_add_failing(e->status)) {
        learner_touch(l, node, now_ms);
    }
    // What it says of assets was said where it says.
    const struct vote *old = ballot_find(&node->ballot, learner_voter(l, node, e));
    uint32_t from = old != NULL ? (uint32_t)old->network << 16 | old->page : learner_from(l, e);
    struct vote *vote = learner_vote(l, node, learner_voter(l, node, e), from);
    vote->at_min = (uint32_t)(e->at_ms / 60000) & ((1u << 28) - 1);
    vote->has_failed = true;
    learner_decide(l, node, now_ms);
}

void learner_teach_page(struct learner *l, const struct evidence *e, uint64_t now_ms) {
    struct lesson lesson = {.l = l,
                            .e = e,
                            .policy = learner_policy(l, e->key),
                            .now_ms = now_ms,
                            .page = {e->scheme, e->authority, e->target}};
    if (!route_key_is_valid(e->key) || route_key_is_pattern(e->key)) {
        l->stats.ignored++;
        return;
    }
    if (e->status != 200) {
        teach_failure(l, e, now_ms);
        return;
    }
    read_items(&lesson);
    bool is_worth =
        lesson.n > 0 || learner_node(l, e->key) != NULL || has_pattern(l, e->key, lesson.policy);
    for (size_t i = 0; i < lesson.n; i++) {
        lesson.own[i] = learner_own_part(e->key, lesson.files[i]);
    }
    learner_name_hosts(lesson.files, lesson.n, lesson.csp);
    if (is_worth) {
        retire_versions(&lesson, now_ms);
        teach_patterns(&lesson, now_ms);
        teach_node(&lesson, e->key, now_ms);
    } else {
        l->stats.ignored++;
    }
    for (size_t i = 0; i < lesson.n; i++) {
        asset_release(&l->assets, lesson.assets[i]);
    }
}

// ---- stylesheets --------------------------------------------------------------------------------

static void read_import(struct lesson *lesson, struct span text) {
    struct learner *l = lesson->l;
    struct link link = {.target = text};
    struct target target;
    struct hint hint = {.rel = HINT_PRELOAD, .as = HINT_AS_STYLE, .can_push = true};
    if (target_resolve(&target, &lesson->page, link.target, &l->scratch) != HINT_OK ||
        !target.is_same_origin || token_is_in(target.path) || lesson->n == ASSET_IMPORTS_MAX ||
        span_eq(target.path, lesson->e->target)) {
        return;
    }
    hint.target = target.path;
    struct asset *asset = asset_put(&l->assets, lesson->e->key, &hint);
    if (asset != NULL) {
        asset_keep(&l->assets, asset);
        lesson->assets[lesson->n++] = asset;
    }
}

static bool are_other_imports(const struct lesson *lesson, struct asset_file *f) {
    bool are_other = lesson->n != f->imports_n ||
                     memcmp(lesson->assets, f->imports, lesson->n * sizeof *f->imports) != 0;
    if (!are_other) {
        f->other_imports = 0;
    }
    return are_other;
}

// What a stylesheet imports is hinted to all who are hinted the stylesheet: it is believed what the
// disk says (no network), and what two networks were given.
static bool are_imports_proven(const struct lesson *lesson, struct asset_file *f) {
    const struct learner *l = lesson->l;
    const struct evidence *e = lesson->e;
    uint32_t numbers[ASSET_IMPORTS_MAX + 1] = {(uint32_t)lesson->n};
    for (size_t i = 0; i < lesson->n; i++) {
        numbers[1 + i] = lesson->assets[i]->number;
    }
    size_t bytes = (1 + lesson->n) * sizeof *numbers;
    uint64_t hash = siphash(&l->conf.secret, span_of((const uint8_t *)numbers, bytes)) | 1;
    uint16_t network = (uint16_t)(learner_from(l, e) >> 16);
    bool is_proven = e->network == 0 || (f->other_imports == hash && f->others_network != network);
    f->other_imports = is_proven ? 0 : hash;
    f->others_network = network;
    return is_proven;
}

void learner_teach_sheet(struct learner *l, const struct evidence *e, uint64_t now_ms) {
    struct lesson lesson = {.l = l, .e = e, .page = {e->scheme, e->authority, e->target}};
    struct span items = e->items;
    struct evidence_item item;
    if (e->key.n == 0 || e->target.n == 0 || e->target.p[0] != '/') {
        l->stats.ignored++;
        return;
    }
    while (evidence_next(&items, &item)) {
        if (item.kind == EVIDENCE_IMPORT) {
            read_import(&lesson, item.text);
        } else if (item.kind == EVIDENCE_FONT) {
            read_font(&lesson, item.text);
        }
    }
    struct asset_file *f = asset_put_file(&l->assets, e->key, e->target);
    bool is_new = f != NULL && are_other_imports(&lesson, f) && are_imports_proven(&lesson, f);
    if (is_new) {
        asset_set_imports(&l->assets, f, lesson.assets, lesson.n);
    }
    for (size_t i = 0; i < lesson.n; i++) {
        asset_release(&l->assets, lesson.assets[i]);
    }
    if (is_new) {
        learner_judge_users(l, f, now_ms);
    }
}
