// SPDX-License-Identifier: MIT
#include "exchange/expression.h"

#include "base/error.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>

#define STEPS_MOST 20000u               // of one search: about a millisecond
#define DEPTH_MOST 500u                 // of nested ways back
#define HEAP_MOST 64u                   // KiB
#define MEMORY_MOST ((size_t)256 << 10) // bytes of one search, what has grown counted anew

struct expression {
    pcre2_code *code;
};

static void *take(size_t n, void *arena) {
    return arena_alloc(arena, n);
}

// The arena is freed as a whole.
static void give_back(void *p, void *arena) {
    (void)p;
    (void)arena;
}

static pcre2_general_context *context_of(struct arena *a) {
    return pcre2_general_context_create(take, give_back, a);
}

const struct expression *expression_new(struct span text, struct arena *a,
                                        char why[EXPRESSION_WHY_LEN]) {
    pcre2_general_context *general = context_of(a);
    pcre2_compile_context *context = general ? pcre2_compile_context_create(general) : NULL;
    struct expression *e = arena_alloc(a, sizeof *e);
    int error = 0;
    PCRE2_SIZE at = 0;
    snprintf(why, EXPRESSION_WHY_LEN, "there is no memory for it");
    if (context == NULL || e == NULL) {
        return NULL;
    }
    e->code = pcre2_compile(text.p, text.n,
                            PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF |
                                PCRE2_NEVER_BACKSLASH_C,
                            &error, &at, context);
    if (e->code == NULL) {
        PCRE2_UCHAR words[EXPRESSION_WHY_LEN - 40];
        pcre2_get_error_message(error, words, sizeof words);
        snprintf(why, EXPRESSION_WHY_LEN, "%s, at character %zu", (const char *)words, at + 1);
        return NULL;
    }
    uint32_t caught = 0;
    pcre2_pattern_info(e->code, PCRE2_INFO_CAPTURECOUNT, &caught);
    if (caught >= EXPRESSION_PARTS) {
        snprintf(why, EXPRESSION_WHY_LEN,
                 "it has more than %d parentheses; (?:...) is one that catches nothing",
                 EXPRESSION_PARTS - 1);
        return NULL;
    }
    return e;
}

static size_t put_parts(pcre2_match_data *data, int found, struct span path,
                        struct span parts[EXPRESSION_PARTS]) {
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(data);
    size_t n = 0;
    for (; n < (size_t)found && n < EXPRESSION_PARTS; n++) {
        bool is_caught = ends[2 * n] != PCRE2_UNSET && ends[2 * n + 1] >= ends[2 * n];
        parts[n] =
            is_caught ? span_of(path.p + ends[2 * n], ends[2 * n + 1] - ends[2 * n]) : SPAN("");
    }
    return n;
}

static int find(const struct expression *e, struct span path, struct arena *a,
                struct span parts[EXPRESSION_PARTS], size_t *n) {
    pcre2_general_context *general = context_of(a);
    pcre2_match_context *context = general ? pcre2_match_context_create(general) : NULL;
    pcre2_match_data *data = general ? pcre2_match_data_create(EXPRESSION_PARTS, general) : NULL;
    if (context == NULL || data == NULL) {
        return ERR_ROUTE_LIMIT;
    }
    pcre2_set_match_limit(context, STEPS_MOST);
    pcre2_set_depth_limit(context, DEPTH_MOST);
    pcre2_set_heap_limit(context, HEAP_MOST);
    int found = pcre2_match(e->code, path.p, path.n, 0, 0, data, context);
    if (found < 0) {
        return found == PCRE2_ERROR_NOMATCH ? 0 : ERR_ROUTE_LIMIT;
    }
    *n = put_parts(data, found, path, parts);
    return 1;
}

int expression_find(const struct expression *e, struct span path,
                    struct span parts[EXPRESSION_PARTS], size_t *n) {
    struct arena a; // that of a request would keep the memory until its end
    *n = 0;
    arena_init(&a, MEMORY_MOST);
    int found = find(e, path, &a, parts, n);
    arena_fini(&a);
    return found;
}
