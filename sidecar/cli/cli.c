// SPDX-License-Identifier: MIT
#include "cli/cli.h"

#include "cli/learned.h"
#include "cli/links.h"
#include "cli/reload.h"
#include "cli/routes.h"
#include "config/config.h"
#include "config/help.h"
#include "server/server.h"

#include <stdio.h>
#include <string.h>

// Exit statuses, as in other servers' command lines.
enum { DONE = 0, FAILED = 1, MISUSED = 2 };

#define ARGUMENTS_WIDTH 36 // columns of the help
#define INDENT "                                                       "

struct command {
    const char *name, *arguments, *sentence;
    int (*run)(int argc, char **argv);
};

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
    const char **value = strcmp(name, "--config") == 0 ? file : args_place(args, name);
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

// ---- check, help, version -----------------------------------------------------------------------

// How many requests may execute, where that is a guess or more than can.
static void tell_capacity(const char *file, const struct pool_conf *pool) {
    if (pool->is_auto && pool->children > 0) {
        printf("%s: pool \"%.*s\": connections = %u, which is pm.max_children of its PHP-FPM\n",
               file, SPAN_ARG(pool->name), pool->connections);
    } else if (pool->is_auto) {
        printf(
            "%s: pool \"%.*s\": connections begins at %u and is learned on this machine, since no "
            "PHP-FPM pool file says pm.max_children: better set it to the number of processes\n",
            file, SPAN_ARG(pool->name), pool->connections);
    } else if (pool->children > 0 &&
               (pool->connections == 0 || pool->connections > pool->children)) {
        printf("%s: warning: pool \"%.*s\": connections = %u is above pm.max_children = %u of its "
               "PHP-FPM: what is beyond waits where it is not seen, and can not be ended\n",
               file, SPAN_ARG(pool->name), pool->connections, pool->children);
    }
}

static int check(int argc, char **argv) {
    struct config config;
    struct config_errors errors;
    if (argc != 1) {
        return misused("check takes one file", "");
    }
    config_errors_init(&errors);
    if (config_load(&config, argv[0], &errors) != 0) {
        return tell_errors(&config, &errors);
    }
    tell(&errors);
    printf("%s: %zu sites, %zu pools, %zu listeners: good\n", argv[0], config.sites_n,
           config.pools_n, config.listens_n);
    for (size_t i = 0; i < config.pools_n; i++) {
        tell_capacity(argv[0], &config.pools[i]);
    }
    for (size_t i = 0; i < config.sites_n; i++) {
        links_tell(argv[0], &config.sites[i]);
    }
    config_fini(&config);
    return DONE;
}

static int help(int argc, char **argv);

static int version(int argc, char **argv) {
    (void)argc;
    (void)argv;
    printf("outrider %s\n", OUTRIDER_VERSION);
    return DONE;
}

static const struct command commands[] = {
    {"run", "--config FILE", "Serve what a configuration file says.", run},
    {"run", "--root DIR --fastcgi ADDRESS [...]", "Serve a folder of PHP without a file.", run},
    {"reload", "--config FILE | --admin ADDRESS",
     "Have the running outrider read its configuration again, and say what is wrong with it.",
     reload_command},
    {"upgrade", "--config FILE | --admin ADDRESS",
     "Have another program, such as a newer version, take the place of the running outrider.",
     upgrade_command},
    {"check", "FILE", "Look for errors in a configuration file.", check},
    {"routes",
     "--admin ADDRESS [--site NAME] [--route ROUTE] [--audience public|session]"
     " [--limit N] [--json]",
     "Show what has been learned, and why each hint is sent or not.", routes_command},
    {"forget", "--admin ADDRESS --site NAME ROUTE [--audience public|session]",
     "Forget one route, written as routes shows it.", learned_forget},
    {"clear", "--admin ADDRESS [--site NAME]",
     "Forget all of a site, or of all sites: after a deployment that changes everything.",
     learned_clear},
    {"export", "--admin ADDRESS", "Write what has been learned as JSON.", learned_export},
    {"import", "--admin ADDRESS [FILE]", "Learn from an export, of another outrider too.",
     learned_import},
    {"help", "[options|fields [--markdown]]",
     "Show this, all options of the configuration, or what an access log can say.", help},
    {"version", "", "Show the version.", version},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static void show(const struct command *c) {
    bool fits = strlen(c->arguments) <= ARGUMENTS_WIDTH;
    printf("  outrider %-7s %-*s%s %s\n", c->name, ARGUMENTS_WIDTH, c->arguments,
           fits ? "" : "\n" INDENT, c->sentence);
}

// "outrider routes --help": its rows only.
static int show_named(const char *name) {
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            show(&commands[i]);
        }
    }
    return DONE;
}

static const struct topic {
    const char *name;
    int (*text)(struct buf *), (*markdown)(struct buf *);
} topics[] = {{"options", help_options, help_markdown},
              {"fields", help_fields, help_fields_markdown}};

#define TOPICS (sizeof topics / sizeof topics[0])

static int print(int (*make)(struct buf *)) {
    struct buf text;
    buf_init(&text, 1u << 20);
    int err = make(&text);
    fwrite(text.p + text.from, 1, buf_len(&text), stdout);
    buf_fini(&text);
    return err == 0 ? DONE : FAILED;
}

static int help(int argc, char **argv) {
    for (size_t i = 0; argc >= 1 && i < TOPICS; i++) {
        if (strcmp(topics[i].name, argv[0]) == 0) {
            bool is_markdown = argc == 2 && strcmp(argv[1], "--markdown") == 0;
            return print(is_markdown ? topics[i].markdown : topics[i].text);
        }
    }
    printf("Outrider answers 103 Early Hints for slow FastCGI pages.\n\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        show(&commands[i]);
    }
    printf("\n");
    return print(help_usage);
}

int cli_main(int argc, char **argv) {
    if (argc < 2) {
        help(0, NULL);
        return MISUSED;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        name = "help";
    } else if (strcmp(name, "--version") == 0) {
        name = "version";
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            if (argc == 3 && strcmp(argv[2], "--help") == 0) {
                return show_named(name);
            }
            return commands[i].run(argc - 2, argv + 2);
        }
    }
    return misused("unknown command: ", name);
}
