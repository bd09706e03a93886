// SPDX-License-Identifier: MIT
#include "exchange/capture.h"

#include "base/message.h"
#include "exchange/observer.h"

#include <stdlib.h>

static struct capture *take(struct observer *t) {
    struct capture *s = t->spare;
    if (s != NULL) {
        t->spare = s->next;
    } else if (t->captures == OBSERVER_CAPTURES) {
        t->refused++;
        return NULL;
    } else if ((s = malloc(sizeof *s)) == NULL) {
        abort();
    } else {
        t->captures++;
    }
    s->reader = NULL;
    return s;
}

struct capture *capture_open(struct observer *t, uint64_t network) {
    if (!quota_borrow(&t->held, network)) {
        t->refused++;
        return NULL;
    }
    struct capture *s = take(t);
    if (s == NULL) {
        quota_return(&t->held, network);
        return NULL;
    }
    s->network = network;
    return s;
}

void capture_drop(struct capture *s, struct observer *t) {
    if (s != NULL) {
        body_reader_free(s->reader);
        quota_return(&t->held, s->network);
        s->next = t->spare;
        t->spare = s;
    }
}

struct span capture_end(struct capture *s, struct observer *t) {
    bool is_bad = s->reader != NULL && body_reader_is_bad(s->reader);
    size_t n = evidence_end(&s->writer);
    if (!is_bad) {
        memcpy(t->bytes, s->bytes, n);
    }
    capture_drop(s, t);
    return span_of(t->bytes, is_bad ? 0 : n);
}

bool capture_scan(struct capture *s, struct observer *t, const struct response *response,
                  enum body_reader_kind kind) {
    const struct span *coding = pairs_find(&response->fields, SPAN("content-encoding"));
    struct body_reader_conf conf = {.kind = kind, .writer = &s->writer};
    uint64_t refused = t->readers.refused;
    if (coding != NULL) {
        conf.content_encoding = *coding;
    }
    s->reader = body_reader_new(&t->readers, &conf);
    return t->readers.refused == refused;
}

void capture_free_all(struct observer *t) {
    while (t->spare != NULL) {
        struct capture *s = t->spare;
        t->spare = s->next;
        free(s);
    }
}
