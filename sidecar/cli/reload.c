// SPDX-License-Identifier: MIT
#include "cli/reload.h"

#include "cli/admin_client.h"
#include "cli/arguments.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MOST ((size_t)1 << 20) // bytes
#define ADDRESS_LEN 512
#define LOOK_MS 50 // between two questions whether it is done

static void show(struct span text, FILE *to) {
    if (text.n > 0) {
        fwrite(text.p, 1, text.n, to);
    }
}

// The endpoint that a configuration names. What is wrong with the configuration is told here
// already, as `check` does. 0, or 1 (told).
static int read_address(const char *file, char address[ADDRESS_LEN]) {
    struct config config;
    struct config_errors errors;
    config_errors_init(&errors);
    int err = config_load(&config, file, &errors) == 0 ? 0 : 1;
    struct span text = buf_span(&errors.text);
    show(text, stderr);
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

// Shows what it says. 0, or 1.
static int ask(const char *address, const struct admin_request *request) {
    char why[ADMIN_CLIENT_WHY_LEN] = "";
    struct buf answer;
    buf_init(&answer, ANSWER_MOST);
    int err = admin_client_ask(address, request, &answer, why);
    struct span text = buf_span(&answer);
    if (err != 0 && text.n == 0) {
        fprintf(stderr, "outrider: %s: %s\n", address, why);
    }
    show(text, err == 0 ? stdout : stderr);
    buf_fini(&answer);
    return err;
}

static int post(const char *address, const char *target) {
    return ask(address,
               &(struct admin_request){.method = "POST", .target = target, .body = SPAN("{}")});
}

// Of "--admin ADDRESS" or "--config FILE". 0, 1 or 2 (told).
static int find_address(enum command id, char **argv, char address[ADDRESS_LEN]) {
    struct arguments a;
    int err = arguments_read(id, argv, &a);
    if (err == 0 && a.admin != NULL) {
        snprintf(address, ADDRESS_LEN, "%s", a.admin);
    } else if (err == 0) {
        err = read_address(a.config, address);
    }
    return err;
}

int reload_command(int argc, char **argv) {
    char address[ADDRESS_LEN];
    (void)argc;
    int err = find_address(COMMAND_RELOAD, argv, address);
    return err != 0 ? err : post(address, "/reload");
}

int ready_command(int argc, char **argv) {
    char address[ADDRESS_LEN];
    (void)argc;
    int err = find_address(COMMAND_READY, argv, address);
    return err != 0 ? err
                    : ask(address, &(struct admin_request){.method = "GET", .target = "/readyz"});
}

// ---- upgrade ------------------------------------------------------------------------------------

// Which process answers, and what it does.
struct process {
    uint64_t pid;
    char state[32];
};

// {"pid":1,"state":"serving"}
static bool read_process(struct span text, struct process *out) {
    struct span number = span_skip(text, span_find(text, SPAN("\"pid\":")) + 6);
    struct span state = span_skip(text, span_find(text, SPAN("\"state\":\"")) + 9);
    snprintf(out->state, sizeof out->state, "%.*s",
             SPAN_ARG(span_first(state, span_index(state, '"'))));
    size_t end = span_index(number, ',');
    end = end < number.n ? end : span_index(number, '}');
    return span_to_u64(span_first(number, end), &out->pid);
}

static int ask_process(const char *address, struct process *out) {
    char why[ADMIN_CLIENT_WHY_LEN] = "it does not say which process it is";
    struct buf answer;
    buf_init(&answer, ANSWER_MOST);
    int err = admin_client_ask(
        address, &(struct admin_request){.method = "GET", .target = "/process"}, &answer, why);
    if (err == 0 && !read_process(buf_span(&answer), out)) {
        err = 1;
    }
    if (err != 0) {
        fprintf(stderr, "outrider: %s: %s\n", address, why);
    }
    buf_fini(&answer);
    return err;
}

// Until another process serves, or none will.
static int await_process(const char *address, const struct process *before) {
    struct process now;
    int err;
    while ((err = ask_process(address, &now)) == 0) {
        bool is_new = now.pid != before->pid;
        if (is_new && strcmp(now.state, "serving") == 0) {
            printf("process %llu serves in the place of process %llu\n",
                   (unsigned long long)now.pid, (unsigned long long)before->pid);
            return 0;
        }
        if (!is_new && strcmp(now.state, "not upgraded") == 0) {
            fprintf(stderr,
                    "outrider: the new program did not get ready, see its log; process %llu "
                    "goes on\n",
                    (unsigned long long)now.pid);
            return 1;
        }
        usleep(LOOK_MS * 1000);
    }
    return err;
}

int upgrade_command(int argc, char **argv) {
    char address[ADDRESS_LEN];
    struct process before;
    (void)argc;
    int err = find_address(COMMAND_UPGRADE, argv, address);
    err = err != 0 ? err : ask_process(address, &before);
    err = err != 0 ? err : post(address, "/upgrade");
    return err != 0 ? err : await_process(address, &before);
}
