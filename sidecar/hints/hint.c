// SPDX-License-Identifier: MIT
#include "hints/hint.h"

#include "hints/target.h"
#include "http/mime.h"

#define TYPE_MAX 100      // bytes of a media type
#define INTEGRITY_MAX 400 // bytes: three SHA-512 hashes

static const struct span rel_names[] = {
    [HINT_PRELOAD] = SPAN_INIT("preload"),
    [HINT_MODULEPRELOAD] = SPAN_INIT("modulepreload"),
    [HINT_PRECONNECT] = SPAN_INIT("preconnect"),
};
static const struct span as_names[] = {
    [HINT_AS_STYLE] = SPAN_INIT("style"), [HINT_AS_SCRIPT] = SPAN_INIT("script"),
    [HINT_AS_FONT] = SPAN_INIT("font"),   [HINT_AS_IMAGE] = SPAN_INIT("image"),
    [HINT_AS_FETCH] = SPAN_INIT("fetch"),
};
static const struct span priority_names[] = {
    [HINT_PRIORITY_HIGH] = SPAN_INIT("high"),
    [HINT_PRIORITY_LOW] = SPAN_INIT("low"),
    [HINT_PRIORITY_AUTO] = SPAN_INIT("auto"),
};
static const struct {
    enum hint_as as;
    struct span essence;
} types[] = {
#define TYPE(essence, as) {HINT_AS_##as, SPAN_INIT(essence)},
#include "hints/preload_type.def"
#undef TYPE
};
static const struct hint_reason_row rows[HINT_REASONS] = {
#define REASON(constant, label, sentence) [HINT_##constant] = {label, sentence},
#include "hints/hint_reason.def"
#undef REASON
};

const struct hint_reason_row *hint_reason_row(enum hint_reason reason) {
    return &rows[reason];
}

struct span hint_rel_name(enum hint_rel rel) {
    return rel_names[rel];
}

// The index of value in names[1, n), or 0.
static int index_of(const struct span *names, int n, struct span value) {
    for (int i = 1; i < n; i++) {
        if (span_eq_nocase(names[i], value)) {
            return i;
        }
    }
    return 0;
}
#define INDEX_OF(names, value) index_of(names, sizeof(names) / sizeof *(names), value)

static bool is_alnum(uint8_t c) {
    uint8_t low = span_lower_byte(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9');
}

static bool consists_of(struct span s, const char *marks) {
    for (size_t i = 0; i < s.n; i++) {
        if (!is_alnum(s.p[i]) && (s.p[i] == 0 || strchr(marks, s.p[i]) == NULL)) {
            return false;
        }
    }
    return true;
}

// type-name "/" subtype-name (RFC 6838, 4.2), without parameters
static bool is_media_type(struct span s) {
    size_t slash = span_index(s, '/');
    return s.n <= TYPE_MAX && slash > 0 && slash + 1 < s.n && consists_of(s, "!#$&-^_.+/") &&
           span_index(span_skip(s, slash + 1), '/') == s.n - slash - 1;
}

static enum hint_reason read_rel(struct hint *out, const struct link *link) {
    static const enum hint_rel order[] = {HINT_PRELOAD, HINT_MODULEPRELOAD, HINT_PRECONNECT};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (link_has_rel(link, rel_names[order[i]])) {
            out->rel = order[i];
            return HINT_OK;
        }
    }
    return HINT_REL;
}

// Parameters that change what the link means, so that it may not be hinted without them; and
// browsers take no hint with them.
static enum hint_reason check_conditions(const struct link *link) {
    if (link_has(link, LINK_ANCHOR)) {
        return HINT_ANCHOR;
    }
    if (link_has(link, LINK_MEDIA)) {
        return HINT_MEDIA;
    }
    return link_has(link, LINK_IMAGESRCSET) || link_has(link, LINK_IMAGESIZES) ? HINT_SRCSET
                                                                               : HINT_OK;
}

static enum hint_reason read_as(struct hint *out, const struct link *link) {
    struct span value = link->value[LINK_AS];
    if (out->rel == HINT_PRECONNECT) {
        return HINT_OK;
    }
    out->as = (enum hint_as)INDEX_OF(as_names, value);
    if (out->rel == HINT_MODULEPRELOAD) { // its default is script, and nothing else is fetched
        bool is_script = value.n == 0 || out->as == HINT_AS_SCRIPT;
        out->as = HINT_AS_NONE;
        return is_script ? HINT_OK : HINT_AS_UNKNOWN;
    }
    if (value.n == 0) {
        return HINT_AS_MISSING;
    }
    return out->as == HINT_AS_NONE ? HINT_AS_UNKNOWN : HINT_OK;
}

// A value that is no keyword means anonymous (HTML, CORS settings attributes). Fonts and fetch()
// are always fetched with CORS, and Firefox ignores a hint for them that does not say so.
static void read_crossorigin(struct hint *out, const struct link *link) {
    if (link_has(link, LINK_CROSSORIGIN)) {
        bool with = span_eq_nocase(link->value[LINK_CROSSORIGIN], SPAN("use-credentials"));
        out->crossorigin = with ? HINT_CREDENTIALS : HINT_ANONYMOUS;
    } else if (out->as == HINT_AS_FONT || out->as == HINT_AS_FETCH) {
        out->crossorigin = HINT_ANONYMOUS;
    }
}

// Browsers ignore a preload of a type of which they have no use (HTML, 4.6.8.11), but not a 103's.
static bool is_taken(enum hint_as as, struct span type) {
    struct span essence = mime_essence(type);
    bool is_listed = false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        is_listed |= types[i].as == as;
        if (types[i].as == as && span_eq_nocase(types[i].essence, essence)) {
            return true;
        }
    }
    return type.n == 0 || (as == HINT_AS_SCRIPT ? mime_is_javascript(type) : !is_listed);
}

// An integrity that cannot be told is left out: browsers check it against what uses the asset.
static enum hint_reason read_details(struct hint *out, const struct link *link) {
    struct span type = link->value[LINK_TYPE], integrity = link->value[LINK_INTEGRITY];
    if (out->rel == HINT_PRECONNECT) {
        return HINT_OK;
    }
    if (out->rel == HINT_PRELOAD && !is_taken(out->as, type)) {
        return HINT_TYPE;
    }
    if (is_media_type(type)) {
        out->type = type;
    }
    out->priority = (enum hint_priority)INDEX_OF(priority_names, link->value[LINK_FETCHPRIORITY]);
    if (integrity.n <= INTEGRITY_MAX && consists_of(integrity, "+/=-_ ")) {
        out->integrity = integrity;
    }
    return HINT_OK;
}

static bool is_allowed(const struct hint_policy *policy, struct span origin) {
    for (size_t i = 0; policy != NULL && i < policy->origins_n; i++) {
        if (span_eq_nocase(policy->origins[i], origin)) {
            return true;
        }
    }
    return false;
}

static void become_preconnect(struct hint *hint, struct span origin) {
    bool is_module = hint->rel == HINT_MODULEPRELOAD; // modules are fetched with CORS
    *hint = (struct hint){
        .target = origin,
        .rel = HINT_PRECONNECT,
        .crossorigin =
            is_module && hint->crossorigin == HINT_NO_CORS ? HINT_ANONYMOUS : hint->crossorigin,
    };
}

static enum hint_reason point(struct hint *out, const struct link *link,
                              const struct hint_context *context) {
    struct target target;
    enum hint_reason reason = target_resolve(&target, context->page, link->target, context->arena);
    if (reason != HINT_OK) {
        return reason;
    }
    bool may_push = out->rel == HINT_PRELOAD && target.is_same_origin;
    out->can_push = may_push && !link_has(link, LINK_NOPUSH);
    out->push_only = out->rel == HINT_PRELOAD && link_has(link, LINK_PUSH_ONLY);
    if (out->push_only && !out->can_push) {
        return HINT_NEITHER;
    }
    if (out->rel == HINT_PRECONNECT) {
        out->target = target.origin;
        return target.is_same_origin ? HINT_TARGET_SELF : HINT_OK;
    }
    out->target = target.url;
    if (target.is_same_origin) {
        struct span page = context->page->path;
        bool is_self = span_eq(target.path, span_first(page, span_index(page, '#')));
        return is_self ? HINT_TARGET_SELF : out->push_only ? HINT_PUSH_ONLY : HINT_OK;
    }
    if (!is_allowed(context->policy, target.origin)) {
        become_preconnect(out, target.origin);
        return HINT_CROSS_ORIGIN;
    }
    return link_has(link, LINK_REFERRERPOLICY) ? HINT_REFERRER : HINT_OK;
}

enum hint_reason hint_from_link(struct hint *out, const struct link *link,
                                const struct hint_context *context) {
    *out = (struct hint){.rel = HINT_PRELOAD};
    enum hint_reason reason = read_rel(out, link);
    if (reason == HINT_OK) {
        reason = check_conditions(link);
    }
    if (reason == HINT_OK) {
        reason = read_as(out, link);
    }
    if (reason == HINT_OK) {
        read_crossorigin(out, link);
        reason = read_details(out, link);
    }
    return reason == HINT_OK ? point(out, link, context) : reason;
}

bool hint_is_same(const struct hint *a, const struct hint *b) {
    return a->rel == b->rel && a->crossorigin == b->crossorigin && span_eq(a->target, b->target);
}

bool hint_eq(const struct hint *a, const struct hint *b) {
    return hint_is_same(a, b) && a->as == b->as && a->priority == b->priority &&
           a->can_push == b->can_push && a->push_only == b->push_only &&
           span_eq(a->type, b->type) && span_eq(a->integrity, b->integrity);
}

int hint_rank(const struct hint *hint) {
    // A connection takes round trips and is needed by what follows, so it goes before fonts.
    static const int ranks[] = {[HINT_AS_NONE] = 1, [HINT_AS_STYLE] = 0, [HINT_AS_SCRIPT] = 1,
                                [HINT_AS_FONT] = 3, [HINT_AS_IMAGE] = 4, [HINT_AS_FETCH] = 5};
    if (hint->rel == HINT_PRECONNECT) {
        return 2;
    }
    bool is_hero = hint->as == HINT_AS_IMAGE && hint->priority == HINT_PRIORITY_HIGH;
    return is_hero ? ranks[HINT_AS_FONT] : ranks[hint->as];
}

static void set(struct link *link, enum link_attribute attribute, struct span value) {
    if (value.n > 0) {
        link->has |= 1U << attribute;
        link->has_value |= 1U << attribute;
        link->value[attribute] = value;
    }
}

size_t hint_format(const struct hint *hint, uint8_t *out, size_t cap) {
    struct link link = {.target = hint->target};
    set(&link, LINK_REL, rel_names[hint->rel]);
    set(&link, LINK_AS, as_names[hint->as]);
    if (hint->crossorigin == HINT_ANONYMOUS) {
        link.has |= 1U << LINK_CROSSORIGIN;
    } else if (hint->crossorigin == HINT_CREDENTIALS) {
        set(&link, LINK_CROSSORIGIN, SPAN("use-credentials"));
    }
    set(&link, LINK_TYPE, hint->type);
    set(&link, LINK_FETCHPRIORITY, priority_names[hint->priority]);
    set(&link, LINK_INTEGRITY, hint->integrity);
    return link_format(&link, out, cap);
}
