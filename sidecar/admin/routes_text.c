// SPDX-License-Identifier: MIT
#include "admin/routes_text.h"

#include "base/error.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#define LINE_MOST 16384 // bytes; what is longer is cut

// printf into out; the text is escaped as a whole, but for the line's end.
static int put_line(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int put_line(struct buf *out, const char *format, ...) {
    char line[LINE_MOST];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    int err = 0;
    for (const unsigned char *p = (const unsigned char *)line; *p != 0 && err == 0; p++) {
        char form[8];
        int n = snprintf(form, sizeof form, *p < 0x20 || *p == 0x7f ? "\\x%02x" : "%c", *p);
        err = buf_put(out, span_of(form, (size_t)n));
    }
    return err == 0 ? buf_put(out, SPAN("\n")) : err;
}

static const char *text_of(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static long long number_of(const json_t *object, const char *name) {
    return (long long)json_integer_value(json_object_get(object, name));
}

static double real_of(const json_t *object, const char *name) {
    return json_number_value(json_object_get(object, name));
}

// "html+css"
static const char *join_sources(const json_t *hint, char *out, size_t out_len) {
    const json_t *sources = json_object_get(hint, "sources");
    size_t to = 0;
    *out = 0;
    for (size_t i = 0; i < json_array_size(sources) && to < out_len; i++) {
        const char *label = json_string_value(json_array_get(sources, i));
        int n = snprintf(out + to, out_len - to, "%s%s", i > 0 ? "+" : "", label ? label : "");
        to += n > 0 ? (size_t)n : 0;
    }
    return out;
}

static int put_hint(struct buf *out, const json_t *hint) {
    char sources[64];
    const char *verdict = text_of(hint, "verdict"), *field = text_of(hint, "field");
    int err = put_line(out, "    %-13s need %.2f (%.2f)  %-9s  %s", verdict, real_of(hint, "need"),
                       real_of(hint, "need_low"), join_sources(hint, sources, sizeof sources),
                       text_of(hint, "link"));
    if (err == 0 && strcmp(verdict, "hinted") != 0) {
        bool has_field = field[0] != 0;
        err = put_line(out, "                  %s%s%s%s", text_of(hint, "reason"),
                       has_field ? " (" : "", field, has_field ? ")" : "");
    }
    return err;
}

static int put_population(struct buf *out, const char *name, const json_t *population) {
    if (number_of(population, "n") == 0) {
        return 0;
    }
    return put_line(out, "    %s: %lld navigations, %.0f ms to what they waited for, +- %.0f", name,
                    number_of(population, "n"), real_of(population, "mean_us") / 1000,
                    real_of(population, "interval_us") / 1000);
}

static int put_route(struct buf *out, const json_t *route) {
    const json_t *hints = json_object_get(route, "hints");
    const json_t *outcome = json_object_get(route, "outcome");
    bool is_pattern = json_is_true(json_object_get(route, "pattern"));
    int err =
        put_line(out, "%s%s  %s%s, %s, seen %lld, thinks %lld ms, %lld voters",
                 text_of(route, "site"), text_of(route, "route"), text_of(route, "audience"),
                 is_pattern ? " pattern" : "", text_of(route, "state"), number_of(route, "seen"),
                 number_of(route, "think_us") / 1000, number_of(route, "voters"));
    for (size_t i = 0; i < json_array_size(hints) && err == 0; i++) {
        err = put_hint(out, json_array_get(hints, i));
    }
    if (err == 0) {
        err = put_population(out, "hinted", json_object_get(outcome, "hinted"));
    }
    return err == 0 ? put_population(out, "held back", json_object_get(outcome, "held")) : err;
}

int routes_text_write(struct routes_text *t, struct span json, struct buf *out) {
    json_error_t error;
    json_t *answer = json_loadb((const char *)json.p, json.n, 0, &error);
    const json_t *routes = json_object_get(answer, "routes");
    int err = 0;
    *t = (struct routes_text){.routes = json_array_size(routes)};
    if (!json_is_array(routes)) {
        snprintf(t->why, sizeof t->why, "%s", answer != NULL ? "it has no routes" : error.text);
        json_decref(answer);
        return ERR_SYNTAX;
    }
    for (size_t i = 0; i < t->routes && err == 0; i++) {
        err = put_route(out, json_array_get(routes, i));
    }
    snprintf(t->next, sizeof t->next, "%s", text_of(answer, "next"));
    json_decref(answer);
    return err;
}
