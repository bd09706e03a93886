// SPDX-License-Identifier: MIT
#include "http/condition.h"

#include "http/date.h"
#include "http/field.h"

// entity-tag = [ "W/" ] opaque-tag (RFC 9110, 8.8.3)
static struct span opaque(struct span tag) {
    return span_has_prefix(tag, SPAN("W/")) ? span_skip(tag, 2) : tag;
}

static bool is_weak(struct span tag) {
    return span_has_prefix(tag, SPAN("W/"));
}

// A condition is a list of tags over all fields of that name; "*" stands for any representation,
// and there is one. Weak comparison ignores the "W/", strong comparison lets no weak tag match.
static bool lists(const struct pairs *fields, struct span name, struct span etag, bool strong) {
    struct span element;
    for (size_t i = field_find(fields, name, 0); i < fields->n;
         i = field_find(fields, name, i + 1)) {
        for (struct span rest = fields->v[i].value; field_next_element(&rest, &element);) {
            bool may_match = etag.n > 0 && (!strong || !(is_weak(etag) || is_weak(element)));
            if (span_eq(element, SPAN("*")) ||
                (may_match && span_eq(opaque(element), opaque(etag)))) {
                return true;
            }
        }
    }
    return false;
}

// The date in a field. False when it is not there, or not a date: then it counts as not there.
static bool find_date(const struct pairs *fields, struct span name, int64_t mtime, int64_t *date) {
    const struct span *value = pairs_find(fields, name);
    return value != NULL && mtime != CONDITION_NO_TIME && date_parse(*value, mtime, date);
}

enum condition condition_evaluate(const struct request *r, struct span etag, int64_t mtime) {
    const struct pairs *fields = &r->fields;
    bool is_read = span_eq(r->method, SPAN("GET")) || span_eq(r->method, SPAN("HEAD"));
    int64_t date;
    if (pairs_find(fields, SPAN("if-match")) != NULL) {
        if (!lists(fields, SPAN("if-match"), etag, true)) {
            return CONDITION_FAILED;
        }
    } else if (find_date(fields, SPAN("if-unmodified-since"), mtime, &date) && mtime > date) {
        return CONDITION_FAILED;
    }
    if (pairs_find(fields, SPAN("if-none-match")) != NULL) {
        if (!lists(fields, SPAN("if-none-match"), etag, false)) {
            return CONDITION_OK;
        }
        return is_read ? CONDITION_NOT_MODIFIED : CONDITION_FAILED;
    }
    if (is_read && find_date(fields, SPAN("if-modified-since"), mtime, &date) && mtime <= date) {
        return CONDITION_NOT_MODIFIED;
    }
    return CONDITION_OK;
}

bool condition_allows_range(const struct request *r, struct span etag, int64_t mtime) {
    const struct span *value = pairs_find(&r->fields, SPAN("if-range"));
    int64_t date;
    if (value == NULL) {
        return true;
    }
    if (span_has_prefix(*value, SPAN("\"")) || is_weak(*value)) {
        return !is_weak(*value) && span_eq(*value, etag);
    }
    return find_date(&r->fields, SPAN("if-range"), mtime, &date) && date == mtime;
}
