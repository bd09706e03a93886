// SPDX-License-Identifier: MIT
#include "exchange/hinting.h"

#include "base/error.h"
#include "hints/seen.h"
#include "learner/route_chain.h"

#include <inttypes.h>
#include <stdio.h>

// Interim responses of an application to one client that is no browser: Go stops after five.
#define INTERIMS_MOST 4

void hinting_init(struct hinting *h, const struct facts *facts, struct identity *identity,
                  const struct published *published) {
    *h = (struct hinting){.facts = facts,
                          .identity = identity,
                          .published = published,
                          // Until it is decided: who is answered at once is not hinted.
                          .gate = GATE_ANSWERED};
}

static bool find_offer(struct hinting *h, struct offer *offer) {
    struct published_asker asker = {.key = identity_key(h->identity),
                                    .policy = &h->facts->site->policy,
                                    .from = h->facts->from};
    return published_find(h->published, &asker, offer);
}

bool hinting_is_known(struct hinting *h) {
    struct offer offer;
    return h->has_offer || (!h->passes && find_offer(h, &offer));
}

static struct offer_asset asset_of(const struct hinting *h, struct span path) {
    return published_asset(h->published, h->facts->site->name, path);
}

// ---- what of it is worth saying -----------------------------------------------------------------

// What is to be left out of a plan: bits by the places of its hints.
struct skip {
    uint64_t bad;    // known to be of no use: gone, or fetched twice
    uint64_t known;  // the client has it by this connection
    uint64_t looked; // its asset was looked up
    struct offer_asset assets[HINT_SET_MAX];
};

static bool is_path(struct span target) {
    return target.n > 0 && target.p[0] == '/';
}

// http and https pages of a site share their routes. From a page by https nothing is fetched in the
// clear, and with its own server a client is connected already.
static bool is_bad_origin(const struct hinting *h, struct span url) {
    const struct request *r = h->facts->request;
    struct span rest = span_skip(url, r->scheme.n + 3);
    return (span_has_prefix(url, SPAN("http://")) && span_eq(r->scheme, SPAN("https"))) ||
           (span_has_prefix(url, r->scheme) && span_eq_nocase(rest, r->authority));
}

static bool is_bad(const struct hinting *h, struct span path, size_t i, struct skip *skip) {
    skip->assets[i] = asset_of(h, path);
    skip->looked |= 1ULL << i;
    enum offer_asset_state state = skip->assets[i].state;
    return state == OFFER_ASSET_NOT_REUSABLE || state == OFFER_ASSET_DEAD;
}

// The first by_hand hints are not the learner's, which says nothing that is of no use.
static void find_skip(const struct hinting *h, const struct plan *plan, size_t by_hand,
                      struct skip *skip) {
    skip->bad = skip->known = skip->looked = 0; // not the assets: most plans look none up
    for (size_t i = 0; plan != NULL && i < plan->hints_n; i++) {
        struct span target = plan->hints[i].target;
        if (!is_path(target)) {
            skip->bad |= is_bad_origin(h, target) ? 1ULL << i : 0;
        } else if (i < by_hand && is_bad(h, target, i, skip)) {
            skip->bad |= 1ULL << i;
        } else if (!h->is_shared && h->facts->seen != NULL &&
                   seen_is_fresh(h->facts->seen, h->facts->secret, target,
                                 h->facts->now_us / 1000)) {
            skip->known |= 1ULL << i;
        }
    }
}

// ---- saying it ----------------------------------------------------------------------------------

// known: what was looked up of its asset; NULL: nothing yet.
static void note_hint(struct hinting *h, const struct hint *hint, const struct offer_asset *known) {
    const struct facts *f = h->facts;
    h->sent++;
    // Who takes pushes may be pushed it next, which is noted then.
    if (f->seen == NULL || h->is_shared || f->can_push || !is_path(hint->target)) {
        return;
    }
    struct offer_asset asset = known != NULL ? *known : asset_of(h, hint->target);
    if (asset.state == OFFER_ASSET_REUSABLE) {
        seen_put(f->seen, f->secret, hint->target, f->now_us / 1000 + 1000ULL * asset.lifetime_s);
    }
}

static void inform(struct hinting *h, const struct plan *plan, const struct skip *skip,
                   struct hinting_words *words) {
    enum dialect dialect = h->client.dialect;
    uint64_t without = skip->bad | skip->known;
    words->inform = plan_without(plan, dialect, without, h->facts->arena);
    if (words->inform == NULL) {
        return;
    }
    h->has_informed = true;
    h->informed_us = h->facts->now_us;
    words->plan = plan;
    words->said = plan_said(plan, dialect) & ~without;
    for (size_t i = 0; i < plan->hints_n; i++) {
        if ((words->said & 1ULL << i) != 0) {
            bool has_looked = (skip->looked & 1ULL << i) != 0;
            note_hint(h, &plan->hints[i], has_looked ? &skip->assets[i] : NULL);
        }
    }
}

// What the plan leaves to be said, as the gate wants to know it.
static struct gate_facts facts_of(struct hinting *h, const struct plan *plan,
                                  const struct skip *skip) {
    uint64_t said = plan_said(plan, h->client.dialect) & ~skip->bad;
    uint64_t all = plan == NULL || plan->hints_n == 0 ? 0 : UINT64_MAX >> (64 - plan->hints_n);
    return (struct gate_facts){.is_session = identity_is_session(h->identity),
                               .is_stranger = !h->facts->is_named,
                               .has_plan = (all & ~skip->bad) != 0,
                               .can_say = said != 0,
                               .is_known = said != 0 && (said & ~skip->known) == 0};
}

static void decide(struct hinting *h, const struct plan *plan, const struct offer *offer,
                   const struct skip *skip, struct holdback *holdback) {
    struct gate_conf gate = facts_gate(h->facts);
    struct gate_facts facts = facts_of(h, plan, skip);
    facts.is_observed = offer->observe;
    facts.think_us = offer->think_us;
    h->gate = gate_offer(&gate, &facts, holdback);
}

// ---- pushes -------------------------------------------------------------------------------------

static bool may_push(const struct hinting *h, enum hint_mode least) {
    const struct facts *f = h->facts;
    return f->can_push && f->is_get && !f->is_pushed && facts_mode(f) >= least;
}

// The learned plan may go to this client at all, as a 103 or as pushes.
static bool may_offer(struct hinting *h, const struct offer *offer) {
    return !offer->observe && (h->facts->site->gate.sessions || !identity_is_session(h->identity));
}

// An empty h->push. False: there is no memory left for it.
static bool begin_push(struct hinting *h) {
    h->push = arena_alloc(h->facts->arena, sizeof *h->push);
    if (h->push != NULL) {
        push_init(h->push);
    }
    return h->push != NULL;
}

static void push_request(struct hinting *h, const struct plan *plan) {
    const struct route_rule *rule = h->facts->rule;
    h->push = NULL;
    if (!may_push(h, HINT_MODE_HINT) || h->gate == GATE_PREFETCH || h->gate == GATE_SAVE_DATA ||
        h->gate == GATE_DENIED_AGENT || !begin_push(h)) {
        return;
    }
    for (size_t i = 0; rule != NULL && i < rule->pushes.n && h->push->n < PUSH_MAX; i++) {
        h->push->paths[h->push->n++] = rule->pushes.v[i];
    }
    if (may_push(h, HINT_MODE_PUSH) && h->gate != GATE_HELD) {
        push_put_plan(h->push, plan);
    }
}

void hinting_final(struct hinting *h, const struct response *response) {
    h->push = NULL;
    if (may_push(h, HINT_MODE_HINT) && response->status == 200 &&
        pairs_find(&response->fields, SPAN("link")) != NULL && begin_push(h)) {
        struct target_page page = {h->facts->request->scheme, h->facts->request->authority,
                                   h->facts->request->target};
        push_put_links(h->push, &response->fields, &page, h->facts->arena);
    }
}

// ---- the request --------------------------------------------------------------------------------

void hinting_request(struct hinting *h, struct holdback *holdback, struct hinting_words *words) {
    const struct facts *f = h->facts;
    struct gate_conf gate = facts_gate(f);
    const struct plan *by_hand = f->rule != NULL ? f->rule->plan : NULL, *plan = NULL;
    struct offer offer = {.plan = NULL};
    *words = (struct hinting_words){.inform = NULL};
    h->gate = gate_request(&gate, f->request, &h->client);
    h->passes = h->gate == GATE_SEND && !f->is_pushed;
    if (h->passes || may_push(h, HINT_MODE_PUSH)) {
        h->has_offer = find_offer(h, &offer);
        h->scope = offer.scope;
        plan = plan_union(by_hand, offer.plan, &f->site->limits, f->arena);
        h->sources =
            (by_hand != NULL ? HINTING_RULE : 0) | (offer.plan != NULL ? HINTING_LEARNED : 0);
    }
    if (h->passes) {
        struct skip skip;
        h->is_shared = h->client.is_forwarded;
        find_skip(h, plan, by_hand != NULL ? by_hand->hints_n : 0, &skip);
        decide(h, plan, &offer, &skip, holdback);
        if (h->gate == GATE_SEND) {
            inform(h, plan, &skip, words);
        }
    }
    push_request(h, may_offer(h, &offer) ? plan : by_hand);
}

// ---- the application's own ----------------------------------------------------------------------

static const struct plan *plan_of_interim(struct hinting *h, const struct response *response) {
    struct target_page page = {h->facts->request->scheme, h->facts->request->authority,
                               h->facts->request->target};
    return plan_of_links(&response->fields, &page, &h->facts->site->policy, h->facts->arena);
}

// By choice those who are no browsers get all of them.
static bool takes_all(const struct hinting *h) {
    const struct span *mode = pairs_find(&h->facts->request->fields, SPAN("sec-fetch-mode"));
    return h->facts->site->relay == SITE_RELAY_ALL &&
           h->facts->request->protocol == PROTOCOL_HTTP2 &&
           facts_mode(h->facts) >= HINT_MODE_HINT &&
           span_eq(h->facts->request->method, SPAN("GET")) &&
           (mode == NULL || !span_eq(*mode, SPAN("navigate")));
}

static const struct response *pass_on(struct hinting *h, const struct response *response) {
    struct plan const *plan = plan_of_interim(h, response);
    const struct response *said = plan_response(plan, dialect_of(&h->facts->request->fields));
    if (said == NULL || h->interims == INTERIMS_MOST) {
        return NULL;
    }
    h->interims++;
    return said;
}

void hinting_interim(struct hinting *h, const struct response *response,
                     struct hinting_words *words) {
    const struct facts *f = h->facts;
    *words = (struct hinting_words){.inform = NULL};
    if (response->status != 103 || f->is_pushed || f->site->relay == SITE_RELAY_OFF) {
        return;
    }
    if (takes_all(h)) {
        words->inform = pass_on(h, response);
        return;
    }
    // Browsers act on the first one only; who is held back is to get none.
    if (!h->passes || h->has_informed || h->gate == GATE_HELD) {
        return;
    }
    const struct plan *plan = plan_of_interim(h, response);
    struct skip skip;
    find_skip(h, plan, HINT_SET_MAX, &skip);
    struct gate_facts facts = facts_of(h, plan, &skip);
    struct gate_conf gate = facts_gate(f);
    if (!facts.has_plan) {
        return; // what was decided before still says why
    }
    h->gate = gate_offer(&gate, &facts, NULL);
    if (h->gate == GATE_SEND) {
        h->sources = HINTING_APPLICATION;
        inform(h, plan, &skip, words);
    }
}

// ---- the final response -------------------------------------------------------------------------

static struct span put_text(const struct facts *f, const char *text, int n, size_t cap) {
    return arena_copy(f->arena, span_of(text, n > 0 && (size_t)n < cap ? (size_t)n : 0));
}

// Server-Timing (W3C): what was decided about the hints, how long the final head took, and what
// failed. For the operator's eyes in the browser's tools.
static struct span timing(const struct facts *f, const char *label, int error) {
    char text[160];
    uint64_t think_us = f->now_us - f->asked_us;
    int n = snprintf(text, sizeof text, "outrider;desc=\"%s\", think;dur=%" PRIu64 ".%03" PRIu64,
                     label, think_us / 1000, think_us % 1000);
    if (error != 0) {
        n += snprintf(text + n, sizeof text - (size_t)n, ", failed;desc=\"%s\"",
                      error_row(error)->label);
    }
    return put_text(f, text, n, sizeof text);
}

const char *hinting_sources(const struct hinting *h) {
    static const char *const sources[] = {"none",        "rule", "learned", "rule+learned",
                                          "application", "",     "",        ""};
    return sources[h->sources & 7];
}

// outrider = reason *( ";" name "=" value ): the decision, from where the hints came ("rule",
// "learned", both, "application") and how close to the route that was learned, how many were sent,
// and by how many milliseconds they were ahead of the final head.
static struct span debug(const struct hinting *h, const char *label) {
    static const char *const scopes[] = {
        [OFFER_EXACT] = "exact", [OFFER_PATTERN] = "pattern", [OFFER_SITE] = "site"};
    char text[160];
    int n = snprintf(text, sizeof text, "%s;source=%s", label, hinting_sources(h));
    if (h->has_offer) {
        n += snprintf(text + n, sizeof text - (size_t)n, ";scope=%s", scopes[h->scope]);
    }
    if (h->has_informed) {
        uint64_t lead_us = h->facts->now_us - h->informed_us;
        n += snprintf(text + n, sizeof text - (size_t)n, ";hints=%u;lead=%" PRIu64 ".%03" PRIu64,
                      h->sent, lead_us / 1000, lead_us % 1000);
    }
    return put_text(h->facts, text, n, sizeof text);
}

struct merge_extra hinting_extra(struct hinting *h, const struct hinting_answer *answer,
                                 struct pair *fields) {
    const struct facts *f = h->facts;
    struct merge_extra extra = {.fields = fields};
    if (f->site == NULL) {
        return extra;
    }
    const char *label = answer->has_decision ? gate_reason_row(h->gate)->label : "file";
    if (f->site->has_server_timing) {
        fields[extra.fields_n++] =
            (struct pair){SPAN("server-timing"), timing(f, label, answer->error)};
    }
    if (f->site->has_debug_field) {
        fields[extra.fields_n++] = (struct pair){SPAN("outrider"), debug(h, label)};
    }
    if (f->site->has_final_link && answer->error == 0 && answer->is_script && f->rule != NULL &&
        !h->has_informed && facts_mode(f) >= HINT_MODE_HINT) {
        extra.plan = f->rule->plan;
        extra.dialect = dialect_of(&f->request->fields);
    }
    return extra;
}
