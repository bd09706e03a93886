// SPDX-License-Identifier: MIT
#include "store/sqlite.h"

#include "base/error.h"
#include "learner/route_key.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW UINT64_C(1700000000000)

static char folder[64], path[96];

static int setup(void **state) {
    (void)state;
    // In memory where that is possible: a disk makes each of the many files wait.
    snprintf(folder, sizeof folder, "%s/outrider-store-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/learned.db", folder);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

// ---- making and comparing -----------------------------------------------------------------------

static const struct hint_policy *no_policy(void *self, struct span site) {
    (void)self;
    assert_true(site.n > 0);
    return NULL;
}

static struct store_conf conf_of(uint64_t secret) {
    return (struct store_conf){
        .path = path, .now_ms = NOW, .secret = {secret, ~secret}, .find_policy = no_policy};
}

static struct store *must_open(void) {
    struct store_conf conf = conf_of(1);
    struct store *s;
    char why[STORE_WHY_LEN];
    if (sqlite_open(&s, &conf, why) != 0 || why[0] != 0) {
        fail_msg("%s", why);
    }
    return s;
}

// "site" and "/route" as text; a leading "!" of the route makes it one of sessions.
static struct span key_of(uint8_t *bytes, const char *site, const char *route) {
    bool is_session = route[0] == '!';
    struct span key =
        route_key_read(bytes, span_str(site), is_session, span_str(route + is_session));
    assert_non_null(key.p);
    return key;
}

static struct record_asset asset_of(const char *target, enum hint_as as) {
    return (struct record_asset){
        .hint = {.target = span_str(target),
                 .rel = HINT_PRELOAD,
                 .as = as,
                 .crossorigin = as == HINT_AS_FONT ? HINT_ANONYMOUS : HINT_NO_CORS,
                 .can_push = true},
        .sources = LEARNER_HTML,
        .state = OFFER_ASSET_REUSABLE,
        .reuse = REUSE_OK,
        .lifetime_s = 3600,
        .bytes = 12345,
    };
}

// One that uses every member.
static void record_fill(struct learner_record *r, struct span key) {
    *r = (struct learner_record){.key = key,
                                 .seen = 77,
                                 .first_seen_ms = NOW - 5000,
                                 .last_seen_ms = NOW - 1000,
                                 .think_us = 250000,
                                 .hinted = {9, 1234.5, 99.25},
                                 .held = {3, 5678.25, 0.5},
                                 .assets_n = 3,
                                 .votes_n = 2};
    r->assets[0] = asset_of("/style.css?ver=6.4", HINT_AS_STYLE);
    r->assets[0].hint.priority = HINT_PRIORITY_HIGH;
    r->assets[0].hint.integrity = SPAN("sha384-abc/def+ghi=");
    r->assets[1] = asset_of("/f.woff2", HINT_AS_FONT);
    r->assets[1].hint.type = SPAN("font/woff2");
    r->assets[1].hint.can_push = false;
    r->assets[1].sources = LEARNER_CSS | LEARNER_REQUEST;
    r->assets[1].state = OFFER_ASSET_NOT_REUSABLE;
    r->assets[1].reuse = REUSE_NO_STORE;
    r->assets[2] = (struct record_asset){.hint = {.target = SPAN("https://cdn.example"),
                                                  .rel = HINT_PRECONNECT,
                                                  .crossorigin = HINT_ANONYMOUS},
                                         .sources = LEARNER_LINK};
    r->assets[0].rank = HINT_SET_MAX;
    r->assets[0].is_abandoned = r->assets[0].is_firm = true;
    r->assets[0].born = NOW - 7000;
    r->assets[0].newer = SPAN("/style.css?ver=6.5");
    r->assets[0].imports = SPAN("/a.css /b.css");
    r->assets[1].is_behind = r->assets[1].is_conditional = true;
    r->votes[0] =
        (struct record_vote){UINT64_MAX, 0, NOW - 3000, true, true, false, false, 7, 0, 5};
    r->votes[1] =
        (struct record_vote){1, UINT64_C(1) << 63, NOW - 2000, false, true, true, true, 3, 4, 7};
    r->plan = RECORD_PLAN_KEPT;
    r->csp = SPAN("style-src 'self'");
    r->referrer = SPAN("origin");
    r->origin = SPAN("https://blog.example:8443");
    r->is_policy_new = true;
}

static void expect_asset(const struct record_asset *a, const struct record_asset *b) {
    assert_true(hint_eq(&a->hint, &b->hint));
    assert_int_equal(a->sources, b->sources);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->reuse, b->reuse);
    assert_int_equal(a->lifetime_s, b->lifetime_s);
    assert_int_equal(a->bytes, b->bytes);
    assert_true(a->is_behind == b->is_behind && a->is_conditional == b->is_conditional);
    assert_true(a->rank == b->rank && a->born == b->born);
    assert_true(a->is_abandoned == b->is_abandoned && a->is_firm == b->is_firm);
    assert_true(span_eq(a->newer, b->newer) && span_eq(a->imports, b->imports));
}

static void expect_vote(const struct record_vote *a, const struct record_vote *b) {
    assert_true(a->who == b->who && a->child == b->child && a->at_ms == b->at_ms);
    assert_true(a->is_private == b->is_private && a->has_html == b->has_html);
    assert_true(a->has_fetched == b->has_fetched && a->html == b->html);
    assert_true(a->fetched == b->fetched && a->testable == b->testable);
    assert_int_equal(a->has_failed, b->has_failed);
}

static void expect_record(const struct learner_record *a, const struct learner_record *b) {
    assert_true(span_eq(a->key, b->key));
    assert_true(a->seen == b->seen && a->think_us == b->think_us);
    assert_true(a->first_seen_ms == b->first_seen_ms && a->last_seen_ms == b->last_seen_ms);
    assert_memory_equal(&a->hinted, &b->hinted, sizeof a->hinted);
    assert_memory_equal(&a->held, &b->held, sizeof a->held);
    assert_true(a->plan == b->plan && a->is_policy_new == b->is_policy_new);
    assert_true(span_eq(a->csp, b->csp) && span_eq(a->referrer, b->referrer));
    assert_true(span_eq(a->origin, b->origin));
    assert_int_equal(a->assets_n, b->assets_n);
    assert_int_equal(a->votes_n, b->votes_n);
    for (size_t i = 0; i < a->assets_n; i++) {
        expect_asset(&a->assets[i], &b->assets[i]);
    }
    for (size_t i = 0; i < a->votes_n; i++) {
        expect_vote(&a->votes[i], &b->votes[i]);
    }
}

static void put(struct store *s, const struct learner_record *r) {
    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_put(s, r), 0);
    assert_int_equal(store_commit(s), 0);
}

// A copy that is nobody's any more.
static struct span keep(struct span s) {
    static uint8_t bytes[1 << 20];
    static size_t used;
    used = used + s.n <= sizeof bytes ? used : 0;
    if (s.n > 0) {
        memcpy(bytes + used, s.p, s.n);
    }
    used += s.n;
    return span_of(bytes + used - s.n, s.n);
}

// How many records the store gives; the last one into *out.
static size_t load(struct store *s, struct learner_record *out) {
    static struct learner_record r;
    size_t n = 0;
    enum step step;
    while ((step = store_next(s, &r)) == STEP_ITEM) {
        n++;
        *out = r;
        out->key = keep(r.key);
        out->csp = keep(r.csp);
        out->referrer = keep(r.referrer);
        out->origin = keep(r.origin);
        for (size_t i = 0; i < r.assets_n; i++) {
            struct hint *hint = &out->assets[i].hint;
            out->assets[i].newer = keep(r.assets[i].newer);
            out->assets[i].imports = keep(r.assets[i].imports);
            hint->target = keep(hint->target);
            hint->type = hint->type.n > 0 ? keep(hint->type) : hint->type;
            hint->integrity = hint->integrity.n > 0 ? keep(hint->integrity) : hint->integrity;
        }
    }
    assert_int_equal(step, STEP_MORE);
    return n;
}

static void execute(const char *sql) {
    sqlite3 *db;
    char *why = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fail_msg("%s: %s", sql, why);
    }
    sqlite3_close(db);
}

static int number_of(const char *sql) {
    sqlite3 *db;
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int number = sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return number;
}

// A file with one record, closed.
static void make_one(void) {
    static struct learner_record r;
    uint8_t key[ROUTE_KEY_MAX];
    struct store *s = must_open();
    record_fill(&r, key_of(key, "blog.example", "/2024/"));
    put(s, &r);
    store_close(s);
}

// ---- keeping ------------------------------------------------------------------------------------

static void test_records_come_back_as_they_were_put(void **state) {
    (void)state;
    static const char *const routes[] = {"/",     "/2024/05/caf%C3%A9/", "/2024/*", "!/my/%2A",
                                         "/?s=*", "/page.php?p=7",       "!/"};
    enum { N = sizeof routes / sizeof routes[0] };
    static struct learner_record wanted[N], found;
    static uint8_t keys[N][ROUTE_KEY_MAX];
    struct store *s = must_open();
    for (size_t i = 0; i < N; i++) {
        record_fill(&wanted[i], key_of(keys[i], "blog.example", routes[i]));
        put(s, &wanted[i]);
    }
    store_close(s);
    s = must_open();
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(store_next(s, &found), STEP_ITEM);
        expect_record(&wanted[i], &found);
    }
    assert_int_equal(store_next(s, &found), STEP_MORE);
    assert_int_equal(store_next(s, &found), STEP_MORE);
    assert_int_equal(s->stats.loaded, N);
    assert_int_equal(s->stats.refused, 0);
    store_close(s);
}

static void test_a_record_that_is_put_again_replaces_the_old_one(void **state) {
    (void)state;
    static struct learner_record r, found;
    uint8_t key[ROUTE_KEY_MAX];
    struct store *s = must_open();
    record_fill(&r, key_of(key, "a.example", "/"));
    put(s, &r);
    r.assets_n = 1;
    r.votes_n = 1;
    r.votes[0].html = r.votes[0].testable = 1;
    r.assets[0] = asset_of("/other.css", HINT_AS_STYLE);
    put(s, &r);
    store_close(s);
    s = must_open();
    assert_int_equal(load(s, &found), 1);
    expect_record(&r, &found);
    store_close(s);
    // What no route has any more is swept at the end of a load.
    assert_int_equal(number_of("SELECT count(*) FROM assets"), 1);
    assert_int_equal(number_of("SELECT count(*) FROM hints"), 1);
    assert_int_equal(number_of("SELECT count(*) FROM votes"), 1);
}

static void test_an_asset_is_kept_once_and_its_state_counts_for_all_routes(void **state) {
    (void)state;
    static struct learner_record r, found;
    uint8_t key[ROUTE_KEY_MAX];
    struct store *s = must_open();
    record_fill(&r, key_of(key, "a.example", "/"));
    put(s, &r);
    r.key = key_of(key, "a.example", "/x/");
    r.assets[0].state = OFFER_ASSET_DEAD;
    put(s, &r);
    store_close(s);
    assert_int_equal(number_of("SELECT count(*) FROM assets"), 3);
    s = must_open();
    assert_int_equal(store_next(s, &found), STEP_ITEM);
    assert_int_equal(found.assets[0].state, OFFER_ASSET_DEAD);
    store_close(s);
}

static void test_a_record_that_is_gone_is_dropped(void **state) {
    (void)state;
    static struct learner_record r, found;
    uint8_t key[ROUTE_KEY_MAX];
    struct store *s = must_open();
    record_fill(&r, key_of(key, "a.example", "/"));
    put(s, &r);
    r.is_gone = true;
    put(s, &r);
    put(s, &r); // of nothing
    store_close(s);
    s = must_open();
    assert_int_equal(load(s, &found), 0);
    store_close(s);
    assert_int_equal(number_of("SELECT (SELECT count(*) FROM routes) +"
                               " (SELECT count(*) FROM hints) + (SELECT count(*) FROM votes)"),
                     0);
}

static void test_what_is_cancelled_is_not_kept(void **state) {
    (void)state;
    static struct learner_record r, found;
    uint8_t key[ROUTE_KEY_MAX];
    struct store *s = must_open();
    record_fill(&r, key_of(key, "a.example", "/"));
    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_put(s, &r), 0);
    store_cancel(s);
    store_close(s);
    s = must_open();
    assert_int_equal(load(s, &found), 0);
    store_close(s);
}

static void test_a_killed_process_loses_nothing_that_was_committed(void **state) {
    (void)state;
    static struct learner_record r, found;
    uint8_t key[ROUTE_KEY_MAX];
    char command[200];
    struct store *s = must_open();
    record_fill(&r, key_of(key, "a.example", "/kept/"));
    put(s, &r);
    assert_int_equal(store_begin(s), 0);
    r.key = key_of(key, "a.example", "/lost/");
    assert_int_equal(store_put(s, &r), 0);
    // What a killed process leaves behind: the files as they are now.
    snprintf(command, sizeof command, "cd %s && mkdir then && cp learned.db learned.db-wal then",
             folder);
    assert_int_equal(system(command), 0);
    store_close(s);
    snprintf(path, sizeof path, "%s/then/learned.db", folder);
    s = must_open();
    assert_int_equal(load(s, &found), 1);
    assert_true(span_eq(found.key, key_of(key, "a.example", "/kept/")));
    store_close(s);
}

static void test_the_secret_stays_the_same(void **state) {
    (void)state;
    struct store_conf conf = conf_of(111);
    struct store *s;
    char why[STORE_WHY_LEN];
    assert_int_equal(sqlite_open(&s, &conf, why), 0);
    assert_true(s->secret.k0 == 111 && s->secret.k1 == ~UINT64_C(111));
    store_close(s);
    conf = conf_of(222);
    assert_int_equal(sqlite_open(&s, &conf, why), 0);
    assert_true(s->secret.k0 == 111 && s->secret.k1 == ~UINT64_C(111));
    store_close(s);
}

static void test_only_the_owner_may_read_it(void **state) {
    (void)state;
    static const char *const suffixes[] = {"", "-wal"};
    struct stat st;
    char name[120];
    struct store *s = must_open();
    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        assert_int_equal(stat(name, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    store_close(s);
}

static void test_somebody_who_writes_makes_us_try_again_later(void **state) {
    (void)state;
    sqlite3 *other;
    struct store *s = must_open();
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_begin(s), ERR_STORE);
    assert_false(s->is_damaged);
    assert_non_null(strstr(s->why, "locked"));
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_commit(s), 0);
    store_close(s);
}

static void test_two_cannot_have_it(void **state) {
    (void)state;
    struct store_conf conf = conf_of(1);
    char why[STORE_WHY_LEN];
    struct store *s = must_open(), *other;
    assert_int_equal(sqlite_open(&other, &conf, why), ERR_STORE_IN_USE);
    assert_null(other);
    assert_non_null(strstr(why, "another process"));
    store_close(s);
    store_close(must_open());
}

static void test_a_record_with_too_large_a_value_is_left_out_alone(void **state) {
    (void)state;
    static struct learner_record r, large, found;
    static uint8_t bytes[100000];
    uint8_t key[ROUTE_KEY_MAX], other[ROUTE_KEY_MAX];
    struct store *s = must_open();
    memset(bytes, 'x', sizeof bytes);
    record_fill(&r, key_of(key, "a.example", "/"));
    record_fill(&large, key_of(other, "a.example", "/large/"));
    put(s, &large); // an earlier one, of good size
    large.csp = span_of(bytes, RECORD_POLICY_MAX + 1);
    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_put(s, &large), 0);
    large.csp = span_of(bytes, sizeof bytes);
    assert_int_equal(store_put(s, &large), 0);
    assert_int_equal(store_put(s, &r), 0);
    assert_int_equal(store_commit(s), 0);
    assert_int_equal(s->stats.oversized, 2);
    store_close(s);
    s = must_open();
    assert_int_equal(load(s, &found), 1);
    expect_record(&r, &found);
    assert_int_equal(s->stats.refused, 0);
    store_close(s);
}

static void remove_part(const char *suffix) {
    char name[128];
    snprintf(name, sizeof name, "%s%s", path, suffix);
    assert_int_equal(unlink(name), 0);
}

static void test_a_removed_part_is_noticed_and_loses_nothing_else(void **state) {
    (void)state;
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    static struct learner_record r, found;
    uint8_t key[ROUTE_KEY_MAX];
    record_fill(&r, key_of(key, "a.example", "/"));
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        struct store *s = must_open();
        put(s, &r);
        assert_int_equal(store_place(s), STORE_IN_PLACE);
        remove_part(suffixes[i]);
        assert_int_equal(store_place(s), STORE_REMOVED);
        store_close(s);
        s = must_open(); // an old log does not spoil a new file
        assert_int_equal(load(s, &found), i > 0);
        put(s, &r);
        store_close(s);
    }
}

static void test_a_file_put_in_its_place_is_left_alone(void **state) {
    (void)state;
    static struct learner_record r, found;
    uint8_t key[ROUTE_KEY_MAX];
    char copy[128];
    make_one();
    snprintf(copy, sizeof copy, "%s.copy", path);
    assert_int_equal(rename(path, copy), 0);
    struct store *s = must_open();
    record_fill(&r, key_of(key, "other.example", "/"));
    put(s, &r);
    assert_int_equal(rename(copy, path), 0);
    assert_int_equal(store_place(s), STORE_REPLACED);
    store_close(s);
    s = must_open();
    assert_int_equal(load(s, &found), 1);
    assert_true(span_eq(route_key_site(found.key), SPAN("blog.example")));
    store_close(s);
}

static void test_the_log_is_put_into_the_file_and_used_anew(void **state) {
    (void)state;
    static struct learner_record r, found;
    uint8_t key[ROUTE_KEY_MAX];
    struct stat st;
    char route[32], log[120];
    int tidied = 0;
    struct store *s = must_open();
    snprintf(log, sizeof log, "%s-wal", path);
    for (int i = 0; i < 3000; i++) {
        snprintf(route, sizeof route, "/%d/", i);
        record_fill(&r, key_of(key, "a.example", route));
        put(s, &r);
        if (store_wants_tidy(s)) {
            assert_int_equal(store_tidy(s), 0);
            tidied++;
        }
    }
    assert_in_range(tidied, 2, 3000);
    assert_int_equal(stat(log, &st), 0);
    assert_in_range(st.st_size, 1, 6 << 20); // without tidying: some 50 MB
    store_close(s);
    s = must_open();
    assert_int_equal(load(s, &found), 3000);
    store_close(s);
}

// ---- versions -----------------------------------------------------------------------------------

// As the first version made it, to the letter, with a record of its time.
static const char version_1[] =
    "CREATE TABLE settings ( -- secret: with which voters are hashed\n"
    "  name TEXT PRIMARY KEY, value BLOB NOT NULL\n"
    ") WITHOUT ROWID;"
    "CREATE TABLE routes ( -- pages, and patterns of pages: those with a * in their route\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  site TEXT NOT NULL, audience TEXT NOT NULL, -- public or session\n"
    "  route TEXT NOT NULL,\n"
    "  seen INTEGER NOT NULL, first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL,\n"
    "  think_us INTEGER NOT NULL,\n"
    "  UNIQUE (site, audience, route)\n"
    ");"
    "CREATE TABLE assets ( -- what hints point at\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  site TEXT NOT NULL, link TEXT NOT NULL,\n"
    "  push INTEGER NOT NULL, -- 0 never, 1 may be, 2 pushed only\n"
    "  state TEXT NOT NULL, -- none, reusable, not_reusable, dead\n"
    "  reuse TEXT NOT NULL, -- why it is not reusable\n"
    "  lifetime_s INTEGER NOT NULL, bytes INTEGER NOT NULL,\n"
    "  UNIQUE (site, link, push)\n"
    ");"
    "CREATE TABLE hints ( -- the assets of a route\n"
    "  route INTEGER NOT NULL, place INTEGER NOT NULL,\n"
    "  asset INTEGER NOT NULL,\n"
    "  sources INTEGER NOT NULL, -- 1 link, 2 html, 4 css, 8 request\n"
    "  PRIMARY KEY (route, place)\n"
    ") WITHOUT ROWID;"
    "CREATE TABLE votes ( -- who needed which of them; html, fetched, testable: bits by place\n"
    "  route INTEGER NOT NULL, place INTEGER NOT NULL,\n"
    "  who INTEGER NOT NULL, child INTEGER NOT NULL, at_ms INTEGER NOT NULL,\n"
    "  is_private INTEGER NOT NULL, has_html INTEGER NOT NULL, has_fetched INTEGER NOT NULL,\n"
    "  html INTEGER NOT NULL, fetched INTEGER NOT NULL, testable INTEGER NOT NULL,\n"
    "  PRIMARY KEY (route, place)\n"
    ") WITHOUT ROWID;"
    "INSERT INTO settings VALUES ('secret', x'000102030405060708090a0b0c0d0e0f');"
    "INSERT INTO routes VALUES (5, 'old.example', 'public', '/old/', 4, 1000, 2000, 300);"
    "INSERT INTO assets VALUES (9, 'old.example', '</a.css>; rel=preload; as=style', 1,"
    " 'reusable', 'ok', 60, 700);"
    "INSERT INTO hints VALUES (5, 0, 9, 2);"
    "INSERT INTO votes VALUES (5, 0, -1, 0, 1500, 0, 1, 0, 1, 0, 1);"
    "PRAGMA application_id = 1330992210; PRAGMA user_version = 1;";

static void make_version_1(void) {
    execute(version_1);
    assert_int_equal(chmod(path, 0600), 0);
}

static void test_a_file_of_version_1_is_brought_up_to_date(void **state) {
    (void)state;
    static struct learner_record found, again;
    make_version_1();
    struct store *s = must_open();
    assert_true(s->secret.k0 == UINT64_C(0x0001020304050607));
    assert_true(s->secret.k1 == UINT64_C(0x08090a0b0c0d0e0f));
    assert_int_equal(load(s, &found), 1);
    assert_int_equal(found.seen, 4);
    assert_int_equal(found.hinted.n, 0);
    assert_int_equal(found.assets_n, 1);
    assert_int_equal(found.votes_n, 1);
    assert_true(found.votes[0].who == UINT64_MAX);
    store_close(s);
    assert_int_equal(number_of("PRAGMA user_version"), 4);
    uint8_t key[ROUTE_KEY_MAX];
    s = must_open();
    assert_int_equal(load(s, &found), 1);
    found.key = key_of(key, "old.example", "/old/");
    found.hinted = (struct learner_outcome){5, 1.5, 2.5};
    found.assets_n = found.votes_n = 0;
    put(s, &found);
    store_close(s);
    s = must_open();
    assert_int_equal(load(s, &again), 1);
    expect_record(&found, &again);
    store_close(s);
}

// As the second version went on from the first, to the letter.
static const char version_2[] =
    "ALTER TABLE routes ADD COLUMN hinted_n INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE routes ADD COLUMN hinted_mean_us REAL NOT NULL DEFAULT 0;"
    "ALTER TABLE routes ADD COLUMN hinted_variance REAL NOT NULL DEFAULT 0;"
    "ALTER TABLE routes ADD COLUMN held_n INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE routes ADD COLUMN held_mean_us REAL NOT NULL DEFAULT 0;"
    "ALTER TABLE routes ADD COLUMN held_variance REAL NOT NULL DEFAULT 0;"
    "CREATE VIEW learned AS\n"
    "  SELECT r.site, r.audience, r.route, r.seen,\n"
    "    datetime(r.last_seen_ms / 1000, 'unixepoch') AS last_seen, h.place, a.link, a.state\n"
    "  FROM routes r JOIN hints h ON h.route = r.id JOIN assets a ON a.id = h.asset;"
    "PRAGMA user_version = 2;";

static void test_a_file_of_version_2_is_brought_up_to_date(void **state) {
    (void)state;
    static struct learner_record found;
    make_version_1();
    execute(version_2);
    struct store *s = must_open();
    assert_int_equal(load(s, &found), 1);
    assert_int_equal(found.assets_n, 1);
    assert_int_equal(found.plan, RECORD_PLAN_JUDGE); // it is found from the votes, as before
    assert_int_equal(found.assets[0].newer.n, 0);
    store_close(s);
    assert_int_equal(number_of("PRAGMA user_version"), 4);
}

// As the third version went on from the second, to the letter.
static const char version_3[] =
    "ALTER TABLE routes ADD COLUMN plan INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE routes ADD COLUMN csp TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE routes ADD COLUMN referrer TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE routes ADD COLUMN origin TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE routes ADD COLUMN is_policy_new INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE assets ADD COLUMN born INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE assets ADD COLUMN is_abandoned INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE assets ADD COLUMN newer TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE assets ADD COLUMN imports TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE hints ADD COLUMN is_behind INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hints ADD COLUMN is_conditional INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hints ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE votes ADD COLUMN has_failed INTEGER NOT NULL DEFAULT 0;"
    "UPDATE routes SET plan = 2;"
    "PRAGMA user_version = 3;";

static void test_a_file_of_version_3_is_brought_up_to_date(void **state) {
    (void)state;
    static struct learner_record found;
    make_version_1();
    execute(version_2);
    execute(version_3);
    struct store *s = must_open();
    assert_int_equal(load(s, &found), 1);
    assert_int_equal(found.plan, RECORD_PLAN_KEPT);
    assert_int_equal(found.assets_n, 1);
    assert_false(found.assets[0].is_firm); // its votes say whether it is
    store_close(s);
    assert_int_equal(number_of("PRAGMA user_version"), 4);
}

static void test_people_can_read_it(void **state) {
    (void)state;
    make_one();
    assert_int_equal(number_of("SELECT count(*) FROM learned WHERE site = 'blog.example' AND"
                               " audience = 'public' AND route = '/2024/' AND link LIKE"
                               " '</style.css?ver=6.4>; rel=preload; as=style%'"
                               " AND state = 'reusable' AND last_seen LIKE '2023-11-14 %'"),
                     1);
}

// ---- files that are not ours --------------------------------------------------------------------

enum fate { LEFT, ASIDE, USED };

static const struct odd {
    const char *name;
    const char *command, *sql; // run by a shell and in the file, which was good before
    enum fate fate;
    const char *why;
} odd_files[] = {
    {"a text file is set aside", "rm -f $F* && echo 'dear diary' > $F", NULL, ASIDE,
     "not a database"},
    {"zeroes are set aside", "rm -f $F* && head -c 8192 /dev/zero > $F", NULL, ASIDE,
     "not a database"},
    {"a truncated file is set aside", "truncate -s 9000 $F", NULL, ASIDE, "malformed"},
    {"an empty file is used", "truncate -s 0 $F", NULL, USED, ""},
    {"the database of another program is left alone", "rm -f $F*",
     "create table posts(a); pragma application_id=7", LEFT, "another program"},
    {"a database that says not whose it is, too", "rm -f $F*", "create table a(b)", LEFT,
     "another program"},
    {"one that has but a version, too", "rm -f $F*", "pragma user_version=5", LEFT,
     "another program"},
    {"a newer version is left alone", "true", "pragma user_version=5", LEFT, "newer"},
    {"no version at all is set aside", "true", "pragma user_version=0", ASIDE, "no version"},
    {"what others may write to is left alone", "chmod 0620 $F", NULL, LEFT, "others may write"},
    {"what is read-only is left alone", "chmod 0400 $F", NULL, LEFT, "read-only"},
    {"a link is left alone", "mv $F $F.real && ln -s $F.real $F", NULL, LEFT, "not a regular file"},
    {"a folder is left alone", "rm $F && mkdir $F", NULL, LEFT, "not a regular file"},
    {"a pipe is left alone", "rm $F && mkfifo $F", NULL, LEFT, "not a regular file"},
    {"a missing secret is set aside", "true", "delete from settings", ASIDE, "no secret"},
    {"a short secret is set aside", "true", "update settings set value = x'00'", ASIDE,
     "no secret"},
    {"a secret that is text is set aside", "true", "update settings set value = '0123456789abcdef'",
     ASIDE, "no secret"},
    {"a trigger on our tables is set aside", "true",
     "create trigger t after insert on routes begin delete from assets; end", ASIDE, "tables"},
    {"an index on our tables is set aside", "true", "create unique index i on routes(seen)", ASIDE,
     "tables"},
    {"a view in place of a table is set aside", "true",
     "drop table votes; create view votes as select * from hints", ASIDE, "tables"},
    {"a table that lacks a column is set aside", "true", "alter table routes drop column held_n",
     ASIDE, "tables"},
    {"a missing table is set aside", "true", "drop table hints", ASIDE, ""},
    {"an old version without its tables is set aside", "true",
     "drop view learned; drop table routes; pragma user_version=1", ASIDE, ""},
    {"a table besides ours does no harm", "true", "create table notes(a); analyze", USED, ""},
};

static void run(const char *command) {
    char whole[600];
    snprintf(whole, sizeof whole, "F=%s; %s", path, command);
    assert_int_equal(system(whole), 0);
}

static void test_odd_file(void **state) {
    const struct odd *row = *state;
    struct store_conf conf = conf_of(1);
    struct store *s;
    char why[STORE_WHY_LEN];
    setup(NULL);
    make_one();
    run(row->command);
    if (row->sql != NULL) {
        execute(row->sql);
        run("chmod 0600 $F");
    }
    run("test ! -f $F || cp -p $F $F-before");
    int err = sqlite_open(&s, &conf, why);
    if ((err != 0) != (row->fate == LEFT) || strstr(why, row->why) == NULL ||
        (why[0] != 0) != (row->fate != USED)) {
        fail_msg("%d: %s", err, why);
    }
    if (row->fate == ASIDE) {
        static struct learner_record r;
        assert_non_null(strstr(why, ".damaged-1700000000000"));
        run("cmp -s $F-before $F.damaged-1700000000000");
        assert_int_equal(load(s, &r), 0);
        record_fill(&r, SPAN("a\0p/x"));
        put(s, &r);
    } else if (row->fate == LEFT) {
        run("test ! -f $F || cmp -s $F-before $F");
        run("test ! -e $F.damaged-1700000000000");
    }
    store_close(s);
    teardown(NULL);
}

static void test_a_missing_folder_is_told(void **state) {
    (void)state;
    struct store_conf conf = conf_of(1);
    struct store *s;
    char why[STORE_WHY_LEN];
    snprintf(path, sizeof path, "%s/missing/learned.db", folder);
    assert_int_equal(sqlite_open(&s, &conf, why), ERR_STORE);
    assert_null(s);
    assert_string_equal(why, strerror(ENOENT));
}

// ---- damage -------------------------------------------------------------------------------------

struct file {
    uint8_t *p;
    size_t n;
};

static struct file read_file(void) {
    struct file f = {malloc(1 << 20), 0};
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    f.n = fread(f.p, 1, 1 << 20, in);
    fclose(in);
    return f;
}

static void write_file(const uint8_t *p, size_t n) {
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(p, 1, n, out), n);
    fclose(out);
}

// Whatever the file holds now: it opens or is set aside, it can be read to its end, and what was
// written to it is there.
static void expect_survival(void) {
    static struct learner_record r, found;
    struct store_conf conf = conf_of(1);
    struct store *s;
    uint8_t key[ROUTE_KEY_MAX];
    char why[STORE_WHY_LEN];
    run("rm -f $F.damaged-* $F-wal $F-shm");
    if (sqlite_open(&s, &conf, why) != 0) {
        // Only because it looks like the file of somebody else.
        assert_true(strstr(why, "another program") != NULL || strstr(why, "newer") != NULL ||
                    strstr(why, "file system") != NULL);
        return;
    }
    enum step step;
    while ((step = store_next(s, &found)) == STEP_ITEM) {
        assert_true(route_key_is_valid(found.key));
    }
    if (step == STEP_MORE && store_begin(s) == 0) {
        record_fill(&r, key_of(key, "new.example", "/new/"));
        if (store_put(s, &r) == 0) {
            assert_int_equal(store_commit(s), 0);
        } else {
            assert_true(s->why[0] != 0);
            store_cancel(s);
        }
    }
    store_close(s);
}

static void test_a_file_cut_anywhere_opens_or_is_set_aside(void **state) {
    (void)state;
    make_one();
    struct file f = read_file();
    for (size_t cut = 0; cut < f.n; cut += cut < 200 ? 7 : 997) {
        write_file(f.p, cut);
        expect_survival();
    }
    for (size_t cut = 4096; cut < f.n; cut += 4096) {
        write_file(f.p, cut);
        expect_survival();
    }
    free(f.p);
}

static void test_a_file_with_wrong_bytes_anywhere_does_no_harm(void **state) {
    (void)state;
    uint32_t seed = 12345;
    make_one();
    struct file f = read_file();
    for (int i = 0; i < 300; i++) {
        for (int k = 0; k < 1 + i % 3; k++) {
            seed = seed * 1664525 + 1013904223;
            // Most of it in the first bytes of a page, where its structure stands.
            size_t at = (seed >> 8) % f.n;
            at = i % 2 == 0 ? at / 4096 * 4096 + at % 128 : at;
            seed = seed * 1664525 + 1013904223;
            f.p[at] ^= (uint8_t)(1 + (seed >> 16) % 255);
        }
        write_file(f.p, f.n);
        expect_survival();
        if (i % 3 == 2) {
            free(f.p);
            run("rm -f $F*");
            make_one();
            f = read_file();
        }
    }
    free(f.p);
}

// ---- values -------------------------------------------------------------------------------------

static const struct hostile {
    const char *name, *sql;
    size_t records, assets, votes; // of the last record; without records none is looked at
} hostile_rows[] = {
    {"nothing wrong", "SELECT 1", 1, 3, 2},
    {"a negative count", "UPDATE routes SET seen = -1", 0, 0, 0},
    {"a count that is text", "UPDATE routes SET seen = 'many'", 0, 0, 0},
    {"a count beyond reason", "UPDATE routes SET seen = 9223372036854775807", 0, 0, 0},
    {"think time beyond 32 bits", "UPDATE routes SET think_us = 4294967296", 0, 0, 0},
    {"an infinite mean", "UPDATE routes SET held_mean_us = 9e999", 0, 0, 0},
    {"a negative variance", "UPDATE routes SET hinted_variance = -1", 0, 0, 0},
    {"a mean that is a blob", "UPDATE routes SET held_mean_us = x'00'", 0, 0, 0},
    {"another audience", "UPDATE routes SET audience = 'everybody'", 0, 0, 0},
    {"an empty site", "UPDATE routes SET site = ''", 0, 0, 0},
    {"a long site", "UPDATE routes SET site = hex(zeroblob(4000))", 0, 0, 0},
    {"a route that does not begin with a slash", "UPDATE routes SET route = 'x/../../etc'", 0, 0,
     0},
    {"a route with a control character", "UPDATE routes SET route = '/%0D%0Ax'", 0, 0, 0},
    {"a route with a zero byte", "UPDATE routes SET route = '/%00x'", 0, 0, 0},
    {"a route that is not text", "UPDATE routes SET route = x'2f78'", 0, 0, 0},
    {"a long route", "UPDATE routes SET route = '/' || hex(zeroblob(9000))", 0, 0, 0},
    {"a second route is read",
     "INSERT INTO routes SELECT 99, 'z', audience, route, 1, 1, 1, 1, 1,"
     " 1, 1, 1, 1, 1, 0, '', '', '', 0 FROM routes",
     2, 0, 0},
    {"an unknown kind of plan", "UPDATE routes SET plan = 3", 0, 0, 0},
    {"a policy that is no text", "UPDATE routes SET csp = x'00', origin = 7", 1, 3, 2},
    {"a rank beyond reason", "UPDATE hints SET rank = 65 WHERE place = 0", 1, 2, 2},
    {"a birth before time", "UPDATE assets SET born = -1 WHERE id = 1", 1, 2, 2},
    {"imports beyond reason", "UPDATE assets SET imports = hex(zeroblob(20000))", 1, 3, 2},
    {"a link that is none", "UPDATE assets SET link = 'x' || id", 1, 0, 2},
    {"a link of another kind",
     "UPDATE assets SET link = '</x' || id || '>; rel=prefetch; as=style'", 1, 0, 2},
    {"two links in one",
     "UPDATE assets SET link = '</a>; rel=preload; as=style, </b>;"
     " rel=preload; as=style' WHERE link LIKE '%style.css%'",
     1, 2, 2},
    {"a link that splits a response",
     "UPDATE assets SET link = '</a' || char(13, 10) ||"
     " 'Set-Cookie: x>; rel=preload; as=style' WHERE id = 1",
     1, 2, 2},
    {"a script in place of a URL",
     "UPDATE assets SET link = '<javascript:alert(1)>; rel=preload;"
     " as=script' WHERE id = 1",
     1, 2, 2},
    {"a preload of another origin",
     "UPDATE assets SET link = '<https://evil.example/x.js>;"
     " rel=preload; as=script' WHERE id = 1",
     1, 2, 2},
    {"a link beyond reason",
     "UPDATE assets SET link = '</' || hex(zeroblob(20000)) ||"
     " '>; rel=preload; as=style' WHERE id = 1",
     1, 2, 2},
    {"an unknown state", "UPDATE assets SET state = 'alive' WHERE id = 2", 1, 2, 2},
    {"an unknown reason", "UPDATE assets SET reuse = 'because' WHERE id = 2", 1, 2, 2},
    {"push out of range", "UPDATE assets SET push = 3 WHERE id = 2", 1, 2, 2},
    {"an asset of another site", "UPDATE assets SET site = 'evil.example' WHERE id = 1", 1, 2, 2},
    {"an asset that is not there", "DELETE FROM assets WHERE id = 1", 1, 2, 2},
    {"a place behind the last", "UPDATE hints SET place = 64 WHERE place = 2", 1, 2, 2},
    {"a negative place", "UPDATE hints SET place = -1 WHERE place = 2", 1, 2, 2},
    {"a place that is text", "UPDATE hints SET place = 'x' WHERE place = 2", 1, 2, 2},
    {"a gap between places", "UPDATE hints SET place = 63 WHERE place = 2", 1, 3, 2},
    {"unknown sources", "UPDATE hints SET sources = 16 WHERE place = 0", 1, 2, 2},
    {"hints of no route",
     "INSERT INTO hints VALUES (-5, 0, 1, 1, 0, 0, 0, 0),"
     " (77, 0, 1, 1, 0, 0, 0, 0)",
     1, 3, 2},
    {"votes of no route",
     "INSERT INTO votes SELECT 77, place, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0 FROM votes", 1, 3, 2},
    {"a vote of the time before time", "UPDATE votes SET at_ms = -1 WHERE place = 0", 1, 3, 1},
    {"a flag that is a number", "UPDATE votes SET is_private = 2 WHERE place = 0", 1, 3, 1},
    {"a voter that is a number with a point", "UPDATE votes SET who = 1.5 WHERE place = 0", 1, 3,
     1},
    {"more votes than there may be",
     "INSERT INTO votes WITH n(i) AS (VALUES (2) UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
     " SELECT 1, i, i, 0, 1, 0, 1, 0, 1, 0, 0, 0 FROM n",
     1, 3, RECORD_VOTES_MAX},
};

static void test_hostile_row(void **state) {
    const struct hostile *row = *state;
    static struct learner_record found;
    setup(NULL);
    make_one();
    execute(row->sql);
    struct store *s = must_open();
    assert_int_equal(load(s, &found), row->records);
    if (row->records > 0) {
        assert_int_equal(found.assets_n, row->assets);
        assert_int_equal(found.votes_n, row->votes);
        for (size_t i = 0; i < found.votes_n; i++) {
            uint64_t known = (UINT64_C(1) << found.assets_n) - 1;
            assert_true(((found.votes[i].html | found.votes[i].testable) & ~known) == 0);
        }
    }
    store_close(s);
    teardown(NULL);
}

static void test_bits_move_along_with_the_places_of_their_assets(void **state) {
    (void)state;
    static struct learner_record found;
    make_one();
    execute(
        "UPDATE assets SET state = '?' WHERE id = 1; UPDATE hints SET place = 40 WHERE place = 2;"
        "UPDATE votes SET html = (1 << 40) | 1, fetched = -1, testable = (1 << 40) | 2");
    struct store *s = must_open();
    assert_int_equal(load(s, &found), 1);
    assert_int_equal(found.assets_n, 2); // those of places 1 and 40
    assert_int_equal(found.votes[0].html, 2);
    assert_int_equal(found.votes[0].fetched, 3);
    assert_int_equal(found.votes[0].testable, 3);
    store_close(s);
}

static void test_the_future_is_now(void **state) {
    (void)state;
    static struct learner_record found;
    make_one();
    execute("UPDATE routes SET last_seen_ms = 99999999999999, first_seen_ms = 99999999999999;"
            "UPDATE votes SET at_ms = 99999999999999");
    struct store *s = must_open();
    assert_int_equal(load(s, &found), 1);
    assert_true(found.last_seen_ms == NOW && found.first_seen_ms == NOW);
    assert_true(found.votes[0].at_ms == NOW);
    store_close(s);
}

#define FILE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    enum { ODD = sizeof odd_files / sizeof odd_files[0] };
    enum { HOSTILE = sizeof hostile_rows / sizeof hostile_rows[0] };
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_records_come_back_as_they_were_put),
        FILE_TEST(test_a_record_that_is_put_again_replaces_the_old_one),
        FILE_TEST(test_an_asset_is_kept_once_and_its_state_counts_for_all_routes),
        FILE_TEST(test_a_record_that_is_gone_is_dropped),
        FILE_TEST(test_what_is_cancelled_is_not_kept),
        FILE_TEST(test_a_killed_process_loses_nothing_that_was_committed),
        FILE_TEST(test_the_secret_stays_the_same),
        FILE_TEST(test_only_the_owner_may_read_it),
        FILE_TEST(test_somebody_who_writes_makes_us_try_again_later),
        FILE_TEST(test_two_cannot_have_it),
        FILE_TEST(test_a_record_with_too_large_a_value_is_left_out_alone),
        FILE_TEST(test_a_removed_part_is_noticed_and_loses_nothing_else),
        FILE_TEST(test_a_file_put_in_its_place_is_left_alone),
        FILE_TEST(test_the_log_is_put_into_the_file_and_used_anew),
        FILE_TEST(test_a_file_of_version_1_is_brought_up_to_date),
        FILE_TEST(test_a_file_of_version_2_is_brought_up_to_date),
        FILE_TEST(test_a_file_of_version_3_is_brought_up_to_date),
        FILE_TEST(test_people_can_read_it),
        FILE_TEST(test_a_missing_folder_is_told),
        FILE_TEST(test_a_file_cut_anywhere_opens_or_is_set_aside),
        FILE_TEST(test_a_file_with_wrong_bytes_anywhere_does_no_harm),
        FILE_TEST(test_bits_move_along_with_the_places_of_their_assets),
        FILE_TEST(test_the_future_is_now),
    };
    static struct CMUnitTest odd[ODD], hostile[HOSTILE];
    for (size_t i = 0; i < ODD; i++) {
        odd[i] = (struct CMUnitTest){odd_files[i].name, test_odd_file, NULL, NULL, NULL};
        memcpy(&odd[i].initial_state, &(const struct odd *){&odd_files[i]}, sizeof(void *));
    }
    for (size_t i = 0; i < HOSTILE; i++) {
        hostile[i] = (struct CMUnitTest){hostile_rows[i].name, test_hostile_row, NULL, NULL, NULL};
        memcpy(&hostile[i].initial_state, &(const struct hostile *){&hostile_rows[i]},
               sizeof(void *));
    }
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    failures += cmocka_run_group_tests(odd, NULL, NULL);
    return failures + cmocka_run_group_tests(hostile, NULL, NULL);
}
