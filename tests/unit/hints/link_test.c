// SPDX-License-Identifier: MIT
#include "hints/link.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char *names[LINK_ATTRIBUTES] = {
#define ATTRIBUTE(constant, name) [LINK_##constant] = name,
#include "hints/link_attribute.def"
#undef ATTRIBUTE
};

struct row {
    const char *name, *value;
    const char
        *links; // each as: target, " name=[value]" per known parameter, " +others"; then "\n"
    unsigned broken;
};

static struct row rows[] = {
    // RFC 8288 as it is written.
    {"a plain link", "</a.css>; rel=preload; as=style", "/a.css rel=[preload] as=[style]\n", 0},
    {"two links in one value", "</a>; rel=preload, </b>; rel=preload",
     "/a rel=[preload]\n/b rel=[preload]\n", 0},
    {"no blanks at all", "</a>;rel=preload;as=style,</b>", "/a rel=[preload] as=[style]\n/b\n", 0},
    {"blanks and tabs around everything", " \t</a> \t; \trel \t= \tpreload \t, \t</b> ",
     "/a rel=[preload]\n/b\n", 0},
    {"a quoted value", "</a>; rel=\"preload\"", "/a rel=[preload]\n", 0},
    {"several relation types in quotes", "</a>; rel=\"preload prefetch\"",
     "/a rel=[preload prefetch]\n", 0},
    {"a quoted-pair is unescaped", "</a>; type=\"a\\\"b\\\\c\\d\"", "/a type=[a\"b\\cd]\n", 0},
    {"a comma inside quotes", "</a>; title=\"a, b\"; rel=preload, </b>",
     "/a rel=[preload] +1\n/b\n", 0},
    {"a semicolon inside quotes", "</a>; media=\"a; rel=x\"; rel=preload",
     "/a rel=[preload] media=[a; rel=x]\n", 0},
    {"a comma inside the target", "</a,b.css>; rel=preload, </c>", "/a,b.css rel=[preload]\n/c\n",
     0},
    {"a semicolon inside the target", "</a;v=1>; rel=preload", "/a;v=1 rel=[preload]\n", 0},
    {"angle brackets inside quotes", "</a>; title=\"<b>, <c>\"; rel=preload",
     "/a rel=[preload] +1\n", 0},
    {"parameters without a value", "</a>; rel=preload; nopush; crossorigin",
     "/a rel=[preload] crossorigin nopush\n", 0},
    {"an empty quoted value is a value", "</a>; crossorigin=\"\"", "/a crossorigin=[]\n", 0},
    {"an equals sign with nothing behind it", "</a>; as=; rel=preload", "/a rel=[preload] as=[]\n",
     0},
    {"empty list elements", ", ,</a>,, ,</b>, ,", "/a\n/b\n", 0},
    {"empty parameters", "</a>;; ;rel=preload;, </b>;", "/a rel=[preload]\n/b\n", 0},
    {"an empty target", "<>; rel=preload", " rel=[preload]\n", 0},
    {"blanks inside the angle brackets' edges", "< /a >; rel=preload", "/a rel=[preload]\n", 0},
    {"an empty value", "", "", 0},
    {"a value of blanks", " \t ", "", 0},
    {"names in any case", "</a>; REL=Preload; AS=style", "/a rel=[Preload] as=[style]\n", 0},
    {"as before rel", "</a>; as=style; rel=preload", "/a rel=[preload] as=[style]\n", 0},
    {"the first rel counts", "</a>; rel=prefetch; rel=preload", "/a rel=[prefetch]\n", 0},
    {"the first as counts, even without a value", "</a>; as; as=style", "/a as\n", 0},
    {"an unquoted media type", "</a>; type=text/css", "/a type=[text/css]\n", 0},
    {"extended parameters are others", "</a>; title*=UTF-8''x%20y; rev=x", "/a +2\n", 0},
    {"raw bytes above ASCII are passed on", "</\xc3\xa4>; rel=preload", "/\xc3\xa4 rel=[preload]\n",
     0},
    {"every parameter that we know",
     "</a>; rel=a; as=b; crossorigin=c; type=d; fetchpriority=e; integrity=f; media=g; "
     "imagesrcset=h; imagesizes=i; referrerpolicy=j; anchor=k; nopush; x-http2-push-only",
     "/a rel=[a] as=[b] crossorigin=[c] type=[d] fetchpriority=[e] integrity=[f] media=[g] "
     "imagesrcset=[h] imagesizes=[i] referrerpolicy=[j] anchor=[k] nopush x-http2-push-only\n",
     0},
    // What WordPress sends.
    {"a full URL and a quoted relation that is a URL",
     "<http://wp.test/wp-json/>; rel=\"https://api.w.org/\"",
     "http://wp.test/wp-json/ rel=[https://api.w.org/]\n", 0},
    // Broken links never hide a good one.
    {"several relation types must be quoted", "</a>; rel=preload prefetch, </b>; rel=preload",
     "/b rel=[preload]\n", 1},
    {"no closing bracket", "</a; rel=preload, </b>; rel=preload", "/b rel=[preload]\n", 1},
    {"no closing bracket at the end", "</b>; rel=preload, </a; rel=preload", "/b rel=[preload]\n",
     1},
    {"no opening bracket", "/a>; rel=preload, </b>", "/b\n", 1},
    {"no brackets", "/a; rel=preload, </b>", "/b\n", 1},
    {"no semicolon", "</a> rel=preload, </b>", "/b\n", 1},
    {"words instead of links", "hello, world, </b>", "/b\n", 2},
    {"a comma in the quotes of a broken link", "/a; title=\"x, y\", </b>", "/b\n", 1},
    {"a comma in the brackets of a broken link", "x <a,b>, </b>", "/b\n", 1},
    {"a quote that is never closed", "</a>; rel=\"preload, </b>; rel=preload", "/b rel=[preload]\n",
     1},
    {"a quote whose end is escaped", "</a>; rel=\"preload\\\", </b>", "/b\n", 1},
    {"quotes after one that is never closed mean nothing", "</a>; x=\"\\\", </b>; x=\\\"y, </c>",
     "/c\n", 2},
    {"text behind a quoted value", "</a>; rel=\"preload\"x, </b>", "/b\n", 1},
    {"a quote inside a token", "</a>; rel=pre\"load, x\", </b>", "/b\n", 1},
    {"a parameter without a name", "</a>; =x, </b>", "/b\n", 1},
    {"a blank inside the target", "</a b>; rel=preload, </c>", "/c\n", 1},
    {"a quote inside the target", "</a\">; rel=preload, </c>", "/c\n", 1},
    {"a bracket inside the target", "</a<b>; rel=preload, </c>", "/c\n", 1},
    {"a line break inside the target", "</a\r\nX: y>, </c>", "/c\n", 1},
    {"a control character inside quotes", "</a>; title=\"\x01\", </c>", "/c\n", 1},
    {"two links without a comma between them", "</a></b>, </c>", "/c\n", 1},
    {"only an opening bracket", "<", "", 1},
    {"only a quote", "\"", "", 1},
    {"only a backslash in an open quote", "\"\\", "", 1},
};

static void render(const struct link *link, char *out, size_t cap) {
    size_t n = strlen(out);
    n += (size_t)snprintf(out + n, cap - n, "%.*s", SPAN_ARG(link->target));
    for (unsigned i = 0; i < LINK_ATTRIBUTES; i++) {
        if (!link_has(link, i)) {
            continue;
        }
        n += (size_t)snprintf(out + n, cap - n, " %s", names[i]);
        if ((link->has_value & 1U << i) != 0) {
            n += (size_t)snprintf(out + n, cap - n, "=[%.*s]", SPAN_ARG(link->value[i]));
        }
    }
    if (link->others > 0) {
        n += (size_t)snprintf(out + n, cap - n, " +%u", link->others);
    }
    snprintf(out + n, cap - n, "\n");
}

static void reads_as_the_row_says(void **state) {
    const struct row *row = *state;
    struct link_reader reader;
    struct link link;
    struct arena arena;
    char text[2048] = "";
    // A block of its own, so that a sanitizer sees a read behind the end.
    struct buf value;
    buf_init(&value, 4096);
    assert_int_equal(buf_put(&value, span_str(row->value)), 0);
    arena_init(&arena, 4096);
    link_init(&reader, buf_span(&value), &arena);
    while (link_next(&reader, &link) == STEP_ITEM) {
        render(&link, text, sizeof text);
    }
    assert_string_equal(text, row->links);
    assert_int_equal(reader.broken, row->broken);
    assert_int_equal(link_next(&reader, &link), STEP_MORE);
    arena_fini(&arena);
    buf_fini(&value);
}

// parse(format(x)) == x for every link of the row whose bytes may be sent.
static void what_is_written_reads_the_same(void **state) {
    const struct row *row = *state;
    struct link_reader reader, again;
    struct link link, copy;
    struct arena arena;
    uint8_t out[1024];
    arena_init(&arena, 8192);
    link_init(&reader, span_str(row->value), &arena);
    while (link_next(&reader, &link) == STEP_ITEM) {
        size_t n = link_format(&link, out, sizeof out);
        if (n == 0) {
            assert_non_null(strstr(row->name, "above ASCII"));
            continue;
        }
        link_init(&again, span_of(out, n), &arena);
        assert_int_equal(link_next(&again, &copy), STEP_ITEM);
        copy.others = link.others = 0; // others are not written
        assert_true(link_eq(&link, &copy));
        assert_int_equal(link_next(&again, &copy), STEP_MORE);
        assert_int_equal(link_format(&link, out, n - 1), 0);
        assert_int_equal(link_format(&link, out, n), n);
    }
    arena_fini(&arena);
}

static struct link first_of(const char *value, struct arena *arena) {
    struct link_reader reader;
    struct link link;
    link_init(&reader, span_str(value), arena);
    assert_int_equal(link_next(&reader, &link), STEP_ITEM);
    return link;
}

static void relation_types_are_compared_one_by_one(void **state) {
    (void)state;
    struct link link = first_of("</a>; rel=\"prefetch PreLoad  x\"", NULL);
    assert_true(link_has_rel(&link, SPAN("preload")));
    assert_true(link_has_rel(&link, SPAN("x")));
    assert_false(link_has_rel(&link, SPAN("load")));
    assert_false(link_has_rel(&link, SPAN("preload x")));
    link = first_of("</a>; rel=preloads", NULL);
    assert_false(link_has_rel(&link, SPAN("preload")));
}

static void a_link_equals_its_other_spelling(void **state) {
    (void)state;
    struct link a = first_of("</a>; rel=preload; as=style", NULL);
    struct link b = first_of("</a>;as=\"style\";REL=preload", NULL);
    struct link c = first_of("</a>;as=\"style\";REL=preload;nopush", NULL);
    struct link d = first_of("</a>; rel=preload; as=style; x=y", NULL);
    assert_true(link_eq(&a, &b));
    assert_false(link_eq(&a, &c));
    assert_false(link_eq(&a, &d));
    assert_true(link_eq(&d, &d));
}

static void the_raw_link_has_no_outer_blanks(void **state) {
    (void)state;
    struct link link = first_of(" ,  </a> ; x=\"a, b\" ; , </b>", NULL);
    assert_true(span_eq(link.raw, SPAN("</a> ; x=\"a, b\" ;")));
}

static void writing_quotes_only_what_needs_it(void **state) {
    (void)state;
    struct link link = first_of("</a>;type=\"text/css\";as=\"style\";crossorigin", NULL);
    uint8_t out[100];
    size_t n = link_format(&link, out, sizeof out);
    assert_true(span_eq(span_of(out, n), SPAN("</a>; as=style; crossorigin; type=\"text/css\"")));
}

static void what_may_not_be_sent_is_not_written(void **state) {
    (void)state;
    static const char *const bad[] = {"/a b",       "/a>",       "/a<", "/a\"",
                                      "/a\r\nx: y", "/\xc3\xa4", "\x7f"};
    uint8_t out[100];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct link link = {.target = span_str(bad[i])};
        assert_int_equal(link_format(&link, out, sizeof out), 0);
    }
    struct link link = {.target = SPAN("/a"), .has = 1, .has_value = 1};
    link.value[0] = SPAN("a\nb");
    assert_int_equal(link_format(&link, out, sizeof out), 0);
}

static void a_spent_arena_costs_only_the_link_that_needs_it(void **state) {
    (void)state;
    struct link_reader reader;
    struct link link;
    struct arena arena;
    arena_init(&arena, 0);
    link_init(&reader, SPAN("</a>; title=\"\\x\", </b>"), &arena);
    assert_int_equal(link_next(&reader, &link), STEP_ITEM);
    assert_true(span_eq(link.target, SPAN("/b")));
    assert_int_equal(reader.broken, 1);
    arena_fini(&arena);
}

// Bytes, of which each is read a bounded number of times. Were it once for each other byte, the
// test would run into its time limit.
#define HOSTILE 400000

static void hostile_values_are_read_in_linear_time(void **state) {
    (void)state;
    static const char *const patterns[] = {"\"\\", "<",   "\"\\\",",       "<a,",
                                           ",",    "<>;", "</a>;x=\"\\\","};
    static uint8_t value[HOSTILE];
    struct arena arena;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct link_reader reader;
        struct link link;
        size_t links = 0, len = strlen(patterns[i]);
        for (size_t at = 0; at < HOSTILE; at++) {
            value[at] = (uint8_t)patterns[i][at % len];
        }
        arena_init(&arena, 1 << 20);
        link_init(&reader, span_of(value, HOSTILE), &arena);
        while (link_next(&reader, &link) == STEP_ITEM) {
            links++;
        }
        assert_true(links + reader.broken <= HOSTILE);
        arena_fini(&arena);
    }
}

#define ROWS (sizeof rows / sizeof *rows)

int main(void) {
    struct CMUnitTest tables[2 * ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        tables[i] = (struct CMUnitTest){rows[i].name, reads_as_the_row_says, NULL, NULL, &rows[i]};
        tables[ROWS + i] =
            (struct CMUnitTest){rows[i].name, what_is_written_reads_the_same, NULL, NULL, &rows[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relation_types_are_compared_one_by_one),
        cmocka_unit_test(a_link_equals_its_other_spelling),
        cmocka_unit_test(the_raw_link_has_no_outer_blanks),
        cmocka_unit_test(writing_quotes_only_what_needs_it),
        cmocka_unit_test(what_may_not_be_sent_is_not_written),
        cmocka_unit_test(a_spent_arena_costs_only_the_link_that_needs_it),
        cmocka_unit_test(hostile_values_are_read_in_linear_time),
    };
    return cmocka_run_group_tests_name("rows", tables, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
