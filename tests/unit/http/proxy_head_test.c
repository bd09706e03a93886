// SPDX-License-Identifier: MIT
#include "http/proxy_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SIGN "\r\n\r\n\0\r\nQUIT\n"
#define IPV4 "\x0a\x01\x02\x03\x0a\x00\x00\x01\x9c\x40\x01\xbb" // 10.1.2.3:40000 to 10.0.0.1:443
#define V2(rest) SPAN_INIT(SIGN rest)

static void print(const struct proxy_head *h, char *out, size_t cap) {
    char source[IP_TEXT_LEN], destination[IP_TEXT_LEN];
    ip_print(&h->source, source);
    ip_print(&h->destination, destination);
    int n = snprintf(out, cap, "%s%s:%u %s:%u +%zu", h->is_local ? "local " : "", source,
                     h->source_port, destination, h->destination_port, h->len);
    snprintf(out + n, cap - (size_t)n, "%s%s alpn=%.*s sni=%.*s %.*s %.*s %.*s",
             h->is_tls ? " tls" : "", h->is_client_verified ? " verified" : "", SPAN_ARG(h->alpn),
             SPAN_ARG(h->authority), SPAN_ARG(h->tls_version), SPAN_ARG(h->tls_cipher),
             SPAN_ARG(h->client_name));
}

// A copy of exactly that length, so that a sanitizer sees what reads on.
static enum step read_copy(struct span bytes, char *text, size_t cap) {
    uint8_t *copy = malloc(bytes.n + 1);
    struct proxy_head head;
    assert_non_null(copy);
    memcpy(copy, bytes.p, bytes.n);
    enum step step = proxy_head_read(&head, span_of(copy, bytes.n));
    if (step == STEP_ITEM) {
        print(&head, text, cap);
    } else if (step == STEP_BAD) {
        snprintf(text, cap, "%s", head.why);
    }
    free(copy);
    return step;
}

// However the network cuts a good head, more is asked for until it is whole, and what follows it
// changes nothing.
static void check_good(const char *name, struct span head, const char *wanted) {
    char text[512];
    for (size_t n = 0; n < head.n; n++) {
        if (read_copy(span_first(head, n), text, sizeof text) != STEP_MORE) {
            fail_msg("%s: no more is wanted behind %zu bytes", name, n);
        }
    }
    uint8_t more[1024];
    memcpy(more, head.p, head.n);
    memcpy(more + head.n, "GET / HTTP/1.1\r\n", 16);
    for (size_t extra = 0; extra <= 16; extra += 16) {
        if (read_copy(span_of(more, head.n + extra), text, sizeof text) != STEP_ITEM) {
            fail_msg("%s: not read: %s", name, text);
        }
        if (strcmp(text, wanted) != 0) {
            fail_msg("%s: %s", name, text);
        }
    }
}

static void test_what_a_front_says(void **state) {
    (void)state;
    static const struct {
        const char *name;
        struct span head;
        const char *wanted;
    } rows[] = {
        {"version 1", SPAN_INIT("PROXY TCP4 192.0.2.1 198.51.100.7 40000 443\r\n"),
         "192.0.2.1:40000 198.51.100.7:443 +45 tls alpn= sni=   "},
        {"version 1 of IPv6", SPAN_INIT("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"),
         "2001:db8::1:1 2001:db8::2:65535 +44 alpn= sni=   "},
        {"version 1, unknown", SPAN_INIT("PROXY UNKNOWN\r\n"), "local :0 :0 +15 alpn= sni=   "},
        {"version 1, unknown with more", SPAN_INIT("PROXY UNKNOWN ffff::1 x 1 2\r\n"),
         "local :0 :0 +29 alpn= sni=   "},
        {"version 2", V2("\x21\x11\x00\x0c" IPV4),
         "10.1.2.3:40000 10.0.0.1:443 +28 tls alpn= sni=   "},
        {"version 2 of IPv6",
         V2("\x21\x21\x00\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0"
            "\0\0\0\0\0\x02\x00\x01\x00\x02"),
         "2001:db8::1:1 2001:db8::2:2 +52 alpn= sni=   "},
        {"an IPv4 address written as IPv6",
         V2("\x21\x21\x00\x24\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x01\x02\x03\0\0\0\0\0\0\0\0\0\0\xff"
            "\xff"
            "\x0a\x00\x00\x01\x00\x01\x00\x02"),
         "10.1.2.3:1 10.0.0.1:2 +52 alpn= sni=   "},
        {"a check by the front itself", V2("\x20\x00\x00\x00"), "local :0 :0 +16 alpn= sni=   "},
        {"of which the rest is ignored", V2("\x20\x11\x00\x03xyz"),
         "local :0 :0 +19 alpn= sni=   "},
        {"UDP", V2("\x21\x12\x00\x0c" IPV4), "local :0 :0 +28 alpn= sni=   "},
        {"no family", V2("\x21\x00\x00\x00"), "local :0 :0 +16 alpn= sni=   "},
        {"ALPN and the name",
         V2("\x21\x11\x00\x20" IPV4 "\x01\x00\x02h2\x02\x00\x09"
            "a.example\x04\x00\x00"),
         "10.1.2.3:40000 10.0.0.1:443 +48 tls alpn=h2 sni=a.example   "},
        {"TLS, no certificate",
         V2("\x21\x11\x00\x22" IPV4
            "\x20\x00\x13\x01\x00\x00\x00\x01\x21\x00\x07TLSv1.3\x99\x00\x01x"),
         "10.1.2.3:40000 10.0.0.1:443 +50 tls alpn= sni= TLSv1.3  "},
        {"TLS, with one",
         V2("\x21\x11\x00\x22" IPV4 "\x20\x00\x13\x07\x00\x00\x00\x00\x22\x00\x05"
            "alice\x23\x00\x03XYZ"),
         "10.1.2.3:40000 10.0.0.1:443 +50 tls verified alpn= sni=  XYZ alice"},
        {"TLS, with one that is not good",
         V2("\x21\x11\x00\x14" IPV4 "\x20\x00\x05\x03\x00\x00\x00\x13"),
         "10.1.2.3:40000 10.0.0.1:443 +36 tls alpn= sni=   "},
        {"a checksum", V2("\x21\x11\x00\x13" IPV4 "\x03\x00\x04\xce\x0d\xd3\x21"),
         "10.1.2.3:40000 10.0.0.1:443 +35 tls alpn= sni=   "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_good(rows[i].name, rows[i].head, rows[i].wanted);
    }
}

static void test_what_no_front_says(void **state) {
    (void)state;
    static const struct {
        const char *name;
        struct span head;
    } rows[] = {
        {"a request", SPAN_INIT("GET / HTTP/1.1\r\n")},
        {"the preface of HTTP/2", SPAN_INIT("PRI * HTTP/2.0\r\n")},
        {"a TLS record", SPAN_INIT("\x16\x03\x01\x02\x00\x01")},
        {"lower case", SPAN_INIT("proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n")},
        {"another family", SPAN_INIT("PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n")},
        {"addresses of the other family", SPAN_INIT("PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n")},
        {"one address", SPAN_INIT("PROXY TCP4 1.2.3.4 1 1\r\n")},
        {"a zero before a number", SPAN_INIT("PROXY TCP4 1.2.3.04 1.2.3.4 1 1\r\n")},
        {"a zero before a port", SPAN_INIT("PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n")},
        {"a port beyond all", SPAN_INIT("PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n")},
        {"no port", SPAN_INIT("PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n")},
        {"two blanks", SPAN_INIT("PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n")},
        {"a word too many", SPAN_INIT("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n")},
        {"a bare LF", SPAN_INIT("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n                              "
                                "                                                \r\n")},
        {"a bare CR", SPAN_INIT("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r ")},
        {"a line without end",
         SPAN_INIT("PROXY UNKNOWN aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n")},
        {"another version", V2("\x31\x11\x00\x0c" IPV4)},
        {"another command", V2("\x22\x11\x00\x0c" IPV4)},
        {"an unknown family", V2("\x21\x41\x00\x0c" IPV4)},
        {"an unknown transport", V2("\x21\x13\x00\x0c" IPV4)},
        {"too short for its addresses", V2("\x21\x11\x00\x0b" IPV4)},
        {"too long", V2("\x21\x11\x10\x01" IPV4)},
        {"a field beyond the end", V2("\x21\x11\x00\x10" IPV4 "\x01\x00\x05x")},
        {"half of a field's head", V2("\x21\x11\x00\x0e" IPV4 "\x01\x00")},
        {"a wrong checksum", V2("\x21\x11\x00\x13" IPV4 "\x03\x00\x04\x00\x00\x00\x00")},
        {"a checksum of three bytes", V2("\x21\x11\x00\x12" IPV4 "\x03\x00\x03\x00\x00\x00")},
        {"TLS without its numbers", V2("\x21\x11\x00\x13" IPV4 "\x20\x00\x04\x01\x00\x00\x00")},
        {"TLS with a field beyond the end",
         V2("\x21\x11\x00\x17" IPV4 "\x20\x00\x08\x01\x00\x00\x00\x00\x21\x00\x09")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[512] = "";
        if (read_copy(rows[i].head, text, sizeof text) != STEP_BAD || text[0] == 0) {
            fail_msg("%s: taken, or more wanted", rows[i].name);
        }
    }
}

static void test_what_may_begin_a_head(void **state) {
    (void)state;
    assert_true(proxy_head_may_begin(SPAN("")));
    assert_true(proxy_head_may_begin(SPAN("P")));
    assert_true(proxy_head_may_begin(SPAN("\r\n\r\n")));
    assert_false(proxy_head_may_begin(SPAN("PRI")));
    assert_false(proxy_head_may_begin(SPAN("\r\nG")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_front_says),
        cmocka_unit_test(test_what_no_front_says),
        cmocka_unit_test(test_what_may_begin_a_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
