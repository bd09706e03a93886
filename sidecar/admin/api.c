// SPDX-License-Identifier: MIT
#include "admin/api.h"

#include "base/error.h"
#include "hints/route_key.h"
#include "metrics/exposition.h"

#include <jansson.h>
#include <stdlib.h>

#define LINK_MOST 8192 // bytes of one link in canonical form

#define TYPE_JSON SPAN("application/json; charset=utf-8")
#define TYPE_TEXT SPAN(EXPOSITION_TYPE)

static int put_json(const char *bytes, size_t n, void *buf) {
    return buf_put(buf, span_of(bytes, n)) == 0 ? 0 : -1;
}

// Writes and frees json.
static int answer_json(struct api_response *out, int status, json_t *json) {
    if (json == NULL) {
        abort(); // out of memory: every text was made to be valid UTF-8
    }
    int failed = json_dump_callback(json, put_json, &out->body, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
    out->status = status;
    out->type = TYPE_JSON;
    return failed == 0 ? 0 : ERR_BUF_LIMIT;
}

// How many bytes of s from its beginning are one character of UTF-8 (RFC 3629, 4); 0: none.
static size_t character_len(struct span s) {
    static const struct {
        uint8_t first, last, low, high; // of the first byte; of the second
        size_t n;
    } forms[] = {
        {0x01, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (s.p[0] < forms[i].first || s.p[0] > forms[i].last) {
            continue;
        }
        bool is_good = forms[i].n <= s.n;
        for (size_t k = 1; k < forms[i].n && is_good; k++) {
            uint8_t low = k == 1 ? forms[i].low : 0x80, high = k == 1 ? forms[i].high : 0xbf;
            is_good = s.p[k] >= low && s.p[k] <= high;
        }
        return is_good ? forms[i].n : 0;
    }
    return 0;
}

// A path may hold any bytes; JSON may not. Those that are no UTF-8 are written as %XX.
static json_t *json_text(struct span s) {
    char *text = malloc(s.n * 3 + 1);
    if (text == NULL) {
        abort();
    }
    size_t to = 0;
    while (s.n > 0) {
        size_t n = character_len(s);
        if (n == 0) {
            text[to++] = '%';
            text[to++] = "0123456789ABCDEF"[s.p[0] >> 4];
            text[to++] = "0123456789ABCDEF"[s.p[0] & 15];
            n = 1;
        } else {
            memcpy(text + to, s.p, n);
            to += n;
        }
        s = span_skip(s, n);
    }
    json_t *json = json_stringn(text, to);
    free(text);
    return json;
}

static json_t *json_links(const struct learner_route *route) {
    json_t *links = json_array();
    uint8_t text[LINK_MOST];
    for (size_t i = 0; i < route->hints_n; i++) {
        size_t n = hint_format(&route->hints[i], text, sizeof text);
        if (n > 0) {
            json_array_append_new(links, json_text(span_of(text, n)));
        }
    }
    return links;
}

static json_t *json_route(const struct learner_route *route) {
    return json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:I}",          //
                     "site", json_text(route_key_site(route->key)),  //
                     "route", json_text(route_key_path(route->key)), //
                     "links", json_links(route),                     //
                     "seen", (json_int_t)route->seen,                //
                     "first_seen", (json_int_t)route->first_seen_ms, //
                     "last_seen", (json_int_t)route->last_seen_ms,   //
                     "version", (json_int_t)route->version);
}

static int answer_routes(const struct api *api, struct api_response *out) {
    json_t *routes = json_array();
    const struct learner_route *r = learner_first(api->learner);
    for (; r != NULL; r = learner_after(api->learner, r)) {
        json_array_append_new(routes, json_route(r));
    }
    return answer_json(out, 200, routes);
}

static int answer_metrics(const struct api *api, struct api_response *out) {
    out->status = 200;
    out->type = TYPE_TEXT;
    return exposition_write(api->metrics, &out->body);
}

static int answer_health(const struct api *api, struct api_response *out) {
    return answer_json(out, api->is_draining ? 503 : 200,
                       json_pack("{s:s}", "status", api->is_draining ? "draining" : "ok"));
}

static const struct {
    struct span path;
    int (*answer)(const struct api *, struct api_response *);
} targets[] = {
    {SPAN_INIT("/routes"), answer_routes},
    {SPAN_INIT("/metrics"), answer_metrics},
    {SPAN_INIT("/health"), answer_health},
};

static int answer(const struct api *api, struct span method, struct span target,
                  struct api_response *out) {
    struct span path = span_first(target, span_index(target, '?'));
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        if (!span_eq(path, targets[i].path)) {
            continue;
        }
        if (span_eq(method, SPAN("GET")) || span_eq(method, SPAN("HEAD"))) {
            return targets[i].answer(api, out);
        }
        out->allow = SPAN("GET, HEAD");
        return answer_json(out, 405, json_pack("{s:s}", "error", "only GET and HEAD are allowed"));
    }
    return answer_json(out, 404, json_pack("{s:s}", "error", "there is no such resource"));
}

int api_answer(const struct api *api, struct span method, struct span target,
               struct api_response *out) {
    *out = (struct api_response){0};
    buf_init(&out->body, API_BODY_MOST);
    int error = answer(api, method, target, out);
    if (error != 0) {
        out->status = 500;
        out->type = TYPE_JSON;
        buf_take(&out->body, buf_len(&out->body));
    }
    return error;
}

void api_response_fini(struct api_response *r) {
    buf_fini(&r->body);
}
