// SPDX-License-Identifier: MIT
#include "cli/routes.h"

#include "admin/routes_text.h"
#include "cli/admin_client.h"
#include "cli/arguments.h"

#include <inttypes.h>
#include <stdio.h>

#define ANSWER_MOST ((size_t)128 << 20) // bytes of one of the endpoint's answers
#define TARGET_MOST 32768               // bytes
#define PAGE_MOST 10000                 // routes that may be asked for at once

struct asked {
    const char *admin, *site, *route, *audience;
    uint64_t left; // routes that may still be given; 0: all
    bool is_raw;
};

static void put_pair(struct buf *target, const char *name, const char *value) {
    if (value != NULL && value[0] != 0) {
        buf_put(target, span_str(name));
        arguments_put_query(target, value);
    }
}

static int ask(const struct asked *a, const char *after, struct buf *answer) {
    char why[ADMIN_CLIENT_WHY_LEN] = "";
    struct buf target;
    buf_init(&target, TARGET_MOST);
    buf_put(&target, SPAN("/routes?x"));
    put_pair(&target, "&site=", a->site);
    put_pair(&target, "&route=", a->route);
    put_pair(&target, "&audience=", a->audience);
    if (a->left > 0) {
        char limit[24];
        snprintf(limit, sizeof limit, "%" PRIu64, a->left < PAGE_MOST ? a->left : PAGE_MOST);
        put_pair(&target, "&limit=", limit);
    }
    put_pair(&target, "&after=", after);
    buf_put(&target, span_of("", 1));
    struct admin_request q = {.method = "GET", .target = (const char *)buf_span(&target).p};
    int err = admin_client_ask(a->admin, &q, answer, why);
    if (err != 0) {
        fprintf(stderr, "outrider: cannot ask %s: %s\n", a->admin, why);
    }
    buf_fini(&target);
    return err;
}

static void print(const struct buf *text) {
    struct span s = buf_span(text);
    if (s.n > 0) {
        fwrite(s.p, 1, s.n, stdout);
    }
}

// One page of the answer. *all: routes so far.
static int print_page(const struct asked *a, struct routes_text *t, size_t *all) {
    struct buf answer, text;
    buf_init(&answer, ANSWER_MOST);
    buf_init(&text, ANSWER_MOST);
    int err = ask(a, t->next, &answer);
    if (err == 0 && a->is_raw) {
        print(&answer);
        t->next[0] = 0;
        *all += 1;
    } else if (err == 0) {
        err = routes_text_write(t, buf_span(&answer), &text);
        *all += t->routes;
        print(&text);
        if (err != 0) {
            fprintf(stderr, "outrider: the endpoint's answer is not the JSON of routes: %s\n",
                    t->why);
        }
    }
    buf_fini(&answer);
    buf_fini(&text);
    return err != 0 ? 1 : 0;
}

int routes_command(int argc, char **argv) {
    struct arguments given;
    struct routes_text t = {.routes = 0};
    size_t all = 0;
    (void)argc;
    int err = arguments_read(COMMAND_ROUTES, argv, &given);
    if (err != 0) {
        return err;
    }
    struct asked a = {.admin = given.admin,
                      .site = given.site,
                      .route = given.route,
                      .audience = given.audience,
                      .is_raw = given.json};
    if (given.limit != NULL && (!span_to_u64(span_str(given.limit), &a.left) || a.left == 0)) {
        return arguments_misused(COMMAND_ROUTES, "--limit takes a number, at least 1, not ",
                                 given.limit);
    }
    size_t most = a.left;
    do {
        err = print_page(&a, &t, &all);
        a.left = most - (all < most ? all : most);
    } while (err == 0 && t.next[0] != 0 && (most == 0 || a.left > 0));
    if (err == 0 && all == 0) {
        printf("nothing has been learned yet\n");
    }
    return err;
}
