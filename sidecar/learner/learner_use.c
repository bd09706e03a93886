// SPDX-License-Identifier: MIT
// Whether a browser could use an asset that is needed.
#include "hints/policy.h"
#include "learner/learner_inside.h"

#define ASK_MS 60000
#define ASK_REFUSED_MS 600000 // a server's headers change more rarely
#define ASK_YOUNG_MS 10000    // a file's age is enough by then

static uint64_t ask_every_ms(const struct asset_file *f) {
    return f->state != OFFER_ASSET_NOT_REUSABLE ? ASK_MS
           : f->reuse == REUSE_YOUNG            ? ASK_YOUNG_MS
                                                : ASK_REFUSED_MS;
}

static enum learner_verdict judge_file(const struct judging *j, struct asset_file *f) {
    if (!f->is_local) {
        return LEARNER_HINTED;
    }
    if (f->state != OFFER_ASSET_REUSABLE && j->now_ms != 0) {
        asset_ask(&j->l->assets, f, j->now_ms, ask_every_ms(f));
        asset_wait(&j->l->assets, f, j->node->id);
    }
    switch (f->state) {
    case OFFER_ASSET_REUSABLE:
        return LEARNER_HINTED;
    case OFFER_ASSET_NOT_REUSABLE:
        return LEARNER_NOT_REUSABLE;
    case OFFER_ASSET_DEAD:
        return LEARNER_DEAD;
    default:
        return LEARNER_UNKNOWN;
    }
}

// The page would send Origin and the hinted fetch did not, where that makes a difference.
static bool is_split(const struct judging *j, const struct asset *asset) {
    const struct hint *hint = &asset->hint;
    struct reuse_use use = {hint->rel, hint->as, hint->crossorigin};
    if (!asset->file->is_local || !asset_varies_origin(asset->file) || !reuse_sends_origin(&use)) {
        return false;
    }
    if (j->now_ms != 0) {
        asset_ask(&j->l->assets, asset->file, j->now_ms, ASK_REFUSED_MS);
        asset_wait(&j->l->assets, asset->file, j->node->id);
    }
    return true;
}

static bool is_blocked(const struct judging *j, const struct asset *asset) {
    struct span key = node_key(j->node), csp = j->l->policies[j->node->csp].text;
    // The policy speaks about origins; the page's own is that of everything that is no URL.
    struct span origin = j->l->policies[j->node->origin].text;
    struct target_page page = {SPAN("https"), route_key_site(key), SPAN("/")};
    if (origin.n > 0) {
        size_t colon = span_index(origin, ':');
        page.scheme = span_first(origin, colon);
        page.authority = span_skip(origin, colon + 3);
    }
    return csp.n > 0 && !policy_allows(csp, &asset->hint, &page);
}

// What the disk has is the same for everybody. What a script answers by its query may be another
// thing each time, or do something.
static enum learner_verdict judge_script(const struct judging *j, struct asset_file *f) {
    bool has_query = f->is_local && span_index(f->url, '?') < f->url.n;
    if (!has_query || f->is_on_disk) {
        return LEARNER_HINTED;
    }
    if (j->now_ms != 0 && asset_ask(&j->l->assets, f, j->now_ms, ASK_MS)) {
        asset_wait(&j->l->assets, f, j->node->id);
    }
    return LEARNER_SCRIPT;
}

// What a pattern hints goes to pages that nobody has seen. was: it is in the plan.
static enum learner_verdict judge_common(const struct judging *j, struct asset *asset, bool was) {
    if (!learner_knows_names(j->node, asset->file)) {
        return LEARNER_PERSONAL;
    }
    if (was) {
        return LEARNER_HINTED;
    }
    return learner_is_host_known(j->l, j->node, asset) ? judge_script(j, asset->file)
                                                       : LEARNER_FEW_VOTERS;
}

enum learner_verdict learner_use(const struct judging *j, struct asset *asset, bool was) {
    enum learner_verdict verdict = judge_file(j, asset->file);
    if (verdict == LEARNER_HINTED && j->node->is_pattern) {
        verdict = judge_common(j, asset, was);
    }
    if (verdict == LEARNER_HINTED && is_split(j, asset)) {
        return LEARNER_NOT_REUSABLE;
    }
    return verdict == LEARNER_HINTED && is_blocked(j, asset) ? LEARNER_BLOCKED : verdict;
}
