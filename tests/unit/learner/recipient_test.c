// SPDX-License-Identifier: MIT
#include "learner/recipient.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "learner/evidence.h"

#define NETWORK 12

static const struct siphash_key secret = {1, 2};
static const struct span names[] = {SPAN_INIT("X-Auth-*")};
static const struct audience_conf conf = {.fields = {.v = names, .n = 1}};
static struct lineage lineage;

static int start(void **state) {
    (void)state;
    lineage_init(&lineage);
    return 0;
}

static int end(void **state) {
    (void)state;
    lineage_fini(&lineage);
    return 0;
}

// Of a request with that field, whose response has this one; "" for none.
static struct recipient give(const char *name, const char *value, const char *answered,
                             const char *with) {
    struct pair v[] = {{span_str(name), span_str(value)}, {SPAN("user-agent"), SPAN("A")}};
    struct pair a = {span_str(answered), span_str(with)};
    struct pairs asked = {v, 2, 2};
    struct response response = {.status = 200, .fields = {&a, answered[0] ? 1 : 0, 1}};
    struct audience audience = audience_of(&conf, &asked);
    struct recipient_sight sight = {&secret,   &lineage, &audience, &asked,
                                    &response, NETWORK,  false};
    struct recipient recipient = recipient_of(&sight);
    recipient_note(&sight);
    return recipient;
}

static struct recipient with_cookie(const char *cookie, const char *set) {
    return give("cookie", cookie, set[0] ? "set-cookie" : "", set);
}

static void the_public_is_told_by_its_program_and_votes_by_its_network(void **state) {
    (void)state;
    struct recipient a = give("accept", "*/*", "", "");
    assert_int_equal(a.who, NETWORK);
    assert_int_equal(a.flags, 0);
    assert_true(a.user != 0 && a.user == give("cookie", "_ga=1", "", "").user);
    assert_true(a.user != give("accept-language", "de", "", "").user);
    assert_int_equal(give("accept", "*/*", "cache-control", "no-store").flags, EVIDENCE_PRIVATE);
}

static void a_credential_that_stays_is_its_user(void **state) {
    (void)state;
    struct recipient a = with_cookie("PHPSESSID=a", ""), b = with_cookie("PHPSESSID=b", "");
    assert_int_equal(a.flags, EVIDENCE_SESSION | EVIDENCE_NAMED);
    assert_true(a.user == a.who && a.user != 0 && a.user != b.user);
    assert_true(a.user == with_cookie("x=1; PHPSESSID=a", "").user);
    assert_true(give("x-auth-user", "alice", "", "").user ==
                give("x-auth-user", "alice", "", "").user);
}

// Whether it stays nobody knows: who roams with it, or is given another one, must not be two.
static void an_unknown_cookie_is_told_by_its_line_or_the_program(void **state) {
    (void)state;
    struct recipient a = with_cookie("auth=alice", ""), b;
    assert_int_equal(a.flags, EVIDENCE_PRIVATE | EVIDENCE_NAMED);
    assert_int_equal(a.who, NETWORK);
    assert_true(a.user != 0 && a.user == with_cookie("auth=bob", "").user);
    assert_true(a.user == give("accept", "*/*", "", "").user);
    with_cookie("", "auth=eve");
    b = with_cookie("auth=eve", "auth=adam");
    assert_true(b.user != a.user && (b.user & RECIPIENT_NAMED) != 0);
    assert_true(b.user == with_cookie("auth=adam", "").user);
}

static void who_came_from_nowhere_with_a_cookie_that_changes_is_nobody(void **state) {
    (void)state;
    struct recipient a = with_cookie("laravel_session=1", "laravel_session=2; path=/");
    assert_int_equal(a.user, 0);
    assert_true(a.who != 0 && a.who != NETWORK);
    assert_int_equal(with_cookie("laravel_session=2", "laravel_session=3").user, 0);
    assert_int_equal(give("authorization", "Bearer eyJ.1", "", "").user, 0);
}

static void a_line_of_cookies_is_one_user(void **state) {
    (void)state;
    with_cookie("", "laravel_session=1; path=/; HttpOnly"); // nobody yet
    struct recipient a = with_cookie("laravel_session=1", "laravel_session=2");
    struct recipient b = with_cookie("laravel_session=2", "laravel_session=3");
    assert_true(a.user != 0 && a.user == b.user && a.who == a.user);
    with_cookie("", "laravel_session=100");
    b = with_cookie("laravel_session=100", "laravel_session=101");
    assert_true(b.user != 0 && b.user != a.user);
    // One that usually stays, too, says nothing while it is renewed.
    assert_int_equal(with_cookie("PHPSESSID=a", "PHPSESSID=b; path=/").user, 0);
}

static void a_cookie_that_is_taken_away_leads_to_nobody(void **state) {
    (void)state;
    struct recipient a = with_cookie("PHPSESSID=a", "PHPSESSID=; Max-Age=0");
    assert_true(with_cookie("PHPSESSID=", "").user != a.user);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_public_is_told_by_its_program_and_votes_by_its_network),
        TEST(a_credential_that_stays_is_its_user),
        TEST(who_came_from_nowhere_with_a_cookie_that_changes_is_nobody),
        TEST(a_line_of_cookies_is_one_user),
        TEST(a_cookie_that_is_taken_away_leads_to_nobody),
        TEST(an_unknown_cookie_is_told_by_its_line_or_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
