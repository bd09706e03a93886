// SPDX-License-Identifier: MIT
#include "runner/manual.h"

static const struct {
    const char *name, *argument, *initial, *text;
} rows[] = {
#define OPTION(member, name, kind, argument, initial, least, most, text)                           \
    {name, argument, initial, text},
#include "runner/options.def"
#undef OPTION
};

static const char head[] =
    ".TH FCGI-BRIDGE 8 \"\" \"Outrider " OUTRIDER_VERSION "\"\n"
    ".SH NAME\n"
    "fcgi\\-bridge \\- run CGI programs for a FastCGI client\n"
    ".SH SYNOPSIS\n"
    ".B fcgi\\-bridge\n"
    "\\-\\-listen ADDRESS \\-\\-root DIR [option ...]\n"
    ".SH DESCRIPTION\n"
    "Runs plain CGI programs (RFC 3875) for any FastCGI client: Outrider, nginx, Apache's\n"
    "mod_proxy_fcgi, lighttpd. Each request is a process of its own. Interim blocks\n"
    "(Status: 103) pass as soon as they are written.\n"
    ".PP\n"
    "The program is found by SCRIPT_FILENAME, also with Apache's proxy:fcgi:// in front; by\n"
    "DOCUMENT_ROOT and SCRIPT_NAME; or by SCRIPT_NAME below the first root. What is behind the\n"
    "program's name becomes PATH_INFO. A root may be a link that is exchanged; a program that is\n"
    "a link runs under its own name and in its own folder.\n"
    ".PP\n"
    "A program that is over a limit, or whose client goes away, is sent SIGTERM, and SIGKILL "
    "after\n"
    "the grace period, with all that descends from it. What lives on after the answer is watched\n"
    "by the limits and holds no worker.\n"
    ".PP\n"
    "What all processes of a request use together (\\-\\-memory, \\-\\-processes) is bounded by "
    "the\n"
    "kernel where the bridge has a cgroup (version 2) with these controllers, else measured, "
    "which\n"
    "a program that is quick enough gets ahead of; each for itself. In the cgroup it makes one "
    "for\n"
    "itself, bridge, and one for each worker, request\\-N; it must be the only one that runs "
    "there.\n"
    "The kernel counts the page cache that cannot be given back too, lets nothing be swapped, and\n"
    "kills all processes of a request without a grace period; a request that is refused another\n"
    "process is ended with one. Programs cannot change the bounds where the bridge was started as\n"
    "root with \\-\\-user; started as the user itself, it owns them, and so do they.\n"
    ".SH OPTIONS\n";

static const char tail[] =
    ".SH SIGNALS\n"
    "SIGTERM and SIGINT stop it once the requests that are there have ended; SIGQUIT, or a second\n"
    "SIGTERM, kills them. SIGHUP replaces the workers by new ones and cuts nothing.\n"
    ".SH EXIT STATUS\n"
    "0 after a signal, 1 when it cannot start, 2 when an option is wrong.\n"
    ".SH ENVIRONMENT\n"
    "Programs get the variables of the request, PATH, and what \\-\\-env and \\-\\-inherit name;\n"
    "nothing else of ours. LISTEN_FDS and LISTEN_PID tell of a socket that systemd passes. The\n"
    "file of \\-\\-spool is in TMPDIR, or in /tmp.\n"
    ".SH EXAMPLE\n"
    "fcgi\\-bridge \\-\\-listen unix:/run/cgi.sock \\-\\-root /srv/cgi \\-\\-user www\\-data\n";

// A "-" is a hyphen to roff, and a line may not begin with a "." or "'".
static void print_text(FILE *to, const char *text) {
    for (; *text; text++) {
        if (*text == '-' || *text == '\\') {
            fputc('\\', to);
        }
        fputc(*text, to);
    }
}

void manual_print(FILE *to) {
    fputs(head, to);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fputs(".TP\n.B \\-\\-", to);
        print_text(to, rows[i].name);
        fputc(' ', to);
        print_text(to, rows[i].argument);
        fputs("\n", to);
        print_text(to, rows[i].text);
        if (rows[i].initial[0]) {
            fputs(" Default: ", to);
            print_text(to, rows[i].initial);
            fputc('.', to);
        }
        fputc('\n', to);
    }
    fputs(tail, to);
}
