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
    const char *next;
} rows[] = {
    {"a route is a line, and each of its hints one below it, with why it is not sent",
     "{\"routes\":[{\"site\":\"a.example\",\"route\":\"/x/*\",\"audience\":\"public\","
     "\"pattern\":true,\"state\":\"hinting\",\"seen\":3,\"think_us\":240000,\"voters\":2,"
     "\"hints\":[{\"link\":\"</a.css>\",\"verdict\":\"hinted\",\"need\":1,\"need_low\":0.5,"
     "\"sources\":[\"link\",\"html\"],\"reason\":\"In.\"},{\"link\":\"</b.js>\",\"verdict\":"
     "\"not_reusable\",\"need\":0.25,\"need_low\":0,\"sources\":[\"css\"],\"reason\":\"No.\","
     "\"field\":\"vary\"}],\"outcome\":{\"hinted\":{\"n\":5,\"mean_us\":12000,"
     "\"interval_us\":3000},\"held\":{\"n\":0}}}],\"truncated\":true,\"next\":\"0af\"}",
     "a.example/x/*  public pattern, hinting, seen 3, thinks 240 ms, 2 voters\n"
     "    hinted        need 1.00 (0.50)  link+html  </a.css>\n"
     "    not_reusable  need 0.25 (0.00)  css        </b.js>\n"
     "                  No. (vary)\n"
     "    hinted: 5 navigations, 12 ms to what they waited for, +- 3\n",
     0, "0af"},
    {"nothing is nothing", "{\"routes\":[],\"truncated\":false}", "", 0, ""},
    {"what could steer a terminal is escaped",
     "{\"routes\":[{\"site\":\"a\",\"route\":\"/\\u001b[31m\"}]}",
     "a/\\x1b[31m  , , seen 0, thinks 0 ms, 0 voters\n", 0, ""},
    {"what is no JSON is refused", "<html>", "", ERR_SYNTAX, ""},
    {"what has no routes is refused", "[]", "", ERR_SYNTAX, ""},
    {"routes that are none are refused", "{\"routes\":{}}", "", ERR_SYNTAX, ""},
    {"a member that is missing is empty", "{\"routes\":[{}]}",
     "  , , seen 0, thinks 0 ms, 0 voters\n", 0, ""},
};

static void test_row(void **state) {
    const struct row *row = *state;
    struct buf out;
    struct routes_text t;
    buf_init(&out, 4096);
    assert_int_equal(routes_text_write(&t, span_str(row->json), &out), row->result);
    if (!span_eq(buf_span(&out), span_str(row->text))) {
        fail_msg("%.*s", SPAN_ARG(buf_span(&out)));
    }
    assert_string_equal(t.next, row->next);
    assert_int_equal(t.why[0] != 0, row->result != 0);
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
