// SPDX-License-Identifier: MIT
#include "gateway/relay_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "exchange/client.h"
#include "gateway/relay.h"

static const enum forwarded_field named[] = {FORWARDED_FIELD_X_FORWARDED_FOR,
                                             FORWARDED_FIELD_FORWARDED};
static const struct cgi_peer front = {.remote_addr = SPAN_INIT("/run/front")};
static const struct ip nowhere;

// What is said to the application about a client for whom a front vouches, with so much memory.
static int ask(size_t budget, bool *says_all) {
    struct relay_conf conf = {.metrics = NULL};
    struct relay_listener listener = {.conf = &conf,
                                      .trust = {.has_unix = true, .fields = named, .fields_n = 2}};
    struct downstream d;
    struct front_stream stream = {.id = 1};
    struct pair fields[] = {{SPAN("x-forwarded-for"), SPAN("192.0.2.9")},
                            {SPAN("x-forwarded-proto"), SPAN("https")}};
    struct relay_client client;
    downstream_init(&d, NULL, &front, &nowhere);
    d.listener = &listener;
    arena_init(&stream.arena, budget);
    stream.request = (struct request){.fields = {fields, 2, 2}, .authority = SPAN("blog.example")};
    int err = relay_client_init(&client, &d, &stream);
    const struct pairs *said = client.peer->said;
    *says_all = said != NULL && pairs_find(said, SPAN("x-forwarded-for")) != NULL &&
                pairs_find(said, SPAN("forwarded")) != NULL &&
                pairs_find(said, SPAN("x-forwarded-proto")) != NULL;
    arena_fini(&stream.arena);
    return err;
}

static void an_application_hears_all_about_who_asks_or_is_not_asked(void **state) {
    (void)state;
    unsigned refused = 0, asked = 0;
    for (size_t budget = 0; budget < 4096; budget += 16) {
        bool says_all = false;
        int err = ask(budget, &says_all);
        assert_true(err == 0 ? says_all : err == ERR_ARENA_LIMIT);
        refused += err != 0;
        asked += err == 0;
    }
    assert_true(refused > 0 && asked > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_application_hears_all_about_who_asks_or_is_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
