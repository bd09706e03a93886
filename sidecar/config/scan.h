// SPDX-License-Identifier: MIT
// The words and marks of a configuration's text, with their lines. libconfuse reads the values;
// this scanner goes before it, says what is broken with a line (libconfuse loses its place in a
// string that is not closed, even for the next file), and lets outline.h know where everything
// stands.
//
//     word   = 1*( ALPHA / DIGIT / "-" / "_" / "." / ":" / "/" / "%" )   ; no "//", no "/*"
//            / <"> *( char / "\" ( <"> / "\" / "$" ) / "${" name "}" ) <">
//            / "'" *( char / "\" ( "'" / "\" ) ) "'"
//     mark   = "{" / "}" / "=" / "+=" / ","
//     comment = ( "#" / "//" ) *char LF / "/*" *( char / LF ) "*/"
#ifndef CONFIG_SCAN_H
#define CONFIG_SCAN_H

#include "base/span.h"
#include "base/step.h"

#define SCAN_WORD 'w' // the mark of a token that is a word

struct scan {
    struct span text;
    size_t at;
    unsigned line;
    const char *why; // after STEP_BAD: words for the operator, about `line`
};

struct scan_token {
    char mark;        // '{', '}', '=', '+' for "+=", ',' or SCAN_WORD
    struct span text; // as it stands there, with its quotes
    unsigned line;
};

// Borrows text.
void scan_init(struct scan *s, struct span text);
// STEP_ITEM with a token, STEP_MORE at the end of the text, STEP_BAD.
enum step scan_next(struct scan *s, struct scan_token *out);

#endif
