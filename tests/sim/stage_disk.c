// SPDX-License-Identifier: MIT
#include "sim/stage.h"

#include "base/error.h"

#include <stdlib.h>

#define FILES_MOST 64
#define LIMIT (64u << 20)

// ---- static files -------------------------------------------------------------------------------

// All have the same content; what is there is stage_site's to say.
static int open_file(void *self, struct file_response *r, struct span path,
                     const struct request *request, struct arena *arena) {
    static struct pair type[] = {{SPAN_INIT("content-type"), SPAN_INIT("text/css")}};
    struct stage *s = self;
    struct file_info info;
    (void)request;
    (void)arena;
    *r = (struct file_response){.file = NULL};
    if (s->files.find(s, path, &info) != FILE_REGULAR) {
        return ERR_NOT_FOUND;
    }
    r->to = info.len;
    r->head = (struct response){.status = 200, .fields = {type, 1, 1}};
    return 0;
}

static bool next_piece(void *self, struct file_response *r, size_t most, struct span *piece) {
    const struct relay *relay = LIST_ITEM(r, struct relay, file);
    (void)self;
    *piece = span_first(span_skip(SPAN("css"), r->from), most);
    r->from += piece->n;
    buf_put(&stage_part(relay)->given, *piece);
    return true;
}

static void close_file(void *self, struct file_response *r) {
    (void)self;
    (void)r;
}

const struct file_ops stage_files = {.open = open_file, .next = next_piece, .close = close_file};

// ---- temporary files ----------------------------------------------------------------------------

static struct buf temporary[FILES_MOST]; // of the one stage there is; limit 0: not open

static int open_spool(void *self) {
    struct stage *s = self;
    for (int i = 0; i < FILES_MOST; i++) {
        if (temporary[i].limit == 0) {
            buf_init(&temporary[i], LIMIT);
            s->spools++;
            return i;
        }
    }
    return -1;
}

static size_t write_spool(void *self, int file, struct span bytes, uint64_t at) {
    struct stage *s = self;
    if (at != buf_len(&temporary[file])) {
        stage_fault(s, "a body that is not written behind what was written");
    }
    return buf_put(&temporary[file], bytes) == 0 ? bytes.n : 0;
}

static size_t read_spool(void *self, int file, uint8_t *to, size_t n, uint64_t at) {
    struct span piece = span_first(span_skip(buf_span(&temporary[file]), at), n);
    (void)self;
    memcpy(to, piece.p, piece.n);
    return piece.n;
}

static bool clear_spool(void *self, int file) {
    (void)self;
    buf_take(&temporary[file], buf_len(&temporary[file]));
    return true;
}

static void close_spool(void *self, int file) {
    struct stage *s = self;
    buf_fini(&temporary[file]);
    temporary[file].limit = 0;
    s->spools--;
}

const struct spool_ops stage_spools = {.open = open_spool,
                                       .write = write_spool,
                                       .read = read_spool,
                                       .clear = clear_spool,
                                       .close = close_spool};
