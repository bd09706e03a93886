// SPDX-License-Identifier: MIT
#include "runner/manual.h"

#include "base/build.h"
#include "base/complete.h"
#include "base/roff.h"

#include <string.h>

#define TEXT_MOST 65536 // bytes

static const struct complete_row rows[] = {
#define OPTION(member, name, kind, argument, initial, least, most, text)                           \
    {"", "--" name, argument, text},
#include "runner/options.def"
#undef OPTION
#define QUESTION(id, name, argument, text) {"", "--" name, argument, text},
#include "runner/question.def"
#undef QUESTION
};

static const char *const defaults[] = {
#define OPTION(member, name, kind, argument, initial, least, most, text) initial,
#include "runner/options.def"
#undef OPTION
};

#define OPTIONS (sizeof defaults / sizeof *defaults)

static void print(FILE *to, struct buf *text) {
    struct span all = buf_span(text);
    fwrite(all.p, 1, all.n, to);
    buf_fini(text);
}

static void put_head(struct buf *out) {
    roff_head(out, "fcgi-bridge", 1, "run CGI programs for a FastCGI client");
    roff_section(out, "SYNOPSIS");
    roff_item(out, "fcgi-bridge", "--listen ADDRESS --root DIR [option ...]");
    roff_section(out, "DESCRIPTION");
    roff_text(
        out, "Runs plain CGI programs (RFC 3875) for any FastCGI client: Outrider, nginx, Apache's "
             "mod_proxy_fcgi, lighttpd. Each request is a process of its own. Interim blocks "
             "(Status: 103) pass as soon as they are written.");
    roff_paragraph(out,
                   "The program is found by SCRIPT_FILENAME, also with Apache's proxy:fcgi:// in "
                   "front; by DOCUMENT_ROOT and SCRIPT_NAME; or by SCRIPT_NAME below the first "
                   "root. What is behind the program's name becomes PATH_INFO. A root may be a "
                   "link that is exchanged; a program that is a link runs under its own name and "
                   "in its own folder.");
    roff_paragraph(
        out, "A program that is over a limit, or whose client goes away, is sent SIGTERM, and "
             "SIGKILL after the grace period, with all that descends from it. What lives on "
             "after the answer is watched by the limits and holds no worker.");
    roff_paragraph(
        out, "What all processes of a request use together (--memory, --processes) is bounded "
             "by the kernel where the bridge has a cgroup (version 2) with these "
             "controllers, else measured, which a program that is quick enough gets ahead "
             "of; each for itself. In the cgroup it makes one for itself, bridge, and one "
             "for each worker, request-N; it must be the only one that runs there. The "
             "kernel counts the page cache that cannot be given back too, lets nothing be "
             "swapped, and kills all processes of a request without a grace period; a "
             "request that is refused another process is ended with one. Programs cannot "
             "change the bounds where the bridge was started as root with --user; started "
             "as the user itself, it owns them, and so do they.");
}

static void put_options(struct buf *out) {
    roff_section(out, "OPTIONS");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        roff_item(out, rows[i].name, rows[i].value);
        roff_text(out, rows[i].sentence);
        if (i < OPTIONS && defaults[i][0] != 0) {
            buf_put(out, SPAN("Default: "));
            roff_text(out, defaults[i]);
        }
    }
}

static void put_tail(struct buf *out) {
    roff_section(out, "SIGNALS");
    roff_text(
        out,
        "SIGTERM and SIGINT stop it once the requests that are there have ended; SIGQUIT, or a "
        "second SIGTERM, kills them. SIGHUP replaces the workers by new ones and cuts "
        "nothing.");
    roff_section(out, "EXIT STATUS");
    roff_text(out, "0 after a signal, 1 when it cannot start, 2 when an option is wrong.");
    roff_section(out, "ENVIRONMENT");
    roff_text(out,
              "Programs get the variables of the request, PATH, and what --env and --inherit name; "
              "nothing else of ours. LISTEN_FDS and LISTEN_PID tell of a socket that systemd "
              "passes. The file of --spool is in TMPDIR, or in /tmp.");
    roff_section(out, "EXAMPLES");
    roff_text(out, "Programs below a folder, as a user of their own:");
    roff_example(out, "fcgi-bridge --listen unix:/run/cgi.sock --root /srv/cgi --user www-data");
    roff_section(out, "SEE ALSO");
    roff_text(out, "outrider(1)");
}

void manual_print(FILE *to) {
    struct buf out;
    buf_init(&out, TEXT_MOST);
    put_head(&out);
    put_options(&out);
    put_tail(&out);
    print(to, &out);
}

bool manual_complete(FILE *to, const char *shell) {
    const struct complete c = {
        .program = "fcgi-bridge", .rows = rows, .n = sizeof rows / sizeof *rows};
    bool is_bash = strcmp(shell, "bash") == 0, is_zsh = strcmp(shell, "zsh") == 0;
    if (!is_bash && !is_zsh && strcmp(shell, "fish") != 0) {
        return false;
    }
    struct buf out;
    buf_init(&out, TEXT_MOST);
    (is_bash ? complete_bash : is_zsh ? complete_zsh : complete_fish)(&out, &c);
    print(to, &out);
    return true;
}

void manual_version(FILE *to, bool is_verbose) {
    static const struct build_library libraries[] = {{"fcgi", NULL}};
    fprintf(to, "fcgi-bridge %s\n", build_version());
    if (is_verbose) {
        struct buf out;
        buf_init(&out, TEXT_MOST);
        build_describe(&out, libraries, sizeof libraries / sizeof *libraries);
        print(to, &out);
    }
}
