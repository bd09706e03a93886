// SPDX-License-Identifier: MIT
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int before;
    struct list node;
    int number;
};

static void init(struct item *items, int n) {
    for (int i = 0; i < n; i++) {
        list_init(&items[i].node);
        items[i].number = i;
    }
}

static int taken(struct list *l) {
    struct list *node = list_take(l);
    return node ? LIST_ITEM(node, struct item, node)->number : -1;
}

static void first_in_is_first_out(void **state) {
    (void)state;
    struct list l;
    struct item items[3];
    list_init(&l);
    init(items, 3);
    assert_true(list_is_empty(&l));
    for (int i = 0; i < 3; i++) {
        list_put(&l, &items[i].node);
    }
    assert_false(list_is_empty(&l));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(taken(&l), i);
    }
    assert_int_equal(taken(&l), -1);
}

static void dropping_twice_is_harmless(void **state) {
    (void)state;
    struct list l;
    struct item items[3];
    list_init(&l);
    init(items, 3);
    for (int i = 0; i < 3; i++) {
        list_put(&l, &items[i].node);
    }
    list_drop(&items[1].node);
    list_drop(&items[1].node);
    assert_true(list_is_empty(&items[1].node));
    assert_int_equal(taken(&l), 0);
    assert_int_equal(taken(&l), 2);
    assert_true(list_is_empty(&l));
}

static void putting_moves_a_node_from_where_it_is(void **state) {
    (void)state;
    struct list a, b;
    struct item items[2];
    list_init(&a);
    list_init(&b);
    init(items, 2);
    list_put(&a, &items[0].node);
    list_put(&a, &items[1].node);
    list_put(&a, &items[0].node);
    list_put(&b, &items[1].node);
    assert_int_equal(taken(&a), 0);
    assert_true(list_is_empty(&a));
    assert_int_equal(taken(&b), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_is_first_out),
        cmocka_unit_test(dropping_twice_is_harmless),
        cmocka_unit_test(putting_moves_a_node_from_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
