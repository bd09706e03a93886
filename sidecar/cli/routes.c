// SPDX-License-Identifier: MIT
#include "cli/routes.h"

#include "cli/admin_client.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MOST ((size_t)256 << 20) // bytes of the endpoint's answer

// What came from the endpoint was once an address that anybody asked for: nothing of it may steer
// the terminal.
static void print_text(const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p != 0; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            printf("\\x%02x", *p);
        } else {
            putchar(*p);
        }
    }
}

static void print_route(const json_t *route) {
    const json_t *links = json_object_get(route, "links"), *link;
    size_t i;
    print_text(json_string_value(json_object_get(route, "site")));
    print_text(json_string_value(json_object_get(route, "route")));
    printf("  seen %lld\n", (long long)json_integer_value(json_object_get(route, "seen")));
    json_array_foreach(links, i, link) {
        printf("    ");
        print_text(json_string_value(link));
        putchar('\n');
    }
}

static int print_routes(struct span text) {
    json_error_t error;
    json_t *routes = json_loadb((const char *)text.p, text.n, 0, &error), *route;
    size_t i;
    if (!json_is_array(routes)) {
        fprintf(stderr, "outrider: the endpoint's answer is not the JSON of routes: %s\n",
                error.text);
        json_decref(routes);
        return 1;
    }
    if (json_array_size(routes) == 0) {
        printf("nothing has been learned yet\n");
    }
    json_array_foreach(routes, i, route) {
        print_route(route);
    }
    json_decref(routes);
    return 0;
}

int routes_command(int argc, char **argv) {
    const char *address = NULL;
    bool is_raw = false;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            is_raw = true;
        } else if (strcmp(argv[i], "--admin") == 0 && i + 1 < argc) {
            address = argv[++i];
        } else {
            fprintf(stderr, "outrider: routes: unknown argument: %s\n", argv[i]);
            return 2;
        }
    }
    if (address == NULL) {
        fprintf(stderr, "outrider: routes needs --admin ADDRESS, that of the running program\n");
        return 2;
    }
    struct buf body;
    char why[256];
    buf_init(&body, ANSWER_MOST);
    int err = admin_client_fetch(address, "/routes", &body, why, sizeof why);
    if (err != 0) {
        fprintf(stderr, "outrider: cannot ask %s: %s\n", address, why);
    } else if (is_raw) {
        fwrite(body.p + body.from, 1, buf_len(&body), stdout);
    } else {
        err = print_routes(buf_span(&body));
    }
    buf_fini(&body);
    return err;
}
