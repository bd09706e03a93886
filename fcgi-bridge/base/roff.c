// SPDX-License-Identifier: MIT
#include "base/roff.h"

#include "base/build.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void put(struct buf *out, const char *text) {
    buf_put(out, span_str(text));
}

// A "-" is a hyphen to roff, a "\" begins an escape, and so do a "." or "'" at the start of a line.
// Within an argument of a macro (has_quotes) a quote is doubled.
static void put_plain(struct buf *out, const char *text, bool has_quotes) {
    bool is_start = true;
    for (; *text != 0; text++) {
        const char *escape = *text == '-'                 ? "\\-"
                             : *text == '\\'              ? "\\e"
                             : *text == '"' && has_quotes ? "\\(dq"
                             : is_start && *text == '.'   ? "\\&."
                             : is_start && *text == '\''  ? "\\&'"
                                                          : NULL;
        buf_put(out, escape != NULL ? span_str(escape) : span_of(text, 1));
        is_start = *text == '\n';
    }
}

static void macro(struct buf *out, const char *name, const char *argument) {
    put(out, name);
    put(out, " \"");
    put_plain(out, argument, true);
    put(out, "\"\n");
}

void roff_head(struct buf *out, const char *name, int section, const char *sentence) {
    char number[16];
    snprintf(number, sizeof number, "\" %d \"", section);
    put(out, ".TH \"");
    for (const char *p = name; *p != 0; p++) {
        char upper[2] = {(char)toupper((unsigned char)*p), 0};
        put_plain(out, upper, true);
    }
    put(out, number);
    put(out, build_date());
    put(out, "\" \"Outrider ");
    put_plain(out, build_version(), true);
    put(out, "\"\n");
    roff_section(out, "NAME");
    put_plain(out, name, false);
    put(out, " \\- ");
    put_plain(out, sentence, false);
    put(out, "\n");
}

void roff_section(struct buf *out, const char *title) {
    macro(out, ".SH", title);
}

void roff_subsection(struct buf *out, const char *title) {
    macro(out, ".SS", title);
}

void roff_paragraph(struct buf *out, const char *text) {
    put(out, ".PP\n");
    roff_text(out, text);
}

// .BI sets its arguments in bold and italics by turns, without a space between them.
void roff_item(struct buf *out, const char *name, const char *argument) {
    put(out, ".TP\n.BI \"");
    put_plain(out, name, true);
    put(out, name[0] != 0 && argument[0] != 0 ? " \" \"" : "\" \"");
    put_plain(out, argument, true);
    put(out, "\"\n");
}

void roff_text(struct buf *out, const char *text) {
    put_plain(out, text, false);
    put(out, "\n");
}

void roff_example(struct buf *out, const char *text) {
    put(out, ".EX\n");
    put_plain(out, text, false);
    put(out, "\n.EE\n");
}
