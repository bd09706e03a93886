// SPDX-License-Identifier: MIT
#include "learner/learner_reading.h"

#include "learner/token.h"

bool learner_is_secret(const struct hint *hint) {
    return hint->rel != HINT_PRECONNECT && token_of(hint->target) == TOKEN_SECRET;
}

static bool may_learn(const struct reading *reading, unsigned source) {
    const struct hint_policy *p = reading->policy;
    return p == NULL || p->learn == 0 || (p->learn & source) != 0;
}

// What the page also has for everybody is for everybody.
static void add_asset(struct reading *reading, struct asset *asset, struct slot kind) {
    struct learner *l = reading->l;
    size_t at = 0;
    while (at < reading->n && reading->assets[at]->file != asset->file) {
        at++;
    }
    if (at == SLOTS_MAX) {
        l->stats.refused++;
        return;
    }
    if (at == reading->n) {
        learner_use_again(asset->file, reading->now_ms);
        asset_keep(&l->assets, asset); // until the reading is over
        reading->assets[at] = asset;
        reading->files[at] = asset->file;
        reading->kinds[at] = kind;
        reading->n++;
        return;
    }
    struct slot *known = &reading->kinds[at];
    if (known->is_conditional && !kind.is_conditional) {
        asset_keep(&l->assets, asset);
        asset_release(&l->assets, reading->assets[at]);
        reading->assets[at] = asset;
        *known = kind;
    } else if (known->is_conditional == kind.is_conditional) {
        known->sources |= kind.sources;
        known->is_behind &= kind.is_behind;
    }
}

static struct asset *put_asset(struct reading *reading, const struct hint *hint, struct slot kind) {
    struct learner *l = reading->l;
    struct asset *asset = asset_put(&l->assets, route_key_site(reading->e->key), hint);
    if (asset != NULL) {
        add_asset(reading, asset, kind);
    }
    return asset;
}

// Where the reading of a link is remembered. *link: what tells it from others. NULL: it depends on
// more than that, since its target is relative to the page.
static struct memo *find_memo(const struct reading *reading, struct span text,
                              struct siphash_wide *link) {
    struct span site = route_key_site(reading->e->key);
    const struct span parts[] = {site, reading->page.scheme, reading->page.authority, text};
    uint8_t bytes[1024];
    size_t n = 0;
    bool is_absolute = span_has_prefix(text, SPAN("</")) || span_has_prefix(text, SPAN("<http"));
    if (!is_absolute || reading->has_base) {
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
    *link = siphash_wide(&reading->l->conf.secret, span_of(bytes, n));
    return &reading->l->memos[link->low % MEMOS];
}

// The asset that the link was read as, if that is still the same. A link to the page itself is
// none.
static struct asset *recall(const struct reading *reading, const struct memo *memo,
                            struct siphash_wide link) {
    const struct asset_table *t = &reading->l->assets;
    bool is_it = memo->link.low == link.low && memo->link.high == link.high;
    struct asset *asset = is_it && memo->number < t->numbers ? asset_at(t, memo->number) : NULL;
    bool is_same = asset != NULL && route_id_eq(asset->file->id, memo->file);
    return is_same && !span_eq(asset->file->url, reading->page.path) ? asset : NULL;
}

// The link's target as an absolute URL, where the page has a base of its own. False: it is none.
static bool rebase(const struct reading *reading, struct link *link) {
    struct arena *arena = &reading->l->scratch;
    struct uri uri;
    if (uri_resolve(arena, &reading->base, link->target, &uri) != 0) {
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

static void read_links(struct reading *reading, const struct evidence_item *item) {
    struct learner *l = reading->l;
    bool is_html = item->kind == EVIDENCE_HTML;
    struct slot kind = {.sources = is_html ? LEARNER_HTML : LEARNER_LINK,
                        .is_behind = (item->flags & (EVIDENCE_BODY | EVIDENCE_LATE)) != 0,
                        .is_conditional = (item->flags & EVIDENCE_CONDITIONAL) != 0};
    struct hint_context context = {&reading->page, reading->policy, &l->scratch};
    struct link_reader reader;
    struct link link;
    struct hint hint;
    if (!may_learn(reading, kind.sources)) {
        return;
    }
    struct siphash_wide key = {0, 0};
    struct memo *memo = is_html ? find_memo(reading, item->text, &key) : NULL;
    struct asset *asset = memo != NULL ? recall(reading, memo, key) : NULL;
    if (asset != NULL) {
        l->stats.links.reasons[HINT_OK]++;
        add_asset(reading, asset, kind);
        return;
    }
    link_init(&reader, item->text, &l->scratch);
    while (link_next(&reader, &link) == STEP_ITEM) {
        if (is_html && reading->has_base && !rebase(reading, &link)) {
            l->stats.links.reasons[HINT_TARGET_SYNTAX]++;
            continue;
        }
        enum hint_reason reason = hint_from_link(&hint, &link, &context);
        if (hint_is_usable(reason) && learner_is_secret(&hint)) {
            reason = HINT_SECRET;
        }
        l->stats.links.reasons[reason]++;
        if (hint_is_usable(reason)) {
            asset = put_asset(reading, &hint, kind);
        }
        if (memo != NULL && asset != NULL && asset->file->is_local && reason == HINT_OK) {
            *memo = (struct memo){key, asset->file->id, asset->number};
        }
    }
    l->stats.links.broken += reader.broken;
}

static void read_base(struct reading *reading, struct span text) {
    struct uri page = {reading->page.scheme, reading->page.authority, reading->page.path};
    reading->has_base = uri_resolve(&reading->l->scratch, &page, text, &reading->base) == 0;
}

// A font that is declared may be needed; whether it is, requests tell.
static void read_font(struct reading *reading, struct span text) {
    struct learner *l = reading->l;
    struct link link = {.target = text};
    struct target target;
    if (reading->has_base && !rebase(reading, &link)) {
        return;
    }
    if (target_resolve(&target, &reading->page, link.target, &l->scratch) == HINT_OK &&
        target.is_same_origin) {
        struct span site =
            reading->e->kind == EVIDENCE_SHEET ? reading->e->key : route_key_site(reading->e->key);
        struct asset_file *f = asset_put_file(&l->assets, site, target.path);
        if (f != NULL) {
            f->is_font = true;
        }
    }
}

static void read_policy(struct reading *reading, struct span text) {
    size_t at = span_index(text, ':');
    struct span name = span_first(text, at), value = span_trim(span_skip(text, at + 1));
    if (span_eq_nocase(name, SPAN("content-security-policy"))) {
        // One with nonces is another one each time.
        bool has_nonce = span_find(value, SPAN("'nonce-")) < value.n;
        reading->csp = has_nonce ? span_of(NULL, 0) : value;
    } else if (span_eq_nocase(name, SPAN("referrer-policy"))) {
        reading->referrer = value;
    }
}

static void read_page(struct reading *reading) {
    struct span items = reading->e->items;
    struct evidence_item item;
    while (evidence_next(&items, &item)) {
        switch (item.kind) {
        case EVIDENCE_LINK:
        case EVIDENCE_HTML:
            read_links(reading, &item);
            break;
        case EVIDENCE_BASE:
            read_base(reading, item.text);
            break;
        case EVIDENCE_FONT:
            read_font(reading, item.text);
            break;
        case EVIDENCE_POLICY:
            read_policy(reading, item.text);
            break;
        default:
            break;
        }
    }
}

static void read_import(struct reading *reading, struct span text) {
    struct learner *l = reading->l;
    struct link link = {.target = text};
    struct target target;
    struct hint hint = {.rel = HINT_PRELOAD, .as = HINT_AS_STYLE, .can_push = true};
    if (target_resolve(&target, &reading->page, link.target, &l->scratch) != HINT_OK ||
        !target.is_same_origin || token_of(target.path) != TOKEN_NONE ||
        reading->n == ASSET_IMPORTS_MAX || span_eq(target.path, reading->e->target)) {
        return;
    }
    hint.target = target.path;
    struct asset *asset = asset_put(&l->assets, reading->e->key, &hint);
    if (asset != NULL) {
        asset_keep(&l->assets, asset);
        reading->assets[reading->n++] = asset;
    }
}

static void init(struct reading *reading, struct learner *l, const struct evidence *e,
                 uint64_t now_ms) {
    *reading = (struct reading){
        .l = l, .e = e, .now_ms = now_ms, .page = {e->scheme, e->authority, e->target}};
}

void learner_reading_page(struct reading *reading, struct learner *l, const struct evidence *e,
                          uint64_t now_ms) {
    init(reading, l, e, now_ms);
    reading->policy = learner_policy(l, e->key);
    read_page(reading);
    for (size_t i = 0; i < reading->n; i++) {
        reading->own[i] = learner_own_part(e->key, reading->files[i]);
    }
}

void learner_reading_sheet(struct reading *reading, struct learner *l, const struct evidence *e,
                           uint64_t now_ms) {
    struct span items = e->items;
    struct evidence_item item;
    init(reading, l, e, now_ms);
    while (evidence_next(&items, &item)) {
        if (item.kind == EVIDENCE_IMPORT) {
            read_import(reading, item.text);
        } else if (item.kind == EVIDENCE_FONT) {
            read_font(reading, item.text);
        }
    }
}

void learner_reading_fini(struct reading *reading) {
    for (size_t i = 0; i < reading->n; i++) {
        asset_release(&reading->l->assets, reading->assets[i]);
    }
    reading->n = 0;
}
