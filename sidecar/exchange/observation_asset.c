// SPDX-License-Identifier: MIT
#include "exchange/observation_inside.h"

#include "exchange/capture.h"
#include "http/mime.h"
#include "learner/learner.h"

// An asset of which nothing is published is told again after so many seconds: another worker may
// have told meanwhile that it is gone, and then it is back.
#define AGAIN_S 1
#define SHEET_NETWORKS 4 // places for what different networks were given

static enum hint_as as_of_type(struct span essence) {
    static const struct {
        struct span word;
        enum hint_as as;
    } words[] = {{SPAN_INIT("text/css"), HINT_AS_STYLE},
                 {SPAN_INIT("application/font-woff"), HINT_AS_FONT},
                 {SPAN_INIT("application/font-woff2"), HINT_AS_FONT},
                 {SPAN_INIT("application/x-font-ttf"), HINT_AS_FONT},
                 {SPAN_INIT("application/vnd.ms-fontobject"), HINT_AS_FONT}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (span_eq_nocase(essence, words[i].word)) {
            return words[i].as;
        }
    }
    if (mime_is_javascript(essence)) {
        return HINT_AS_SCRIPT;
    }
    size_t slash = span_index(essence, '/');
    struct span kind = span_first(essence, slash);
    return span_eq_nocase(kind, SPAN("font"))    ? HINT_AS_FONT
           : span_eq_nocase(kind, SPAN("image")) ? HINT_AS_IMAGE
                                                 : HINT_AS_NONE;
}

// What the response is an asset as. Data that a script fetched has no type of its own: that it is
// no page and how it was asked for has to do.
static enum hint_as asset_of(const struct observation *o, const struct response *response) {
    if (response->status != 200) {
        return HINT_AS_NONE;
    }
    enum hint_as as = as_of_type(o->essence);
    bool is_data = as == HINT_AS_NONE && o->signs.as == HINT_AS_FETCH &&
                   body_reader_kind_of(o->essence) != BODY_READER_PAGE;
    return is_data ? HINT_AS_FETCH : as;
}

// A redirect to the same path: by another scheme or name, so it is about those.
static bool is_of_origin(const struct observation *o, const struct response *response) {
    const struct span *location = pairs_find(&response->fields, SPAN("location"));
    size_t colon = location != NULL ? span_find(*location, SPAN("://")) : 0;
    if (location == NULL || colon == location->n) {
        return false;
    }
    struct span rest = span_skip(*location, colon + 3);
    return span_eq(span_skip(rest, span_index(rest, '/')), o->facts->request->target);
}

// The asset is not there, for nobody: not what only this request brought about, nor what passes by
// itself (503: too much to do, no descriptors).
static bool is_gone(const struct observation *o, const struct response *response) {
    int status = response->status;
    bool is_redirect = status >= 300 && status < 400 && status != 304;
    return (is_redirect && !is_of_origin(o, response)) || (status >= 500 && status != 503) ||
           status == 403 || status == 404 || status == 410 || status == 451;
}

static uint32_t log2_of(uint32_t n) {
    uint32_t bits = 0;
    for (; n > 1; n >>= 1) {
        bits++;
    }
    return bits;
}

static bool is_script_sheet(const struct observation *o, const struct evidence *e) {
    return e->status == 200 && e->as == HINT_AS_STYLE && o->is_script;
}

// What was told of it last stands there, as a hash; *hash: what would be told now.
static uint64_t *told_of(struct observation *o, const struct evidence *e,
                         enum offer_asset_state known, uint64_t *hash) {
    struct observer *t = o->observer;
    uint32_t what[] = {e->status, e->reuse, e->as, log2_of(e->lifetime_s), e->flags, 0};
    if (known == OFFER_ASSET_NONE) {
        what[5] = observer_second(o->observer) / AGAIN_S;
    }
    struct siphash_key key = {t->secret.k0 ^ siphash(&t->secret, e->key), t->secret.k1};
    uint64_t path = siphash(&key, e->target);
    // What a stylesheet of a script imports has to be heard from several networks.
    path += is_script_sheet(o, e) ? observation_network(o) % SHEET_NETWORKS : 0;
    key.k0 ^= path;
    *hash = siphash(&key, span_of(what, sizeof what));
    return &t->told[path % OBSERVER_TOLD];
}

// It is not what this worker told of it last, or what is published says otherwise; and others are
// not to be heard first.
static bool may_tell(struct observation *o, const struct evidence *e) {
    struct observer *t = o->observer;
    enum offer_asset_state known = observation_known(o).state;
    bool is_good = e->status == 200;
    if (!is_good && (known == OFFER_ASSET_NONE || known == OFFER_ASSET_DEAD)) {
        return false;
    }
    bool is_changed =
        known != OFFER_ASSET_NONE && (!is_good || known == OFFER_ASSET_DEAD ||
                                      (known == OFFER_ASSET_REUSABLE) != (e->reuse == REUSE_OK));
    uint64_t hash, *told = told_of(o, e, known, &hash);
    if (*told == hash && !is_changed) {
        return false;
    }
    if (!quota_take(&t->assets, observation_network(o), observer_second(o->observer))) {
        t->spared++;
        return false;
    }
    *told = hash;
    return true;
}

// As one who sends no Origin would use it, unless all do: pages say which of them do.
static struct reuse judge(const struct observation *o, const struct response *response,
                          enum hint_as as) {
    struct reuse_use use = {HINT_PRELOAD, as, HINT_NO_CORS};
    return reuse_judge(response, &use, *o->observer->unix_time);
}

// What it imports is hinted to all who are hinted the stylesheet, so it must be what all are given.
static bool is_for_all(struct observation *o, const struct response *response) {
    return identity_audience(o->identity)->kind == AUDIENCE_PUBLIC &&
           !evidence_is_private(response) &&
           evidence_may_learn(o->facts->request, response, false) == LEARN_OK;
}

static void capture_sheet(struct observation *o, const struct response *response) {
    o->capture = capture_open(o->observer, observation_network(o));
    if (o->capture == NULL) {
        return;
    }
    struct evidence e = {.kind = EVIDENCE_SHEET,
                         .at_ms = observer_unix_ms(o->observer),
                         .key = o->facts->site->name,
                         .scheme = o->facts->request->scheme,
                         .authority = o->facts->request->authority,
                         .target = o->facts->request->target,
                         // None at all would be the disk's own word.
                         .network = observation_network(o) | 1};
    e.who = e.network;
    if (!evidence_begin(&o->capture->writer, &e, o->capture->bytes, EVIDENCE_MAX) ||
        !capture_scan(o->capture, o->observer, response, BODY_READER_SHEET) ||
        o->capture->reader == NULL) {
        capture_drop(o->capture, o->observer);
        o->capture = NULL;
    }
}

// A client is told apart from an asset that is known: what it answers now matters to all. What is
// not known yet may become one.
static struct span tell_asset(struct observation *o, const struct response *response,
                              enum hint_as as, struct reuse reuse) {
    struct evidence e = {.kind = EVIDENCE_ASSET,
                         .flags = reuse.varies_origin ? EVIDENCE_VARIES_ORIGIN : 0,
                         .status = (uint16_t)response->status,
                         .at_ms = observer_unix_ms(o->observer),
                         .as = (uint8_t)as,
                         .reuse = (uint8_t)reuse.reason,
                         .lifetime_s = reuse.lifetime_s,
                         .key = o->facts->site->name,
                         .target = o->facts->request->target};
    if (o->is_script) {
        e.network = observation_network(o) | 1; // none at all would be the disk's own word
        e.flags |= identity_is_session(o->identity) ? EVIDENCE_SESSION : 0;
    }
    const struct span *len = pairs_find(&response->fields, SPAN("content-length"));
    if (len != NULL && !span_to_u64(*len, &e.bytes)) {
        e.bytes = 0;
    }
    if (!may_tell(o, &e)) {
        return span_of(NULL, 0);
    }
    if (is_script_sheet(o, &e) && (o->facts->site->policy.learn & LEARNER_CSS) != 0 &&
        is_for_all(o, response)) {
        capture_sheet(o, response);
    }
    return observer_write(o->observer, &e);
}

// Of what scripts fetch, much that is no asset of any page, only what is known.
static bool may_be_hinted(const struct observation *o) {
    return o->signs.as == HINT_AS_FETCH ? observation_known(o).state == OFFER_ASSET_REUSABLE
                                        : o->signs.as != HINT_AS_NONE;
}

struct offer_asset observation_known(const struct observation *o) {
    return published_asset(o->published, o->facts->site->name, o->facts->request->target);
}

// Files are looked at by the probe; of them only what a visit fetched is.
struct span observation_asset(struct observation *o, const struct response *response) {
    bool is_file = !o->is_script;
    if (is_gone(o, response)) {
        return tell_asset(o, response, o->signs.as, (struct reuse){.reason = REUSE_STATUS});
    }
    enum hint_as as = asset_of(o, response);
    if (as == HINT_AS_NONE || (is_file && o->signs.as == HINT_AS_NONE)) {
        return span_of(NULL, 0);
    }
    struct reuse reuse = judge(o, response, as);
    if (o->facts->seen != NULL && reuse.reason == REUSE_OK && may_be_hinted(o)) {
        seen_put(o->facts->seen, &o->observer->secret, o->facts->request->target,
                 o->facts->now_us / 1000 + 1000ULL * reuse.lifetime_s);
    }
    bool is_told = !is_file || o->fetch.place != 0;
    return is_told ? tell_asset(o, response, as, reuse) : span_of(NULL, 0);
}

bool observation_is_asset(const struct observation *o, const struct response *response) {
    if (response->status == 304) {
        enum offer_asset_state state = observation_known(o).state;
        return state == OFFER_ASSET_REUSABLE || state == OFFER_ASSET_NOT_REUSABLE;
    }
    return response->status == 200 && asset_of(o, response) == o->signs.as;
}
