// SPDX-License-Identifier: MIT
// The learner against those who want others to be hinted something: what belongs to somebody else,
// what one network forged, what is gone. What an honest visitor is offered has to stay what it was,
// to the byte and in its order.
#include "learner/learner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <malloc.h>

#include "sim/learning_pupil.h"

#define EVIL ((uint64_t)0x6666)
#define STYLE "</a.css>; rel=preload; as=style"
#define SCRIPT "</a.js>; rel=preload; as=script"
#define MAX_ITEMS 40

static int setup(void **state) {
    static struct pupil pupil;
    pupil_init(&pupil, (struct learner_conf){0});
    *state = &pupil;
    return 0;
}

static int teardown(void **state) {
    pupil_fini(*state);
    return 0;
}

static struct pupil_visitor anybody(const char *path, uint64_t network) {
    return (struct pupil_visitor){.path = path, .query = "", .network = network};
}

static struct pupil_visitor member(const char *path, uint64_t session) {
    return (struct pupil_visitor){
        .path = path, .query = "", .network = 5000 + session, .session = session};
}

// A page whose HTML has these links, NULL behind the last.
static void page(struct pupil *p, struct pupil_visitor v, const char *const *links) {
    struct evidence_item items[MAX_ITEMS];
    size_t n = 0;
    for (; links[n]; n++) {
        assert_true(n < MAX_ITEMS);
        items[n] = (struct evidence_item){.kind = EVIDENCE_HTML, .text = span_str(links[n])};
    }
    p->now_ms += 1000;
    pupil_page(p, &v, items, n);
}

#define PAGE(p, v, ...) page(p, v, (const char *const[]){__VA_ARGS__, NULL})

// One asset request after a navigation.
static struct evidence_item fetch(const char *path, enum hint_as as, uint8_t flags) {
    return (struct evidence_item){.kind = EVIDENCE_FETCH,
                                  .flags = (uint8_t)(EVIDENCE_ANSWERED | flags),
                                  .as = (uint8_t)as,
                                  .asked_ms = 80,
                                  .done_ms = 120,
                                  .text = span_str(path)};
}

static void visit(struct pupil *p, struct pupil_visitor v, const struct evidence_item *items,
                  size_t n) {
    p->now_ms += 1000;
    pupil_visit(p, &v, 0, items, n);
}

// What the visitor is offered: the targets in their order.
static const char *offered(struct pupil *p, struct pupil_visitor v) {
    static char texts[2][4096];
    static unsigned turn;
    char *text = texts[++turn % 2];
    const struct plan *plan = pupil_plan(p, &v);
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; plan && i < plan->hints_n; i++) {
        n += (size_t)snprintf(text + n, sizeof texts[0] - n, "%s%.*s", i ? " " : "",
                              SPAN_ARG(plan->hints[i].target));
    }
    return text;
}

static void another_users_asset_is_hinted_to_nobody(void **state) {
    struct pupil *p = *state;
    for (int i = 0; i < 300; i++) {
        PAGE(p, member("/account/", 1), STYLE, "</members/1/own.css>; rel=preload; as=style");
        PAGE(p, member("/account/", 2), STYLE, "</members/2/own.css>; rel=preload; as=style");
    }
    for (uint64_t session = 1; session <= 9; session++) {
        const char *text = offered(p, member("/account/", session));
        assert_null(strstr(text, "members"));
    }
    assert_string_equal(offered(p, anybody("/account/", 77)), "");
}

static void a_session_that_moves_through_many_networks_is_still_one(void **state) {
    struct pupil *p = *state;
    for (uint64_t i = 0; i < 300; i++) {
        struct pupil_visitor v = member("/account/", 1);
        v.network = 100 + i;
        PAGE(p, v, STYLE, "</members/1/own.css>; rel=preload; as=style");
    }
    assert_string_equal(offered(p, member("/account/", 2)), "");
}

static void what_three_sessions_share_is_hinted_to_sessions_alone(void **state) {
    struct pupil *p = *state;
    static const char bar[] = "</core/admin-bar.css>; rel=preload; as=style";
    PAGE(p, anybody("/", 1), STYLE);
    PAGE(p, member("/", 1), STYLE, bar);
    PAGE(p, member("/", 2), STYLE, bar);
    assert_null(strstr(offered(p, member("/", 9)), "admin-bar"));
    PAGE(p, member("/", 3), STYLE, bar);
    assert_non_null(strstr(offered(p, member("/", 9)), "/core/admin-bar.css"));
    assert_string_equal(offered(p, anybody("/", 2)), "/a.css");
    for (uint64_t i = 0; i < 200; i++) {
        PAGE(p, member("/", 10 + i), STYLE, bar);
    }
    assert_string_equal(offered(p, anybody("/", 2)), "/a.css");
    assert_string_equal(offered(p, anybody("/unknown/", 2)), "");
}

static void a_private_page_teaches_after_three_networks(void **state) {
    struct pupil *p = *state;
    struct pupil_visitor v = anybody("/cart/", 1);
    v.is_private = true;
    for (int i = 0; i < 200; i++) {
        v.network = 1 + (uint64_t)(i % 2);
        PAGE(p, v, STYLE, i % 2 ? "</cart/1.css>; rel=preload; as=style" : SCRIPT);
    }
    assert_string_equal(offered(p, anybody("/cart/", 9)), "");
    for (v.network = 3; v.network <= 5; v.network++) {
        PAGE(p, v, STYLE);
    }
    assert_string_equal(offered(p, anybody("/cart/", 9)), "/a.css");
}

static void private_assets_of_private_pages_stay_private(void **state) {
    struct pupil *p = *state;
    for (uint64_t i = 1; i <= 300; i++) {
        char own[64];
        struct pupil_visitor v = anybody("/cart/", i % 60 + 1);
        v.is_private = true;
        snprintf(own, sizeof own, "</cart/of-%u.css>; rel=preload; as=style", (unsigned)v.network);
        PAGE(p, v, STYLE, own);
        assert_null(strstr(offered(p, anybody("/cart/", 999)), "of-"));
        assert_null(strstr(offered(p, anybody("/basket/", 999)), "of-"));
    }
    assert_string_equal(offered(p, anybody("/cart/", 999)), "/a.css");
}

// A response with one item, as a worker tells it.
static void tell(struct pupil *p, struct pupil_visitor v, uint8_t flags,
                 const struct evidence_item *item) {
    uint8_t key[ROUTE_KEY_MAX], bytes[EVIDENCE_MAX];
    bool is_clean;
    struct route_parts parts = {.site = SPAN(PUPIL_SITE), .path = span_str(v.path)};
    struct evidence_writer w;
    struct evidence e = {.kind = EVIDENCE_PAGE,
                         .flags = flags,
                         .status = 200,
                         .at_ms = p->now_ms,
                         .who = v.network,
                         .network = v.network,
                         .scheme = SPAN("https"),
                         .authority = SPAN(PUPIL_SITE),
                         .target = span_str(v.path)};
    e.key = route_key(key, &parts, &is_clean);
    assert_true(evidence_begin(&w, &e, bytes, sizeof bytes) && evidence_put(&w, item));
    assert_true(evidence_decode(&e, span_of(bytes, evidence_end(&w))));
    learner_put(p->l, &e, p->now_ms);
}

static void what_was_private_stays_so_behind_a_response_that_was_cut(void **state) {
    struct pupil *p = *state;
    struct pupil_visitor v = anybody("/cart/", 1);
    struct evidence_item style = {.kind = EVIDENCE_HTML, .text = SPAN(STYLE)};
    v.is_private = true;
    PAGE(p, v, "</cart/own.css>; rel=preload; as=style");
    tell(p, v, EVIDENCE_CUT, &style);
    pupil_asset(p, "/cart/own.css", HINT_AS_STYLE, 200);
    assert_null(strstr(offered(p, anybody("/cart/", 9)), "own"));
}

static const struct hint_policy *with_policies(void *self, struct span site) {
    static const struct hint_policy policy = {.has_policy = true};
    (void)self;
    (void)site;
    return &policy;
}

static void view_with_policy(struct pupil *p, struct pupil_visitor v, const char *policy) {
    struct evidence_item items[] = {{.kind = EVIDENCE_POLICY, .text = span_str(policy)},
                                    {.kind = EVIDENCE_HTML, .text = SPAN(STYLE)}};
    p->now_ms += 1000;
    pupil_page(p, &v, items, 2);
}

static bool says_policy(const struct pupil *p, struct pupil_visitor v) {
    const struct plan *plan = pupil_plan(p, &v);
    const struct response *r = plan_response(plan, DIALECT_FIREFOX);
    return r != NULL && pairs_find(&r->fields, SPAN("content-security-policy")) != NULL;
}

static void the_policy_of_one_users_page_is_repeated_to_nobody(void **state) {
    (void)state;
    static const char own[] = "content-security-policy: style-src 'self' https://alice.example";
    struct pupil pupil;
    pupil_init(&pupil, (struct learner_conf){.find_policy = with_policies});
    for (uint64_t i = 1; i <= 12; i++) {
        struct pupil_visitor v = anybody("/cart/", i % 4);
        v.is_private = true;
        view_with_policy(&pupil, v, own);
        view_with_policy(&pupil, member("/account/", i % 4), own);
        view_with_policy(&pupil, anybody("/", i % 4), own);
    }
    assert_false(says_policy(&pupil, anybody("/cart/", 99)));
    assert_false(says_policy(&pupil, member("/account/", 99)));
    assert_true(says_policy(&pupil, anybody("/", 99)));
    pupil_fini(&pupil);
}

// A page that five networks know, with a font that only requests revealed.
static void known(struct pupil *p, const char *path) {
    struct evidence_item items[] = {fetch("/a.css", HINT_AS_STYLE, 0),
                                    fetch("/a.js", HINT_AS_SCRIPT, 0),
                                    fetch("/a.woff2", HINT_AS_FONT, 0)};
    struct evidence_item html[] = {{.kind = EVIDENCE_HTML, .text = SPAN_INIT(STYLE)},
                                   {.kind = EVIDENCE_HTML, .text = SPAN_INIT(SCRIPT)},
                                   {.kind = EVIDENCE_FONT, .text = SPAN_INIT("/a.woff2")}};
    for (uint64_t network = 1; network <= 5; network++) {
        struct pupil_visitor v = anybody(path, network);
        p->now_ms += 1000;
        pupil_page(p, &v, html, 3);
        visit(p, v, items, 3);
    }
}

static void keep(char *copy, const char *text) {
    snprintf(copy, 256, "%s", text);
}

static void a_font_is_hinted_after_three_networks_asked_for_it(void **state) {
    struct pupil *p = *state;
    struct evidence_item cold[] = {fetch("/a.css", HINT_AS_STYLE, 0),
                                   fetch("/a.woff2", HINT_AS_FONT, 0)};
    struct evidence_item html[] = {{.kind = EVIDENCE_HTML, .text = SPAN_INIT(STYLE)},
                                   {.kind = EVIDENCE_FONT, .text = SPAN_INIT("/a.woff2")}};
    for (uint64_t i = 0; i <= 100; i++) {
        struct pupil_visitor v = anybody("/", i < 100 ? 1 + i % 2 : 3);
        assert_null(strstr(offered(p, anybody("/", 9)), "woff2"));
        pupil_page(p, &v, html, 2);
        visit(p, v, cold, 2);
    }
    assert_string_equal(offered(p, anybody("/", 9)), "/a.css /a.woff2");
}

static void a_hundred_thousand_forged_requests_change_nothing(void **state) {
    struct pupil *p = *state;
    char before[256];
    struct evidence_item items[MAX_ITEMS];
    char paths[MAX_ITEMS][32];
    known(p, "/");
    PAGE(p, anybody("/media/", 1), "</heavy-0.js>; rel=preload; as=script",
         "</heavy-1.js>; rel=preload; as=script");
    for (size_t i = 0; i < MAX_ITEMS; i++) {
        snprintf(paths[i], sizeof paths[i], i % 4 ? "/heavy-%u.js" : "/heavy-%u.woff2",
                 (unsigned)i);
        items[i] = fetch(paths[i], i % 4 ? HINT_AS_SCRIPT : HINT_AS_FONT, 0);
    }
    keep(before, offered(p, anybody("/", 99)));
    assert_string_equal(before, "/a.css /a.js /a.woff2");
    for (int i = 0; i < 100000; i++) {
        struct pupil_visitor v = anybody("/", EVIL);
        p->now_ms += 10;
        pupil_visit(p, &v, i % 3 ? 0 : EVIDENCE_HELD, items, 1 + (size_t)i % MAX_ITEMS);
        if (i % 1000 == 0) {
            assert_string_equal(offered(p, anybody("/", 99)), before);
        }
    }
    assert_string_equal(offered(p, anybody("/", 99)), before);
    assert_string_equal(offered(p, anybody("/another/", 99)), "");
}

// A font drops out of a plan when cold visitors do not ask for it. One network is one visitor.
static void one_network_that_asks_for_nothing_removes_nothing(void **state) {
    struct pupil *p = *state;
    struct evidence_item all_but_font[] = {fetch("/a.css", HINT_AS_STYLE, 0),
                                           fetch("/a.js", HINT_AS_SCRIPT, 0)};
    known(p, "/");
    for (int i = 0; i < 10000; i++) {
        visit(p, anybody("/", EVIL), all_but_font, i % 3);
    }
    assert_string_equal(offered(p, anybody("/", 99)), "/a.css /a.js /a.woff2");
}

static void one_network_that_is_given_another_page_changes_nothing(void **state) {
    struct pupil *p = *state;
    known(p, "/");
    for (int i = 0; i < 5000; i++) {
        char link[64];
        snprintf(link, sizeof link, "</evil-%d.css>; rel=preload; as=style", i % 50);
        PAGE(p, anybody("/", EVIL), "</evil.css>; rel=preload; as=style", link);
        assert_string_equal(offered(p, anybody("/", 99)), "/a.css /a.js /a.woff2");
    }
}

static void one_network_that_is_refused_stops_no_hints(void **state) {
    struct pupil *p = *state;
    static const uint16_t statuses[] = {302, 404, 403, 429, 500};
    known(p, "/");
    for (int i = 0; i < 5000; i++) {
        struct pupil_visitor v = anybody("/", EVIL);
        p->now_ms += 1000;
        pupil_failed(p, &v, statuses[i % 5]);
        assert_string_equal(offered(p, anybody("/", 99)), "/a.css /a.js /a.woff2");
    }
}

static void a_route_that_fails_for_all_is_hinted_to_nobody(void **state) {
    struct pupil *p = *state;
    known(p, "/");
    for (uint64_t network = 1; network <= 40; network++) {
        struct pupil_visitor v = anybody("/", network);
        p->now_ms += 1000;
        pupil_failed(p, &v, 302);
    }
    assert_string_equal(offered(p, anybody("/", 99)), "");
}

static void who_came_first_is_outvoted(void **state) {
    struct pupil *p = *state;
    for (int i = 0; i < 1000; i++) {
        PAGE(p, anybody("/new/", EVIL), STYLE, "</evil.css>; rel=preload; as=style");
    }
    for (uint64_t network = 1; network <= 4; network++) {
        PAGE(p, anybody("/new/", network), STYLE);
    }
    assert_string_equal(offered(p, anybody("/new/", 99)), "/a.css");
}

static void one_network_cannot_flood_a_pattern_with_children(void **state) {
    struct pupil *p = *state;
    char path[64];
    for (uint64_t i = 1; i <= 12; i++) {
        snprintf(path, sizeof path, "/product/thing-%u/", (unsigned)i);
        PAGE(p, anybody(path, i), STYLE, SCRIPT);
    }
    assert_string_equal(offered(p, anybody("/product/never-seen/", 99)), "/a.css /a.js");
    for (int i = 0; i < 20000; i++) {
        snprintf(path, sizeof path, "/product/evil-%d/", i);
        PAGE(p, anybody(path, EVIL), "</evil.css>; rel=preload; as=style");
        if (i % 500 == 0) {
            assert_string_equal(offered(p, anybody("/product/never-seen/", 99)), "/a.css /a.js");
        }
    }
    assert_string_equal(offered(p, anybody("/product/never-seen/", 99)), "/a.css /a.js");
    assert_null(strstr(offered(p, anybody("/elsewhere/", 99)), "evil"));
}

// Whoever is alone with a folder teaches it; others need not agree to that for long.
static void one_network_keeps_no_pattern_against_two_others(void **state) {
    struct pupil *p = *state;
    char path[64];
    for (int i = 0; i < 5000; i++) {
        snprintf(path, sizeof path, "/product/evil-%d/", i);
        PAGE(p, anybody(path, EVIL), "</evil.css>; rel=preload; as=style");
    }
    PAGE(p, anybody("/product/a/", 1), STYLE);
    PAGE(p, anybody("/product/b/", 2), STYLE, SCRIPT);
    assert_string_equal(offered(p, anybody("/product/a/", 99)), "/a.css");
    assert_null(strstr(offered(p, anybody("/product/never-seen/", 99)), "evil"));
    assert_null(strstr(offered(p, anybody("/elsewhere/", 99)), "evil"));
}

static void urls_of_one_time_or_one_user_are_no_hints(void **state) {
    struct pupil *p = *state;
    static const char *const links[] = {
        "</f.css?token=9f8e7d6c5b4a39281706f5e4d3c2b1a0>; rel=preload; as=style",
        "</f.css?_wpnonce=3c1f8a77de>; rel=preload; as=style",
        "</f.js?X-Amz-Signature=3b1c9f8e7d6c5b4a39281706f5e4d3c2>; rel=preload; as=script",
        "</f.js?Expires=1790000999&Signature=abcDEF123&Key-Pair-Id=K1>; rel=preload; as=script",
        "</f.css?PHPSESSID=8b1a9953c4611296a827abf8c47804d7>; rel=preload; as=style",
        "</style.css?ver=6.1>; rel=preload; as=style",
        NULL};
    for (uint64_t network = 1; network <= 12; network++) {
        page(p, anybody("/", network), links);
    }
    assert_string_equal(offered(p, anybody("/", 99)), "/style.css?ver=6.1");
}

#define AGGREGATE "/css_x.css?delta=0&include=eJxdjcEOwjAIhl9o2R5hr9C4bwAdjW2pQJf59hJv"

// Everybody is given and fetches it: a fingerprint, not a secret.
static void what_may_be_a_secret_is_hinted_once_networks_were_given_and_fetched_it(void **state) {
    struct pupil *p = *state;
    struct evidence_item fetched[] = {fetch(AGGREGATE, HINT_AS_STYLE, 0),
                                      fetch("/a.css", HINT_AS_STYLE, 0)};
    for (uint64_t network = 1; network <= 3; network++) {
        assert_null(strstr(offered(p, anybody("/", 99)), "include"));
        PAGE(p, anybody("/", network), STYLE, "<" AGGREGATE ">; rel=preload; as=style");
        visit(p, anybody("/", network), fetched, 2);
    }
    assert_string_equal(offered(p, anybody("/", 99)), "/a.css " AGGREGATE);
}

static void what_may_be_a_secret_and_nobody_fetches_is_no_hint(void **state) {
    struct pupil *p = *state;
    for (uint64_t network = 1; network <= 12; network++) {
        PAGE(p, anybody("/", network), STYLE, "<" AGGREGATE ">; rel=preload; as=style");
        visit(p, anybody("/", network), (struct evidence_item[]){fetch("/a.css", HINT_AS_STYLE, 0)},
              1);
    }
    assert_string_equal(offered(p, anybody("/", 99)), "/a.css");
}

// By a cookie, in his own way for each: a stylesheet of his, an upload's folder, a link to reset a
// password.
static void what_differs_by_user_is_hinted_to_nobody(void **state) {
    static const char *const forms[] = {"/user.css?k=%s", "/user.css?%s", "/user.css?_=%s",
                                        "/reset/%s%s/a.css", "/p/theme.css?include=%s%s"};
    struct pupil *p = *state;
    for (unsigned user = 0; user < 40; user++) {
        char id[33], urls[5][120], links[5][160];
        const char *all[7] = {STYLE};
        struct evidence_item fetched[6] = {fetch("/a.css", HINT_AS_STYLE, 0)};
        snprintf(id, sizeof id, "%08xZk3nX0b9yQ1m%08xaB", user * 2654435761u, user * 40503u + 77);
        for (size_t i = 0; i < 5; i++) {
            int n = snprintf(urls[i], sizeof urls[i], forms[i], id, id);
            assert_in_range(n, 1, sizeof urls[i] - 1);
            n = snprintf(links[i], sizeof links[i], "<%s>; rel=preload; as=style", urls[i]);
            assert_in_range(n, 1, sizeof links[i] - 1);
            all[i + 1] = links[i];
            fetched[i + 1] = fetch(urls[i], HINT_AS_STYLE, 0);
        }
        // The first half come from four networks each.
        for (uint64_t network = 0; network < (user < 20 ? 4 : 1); network++) {
            struct pupil_visitor v = anybody("/", 100 + 4 * user + network);
            v.user = 1000 + user;
            v.is_private = v.is_named = true;
            page(p, v, all);
            visit(p, v, fetched, 6);
            assert_null(strstr(offered(p, anybody("/", 9999)), "Zk3nX0b9yQ1m"));
        }
    }
    assert_string_equal(offered(p, anybody("/", 9999)), "/a.css");
}

// They take no more than their part of a route's places.
static void urls_that_are_new_each_time_push_nothing_out(void **state) {
    struct pupil *p = *state;
    for (unsigned view = 0; view < 60; view++) {
        char links[MAX_ITEMS][80];
        const char *all[MAX_ITEMS + 1] = {NULL};
        for (unsigned i = 0; i < 30; i++) {
            snprintf(links[i], sizeof links[i], "</p%u.css?_=%u>; rel=preload; as=style", i, view);
            all[i] = links[i];
        }
        page(p, anybody("/", 1 + view), all);
    }
    PAGE(p, anybody("/", 100), STYLE);
    PAGE(p, anybody("/", 101), STYLE);
    PAGE(p, anybody("/", 102), STYLE, SCRIPT);
    PAGE(p, anybody("/", 103), STYLE, SCRIPT);
    assert_non_null(strstr(offered(p, anybody("/", 999)), "/a.css"));
}

// A visit is told when it is over. What was hinted meanwhile to others says nothing about it.
static void visits_that_end_together_count_as_they_were(void **state) {
    struct pupil *p = *state;
    struct evidence_item cold[] = {fetch("/a.css", HINT_AS_STYLE, EVIDENCE_WAS_HINTED),
                                   fetch("/a.woff2", HINT_AS_FONT, 0)};
    struct evidence_item html[] = {{.kind = EVIDENCE_HTML, .text = SPAN_INIT(STYLE)},
                                   {.kind = EVIDENCE_FONT, .text = SPAN_INIT("/a.woff2")}};
    for (uint64_t network = 1; network <= 6; network++) {
        struct pupil_visitor v = anybody("/", network);
        pupil_page(p, &v, html, 2);
    }
    for (uint64_t network = 1; network <= 6; network++) {
        struct pupil_visitor v = anybody("/", network);
        pupil_visit(p, &v, EVIDENCE_HINTED, cold, 2);
    }
    assert_string_equal(offered(p, anybody("/", 99)), "/a.css /a.woff2");
}

static void what_we_hinted_ourselves_proves_nothing(void **state) {
    struct pupil *p = *state;
    struct evidence_item hinted[] = {fetch("/a.css", HINT_AS_STYLE, EVIDENCE_WAS_HINTED),
                                     fetch("/b.woff2", HINT_AS_FONT, EVIDENCE_WAS_HINTED)};
    struct evidence_item asked[] = {fetch("/a.css", HINT_AS_STYLE, 0),
                                    fetch("/b.woff2", HINT_AS_FONT, 0)};
    struct evidence_item html[] = {{.kind = EVIDENCE_HTML, .text = SPAN_INIT(STYLE)},
                                   {.kind = EVIDENCE_FONT, .text = SPAN_INIT("/b.woff2")}};
    for (uint64_t network = 1; network <= 100; network++) {
        struct pupil_visitor v = anybody("/", network);
        pupil_page(p, &v, html, 2);
        p->now_ms += 1000;
        pupil_visit(p, &v, EVIDENCE_HINTED, network <= 2 ? asked : hinted, 2);
    }
    assert_string_equal(offered(p, anybody("/", 999)), "/a.css");
}

static void a_hint_that_only_our_hints_keep_asking_for_goes(void **state) {
    struct pupil *p = *state;
    struct evidence_item items[] = {fetch("/a.css", HINT_AS_STYLE, EVIDENCE_WAS_HINTED),
                                    fetch("/a.js", HINT_AS_SCRIPT, EVIDENCE_WAS_HINTED)};
    for (uint64_t network = 1; network <= 5; network++) {
        PAGE(p, anybody("/", network), STYLE, SCRIPT);
    }
    for (uint64_t network = 10; network <= 20; network++) {
        struct pupil_visitor v = anybody("/", network);
        PAGE(p, v, STYLE);
        p->now_ms += 1000;
        pupil_visit(p, &v, EVIDENCE_HINTED, items, 2);
    }
    assert_string_equal(offered(p, anybody("/", 999)), "/a.css");
}

// Nobody but a request knows what became of the script.
static bool look_up_all_but_the_script(void *self, struct span path, struct evidence *asset) {
    (void)self;
    (void)asset;
    return !span_eq(path, SPAN("/a.js"));
}

static void an_asset_that_is_gone_is_hinted_nowhere(void **state) {
    struct pupil *p = *state;
    p->look_up = look_up_all_but_the_script;
    pupil_asset(p, "/a.js", HINT_AS_SCRIPT, 200);
    static const uint16_t statuses[] = {404, 410, 500, 302};
    char path[32];
    for (size_t s = 0; s < 4; s++) {
        for (unsigned i = 0; i < 30; i++) {
            snprintf(path, sizeof path, "/p%u/%u/", i % 3, i);
            PAGE(p, anybody(path, i + 1), STYLE, SCRIPT);
            assert_string_equal(offered(p, anybody(path, 99)), "/a.css /a.js");
        }
        pupil_asset(p, "/a.js", HINT_AS_NONE, statuses[s]);
        for (unsigned i = 0; i < 30; i++) {
            snprintf(path, sizeof path, "/p%u/%u/", i % 3, i);
            assert_string_equal(offered(p, anybody(path, 99)), "/a.css");
        }
        assert_null(strstr(offered(p, anybody("/p1/never-seen/", 99)), "/a.js"));
        PAGE(p, anybody("/p1/never-seen/", 1), STYLE, SCRIPT); // pages go on to ask for it
        assert_string_equal(offered(p, anybody("/p1/never-seen/", 99)), "/a.css");
        pupil_asset(p, "/a.js", HINT_AS_SCRIPT, 200);
        PAGE(p, anybody("/p1/1/", 2), STYLE, SCRIPT);
        assert_string_equal(offered(p, anybody("/p1/1/", 99)), "/a.css /a.js");
    }
}

struct renewal {
    const char *name, *old, *young, *old_target, *young_target;
};

static const struct renewal renewals[] = {
    {"?ver=", "</s.css?ver=1>; rel=preload; as=style", "</s.css?ver=2>; rel=preload; as=style",
     "/s.css?ver=1", "/s.css?ver=2"},
    {"a hash in the name", "</build/app.3f9a1c2e.css>; rel=preload; as=style",
     "</build/app.b07d44f1.css>; rel=preload; as=style", "/build/app.3f9a1c2e.css",
     "/build/app.b07d44f1.css"},
};

static void a_new_version_replaces_the_old_one_everywhere(void **state) {
    struct pupil *p = *state;
    char path[32];
    for (size_t r = 0; r < sizeof renewals / sizeof renewals[0]; r++) {
        for (unsigned i = 0; i < 20; i++) {
            snprintf(path, sizeof path, "/p%u/%u/", (unsigned)r, i);
            PAGE(p, anybody(path, i + 1), STYLE, renewals[r].old);
            PAGE(p, anybody(path, i + 2), STYLE, renewals[r].old);
            assert_true(
                pupil_hints(p, &(struct pupil_visitor){.path = path, .query = "", .network = 99},
                            renewals[r].old_target));
        }
        snprintf(path, sizeof path, "/p%u/0/", (unsigned)r);
        PAGE(p, anybody(path, 50), STYLE, renewals[r].young);
        PAGE(p, anybody(path, 51), STYLE, renewals[r].young);
        for (unsigned i = 0; i < 20; i++) {
            snprintf(path, sizeof path, "/p%u/%u/", (unsigned)r, i);
            struct pupil_visitor v = anybody(path, 99);
            assert_false(pupil_hints(p, &v, renewals[r].old_target));
            assert_true(pupil_hints(p, &v, "/a.css"));
        }
        snprintf(path, sizeof path, "/p%u/0/", (unsigned)r);
        assert_true(pupil_hints(p,
                                &(struct pupil_visitor){.path = path, .query = "", .network = 99},
                                renewals[r].young_target));
    }
}

static void a_version_that_one_network_made_up_replaces_nothing(void **state) {
    struct pupil *p = *state;
    for (uint64_t network = 1; network <= 5; network++) {
        PAGE(p, anybody("/", network), STYLE, renewals[0].old);
        PAGE(p, anybody("/b/", network), STYLE, renewals[0].old);
    }
    for (int i = 0; i < 100; i++) {
        PAGE(p, anybody("/b/", EVIL), STYLE, renewals[0].young);
        assert_string_equal(offered(p, anybody("/", 99)), "/a.css /s.css?ver=1");
        assert_string_equal(offered(p, anybody("/b/", 99)), "/a.css /s.css?ver=1");
        for (uint64_t network = 6; network <= 13; network++) {
            PAGE(p, anybody("/", network), STYLE, renewals[0].old);
            assert_string_equal(offered(p, anybody("/", 99)), "/a.css /s.css?ver=1");
            PAGE(p, anybody("/b/", network), STYLE, renewals[0].old);
        }
        assert_string_equal(offered(p, anybody("/", 99)), "/a.css /s.css?ver=1");
        assert_string_equal(offered(p, anybody("/b/", 99)), "/a.css /s.css?ver=1");
    }
}

static void two_versions_in_one_page_are_two_assets(void **state) {
    struct pupil *p = *state;
    for (uint64_t network = 1; network <= 5; network++) {
        PAGE(p, anybody("/", network), renewals[0].old, renewals[0].young);
    }
    assert_string_equal(offered(p, anybody("/", 99)), "/s.css?ver=1 /s.css?ver=2");
}

static void visitors_with_full_caches_take_nothing_away(void **state) {
    struct pupil *p = *state;
    struct evidence_item html[] = {{.kind = EVIDENCE_HTML, .text = SPAN_INIT(STYLE)},
                                   {.kind = EVIDENCE_HTML, .text = SPAN_INIT(SCRIPT)},
                                   {.kind = EVIDENCE_FONT, .text = SPAN_INIT("/a.woff2")}};
    known(p, "/");
    for (uint64_t network = 100; network < 1100; network++) {
        struct pupil_visitor v = anybody("/", network);
        pupil_page(p, &v, html, 3);
        visit(p, v, NULL, 0);
    }
    assert_string_equal(offered(p, anybody("/", 99)), "/a.css /a.js /a.woff2");
}

// Pages that have the same, so that their pattern is known.
static void siblings(struct pupil *p) {
    char path[64];
    for (uint64_t i = 1; i <= 12; i++) {
        snprintf(path, sizeof path, "/page-%u/", (unsigned)i);
        PAGE(p, anybody(path, i), STYLE, SCRIPT);
    }
}

// What a script answers one client is about that client: a firewall, a cookie.
static void one_network_that_is_refused_an_asset_takes_it_from_nobody(void **state) {
    struct pupil *p = *state;
    p->look_up = look_up_all_but_the_script;
    pupil_asset_to(p, "/a.js", HINT_AS_SCRIPT, 200, 1);
    known(p, "/");
    for (unsigned i = 0; i < 9; i++) {
        pupil_asset_to(p, "/a.js", HINT_AS_NONE, i % 2 ? 403 : 302, EVIL);
        assert_string_equal(offered(p, anybody("/", 99)), "/a.css /a.js /a.woff2");
    }
    pupil_asset_to(p, "/a.js", HINT_AS_NONE, 404, 2);
    assert_string_equal(offered(p, anybody("/", 99)), "/a.css /a.js /a.woff2");
    pupil_asset_to(p, "/a.js", HINT_AS_NONE, 404, 3); // three of five say so
    assert_string_equal(offered(p, anybody("/", 99)), "/a.css /a.woff2");
    pupil_asset_to(p, "/a.js", HINT_AS_SCRIPT, 200, EVIL);
    assert_string_equal(offered(p, anybody("/", 99)), "/a.css /a.woff2");
    pupil_asset_to(p, "/a.js", HINT_AS_SCRIPT, 200, 2);
    PAGE(p, anybody("/", 1), STYLE, SCRIPT);
    assert_string_equal(offered(p, anybody("/", 99)), "/a.css /a.js /a.woff2");
}

// Against eight networks it takes four, and against a young page two.
static void two_networks_remove_and_bring_nothing_among_eight(void **state) {
    struct pupil *p = *state;
    for (uint64_t network = 1; network <= 8; network++) {
        PAGE(p, anybody("/", network), STYLE, SCRIPT);
    }
    for (unsigned i = 0; i < 30; i++) {
        PAGE(p, anybody("/", EVIL + i % 3), "</evil.css>; rel=preload; as=style");
        assert_string_equal(offered(p, anybody("/", 99)), "/a.css /a.js");
    }
}

// Two networks view a dozen pages that have something else each.
static void two_networks_with_many_pages_suppress_no_pattern(void **state) {
    struct pupil *p = *state;
    char path[64];
    siblings(p);
    for (unsigned i = 0; i < 48; i++) {
        snprintf(path, sizeof path, "/evil-%u/x/", i);
        PAGE(p, anybody(path, EVIL + i % 2), "</evil.css>; rel=preload; as=style");
        assert_string_equal(offered(p, anybody("/never-seen/", 99)), "/a.css /a.js");
    }
}

// Pages that give more to an office, which they know by its public address, and say nothing of it.
static void an_offices_assets_leave_its_pages_when_distinct_networks_have_them(void **state) {
    struct pupil *p = *state;
    static const char own[] = "</desk.css>; rel=preload; as=style";
    char path[64];
    for (unsigned i = 1; i <= 24; i++) {
        if (i % 8 == 1) {
            snprintf(path, sizeof path, "/f/other-%u/", i);
            PAGE(p, anybody(path, 9), STYLE);
        }
        snprintf(path, sizeof path, "/f/page-%u/", i);
        PAGE(p, anybody(path, 1 + i % 2), STYLE, own); // two offices
        assert_null(strstr(offered(p, anybody("/f/never-seen/", 99)), "desk"));
        assert_null(strstr(offered(p, anybody("/never-seen/", 99)), "desk"));
    }
    for (unsigned i = 1; i <= 24; i++) { // others are given it, too
        snprintf(path, sizeof path, "/f/more-%u/", i);
        PAGE(p, anybody(path, 20 + i % 6), STYLE, own);
    }
    assert_non_null(strstr(offered(p, anybody("/f/never-seen/", 99)), "desk"));
}

// Bytes of the heap that are in use; 0 where the allocator does not say.
static size_t heap(void) {
    return mallinfo2().uordblks;
}

// Paths that nobody asks for again, each `times` times over.
static void flood(struct pupil *p, unsigned from, unsigned to, uint64_t network, int times) {
    static const char *const links[] = {STYLE, SCRIPT, "</404.css>; rel=preload; as=style", NULL};
    char path[64];
    for (unsigned i = from; i < to; i++) {
        uint32_t mixed = i * 2654435761u;
        snprintf(path, sizeof path, "/%08x/%x", mixed, i % 7);
        for (int k = 0; k < times; k++) {
            page(p, anybody(path, network ? network : 10000 + mixed % 5000), links);
        }
    }
}

static void init_small(struct pupil *p) {
    char path[32];
    pupil_init(p, (struct learner_conf){.max_routes = 4096, .max_bytes = 8 << 20});
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(path, sizeof path, "/real/%u/", i % 200);
        PAGE(p, anybody(path, i % 23 + 1), STYLE, "</real.css>; rel=preload; as=style");
    }
    // No pattern would say the same of this one.
    for (uint64_t network = 1; network <= 3; network++) {
        PAGE(p, anybody("/", network), STYLE, "</front.css>; rel=preload; as=style");
    }
}

static void assert_real_pages_are_known(struct pupil *p) {
    char path[32];
    assert_string_equal(offered(p, anybody("/", 99)), "/a.css /front.css");
    for (unsigned i = 0; i < 200; i++) {
        snprintf(path, sizeof path, "/real/%u/", i);
        assert_string_equal(offered(p, anybody(path, 99)), "/a.css /real.css");
    }
}

static void a_million_random_paths_push_nothing_out(void **state) {
    struct pupil p;
    (void)state;
    init_small(&p);
    flood(&p, 0, 100000, EVIL, 1);
    size_t learned = learner_stats(p.l)->bytes, before = heap();
    flood(&p, 100000, 550000, EVIL, 1);
    flood(&p, 550000, 1000000, 0, 1);
    assert_true(learner_stats(p.l)->bytes <= 8 << 20);
    assert_true(learner_stats(p.l)->bytes < learned + learned / 4 + 65536);
    assert_true(heap() < before + before / 4 + 262144);
    assert_true(learner_stats(p.l)->routes + learner_stats(p.l)->patterns <= 4096);
    assert_real_pages_are_known(&p);
    pupil_fini(&p);
}

// What was asked for again is worth more than what was not: who asks for each path twice must not
// gain by that.
static void random_paths_asked_for_twice_push_nothing_out(void **state) {
    struct pupil p;
    (void)state;
    init_small(&p);
    flood(&p, 0, 50000, EVIL, 9);
    assert_real_pages_are_known(&p);
    pupil_fini(&p);
}

// A piece of evidence of a network about a page, with one item, as the learner gets it.
static struct evidence about(const char *path, enum evidence_kind kind, uint64_t network) {
    static uint8_t key[ROUTE_KEY_MAX];
    bool clean;
    struct route_parts parts = {.site = SPAN(PUPIL_SITE), .path = span_str(path)};
    return (struct evidence){.kind = kind,
                             .status = 200,
                             .who = network,
                             .network = network,
                             .scheme = SPAN("https"),
                             .authority = SPAN(PUPIL_SITE),
                             .target = span_str(path),
                             .key = route_key(key, &parts, &clean)};
}

static void put(struct pupil *p, struct evidence *e, const struct evidence_item *item) {
    uint8_t bytes[EVIDENCE_MAX];
    struct evidence_writer w;
    struct evidence read;
    p->now_ms += 1000;
    e->at_ms = p->now_ms;
    assert_true(evidence_begin(&w, e, bytes, sizeof bytes));
    assert_true(evidence_put(&w, item));
    assert_true(evidence_decode(&read, span_of(bytes, evidence_end(&w))));
    learner_put(p->l, &read, p->now_ms);
}

static const struct learner_route *route(struct pupil *p, const char *path) {
    struct evidence e = about(path, EVIDENCE_PAGE, 0);
    return learner_find(p->l, e.key);
}

// A navigation, every fourth held back.
static void take(struct pupil *p, uint64_t network, bool is_held, uint32_t critical_us) {
    struct evidence e = about("/", EVIDENCE_VISIT, network);
    struct evidence_item item = fetch("/a.css", HINT_AS_STYLE, EVIDENCE_WAS_HINTED);
    e.flags = is_held ? EVIDENCE_HELD : EVIDENCE_HINTED;
    e.think_us = 60000;
    e.critical_us = critical_us;
    put(p, &e, &item);
}

static void one_network_that_is_slow_when_hinted_stops_no_hints(void **state) {
    struct pupil *p = *state;
    known(p, "/");
    for (unsigned i = 0; i < 400; i++) {
        bool is_held = i % 4 == 0;
        take(p, EVIL, is_held, is_held ? 100000 + i : 9000000 + i);
        assert_false(route(p, "/")->is_observed);
    }
    for (unsigned i = 0; i < 400; i++) { // and among others, for whom it makes no difference
        bool is_held = i % 4 == 0;
        take(p, i % 2 ? 10 + i % 40 : EVIL, is_held, i % 2 ? 300000 : is_held ? 100 : 9000000);
        assert_false(route(p, "/")->is_observed);
    }
}

static void failed(struct pupil *p, struct pupil_visitor v, uint16_t status) {
    p->now_ms += 1000;
    pupil_failed(p, &v, status);
}

static void a_route_that_never_answered_gets_no_hints_of_its_kind(void **state) {
    struct pupil *p = *state;
    siblings(p);
    assert_string_equal(offered(p, anybody("/wp-admin/", 99)), "/a.css /a.js");
    failed(p, anybody("/wp-admin/", 1), 302);
    assert_string_equal(offered(p, anybody("/wp-admin/", 99)), "/a.css /a.js");
    failed(p, anybody("/wp-admin/", 2), 302);
    assert_string_equal(offered(p, anybody("/wp-admin/", 99)), "");
    for (unsigned i = 0; i < 3; i++) { // a network of which nobody else knows the route
        failed(p, anybody("/moved/", EVIL), 301);
    }
    assert_string_equal(offered(p, anybody("/moved/", 99)), "");
    PAGE(p, anybody("/moved/", 1), STYLE, SCRIPT); // it is answered after all
    assert_string_equal(offered(p, anybody("/moved/", 99)), "/a.css /a.js");
}

static void what_is_not_found_is_not_known_by_that(void **state) {
    struct pupil *p = *state;
    siblings(p);
    size_t routes = learner_stats(p->l)->routes;
    char path[64];
    for (uint64_t i = 1; i <= 100; i++) {
        snprintf(path, sizeof path, "/none-%u/", (unsigned)i);
        failed(p, anybody(path, i), 404);
    }
    assert_int_equal(learner_stats(p->l)->routes, routes);
    assert_string_equal(offered(p, anybody("/none-1/", 99)), "/a.css /a.js");
}

static void a_page_that_redirects_sessions_is_not_hinted_to_them(void **state) {
    struct pupil *p = *state;
    for (uint64_t network = 1; network <= 5; network++) {
        PAGE(p, anybody("/login", network), STYLE);
    }
    assert_string_equal(offered(p, member("/login", 1)), "/a.css");
    for (uint64_t session = 1; session <= 40; session++) {
        failed(p, member("/login", session), 302);
    }
    assert_string_equal(offered(p, member("/login", 99)), "");
    assert_string_equal(offered(p, anybody("/login", 99)), "/a.css");
}

// A stylesheet that a network was given; 0: as it is on the disk.
static void sheet(struct pupil *p, uint64_t network, const char *import) {
    struct evidence e = about("/a.css", EVIDENCE_SHEET, network);
    struct evidence_item item = {.kind = EVIDENCE_IMPORT, .text = span_str(import)};
    e.key = SPAN(PUPIL_SITE);
    put(p, &e, &item);
    pupil_asset(p, import, HINT_AS_STYLE, 200);
}

static void one_answer_of_a_stylesheet_brings_no_import(void **state) {
    struct pupil *p = *state;
    known(p, "/");
    for (unsigned i = 0; i < 9; i++) {
        sheet(p, EVIL, "/evil.css");
    }
    PAGE(p, anybody("/", 1), STYLE, SCRIPT);
    assert_null(strstr(offered(p, anybody("/", 99)), "evil"));
    sheet(p, 1, "/base.css");
    assert_null(strstr(offered(p, anybody("/", 99)), "base"));
    sheet(p, 2, "/base.css");
    assert_non_null(strstr(offered(p, anybody("/", 99)), "/base.css"));
    sheet(p, EVIL, "/evil.css");
    assert_null(strstr(offered(p, anybody("/", 99)), "evil"));
    sheet(p, 0, "/disk.css");
    assert_non_null(strstr(offered(p, anybody("/", 99)), "/disk.css"));
    assert_null(strstr(offered(p, anybody("/", 99)), "/base.css"));
}

static void page_with_policy(struct pupil *p, struct pupil_visitor v, const char *policy) {
    struct evidence_item items[] = {{.kind = EVIDENCE_POLICY, .text = span_str(policy)},
                                    {.kind = EVIDENCE_HTML, .text = SPAN(STYLE)}};
    p->now_ms += 1000;
    pupil_page(p, &v, items, 2);
}

static void one_network_that_is_given_another_policy_changes_nothing(void **state) {
    struct pupil *p = *state;
    static const char none[] = "content-security-policy: default-src 'none'";
    for (uint64_t network = 1; network <= 5; network++) {
        page_with_policy(p, anybody("/", network), "content-security-policy: default-src 'self'");
    }
    for (unsigned i = 0; i < 9; i++) {
        page_with_policy(p, anybody("/", EVIL), none);
        assert_string_equal(offered(p, anybody("/", 99)), "/a.css");
    }
    page_with_policy(p, anybody("/", 1), none); // it is the policy now
    assert_string_equal(offered(p, anybody("/", 99)), "");
}

static void think(struct pupil *p, uint64_t network, uint32_t think_us) {
    struct evidence e = about("/", EVIDENCE_PAGE, network);
    struct evidence_item item = {.kind = EVIDENCE_HTML, .text = SPAN(STYLE)};
    e.think_us = think_us;
    put(p, &e, &item);
}

static void one_network_does_not_say_how_fast_a_route_is(void **state) {
    struct pupil *p = *state;
    for (uint64_t network = 1; network <= 5; network++) {
        think(p, network, 60000);
    }
    for (unsigned i = 0; i < 50; i++) {
        think(p, EVIL, 100);
    }
    assert_true(route(p, "/")->think_us > 40000);
    for (unsigned i = 0; i < 50; i++) { // among others who ask now and then
        think(p, i % 2 ? EVIL : 1 + i % 5, i % 2 ? 100 : 60000);
    }
    assert_true(route(p, "/")->think_us > 20000);
    for (unsigned i = 0; i < 50; i++) { // it is fast for all
        think(p, 1 + i % 5, 100);
    }
    assert_true(route(p, "/")->think_us < 1000);
}

static void one_network_that_views_all_siblings_again_changes_no_pattern(void **state) {
    struct pupil *p = *state;
    char path[64];
    siblings(p);
    for (unsigned i = 0; i < 60; i++) {
        snprintf(path, sizeof path, "/page-%u/", 1 + i % 12);
        PAGE(p, anybody(path, EVIL), "</evil.css>; rel=preload; as=style");
        assert_string_equal(offered(p, anybody("/never-seen/", 99)), "/a.css /a.js");
    }
    for (unsigned i = 0; i < 60; i++) { // what all see, and most sites have few visitors
        snprintf(path, sizeof path, "/page-%u/", 1 + i % 12);
        PAGE(p, anybody(path, 20 + i % 5), "</new.css>; rel=preload; as=style");
    }
    assert_string_equal(offered(p, anybody("/never-seen/", 99)), "/new.css");
}

static void one_pages_own_name_is_no_version_of_anothers(void **state) {
    struct pupil *p = *state;
    for (uint64_t network = 1; network <= 4; network++) {
        PAGE(p, anybody("/author/x/", network), STYLE,
             "</css/user-3f2a9c1b.css>; rel=preload; as=style");
    }
    for (unsigned i = 0; i < 9; i++) {
        PAGE(p, anybody("/author/y/", EVIL), STYLE,
             "</css/user-9c1b3f2a.css>; rel=preload; as=style");
    }
    assert_string_equal(offered(p, anybody("/author/x/", 99)), "/a.css /css/user-3f2a9c1b.css");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(another_users_asset_is_hinted_to_nobody),
        TEST(a_session_that_moves_through_many_networks_is_still_one),
        TEST(what_three_sessions_share_is_hinted_to_sessions_alone),
        TEST(a_private_page_teaches_after_three_networks),
        TEST(what_was_private_stays_so_behind_a_response_that_was_cut),
        cmocka_unit_test(the_policy_of_one_users_page_is_repeated_to_nobody),
        TEST(private_assets_of_private_pages_stay_private),
        TEST(a_font_is_hinted_after_three_networks_asked_for_it),
        TEST(a_hundred_thousand_forged_requests_change_nothing),
        TEST(one_network_that_asks_for_nothing_removes_nothing),
        TEST(one_network_that_is_given_another_page_changes_nothing),
        TEST(one_network_that_is_refused_stops_no_hints),
        TEST(a_route_that_fails_for_all_is_hinted_to_nobody),
        TEST(who_came_first_is_outvoted),
        TEST(one_network_cannot_flood_a_pattern_with_children),
        TEST(one_network_keeps_no_pattern_against_two_others),
        TEST(urls_of_one_time_or_one_user_are_no_hints),
        TEST(what_may_be_a_secret_is_hinted_once_networks_were_given_and_fetched_it),
        TEST(what_may_be_a_secret_and_nobody_fetches_is_no_hint),
        TEST(what_differs_by_user_is_hinted_to_nobody),
        TEST(urls_that_are_new_each_time_push_nothing_out),
        TEST(visits_that_end_together_count_as_they_were),
        TEST(what_we_hinted_ourselves_proves_nothing),
        TEST(a_hint_that_only_our_hints_keep_asking_for_goes),
        TEST(an_asset_that_is_gone_is_hinted_nowhere),
        TEST(a_new_version_replaces_the_old_one_everywhere),
        TEST(a_version_that_one_network_made_up_replaces_nothing),
        TEST(two_versions_in_one_page_are_two_assets),
        TEST(visitors_with_full_caches_take_nothing_away),
        TEST(one_network_that_is_refused_an_asset_takes_it_from_nobody),
        TEST(two_networks_remove_and_bring_nothing_among_eight),
        TEST(two_networks_with_many_pages_suppress_no_pattern),
        TEST(an_offices_assets_leave_its_pages_when_distinct_networks_have_them),
        TEST(one_network_that_is_slow_when_hinted_stops_no_hints),
        TEST(a_route_that_never_answered_gets_no_hints_of_its_kind),
        TEST(what_is_not_found_is_not_known_by_that),
        TEST(a_page_that_redirects_sessions_is_not_hinted_to_them),
        TEST(one_answer_of_a_stylesheet_brings_no_import),
        TEST(one_network_that_is_given_another_policy_changes_nothing),
        TEST(one_network_does_not_say_how_fast_a_route_is),
        TEST(one_network_that_views_all_siblings_again_changes_no_pattern),
        TEST(one_pages_own_name_is_no_version_of_anothers),
        cmocka_unit_test(a_million_random_paths_push_nothing_out),
        cmocka_unit_test(random_paths_asked_for_twice_push_nothing_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
