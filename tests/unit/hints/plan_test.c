// SPDX-License-Identifier: MIT
#include "hints/plan.h"

#include "hints/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct hint style(const char *target) {
    return (struct hint){
        .target = span_str(target), .rel = HINT_PRELOAD, .as = HINT_AS_STYLE, .can_push = true};
}

static const struct plan_conf conf = {.key = SPAN_INIT("site\0/"), .hash = 7, .version = 3};

static void a_plan_is_ready_to_send_and_owns_its_bytes(void **state) {
    (void)state;
    char target[] = "/a.css", type[] = "text/css";
    struct hint hints[] = {style(target), style("/b.css"), style("/c.css")};
    hints[0].type = span_str(type);
    hints[1].can_push = false;
    hints[2].push_only = true;
    struct plan *plan = plan_new(&conf, hints, 3);
    memset(target, 'x', sizeof target);
    memset(type, 'x', sizeof type);
    struct span want = SPAN("</a.css>; rel=preload; as=style; type=\"text/css\", "
                            "</b.css>; rel=preload; as=style");
    assert_true(span_eq(plan->link, want));
    assert_true(plan_has_link(plan));
    assert_int_equal(plan->response.status, 103);
    assert_int_equal(plan->response.fields.n, 1);
    assert_true(span_eq(plan->response.fields.v[0].name, SPAN("link")));
    assert_true(span_eq(plan->response.fields.v[0].value, want));
    assert_int_equal(plan->hints_n, 3);
    assert_int_equal(plan->pushes_n, 2);
    assert_true(span_eq(plan->pushes[0], SPAN("/a.css")));
    assert_true(span_eq(plan->pushes[1], SPAN("/c.css")));
    assert_true(span_eq(plan->key, conf.key));
    assert_int_equal(plan->hash, 7);
    assert_int_equal(plan->version, 3);
    plan_free(plan);
}

static void a_plan_may_be_empty(void **state) {
    (void)state;
    struct plan *plan = plan_new(&conf, NULL, 0);
    assert_false(plan_has_link(plan));
    assert_false(plan_has_link(NULL));
    assert_int_equal(plan->response.fields.n, 0);
    assert_int_equal(plan->hints_n, 0);
    plan_free(plan);
}

static void the_field_never_exceeds_its_limit(void **state) {
    (void)state;
    static char long_target[1400], longer[PLAN_LINK_MAX];
    memset(long_target, 'a', sizeof long_target - 1);
    memset(longer, 'b', sizeof longer - 1);
    struct hint hints[] = {style(long_target), style(longer), style(long_target), style("/c")};
    struct plan *plan = plan_new(&conf, hints, 4);
    assert_true(plan->link.n <= PLAN_LINK_MAX);
    assert_int_equal(span_find(plan->link, SPAN("b")), plan->link.n); // left out
    assert_true(span_has_suffix(plan->link, SPAN(", </c>; rel=preload; as=style")));
    assert_int_equal(plan->hints_n, 4);
    plan_free(plan);
}

static void hints_and_pushes_are_capped(void **state) {
    (void)state;
    static char targets[60][16];
    struct hint hints[60];
    for (int i = 0; i < 60; i++) {
        snprintf(targets[i], sizeof targets[i], "/%d", i);
        hints[i] = style(targets[i]);
    }
    struct plan *plan = plan_new(&conf, hints, 60);
    assert_int_equal(plan->hints_n, HINT_SET_MAX);
    assert_int_equal(plan->pushes_n, PLAN_PUSH_MAX);
    plan_free(plan);
}

static void where_one_adds_nothing_the_union_is_the_other(void **state) {
    (void)state;
    struct hint hints[] = {style("/a"), style("/b")};
    struct arena arena;
    struct plan *both = plan_new(&conf, hints, 2), *none = plan_new(&conf, NULL, 0);
    struct plan *first = plan_new(&conf, hints, 1);
    arena_init(&arena, 65536);
    assert_null(plan_union(NULL, NULL, &arena));
    assert_ptr_equal(plan_union(both, NULL, &arena), both);
    assert_ptr_equal(plan_union(NULL, both, &arena), both);
    assert_ptr_equal(plan_union(both, none, &arena), both);
    assert_ptr_equal(plan_union(none, both, &arena), both);
    assert_int_equal(arena.used, 0);
    assert_ptr_equal(plan_union(both, first, &arena), both);
    arena_fini(&arena);
    plan_free(both);
    plan_free(none);
    plan_free(first);
}

static void the_rule_comes_first_in_a_union(void **state) {
    (void)state;
    struct hint ruled[] = {style("/z"), style("/b")};
    struct hint known[] = {style("/a"), style("/b"), style("/c")};
    known[2].push_only = true;
    struct arena arena;
    struct plan *rule = plan_new(&(struct plan_conf){.hash = 0}, ruled, 2);
    struct plan *learned = plan_new(&conf, known, 3);
    arena_init(&arena, 65536);
    const struct plan *plan = plan_union(rule, learned, &arena);
    assert_true(span_eq(plan->link, SPAN("</z>; rel=preload; as=style, </b>; rel=preload; "
                                         "as=style, </a>; rel=preload; as=style")));
    assert_int_equal(plan->hints_n, 4);
    assert_int_equal(plan->pushes_n, 4);
    assert_int_equal(plan->response.status, 103);
    assert_true(span_eq(plan->response.fields.v[0].value, plan->link));
    assert_true(span_eq(plan->key, conf.key));
    arena_fini(&arena);
    // Short of memory the operator's word still counts.
    for (size_t budget = 0; budget < 4096; budget += 256) {
        arena_init(&arena, budget);
        assert_ptr_equal(plan_union(rule, learned, &arena), rule);
        arena_fini(&arena);
    }
    plan_free(rule);
    plan_free(learned);
}

static void an_applications_103_is_sanitised_in_its_order(void **state) {
    (void)state;
    struct target_page page = {SPAN("https"), SPAN("site.example"), SPAN("/dir/")};
    struct pair v[] = {
        {SPAN("Link"), SPAN("<a.png>; rel=preload; as=image; nopush, </b>; rel=stylesheet")},
        {SPAN("set-cookie"), SPAN("a=b")},
        {SPAN("link"), SPAN("</c.css>; rel=preload; as=style")},
    };
    struct pairs fields = {v, 3, 3};
    struct arena arena;
    arena_init(&arena, 65536);
    const struct plan *plan = plan_of_links(&fields, &page, &arena);
    assert_true(span_eq(plan->link, SPAN("</dir/a.png>; rel=preload; as=image, "
                                         "</c.css>; rel=preload; as=style")));
    assert_int_equal(plan->pushes_n, 1);
    fields.n = 0;
    assert_null(plan_of_links(&fields, &page, &arena));
    arena_fini(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_is_ready_to_send_and_owns_its_bytes),
        cmocka_unit_test(a_plan_may_be_empty),
        cmocka_unit_test(the_field_never_exceeds_its_limit),
        cmocka_unit_test(hints_and_pushes_are_capped),
        cmocka_unit_test(where_one_adds_nothing_the_union_is_the_other),
        cmocka_unit_test(the_rule_comes_first_in_a_union),
        cmocka_unit_test(an_applications_103_is_sanitised_in_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
