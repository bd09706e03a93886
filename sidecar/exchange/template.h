// SPDX-License-Identifier: MIT
// Text of the operator's with variables between braces, and what it becomes for a request:
//
//     template = *( byte / "{{" / "{" ( DIGIT / name ) "}" )    ; names: template_variable.def
//
// "{{" is a brace. What a client wrote comes in by variables only, and leaves as the place demands:
// in a URL its bytes are percent-encoded, so that no line can end and no part begin there.
#ifndef EXCHANGE_TEMPLATE_H
#define EXCHANGE_TEMPLATE_H

#include "base/arena.h"

#define TEMPLATE_CAPTURES 10 // {0} to {9}

// A text, and then a variable.
struct template_part {
    struct span text;
    unsigned variable; // of template_variable.def; from TEMPLATE_VARIABLES on a capture; or
                       // TEMPLATE_NOTHING
};

struct template {
    const struct template_part *parts;
    size_t n;
};

enum template_variable {
#define TEMPLATE_VARIABLE(id, name, sentence) TEMPLATE_##id,
#include "exchange/template_variable.def"
#undef TEMPLATE_VARIABLE
    TEMPLATE_VARIABLES,
    TEMPLATE_NOTHING = TEMPLATE_VARIABLES + TEMPLATE_CAPTURES,
};

// What the variables stand for. All decoded but for the query.
struct template_values {
    struct span variables[TEMPLATE_VARIABLES];
    struct span captures[TEMPLATE_CAPTURES];
    size_t captures_n; // the others are empty
};

enum template_place {
    TEMPLATE_IN_NAME,  // of a file, or a path that is decoded: as it is
    TEMPLATE_IN_PATH,  // of a URL: what may not stand there is encoded
    TEMPLATE_IN_QUERY, // of a URL: so is what ends or divides a value; {query} is several values
};

// Cuts the text into parts, which live in the arena and borrow from it. False with words for the
// operator in *why.
bool template_parse(struct template *t, struct span text, struct arena *a, const char **why);
// The text for one request, zero-terminated. p is NULL when the budget of the arena is spent.
struct span template_expand(const struct template *t, const struct template_values *values,
                            enum template_place place, struct arena *a);

#endif
