// SPDX-License-Identifier: MIT
#include "http/tls_names.h"

#include <stdlib.h>

struct tls_name {
    char *text; // lower case
    size_t number;
};

static void *must(void *p) {
    if (p == NULL) {
        abort();
    }
    return p;
}

void tls_names_fini(struct tls_names *names) {
    for (size_t i = 0; i < names->n; i++) {
        free(names->v[i].text);
    }
    free(names->v);
    *names = (struct tls_names){NULL, 0, 0};
}

static void lower(char *to, struct span name) {
    for (size_t i = 0; i < name.n; i++) {
        to[i] = (char)span_lower_byte(name.p[i]);
    }
    to[name.n] = 0;
}

void tls_names_put(struct tls_names *names, struct span name, size_t number) {
    if (name.n == 0 || name.n > TLS_NAME_MOST || span_index(name, 0) < name.n) {
        return;
    }
    if (names->n == names->cap) {
        names->cap = names->cap ? names->cap * 2 : 16;
        names->v = must(realloc(names->v, names->cap * sizeof *names->v));
    }
    char *text = must(malloc(name.n + 1));
    lower(text, name);
    names->v[names->n++] = (struct tls_name){text, number};
}

static int by_name(const void *a, const void *b) {
    const struct tls_name *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

void tls_names_sort(struct tls_names *names) {
    size_t kept = 0;
    if (names->n > 0) {
        qsort(names->v, names->n, sizeof *names->v, by_name);
    }
    for (size_t i = 0; i < names->n; i++) {
        if (kept > 0 && strcmp(names->v[kept - 1].text, names->v[i].text) == 0) {
            free(names->v[i].text);
        } else {
            names->v[kept++] = names->v[i];
        }
    }
    names->n = kept;
}

static int against(const void *key, const void *element) {
    return strcmp(key, ((const struct tls_name *)element)->text);
}

static const struct tls_name *look_up(const struct tls_names *names, const char *text) {
    return names->n == 0 ? NULL : bsearch(text, names->v, names->n, sizeof *names->v, against);
}

size_t tls_names_find(const struct tls_names *names, struct span name) {
    char text[TLS_NAME_MOST + 1];
    if (name.n == 0 || name.n > TLS_NAME_MOST) {
        return TLS_NAMES_NONE;
    }
    lower(text, name);
    const struct tls_name *found = look_up(names, text);
    size_t dot = span_index(name, '.');
    if (found == NULL && dot > 0 && dot < name.n) {
        text[dot - 1] = '*';
        found = look_up(names, text + dot - 1);
    }
    return found == NULL ? TLS_NAMES_NONE : found->number;
}

struct span tls_names_at(const struct tls_names *names, size_t i, size_t *number) {
    *number = names->v[i].number;
    return span_str(names->v[i].text);
}
