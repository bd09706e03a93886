// SPDX-License-Identifier: MIT
#include "gateway/encoders.h"

void encoders_init(struct encoders *es, unsigned most) {
    *es = (struct encoders){.most = most};
}

void encoders_fini(struct encoders *es) {
    while (es->idle_n > 0) {
        encoder_free(es->idle[--es->idle_n]);
    }
}

static struct encoder *find_idle(struct encoders *es, enum coding_kind kind, int level) {
    for (unsigned i = es->idle_n; i-- > 0;) {
        struct encoder *e = es->idle[i];
        if (encoder_kind(e) == kind && encoder_level(e) == level) {
            es->idle[i] = es->idle[--es->idle_n];
            return e;
        }
    }
    return NULL;
}

struct encoder *encoders_take(struct encoders *es, enum coding_kind kind, int level) {
    if (es->given == es->most) {
        return NULL;
    }
    struct encoder *e = find_idle(es, kind, level);
    e = e != NULL ? e : encoder_new(kind, level);
    es->given += e != NULL;
    return e;
}

void encoders_give_back(struct encoders *es, struct encoder *e) {
    es->given--;
    if (!encoder_reset(e)) {
        encoder_free(e);
        return;
    }
    if (es->idle_n == ENCODERS_IDLE) { // the oldest makes room: sites may have other levels now
        encoder_free(es->idle[0]);
        memmove(es->idle, es->idle + 1, (ENCODERS_IDLE - 1) * sizeof es->idle[0]);
        es->idle_n--;
    }
    es->idle[es->idle_n++] = e;
}
