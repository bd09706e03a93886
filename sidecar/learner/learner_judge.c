// SPDX-License-Identifier: MIT
#include "hints/policy.h"
#include "learner/learner_inside.h"

#define PAGE_LEAST 0.5f     // lower bound of the share that needs it: what pages say of themselves
#define REQUEST_LEAST 0.75f // what only requests reveal
#define PATTERN_LEAST 0.75f
#define FIRM_VOTES 12   // that all agree on an asset of a pattern, of
#define FIRM_NETWORKS 5 // so many networks: it then takes as many as have it to remove it
#define OTHERS_LEAST 8  // one of so many voters may not have been given what the others were
#define FAILURES_LEAST 0.5f
#define FAILURES_ALONE 3 // of a route that one network knows, and never answered
#define THINK_CAP_US 2000000.0f
#define PRECONNECTS_MOST 4 // each takes a socket of the client

// ---- is it needed, and by whom ------------------------------------------------------------------

// Where several networks vote, it takes two of them and half as many as the others to bring an
// asset to a page or to take it away; in a pattern, whose pages differ, more to bring it. What all
// pages had stays until as many networks disagree; what few votes have brought goes with two that
// disagree, or a pattern would keep by chance what only most of its pages need.
static bool is_needed(struct judging *j, const struct ballot_share *share, float least, bool was) {
    bool is_enough = share->votes > 0 && share->low >= least;
    bool is_half = share->no >= 2 && 2 * share->no >= share->yes;
    bool is_kept = share->no < 2 || (j->is_firm && share->no < share->yes);
    if (share->networks <= 1) {
        return (is_enough || (was && share->no == 0)) && (was || !j->node->is_pattern);
    }
    if (j->node->is_pattern) {
        return was ? is_enough || is_kept
                   : is_enough && share->yes > share->no &&
                         learner_is_common(share, learner_distinct(j->policy));
    }
    bool has_turned = ballot_has_turned(share) && share->newest != was && least <= PAGE_LEAST;
    j->run = has_turned && share->run < share->votes ? share->run : 0;
    if (was) {
        return !has_turned && (is_enough || !is_half);
    }
    return share->yes >= 2 && (is_enough || has_turned);
}

// Anybody could have been given it. What a page says to a network that is not of the Internet it
// may say to nobody else; a route that nobody else knows is offered there only.
static bool is_open(const struct node *node, const struct ballot_share *share) {
    return share->outside > 0 || (share->open > 0 && ballot_is_inside(&node->ballot));
}

// What a page got privately is no secret when its siblings got the same for enough others. One
// network may have been given it because of its address.
static bool is_confirmed(const struct judging *j, const struct asset *asset, unsigned distinct) {
    struct route_chain chain;
    struct span key;
    const struct hint_policy *p = j->policy;
    route_chain_init(&chain, node_key(j->node), p != NULL ? p->patterns : NULL,
                     p != NULL ? p->patterns_n : 0);
    while (route_chain_next(&chain, &key)) {
        struct node *node = route_key_is_pattern(key) ? learner_node(j->l, key) : NULL;
        int slot = node != NULL ? learner_slot(node, asset) : -1;
        if (slot < 0) {
            continue;
        }
        struct ballot_view view;
        ballot_look(&view, &node->ballot, learner_rules(node));
        struct ballot_share share = ballot_ask(&view, BALLOT_PAGE, (unsigned)slot);
        if ((is_open(j->node, &share) && share.yes >= 2) || share.given >= distinct) {
            return true;
        }
    }
    return false;
}

// What one user was given may come from several that are he: nearly all others must have been given
// it, too.
static bool is_given_to_all(const struct ballot_share *share) {
    return OTHERS_LEAST * (share->votes - share->voters) <= share->votes;
}

// Once enough users had it, of enough networks, it is nobody's secret; later votes only say whether
// it is needed still. What a page says that is not private anybody could have been given; of the
// others the pattern of the whole site learns nothing.
static bool has_voters(const struct judging *j, const struct asset *asset,
                       const struct ballot_share *share, bool is_page) {
    unsigned distinct = learner_distinct(j->policy);
    bool is_session = j->node->is_session, is_given = share->given >= distinct;
    if (!learner_knows_names(j->node, asset->file) && share->yes < distinct) {
        return false;
    }
    if (!is_page) {
        return is_given;
    }
    if (!is_session && (is_open(j->node, share) || learner_is_site(j->node))) {
        return is_open(j->node, share);
    }
    return (is_given && is_given_to_all(share)) ||
           (!is_session && !j->node->is_pattern && is_confirmed(j, asset, distinct));
}

// What may be one user's secret is nobody's once enough users of as many networks were given it,
// and fetched it, and nearly all others were given it as well.
static bool is_beyond_doubt(const struct judging *j, unsigned i) {
    unsigned distinct = learner_distinct(j->policy);
    struct ballot_share given = ballot_ask(&j->view, BALLOT_PAGE, i),
                        fetched = ballot_ask(&j->view, BALLOT_VISIT, i);
    return given.given >= distinct && is_given_to_all(&given) && fetched.yes >= distinct;
}

// ---- one asset ----------------------------------------------------------------------------------

static float blocking(const struct hint *hint, bool is_behind) {
    static const float shares[] = {1, 0.8f, 0.3f, 0.5f, 0.4f, 0.2f}; // by hint_rank
    float share = shares[hint_rank(hint)];
    return is_behind ? share / 4 : share;
}

static void weigh(const struct judging *j, struct judged *d, const struct ballot_share *share) {
    float think = (float)j->node->think_us;
    d->need = share->need;
    d->low = share->low;
    d->voters = share->voters;
    d->is_disputed = share->no >= 2 && 2 * share->no >= share->yes;
    d->worth_ms = d->low * blocking(&d->asset->hint, d->is_behind) *
                  (think < THINK_CAP_US ? think : THINK_CAP_US) / 1000;
    d->waste_bytes = (1 - d->need) * (float)d->asset->file->bytes;
}

// What the votes say about the asset in that place; *is_page: they speak of what pages say, else of
// requests. True when it is needed.
static bool ask(struct judging *j, unsigned i, bool was, struct ballot_share *share,
                bool *is_page) {
    unsigned sources = j->node->slots[i].sources;
    *is_page = (sources & (LEARNER_LINK | LEARNER_HTML)) != 0;
    *share = ballot_ask(&j->view, *is_page ? BALLOT_PAGE : BALLOT_VISIT, i);
    if (!*is_page) {
        return is_needed(j, share, REQUEST_LEAST, was);
    }
    if (is_needed(j, share, j->node->is_pattern ? PATTERN_LEAST : PAGE_LEAST, was)) {
        return true;
    }
    // No longer in the page, but a script may insert it now.
    struct ballot_share visits = ballot_ask(&j->view, BALLOT_VISIT, i);
    enum hint_as as = asset_at(&j->l->assets, j->node->slots[i].number)->hint.as;
    bool is_kind = as == HINT_AS_STYLE || as == HINT_AS_FONT; // see learner_visit.c
    bool is_requested = is_kind && (sources & LEARNER_REQUEST) && share->need <= 0 &&
                        is_needed(j, &visits, REQUEST_LEAST, false);
    if (is_requested) {
        *share = visits;
        *is_page = false;
    }
    return is_requested;
}

// Pages say that only some clients apply it. Browsers fetch such a stylesheet all the same, and
// last, so that it is fetched proves no need.
static bool is_conditional(const struct judging *j, const struct asset *asset, bool was) {
    int at = learner_conditional_slot(j->l, j->node, asset->file);
    if (at < 0) {
        return false;
    }
    struct ballot_share share = ballot_ask(&j->view, BALLOT_PAGE, (unsigned)at);
    return share.yes >= 2 || (share.yes == 1 && share.no < 2 && (!was || share.networks == 1));
}

static void judge_slot(struct judging *j, unsigned i, struct judged *d) {
    const struct node *node = j->node;
    struct slot *slot = &j->node->slots[i];
    struct asset *asset = asset_at(&j->l->assets, slot->number);
    bool was = !j->is_new && node->group != NULL && learner_group_has(node->group, asset);
    struct ballot_share share;
    bool is_page;
    struct ballot_share behind = ballot_ask(&j->view, BALLOT_BEHIND, i);
    *d = (struct judged){
        .asset = asset, .sources = slot->sources, .is_behind = behind.yes > behind.no};
    j->run = 0;
    j->is_firm = slot->is_firm;
    bool needed = ask(j, i, was, &share, &is_page);
    slot->is_firm = needed && (slot->is_firm || (share.no == 0 && share.networks >= FIRM_NETWORKS &&
                                                 share.votes >= FIRM_VOTES));
    weigh(j, d, &share);
    if (asset->file->newer != NULL) {
        d->verdict = LEARNER_SUPERSEDED;
    } else if (asset->file->is_abandoned) {
        d->verdict = LEARNER_ABANDONED;
    } else if (slot->is_conditional || (!is_page && is_conditional(j, asset, was))) {
        d->verdict = LEARNER_CONDITIONAL;
    } else if (!needed) {
        d->verdict = LEARNER_NEED_LOW;
    } else if (!was && !has_voters(j, asset, &share, is_page)) {
        d->verdict = LEARNER_FEW_VOTERS;
    } else if (!was && asset->file->is_doubtful && !is_beyond_doubt(j, i)) {
        d->verdict = LEARNER_DOUBTFUL;
    } else {
        d->verdict = learner_use(j, asset, was);
    }
    if (j->run > 0 && (was || d->verdict == LEARNER_HINTED)) {
        j->turned = j->turned == 0 || j->run < j->turned ? j->run : j->turned;
    }
    if (j->fails && d->verdict == LEARNER_HINTED) {
        d->verdict = LEARNER_ROUTE_FAILS;
    }
}

// ---- all of them --------------------------------------------------------------------------------

static bool is_before(const struct judged *a, const struct judged *b) {
    bool a_hinted = a->verdict == LEARNER_HINTED, b_hinted = b->verdict == LEARNER_HINTED;
    int a_rank = hint_rank(&a->asset->hint), b_rank = hint_rank(&b->asset->hint);
    if (a_hinted != b_hinted) {
        return a_hinted;
    }
    if (a->is_behind != b->is_behind && a_rank > 0 && b_rank > 0 && (a_rank == 1 || b_rank == 1)) {
        return b->is_behind; // a script behind the head waits even for fonts
    }
    if (a_rank != b_rank) {
        return a_rank < b_rank;
    }
    if (a->is_behind != b->is_behind) {
        return b->is_behind;
    }
    return !a->is_disputed && b->is_disputed;
}

static void insert(struct judgement *out, const struct judged *d) {
    size_t at = out->n++;
    for (; at > 0 && is_before(d, &out->v[at - 1]); at--) {
        out->v[at] = out->v[at - 1];
    }
    out->v[at] = *d;
    out->is_open |= d->verdict == LEARNER_FEW_VOTERS || d->verdict == LEARNER_DOUBTFUL ||
                    d->verdict == LEARNER_UNKNOWN;
    out->hinted += d->verdict == LEARNER_HINTED;
}

// What a hinted stylesheet imports is needed as much as itself.
static void add_imports(const struct judging *j, const struct judged *sheet,
                        struct judgement *out) {
    const struct asset_file *f = sheet->asset->file;
    for (size_t i = 0; i < f->imports_n && out->n < JUDGED_MAX; i++) {
        struct judged d = *sheet;
        d.asset = f->imports[i];
        d.sources = LEARNER_CSS;
        bool is_there = learner_slot_of_file(j->l, j->node, d.asset->file) >= 0;
        for (size_t k = 0; k < out->n; k++) {
            is_there |= out->v[k].asset == d.asset;
        }
        if (!is_there) {
            d.verdict = learner_use(
                j, d.asset, j->node->group != NULL && learner_group_has(j->node->group, d.asset));
            d.waste_bytes = (1 - d.need) * (float)d.asset->file->bytes;
            insert(out, &d);
        }
    }
}

static void add_all_imports(const struct judging *j, struct judgement *out) {
    struct judged sheets[JUDGED_MAX];
    size_t n = 0;
    if (j->policy != NULL && j->policy->learn != 0 && !(j->policy->learn & LEARNER_CSS)) {
        return;
    }
    for (size_t i = 0; i < out->hinted; i++) {
        if (out->v[i].asset->file->imports_n > 0) {
            sheets[n++] = out->v[i];
        }
    }
    for (size_t i = 0; i < n; i++) {
        add_imports(j, &sheets[i], out);
    }
}

static size_t most(const struct judging *j) {
    const struct plan_limits *limits = j->policy != NULL ? j->policy->limits : NULL;
    size_t max = limits != NULL && limits->links > 0 ? limits->links : PLAN_LINKS;
    return max < HINT_SET_MAX ? max : HINT_SET_MAX;
}

static bool is_connection(const struct judged *d) {
    return d->asset->hint.rel == HINT_PRECONNECT;
}

// Leaves out the least worthy of those that are hinted, or of the connections among them.
static void leave_out(struct judgement *out, bool is_of_connections) {
    size_t least = out->hinted;
    for (size_t i = out->hinted; i-- > 0;) {
        bool counts = !is_of_connections || is_connection(&out->v[i]);
        bool is_less = least == out->hinted || out->v[i].worth_ms < out->v[least].worth_ms;
        least = counts && is_less ? i : least;
    }
    struct judged d = out->v[least];
    d.verdict = LEARNER_TOO_MANY;
    out->hinted--;
    memmove(&out->v[least], &out->v[least + 1], (out->hinted - least) * sizeof d);
    out->v[out->hinted] = d;
}

static void cap(const struct judging *j, struct judgement *out) {
    size_t max = most(j), connections = 0;
    for (size_t i = 0; i < out->hinted; i++) {
        connections += is_connection(&out->v[i]);
    }
    for (; connections > PRECONNECTS_MOST; connections--) {
        leave_out(out, true);
    }
    while (out->hinted > max) {
        leave_out(out, false);
    }
}

// One response alone stops no hints of a page of which nothing else is known: it may be about who
// asked for it.
static bool is_failing_proven(const struct node *node, const struct ballot_share *failures) {
    bool has_answered = false;
    for (unsigned i = 0; i < node->ballot.n; i++) {
        has_answered |= node->ballot.v[i].has_page;
    }
    return has_answered || failures->yes >= 2 || node->seen >= FAILURES_ALONE;
}

void learner_judge(struct learner *l, struct node *node, uint64_t now_ms, struct judgement *out) {
    struct judging j = {
        .l = l, .node = node, .policy = learner_policy(l, node_key(node)), .now_ms = now_ms};
    // A plan that was for insiders begins anew when others come.
    j.is_new = node->is_told_inside && !learner_is_inside(node);
    out->n = out->hinted = 0;
    out->is_open = false;
    ballot_look(&j.view, &node->ballot, learner_rules(node));
    learner_pass_over(l, node, &j.view);
    struct ballot_share failures = ballot_failures(&j.view);
    j.fails = failures.need >= FAILURES_LEAST && (failures.networks == 1 || failures.yes >= 2);
    for (unsigned i = 0; i < node->slots_n; i++) {
        struct judged d;
        const struct asset *asset = asset_at(&l->assets, node->slots[i].number);
        if (node->slots[i].is_conditional && learner_slot_of_file(l, node, asset->file) >= 0) {
            continue; // judged in its other place
        }
        judge_slot(&j, i, &d);
        node->slots[i].is_behind = d.is_behind;
        insert(out, &d);
    }
    add_all_imports(&j, out);
    cap(&j, out);
    out->turned = j.turned;
    if (j.fails) {
        out->is_open = !is_failing_proven(node, &failures);
    }
}

// ---- what follows -------------------------------------------------------------------------------

static void fill_key(const struct learner *l, const struct node *node,
                     const struct judgement *judgement, struct group_key *key) {
    const struct hint_policy *policy = learner_policy(l, node_key(node));
    key->limits =
        policy != NULL && policy->limits != NULL ? *policy->limits : (struct plan_limits){0};
    bool has_policy = policy != NULL && policy->has_policy && !node->is_policy_new;
    struct span csp = l->policies[node->csp].text, referrer = l->policies[node->referrer].text;
    key->csp = has_policy && csp.n > 0 && policy_is_sendable(SPAN("content-security-policy"), csp)
                   ? node->csp
                   : 0;
    key->referrer =
        has_policy && referrer.n > 0 && policy_is_sendable(SPAN("referrer-policy"), referrer)
            ? node->referrer
            : 0;
    key->n = (uint32_t)judgement->hinted;
    for (size_t i = 0; i < judgement->hinted; i++) {
        key->numbers[i] = judgement->v[i].asset->number;
    }
}

// A route that needs nothing says so with an empty plan, or a pattern would be believed instead.
void learner_decide(struct learner *l, struct node *node, uint64_t now_ms) {
    struct judgement *judgement = &l->judgement;
    struct group_key key;
    learner_judge(l, node, now_ms, judgement);
    bool has_voted = node->ballot.n > 0 && !node->is_pattern && !judgement->is_open;
    if (judgement->hinted > 0 || has_voted) {
        fill_key(l, node, judgement, &key);
        learner_set_group(l, node, &key);
    } else {
        learner_set_group(l, node, NULL);
    }
    uint32_t told = node->told_think_us, think = node->think_us;
    uint32_t gap = told > think ? told - think : think - told;
    if (node->is_told && node->group != NULL && gap > told / 4 + 1000) {
        learner_tell(l, node);
    }
    if (node->is_told && node->is_told_inside != learner_is_inside(node)) {
        learner_tell(l, node);
    }
    if (judgement->turned > 0) { // what was voted before is about another page
        ballot_forget(&node->ballot, judgement->turned);
    }
    learner_change(l, node);
}

void learner_resume(struct learner *l, struct node *node, struct asset *const *assets, size_t n) {
    struct judging j = {.l = l, .node = node, .policy = learner_policy(l, node_key(node))};
    struct judgement *out = &l->judgement;
    struct group_key key;
    out->n = out->hinted = 0;
    for (size_t i = 0; i < n && out->hinted < most(&j); i++) {
        if (learner_use(&j, assets[i], true) == LEARNER_HINTED) {
            out->v[out->hinted++] = (struct judged){.asset = assets[i]};
        }
    }
    fill_key(l, node, out, &key);
    learner_set_group(l, node, &key);
}
