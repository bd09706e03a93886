// SPDX-License-Identifier: MIT
#include "cli/reload.h"

#include "cli/admin_client.h"
#include "cli/arguments.h"
#include "config/config.h"

#include <stdio.h>

#define ANSWER_MOST ((size_t)1 << 20) // bytes
#define ADDRESS_LEN 512

// The endpoint that a configuration names. What is wrong with the configuration is told here
// already, as `check` does. 0, or 1 (told).
static int read_address(const char *file, char address[ADDRESS_LEN]) {
    struct config config;
    struct config_errors errors;
    config_errors_init(&errors);
    int err = config_load(&config, file, &errors) == 0 ? 0 : 1;
    struct span text = buf_span(&errors.text);
    fwrite(text.p, 1, text.n, stderr);
    if (err == 0 && !config.has_admin) {
        fprintf(stderr,
                "outrider: %s has no admin section, by which the running program is found: "
                "give --admin, or send it SIGHUP\n",
                file);
        err = 1;
    } else if (err == 0) {
        snprintf(address, ADDRESS_LEN, "%.*s", SPAN_ARG(config.admin.text));
    }
    config_errors_fini(&errors);
    config_fini(&config);
    return err;
}

static int ask(const char *address) {
    char why[ADMIN_CLIENT_WHY_LEN] = "";
    struct buf answer;
    buf_init(&answer, ANSWER_MOST);
    int err = admin_client_ask(
        address, &(struct admin_request){.method = "POST", .target = "/reload", .body = SPAN("{}")},
        &answer, why);
    struct span text = buf_span(&answer);
    if (err != 0 && text.n == 0) {
        fprintf(stderr, "outrider: %s: %s\n", address, why);
    }
    fwrite(text.p, 1, text.n, err == 0 ? stdout : stderr);
    buf_fini(&answer);
    return err;
}

int reload_command(int argc, char **argv) {
    const char *admin = NULL, *file = NULL;
    char address[ADDRESS_LEN];
    const struct argument options[] = {
        {"--admin", &admin, NULL}, {"--config", &file, NULL}, {NULL, NULL, NULL}};
    (void)argc;
    int err = arguments_read("reload", options, NULL, argv);
    if (err == 0 && admin == NULL && file == NULL) {
        fprintf(stderr, "outrider: reload needs --config FILE, or --admin ADDRESS of the running "
                        "program\n");
        err = 2;
    }
    if (err == 0 && admin == NULL) {
        err = read_address(file, address);
        admin = address;
    }
    return err != 0 ? err : ask(admin);
}
