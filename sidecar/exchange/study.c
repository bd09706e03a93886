// SPDX-License-Identifier: MIT
#include "exchange/study.h"

#include "base/message.h"
#include "exchange/observer.h"

#include <stdlib.h>

static struct study *take(struct observer *t) {
    struct study *s = t->spare;
    if (s != NULL) {
        t->spare = s->next;
    } else if (t->studies == OBSERVER_STUDIES) {
        t->refused++;
        return NULL;
    } else if ((s = malloc(sizeof *s)) == NULL) {
        abort();
    } else {
        t->studies++;
    }
    s->lesson = NULL;
    return s;
}

struct study *study_open(struct observer *t, uint64_t network) {
    if (!share_borrow(&t->held, network)) {
        t->refused++;
        return NULL;
    }
    struct study *s = take(t);
    if (s == NULL) {
        share_return(&t->held, network);
        return NULL;
    }
    s->network = network;
    return s;
}

void study_drop(struct study *s, struct observer *t) {
    if (s != NULL) {
        lesson_free(s->lesson);
        share_return(&t->held, s->network);
        s->next = t->spare;
        t->spare = s;
    }
}

struct span study_end(struct study *s, struct observer *t) {
    bool is_bad = s->lesson != NULL && lesson_is_bad(s->lesson);
    size_t n = evidence_end(&s->writer);
    if (!is_bad) {
        memcpy(t->bytes, s->bytes, n);
    }
    study_drop(s, t);
    return span_of(t->bytes, is_bad ? 0 : n);
}

bool study_scan(struct study *s, struct observer *t, const struct response *response,
                enum lesson_kind kind) {
    const struct span *coding = pairs_find(&response->fields, SPAN("content-encoding"));
    struct lesson_conf conf = {.kind = kind, .writer = &s->writer};
    uint64_t refused = t->lessons.refused;
    if (coding != NULL) {
        conf.content_encoding = *coding;
    }
    s->lesson = lesson_new(&t->lessons, &conf);
    return t->lessons.refused == refused;
}

void study_free_all(struct observer *t) {
    while (t->spare != NULL) {
        struct study *s = t->spare;
        t->spare = s->next;
        free(s);
    }
}
