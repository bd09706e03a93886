// SPDX-License-Identifier: MIT
#include "config/config.h"

#include "base/error.h"
#include "config/address.h"
#include "config/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MOST ((size_t)1 << 20) // bytes of a configuration
#define POOL_NAME "fastcgi"         // of the only pool, without a file

// The places of the lines that config_args writes.
enum {
    LINE_WORKERS = 1,
    LINE_LOG,
    LINE_POOL,
    LINE_SERVERS,
    LINE_SPAWN,
    LINE_POOL_END,
    LINE_ADMIN,
    LINE_SITE,
    LINE_ROOT,
    LINE_FRONT,
    LINE_CHECK,
    LINE_HINTS,
    LINE_MODE,
    LINE_CLIENTS,
    LINE_HINTS_END,
    LINE_SITE_POOL,
    LINE_ACCESS_LOG,
    LINE_SITE_END,
    LINE_LISTENS, // two of each
    LINES = LINE_LISTENS + 2 * (1 + CONFIG_ARG_LISTENS),
};

static int read_config(struct config *c, struct span text, struct config_errors *errors) {
    unsigned before = errors->count;
    struct file file;
    *c = (struct config){0};
    arena_init(&c->arena, SIZE_MAX);
    if (text.n > TEXT_MOST) {
        config_errors_put(errors, 0, "a configuration has at most 1 MB");
        return ERR_CONFIG;
    }
    if (file_init(&file, text, errors) == 0) {
        struct build build = {.config = c, .errors = errors, .top = file_top(&file)};
        build_config(&build);
    }
    file_fini(&file);
    return errors->count == before ? 0 : ERR_CONFIG;
}

int config_parse(struct config *c, const char *name, struct span text,
                 struct config_errors *errors) {
    errors->file = name;
    errors->places_n = 0;
    int error = read_config(c, text, errors);
    errors->file = NULL;
    return error;
}

int config_load(struct config *c, const char *path, struct config_errors *errors) {
    *c = (struct config){0};
    FILE *f = fopen(path, "rbe");
    uint8_t *text = malloc(TEXT_MOST + 1);
    if (text == NULL) {
        abort();
    }
    size_t n = f != NULL ? fread(text, 1, TEXT_MOST + 1, f) : 0;
    int error = ERR_CONFIG;
    if (f == NULL || ferror(f)) {
        errors->file = path;
        config_errors_put(errors, 0, "cannot be read: %s", strerror(errno));
        errors->file = NULL;
    } else {
        error = config_parse(c, path, span_of(text, n), errors);
    }
    if (f != NULL) {
        fclose(f);
    }
    free(text);
    return error;
}

// Appends text in quotes.
static void put_quoted(struct buf *out, struct span text) {
    buf_put(out, SPAN("\""));
    for (size_t i = 0; i < text.n; i++) {
        if (strchr("\"\\$", text.p[i]) != NULL) {
            buf_put(out, SPAN("\\"));
        }
        buf_put(out, span_of(text.p + i, 1));
    }
    buf_put(out, SPAN("\""));
}

// Appends a line: what comes before the text, the text in quotes, and what comes behind it; an
// empty line when there is no text.
static void put_line(struct buf *out, const char *before, const char *text, const char *behind) {
    if (text != NULL) {
        buf_put(out, span_str(before));
        put_quoted(out, span_str(text));
        buf_put(out, span_str(behind));
    }
    buf_put(out, SPAN("\n"));
}

// Two lines of each: for errors, that of --listen and that of --behind.
static void put_listens(struct buf *out, const struct config_args *args) {
    for (unsigned i = 0; args->listen != NULL && i <= args->listens_n; i++) {
        put_line(out, "listen ", i == 0 ? args->listen : args->listens[i - 1], " {");
        put_line(out, "trusted = {", args->behind, "} }");
        if (args->behind == NULL) {
            buf_put(out, SPAN("}"));
        }
    }
}

static bool has_pool(const struct config_args *args) {
    return args->fastcgi != NULL || args->spawn != NULL;
}

// The words of --spawn, which blanks divide: who needs a blank in a word writes a file.
static void put_spawn(struct buf *out, const char *command) {
    struct span rest = span_str(command), word;
    const char *between = "";
    buf_put(out, SPAN("spawn { command = {"));
    while (span_cut(&rest, ' ', &word)) {
        if (word.n > 0) {
            buf_put(out, span_str(between));
            put_quoted(out, word);
            between = ", ";
        }
    }
    buf_put(out, SPAN("} }\n"));
}

static void put_pool(struct buf *out, const struct config_args *args) {
    put_line(out, "pool ", has_pool(args) ? POOL_NAME : NULL, " {");
    put_line(out, "servers = {", args->fastcgi, "}");
    if (args->spawn != NULL) {
        put_spawn(out, args->spawn);
    } else {
        buf_put(out, SPAN("\n"));
    }
    buf_put(out, has_pool(args) ? SPAN("}\n") : SPAN("\n"));
}

// The site answers to the host that is listened on; a loopback address has three names.
static void put_site(struct buf *out, const struct config_args *args, struct arena *a) {
    struct address address = {0};
    const char *why, *name = args->name;
    bool is_address =
        args->listen != NULL && address_parse(span_str(args->listen), a, &address, &why) == 0;
    const char *aliases = " {";
    if (name == NULL && is_address && address.is_loopback) {
        name = "localhost";
        aliases = " { aliases = {\"127.0.0.1\", \"[::1]\"}";
    } else if (name == NULL) {
        bool is_name = is_address && address.host.n > 0 &&
                       !span_eq(address.host, SPAN("0.0.0.0")) &&
                       span_index(address.host, ':') == address.host.n;
        name = is_name ? (const char *)address.host.p : "localhost";
    }
    put_line(out, "site ", name, aliases);
}

const char **config_arg(struct config_args *args, const char *name) {
    if (strcmp(name, "--listen") == 0 && args->listen != NULL) {
        return args->listens_n < CONFIG_ARG_LISTENS ? &args->listens[args->listens_n++] : NULL;
    }
#define ARG(member, text, value, sentence)                                                         \
    if (strcmp(name, text) == 0) {                                                                 \
        return &args->member;                                                                      \
    }
#include "config/args.def"
#undef ARG
    return NULL;
}

int config_args(struct config *c, const struct config_args *args, struct config_errors *errors) {
    const char *places[LINES - 1] = {
        [LINE_WORKERS - 1] = "--workers",    [LINE_LOG - 1] = "--log",
        [LINE_POOL - 1] = "--fastcgi",       [LINE_SERVERS - 1] = "--fastcgi",
        [LINE_SPAWN - 1] = "--spawn",        [LINE_POOL_END - 1] = "--fastcgi",
        [LINE_ADMIN - 1] = "--admin",        [LINE_SITE - 1] = "--name",
        [LINE_ROOT - 1] = "--root",          [LINE_FRONT - 1] = "--front-controller",
        [LINE_CHECK - 1] = "--check-script", [LINE_HINTS - 1] = "--mode",
        [LINE_HINTS_END - 1] = "--mode",     [LINE_MODE - 1] = "--mode",
        [LINE_CLIENTS - 1] = "--clients",    [LINE_SITE_POOL - 1] = "--fastcgi",
        [LINE_SITE_END - 1] = "--name",      [LINE_ACCESS_LOG - 1] = "--access-log",
    };
    for (unsigned i = LINE_LISTENS; i < LINES; i++) {
        places[i - 1] = (i - LINE_LISTENS) % 2 == 0 ? "--listen" : "--behind";
    }
    struct buf text;
    struct arena a;
    buf_init(&text, TEXT_MOST);
    arena_init(&a, TEXT_MOST);
    put_line(&text, "workers = ", args->workers, "");
    put_line(&text, "log = ", args->log, "");
    put_pool(&text, args);
    put_line(&text, "admin { listen = ", args->admin, " }");
    put_site(&text, args, &a);
    put_line(&text, "root = ", args->root, "");
    put_line(&text, "front-controller = ", args->front_controller, "");
    put_line(&text, "check-script = ", args->check_script, "");
    buf_put(&text, SPAN("hints {\n"));
    put_line(&text, "mode = ", args->mode, "");
    put_line(&text, "clients = ", args->clients, "");
    buf_put(&text, SPAN("}\n"));
    put_line(&text, "pool = ", has_pool(args) ? POOL_NAME : NULL, "");
    put_line(&text, "access-log { to = ", args->access_log, " }");
    buf_put(&text, SPAN("}\n"));
    put_listens(&text, args);
    errors->places = places;
    errors->places_n = LINES - 1;
    int error = read_config(c, buf_span(&text), errors);
    errors->places_n = 0;
    arena_fini(&a);
    buf_fini(&text);
    return error;
}

void config_fini(struct config *c) {
    arena_fini(&c->arena);
    *c = (struct config){0};
}
