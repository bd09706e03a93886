// SPDX-License-Identifier: MIT
// What a pull returns. Every engine is driven by `while (x_next(x, &item) == STEP_ITEM)`.
#ifndef BASE_STEP_H
#define BASE_STEP_H

enum step {
    STEP_ITEM, // *out is filled; call again
    STEP_MORE, // nothing now; feed more input (spans given so far are no longer borrowed)
    STEP_BAD,  // the input is broken for good; the engine says why, and only fini is left
};

#endif
