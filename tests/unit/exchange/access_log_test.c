// SPDX-License-Identifier: MIT
#include "exchange/access_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;

static int set_up(void **state) {
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_fini(&arena);
    return 0;
}

static struct access_log parsed(const char *format) {
    struct access_log log = {.sample = 10000, .ipv4_prefix = 32, .ipv6_prefix = 128};
    const char *why = "";
    if (!access_log_parse(&log, span_str(format), &arena, &why)) {
        fail_msg("%s: %s", format, why);
    }
    return log;
}

// Every text from anywhere is `text`, every number `number`.
static struct access_entry full(struct span text, uint64_t number) {
    enum { TEXT, WORD, COUNT, TIME, AGAIN, GROUP };
    static const int kinds[] = {
#define ACCESS_FIELD(id, name, kind, most, sentence) kind,
#include "exchange/access_field.def"
#undef ACCESS_FIELD
    };
    struct span words = SPAN("wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww");
    struct access_entry e = {0};
    for (int i = 0; i < ENTRY_FIELDS; i++) {
        access_entry_text(&e, (enum access_field)i, kinds[i] == TEXT ? text : words);
        access_entry_count(&e, (enum access_field)i, number);
    }
    return e;
}

static const char *line_of(const struct access_log *log, const struct access_entry *e) {
    static char line[ACCESS_LOG_LINE + 1];
    size_t n = access_log_format(log, e, line);
    assert_in_range(n, 1, ACCESS_LOG_LINE);
    assert_ptr_equal(memchr(line, '\n', n), line + n - 1);
    line[n] = 0;
    return line;
}

static struct access_entry page(void) {
    struct access_entry e = {0};
    access_entry_text(&e, ENTRY_CLIENT, SPAN("192.0.2.7"));
    access_entry_text(&e, ENTRY_CLF_TIME, SPAN("01/Dec/2026:11:18:44 +0000"));
    access_entry_text(&e, ENTRY_METHOD, SPAN("GET"));
    access_entry_text(&e, ENTRY_TARGET, SPAN("/a?b=c"));
    access_entry_text(&e, ENTRY_PROTOCOL, SPAN("HTTP/2.0"));
    access_entry_text(&e, ENTRY_AGENT, SPAN("curl/8"));
    access_entry_count(&e, ENTRY_STATUS, 200);
    access_entry_count(&e, ENTRY_BYTES, 0);
    access_entry_count(&e, ENTRY_TOTAL, 1234005);
    return e;
}

static void test_combined_is_what_other_programs_write(void **state) {
    (void)state;
    struct access_log log = parsed("combined");
    struct access_entry e = page();
    assert_string_equal(line_of(&log, &e),
                        "192.0.2.7 - - [01/Dec/2026:11:18:44 +0000] \"GET /a?b=c HTTP/2.0\" 200 0 "
                        "\"-\" \"curl/8\"\n");
}

static void test_a_format_of_ones_own(void **state) {
    (void)state;
    struct access_log log = parsed("{client} {total} {think} <{status}>");
    struct access_entry e = page();
    assert_string_equal(line_of(&log, &e), "192.0.2.7 1234.005 - <200>\n");
}

static void test_json_has_all_fields_but_those_made_of_others(void **state) {
    (void)state;
    struct access_log log = parsed("json");
    struct access_entry e = page();
    const char *line = line_of(&log, &e);
    assert_non_null(strstr(line, "{\"time\":null,\"site\":null,\"client\":\"192.0.2.7\","));
    assert_non_null(strstr(line, "\"status\":200,\"bytes\":0,"));
    assert_non_null(strstr(line, "\"total\":1234.005,"));
    assert_null(strstr(line, "request\""));
    assert_string_equal(line + strlen(line) - 14, "\"error\":null}\n");
}

static void test_the_longest_values_leave_json_whole(void **state) {
    (void)state;
    static uint8_t many[70000];
    memset(many, 0x01, sizeof many);
    struct access_log log = parsed("json");
    struct access_entry e = full(span_of(many, sizeof many), UINT64_MAX);
    const char *line = line_of(&log, &e);
    assert_non_null(strstr(line, "\"agent\":\"\\u0001"));
    assert_string_equal(line + strlen(line) - 9, "wwwwww\"}\n");
    assert_int_equal(strlen(line) < ACCESS_LOG_LINE, 1);
}

static void test_a_line_that_is_too_long_ends_where_it_is_full(void **state) {
    (void)state;
    static uint8_t many[70000];
    memset(many, 'a', sizeof many);
    struct access_log log = parsed("{target} {target} {target} {target} {target} {status}");
    struct access_entry e = full(span_of(many, sizeof many), 7);
    assert_null(strchr(line_of(&log, &e), '7'));
}

// Whatever byte a client sends, it opens no other line, no other value, no terminal's commands.
static void test_no_byte_of_a_client_breaks_out(void **state) {
    (void)state;
    struct access_log logs[] = {parsed("combined"), parsed("json"), parsed("\"{agent}\" {target}")};
    for (unsigned c = 0; c < 256; c++) {
        uint8_t text[] = {'a', (uint8_t)c, '"', (uint8_t)c};
        struct access_entry e = full(span_of(text, sizeof text), 1);
        struct access_entry plain = full(SPAN("a"), 1);
        for (size_t k = 0; k < sizeof logs / sizeof logs[0]; k++) {
            size_t quotes[2] = {0, 0};
            for (int turn = 0; turn < 2; turn++) {
                const char *line = line_of(&logs[k], turn == 0 ? &e : &plain);
                bool is_escaped = false;
                for (size_t i = 0; line[i] != '\n'; i++) {
                    assert_in_range(line[i], 0x20, 0x7e);
                    quotes[turn] += line[i] == '"' && !is_escaped;
                    is_escaped = logs[k].is_json && line[i] == '\\' && !is_escaped;
                }
            }
            assert_int_equal(quotes[0], quotes[1]);
        }
    }
}

static void test_wrong_formats_are_refused(void **state) {
    static const char *const wrong[] = {"",        "common",     "{",
                                        "{status", "{status} {", "{}",
                                        "{stat}",  "{status}\n", "{status}\x1b[1m"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct access_log log = {0};
        const char *why = NULL;
        if (access_log_parse(&log, span_str(wrong[i]), &arena, &why) || why == NULL) {
            fail_msg("\"%s\" is taken", wrong[i]);
        }
    }
}

static void test_a_sample_has_its_share_and_all_failures(void **state) {
    (void)state;
    struct access_log log = {.sample = 100};
    unsigned n = 0;
    for (uint32_t draw = 0; draw < 100000; draw++) {
        n += access_log_wants(&log, 200, draw);
        assert_true(access_log_wants(&log, 502, draw));
    }
    assert_int_equal(n, 1000);
}

static void test_addresses_are_cut(void **state) {
    (void)state;
    struct access_log log = {.ipv4_prefix = 24, .ipv6_prefix = 56};
    static const char *const rows[][2] = {{"192.0.2.77", "192.0.2.0"},
                                          {"2001:db8:1:2345:6::7", "2001:db8:1:2300::"}};
    for (size_t i = 0; i < 2; i++) {
        struct ip ip;
        char text[IP_TEXT_LEN];
        assert_true(ip_parse(&ip, span_str(rows[i][0])));
        ip = access_log_client(&log, &ip);
        ip_print(&ip, text);
        assert_string_equal(text, rows[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_combined_is_what_other_programs_write),
        cmocka_unit_test(test_a_format_of_ones_own),
        cmocka_unit_test(test_json_has_all_fields_but_those_made_of_others),
        cmocka_unit_test(test_the_longest_values_leave_json_whole),
        cmocka_unit_test(test_a_line_that_is_too_long_ends_where_it_is_full),
        cmocka_unit_test(test_no_byte_of_a_client_breaks_out),
        cmocka_unit_test(test_wrong_formats_are_refused),
        cmocka_unit_test(test_a_sample_has_its_share_and_all_failures),
        cmocka_unit_test(test_addresses_are_cut),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
