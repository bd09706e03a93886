// SPDX-License-Identifier: MIT
#include "exchange/study.h"

#include "exchange/exchange.h"
#include "exchange/teaching_inside.h"

#include <stdlib.h>

static struct study *take(struct teaching *t) {
    struct study *s = t->spare;
    if (s != NULL) {
        t->spare = s->next;
    } else if (t->studies == TEACHING_STUDIES) {
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

bool study_open(struct exchange *x) {
    struct teaching *t = x->conf->teaching;
    uint64_t network = teaching_network(x);
    if (!share_borrow(&t->held, network)) {
        t->refused++;
        return false;
    }
    x->study = take(t);
    if (x->study == NULL) {
        share_return(&t->held, network);
        return false;
    }
    x->study->network = network;
    return true;
}

void study_drop(struct exchange *x) {
    struct teaching *t = x->conf->teaching;
    if (x->study != NULL) {
        lesson_free(x->study->lesson);
        share_return(&t->held, x->study->network);
        x->study->next = t->spare;
        t->spare = x->study;
        x->study = NULL;
    }
}

void study_end(struct exchange *x) {
    struct teaching *t = x->conf->teaching;
    bool is_bad = x->study->lesson != NULL && lesson_is_bad(x->study->lesson);
    size_t n = evidence_end(&x->study->writer);
    if (!is_bad) {
        memcpy(t->bytes, x->study->bytes, n);
        teaching_tell(x, span_of(t->bytes, n));
    }
    study_drop(x);
}

bool study_scan(struct exchange *x, const struct response *response, enum lesson_kind kind) {
    struct teaching *t = x->conf->teaching;
    const struct span *coding = pairs_find(&response->fields, SPAN("content-encoding"));
    struct lesson_conf conf = {.kind = kind, .writer = &x->study->writer};
    uint64_t refused = t->lessons.refused;
    if (coding != NULL) {
        conf.content_encoding = *coding;
    }
    x->study->lesson = lesson_new(&t->lessons, &conf);
    return t->lessons.refused == refused;
}

void study_free_all(struct teaching *t) {
    while (t->spare != NULL) {
        struct study *s = t->spare;
        t->spare = s->next;
        free(s);
    }
}
