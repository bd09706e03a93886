// SPDX-License-Identifier: MIT
#include "config/help.h"

#include "base/error.h"
#include "config/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool has(const struct buf *text, const char *words) {
    return span_find(buf_span(text), span_str(words)) < buf_len(text);
}

static void test_the_table_has_a_row_of_five_cells_for_each_option(void **state) {
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    assert_int_equal(help_markdown(&text), 0);
    struct span rest = buf_span(&text), line;
    unsigned lines = 0;
    while (span_cut(&rest, '\n', &line) && line.n > 0) {
        unsigned bars = 0;
        for (size_t i = 0; i < line.n; i++) {
            bars += line.p[i] == '|' && (i == 0 || line.p[i - 1] != '\\');
        }
        assert_int_equal(bars, 6);
        lines++;
    }
    assert_int_equal(lines, OPTION_COUNT + 2);
    assert_true(
        has(&text,
            "\n| pool | `think-timeout` | `60s` | 10ms to 24h | The most time from the request"));
    assert_true(has(&text, "\n| site hints | `mode` | `hint` | off, observe, hint or push |"));
    assert_true(has(&text, "\n| top | `user` |  | name |"));
    buf_fini(&text);
}

static void test_the_text_names_every_option(void **state) {
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    assert_int_equal(help_options(&text), 0);
    for (enum option id = 0; id < OPTION_COUNT; id++) {
        assert_true(has(&text, option_row(id)->name));
        assert_true(has(&text, option_row(id)->sentence));
    }
    assert_true(has(&text, "\nsite hints\n"));
    buf_take(&text, buf_len(&text));
    assert_int_equal(help_usage(&text), 0);
    assert_true(has(&text, "  --front-controller PATH "));
    buf_fini(&text);
}

static void test_no_room_is_an_error(void **state) {
    (void)state;
    struct buf text;
    buf_init(&text, 64);
    assert_int_equal(help_markdown(&text), ERR_BUF_LIMIT);
    assert_int_equal(help_options(&text), ERR_BUF_LIMIT);
    assert_int_equal(help_usage(&text), ERR_BUF_LIMIT);
    buf_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_has_a_row_of_five_cells_for_each_option),
        cmocka_unit_test(test_the_text_names_every_option),
        cmocka_unit_test(test_no_room_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
