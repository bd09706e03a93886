// SPDX-License-Identifier: MIT
// Regular expressions over paths, of the operator's (PCRE2), with what their parentheses catch.
// They are searched in the decoded path, byte by byte: "." stands for any byte, a line feed too,
// and
// "$" for the very end, so that no encoded byte slips past a rule. A client chooses the path, so
// the work of one search is bounded; what does not end within it is an error and no "no".
// Expressions are interpreted: nothing needs memory that can be written and executed.
#ifndef EXCHANGE_EXPRESSION_H
#define EXCHANGE_EXPRESSION_H

#include "base/arena.h"

#define EXPRESSION_WHY_LEN 200 // bytes of an error text, its zero included
#define EXPRESSION_PARTS 10    // the whole of what matched, and nine parentheses

struct expression; // lives in the arena that it was made in

// NULL with words for the operator in `why` when the text is none.
const struct expression *expression_new(struct span text, struct arena *a,
                                        char why[EXPRESSION_WHY_LEN]);
// Searches the path. 1 and parts[0, *n), which borrow from it, where the expression is found; 0
// where it is not; ERR_ROUTE_LIMIT when the search takes too long, or too much memory. What caught
// nothing is empty.
int expression_find(const struct expression *e, struct span path,
                    struct span parts[EXPRESSION_PARTS], size_t *n);

#endif
