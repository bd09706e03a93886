// SPDX-License-Identifier: MIT
#include "metrics/exposition.h"

#include "base/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const gates[] = {"send", "off"};
static const char *const links[] = {"ok", "media"};

static bool has(const struct buf *text, const char *line) {
    return span_find(buf_span(text), span_str(line)) < buf_len(text);
}

static void test_every_row_has_help_and_type_once(void **state) {
    (void)state;
    struct metrics m;
    struct buf text;
    metrics_init(&m);
    metrics_name(&m, METRIC_BY_GATE, gates, 2);
    buf_init(&text, 1 << 20);
    assert_int_equal(exposition_write(&m, &text), 0);
    unsigned helps = 0, types = 0;
    struct span rest = buf_span(&text), line;
    while (span_cut(&rest, '\n', &line)) {
        helps += span_has_prefix(line, SPAN("# HELP outrider_"));
        types += span_has_prefix(line, SPAN("# TYPE outrider_"));
        assert_true(line.n == 0 || line.p[0] == '#' || span_has_prefix(line, SPAN("outrider_")));
    }
    assert_int_equal(helps, METRIC_COUNT);
    assert_int_equal(types, METRIC_COUNT);
    assert_true(span_has_suffix(buf_span(&text), SPAN("\n")));
    buf_fini(&text);
    metrics_fini(&m);
}

static void test_samples_carry_their_label(void **state) {
    (void)state;
    struct metrics m;
    struct buf text;
    metrics_init(&m);
    metrics_name(&m, METRIC_BY_GATE, gates, 2);
    buf_init(&text, 1 << 20);
    struct metrics_worker *one = metrics_add_worker(&m), *other = metrics_add_worker(&m);
    metrics_add_by(one, METRIC_REQUESTS, PROTOCOL_HTTP2, 12);
    metrics_add_by(other, METRIC_GATE, 1, 5);
    metrics_name(&m, METRIC_BY_LINK, links, 2);
    metrics_add_by(one, METRIC_LINKS_REFUSED, 1, 7);
    metrics_add_by(one, METRIC_LINKS_REFUSED, 2, 1); // has no name
    metrics_add_by(other, METRIC_ERRORS, ERR_BACKEND_CLOSED_INDEX, 2);
    metrics_add(one, METRIC_SLOT_CONNECTIONS_OPEN, 3);
    assert_int_equal(exposition_write(&m, &text), 0);
    assert_true(has(&text, "\n# TYPE outrider_requests_total counter\n"));
    assert_true(has(&text, "\noutrider_requests_total{protocol=\"h2\"} 12\n"));
    assert_true(has(&text, "\noutrider_requests_total{protocol=\"http/1.1\"} 0\n"));
    assert_true(has(&text, "\noutrider_hint_decisions_total{reason=\"off\"} 5\n"));
    assert_false(has(&text, "reason=\"send\""));
    assert_true(has(&text, "\noutrider_errors_total{error=\"backend_closed\"} 2\n"));
    assert_true(has(&text, "\noutrider_links_refused_total{reason=\"media\"} 7\n# HELP"));
    assert_false(has(&text, "queue_full"));
    assert_true(has(&text, "\n# TYPE outrider_connections gauge\noutrider_connections 3\n"));
    assert_true(has(&text, "\noutrider_responses_total{code=\"5xx\"} 0\n"));
    buf_fini(&text);
    metrics_fini(&m);
}

static void test_no_room_is_an_error(void **state) {
    (void)state;
    struct metrics m;
    struct buf text;
    metrics_init(&m);
    metrics_name(&m, METRIC_BY_GATE, gates, 2);
    buf_init(&text, 100);
    assert_int_equal(exposition_write(&m, &text), ERR_BUF_LIMIT);
    buf_fini(&text);
    metrics_fini(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_has_help_and_type_once),
        cmocka_unit_test(test_samples_carry_their_label),
        cmocka_unit_test(test_no_room_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
