// SPDX-License-Identifier: MIT
#include "http/negotiation.h"

#include "http/field.h"

#define UNSAID (-1)
#define WEIGHT_MOST 1000 // thousandths

// What the fields say: a weight for each coding, and for all others.
struct wishes {
    int weights[CODING_UNKNOWN], others;
    bool has_any;
};

// qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ); in thousandths. What is none weighs
// nothing.
static int parse_weight(struct span s) {
    int value = 0, unit = WEIGHT_MOST;
    if (s.n == 0 || s.n > 5 || (s.n > 1 && s.p[1] != '.')) {
        return 0;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (i == 1) {
            continue;
        }
        if (s.p[i] < '0' || s.p[i] > '9') {
            return 0;
        }
        value += (s.p[i] - '0') * unit;
        unit /= 10;
    }
    return value <= WEIGHT_MOST ? value : 0;
}

static void read_element(struct wishes *w, struct span element) {
    struct span name, part;
    int weight = WEIGHT_MOST;
    field_next_part(&element, &name);
    while (field_next_part(&element, &part)) {
        if (span_eq_nocase(span_first(part, 2), SPAN("q="))) {
            weight = parse_weight(span_skip(part, 2));
        }
    }
    enum coding_kind kind = name.n > 0 ? coding_kind_of(name) : CODING_UNKNOWN;
    if (span_eq(name, SPAN("*"))) {
        w->others = weight;
    } else if (kind != CODING_UNKNOWN) {
        w->weights[kind] = weight;
    }
}

static void read_fields(struct wishes *w, const struct pairs *fields) {
    struct span name = SPAN("accept-encoding"), element;
    w->others = UNSAID;
    w->has_any = false;
    for (size_t i = 0; i < CODING_UNKNOWN; i++) {
        w->weights[i] = UNSAID;
    }
    for (size_t i = field_find(fields, name, 0); i < fields->n;
         i = field_find(fields, name, i + 1)) {
        for (struct span rest = fields->v[i].value; field_next_element(&rest, &element);) {
            w->has_any = true;
            read_element(w, element);
        }
    }
}

enum coding_kind negotiation_coding(const struct pairs *fields, const enum coding_kind *offered,
                                    size_t n) {
    struct wishes w;
    enum coding_kind best = CODING_IDENTITY;
    read_fields(&w, fields);
    int least = w.weights[CODING_IDENTITY] > 0 ? w.weights[CODING_IDENTITY] : 1;
    for (size_t i = 0; w.has_any && i < n; i++) {
        int own = w.weights[offered[i]];
        int weight = own != UNSAID ? own : w.others;
        if (weight >= least) {
            best = offered[i];
            least = weight + 1;
        }
    }
    return best;
}
