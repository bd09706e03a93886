// SPDX-License-Identifier: MIT
#include "gateway/relay_encode.h"

#include "base/error.h"
#include "gateway/compression.h"
#include "gateway/relay_body.h"

#define OUTPUT_LEN (16u << 10) // bytes that are taken out at a time

// False when there are as many already as may be: then it goes as it is.
static bool take_encoder(struct relay *r, enum coding_kind kind) {
    const struct site *site = exchange_site(&r->exchange);
    r->encoder = encoders_take(r->conf->encoders, kind, compression_level(site, kind));
    bool is_there = r->encoder != NULL;
    metrics_add(r->conf->metrics, is_there ? METRIC_SLOT_COMPRESSED : METRIC_SLOT_COMPRESS_REFUSED,
                1);
    return is_there;
}

const struct response *relay_encode_head(struct relay *r, const struct exchange_command *c,
                                         struct response *room) {
    const struct site *site = exchange_site(&r->exchange);
    const struct request *request = &r->stream->request;
    if (site == NULL || site->compress.mode == SITE_COMPRESS_OFF) {
        return c->response;
    }
    struct compression_question q = {.site = site,
                                     .rule = exchange_rule(&r->exchange),
                                     .request = request,
                                     .response = c->response,
                                     .is_file = r->has_file,
                                     .type = r->has_file ? r->file.type : span_of(NULL, 0),
                                     .len = r->has_file ? r->file.len : 0};
    struct compression answer = compression_of(&q);
    bool has_body =
        !c->end && c->response->status != 304 && !span_eq(request->method, SPAN("HEAD"));
    bool is_empty = c->end && !span_eq(request->method, SPAN("HEAD"));
    if (answer.coding != CODING_IDENTITY &&
        (is_empty || (has_body && !take_encoder(r, answer.coding)))) {
        answer.coding = CODING_IDENTITY;
    }
    if (!answer.varies) {
        return c->response;
    }
    return compression_head(&answer, c->response, &r->stream->arena, room) == 0 ? room : NULL;
}

void relay_encode_drop(struct relay *r) {
    if (r->encoder != NULL) {
        encoders_give_back(r->conf->encoders, r->encoder);
        r->encoder = NULL;
    }
}

// What is ready goes to the front.
static void pass(struct relay *r) {
    uint8_t buffer[OUTPUT_LEN];
    struct span piece;
    enum step step;
    while ((step = encoder_next(r->encoder, buffer, sizeof buffer, &piece)) == STEP_ITEM) {
        metrics_add(r->conf->metrics, METRIC_SLOT_COMPRESSED_OUT, piece.n);
        relay_body_keep(r, piece);
    }
    if (step == STEP_BAD) {
        relay_count_error(r, ERR_BUF_LIMIT);
        front_reset(r->down->front, r->stream, ERR_BUF_LIMIT);
        relay_encode_drop(r);
    }
}

void relay_encode_body(struct relay *r, struct span body) {
    if (r->encoder == NULL) {
        relay_body_keep(r, body);
        return;
    }
    metrics_add(r->conf->metrics, METRIC_SLOT_COMPRESSED_IN, body.n);
    encoder_feed(r->encoder, body);
    pass(r);
    if (r->has_call) {
        r->conf->ops->go_on_later(r);
    }
}

void relay_encode_end(struct relay *r) {
    if (r->encoder != NULL) {
        encoder_end(r->encoder);
        pass(r);
        relay_encode_drop(r);
    }
}

void relay_encode_flush(struct relay *r) {
    if (r->encoder != NULL && r->has_call) {
        encoder_flush(r->encoder);
        pass(r);
        downstream_wants_flush(r->down);
    }
}
