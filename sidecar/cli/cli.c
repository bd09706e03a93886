// SPDX-License-Identifier: MIT
#include "cli/cli.h"

#include "cli/arguments.h"
#include "cli/completion.h"
#include "cli/explain.h"
#include "cli/learned.h"
#include "cli/links.h"
#include "cli/manual.h"
#include "cli/reload.h"
#include "cli/routes.h"
#include "cli/version.h"
#include "config/config.h"
#include "config/help.h"
#include "server/doctor.h"
#include "server/server.h"

#include <stdio.h>
#include <string.h>

// Exit statuses, as in other servers' command lines.
enum { DONE = 0, FAILED = 1, MISUSED = 2 };

#define ARGUMENTS_WIDTH 33 // columns of the help
#define INDENT "                                                       "
#define HELP_MOST (1u << 20)     // bytes
#define FINDINGS_MOST (1u << 20) // bytes of what check finds

static int misused(const char *what, const char *which) {
    fprintf(stderr, "outrider: %s%s (see \"outrider help\")\n", what, which);
    return MISUSED;
}

// ---- run ----------------------------------------------------------------------------------------

#define NAME_LEN 64 // bytes of an argument's name

// "--name value" or "--name=value": where the value belongs, or into *file. 0, or MISUSED (told).
static int take_argument(struct config_args *args, const char **file, int *at, char **argv) {
    char name[NAME_LEN];
    const char *arg = argv[*at], *equals = strchr(arg, '=');
    size_t n = equals != NULL ? (size_t)(equals - arg) : strlen(arg);
    if (n >= sizeof name) {
        return misused("unknown argument: ", arg);
    }
    memcpy(name, arg, n);
    name[n] = 0;
    const char **value =
        strcmp(name, command_next(COMMAND_RUN, NULL)->name) == 0 ? file : args_place(args, name);
    if (value == NULL) {
        return misused("unknown argument: ", arg);
    }
    *value = equals != NULL ? equals + 1 : argv[++*at];
    return *value != NULL ? 0 : misused("no value after ", arg);
}

// Errors, and what is none but should be known.
static void tell(struct config_errors *errors) {
    struct span text = buf_span(&errors->text);
    if (text.n > 0) {
        fwrite(text.p, 1, text.n, stderr);
    }
    config_errors_fini(errors);
}

static int tell_errors(struct config *config, struct config_errors *errors) {
    tell(errors);
    config_fini(config);
    return FAILED;
}

// What `run` was given: a file, or arguments.
struct given {
    const char *file; // or NULL
    const struct config_args *args;
};

static int load(void *self, struct config *config, struct config_errors *errors) {
    const struct given *given = self;
    return given->file != NULL ? config_load(config, given->file, errors)
                               : config_args(config, given->args, errors);
}

static int serve(struct given *given) {
    struct config config;
    struct config_errors errors;
    const struct server_source source = {.load = load, .self = given, .path = given->file};
    config_errors_init(&errors);
    if (load(given, &config, &errors) != 0) {
        return tell_errors(&config, &errors);
    }
    tell(&errors);
    int err = server_run(&config, &source);
    config_fini(&config);
    return err;
}

static int run(int argc, char **argv) {
    struct config_args args = {.root = NULL};
    const char *file = NULL;
    bool has_args = false;
    for (int i = 0; i < argc; i++) {
        const char *was = file;
        int err = take_argument(&args, &file, &i, argv);
        if (err != 0) {
            return err;
        }
        has_args = has_args || file == was;
    }
    if (file != NULL && has_args) {
        return misused("--config goes with no other argument: the file says it all", "");
    }
    if (file == NULL && !has_args) {
        return misused("run needs --config FILE, or --root DIR and --fastcgi ADDRESS", "");
    }
    return serve(&(struct given){.file = file, .args = &args});
}

// ---- check
// ----------------------------------------------------------------------------------------

// A server that may be on another machine: there it is not seen what it executes.
static const struct pool_server_conf *far_server(const struct pool_conf *pool) {
    for (size_t i = 0; i < pool->server_count; i++) {
        const struct pool_server_conf *s = &pool->servers[i];
        bool is_near = s->is_unix || span_eq_nocase(s->host, SPAN("localhost")) ||
                       span_eq(s->host, SPAN("::1")) || span_has_prefix(s->host, SPAN("127."));
        if (!is_near) {
            return s;
        }
    }
    return NULL;
}

// Nobody has said how many requests may execute.
static void tell_guess(const char *file, const struct pool_conf *pool) {
    const struct pool_server_conf *far = far_server(pool);
    printf(
        "%s: pool \"%.*s\": connections begins at %u and follows what is seen of servers on this "
        "machine, since no PHP-FPM pool file says pm.max_children: better set it to the number "
        "of processes\n",
        file, SPAN_ARG(pool->name), pool->connections);
    if (far != NULL) {
        printf(
            "%s: warning: pool \"%.*s\": of \"%.*s\" nothing is seen if it is on another "
            "machine: connections stays at %u. Write connections = N, the pm.max_children there\n",
            file, SPAN_ARG(pool->name), SPAN_ARG(far->address), pool->connections);
    }
}

// How many requests may execute, where that is a guess or more than can.
static void tell_capacity(const char *file, const struct pool_conf *pool) {
    if (pool->is_auto && pool->children > 0) {
        printf("%s: pool \"%.*s\": connections = %u, which is pm.max_children of its PHP-FPM\n",
               file, SPAN_ARG(pool->name), pool->connections);
    } else if (pool->is_auto) {
        tell_guess(file, pool);
    } else if (pool->children > 0 &&
               (pool->connections == 0 || pool->connections > pool->children)) {
        printf("%s: warning: pool \"%.*s\": connections = %u is above pm.max_children = %u of its "
               "PHP-FPM: what is beyond waits where it is not seen, and can not be ended\n",
               file, SPAN_ARG(pool->name), pool->connections, pool->children);
    }
}

// What would happen here and now. False: run would not start.
static bool tell_findings(const char *file, const struct config *config) {
    struct buf found;
    struct span line;
    buf_init(&found, FINDINGS_MOST);
    unsigned errors = doctor_look(config, file, &found);
    struct span text = buf_span(&found);
    while (text.n > 0 && span_cut(&text, '\n', &line)) {
        printf("%s: %.*s\n", file, SPAN_ARG(line));
    }
    buf_fini(&found);
    return errors == 0;
}

static int check(int argc, char **argv) {
    struct arguments a;
    struct config config;
    struct config_errors errors;
    (void)argc;
    int err = arguments_read(COMMAND_CHECK, argv, &a);
    if (err != 0) {
        return err;
    }
    config_errors_init(&errors);
    if (config_load(&config, a.file, &errors) != 0) {
        return tell_errors(&config, &errors);
    }
    tell(&errors);
    bool starts = tell_findings(a.file, &config);
    printf("%s: %zu sites, %zu pools, %zu listeners: %s\n", a.file, config.sites_n, config.pools_n,
           config.listens_n, starts ? "good" : "would not start");
    for (size_t i = 0; i < config.pools_n; i++) {
        tell_capacity(a.file, &config.pools[i]);
    }
    for (size_t i = 0; i < config.sites_n; i++) {
        links_tell(a.file, &config.sites[i]);
    }
    config_fini(&config);
    return starts ? DONE : FAILED;
}

// ---- help ---------------------------------------------------------------------------------------

// "outrider routes --admin ADDRESS ...", and behind or below it what it is for.
static void show(enum command id) {
    struct buf synopsis;
    buf_init(&synopsis, HELP_MOST);
    command_synopsis(&synopsis, id);
    struct span text = buf_span(&synopsis);
    bool fits = text.n <= ARGUMENTS_WIDTH;
    int width = fits ? ARGUMENTS_WIDTH - (int)text.n : 0;
    printf("  outrider %-10s %.*s%*s%s %s\n", command_row(id)->name, SPAN_ARG(text), width, "",
           fits ? "" : "\n" INDENT, command_row(id)->sentence);
    buf_fini(&synopsis);
}

static int print(int (*make)(struct buf *)) {
    struct buf text;
    buf_init(&text, HELP_MOST);
    int err = make(&text);
    struct span all = buf_span(&text);
    fwrite(all.p, 1, all.n, stdout);
    buf_fini(&text);
    return err == 0 ? DONE : FAILED;
}

// One command with each of its arguments.
static int show_command(enum command id) {
    show(id);
    for (const struct argument_row *row = NULL; (row = command_next(id, row)) != NULL;) {
        printf("  %s%s%-*s %s\n", row->name, row->name[0] != 0 ? " " : "",
               (int)(25 - strlen(row->name)), row->value, row->sentence);
    }
    return id == COMMAND_RUN ? print(help_usage) : DONE;
}

static const struct topic {
    const char *name;
    int (*text)(struct buf *), (*markdown)(struct buf *);
} topics[] = {{"options", help_options, help_markdown},
              {"fields", help_fields, help_fields_markdown}};

#define TOPICS (sizeof topics / sizeof topics[0])

static int show_all(void) {
    printf("Outrider answers 103 Early Hints for slow FastCGI pages.\n\n");
    for (enum command id = 0; id < COMMAND_COUNT; id++) {
        show(id);
    }
    printf("\n");
    return print(help_usage);
}

static int help(int argc, char **argv) {
    struct arguments a;
    (void)argc;
    int err = arguments_read(COMMAND_HELP, argv, &a);
    if (err != 0 || a.topic == NULL) {
        return err != 0 ? err : show_all();
    }
    for (size_t i = 0; i < TOPICS; i++) {
        if (strcmp(topics[i].name, a.topic) == 0) {
            return print(a.markdown ? topics[i].markdown : topics[i].text);
        }
    }
    enum command id = command_find(a.topic);
    return id < COMMAND_COUNT ? show_command(id) : misused("no help about ", a.topic);
}

// ---- the commands -------------------------------------------------------------------------------

static int (*const acts[])(int argc, char **argv) = {
#define COMMAND(id, name, function, sentence) function,
#define ARGUMENT(id, command, member, kind, name, value, presence, sentence)
#include "cli/command.def"
#undef COMMAND
#undef ARGUMENT
};

int cli_main(int argc, char **argv) {
    if (argc < 2) {
        show_all();
        return MISUSED;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        name = command_row(COMMAND_HELP)->name;
    } else if (strcmp(name, "--version") == 0) {
        name = command_row(COMMAND_VERSION)->name;
    }
    enum command id = command_find(name);
    if (id == COMMAND_COUNT) {
        return misused("unknown command: ", name);
    }
    bool is_asked = argc == 3 && strcmp(argv[2], "--help") == 0;
    return is_asked ? show_command(id) : acts[id](argc - 2, argv + 2);
}
