// SPDX-License-Identifier: MIT
#include "admin/json.h"

#include "base/error.h"
#include "base/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    enum learner_source bit;
    const char *label;
} sources[] = {
    {LEARNER_LINK, "link"},
    {LEARNER_HTML, "html"},
    {LEARNER_CSS, "css"},
    {LEARNER_REQUEST, "request"},
};

const char *json_library(void) {
    return jansson_version_str();
}

#define SOURCES (sizeof sources / sizeof sources[0])

static json_t *must(json_t *json) {
    if (json == NULL) {
        abort();
    }
    return json;
}

json_t *json_of_text(struct span s) {
    json_t *json = json_stringn((const char *)s.p, s.n);
    if (json != NULL) {
        return json;
    }
    // Not UTF-8: byte by byte.
    char *text = malloc(s.n * 3 + 1);
    size_t to = 0;
    if (text == NULL) {
        abort();
    }
    for (size_t i = 0; i < s.n; i++) {
        bool is_plain = s.p[i] >= 0x20 && s.p[i] < 0x7f;
        to += (size_t)snprintf(text + to, 4, is_plain ? "%c" : "%%%02X", s.p[i]);
    }
    json = json_stringn(text, to);
    free(text);
    return must(json);
}

json_t *json_of_hint(const struct hint *hint) {
    uint8_t text[RECORD_LINK_MAX];
    return json_of_text(span_of(text, hint_format(hint, text, sizeof text)));
}

json_t *json_of_hex(uint64_t value) {
    char text[20];
    snprintf(text, sizeof text, "%" PRIx64, value);
    return must(json_string(text));
}

json_t *json_of_sources(unsigned bits) {
    json_t *array = must(json_array());
    for (size_t i = 0; i < SOURCES; i++) {
        if ((bits & sources[i].bit) != 0) {
            json_array_append_new(array, must(json_string(sources[i].label)));
        }
    }
    return array;
}

void json_put_key(json_t *object, struct span key) {
    char route[RECORD_ROUTE_MAX];
    size_t n = route_key_print(key, route, sizeof route);
    const char *audience = route_key_is_session(key) ? "session" : "public";
    json_object_set_new(object, "site", json_of_text(route_key_site(key)));
    json_object_set_new(object, "route", json_of_text(span_of(route, n)));
    json_object_set_new(object, "audience", must(json_string(audience)));
    json_object_set_new(object, "pattern", json_boolean(route_key_is_pattern(key)));
}

static int put(const char *bytes, size_t n, void *buf) {
    return buf_put(buf, span_of(bytes, n)) == 0 ? 0 : -1;
}

int json_write(json_t *json, struct buf *out) {
    int failed = json_dump_callback(must(json), put, out, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
    return failed == 0 ? 0 : ERR_BUF_LIMIT;
}

struct span json_text(const json_t *json) {
    return span_of(json_string_value(json), json_string_length(json));
}

bool json_to_hex(const json_t *json, uint64_t *value) {
    struct span s = json_text(json);
    *value = 0;
    for (size_t i = 0; i < s.n; i++) {
        int digit = hex_value(s.p[i]);
        if (digit < 0) {
            return false;
        }
        *value = *value << 4 | (unsigned)digit;
    }
    return s.n > 0 && s.n <= 16;
}

bool json_to_sources(const json_t *json, unsigned *bits) {
    *bits = 0;
    for (size_t i = 0; i < json_array_size(json); i++) {
        struct span label = json_text(json_array_get(json, i));
        size_t k = 0;
        while (k < SOURCES && !span_eq(label, span_str(sources[k].label))) {
            k++;
        }
        if (k == SOURCES) {
            return false;
        }
        *bits |= sources[k].bit;
    }
    return json_is_array(json);
}

bool json_to_number(const json_t *json, uint64_t most, uint64_t *value) {
    json_int_t number = json_integer_value(json);
    *value = (uint64_t)number;
    return json_is_integer(json) && number >= 0 && *value <= most;
}

struct span json_to_key(const json_t *object, uint8_t *bytes) {
    const struct span none = {NULL, 0};
    struct span site = json_text(json_object_get(object, "site"));
    struct span route = json_text(json_object_get(object, "route"));
    struct span audience = json_text(json_object_get(object, "audience"));
    bool is_session = span_eq(audience, SPAN("session"));
    if (site.p == NULL || route.p == NULL || site.n > ROUTE_KEY_MAX ||
        (!is_session && !span_eq(audience, SPAN("public")))) {
        return none;
    }
    return route_key_read(bytes, site, is_session, route);
}
