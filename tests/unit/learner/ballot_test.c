// SPDX-License-Identifier: MIT
#include "learner/ballot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct ballot_rules rules = {.max = 8, .half_votes = 2, .half_days = 7};

static void put(struct ballot *b, uint64_t voter, unsigned network, unsigned page, bool yes) {
    struct vote *v = ballot_put(b, voter, network << 16 | page, &rules);
    v->has_page = true;
    v->html = yes;
}

static struct ballot_share ask(const struct ballot *b) {
    struct ballot_view view;
    ballot_look(&view, b, &rules);
    return ballot_ask(&view, BALLOT_PAGE, 0);
}

static void the_bound_is_wilsons(void **state) {
    (void)state;
    static const struct {
        float share, n, low;
    } rows[] = {{1.0f, 1, 0.586f}, {1.0f, 3, 0.810f},  {1.0f, 8, 0.919f}, {0.5f, 2, 0.245f},
                {0.0f, 5, 0.000f}, {0.75f, 4, 0.541f}, {1, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float low = ballot_wilson(rows[i].share, rows[i].n);
        assert_true(low > rows[i].low - 0.002f && low < rows[i].low + 0.002f);
    }
}

static void a_voter_has_one_vote_the_newest(void **state) {
    (void)state;
    struct ballot b = {.v = NULL};
    put(&b, 1, 1, 0, true);
    put(&b, 2, 2, 0, true);
    put(&b, 1, 1, 0, false);
    assert_int_equal(b.n, 2);
    struct ballot_share share = ask(&b);
    assert_int_equal(share.votes, 2);
    assert_int_equal(share.voters, 1);
    assert_false(share.newest);
    assert_int_equal(share.yes, 1);
    assert_int_equal(share.no, 1);
    assert_true(share.need > 0.41f && share.need < 0.42f); // 0.707 of 1.707
    assert_null(ballot_find(&b, 3));
    ballot_free(&b);
}

static void the_vote_of_the_page_that_fewest_know_goes_first(void **state) {
    (void)state;
    struct ballot b = {.v = NULL};
    for (unsigned i = 0; i < 8; i++) {
        put(&b, i, i, 0, true);
        ballot_find(&b, i)->spread = i == 5 ? 1 : 4;
    }
    for (unsigned i = 8; i < 20; i++) { // new ones that nobody knows take only each other's place
        put(&b, i, i, 0, true);
        assert_int_equal(b.n, 8);
        assert_null(ballot_find(&b, i == 8 ? 5 : i - 1));
    }
    ballot_find(&b, 19)->spread = 4;
    put(&b, 20, 20, 0, true);
    assert_null(ballot_find(&b, 0)); // of those that are known as well the oldest
    put(&b, 21, 19, 0, true);
    assert_null(ballot_find(&b, 19)); // but a network with more votes than others loses its own
    assert_non_null(ballot_find(&b, 20));
    ballot_free(&b);
}

static void the_network_with_the_most_votes_loses_its_oldest(void **state) {
    (void)state;
    struct ballot b = {.v = NULL};
    for (uint64_t i = 0; i < 3; i++) {
        put(&b, i, (unsigned)i, 0, true);
    }
    for (uint64_t i = 100; i < 1100; i++) {
        put(&b, i, 66, 0, false);
    }
    assert_int_equal(b.n, 8);
    assert_non_null(ballot_find(&b, 0));
    assert_non_null(ballot_find(&b, 1));
    assert_non_null(ballot_find(&b, 2));
    assert_non_null(ballot_find(&b, 1099));
    assert_null(ballot_find(&b, 1094));
    struct ballot_share share = ask(&b);
    assert_int_equal(share.networks, 4);
    assert_int_equal(share.no, 1);
    ballot_free(&b);
}

static void where_all_have_one_the_oldest_goes(void **state) {
    (void)state;
    struct ballot b = {.v = NULL};
    for (uint64_t i = 0; i < 9; i++) {
        put(&b, i, (unsigned)i, 0, true);
    }
    assert_null(ballot_find(&b, 0));
    assert_non_null(ballot_find(&b, 1));
    ballot_free(&b);
}

static void what_is_old_weighs_less_and_then_nothing(void **state) {
    (void)state;
    struct ballot b = {.v = NULL};
    put(&b, 1, 1, 0, true);
    put(&b, 2, 2, 0, false);
    b.v[1].at_min = 7 * 24 * 60;
    struct ballot_share share = ask(&b);
    assert_true(share.need > 0.26f && share.need < 0.262f); // 0.354 of 1.354
    b.v[1].at_min = 29 * 24 * 60;
    share = ask(&b);
    assert_int_equal(share.votes, 1);
    ballot_free(&b);
}

static void pages_private_votes_and_failures_are_counted(void **state) {
    (void)state;
    struct ballot b = {.v = NULL};
    put(&b, 1, 1, 7, true);
    put(&b, 2, 2, 7, true);
    put(&b, 3, 2, 8, true);
    b.v[0].is_private = b.v[1].is_private = true;
    struct ballot_share share = ask(&b);
    assert_int_equal(share.pages, 2);
    assert_int_equal(share.open, 1);
    assert_int_equal(share.yes, 2);
    struct ballot_view view;
    b.v[2].has_failed = true;
    ballot_look(&view, &b, &rules);
    share = ballot_failures(&view);
    assert_int_equal(share.yes, 1);
    assert_true(share.need > 0.45f && share.need < 0.46f); // 1 of 2.207
    ballot_free(&b);
}

static void a_visit_says_something_only_of_what_it_could_test(void **state) {
    (void)state;
    struct ballot b = {.v = NULL};
    struct ballot_view view;
    struct vote *v = ballot_put(&b, 1, 1 << 16, &rules);
    v->has_visit = true;
    v->fetched = 3;
    v->testable = 1;
    ballot_look(&view, &b, &rules);
    assert_int_equal(ballot_ask(&view, BALLOT_VISIT, 0).yes, 1);
    assert_int_equal(ballot_ask(&view, BALLOT_VISIT, 1).votes, 0);
    assert_int_equal(ballot_ask(&view, BALLOT_PAGE, 0).votes, 0);
    ballot_free(&b);
}

static void given(struct ballot *b, unsigned network, uint32_t user, enum vote_kind kind) {
    put(b, 1000 + b->n, network, 0, true);
    b->v[b->n - 1].user = user != 0 ? vote_user(user << 2, kind) : 0;
}

static void users_count_who_can_be_told_each_with_a_network_of_his_own(void **state) {
    (void)state;
    static const struct {
        const char *why;
        struct {
            unsigned network;
            uint32_t user;
            enum vote_kind kind;
        } votes[6];
        unsigned n, given;
    } rows[] = {
        {"three users of three networks",
         {{1, 1, VOTE_NAMED}, {2, 2, VOTE_NAMED}, {3, 3, VOTE_NAMED}},
         3,
         3},
        {"three users of one network",
         {{1, 1, VOTE_NAMED}, {1, 2, VOTE_NAMED}, {1, 3, VOTE_NAMED}},
         3,
         VOTE_NAMED},
        {"one user of three networks",
         {{1, 1, VOTE_NAMED}, {2, 1, VOTE_NAMED}, {3, 1, VOTE_NAMED}},
         3,
         VOTE_NAMED},
        {"one who roams and two log-ins",
         {{1, 1, VOTE_NAMED}, {2, 1, VOTE_NAMED}, {3, 2, VOTE_NAMED}, {3, 3, VOTE_NAMED}},
         4,
         2},
        {"a network for each by giving way",
         {{1, 1, VOTE_NAMED}, {2, 1, VOTE_NAMED}, {1, 2, VOTE_NAMED}},
         3,
         2},
        {"who cannot be told",
         {{1, 0, VOTE_NAMED}, {2, 0, VOTE_NAMED}, {3, 3, VOTE_NAMED}},
         3,
         VOTE_NAMED},
        {"with and without credentials",
         {{1, 1, VOTE_NAMED}, {2, 2, VOTE_NAMED}, {3, 3, VOTE_OTHER}},
         3,
         2},
        {"one who was given it in private, and openly elsewhere",
         {{1, 1, VOTE_OTHER}, {2, 2, VOTE_NETWORK}},
         2,
         1},
        {"a long way of giving way",
         {{1, 1, VOTE_NAMED},
          {2, 1, VOTE_NAMED},
          {2, 2, VOTE_NAMED},
          {3, 2, VOTE_NAMED},
          {1, 3, VOTE_NAMED},
          {2, 3, VOTE_NAMED}},
         6,
         3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ballot b = {.v = NULL};
        for (unsigned k = 0; k < rows[i].n; k++) {
            given(&b, rows[i].votes[k].network, rows[i].votes[k].user, rows[i].votes[k].kind);
        }
        if (ask(&b).given != rows[i].given) {
            fail_msg("%s: %u", rows[i].why, ask(&b).given);
        }
        ballot_free(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bound_is_wilsons),
        cmocka_unit_test(a_voter_has_one_vote_the_newest),
        cmocka_unit_test(the_vote_of_the_page_that_fewest_know_goes_first),
        cmocka_unit_test(the_network_with_the_most_votes_loses_its_oldest),
        cmocka_unit_test(where_all_have_one_the_oldest_goes),
        cmocka_unit_test(what_is_old_weighs_less_and_then_nothing),
        cmocka_unit_test(pages_private_votes_and_failures_are_counted),
        cmocka_unit_test(a_visit_says_something_only_of_what_it_could_test),
        cmocka_unit_test(users_count_who_can_be_told_each_with_a_network_of_his_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
