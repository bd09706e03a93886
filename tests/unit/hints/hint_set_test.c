// SPDX-License-Identifier: MIT
#include "hints/hint_set.h"

#include "base/error.h"
#include "hints/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct hint preload(const char *target, enum hint_as as) {
    return (struct hint){
        .target = span_str(target), .rel = HINT_PRELOAD, .as = as, .can_push = true};
}

static void assert_order(const struct hint_set *set, const char *targets) {
    char text[1024] = "";
    size_t n = 0;
    for (size_t i = 0; i < set->n; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%.*s ", SPAN_ARG(set->v[i].target));
    }
    assert_string_equal(text, targets);
}

static enum hint_reason put(struct hint_set *set, const char *target, enum hint_as as) {
    struct hint hint = preload(target, as);
    return hint_set_put(set, &hint);
}

static void what_blocks_rendering_comes_first_and_equals_keep_their_order(void **state) {
    (void)state;
    struct arena arena;
    struct hint_set set;
    arena_init(&arena, 65536);
    assert_int_equal(hint_set_init(&set, &arena, 50), 0);
    assert_int_equal(put(&set, "/i1", HINT_AS_IMAGE), HINT_OK);
    assert_int_equal(put(&set, "/f1", HINT_AS_FONT), HINT_OK);
    assert_int_equal(put(&set, "/s1", HINT_AS_STYLE), HINT_OK);
    assert_int_equal(put(&set, "/j1", HINT_AS_SCRIPT), HINT_OK);
    assert_int_equal(put(&set, "/s2", HINT_AS_STYLE), HINT_OK);
    assert_int_equal(put(&set, "/i2", HINT_AS_IMAGE), HINT_OK);
    assert_int_equal(put(&set, "/j2", HINT_AS_SCRIPT), HINT_OK);
    assert_order(&set, "/s1 /s2 /j1 /j2 /f1 /i1 /i2 ");
    arena_fini(&arena);
}

static void by_hand_the_order_of_arrival_stays(void **state) {
    (void)state;
    struct arena arena;
    struct hint_set set;
    arena_init(&arena, 65536);
    hint_set_init(&set, &arena, 2);
    set.by_hand = true;
    put(&set, "/i", HINT_AS_IMAGE);
    put(&set, "/s", HINT_AS_STYLE);
    assert_int_equal(put(&set, "/t", HINT_AS_STYLE), HINT_TOO_MANY);
    assert_order(&set, "/i /s ");
    arena_fini(&arena);
}

static void the_same_target_is_in_it_once(void **state) {
    (void)state;
    struct arena arena;
    struct hint_set set;
    struct hint hint = preload("/s", HINT_AS_STYLE);
    arena_init(&arena, 65536);
    hint_set_init(&set, &arena, 50);
    hint.push_only = true;
    assert_int_equal(hint_set_put(&set, &hint), HINT_OK);
    assert_int_equal(put(&set, "/s", HINT_AS_STYLE), HINT_DUPLICATE);
    assert_false(set.v[0].push_only); // one of them may be hinted
    assert_true(set.v[0].can_push);
    hint.can_push = false;
    assert_int_equal(hint_set_put(&set, &hint), HINT_DUPLICATE);
    assert_false(set.v[0].can_push); // one of them says nopush
    hint.crossorigin = HINT_ANONYMOUS;
    assert_int_equal(hint_set_put(&set, &hint), HINT_OK); // fetched apart
    hint.rel = HINT_MODULEPRELOAD;
    assert_int_equal(hint_set_put(&set, &hint), HINT_OK);
    assert_int_equal(set.n, 3);
    arena_fini(&arena);
}

static void a_full_set_keeps_what_matters_more(void **state) {
    (void)state;
    struct arena arena;
    struct hint_set set;
    arena_init(&arena, 65536);
    hint_set_init(&set, &arena, 3);
    put(&set, "/i1", HINT_AS_IMAGE);
    put(&set, "/i2", HINT_AS_IMAGE);
    put(&set, "/f", HINT_AS_FONT);
    assert_int_equal(put(&set, "/i3", HINT_AS_IMAGE), HINT_TOO_MANY);
    assert_order(&set, "/f /i1 /i2 ");
    assert_int_equal(put(&set, "/s", HINT_AS_STYLE), HINT_TOO_MANY);
    assert_order(&set, "/s /f /i1 ");
    arena_fini(&arena);
}

static void it_is_bounded_and_needs_memory(void **state) {
    (void)state;
    struct arena arena;
    struct hint_set set;
    arena_init(&arena, 65536);
    assert_int_equal(hint_set_init(&set, &arena, 1000), 0);
    assert_int_equal(set.max, HINT_SET_MAX);
    arena_fini(&arena);
    arena_init(&arena, 100);
    assert_int_equal(hint_set_init(&set, &arena, 50), ERR_ARENA_LIMIT);
    assert_int_equal(put(&set, "/s", HINT_AS_STYLE), HINT_TOO_MANY);
    arena_fini(&arena);
}

static void a_field_is_read_and_counted(void **state) {
    (void)state;
    struct target_page page = {SPAN("https"), SPAN("site.example"), SPAN("/")};
    struct hint_tally tally = {.broken = 0};
    struct arena arena;
    struct hint_set set;
    arena_init(&arena, 65536);
    struct hint_context context = {&page, NULL, &arena};
    hint_set_init(&set, &arena, 50);
    hint_set_read(&set,
                  SPAN("</a>; rel=preload; as=image, broken, </b>; rel=preload; as=style, "
                       "<https://cdn.example/c>; rel=preload; as=style, </a>; rel=preload; "
                       "as=image, </d>; rel=prefetch"),
                  &context, &tally);
    assert_order(&set, "/b https://cdn.example /a ");
    assert_int_equal(tally.broken, 1);
    assert_int_equal(tally.reasons[HINT_OK], 2);
    assert_int_equal(tally.reasons[HINT_CROSS_ORIGIN], 1);
    assert_int_equal(tally.reasons[HINT_DUPLICATE], 1);
    assert_int_equal(tally.reasons[HINT_REL], 1);
    arena_fini(&arena);
}

static void equality_looks_at_every_member(void **state) {
    (void)state;
    struct arena arena;
    struct hint_set set;
    arena_init(&arena, 65536);
    hint_set_init(&set, &arena, 50);
    put(&set, "/a", HINT_AS_STYLE);
    struct hint other = set.v[0];
    assert_true(hint_eq(&set.v[0], &other));
    other.type = SPAN("text/css");
    assert_false(hint_eq(&set.v[0], &other));
    other = set.v[0];
    other.can_push = false;
    assert_false(hint_eq(&set.v[0], &other));
    arena_fini(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_blocks_rendering_comes_first_and_equals_keep_their_order),
        cmocka_unit_test(by_hand_the_order_of_arrival_stays),
        cmocka_unit_test(the_same_target_is_in_it_once),
        cmocka_unit_test(a_full_set_keeps_what_matters_more),
        cmocka_unit_test(it_is_bounded_and_needs_memory),
        cmocka_unit_test(a_field_is_read_and_counted),
        cmocka_unit_test(equality_looks_at_every_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
