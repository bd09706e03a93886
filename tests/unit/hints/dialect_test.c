// SPDX-License-Identifier: MIT
#include "hints/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct client {
    const char *name;
    const char *sec_ch_ua, *user_agent; // NULL: not sent
    enum dialect dialect;
};

#define MAC "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
#define WEBKIT "AppleWebKit/605.1.15 (KHTML, like Gecko) "

static struct client clients[] = {
    {"Chromium on Linux", "\"Chromium\";v=\"156\", \"Not?A_Brand\";v=\"8\"",
     "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 "
     "Safari/537.36",
     DIALECT_CHROMIUM},
    {"Edge, which names the common brand last",
     "\"Not?A_Brand\";v=\"8\", \"Microsoft Edge\";v=\"156\", \"Chromium\";v=\"156\"",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0",
     DIALECT_CHROMIUM},
    {"a Chromium that goes by the name of an iPhone", "\"Chromium\";v=\"156\"",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) " WEBKIT "Version/18.0 Safari/604.1",
     DIALECT_CHROMIUM},
    {"Chrome over http, without client hints", NULL,
     "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 "
     "Safari/537.36",
     DIALECT_CHROMIUM},
    {"headless Chrome over http", NULL,
     "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "HeadlessChrome/156.0.0.0 Safari/537.36",
     DIALECT_CHROMIUM},
    {"the Edge before Chromium", NULL,
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
     DIALECT_UNKNOWN},
    {"Firefox on Linux", NULL,
     "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", DIALECT_FIREFOX},
    {"Firefox on Android", NULL,
     "Mozilla/5.0 (Android 14; Mobile; rv:153.0) Gecko/153.0 Firefox/153.0", DIALECT_FIREFOX},
    {"Safari on a Mac", NULL, MAC WEBKIT "Version/18.0 Safari/605.1.15", DIALECT_SAFARI},
    {"Safari on an iPhone", NULL,
     "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) " WEBKIT
     "Version/18.0 Mobile/15E148 Safari/604.1",
     DIALECT_SAFARI},
    {"Chrome on an iPhone is WebKit", NULL,
     "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) " WEBKIT
     "CriOS/156.0.0.0 Mobile/15E148 Safari/604.1",
     DIALECT_SAFARI},
    {"Chrome on an iPad that asks for desktop pages", NULL, MAC WEBKIT "CriOS/156 Safari/604.1",
     DIALECT_SAFARI},
    {"Firefox on an iPad that asks for desktop pages", NULL, MAC WEBKIT "FxiOS/153.0 Safari/604.1",
     DIALECT_SAFARI},
    {"a view of WebKit in an app", NULL, MAC WEBKIT, DIALECT_SAFARI},
    {"curl", NULL, "curl/7.88.1", DIALECT_UNKNOWN},
    {"nobody", NULL, NULL, DIALECT_UNKNOWN},
    {"empty values", "", "", DIALECT_UNKNOWN},
    {"a name inside of a word is no name", NULL, "NoFirefox/1 xChrome/2", DIALECT_UNKNOWN},
    {"a brand that is no Chromium", "\"NotChromium\";v=\"1\"", "x", DIALECT_UNKNOWN},
};

static void the_family_is_told(void **state) {
    const struct client *client = *state;
    struct pair v[2];
    struct pairs fields = {v, 0, 2};
    if (client->sec_ch_ua != NULL) {
        v[fields.n++] = (struct pair){SPAN("Sec-CH-UA"), span_str(client->sec_ch_ua)};
    }
    if (client->user_agent != NULL) {
        v[fields.n++] = (struct pair){SPAN("user-agent"), span_str(client->user_agent)};
    }
    assert_string_equal(dialect_row(dialect_of(&fields))->label,
                        dialect_row(client->dialect)->label);
    assert_int_equal(dialect_of_values(span_str(client->sec_ch_ua), span_str(client->user_agent)),
                     client->dialect);
}

// What each family is told of a hint; NULL: nothing.
struct saying {
    const char *name;
    struct hint hint;
    const char *chromium, *firefox, *safari, *unknown;
};

#define TARGET .target = SPAN_INIT("/a")

static struct saying sayings[] = {
    {"a stylesheet",
     {TARGET, .as = HINT_AS_STYLE},
     "</a>; rel=preload; as=style",
     "</a>; rel=preload; as=style",
     NULL,
     "</a>; rel=preload; as=style"},
    {"a stylesheet with all that may be said of it",
     {TARGET, .as = HINT_AS_STYLE, .type = SPAN_INIT("text/css"), .crossorigin = HINT_CREDENTIALS,
      .priority = HINT_PRIORITY_LOW, .integrity = SPAN_INIT("sha256-x")},
     "</a>; rel=preload; as=style; crossorigin=use-credentials; type=\"text/css\"; "
     "fetchpriority=low",
     "</a>; rel=preload; as=style; crossorigin=use-credentials; type=\"text/css\"; "
     "fetchpriority=low",
     NULL,
     "</a>; rel=preload; as=style; crossorigin=use-credentials"},
    {"a hero image",
     {TARGET, .as = HINT_AS_IMAGE, .priority = HINT_PRIORITY_HIGH},
     "</a>; rel=preload; as=image; fetchpriority=high",
     "</a>; rel=preload; as=image; fetchpriority=high",
     NULL,
     "</a>; rel=preload; as=image"},
    {"a font without crossorigin",
     {TARGET, .as = HINT_AS_FONT},
     "</a>; rel=preload; as=font; crossorigin",
     "</a>; rel=preload; as=font; crossorigin",
     NULL,
     "</a>; rel=preload; as=font; crossorigin"},
    {"a fetch with credentials",
     {TARGET, .as = HINT_AS_FETCH, .crossorigin = HINT_CREDENTIALS},
     "</a>; rel=preload; as=fetch; crossorigin=use-credentials",
     "</a>; rel=preload; as=fetch; crossorigin=use-credentials",
     NULL,
     "</a>; rel=preload; as=fetch; crossorigin=use-credentials"},
    {"a module",
     {TARGET, .rel = HINT_MODULEPRELOAD},
     "</a>; rel=modulepreload",
     "</a>; rel=modulepreload",
     NULL,
     NULL},
    {"a connection",
     {.target = SPAN_INIT("https://cdn.example"),
      .rel = HINT_PRECONNECT,
      .crossorigin = HINT_ANONYMOUS},
     "<https://cdn.example>; rel=preconnect; crossorigin",
     "<https://cdn.example>; rel=preconnect; crossorigin",
     "<https://cdn.example>; rel=preconnect; crossorigin",
     "<https://cdn.example>; rel=preconnect; crossorigin"},
    {"what is only for pushing",
     {TARGET, .as = HINT_AS_STYLE, .push_only = true},
     NULL,
     NULL,
     NULL,
     NULL},
};

static void each_family_is_told_what_it_takes(void **state) {
    const struct saying *s = *state;
    const char *wanted[DIALECTS] = {[DIALECT_CHROMIUM] = s->chromium,
                                    [DIALECT_FIREFOX] = s->firefox,
                                    [DIALECT_SAFARI] = s->safari,
                                    [DIALECT_UNKNOWN] = s->unknown};
    for (unsigned d = 0; d < DIALECTS; d++) {
        struct hint said;
        uint8_t text[200] = {0};
        enum hint_reason reason = dialect_say(d, &s->hint, &said);
        if (wanted[d] == NULL) {
            assert_int_equal(reason, s->hint.push_only ? HINT_PUSH_ONLY : HINT_UNSAYABLE);
            continue;
        }
        assert_int_equal(reason, HINT_OK);
        assert_true(hint_format(&said, text, sizeof text - 1) > 0);
        assert_string_equal((const char *)text, wanted[d]);
    }
}

static void every_family_has_words(void **state) {
    (void)state;
    for (unsigned d = 0; d < DIALECTS; d++) {
        assert_true(strlen(dialect_row(d)->label) > 0 && strlen(dialect_row(d)->sentence) > 10);
    }
}

#define N(v) (sizeof(v) / sizeof *(v))

int main(void) {
    struct CMUnitTest told[N(clients)], said[N(sayings)];
    for (size_t i = 0; i < N(clients); i++) {
        told[i] = (struct CMUnitTest){clients[i].name, the_family_is_told, NULL, NULL, &clients[i]};
    }
    for (size_t i = 0; i < N(sayings); i++) {
        said[i] = (struct CMUnitTest){sayings[i].name, each_family_is_told_what_it_takes, NULL,
                                      NULL, &sayings[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_has_words),
    };
    return cmocka_run_group_tests_name("clients", told, NULL, NULL) +
           cmocka_run_group_tests_name("sayings", said, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
