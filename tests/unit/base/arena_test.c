// SPDX-License-Identifier: MIT
#include "base/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void pieces_are_aligned_and_apart(void **state) {
    (void)state;
    struct arena a;
    uint8_t *pieces[200];
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = arena_alloc(&a, i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)i, i);
    }
    for (size_t i = 0; i < 200; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_equal(pieces[i][j], i);
        }
    }
    arena_fini(&a);
    arena_fini(&a);
}

static void the_budget_running_out_is_an_error_that_can_be_survived(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a, 64);
    assert_non_null(arena_alloc(&a, 48));
    assert_null(arena_alloc(&a, 17));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_non_null(arena_alloc(&a, 16));
    assert_null(arena_alloc(&a, 1));
    arena_reset(&a);
    assert_non_null(arena_alloc(&a, 64));
    arena_fini(&a);
}

static void what_is_taken_beyond_the_budget_leaves_no_room(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a, 64);
    assert_non_null(arena_alloc(&a, 64));
    memset(arena_alloc_beyond(&a, 100), 1, 100);
    assert_null(arena_alloc(&a, 1));
    arena_reset(&a);
    assert_non_null(arena_alloc(&a, 64));
    assert_null(arena_alloc(&a, 1));
    arena_fini(&a);
}

static void a_piece_larger_than_a_block_is_fine(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    uint8_t *small = arena_alloc(&a, 10);
    uint8_t *large = arena_alloc(&a, 100000);
    assert_non_null(small);
    assert_non_null(large);
    memset(small, 1, 10);
    memset(large, 2, 100000);
    assert_int_equal(small[9], 1);
    arena_reset(&a);
    assert_int_equal(a.used, 0);
    assert_non_null(arena_alloc(&a, 100000));
    arena_fini(&a);
}

static void reset_keeps_the_first_block_for_the_next_user(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    void *first = arena_alloc(&a, 100);
    arena_reset(&a);
    assert_ptr_equal(arena_alloc(&a, 100), first);
    arena_fini(&a);
}

static void a_copy_has_a_zero_byte_behind_it(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a, 64);
    char text[] = "abc";
    struct span s = arena_copy(&a, span_of(text, 3));
    text[0] = 'x';
    assert_true(span_eq(s, SPAN("abc")));
    assert_int_equal(s.p[3], 0);
    s = arena_copy(&a, span_str(NULL));
    assert_non_null(s.p);
    assert_int_equal(s.n, 0);
    assert_int_equal(s.p[0], 0);
    assert_null(arena_copy(&a, span_of("0123456789012345678901234567890123456789", 40)).p);
    arena_fini(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(the_budget_running_out_is_an_error_that_can_be_survived),
        cmocka_unit_test(what_is_taken_beyond_the_budget_leaves_no_room),
        cmocka_unit_test(a_piece_larger_than_a_block_is_fine),
        cmocka_unit_test(reset_keeps_the_first_block_for_the_next_user),
        cmocka_unit_test(a_copy_has_a_zero_byte_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
