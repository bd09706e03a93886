// SPDX-License-Identifier: MIT
#include "http/h2_stream.h"

#define GOOD_PER_SECOND 10 // what a second makes good
#define GOOD_PER_REQUEST 2 // glitches that a request makes good
#define ANSWERS_PER_DATA                                                                           \
    10 // WINDOW_UPDATE, RST_STREAM that a DATA frame of ours may be answered with
#define ANSWERS_BANKED 200 // how many of them are remembered

// On a connection that many clients share one of them ends none of the others' requests: what is
// done to a stream is between the front and that client, and the caller counts its requests. What
// concerns the whole connection the front does itself.
static bool is_of_one_client(const struct h2 *h, int32_t stream) {
    return h->is_shared && stream != 0;
}

// A level may fall below zero by as much as it may rise: a client that has behaved may burst.
static void fall(struct h2_level *l, int64_t by, uint32_t limit) {
    int64_t level = l->level - by;
    int64_t floor = -(int64_t)limit;
    l->level = (int32_t)(level < floor ? floor : level);
}

static bool rises_above(struct h2_level *l, uint32_t limit, int64_t now) {
    int64_t seconds = now - l->at;
    if (seconds > 0 && l->level > 0) {
        int64_t by = seconds > INT16_MAX ? l->level : seconds * GOOD_PER_SECOND;
        l->level = (int32_t)(by < l->level ? l->level - by : 0);
    }
    l->at = now;
    l->level++;
    return l->level > (int64_t)limit;
}

static int calm(struct h2 *h) {
    return h2_fail(h, ERR_H2_ABUSE, NGHTTP2_ENHANCE_YOUR_CALM);
}

// The library tells of some faults when they arrive, of the others only by the RST_STREAM that it
// sends for them; of most by both. So two counters, and the larger one counts.
int h2_abuse_fault(struct h2 *h, uint32_t *count) {
    (*count)++;
    return *count > h->conf->faults && !h->is_shared ? calm(h) : 0;
}

int h2_abuse_reset(struct h2 *h) {
    if (h->is_shared) {
        return 0;
    }
    return rises_above(&h->resets, h->conf->resets, *h->conf->unix_time) ? calm(h) : 0;
}

int h2_abuse_glitch(struct h2 *h, int32_t stream) {
    if (is_of_one_client(h, stream)) {
        return 0;
    }
    return rises_above(&h->glitches, h->conf->glitches, *h->conf->unix_time) ? calm(h) : 0;
}

int h2_abuse_answer(struct h2 *h, int32_t stream) {
    if (h->answer_credit > 0) {
        h->answer_credit--;
        return 0;
    }
    return h2_abuse_glitch(h, stream);
}

void h2_abuse_praise_request(struct h2 *h) {
    fall(&h->glitches, GOOD_PER_REQUEST, h->conf->glitches);
}

void h2_abuse_praise_answer(struct h2 *h) {
    fall(&h->resets, 1, h->conf->resets);
}

void h2_abuse_praise_data(struct h2 *h) {
    if (h->answer_credit < ANSWERS_BANKED) {
        h->answer_credit += ANSWERS_PER_DATA;
    }
}

int h2_abuse_outbound(struct h2 *h) {
    return nghttp2_session_get_outbound_queue_size(h->session) > h->conf->outbound ? calm(h) : 0;
}
