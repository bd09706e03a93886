// SPDX-License-Identifier: MIT
#include "learner/asset.h"

#include "learner/asset_inside.h"

#include <stdlib.h>

#include "learner/token.h"
#include "learner/version.h"

#define WAITS_MAX 65536
#define STEM_MAX 2304
#define BLOCK 16 // bytes that an allocation costs beside what was asked for

static void *allocate(struct asset_table *t, size_t n) {
    void *p = calloc(1, n);
    if (p == NULL) {
        abort();
    }
    t->bytes += n + BLOCK;
    return p;
}

static void release(struct asset_table *t, void *p, size_t n) {
    free(p);
    t->bytes -= n + BLOCK;
}

void asset_table_init(struct asset_table *t, size_t max, size_t buckets,
                      const struct siphash_key *secret) {
    max = max < ASSET_NUMBERS / ASSET_VARIANTS_MAX ? max : ASSET_NUMBERS / ASSET_VARIANTS_MAX;
    *t = (struct asset_table){.secret = *secret, .max = max, .mask = buckets - 1};
    t->buckets = allocate(t, buckets * sizeof *t->buckets);
    t->stems = allocate(t, buckets * sizeof *t->stems);
    list_init(&t->idle);
    list_init(&t->news);
    list_init(&t->questions);
}

// ---- files --------------------------------------------------------------------------------------

static struct asset_file **find_link(const struct asset_table *t, struct route_id id) {
    struct asset_file **at = &t->buckets[id.a & t->mask];
    while (*at != NULL && !route_id_eq((*at)->id, id)) {
        at = &(*at)->chain;
    }
    return at;
}

struct asset_file *asset_find(const struct asset_table *t, struct span site, struct span url) {
    struct route_id id = route_asset_id(&t->secret, site, url);
    return id.a == 0 && id.b == 0 ? NULL : *find_link(t, id);
}

static size_t file_size(const struct asset_file *f) {
    return sizeof *f + f->site.n + f->url.n;
}

static size_t asset_size(const struct hint *hint) {
    return sizeof(struct asset) + hint->type.n + hint->integrity.n;
}

static struct asset_stem **find_stem(const struct asset_table *t, uint64_t hash) {
    struct asset_stem **at = &t->stems[hash & t->mask];
    while (*at != NULL && (*at)->hash != hash) {
        at = &(*at)->chain;
    }
    return at;
}

// Puts the file among its versions.
static void join_stem(struct asset_table *t, struct asset_file *f) {
    uint8_t bytes[STEM_MAX];
    size_t at = f->site.n + 1;
    size_t n = at < 512 ? version_stem(f->url, bytes + at, sizeof bytes - at) : 0;
    if (n == 0) {
        return;
    }
    memcpy(bytes, f->site.p, f->site.n);
    bytes[f->site.n] = 0;
    uint64_t hash = siphash(&t->secret, span_of(bytes, at + n));
    struct asset_stem **link = find_stem(t, hash);
    if (*link == NULL) {
        *link = allocate(t, sizeof **link);
        (*link)->hash = hash;
        struct span stem = span_of(bytes + at, n);
        (*link)->is_name = span_index(stem, 1) < span_index(stem, '?');
    }
    f->stem = *link;
    f->stem->files++;
}

static void leave_stem(struct asset_table *t, struct asset_file *f) {
    struct asset_stem *stem = f->stem;
    if (stem == NULL) {
        return;
    }
    if (stem->newest == f) {
        stem->newest = NULL;
    }
    if (stem->candidate == f) {
        stem->candidate = NULL;
    }
    if (--stem->files == 0) {
        *find_stem(t, stem->hash) = stem->chain;
        release(t, stem, sizeof *stem);
    }
}

// Files to which nothing refers and of which all was told wait for being evicted.
static void settle(struct asset_table *t, struct asset_file *f) {
    if (f->refs == 0 && list_is_empty(&f->news)) {
        list_drop(&f->question);
        list_put(&t->idle, &f->idle);
    } else {
        list_drop(&f->idle);
    }
}

static void unref_file(struct asset_table *t, struct asset_file *f) {
    f->refs--;
    settle(t, f);
}

void asset_set_newer(struct asset_table *t, struct asset_file *f, struct asset_file *newer) {
    struct asset_file *old = f->newer;
    if (newer != NULL) {
        newer->refs++;
        settle(t, newer);
    }
    f->newer = newer;
    if (old != NULL) {
        unref_file(t, old);
    }
}

static void free_asset(struct asset_table *t, struct asset *a) {
    t->v[a->number] = NULL;
    t->free_numbers[t->free_n++] = a->number;
    release(t, a, asset_size(&a->hint));
}

static void free_file(struct asset_table *t, struct asset_file *f) {
    struct route_id id;
    *find_link(t, f->id) = f->chain;
    leave_stem(t, f);
    while (asset_take_wait(t, f, &id)) {
    }
    while (f->variants != NULL) {
        struct asset *a = f->variants;
        f->variants = a->next;
        free_asset(t, a);
    }
    list_drop(&f->idle);
    list_drop(&f->news);
    list_drop(&f->question);
    t->files--;
    release(t, f, file_size(f));
}

// Lets go of what the file refers to, which may become idle by that.
static void evict(struct asset_table *t, struct asset_file *f) {
    list_drop(&f->idle);
    asset_set_imports(t, f, NULL, 0);
    asset_set_newer(t, f, NULL);
    free_file(t, f);
}

void asset_table_fini(struct asset_table *t) {
    for (size_t i = 0; i <= t->mask; i++) {
        while (t->buckets[i] != NULL) {
            free_file(t, t->buckets[i]);
        }
    }
    free(t->buckets);
    free(t->stems);
    free(t->v);
    free(t->free_numbers);
}

bool asset_shed(struct asset_table *t) {
    if (list_is_empty(&t->idle)) {
        return false;
    }
    evict(t, LIST_ITEM(t->idle.next, struct asset_file, idle));
    return true;
}

static bool make_room(struct asset_table *t) {
    bool has_room = t->files < t->max || asset_shed(t);
    t->refused += !has_room;
    return has_room;
}

struct asset_file *asset_put_file(struct asset_table *t, struct span site, struct span url) {
    struct route_id id = route_asset_id(&t->secret, site, url);
    struct asset_file *f = *find_link(t, id);
    if (f != NULL || url.n == 0 || (id.a == 0 && id.b == 0) || !make_room(t)) {
        return f;
    }
    f = allocate(t, sizeof *f + site.n + url.n);
    uint8_t *text = (uint8_t *)(f + 1);
    memcpy(text, site.p, site.n);
    memcpy(text + site.n, url.p, url.n);
    f->site = span_of(text, site.n);
    f->url = span_of(text + site.n, url.n);
    f->id = id;
    t->births = t->births < t->now_ms ? t->now_ms : t->births + 1;
    f->born = t->births;
    struct span name;
    f->is_local = url.n > 0 && url.p[0] == '/';
    f->is_suspect = token_names(f->url, &name, 1) > 0;
    f->is_doubtful = token_of(f->url) != TOKEN_NONE;
    list_init(&f->idle);
    list_init(&f->news);
    list_init(&f->question);
    *find_link(t, id) = f;
    t->files++;
    if (f->is_local) {
        join_stem(t, f);
    }
    settle(t, f);
    return f;
}

// ---- assets -------------------------------------------------------------------------------------

static uint32_t take_number(struct asset_table *t) {
    if (t->free_n > 0) {
        return t->free_numbers[--t->free_n];
    }
    if (t->numbers == t->cap) {
        size_t old = t->cap;
        t->cap = old ? 2 * old : 256;
        t->v = realloc(t->v, t->cap * sizeof *t->v);
        t->free_numbers = realloc(t->free_numbers, t->cap * sizeof *t->free_numbers);
        if (t->v == NULL || t->free_numbers == NULL) {
            abort();
        }
        t->bytes += (t->cap - old) * (sizeof *t->v + sizeof *t->free_numbers);
    }
    return (uint32_t)t->numbers++;
}

struct asset *asset_put(struct asset_table *t, struct span site, const struct hint *hint) {
    struct asset_file *f = asset_put_file(t, site, hint->target);
    unsigned n = 0;
    for (struct asset *a = f != NULL ? f->variants : NULL; a != NULL; a = a->next, n++) {
        if (hint_eq(&a->hint, hint)) {
            return a;
        }
    }
    if (f == NULL || n >= ASSET_VARIANTS_MAX) {
        t->refused += f != NULL;
        return NULL;
    }
    struct asset *a = allocate(t, asset_size(hint));
    uint8_t *text = (uint8_t *)(a + 1);
    a->hint = *hint;
    a->hint.target = f->url;
    a->hint.type = span_of(text, hint->type.n);
    a->hint.integrity = span_of(text + hint->type.n, hint->integrity.n);
    if (hint->type.n > 0) {
        memcpy(text, hint->type.p, hint->type.n);
    }
    if (hint->integrity.n > 0) {
        memcpy(text + hint->type.n, hint->integrity.p, hint->integrity.n);
    }
    a->number = take_number(t);
    t->v[a->number] = a;
    a->file = f;
    a->next = f->variants;
    f->variants = a;
    return a;
}

void asset_keep(struct asset_table *t, struct asset *a) {
    a->refs++;
    a->file->refs++;
    settle(t, a->file);
}

void asset_release(struct asset_table *t, struct asset *a) {
    a->refs--;
    unref_file(t, a->file);
}

static void tell(struct asset_table *t, struct asset_file *f) {
    if (list_is_empty(&f->news)) {
        list_put(&t->news, &f->news);
        settle(t, f);
    }
}

void asset_plan(struct asset_table *t, struct asset *a, bool has) {
    if (has) {
        asset_keep(t, a);
        if (a->file->plans++ == 0) {
            tell(t, a->file);
        }
    } else {
        if (--a->file->plans == 0) {
            tell(t, a->file);
        }
        asset_release(t, a);
    }
}

bool asset_set_state(struct asset_table *t, struct asset_file *f, enum offer_asset_state state,
                     enum reuse_reason reuse) {
    bool is_new = f->state != state;
    f->state = (uint8_t)state;
    f->reuse = (uint8_t)reuse;
    if (is_new && f->plans > 0) {
        tell(t, f);
    }
    return is_new;
}

void asset_set_imports(struct asset_table *t, struct asset_file *f, struct asset *const *imports,
                       size_t n) {
    struct asset *old[ASSET_IMPORTS_MAX];
    size_t old_n = f->imports_n;
    memcpy(old, f->imports, sizeof old);
    n = n < ASSET_IMPORTS_MAX ? n : ASSET_IMPORTS_MAX;
    for (size_t i = 0; i < n; i++) {
        asset_keep(t, imports[i]);
        f->imports[i] = imports[i];
    }
    f->imports_n = (uint8_t)n;
    for (size_t i = 0; i < old_n; i++) {
        asset_release(t, old[i]);
    }
}

// ---- questions and news -------------------------------------------------------------------------

bool asset_ask(struct asset_table *t, struct asset_file *f, uint64_t now_ms, uint64_t every_ms) {
    bool is_early = f->asked_ms != 0 && now_ms >= f->asked_ms && now_ms - f->asked_ms < every_ms;
    bool may_ask = f->is_local && f->refs > 0 && !is_early;
    if (may_ask) {
        f->asked_ms = now_ms;
        list_put(&t->questions, &f->question);
    }
    return may_ask;
}

void asset_wait(struct asset_table *t, struct asset_file *f, struct route_id id) {
    bool is_there = f->waits != NULL && route_id_eq(f->waits->id, id);
    if (t->waits >= WAITS_MAX || is_there) {
        return;
    }
    struct asset_wait *wait = allocate(t, sizeof *wait);
    *wait = (struct asset_wait){f->waits, id};
    f->waits = wait;
    t->waits++;
}

bool asset_take_wait(struct asset_table *t, struct asset_file *f, struct route_id *id) {
    struct asset_wait *wait = f->waits;
    if (wait == NULL) {
        return false;
    }
    *id = wait->id;
    f->waits = wait->next;
    t->waits--;
    release(t, wait, sizeof *wait);
    return true;
}

struct asset_file *asset_next_news(struct asset_table *t) {
    struct list *node;
    while ((node = list_take(&t->news)) != NULL) {
        struct asset_file *f = LIST_ITEM(node, struct asset_file, news);
        bool is_new = f->plans > 0 || f->is_told;
        f->is_told = f->plans > 0;
        settle(t, f);
        if (is_new) {
            return f;
        }
    }
    return NULL;
}

struct asset_file *asset_next_question(struct asset_table *t) {
    struct list *node = list_take(&t->questions);
    return node != NULL ? LIST_ITEM(node, struct asset_file, question) : NULL;
}
