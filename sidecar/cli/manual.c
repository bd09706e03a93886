// SPDX-License-Identifier: MIT
#include "cli/manual.h"

#include "base/roff.h"
#include "cli/arguments.h"
#include "config/help.h"

#include <stdio.h>
#include <string.h>

#define PAGE_MOST (1u << 20) // bytes
#define LINE_LEN 2048        // bytes of a synopsis, or of what is said of an option

// ---- rows ---------------------------------------------------------------------------------------

static const struct reason {
    const char *label, *sentence;
} gate_reasons[] =
    {
#define REASON(id, label, sentence) {label, sentence},
#include "hints/gate.def"
#undef REASON
},
  verdicts[] = {
#define VERDICT(id, label, sentence) {label, sentence},
#include "learner/learner_verdict.def"
#undef VERDICT
};

static void put_reasons(struct buf *out, const struct reason *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        roff_item(out, rows[i].label, "");
        roff_text(out, rows[i].sentence);
    }
}

static void put_arguments(struct buf *out, enum command id) {
    for (const struct argument_row *row = NULL; (row = command_next(id, row)) != NULL;) {
        roff_item(out, row->name, row->value);
        roff_text(out, row->sentence);
    }
}

// The arguments of run that stand for a file.
static void put_run(struct buf *out) {
    struct help_argument argument;
    for (size_t i = 0; help_argument(i, &argument); i++) {
        roff_item(out, argument.name, argument.value);
        roff_text(out, argument.sentence);
    }
}

// "routes --admin ADDRESS [--site NAME]", in `line`.
static const char *usage(enum command id, char line[LINE_LEN]) {
    struct buf synopsis;
    buf_init(&synopsis, LINE_LEN / 2);
    command_synopsis(&synopsis, id);
    struct span text = buf_span(&synopsis);
    snprintf(line, LINE_LEN, "%s%s%.*s", command_row(id)->name, text.n > 0 ? " " : "",
             SPAN_ARG(text));
    buf_fini(&synopsis);
    return line;
}

static void put_ends(struct buf *out) {
    roff_section(out, "EXIT STATUS");
    roff_text(out, "0 when it is done, 1 when something went wrong, 2 when an argument is wrong.");
}

// ---- outrider(1) --------------------------------------------------------------------------------

static void put_command(struct buf *out, enum command id) {
    char line[LINE_LEN];
    roff_subsection(out, usage(id, line));
    roff_text(out, command_row(id)->sentence);
    put_arguments(out, id);
    if (id == COMMAND_RUN) {
        roff_paragraph(out, "Instead of a file:");
        put_run(out);
    }
}

static void put_program(struct buf *out) {
    roff_head(out, "outrider", 1, "answer 103 Early Hints for slow FastCGI pages");
    roff_section(out, "SYNOPSIS");
    roff_item(out, "outrider", "COMMAND [ARGUMENT ...]");
    roff_section(out, "DESCRIPTION");
    roff_text(out, "Outrider stands between browsers and PHP-FPM, or any other FastCGI program. It "
                   "learns which styles, scripts and fonts each page needs, and tells the next "
                   "visitor with a 103 (Early Hints) response while the program is still at work.");
    roff_section(out, "COMMANDS");
    for (enum command id = 0; id < COMMAND_COUNT; id++) {
        put_command(out, id);
    }
    roff_section(out, "SIGNALS");
    roff_item(out, "SIGTERM, SIGINT", "");
    roff_text(out,
              "Requests under way may end, for at most drain-timeout; a second one ends at once.");
    roff_item(out, "SIGHUP", "");
    roff_text(out, "The configuration is read again, as with reload.");
    roff_item(out, "SIGUSR1", "");
    roff_text(out, "Access logs are opened again.");
    roff_item(out, "SIGUSR2", "");
    roff_text(out, "The program that is there now takes this one's place, as with upgrade.");
    put_ends(out);
    roff_section(out, "EXAMPLES");
    roff_text(out, "A folder of PHP, without a file; then what was learned of it:");
    roff_example(out, "outrider run --root /srv/site --fastcgi unix:/run/php/php-fpm.sock \\\n"
                      "    --listen https://localhost:8443 --admin unix:/run/outrider/admin.sock\n"
                      "outrider routes --admin unix:/run/outrider/admin.sock");
    roff_section(out, "SEE ALSO");
    roff_text(out, "outrider.conf(5), outrider-routes(1), fcgi-bridge(1)");
}

// ---- outrider-routes(1) -------------------------------------------------------------------------

static void put_routes(struct buf *out) {
    char line[LINE_LEN];
    roff_head(out, "outrider-routes", 1, "show what outrider has learned, and why");
    roff_section(out, "SYNOPSIS");
    roff_item(out, "outrider", usage(COMMAND_ROUTES, line));
    roff_section(out, "DESCRIPTION");
    roff_text(out, command_row(COMMAND_ROUTES)->sentence);
    roff_text(out,
              "A route stands for a page, or with a * for pages of one kind, as the public or as "
              "sessions see them. Below it is each asset that it was seen to need.");
    roff_section(out, "OPTIONS");
    put_arguments(out, COMMAND_ROUTES);
    roff_section(out, "ASSETS");
    roff_text(out, "Why an asset is hinted, or not:");
    put_reasons(out, verdicts, sizeof verdicts / sizeof *verdicts);
    roff_section(out, "REQUESTS");
    roff_text(out,
              "Why the hints of a route are sent with an answer, or not, as server-timing tells "
              "and the metrics count:");
    put_reasons(out, gate_reasons, sizeof gate_reasons / sizeof *gate_reasons);
    put_ends(out);
    roff_section(out, "SEE ALSO");
    roff_text(out, "outrider(1), outrider.conf(5)");
}

// ---- outrider.conf(5) ---------------------------------------------------------------------------

static void put_option(struct buf *out, enum option id) {
    const struct option_row *row = option_row(id);
    char range[OPTION_RANGE_LEN], line[LINE_LEN];
    roff_item(out, row->name, "");
    roff_text(out, row->sentence);
    snprintf(line, sizeof line, "Values: %s.%s%s%s", option_range(id, range),
             row->standard[0] ? " Default: " : "", row->standard, row->standard[0] ? "." : "");
    roff_text(out, line);
}

static void put_section(struct buf *out, enum section id) {
    char path[HELP_PATH_LEN], title[2 * HELP_PATH_LEN];
    const struct section_row *row = section_row(id);
    snprintf(title, sizeof title, "%s%s", help_path(id, path), row->is_titled ? " \"...\"" : "");
    roff_subsection(out, title);
    roff_text(out, row->sentence);
    for (enum option option = 0; option < OPTION_COUNT; option++) {
        if (option_row(option)->section == id) {
            put_option(out, option);
        }
    }
}

static const char example[] = "listen \"0.0.0.0:443\" { tls = true }\n"
                              "pool \"php\" { servers = { \"unix:/run/php/php-fpm.sock\" } }\n"
                              "site \"blog.example\" {\n"
                              "  root             = \"/srv/wordpress\"\n"
                              "  front-controller = \"/index.php\"\n"
                              "  pool             = \"php\"\n"
                              "  certificate      = \"/etc/outrider/blog.pem\"\n"
                              "  key              = \"/etc/outrider/blog.key\"\n"
                              "}";

static void put_options(struct buf *out) {
    roff_head(out, "outrider.conf", 5, "configuration of outrider");
    roff_section(out, "DESCRIPTION");
    roff_text(out,
              "The file that outrider run --config serves, outrider check looks for errors in, "
              "and outrider reload has read again.");
    roff_paragraph(
        out, "An option is name = value, and a list is in braces. Texts are in double quotes; "
             "in them a \\ stands before each \", \\ and $. Sections are in braces, and may "
             "hold others. What follows a # is a comment. Times are written as 500ms, "
             "60s, 5min or 1h, sizes as 64k or 1MB, shares as 2%.");
    roff_example(out, example);
    roff_section(out, "OPTIONS");
    for (enum section id = 0; id < SECTION_COUNT; id++) {
        put_section(out, id);
    }
    roff_section(out, "FIELDS OF AN ACCESS LOG");
    struct help_field field;
    for (size_t i = 0; help_field(i, &field); i++) {
        roff_item(out, field.name, "");
        roff_text(out, field.sentence);
    }
    roff_section(out, "FILES");
    roff_item(out, "/etc/outrider/outrider.conf", "");
    roff_text(out, "The file of the service.");
    roff_section(out, "SEE ALSO");
    roff_text(out, "outrider(1), outrider-routes(1)");
}

// ---- the command --------------------------------------------------------------------------------

int manual_command(int argc, char **argv) {
    struct arguments a;
    struct buf out;
    (void)argc;
    int err = arguments_read(COMMAND_MANUAL, argv, &a);
    if (err != 0) {
        return err;
    }
    buf_init(&out, PAGE_MOST);
    if (strcmp(a.topic, "outrider") == 0) {
        put_program(&out);
    } else if (strcmp(a.topic, "outrider.conf") == 0) {
        put_options(&out);
    } else {
        put_routes(&out);
    }
    struct span text = buf_span(&out);
    fwrite(text.p, 1, text.n, stdout);
    buf_fini(&out);
    return 0;
}
