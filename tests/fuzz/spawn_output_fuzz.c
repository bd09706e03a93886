// SPDX-License-Identifier: MIT
// Lines of a program's output: the same wherever the pipe cuts it, never longer than they may be,
// never with a line's end inside. The first two bytes say where to cut.
#include "server/spawn_output.h"

#include "support/split.h"

#include <stdlib.h>

static void begin(void *self) {
    spawn_output_init(self);
}

static void put(struct buf *transcript, const struct spawn_output *o, struct span line) {
    if (line.n == 0 || line.n > SPAWN_LINE_MOST || span_index(line, '\n') < line.n ||
        (o->is_cut && line.n < SPAWN_LINE_MOST)) {
        abort();
    }
    split_line(transcript, "%s:", o->is_cut ? "cut" : "line");
    split_data(transcript, "bytes", line);
}

static void piece(void *self, struct span bytes, struct buf *transcript) {
    struct spawn_output *o = self;
    struct span line;
    spawn_output_feed(o, bytes);
    while (spawn_output_next(o, &line) == STEP_ITEM) {
        put(transcript, o, line);
    }
}

static void end(void *self, struct buf *transcript) {
    struct spawn_output *o = self;
    struct span line;
    while (spawn_output_last(o, &line) == STEP_ITEM) {
        put(transcript, o, line);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct spawn_output o;
    if (size < 2) {
        return 0;
    }
    struct span input = span_of(data + 2, size - 2);
    size_t cut = (size_t)(data[0] << 8 | data[1]) % (input.n + 1);
    if (!split_same(&(struct split){begin, piece, end, &o}, input, cut)) {
        abort();
    }
    return 0;
}
