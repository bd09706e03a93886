// SPDX-License-Identifier: MIT
// What a pattern may take from the pages that match it. Its hints go to pages that nobody has seen,
// so they may have nothing that belongs to one page: no part of its URL, no name that only who was
// told it knows, no host that only its author named, nothing that a script answers by a query.
#include "learner/learner_inside.h"

#include "learner/token.h"

#define NAMES_MOST 4       // of one URL
#define FILE_PART_LEAST 4  // characters of a part of a file's name that is a page's
#define PATTERN_CHILDREN 2 // of the pattern: what one author writes is mostly in one
#define PATTERN_PAGES 3

// The path and query of a pattern up to its wildcard: what all its pages have in common.
static struct span literal_of(const struct node *node) {
    struct span path = route_key_path(node_key(node));
    struct span rest = span_skip(node_key(node), (size_t)(path.p - node->key));
    return span_first(rest, span_index(rest, ROUTE_WILDCARD));
}

uint32_t learner_from_below(const struct learner *l, const struct node *node,
                            const struct evidence *e) {
    uint32_t from = learner_from(l, e);
    struct span key = node_key(node), path = route_key_path(e->key), literal = literal_of(node);
    bool is_folder = node->is_pattern && key.p[key.n - 1] == ROUTE_WILDCARD && literal.n <= path.n;
    if (!is_folder) {
        return from;
    }
    struct span below = span_skip(path, literal.n);
    uint64_t child = siphash(&l->conf.secret, span_first(below, span_index(below, '/')));
    return (from & 0xffff0000U) | (uint16_t)(child >> 48);
}

// ---- what is a page's own -----------------------------------------------------------------------

// The URL has it as a folder or a label of its host; a longer one also as a part of the file's
// name.
static bool is_part(struct span url, struct span part) {
    struct span path = span_first(url, span_index(url, '?'));
    size_t from = 0;
    for (size_t at = 0; at <= path.n; at++) {
        bool is_end = at == path.n;
        if (!is_end && memchr("/.-_:", path.p[at], 5) == NULL) {
            continue;
        }
        struct span found = span_of(path.p + from, at - from);
        bool is_folder = from > 0 && path.p[from - 1] == '/' && !is_end && path.p[at] == '/';
        from = at + 1;
        if (span_eq_nocase(found, part) && (is_folder || part.n >= FILE_PART_LEAST)) {
            return true;
        }
    }
    // One that has such separators itself.
    size_t at = span_find(path, part);
    return part.n >= FILE_PART_LEAST && at < path.n;
}

size_t learner_own_part(struct span key, const struct asset_file *f) {
    struct span path = route_key_path(key), query = route_key_query(key), rest = path, part, pair;
    size_t own = 0;
    while (rest.n > 0 && span_cut(&rest, '/', &part)) {
        if (part.n > 0 && is_part(f->url, part)) {
            own = (size_t)(part.p - path.p) + part.n;
        }
    }
    while (query.n > 0 && span_cut(&query, '&', &pair)) {
        part = span_skip(pair, span_index(pair, '=') + 1);
        own = part.n > 0 && is_part(f->url, part) ? SIZE_MAX : own;
    }
    return own;
}

bool learner_may_take(const struct node *node, size_t own) {
    return !node->is_pattern || own <= literal_of(node).n;
}

bool learner_knows_names(const struct node *node, const struct asset_file *f) {
    struct span names[NAMES_MOST + 1], key = literal_of(node);
    size_t n = f->is_suspect ? token_names(f->url, names, NAMES_MOST + 1) : 0;
    for (size_t i = 0; i < n; i++) {
        if (n > NAMES_MOST || span_find(key, names[i]) == key.n) {
            return false;
        }
    }
    return true;
}

// ---- who named it -------------------------------------------------------------------------------

static struct span host_of(struct span url) {
    struct span rest = span_skip(url, span_find(url, SPAN("://")) + 3);
    return span_first(rest, span_index(rest, '/'));
}

// The site itself, or below it.
static bool is_own_host(struct span host, struct span site) {
    struct span name = span_first(site, span_index(site, ':'));
    struct span end = span_skip(host, host.n > name.n ? host.n - name.n : 0);
    return name.n > 0 && span_eq_nocase(end, name) &&
           (host.n == name.n || (host.n > name.n && end.p[-1] == '.'));
}

static bool is_operators_host(const struct hint_policy *policy, struct span url) {
    for (size_t i = 0; policy != NULL && i < policy->origins_n; i++) {
        struct span origin = policy->origins[i];
        if (span_eq_nocase(span_first(url, origin.n), origin) &&
            (url.n == origin.n || url.p[origin.n] == '/')) {
            return true;
        }
    }
    return false;
}

void learner_name_hosts(struct asset_file *const *files, size_t n, struct span csp) {
    for (size_t i = 0; i < n && csp.n > 0; i++) {
        if (!files[i]->is_local) {
            files[i]->is_named |= span_find(csp, host_of(files[i]->url)) < csp.n;
        }
    }
}

// Pages in several folders of the site have it, as several networks were given them.
static bool is_all_over(struct learner *l, const struct node *node, const struct asset *asset) {
    uint8_t bytes[ROUTE_KEY_MAX];
    struct span key = node_key(node);
    size_t head = (size_t)(route_key_path(key).p - key.p);
    if (head + 2 > sizeof bytes) {
        return false;
    }
    memcpy(bytes, key.p, head);
    memcpy(bytes + head, (const uint8_t[]){'/', ROUTE_WILDCARD}, 2);
    const struct node *site = learner_node(l, span_of(bytes, head + 2));
    int slot = site != NULL ? learner_slot(site, asset) : -1;
    struct ballot_view view;
    if (slot < 0) {
        return false;
    }
    ballot_look(&view, &site->ballot, learner_rules(site));
    struct ballot_share share = ballot_ask(&view, BALLOT_PAGE, (unsigned)slot);
    return share.yes >= 2 && share.pages >= PATTERN_CHILDREN;
}

bool learner_is_host_known(struct learner *l, const struct node *node, const struct asset *asset) {
    const struct asset_file *f = asset->file;
    struct span site = route_key_site(node_key(node));
    return f->is_local || f->is_named || is_own_host(host_of(f->url), site) ||
           is_operators_host(learner_policy(l, node_key(node)), f->url) ||
           is_all_over(l, node, asset);
}

// ---- whether it is enough -----------------------------------------------------------------------

bool learner_is_common(const struct ballot_share *share, unsigned distinct) {
    // An office's pages may have what is only its own, and be known by its address.
    bool is_for_all = share->no == 0 || share->yes >= distinct;
    return is_for_all && share->yes >= 2 && share->voters >= PATTERN_PAGES &&
           share->pages >= PATTERN_CHILDREN;
}
