// SPDX-License-Identifier: MIT
#include "config/args.h"

#include "base/arena.h"
#include "config/address.h"
#include "config/options.h"

#define POOL_NAME "fastcgi"  // of the only pool
#define ADDRESS_MEMORY 65536 // bytes for the parts of an address

enum fills { VALUE, WORDS, TITLE };

// What an argument fills, and where config_args has its value.
struct row {
    const char *name;
    size_t offset;
    enum fills fills;
    unsigned id; // enum option, or enum section of a TITLE
};

static const struct row rows[] = {
#define VALUE_OF(option) VALUE, OPTION_##option
#define WORDS_OF(option) WORDS, OPTION_##option
#define TITLE_OF(section) TITLE, SECTION_##section
#define ARG(member, name, value, fills, sentence)                                                  \
    {name, offsetof(struct config_args, member), fills},
#include "config/args.def"
#undef ARG
};
#define ROWS (sizeof rows / sizeof *rows)

static const char *value_of(const struct config_args *args, const struct row *row) {
    return *(const char *const *)((const char *)args + row->offset);
}

const char **args_place(struct config_args *args, const char *name) {
    if (strcmp(name, "--listen") == 0 && args->listen != NULL) {
        return args->listens_n < ARGS_LISTENS ? &args->listens[args->listens_n++] : NULL;
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(name, rows[i].name) == 0) {
            return (const char **)((char *)args + rows[i].offset);
        }
    }
    return NULL;
}

// ---- lines --------------------------------------------------------------------------------------

static void put(struct args_text *t, const char *text) {
    buf_put(&t->text, span_str(text));
}

// Text in quotes.
static void put_quoted(struct args_text *t, struct span text) {
    put(t, "\"");
    for (size_t i = 0; i < text.n; i++) {
        if (strchr("\"\\$", text.p[i]) != NULL) {
            put(t, "\\");
        }
        buf_put(&t->text, span_of(text.p + i, 1));
    }
    put(t, "\"");
}

// Ends a line, which is made of that argument.
static void end_line(struct args_text *t, const char *argument) {
    put(t, "\n");
    if (t->places_n < ARGS_LINES) {
        t->places[t->places_n++] = argument;
    }
}

// Who needs a blank in a word writes a file.
static void put_words(struct args_text *t, struct span rest) {
    const char *between = "";
    struct span word;
    while (span_cut(&rest, ' ', &word)) {
        if (word.n > 0) {
            put(t, between);
            put_quoted(t, word);
            between = ", ";
        }
    }
}

static void put_option(struct args_text *t, const struct row *row, const char *value) {
    bool is_list = option_is_list((enum option)row->id);
    put(t, option_row((enum option)row->id)->name);
    put(t, is_list ? " = {" : " = ");
    if (row->fills == WORDS) {
        put_words(t, span_str(value));
    } else {
        put_quoted(t, span_str(value));
    }
    put(t, is_list ? "}" : "");
    end_line(t, row->name);
}

// ---- sections -----------------------------------------------------------------------------------

static bool fills_option_of(const struct row *row, enum section section) {
    return row->fills != TITLE && option_row((enum option)row->id)->section == section;
}

static void put_options(struct args_text *t, const struct config_args *args, enum section section) {
    for (size_t i = 0; i < ROWS; i++) {
        const char *value = value_of(args, &rows[i]);
        if (value != NULL && fills_option_of(&rows[i], section)) {
            put_option(t, &rows[i], value);
        }
    }
}

// The first argument that was given and fills an option of the section; NULL: none.
static const char *first_of(const struct config_args *args, enum section section) {
    for (size_t i = 0; i < ROWS; i++) {
        if (value_of(args, &rows[i]) != NULL && fills_option_of(&rows[i], section)) {
            return rows[i].name;
        }
    }
    return NULL;
}

// Begins a section; its line is made of the argument. A title of NULL is none.
static void open_section(struct args_text *t, enum section section, const char *title,
                         const char *argument) {
    put(t, section_row(section)->name);
    if (title != NULL) {
        put(t, " ");
        put_quoted(t, span_str(title));
    }
    put(t, " {");
    end_line(t, argument);
}

static void close_section(struct args_text *t, const char *argument) {
    put(t, "}");
    end_line(t, argument);
}

// The sections without title inside of another one, where something was given for them.
static void put_plain(struct args_text *t, const struct config_args *args, enum section parent) {
    for (enum section s = SECTION_TOP + 1; s < SECTION_COUNT; s++) {
        const struct section_row *row = section_row(s);
        const char *argument = first_of(args, s);
        if (row->parent == parent && !row->is_titled && argument != NULL) {
            open_section(t, s, NULL, argument);
            put_options(t, args, s);
            close_section(t, argument);
        }
    }
}

static const char *pool_argument(const struct config_args *args) {
    const char *servers = first_of(args, SECTION_POOL);
    return servers != NULL ? servers : first_of(args, SECTION_SPAWN);
}

static void put_pool(struct args_text *t, const struct config_args *args) {
    const char *argument = pool_argument(args);
    if (argument != NULL) {
        open_section(t, SECTION_POOL, POOL_NAME, argument);
        put_options(t, args, SECTION_POOL);
        put_plain(t, args, SECTION_POOL);
        close_section(t, argument);
    }
}

// The name of the site when none was given: the host that is listened on. A loopback address has
// three names. The text lives in `a`.
static const char *default_name(const struct config_args *args, struct arena *a,
                                bool *is_loopback) {
    struct address address = {0};
    const char *why;
    bool is_address =
        args->listen != NULL && address_parse(span_str(args->listen), a, &address, &why) == 0;
    bool is_name = is_address && address.host.n > 0 && !span_eq(address.host, SPAN("0.0.0.0")) &&
                   span_index(address.host, ':') == address.host.n;
    *is_loopback = is_address && address.is_loopback;
    return is_name && !*is_loopback ? (const char *)address.host.p : "localhost";
}

static void put_site(struct args_text *t, const struct config_args *args) {
    struct arena a;
    bool is_loopback = false;
    arena_init(&a, ADDRESS_MEMORY);
    const char *name = args->name != NULL ? args->name : default_name(args, &a, &is_loopback);
    open_section(t, SECTION_SITE, name, "--name");
    arena_fini(&a);
    if (is_loopback) {
        put(t, "aliases = {\"127.0.0.1\", \"[::1]\"}");
        end_line(t, "--name");
    }
    put_options(t, args, SECTION_SITE);
    put_plain(t, args, SECTION_SITE);
    if (pool_argument(args) != NULL) {
        put(t, "pool = \"" POOL_NAME "\"");
        end_line(t, pool_argument(args));
    }
    close_section(t, "--name");
}

static void put_listens(struct args_text *t, const struct config_args *args) {
    for (unsigned i = 0; args->listen != NULL && i <= args->listens_n; i++) {
        open_section(t, SECTION_LISTEN, i == 0 ? args->listen : args->listens[i - 1], "--listen");
        put_options(t, args, SECTION_LISTEN);
        close_section(t, "--listen");
    }
}

void args_text_init(struct args_text *t, const struct config_args *args, size_t most) {
    t->places_n = 0;
    buf_init(&t->text, most);
    put_options(t, args, SECTION_TOP);
    put_pool(t, args);
    put_plain(t, args, SECTION_TOP);
    put_site(t, args);
    put_listens(t, args);
}

void args_text_fini(struct args_text *t) {
    buf_fini(&t->text);
    t->places_n = 0;
}
