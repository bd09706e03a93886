// SPDX-License-Identifier: MIT
#include "learner/route_chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct span patterns[] = {SPAN_INIT("/exact"), SPAN_INIT("/product/*/reviews"),
                                       SPAN_INIT("/shop/*"), SPAN_INIT("/*.php")};

// The chain as text: "p/a p/*".
static const char *chain_of(struct span key, size_t patterns_n) {
    static char text[8192];
    struct route_chain chain;
    struct span next;
    size_t n = 0;
    text[0] = 0;
    route_chain_init(&chain, key, patterns, patterns_n);
    while (route_chain_next(&chain, &next)) {
        assert_true(route_key_is_valid(next));
        assert_true(span_eq(route_key_site(next), SPAN("s")));
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%c", n ? " " : "",
                              route_key_is_session(next) ? 's' : 'p');
        n += route_key_print(next, text + n, sizeof text - n - 1);
        text[n] = 0;
    }
    return text;
}

static const struct {
    const char *name;
    struct span key;
    const char *chain;
} rows[] = {
    {"folders from the inside out", SPAN_INIT("s\0p/2024/05/x/"),
     "p/2024/05/x/ p/2024/05/* p/2024/* p/*"},
    {"with or without a slash at the end", SPAN_INIT("s\0p/2024/05/x"),
     "p/2024/05/x p/2024/05/* p/2024/* p/*"},
    {"a folder's page is one of the folder it is in", SPAN_INIT("s\0p/2024/"), "p/2024/ p/*"},
    {"the front page", SPAN_INIT("s\0p/"), "p/ p/*"},
    {"any values of its query", SPAN_INIT("s\0p/a?p=7&q&r=8"), "p/a?p=7&q&r=8 p/a?p=*&q&r=* p/*"},
    {"a query without values is its own pattern", SPAN_INIT("s\0p/?s"), "p/?s p/*"},
    {"an empty value is a value, but there is nothing to leave open", SPAN_INIT("s\0p/?p="),
     "p/?p= p/*"},
    {"the operator's pattern first, and not twice", SPAN_INIT("s\0p/shop/a/b"),
     "p/shop/a/b p/shop/* p/shop/a/* p/*"},
    {"a star in the middle", SPAN_INIT("s\0p/product/x/y/reviews"),
     "p/product/x/y/reviews p/product/*/reviews p/product/x/y/* p/product/x/* p/product/* p/*"},
    {"stars need their tail", SPAN_INIT("s\0p/product/x"), "p/product/x p/product/* p/*"},
    {"a pattern without a star is a page", SPAN_INIT("s\0p/exact"), "p/exact p/*"},
    {"the inner folders and the site of a deep path", SPAN_INIT("s\0p/1/2/3/4/5/6/7/x"),
     "p/1/2/3/4/5/6/7/x p/1/2/3/4/5/6/7/* p/1/2/3/4/5/6/* p/1/2/3/4/5/* p/1/2/3/4/* p/*"},
    {"a session falls back to the public", SPAN_INIT("s\0s/a/x?p=1"),
     "s/a/x?p=1 p/a/x?p=1 s/a/x?p=* s/a/* s/* p/a/x?p=* p/a/* p/*"},
    {"a pattern has no chain", SPAN_INIT("s\0p/a/\1"), ""},
    {"nor has what is no key", SPAN_INIT("s"), ""},
};

static void keys_come_from_close_to_far(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("%s\n", rows[i].name);
        assert_string_equal(chain_of(rows[i].key, 4), rows[i].chain);
    }
    assert_string_equal(chain_of(SPAN("s\0p/shop/a"), 0), "p/shop/a p/shop/* p/*");
}

static void the_longest_keys_have_chains_too(void **state) {
    (void)state;
    static uint8_t bytes[ROUTE_KEY_MAX];
    struct route_chain chain;
    struct span key;
    // Only slashes: the most folders there can be.
    memset(bytes, '/', sizeof bytes);
    memcpy(bytes, "s\0p/?p=", 7);
    route_chain_init(&chain, span_of(bytes, sizeof bytes), patterns, 4);
    unsigned n = 0;
    while (route_chain_next(&chain, &key)) {
        assert_true(key.n <= ROUTE_KEY_MAX && route_key_is_valid(key));
        n++;
    }
    assert_int_equal(n, 3);
    memcpy(bytes, "s\0s////", 7);
    n = 0;
    route_chain_init(&chain, span_of(bytes, sizeof bytes), patterns, 4);
    while (route_chain_next(&chain, &key)) {
        assert_true(key.n <= ROUTE_KEY_MAX && route_key_is_valid(key));
        n++;
    }
    assert_true(n <= 2 * ROUTE_CHAIN_MAX && n > 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_from_close_to_far),
        cmocka_unit_test(the_longest_keys_have_chains_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
