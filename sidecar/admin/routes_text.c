// SPDX-License-Identifier: MIT
#include "admin/routes_text.h"

#include "base/error.h"

#include <jansson.h>
#include <stdio.h>

static int put_text(struct buf *out, const char *text) {
    int err = 0;
    for (const unsigned char *p = (const unsigned char *)(text ? text : ""); *p != 0 && err == 0;
         p++) {
        char form[8];
        int n = snprintf(form, sizeof form, *p < 0x20 || *p == 0x7f ? "\\x%02x" : "%c", *p);
        err = buf_put(out, span_of(form, (size_t)n));
    }
    return err;
}

static int put_links(struct buf *out, const json_t *links) {
    int err = 0;
    for (size_t i = 0; i < json_array_size(links) && err == 0; i++) {
        err = buf_put(out, SPAN("    "));
        if (err == 0) {
            err = put_text(out, json_string_value(json_array_get(links, i)));
        }
        if (err == 0) {
            err = buf_put(out, SPAN("\n"));
        }
    }
    return err;
}

static int put_route(struct buf *out, const json_t *route) {
    char seen[48];
    int n = snprintf(seen, sizeof seen, "  seen %lld\n",
                     (long long)json_integer_value(json_object_get(route, "seen")));
    int err = put_text(out, json_string_value(json_object_get(route, "site")));
    if (err == 0) {
        err = put_text(out, json_string_value(json_object_get(route, "route")));
    }
    if (err == 0) {
        err = buf_put(out, span_of(seen, (size_t)n));
    }
    return err == 0 ? put_links(out, json_object_get(route, "links")) : err;
}

int routes_text_write(struct span json, struct buf *out, char *why) {
    json_error_t error;
    json_t *routes = json_loadb((const char *)json.p, json.n, 0, &error);
    int err = 0;
    if (!json_is_array(routes)) {
        snprintf(why, ROUTES_TEXT_WHY_LEN, "%s", routes != NULL ? "not an array" : error.text);
        json_decref(routes);
        return ERR_SYNTAX;
    }
    if (json_array_size(routes) == 0) {
        err = buf_put(out, SPAN("nothing has been learned yet\n"));
    }
    for (size_t i = 0; i < json_array_size(routes) && err == 0; i++) {
        err = put_route(out, json_array_get(routes, i));
    }
    json_decref(routes);
    return err;
}
