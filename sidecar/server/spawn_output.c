// SPDX-License-Identifier: MIT
#include "server/spawn_output.h"

#define QUOTA_MS 1000

void spawn_output_init(struct spawn_output *o) {
    o->bytes = span_of(NULL, 0);
    o->n = 0;
    o->is_cut = o->is_skipping = o->was_given = false;
}

void spawn_output_feed(struct spawn_output *o, struct span bytes) {
    o->bytes = bytes;
}

static enum step give(struct spawn_output *o, struct span *line, bool is_cut) {
    *line = span_of(o->line, o->n);
    o->was_given = true;
    o->is_cut = o->is_skipping = is_cut;
    return STEP_ITEM;
}

// Moves what belongs to the line that is begun. True when its end was there.
static bool take_line(struct spawn_output *o) {
    size_t end = span_index(o->bytes, '\n');
    size_t room = sizeof o->line - o->n, n = end < room ? end : room;
    bool has_end = end < o->bytes.n;
    if (n > 0 && !o->is_skipping) {
        memcpy(o->line + o->n, o->bytes.p, n);
        o->n += n;
    }
    if (n < end && !o->is_skipping) {
        // Longer than a line may be: what follows is skipped when this has been given.
        o->bytes = span_skip(o->bytes, n);
        return false;
    }
    o->bytes = span_skip(o->bytes, has_end ? end + 1 : end);
    return has_end;
}

enum step spawn_output_next(struct spawn_output *o, struct span *line) {
    if (o->was_given) {
        o->was_given = false;
        o->n = 0;
    }
    while (o->bytes.n > 0) {
        bool has_end = take_line(o), was_skipping = o->is_skipping;
        if (has_end && was_skipping) {
            o->is_skipping = false;
        } else if (has_end) {
            // Some programs end their lines with both.
            o->n -= o->n > 0 && o->line[o->n - 1] == '\r';
            if (o->n > 0) {
                return give(o, line, false);
            }
        } else if (!has_end && o->bytes.n > 0) {
            return give(o, line, true);
        }
    }
    return STEP_MORE;
}

enum step spawn_output_last(struct spawn_output *o, struct span *line) {
    enum step step = spawn_output_next(o, line);
    return step == STEP_MORE && o->n > 0 ? give(o, line, false) : step;
}

bool spawn_quota_take(struct spawn_quota *q, uint64_t now_ms, unsigned *dropped) {
    *dropped = 0;
    if (q->lines == 0 || now_ms - q->since_ms >= QUOTA_MS) {
        *dropped = q->dropped;
        *q = (struct spawn_quota){.since_ms = now_ms};
    }
    if (q->lines >= SPAWN_LINES_MOST) {
        q->dropped++;
        return false;
    }
    q->lines++;
    return true;
}
