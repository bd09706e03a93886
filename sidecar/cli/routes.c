// SPDX-License-Identifier: MIT
#include "cli/routes.h"

#include "admin/routes_text.h"
#include "cli/admin_client.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MOST ((size_t)256 << 20) // bytes of the endpoint's answer

static int print_routes(struct span json) {
    char why[ROUTES_TEXT_WHY_LEN] = "too long";
    struct buf text;
    buf_init(&text, ANSWER_MOST);
    int err = routes_text_write(json, &text, why);
    if (err == 0) {
        fwrite(text.p + text.from, 1, buf_len(&text), stdout);
    } else {
        fprintf(stderr, "outrider: the endpoint's answer is not the JSON of routes: %s\n", why);
    }
    buf_fini(&text);
    return err == 0 ? 0 : 1;
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
