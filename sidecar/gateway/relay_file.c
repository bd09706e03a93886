// SPDX-License-Identifier: MIT
#include "gateway/relay_file.h"

#include "base/error.h"
#include "gateway/file_parts.h"
#include "gateway/files_age.h"
#include "gateway/files_type.h"
#include "gateway/relay_body.h"

void relay_file_more(struct relay *r) {
    struct span piece;
    if (!r->has_file) {
        return;
    }
    // Of what there is room for now: a front that drops what it is given always has more.
    size_t room = relay_body_room(r);
    if (r->encoder != NULL && room > RELAY_PACKED) {
        room = RELAY_PACKED;
    }
    while (room > 0 && r->has_file && r->stream != NULL && exchange_is_answering(&r->exchange)) {
        size_t most = room < RELAY_PIECE ? room : RELAY_PIECE;
        bool is_good = r->conf->files->next(r->conf->files_self, &r->file, most, &piece);
        if (is_good && piece.n == 0) {
            file_parts_next(&r->file, &piece);
        }
        room -= !is_good ? 0 : piece.n < room ? piece.n : room;
        struct exchange_event e = {.kind = EXCHANGE_BODY, .body = piece};
        if (!is_good) {
            e = (struct exchange_event){.kind = EXCHANGE_FAILED, .error = ERR_FILE_IO};
        } else if (piece.n == 0) {
            e.kind = EXCHANGE_END;
        }
        if (e.kind != EXCHANGE_BODY) {
            r->conf->files->close(r->conf->files_self, &r->file);
            r->has_file = false;
        }
        relay_put(r, &e);
    }
    // What was packed may be so little that no FRONT_ROOM follows: others have their turn first.
    if (r->encoder != NULL && r->has_file && relay_body_room(r) > 0) {
        r->conf->ops->go_on_later(r);
    }
}

static int open_file(struct relay *r, struct span path, const struct request *request) {
    struct arena *arena = &r->stream->arena;
    int err = r->conf->files->open(r->conf->files_self, &r->file, path, request, arena);
    return err == 0 ? files_type_put(&r->file, exchange_site(&r->exchange), arena) : err;
}

// Tells the exchange the file's head, or what is in its way.
static void tell_head(struct relay *r, int err) {
    if (err == 0 && r->file.ranges != NULL) {
        err = file_parts_put(&r->file, r->file.ranges, r->conf->secret, &r->stream->arena);
    }
    struct exchange_event e = {.kind = EXCHANGE_HEAD, .response = &r->file.head};
    if (err != 0) {
        r->conf->files->close(r->conf->files_self, &r->file);
        e = (struct exchange_event){.kind = EXCHANGE_FAILED, .error = err, .file_len = r->file.len};
    }
    r->has_file = err == 0;
    exchange_put(&r->exchange, &e);
}

void relay_file_open(struct relay *r, struct span path) {
    int err = open_file(r, path, &r->stream->request);
    if (err == 0) {
        err = files_age_put(&r->file, exchange_site(&r->exchange), &r->stream->request, path,
                            &r->stream->arena);
    }
    tell_head(r, err);
}

void relay_file_send(struct relay *r, const struct exchange_command *c) {
    const char *why = c->sendfile->why;
    int err = c->error;
    relay_drop_backend(r);
    if (r->stream == NULL) {
        return;
    }
    r->file = (struct file_response){.file = NULL};
    if (err == 0) {
        err = open_file(r, c->sendfile->route.file, &c->sendfile->request);
        why = err != 0 ? error_row(err)->text : NULL;
    }
    if (err == 0) {
        err = sendfile_join(c->response, &r->stream->arena, &r->file.head);
    }
    if (err != 0) {
        relay_count_error(r, err);
        relay_log(r, RELAY_WARN, "the file that the application names", why);
    }
    tell_head(r, err);
}
