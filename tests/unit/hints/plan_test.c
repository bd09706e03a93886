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

#define A "</a.css>; rel=preload; as=style"
#define B "</b.css>; rel=preload; as=style"

static void says(const struct plan *plan, enum dialect dialect, const char *link) {
    char text[PLAN_BYTES_MAX + 1] = "";
    struct span said = plan_link(plan, dialect);
    if (said.n > 0) {
        memcpy(text, said.p, said.n);
    }
    assert_string_equal(text, link);
    const struct response *response = plan_response(plan, dialect);
    if (link[0] == 0) {
        assert_null(response);
        return;
    }
    const struct pair *last = &response->fields.v[response->fields.n - 1];
    assert_int_equal(response->status, 103);
    assert_true(span_eq(last->name, SPAN("link")));
    assert_true(span_eq(last->value, plan_link(plan, dialect)));
}

static void a_plan_is_ready_to_send_and_owns_its_bytes(void **state) {
    (void)state;
    char target[] = "/a.css", type[] = "text/css", pushed[] = "/c.css";
    struct hint hints[] = {style(target), style("/b.css"), style(pushed)};
    hints[0].type = span_str(type);
    hints[1].can_push = false;
    hints[2].push_only = true;
    struct plan *plan = plan_new(NULL, hints, 3);
    memset(target, 'x', sizeof target);
    memset(type, 'x', sizeof type);
    memset(pushed, 'x', sizeof pushed);
    says(plan, DIALECT_CHROMIUM, A "; type=\"text/css\", " B);
    says(plan, DIALECT_FIREFOX, A "; type=\"text/css\", " B);
    says(plan, DIALECT_SAFARI, "");
    says(plan, DIALECT_UNKNOWN, A ", " B);
    assert_int_equal(plan_response(plan, DIALECT_CHROMIUM)->fields.n, 1);
    assert_int_equal(plan_said(plan, DIALECT_CHROMIUM), 3);
    assert_int_equal(plan_said(plan, DIALECT_SAFARI), 0);
    assert_int_equal(plan->hints_n, 3);
    assert_true(span_eq(plan->hints[0].target, SPAN("/a.css")));
    assert_true(span_eq(plan->hints[0].type, SPAN("text/css")));
    assert_true(span_eq(plan->hints[2].target, SPAN("/c.css")));
    assert_int_equal(plan->pushes_n, 2);
    assert_true(span_eq(plan->pushes[0], SPAN("/a.css")));
    assert_true(span_eq(plan->pushes[1], SPAN("/c.css")));
    plan_free(plan);
}

static void dialects_that_say_the_same_share_their_bytes(void **state) {
    (void)state;
    struct hint hints[] = {
        style("/a.css"),
        {.target = SPAN("https://cdn.example"), .rel = HINT_PRECONNECT},
    };
    struct plan *plan = plan_new(NULL, hints, 2);
    assert_ptr_equal(plan->voices[DIALECT_CHROMIUM], plan->voices[DIALECT_FIREFOX]);
    assert_ptr_equal(plan->voices[DIALECT_CHROMIUM], plan->voices[DIALECT_UNKNOWN]);
    says(plan, DIALECT_CHROMIUM, A ", <https://cdn.example>; rel=preconnect");
    says(plan, DIALECT_SAFARI, "<https://cdn.example>; rel=preconnect");
    // The target of a hint lies in what is said of it.
    assert_ptr_equal(plan->hints[0].target.p, plan_link(plan, DIALECT_CHROMIUM).p + 1);
    plan_free(plan);
}

static void a_plan_may_be_empty(void **state) {
    (void)state;
    struct plan *plan = plan_new(NULL, NULL, 0);
    for (unsigned d = 0; d < DIALECTS; d++) {
        says(plan, d, "");
        says(NULL, d, "");
        assert_int_equal(plan_said(NULL, d), 0);
    }
    assert_int_equal(plan->hints_n, 0);
    plan_free(plan);
}

// Why hint i is in the 103 of the dialect or not; HINT_TOO_MANY: no room was left.
static enum hint_reason reason_of(const struct plan *plan, enum dialect dialect, size_t i) {
    struct hint said;
    enum hint_reason reason = dialect_say(dialect, &plan->hints[i], &said);
    bool is_said = plan_said(plan, dialect) >> i & 1;
    assert_true(!is_said || reason == HINT_OK);
    return reason == HINT_OK && !is_said ? HINT_TOO_MANY : reason;
}

static void each_hint_that_is_not_said_has_its_reason(void **state) {
    (void)state;
    struct hint hints[] = {style("/a.css"), style("/b.css"), style("/c.css")};
    hints[1].push_only = true;
    struct plan *plan = plan_new(&(struct plan_conf){.limits = {.links = 1}}, hints, 3);
    says(plan, DIALECT_CHROMIUM, A);
    assert_int_equal(reason_of(plan, DIALECT_CHROMIUM, 0), HINT_OK);
    assert_int_equal(reason_of(plan, DIALECT_CHROMIUM, 1), HINT_PUSH_ONLY);
    assert_int_equal(reason_of(plan, DIALECT_CHROMIUM, 2), HINT_TOO_MANY);
    assert_int_equal(reason_of(plan, DIALECT_SAFARI, 0), HINT_UNSAYABLE);
    plan_free(plan);
}

static void the_field_never_exceeds_its_limit(void **state) {
    (void)state;
    static char long_target[1400], longer[PLAN_BYTES];
    memset(long_target, 'a', sizeof long_target - 1);
    memset(longer, 'b', sizeof longer - 1);
    struct hint hints[] = {style(long_target), style(longer), style(long_target), style("/c")};
    struct plan *plan = plan_new(NULL, hints, 4);
    struct span link = plan_link(plan, DIALECT_CHROMIUM);
    assert_true(link.n <= PLAN_BYTES);
    assert_int_equal(span_find(link, SPAN("b")), link.n); // left out
    assert_true(span_has_suffix(link, SPAN(", </c>; rel=preload; as=style")));
    assert_int_equal(plan->hints_n, 4);
    plan_free(plan);
    // A site may choose less, and more, but not too much.
    plan = plan_new(&(struct plan_conf){.limits = {.bytes = 40}}, hints, 4);
    says(plan, DIALECT_CHROMIUM, "</c>; rel=preload; as=style");
    plan_free(plan);
    struct plan_limits limits = plan_limits_of(&(struct plan_limits){SIZE_MAX, SIZE_MAX});
    assert_int_equal(limits.links, HINT_SET_MAX);
    assert_int_equal(limits.bytes, PLAN_BYTES_MAX);
    limits = plan_limits_of(NULL);
    assert_int_equal(limits.links, 50);
    assert_int_equal(limits.bytes, 3072);
}

static void hints_and_pushes_are_capped(void **state) {
    (void)state;
    static char targets[80][16];
    struct hint hints[80];
    for (int i = 0; i < 80; i++) {
        snprintf(targets[i], sizeof targets[i], "/%d", i);
        hints[i] = style(targets[i]);
    }
    struct plan *plan = plan_new(NULL, hints, 80);
    assert_int_equal(plan->hints_n, HINT_SET_MAX);
    assert_int_equal(plan->pushes_n, PLAN_PUSH_MAX);
    assert_int_equal(plan_said(plan, DIALECT_CHROMIUM), (1ULL << PLAN_LINKS) - 1);
    assert_int_equal(reason_of(plan, DIALECT_CHROMIUM, 63), HINT_TOO_MANY);
    plan_free(plan);
    struct plan_conf all = {.limits = {.links = 1000}};
    plan = plan_new(&all, hints, 80);
    assert_int_equal(plan_said(plan, DIALECT_CHROMIUM), UINT64_MAX);
    plan_free(plan);
}

static void policy_fields_stand_before_the_links(void **state) {
    (void)state;
    struct hint hints[] = {style("/a.css"), style("/b.css")};
    struct plan_conf conf = {.csp = SPAN("default-src 'self'"), .referrer = SPAN("no-referrer")};
    struct arena arena;
    struct plan *plan = plan_new(&conf, hints, 2), *none = plan_new(&conf, NULL, 0);
    struct plan *rule = plan_new(NULL, (struct hint[]){style("/z.css")}, 1);
    arena_init(&arena, 65536);
    assert_null(plan_response(none, DIALECT_CHROMIUM)); // alone they would only use up the one 103
    const struct plan *both = plan_union(rule, plan, NULL, &arena);
    const struct response *all[] = {plan_response(plan, DIALECT_CHROMIUM),
                                    plan_without(plan, DIALECT_CHROMIUM, 1, &arena),
                                    plan_response(both, DIALECT_CHROMIUM)};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(all[i]->fields.n, 3);
        assert_true(span_eq(all[i]->fields.v[0].name, SPAN("content-security-policy")));
        assert_true(span_eq(all[i]->fields.v[0].value, conf.csp));
        assert_true(span_eq(all[i]->fields.v[1].name, SPAN("referrer-policy")));
        assert_true(span_eq(all[i]->fields.v[1].value, conf.referrer));
        assert_true(span_eq(all[i]->fields.v[2].name, SPAN("link")));
    }
    arena_fini(&arena);
    plan_free(plan);
    plan_free(none);
    plan_free(rule);
}

static void what_a_client_knows_can_be_left_out(void **state) {
    (void)state;
    struct hint hints[] = {style("/a.css"), style("/p.css"), style("/b.css"), style("/c.css")};
    hints[1].push_only = true;
    struct arena arena;
    struct plan *plan = plan_new(NULL, hints, 4);
    const struct response *ready = plan_response(plan, DIALECT_CHROMIUM);
    arena_init(&arena, 65536);
    assert_ptr_equal(plan_without(plan, DIALECT_CHROMIUM, 0, &arena), ready);
    assert_ptr_equal(plan_without(plan, DIALECT_CHROMIUM, 2, &arena), ready);
    assert_int_equal(arena.used, 0);
    const struct response *rest = plan_without(plan, DIALECT_CHROMIUM, 1 << 2, &arena);
    assert_true(span_eq(rest->fields.v[0].value, SPAN(A ", </c.css>; rel=preload; as=style")));
    rest = plan_without(plan, DIALECT_CHROMIUM, 1 << 0 | 1 << 3, &arena);
    assert_true(span_eq(rest->fields.v[0].value, SPAN(B)));
    assert_null(plan_without(plan, DIALECT_CHROMIUM, 13, &arena));
    assert_null(plan_without(plan, DIALECT_CHROMIUM, UINT64_MAX, &arena));
    assert_null(plan_without(plan, DIALECT_SAFARI, 0, &arena));
    assert_null(plan_without(NULL, DIALECT_CHROMIUM, 0, &arena));
    arena_fini(&arena);
    // Short of memory the client is told what it knows already.
    for (size_t budget = 0; budget < 160; budget += 16) {
        arena_init(&arena, budget);
        rest = plan_without(plan, DIALECT_CHROMIUM, 1, &arena);
        assert_true(rest == ready || arena.used > 100);
        arena_fini(&arena);
    }
    plan_free(plan);
}

static void where_one_adds_nothing_the_union_is_the_other(void **state) {
    (void)state;
    struct hint hints[] = {style("/a"), style("/b")};
    struct arena arena;
    struct plan *both = plan_new(NULL, hints, 2), *none = plan_new(NULL, NULL, 0);
    struct plan *first = plan_new(NULL, hints, 1);
    arena_init(&arena, 65536);
    assert_null(plan_union(NULL, NULL, NULL, &arena));
    assert_ptr_equal(plan_union(both, NULL, NULL, &arena), both);
    assert_ptr_equal(plan_union(NULL, both, NULL, &arena), both);
    assert_ptr_equal(plan_union(both, none, NULL, &arena), both);
    assert_ptr_equal(plan_union(none, both, NULL, &arena), both);
    assert_ptr_equal(plan_union(both, first, NULL, &arena), both);
    assert_int_equal(arena.used, 0);
    arena_fini(&arena);
    plan_free(both);
    plan_free(none);
    plan_free(first);
}

static void the_rule_comes_first_in_a_union(void **state) {
    (void)state;
    struct hint ruled[] = {style("/z"), style("/b")};
    struct hint known[] = {style("/a"), style("/b"), style("/c"), style("/d")};
    known[2].push_only = true;
    known[3] = (struct hint){.target = SPAN("https://d.example"), .rel = HINT_PRECONNECT};
    struct arena arena;
    struct plan *rule = plan_new(NULL, ruled, 2);
    struct plan *learned = plan_new(NULL, known, 4);
    arena_init(&arena, 65536);
    const struct plan *plan = plan_union(rule, learned, NULL, &arena);
    says(plan, DIALECT_CHROMIUM,
         "</z>; rel=preload; as=style, </b>; rel=preload; as=style, </a>; rel=preload; as=style, "
         "<https://d.example>; rel=preconnect");
    says(plan, DIALECT_SAFARI, "<https://d.example>; rel=preconnect");
    assert_ptr_equal(plan->voices[DIALECT_CHROMIUM], plan->voices[DIALECT_FIREFOX]);
    assert_int_equal(plan->hints_n, 5);
    assert_int_equal(plan->pushes_n, 4);
    assert_int_equal(plan_said(plan, DIALECT_CHROMIUM), 0x17);
    assert_int_equal(reason_of(plan, DIALECT_CHROMIUM, 3), HINT_PUSH_ONLY);
    const struct response *rest = plan_without(plan, DIALECT_CHROMIUM, 0x15, &arena);
    assert_true(span_eq(rest->fields.v[0].value, SPAN("</b>; rel=preload; as=style")));
    // The limits hold for both together.
    plan = plan_union(rule, learned, &(struct plan_limits){.links = 3}, &arena);
    assert_int_equal(plan_said(plan, DIALECT_CHROMIUM), 0x7);
    plan = plan_union(rule, learned, &(struct plan_limits){.links = 1}, &arena);
    assert_int_equal(plan_said(plan, DIALECT_CHROMIUM), 0x3); // what the rule says is not cut
    plan = plan_union(rule, learned, &(struct plan_limits){.bytes = 100}, &arena);
    assert_true(plan_link(plan, DIALECT_CHROMIUM).n <= 100);
    assert_int_equal(reason_of(plan, DIALECT_CHROMIUM, 2), HINT_OK);
    assert_int_equal(reason_of(plan, DIALECT_CHROMIUM, 4), HINT_TOO_MANY);
    arena_fini(&arena);
    // Short of memory the operator's word still counts.
    for (size_t budget = 0; budget < 512; budget += 64) {
        arena_init(&arena, budget);
        assert_ptr_equal(plan_union(rule, learned, NULL, &arena), rule);
        arena_fini(&arena);
    }
    plan_free(rule);
    plan_free(learned);
}

static void a_dialect_for_which_nothing_is_new_keeps_what_the_rule_says(void **state) {
    (void)state;
    struct hint ruled = {.target = SPAN("https://d.example"), .rel = HINT_PRECONNECT};
    struct hint known[] = {style("/a.css"), ruled};
    struct arena arena;
    struct plan *rule = plan_new(NULL, &ruled, 1);
    struct plan *learned = plan_new(NULL, known, 2), *styles = plan_new(NULL, known, 1);
    arena_init(&arena, 65536);
    const struct plan *all[] = {plan_union(rule, learned, NULL, &arena),
                                plan_union(rule, styles, NULL, &arena)};
    for (size_t i = 0; i < 2; i++) {
        assert_ptr_equal(all[i]->voices[DIALECT_SAFARI], rule->voices[DIALECT_SAFARI]);
        says(all[i], DIALECT_UNKNOWN, "<https://d.example>; rel=preconnect, " A);
    }
    arena_fini(&arena);
    plan_free(rule);
    plan_free(learned);
    plan_free(styles);
}

static void an_applications_103_is_sanitised_in_its_order(void **state) {
    (void)state;
    struct target_page page = {SPAN("https"), SPAN("site.example"), SPAN("/dir/")};
    struct pair v[] = {
        {SPAN("Link"), SPAN("<a.png>; rel=preload; as=image; nopush, </b>; rel=stylesheet")},
        {SPAN("set-cookie"), SPAN("a=b")},
        {SPAN("link"), SPAN("</c.css>; rel=preload; as=style, "
                            "<https://cdn.example/d.css>; rel=preload; as=style")},
    };
    struct pairs fields = {v, 3, 3};
    struct arena arena;
    arena_init(&arena, 65536);
    const struct plan *plan = plan_of_links(&fields, &page, NULL, &arena);
    says(plan, DIALECT_CHROMIUM,
         "</dir/a.png>; rel=preload; as=image, </c.css>; rel=preload; as=style, "
         "<https://cdn.example>; rel=preconnect");
    assert_int_equal(plan->pushes_n, 1);
    // The site's own rules about other origins and limits count.
    struct span origin = SPAN("https://cdn.example");
    struct plan_limits limits = {.links = 2};
    struct hint_policy policy = {.origins = &origin, .origins_n = 1, .limits = &limits};
    v[0].value = SPAN("");
    plan = plan_of_links(&fields, &page, &policy, &arena);
    says(plan, DIALECT_CHROMIUM,
         "</c.css>; rel=preload; as=style, "
         "<https://cdn.example/d.css>; rel=preload; as=style");
    says(plan, DIALECT_SAFARI, "");
    fields.n = 0;
    assert_null(plan_of_links(&fields, &page, NULL, &arena));
    arena_fini(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_is_ready_to_send_and_owns_its_bytes),
        cmocka_unit_test(dialects_that_say_the_same_share_their_bytes),
        cmocka_unit_test(a_plan_may_be_empty),
        cmocka_unit_test(each_hint_that_is_not_said_has_its_reason),
        cmocka_unit_test(the_field_never_exceeds_its_limit),
        cmocka_unit_test(hints_and_pushes_are_capped),
        cmocka_unit_test(policy_fields_stand_before_the_links),
        cmocka_unit_test(what_a_client_knows_can_be_left_out),
        cmocka_unit_test(where_one_adds_nothing_the_union_is_the_other),
        cmocka_unit_test(the_rule_comes_first_in_a_union),
        cmocka_unit_test(a_dialect_for_which_nothing_is_new_keeps_what_the_rule_says),
        cmocka_unit_test(an_applications_103_is_sanitised_in_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
