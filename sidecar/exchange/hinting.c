// SPDX-License-Identifier: MIT
#include "exchange/hinting.h"

#include "base/error.h"
#include "exchange/exchange.h"
#include "hints/audience.h"
#include "learner/route_chain.h"

#include <inttypes.h>
#include <stdio.h>

// Interim responses of an application to one client that is no browser: Go stops after five.
#define INTERIMS_MOST 4

static struct gate_conf gate_of(const struct exchange *x) {
    struct gate_conf gate = x->site->gate;
    if (x->route.rule != NULL && x->route.rule->has_mode) {
        gate.mode = x->route.rule->mode;
    }
    return gate;
}

// ---- the route ----------------------------------------------------------------------------------

const struct audience *hinting_audience(struct exchange *x) {
    if (!x->has_audience) {
        x->has_audience = true;
        x->audience = audience_of(&x->site->audience, &x->request->fields);
    }
    return &x->audience;
}

bool hinting_is_session(struct exchange *x) {
    return hinting_audience(x)->kind == AUDIENCE_SESSION;
}

static size_t count_slashes(struct span s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        n += s.p[i] == '/';
    }
    return n;
}

// The path was written as it is meant. Behind "//", "/../" or "%2F" links that are relative to the
// page lead elsewhere than behind the path that the route's key has.
static bool is_plain(const struct request *request) {
    struct span path = span_first(request->target, span_index(request->target, '?'));
    return count_slashes(path) == count_slashes(request->path);
}

static void make_key(struct exchange *x) {
    const struct site *site = x->site;
    uint8_t bytes[ROUTE_KEY_MAX];
    struct route_parts parts = {.site = site->name,
                                .path = x->request->path,
                                .query = x->request->query,
                                .is_session = hinting_is_session(x),
                                .query_keys = site->route_query.v,
                                .query_keys_n = site->route_query.n};
    struct span key = route_key(bytes, &parts, &x->is_clean);
    x->is_clean = x->is_clean && is_plain(x->request);
    if (key.p != NULL) {
        x->key = arena_copy(x->arena, key);
    }
}

struct span hinting_key(struct exchange *x) {
    bool may_learn = x->is_named && x->site->policy.learn != 0 &&
                     span_eq(x->request->method, SPAN("GET")) && gate_of(x).mode != HINT_MODE_OFF;
    if (!x->has_key) {
        x->has_key = true;
        if (may_learn) {
            make_key(x);
        }
    }
    return x->key;
}

// What is published for the route, or for the closest pattern that it matches.
static bool find_offer(struct exchange *x, struct offer *offer) {
    const struct hinting_conf *conf = &x->conf->hinting;
    const struct hint_policy *policy = &x->site->policy;
    struct route_chain chain;
    struct span key = hinting_key(x);
    *offer = (struct offer){.plan = NULL};
    if (key.n == 0 || conf->find == NULL) {
        return false;
    }
    route_chain_init(&chain, key, policy->patterns, policy->patterns_n);
    while (route_chain_next(&chain, &key)) {
        if (conf->find(conf->self, route_key_id(&conf->secret, key), offer)) {
            return true;
        }
    }
    return false;
}

bool hinting_is_known(struct exchange *x) {
    struct offer offer;
    return x->hinting.has_offer || (!x->hinting.passes && find_offer(x, &offer));
}

struct offer_asset hinting_asset(const struct exchange *x, struct span path) {
    const struct hinting_conf *conf = &x->conf->hinting;
    struct offer_asset asset = {.state = OFFER_ASSET_NONE};
    struct route_id id = route_asset_id(&conf->secret, x->site->name, path);
    if (conf->find_asset == NULL || !conf->find_asset(conf->self, id, &asset)) {
        asset.state = OFFER_ASSET_NONE;
    }
    return asset;
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
static bool is_bad_origin(const struct exchange *x, struct span url) {
    const struct request *r = x->request;
    struct span rest = span_skip(url, r->scheme.n + 3);
    return (span_has_prefix(url, SPAN("http://")) && span_eq(r->scheme, SPAN("https"))) ||
           (span_has_prefix(url, r->scheme) && span_eq_nocase(rest, r->authority));
}

static bool is_bad(const struct exchange *x, struct span path, size_t i, struct skip *skip) {
    skip->assets[i] = hinting_asset(x, path);
    skip->looked |= 1ULL << i;
    enum offer_asset_state state = skip->assets[i].state;
    return state == OFFER_ASSET_NOT_REUSABLE || state == OFFER_ASSET_DEAD;
}

// The first by_hand hints are not the learner's, which says nothing that is of no use.
static void find_skip(const struct exchange *x, const struct plan *plan, size_t by_hand,
                      struct skip *skip) {
    skip->bad = skip->known = skip->looked = 0; // not the assets: most plans look none up
    for (size_t i = 0; plan != NULL && i < plan->hints_n; i++) {
        struct span target = plan->hints[i].target;
        if (!is_path(target)) {
            skip->bad |= is_bad_origin(x, target) ? 1ULL << i : 0;
        } else if (i < by_hand && is_bad(x, target, i, skip)) {
            skip->bad |= 1ULL << i;
        } else if (!x->hinting.is_shared && x->seen != NULL &&
                   seen_is_fresh(x->seen, &x->conf->hinting.secret, target, x->now_us / 1000)) {
            skip->known |= 1ULL << i;
        }
    }
}

static struct holdback *holdback_of(const struct exchange *x) {
    struct holdback *all = x->conf->hinting.holdbacks;
    return all != NULL ? &all[x->site - x->conf->router->sites] : NULL;
}

// ---- saying it ----------------------------------------------------------------------------------

// known: what was looked up of its asset; NULL: nothing yet.
static void note_hint(struct exchange *x, const struct hint *hint,
                      const struct offer_asset *known) {
    x->hinting.sent++;
    if (x->conf->teaching != NULL) {
        visit_hinted(&x->conf->teaching->visits, x->visit, hint, x->now_us);
    }
    // Who takes pushes may be pushed it next, which is noted then.
    if (x->seen == NULL || x->hinting.is_shared || x->can_push || !is_path(hint->target)) {
        return;
    }
    struct offer_asset asset = known != NULL ? *known : hinting_asset(x, hint->target);
    if (asset.state == OFFER_ASSET_REUSABLE) {
        seen_put(x->seen, &x->conf->hinting.secret, hint->target,
                 x->now_us / 1000 + 1000ULL * asset.lifetime_s);
    }
}

static void inform(struct exchange *x, const struct plan *plan, const struct skip *skip) {
    enum dialect dialect = x->hinting.client.dialect;
    uint64_t without = skip->bad | skip->known;
    const struct response *response = plan_without(plan, dialect, without, x->arena);
    if (response == NULL) {
        return;
    }
    x->hinting.has_informed = true;
    x->hinting.informed_us = x->now_us;
    exchange_command(x, COMMAND_INFORM)->response = response;
    uint64_t said = plan_said(plan, dialect) & ~without;
    for (size_t i = 0; i < plan->hints_n; i++) {
        if ((said & 1ULL << i) != 0) {
            bool has_looked = (skip->looked & 1ULL << i) != 0;
            note_hint(x, &plan->hints[i], has_looked ? &skip->assets[i] : NULL);
        }
    }
}

// What the plan leaves to be said, as the gate wants to know it.
static struct gate_facts facts_of(struct exchange *x, const struct plan *plan,
                                  const struct skip *skip) {
    uint64_t said = plan_said(plan, x->hinting.client.dialect) & ~skip->bad;
    uint64_t all = plan == NULL || plan->hints_n == 0 ? 0 : UINT64_MAX >> (64 - plan->hints_n);
    return (struct gate_facts){.has_answered = x->state > EXCHANGE_THINKING,
                               .is_session = hinting_is_session(x),
                               .has_plan = (all & ~skip->bad) != 0,
                               .can_say = said != 0,
                               .is_known = said != 0 && (said & ~skip->known) == 0};
}

static void decide(struct exchange *x, const struct plan *plan, const struct offer *offer,
                   size_t by_hand) {
    struct gate_conf gate = gate_of(x);
    struct skip skip;
    x->hinting.is_shared = x->hinting.client.is_forwarded;
    find_skip(x, plan, by_hand, &skip);
    struct gate_facts facts = facts_of(x, plan, &skip);
    facts.is_observed = offer->observe;
    facts.think_us = offer->think_us;
    x->gate = gate_offer(&gate, &facts, holdback_of(x));
    teaching_open(x);
    if (x->gate == GATE_SEND) {
        inform(x, plan, &skip);
    } else if (x->gate == GATE_HELD && x->conf->teaching != NULL) {
        visit_held(&x->conf->teaching->visits, x->visit);
    }
}

// ---- pushes -------------------------------------------------------------------------------------

static bool may_push(const struct exchange *x, enum hint_mode least) {
    return x->can_push && x->is_get && !x->is_pushed && gate_of(x).mode >= least;
}

static void promise(struct exchange *x) {
    if (x->push.n > 0) {
        struct exchange_command *c = exchange_command(x, COMMAND_PROMISE);
        c->paths = x->push.paths;
        c->paths_n = x->push.n;
    }
}

// The learned plan may go to this client at all, as a 103 or as pushes.
static bool may_offer(struct exchange *x, const struct offer *offer) {
    return !offer->observe && (x->site->gate.sessions || !hinting_is_session(x));
}

static void push_request(struct exchange *x, const struct plan *plan) {
    const struct route_rule *rule = x->route.rule;
    push_init(&x->push);
    if (x->gate == GATE_PREFETCH || x->gate == GATE_SAVE_DATA || x->gate == GATE_DENIED_AGENT) {
        return;
    }
    if (may_push(x, HINT_MODE_HINT) && rule != NULL) {
        for (size_t i = 0; i < rule->pushes.n && x->push.n < PUSH_MAX; i++) {
            x->push.paths[x->push.n++] = rule->pushes.v[i];
        }
    }
    if (may_push(x, HINT_MODE_PUSH) && x->gate != GATE_HELD) {
        push_put_plan(&x->push, plan);
    }
    promise(x);
}

void hinting_push(struct exchange *x, const struct response *response) {
    push_init(&x->push);
    if (may_push(x, HINT_MODE_HINT) && response->status == 200 &&
        pairs_find(&response->fields, SPAN("link")) != NULL) {
        struct target_page page = {x->request->scheme, x->request->authority, x->request->target};
        push_put_links(&x->push, &response->fields, &page, x->arena);
        promise(x);
    }
}

// ---- the request --------------------------------------------------------------------------------

void hinting_request(struct exchange *x) {
    struct gate_conf gate = gate_of(x);
    const struct route_rule *rule = x->route.rule;
    const struct plan *by_hand = rule != NULL ? rule->plan : NULL, *plan = NULL;
    struct offer offer = {.plan = NULL};
    x->gate = gate_request(&gate, x->request, &x->hinting.client);
    // Whoever forwards a browser's fields over HTTP/1.1 may take a 103 for the answer.
    if (x->gate == GATE_SEND && x->request->protocol != PROTOCOL_HTTP2 &&
        x->hinting.client.is_forwarded) {
        x->gate = GATE_HTTP1;
    }
    x->hinting.passes = x->gate == GATE_SEND && !x->is_pushed;
    if (x->hinting.passes || may_push(x, HINT_MODE_PUSH)) {
        x->hinting.has_offer = find_offer(x, &offer);
        x->hinting.scope = offer.scope;
        plan = plan_union(by_hand, offer.plan, &x->site->limits, x->arena);
        x->hinting.sources =
            (by_hand != NULL ? HINTING_RULE : 0) | (offer.plan != NULL ? HINTING_LEARNED : 0);
    }
    if (x->hinting.passes) {
        decide(x, plan, &offer, by_hand != NULL ? by_hand->hints_n : 0);
    }
    push_request(x, may_offer(x, &offer) ? plan : by_hand);
}

// ---- the application's own ----------------------------------------------------------------------

static const struct plan *plan_of_interim(struct exchange *x, const struct response *response) {
    struct target_page page = {x->request->scheme, x->request->authority, x->request->target};
    return plan_of_links(&response->fields, &page, &x->site->policy, x->arena);
}

// By choice those who are no browsers get all of them.
static bool takes_all(const struct exchange *x) {
    const struct span *mode = pairs_find(&x->request->fields, SPAN("sec-fetch-mode"));
    return x->site->relay == SITE_RELAY_ALL && x->request->protocol == PROTOCOL_HTTP2 &&
           gate_of(x).mode >= HINT_MODE_HINT && span_eq(x->request->method, SPAN("GET")) &&
           (mode == NULL || !span_eq(*mode, SPAN("navigate")));
}

static void pass_on(struct exchange *x, const struct response *response) {
    struct plan const *plan = plan_of_interim(x, response);
    const struct response *said = plan_response(plan, dialect_of(&x->request->fields));
    if (said != NULL && x->hinting.interims < INTERIMS_MOST) {
        x->hinting.interims++;
        exchange_command(x, COMMAND_INFORM)->response = said;
    }
}

void hinting_interim(struct exchange *x, const struct response *response) {
    if (x->state != EXCHANGE_THINKING || response->status != 103 || x->is_pushed ||
        x->site->relay == SITE_RELAY_OFF) {
        return;
    }
    if (takes_all(x)) {
        pass_on(x, response);
        return;
    }
    // Browsers act on the first one only; who is held back is to get none.
    if (!x->hinting.passes || x->hinting.has_informed || x->gate == GATE_HELD) {
        return;
    }
    const struct plan *plan = plan_of_interim(x, response);
    struct skip skip;
    find_skip(x, plan, HINT_SET_MAX, &skip);
    struct gate_facts facts = facts_of(x, plan, &skip);
    struct gate_conf gate = gate_of(x);
    if (!facts.has_plan) {
        return; // what was decided before still says why
    }
    x->gate = gate_offer(&gate, &facts, NULL);
    if (x->gate == GATE_SEND) {
        x->hinting.sources = HINTING_APPLICATION;
        inform(x, plan, &skip);
    }
}

// ---- the final response -------------------------------------------------------------------------

static struct span put_text(struct exchange *x, const char *text, int n, size_t cap) {
    return arena_copy(x->arena, span_of(text, n > 0 && (size_t)n < cap ? (size_t)n : 0));
}

static const char *gate_label(const struct exchange *x) {
    return x->has_decision ? gate_reason_row(x->gate)->label : "file";
}

// Server-Timing (W3C): what was decided about the hints, how long the final head took, and what
// failed. For the operator's eyes in the browser's tools.
static struct span timing(struct exchange *x, int error) {
    char text[160];
    uint64_t think_us = x->now_us - x->asked_us;
    int n = snprintf(text, sizeof text, "outrider;desc=\"%s\", think;dur=%" PRIu64 ".%03" PRIu64,
                     gate_label(x), think_us / 1000, think_us % 1000);
    if (error != 0) {
        n += snprintf(text + n, sizeof text - (size_t)n, ", failed;desc=\"%s\"",
                      error_row(error)->label);
    }
    return put_text(x, text, n, sizeof text);
}

// outrider = reason *( ";" name "=" value ): the decision, from where the hints came ("rule",
// "learned", both, "application") and how close to the route that was learned, how many were sent,
// and by how many milliseconds they were ahead of the final head.
static struct span debug(struct exchange *x) {
    static const char *const scopes[] = {
        [OFFER_EXACT] = "exact", [OFFER_PATTERN] = "pattern", [OFFER_SITE] = "site"};
    static const char *const sources[] = {"none",        "rule", "learned", "rule+learned",
                                          "application", "",     "",        ""};
    const struct hinting *h = &x->hinting;
    char text[160];
    int n = snprintf(text, sizeof text, "%s;source=%s", gate_label(x), sources[h->sources & 7]);
    if (h->has_offer) {
        n += snprintf(text + n, sizeof text - (size_t)n, ";scope=%s", scopes[h->scope]);
    }
    if (h->has_informed) {
        uint64_t lead_us = x->now_us - h->informed_us;
        n += snprintf(text + n, sizeof text - (size_t)n, ";hints=%u;lead=%" PRIu64 ".%03" PRIu64,
                      h->sent, lead_us / 1000, lead_us % 1000);
    }
    return put_text(x, text, n, sizeof text);
}

struct merge_extra hinting_extra(struct exchange *x, int error, struct pair *fields) {
    struct merge_extra extra = {.fields = fields};
    if (x->site == NULL) {
        return extra;
    }
    if (x->site->has_server_timing) {
        fields[extra.fields_n++] = (struct pair){SPAN("server-timing"), timing(x, error)};
    }
    if (x->site->has_debug_field) {
        fields[extra.fields_n++] = (struct pair){SPAN("outrider"), debug(x)};
    }
    const struct route_rule *rule = x->route.rule;
    if (x->site->has_final_link && error == 0 && x->route.kind == ROUTE_SCRIPT && rule != NULL &&
        !x->hinting.has_informed && gate_of(x).mode >= HINT_MODE_HINT) {
        extra.plan = rule->plan;
        extra.dialect = dialect_of(&x->request->fields);
    }
    return extra;
}
