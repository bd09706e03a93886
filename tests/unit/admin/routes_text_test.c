// SPDX-License-Identifier: MIT
#include "admin/routes_text.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct row {
    const char *name, *json, *text;
    int result;
} rows[] = {
    {"a route is a line, and each of its links one below it",
     "[{\"site\":\"a.example\",\"route\":\"/x\",\"seen\":3,\"links\":[\"</a.css>\",\"</b.js>\"]}]",
     "a.example/x  seen 3\n    </a.css>\n    </b.js>\n", 0},
    {"nothing learned is said in words", "[]", "nothing has been learned yet\n", 0},
    {"what could steer a terminal is escaped",
     "[{\"site\":\"a\",\"route\":\"/\\u001b[31m\",\"seen\":1,\"links\":[]}]",
     "a/\\x1b[31m  seen 1\n", 0},
    {"what is no JSON is refused", "<html>", "", ERR_SYNTAX},
    {"what is no array is refused", "{}", "", ERR_SYNTAX},
    {"a member that is missing is empty", "[{}]", "  seen 0\n", 0},
};

static void test_row(void **state) {
    const struct row *row = *state;
    struct buf out;
    char why[ROUTES_TEXT_WHY_LEN] = "";
    buf_init(&out, 4096);
    assert_int_equal(routes_text_write(span_str(row->json), &out, why), row->result);
    assert_true(span_eq(buf_span(&out), span_str(row->text)));
    assert_int_equal(why[0] != 0, row->result != 0);
    buf_fini(&out);
}

int main(void) {
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct CMUnitTest tests[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        tests[i] = (struct CMUnitTest){rows[i].name, test_row, NULL, NULL, NULL};
        memcpy(&tests[i].initial_state, &(const struct row *){&rows[i]}, sizeof(void *));
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
