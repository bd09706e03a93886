// SPDX-License-Identifier: MIT
#include "runner/options.h"

#include "base/span.h"

#include <inttypes.h>
#include <stdarg.h>

enum kind { KIND_TEXT, KIND_LIST, KIND_COUNT, KIND_TIME, KIND_SIZE };

struct row {
    const char *name;
    enum kind kind;
    const char *argument, *initial;
    uint64_t least, most;
    const char *text;
    size_t at; // of the member in struct options
};

static const struct row rows[] = {
#define OPTION(member, name, kind, argument, initial, least, most, text)                           \
    {name, KIND_##kind, argument, initial, least, most, text, offsetof(struct options, member)},
#include "runner/options.def"
#undef OPTION
};

#define ROWS (sizeof rows / sizeof rows[0])

static const struct {
    enum options_verdict verdict;
    const char *name, *argument, *text;
} questions[] = {
#define QUESTION(id, name, argument, text) {OPTIONS_##id, name, argument, text},
#include "runner/question.def"
#undef QUESTION
};

#define QUESTIONS (sizeof questions / sizeof questions[0])

struct unit {
    const char *name;
    uint64_t factor;
};

// The largest first; the last row ends the table. A time without a unit could be meant as anything
// and is an error; a size without one is in bytes.
static const struct unit times[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {0}};
static const struct unit sizes[] = {{"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"", 1}, {0}};
static const struct unit counts[] = {{"", 1}, {0}};

static const struct unit *units_of(enum kind kind) {
    return kind == KIND_TIME ? times : kind == KIND_SIZE ? sizes : counts;
}

__attribute__((format(printf, 2, 3))) static enum options_verdict bad(struct options *o,
                                                                      const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(o->why, sizeof o->why, format, args);
    va_end(args);
    return OPTIONS_BAD;
}

static const struct row *find(struct span name) {
    for (size_t i = 0; i < ROWS; i++) {
        if (span_eq(name, span_str(rows[i].name))) {
            return &rows[i];
        }
    }
    return NULL;
}

static void *member(struct options *o, const struct row *row) {
    return (char *)o + row->at;
}

// number = 1*DIGIT unit, within the row's range.
static bool parse_number(const struct row *row, const char *text, uint64_t *value) {
    size_t digits = strspn(text, "0123456789");
    uint64_t number;
    if (!span_to_u64(span_of(text, digits), &number)) {
        return false;
    }
    for (const struct unit *u = units_of(row->kind); u->name; u++) {
        if (strcmp(text + digits, u->name) == 0) {
            *value = number * u->factor;
            return number <= row->most / u->factor && *value >= row->least;
        }
    }
    return false;
}

// A number as one would write it: 86400000 ms is "24h".
static const char *format_number(const struct row *row, uint64_t value, char *text, size_t n) {
    const struct unit *u = units_of(row->kind);
    while (value ? value % u->factor != 0 : u[1].name != NULL) {
        u++;
    }
    snprintf(text, n, "%" PRIu64 "%s", value / u->factor, u->name);
    return text;
}

static enum options_verdict put_number(struct options *o, const struct row *row, const char *text) {
    char least[32], most[32];
    if (parse_number(row, text, member(o, row))) {
        return OPTIONS_RUN;
    }
    return bad(o, "--%s %s: expected %s to %s, like %s", row->name, text,
               format_number(row, row->least, least, sizeof least),
               format_number(row, row->most, most, sizeof most), row->initial);
}

static enum options_verdict put(struct options *o, const struct row *row, const char *text) {
    if (row->kind == KIND_TEXT) {
        *(const char **)member(o, row) = text;
        return OPTIONS_RUN;
    }
    if (row->kind != KIND_LIST) {
        return put_number(o, row, text);
    }
    struct options_list *list = member(o, row);
    if (list->n == OPTIONS_LIST_MOST) {
        return bad(o, "--%s %s: at most %d of them", row->name, text, OPTIONS_LIST_MOST);
    }
    list->v[list->n++] = text;
    return OPTIONS_RUN;
}

// interpreter = "." 1*char "=" "/" *char
static bool is_interpreter(const char *text) {
    const char *equals = strchr(text, '=');
    return text[0] == '.' && equals != NULL && equals > text + 1 && equals[1] == '/' &&
           memchr(text, '/', (size_t)(equals - text)) == NULL;
}

// name = 1*( ALPHA / DIGIT / "_" ), not beginning with a digit
static size_t name_len(const char *text) {
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    return text[0] >= '0' && text[0] <= '9' ? 0 : n;
}

static enum options_verdict check_variables(struct options *o) {
    for (size_t i = 0; i < o->env.n; i++) {
        size_t n = name_len(o->env.v[i]);
        if (n == 0 || o->env.v[i][n] != '=') {
            return bad(o, "--env %s: expected NAME=VALUE", o->env.v[i]);
        }
    }
    for (size_t i = 0; i < o->inherit.n; i++) {
        size_t n = name_len(o->inherit.v[i]);
        if (n == 0 || o->inherit.v[i][n] != 0) {
            return bad(o, "--inherit %s: expected a name of letters, digits and _",
                       o->inherit.v[i]);
        }
    }
    return OPTIONS_RUN;
}

static enum options_verdict check_choice(struct options *o, const char *name, const char *text,
                                         const char *a, const char *b) {
    bool is_one = strcmp(text, a) == 0 || strcmp(text, b) == 0;
    return is_one ? OPTIONS_RUN : bad(o, "--%s %s: expected %s or %s", name, text, a, b);
}

static enum options_verdict check_texts(struct options *o) {
    size_t octal = strspn(o->socket_mode, "01234567");
    if (octal < 3 || octal > 4 || o->socket_mode[octal] != 0) {
        return bad(o, "--socket-mode %s: expected an octal mode like 0660", o->socket_mode);
    }
    if (o->chdir[0] != 0 && o->chdir[0] != '/') {
        return bad(o, "--chdir %s: expected an absolute path", o->chdir);
    }
    if (o->status[0] != 0 && o->status[0] != '/') {
        return bad(o, "--status %s: expected a path that begins with /", o->status);
    }
    if (o->cgroup[0] != '/' && strcmp(o->cgroup, "auto") != 0 && strcmp(o->cgroup, "none") != 0) {
        return bad(o, "--cgroup %s: expected auto, none or an absolute path", o->cgroup);
    }
    if (check_choice(o, "gone", o->gone, "end", "finish") != OPTIONS_RUN) {
        return OPTIONS_BAD;
    }
    return check_choice(o, "jobs", o->jobs, "live", "end");
}

// What a single row cannot say.
static enum options_verdict check(struct options *o) {
    if (o->root.n == 0) {
        return bad(o, "--root DIR is required: the directory whose programs may be run");
    }
    if (check_texts(o) != OPTIONS_RUN || check_variables(o) != OPTIONS_RUN) {
        return OPTIONS_BAD;
    }
    for (size_t i = 0; i < o->interpreter.n; i++) {
        if (!is_interpreter(o->interpreter.v[i])) {
            return bad(o, "--interpreter %s: expected .SUFFIX=/absolute/path of a program",
                       o->interpreter.v[i]);
        }
    }
    for (size_t i = 0; i < o->pass.n; i++) {
        const char *name = o->pass.v[i];
        size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        if (n == 0 || (name[n] != 0 && strcmp(name + n, "*") != 0)) {
            return bad(o, "--pass %s: expected a name of A-Z, 0-9 and _, or its beginning and *",
                       name);
        }
    }
    return OPTIONS_RUN;
}

// One option that starts at argv[*at]; leaves *at on its last argument.
static enum options_verdict parse_one(struct options *o, char **argv, int *at, bool *seen) {
    struct span name = span_str(argv[*at]);
    if (!span_has_prefix(name, SPAN("--"))) {
        return bad(o, "%s: not an option; see --help", argv[*at]);
    }
    name = span_skip(name, 2);
    size_t equals = span_index(name, '=');
    const char *text = equals < name.n ? argv[*at] + 2 + equals + 1 : NULL;
    const struct row *row = find(span_first(name, equals));
    if (row == NULL) {
        return bad(o, "%s: no such option; see --help", argv[*at]);
    }
    if (text == NULL) {
        text = argv[*at + 1];
        *at += text != NULL;
    }
    if (text == NULL || text[0] == 0) {
        return bad(o, "--%s: needs %s: %s", row->name, row->argument, row->text);
    }
    if (seen[row - rows] && row->kind != KIND_LIST) {
        return bad(o, "--%s: given twice", row->name);
    }
    seen[row - rows] = true;
    return put(o, row, text);
}

// OPTIONS_RUN for what is no question.
static enum options_verdict find_question(const char *text) {
    for (size_t i = 0; i < QUESTIONS; i++) {
        if (strncmp(text, "--", 2) == 0 && strcmp(text + 2, questions[i].name) == 0) {
            return questions[i].verdict;
        }
    }
    return OPTIONS_RUN;
}

enum options_verdict options_parse(struct options *o, int argc, char **argv) {
    bool seen[ROWS] = {false};
    memset(o, 0, sizeof *o);
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].kind != KIND_LIST) {
            put(o, &rows[i], rows[i].initial);
        }
    }
    for (int at = 1; at < argc; at++) {
        o->asked = argv[at + 1];
        enum options_verdict verdict = find_question(argv[at]);
        if (verdict == OPTIONS_RUN) {
            verdict = parse_one(o, argv, &at, seen);
        }
        if (verdict != OPTIONS_RUN) {
            return verdict;
        }
    }
    return check(o);
}

// Prints text in lines of at most 76 columns, each indented by six.
static void print_wrapped(FILE *to, struct span text) {
    struct span word;
    size_t column = 0;
    while (span_cut(&text, ' ', &word)) {
        bool is_new = column == 0 || column + 1 + word.n > 70;
        fprintf(to, "%s%s%.*s", is_new && column ? "\n" : "", is_new ? "      " : " ",
                SPAN_ARG(word));
        column = is_new ? word.n : column + 1 + word.n;
    }
    fputc('\n', to);
}

void options_print(FILE *to) {
    char least[32], most[32];
    fputs("usage: fcgi-bridge --listen ADDRESS --root DIR [option ...]\n"
          "Runs CGI programs (RFC 3875) for a FastCGI client.\n\n",
          to);
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        fprintf(to, "  --%s %s", row->name, row->argument);
        if (row->kind == KIND_LIST) {
            fputs(" (may be repeated)", to);
        } else if (row->kind != KIND_TEXT) {
            fprintf(to, " (default %s; %s to %s)", row->initial,
                    format_number(row, row->least, least, sizeof least),
                    format_number(row, row->most, most, sizeof most));
        }
        fputc('\n', to);
        print_wrapped(to, span_str(row->text));
    }
    for (size_t i = 0; i < QUESTIONS; i++) {
        fprintf(to, "  --%s%s%s\n", questions[i].name, questions[i].argument[0] ? " " : "",
                questions[i].argument);
        print_wrapped(to, span_str(questions[i].text));
    }
    fputs("\n"
          "SIGTERM stops it once the running requests have ended; SIGQUIT, or a second\n"
          "SIGTERM, kills them. SIGHUP replaces the workers by new ones and cuts nothing.\n",
          to);
}
