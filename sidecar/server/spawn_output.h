// SPDX-License-Identifier: MIT
// What a program writes to its standard output and error, cut into lines for the log: long lines
// are cut short, and only so many a second are let through. A program that floods must not fill
// the disk, and may not be stopped from writing either, since it would stand still.
#ifndef SERVER_SPAWN_OUTPUT_H
#define SERVER_SPAWN_OUTPUT_H

#include "base/span.h"
#include "base/step.h"

#define SPAWN_LINE_MOST 1024 // bytes of a line; the rest of a longer one is dropped
#define SPAWN_LINES_MOST 50  // of a program, in a second

struct spawn_output {
    struct span bytes; // fed and not yet read
    size_t n;          // of line
    bool is_cut;       // the line that was given last is longer than what was given
    bool is_skipping;  // what is left of a line that was cut
    bool was_given;    // line is the caller's until the next call
    uint8_t line[SPAWN_LINE_MOST];
};

struct spawn_quota {
    uint64_t since_ms;
    unsigned lines, dropped;
};

// No line is begun.
void spawn_output_init(struct spawn_output *o);
// Borrows the bytes until next gives STEP_MORE.
void spawn_output_feed(struct spawn_output *o, struct span bytes);
// STEP_ITEM with a line that is not empty, without its end, borrowed until the next call; or
// STEP_MORE.
enum step spawn_output_next(struct spawn_output *o, struct span *line);
// Nothing will follow: the same for a line without end.
enum step spawn_output_last(struct spawn_output *o, struct span *line);

// Zeroed at first. Whether one more line may be logged. *dropped: how many were not, before this
// one, and are to be told now; else 0.
bool spawn_quota_take(struct spawn_quota *q, uint64_t now_ms, unsigned *dropped);

#endif
