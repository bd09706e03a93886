// SPDX-License-Identifier: MIT
#include "learner/visit.h"

#include "learner/visit_inside.h"

#include <stdlib.h>

#define BUCKETS 4096u // a power of two

void visit_init(struct visit_table *t, const struct siphash_key *secret) {
    *t = (struct visit_table){.secret = *secret};
    // Zeroed by the kernel: pages that are never used cost nothing.
    t->visits = calloc(VISIT_MOST, sizeof *t->visits);
    t->buckets = calloc(BUCKETS, sizeof *t->buckets);
    if (t->visits == NULL || t->buckets == NULL) {
        abort();
    }
    list_init(&t->free);
    list_init(&t->thinking);
    list_init(&t->active);
    list_init(&t->left);
    list_init(&t->ended);
    quota_loans_init(&t->held, VISIT_EACH);
}

void visit_fini(struct visit_table *t) {
    free(t->visits);
    free(t->buckets);
    t->visits = NULL;
    t->buckets = NULL;
}

// ---- names --------------------------------------------------------------------------------------

static uint64_t name_hash(const struct visit_table *t, uint64_t client, struct span url) {
    struct siphash_key key = {t->secret.k0 ^ client, t->secret.k1};
    return siphash(&key, url);
}

static uint32_t path_hash(const struct visit_table *t, struct span path) {
    return (uint32_t)siphash(&t->secret, path);
}

// "scheme://authority/target" as a Referer has it (RFC 9110, 10.1.3): no fragment.
static struct span write_url(uint8_t *out, struct span scheme, struct span authority,
                             struct span target) {
    static const struct span colon = SPAN_INIT("://");
    const struct span parts[] = {scheme, colon, authority, target};
    size_t n = 0;
    for (size_t i = 0; i < 4; i++) {
        if (parts[i].n > VISIT_URL_MAX - n) {
            return (struct span){NULL, 0};
        }
        memcpy(out + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    return span_of(out, n);
}

static struct name *name_at(const struct visit_table *t, uint32_t place) {
    return &t->visits[(place - 1) / NAMES].names[(place - 1) % NAMES];
}

static void put_name(struct visit_table *t, struct visit *v, uint64_t hash, uint8_t sheet) {
    uint32_t *bucket = &t->buckets[hash & (BUCKETS - 1)];
    struct name *name = &v->names[v->names_n];
    *name = (struct name){hash, *bucket, sheet};
    *bucket = (uint32_t)(v - t->visits) * NAMES + v->names_n++ + 1;
}

static void drop_names(struct visit_table *t, struct visit *v) {
    for (unsigned i = 0; i < v->names_n; i++) {
        uint32_t place = (uint32_t)(v - t->visits) * NAMES + i + 1;
        uint32_t *link = &t->buckets[v->names[i].hash & (BUCKETS - 1)];
        while (*link != place) {
            link = &name_at(t, *link)->next;
        }
        *link = v->names[i].next;
    }
    v->names_n = 0;
}

// The newest visit of that name, or NULL.
static struct visit *find(const struct visit_table *t, uint64_t hash, const struct name **name) {
    for (uint32_t at = t->buckets[hash & (BUCKETS - 1)]; at != 0; at = (*name)->next) {
        *name = name_at(t, at);
        if ((*name)->hash == hash) {
            return &t->visits[(at - 1) / NAMES];
        }
    }
    return NULL;
}

// ---- life ---------------------------------------------------------------------------------------

static struct visit *visit_at(const struct visit_table *t, struct visit_ref ref) {
    if (ref.place == 0) {
        return NULL;
    }
    struct visit *v = &t->visits[ref.place - 1];
    return v->serial == ref.serial ? v : NULL;
}

static struct visit_ref ref_of(const struct visit_table *t, const struct visit *v, unsigned fetch) {
    return (struct visit_ref){(uint32_t)(v - t->visits) + 1, v->serial, (uint8_t)fetch};
}

static void release(struct visit_table *t, struct visit *v) {
    drop_names(t, v);
    v->serial++;
    quota_return(&t->held, v->network);
    list_put(&t->free, &v->node);
}

// Nothing finds it any more; if it has something to say it waits to be told.
static void end(struct visit_table *t, struct visit *v) {
    if (!v->is_answered || v->fetches_n == 0) {
        release(t, v);
        return;
    }
    drop_names(t, v);
    v->serial++;
    list_put(&t->ended, &v->node);
}

static struct visit *find_free(struct visit_table *t) {
    // The one used last first: few visits at once touch little memory.
    if (!list_is_empty(&t->free)) {
        return LIST_ITEM(t->free.prev, struct visit, node);
    }
    if (t->made == VISIT_MOST) {
        return NULL;
    }
    struct visit *v = &t->visits[t->made++];
    list_init(&v->node);
    return v;
}

// One for the network, or NULL.
static struct visit *take(struct visit_table *t, uint64_t network) {
    if (!quota_borrow(&t->held, network)) {
        return NULL;
    }
    struct visit *v = find_free(t);
    if (v == NULL) {
        quota_return(&t->held, network);
    }
    return v;
}

struct visit_ref visit_open(struct visit_table *t, const struct visit_page *page, uint64_t now_us) {
    uint8_t bytes[VISIT_URL_MAX];
    struct span url = write_url(bytes, page->scheme, page->authority, page->target);
    if (url.p == NULL || page->key.n > VISIT_TEXT / 2) {
        t->refused++;
        return (struct visit_ref){0};
    }
    uint64_t hash = name_hash(t, page->client, url);
    const struct name *name;
    struct visit *v = find(t, hash, &name);
    if (v != NULL && name->sheet == 0) {
        end(t, v);
    }
    v = take(t, page->network);
    if (v == NULL) {
        t->refused++;
        return (struct visit_ref){0};
    }
    v->opened_us = v->last_us = now_us;
    v->is_answered = false;
    v->network = page->network;
    v->at_ms = page->at_ms;
    v->flags = 0;
    v->has_client_hints = page->has_client_hints;
    v->names_n = v->fetches_n = v->hinted_n = 0;
    v->key_len = v->text_n = (uint16_t)page->key.n;
    memcpy(v->text, page->key.p, page->key.n);
    put_name(t, v, hash, 0);
    list_put(&t->thinking, &v->node);
    t->opened++;
    return ref_of(t, v, 0);
}

void visit_hinted(struct visit_table *t, struct visit_ref ref, const struct hint *hint,
                  uint64_t now_us) {
    struct visit *v = visit_at(t, ref);
    if (v == NULL) {
        return;
    }
    if ((v->flags & EVIDENCE_HINTED) == 0) {
        v->flags |= EVIDENCE_HINTED;
        v->hinted_us = now_us;
    }
    if (v->hinted_n < HINTED_MOST) { // HINT_SET_MAX is less
        v->hinted[v->hinted_n++] = path_hash(t, hint->target);
    }
}

void visit_held(struct visit_table *t, struct visit_ref ref) {
    struct visit *v = visit_at(t, ref);
    if (v != NULL) {
        v->flags |= EVIDENCE_HELD;
    }
}

void visit_answered(struct visit_table *t, struct visit_ref ref, const struct recipient *recipient,
                    uint64_t now_us) {
    struct visit *v = visit_at(t, ref);
    if (v != NULL && !v->is_answered) {
        v->is_answered = true;
        v->recipient = *recipient;
        v->answered_us = v->last_us = now_us;
        list_put(&t->active, &v->node);
    }
}

void visit_left(struct visit_table *t, struct visit_ref ref, uint64_t now_us) {
    struct visit *v = visit_at(t, ref);
    if (v != NULL && v->is_answered) {
        v->last_us = now_us;
        list_put(&t->left, &v->node);
    }
}

void visit_drop(struct visit_table *t, struct visit_ref ref) {
    struct visit *v = visit_at(t, ref);
    if (v != NULL) {
        release(t, v);
    }
}

// ---- fetches ------------------------------------------------------------------------------------

static bool was_in_103(const struct visit *v, uint32_t hash) {
    for (unsigned i = 0; i < v->hinted_n; i++) {
        if (v->hinted[i] == hash) {
            return true;
        }
    }
    return false;
}

static bool is_there(const struct visit *v, uint32_t hash) {
    for (unsigned i = 0; i < v->fetches_n; i++) {
        if (v->fetches[i].hash == hash) {
            return true;
        }
    }
    return false;
}

// It was in our 103, or says itself that one asked for it; of Chromium, whose requests have
// Sec-CH-UA: it lacks that, and no final head has been there that a page could have been read from.
static bool is_hinted(const struct visit *v, const struct visit_asset *asset, bool is_in_103) {
    bool is_early = (v->flags & EVIDENCE_HINTED) != 0 && !v->is_answered;
    return is_in_103 || asset->is_marked ||
           (is_early && v->has_client_hints && !asset->has_client_hints);
}

// Further assets name the stylesheet as their Referer.
static void put_sheet(struct visit_table *t, struct visit *v, const struct visit_asset *asset) {
    uint8_t bytes[VISIT_URL_MAX];
    struct span url = write_url(bytes, asset->scheme, asset->authority, asset->target);
    if (url.p != NULL && v->names_n < NAMES) {
        put_name(t, v, name_hash(t, asset->client, url), v->fetches_n);
    }
}

// The Referer begins with the asset's own origin.
static bool is_same_origin(const struct visit_asset *asset) {
    struct span s = asset->scheme, a = asset->authority, rest = span_skip(asset->referer, s.n);
    return span_has_prefix(asset->referer, s) && span_has_prefix(rest, SPAN("://")) &&
           span_has_prefix(span_skip(rest, 3), a) && rest.n > 3 + a.n && rest.p[3 + a.n] == '/';
}

struct visit_ref visit_fetch(struct visit_table *t, const struct visit_asset *asset,
                             uint64_t now_us) {
    struct visit_ref none = {0};
    const struct name *name;
    if (!visit_is_awaiting(t) || !is_same_origin(asset)) {
        return none;
    }
    struct visit *v = find(t, name_hash(t, asset->client, asset->referer), &name);
    if (v == NULL) {
        return none;
    }
    if (v->is_answered && now_us - v->answered_us > VISIT_WHOLE_US) {
        end(t, v);
        return none;
    }
    uint32_t hash = path_hash(t, asset->target);
    bool is_in_103 = was_in_103(v, hash);
    if ((!visit_is_critical(asset->as) && !is_in_103) || is_there(v, hash)) {
        return none;
    }
    if (v->fetches_n == VISIT_FETCHES || asset->target.n > (size_t)VISIT_TEXT - v->text_n) {
        v->flags |= EVIDENCE_CUT;
        t->cut++;
        return none;
    }
    v->fetches[v->fetches_n++] =
        (struct fetch){.hash = hash,
                       .asked_ms = (uint32_t)((now_us - v->opened_us) / 1000),
                       .at = v->text_n,
                       .len = (uint16_t)asset->target.n,
                       .via = name->sheet,
                       .as = (uint8_t)asset->as,
                       .flags = is_hinted(v, asset, is_in_103) ? EVIDENCE_WAS_HINTED : 0};
    memcpy(v->text + v->text_n, asset->target.p, asset->target.n);
    v->text_n = (uint16_t)(v->text_n + asset->target.n);
    if (asset->as == HINT_AS_STYLE) {
        put_sheet(t, v, asset);
    }
    if (v->is_answered) {
        v->last_us = now_us;
        list_put(&t->active, &v->node);
    }
    return ref_of(t, v, v->fetches_n);
}

void visit_fetched(struct visit_table *t, struct visit_ref ref, bool is_good, uint64_t now_us) {
    struct visit *v = visit_at(t, ref);
    if (v == NULL) {
        return;
    }
    struct fetch *f = &v->fetches[ref.fetch - 1];
    uint32_t ms = (uint32_t)((now_us - v->opened_us) / 1000);
    f->done_ms = ms > 0 ? ms : 1; // 0 would say that it was not seen
    f->flags |= is_good ? EVIDENCE_ANSWERED : 0;
    f->is_done = true;
}

// ---- what is over -------------------------------------------------------------------------------

static bool is_over(const struct visit *v, uint64_t now_us) {
    return now_us - v->last_us > VISIT_IDLE_US || now_us - v->answered_us > VISIT_WHOLE_US;
}

static struct visit *first(const struct list *head) {
    return list_is_empty(head) ? NULL : LIST_ITEM(head->next, struct visit, node);
}

size_t visit_next(struct visit_table *t, uint8_t *out, uint64_t now_us, bool all) {
    struct visit *v;
    while ((v = first(&t->thinking)) != NULL && (all || now_us - v->opened_us > VISIT_THINK_US)) {
        release(t, v);
    }
    while ((v = first(&t->active)) != NULL && (all || is_over(v, now_us))) {
        end(t, v);
    }
    while ((v = first(&t->left)) != NULL && (all || now_us - v->last_us > VISIT_LEFT_US)) {
        end(t, v);
    }
    while ((v = first(&t->ended)) != NULL) {
        size_t n = v->fetches_n > 0 ? visit_encode(v, out) : 0;
        release(t, v);
        if (n > 0) {
            return n;
        }
    }
    return 0;
}
