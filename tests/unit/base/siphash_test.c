// SPDX-License-Identifier: MIT
#include "base/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// The reference vectors of SipHash-2-4: key 00..0f, message 00..n-1.
static const struct {
    size_t n;
    uint64_t hash;
} vectors[] = {
    {0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd},  {7, 0xab0200f58b01d137},
    {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5},
};

static void the_reference_vectors_come_out(void **state) {
    (void)state;
    const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t message[16];
    for (unsigned i = 0; i < sizeof message; i++) {
        message[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        assert_int_equal(siphash(&key, span_of(message, vectors[i].n)), vectors[i].hash);
    }
}

// The same of the 128-bit variant, as bytes of the reference from the lowest on.
static const struct {
    size_t n;
    struct siphash_wide hash;
} wide_vectors[] = {
    {0, {0xe6a825ba047f81a3, 0x930255c71472f66d}},
    {8, {0x61f55862baa9623b, 0xb49714f364e2830f}},
    {15, {0x11a8b03399e99354, 0xd9c3cf970fec087e}},
};

static void the_reference_vectors_of_the_wide_variant_come_out(void **state) {
    (void)state;
    const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t message[16];
    for (unsigned i = 0; i < sizeof message; i++) {
        message[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < sizeof wide_vectors / sizeof *wide_vectors; i++) {
        struct siphash_wide h = siphash_wide(&key, span_of(message, wide_vectors[i].n));
        assert_int_equal(h.low, wide_vectors[i].hash.low);
        assert_int_equal(h.high, wide_vectors[i].hash.high);
    }
}

static void another_key_gives_another_hash(void **state) {
    (void)state;
    const struct siphash_key a = {1, 2}, b = {1, 3};
    assert_int_not_equal(siphash(&a, SPAN("/")), siphash(&b, SPAN("/")));
    assert_int_equal(siphash(&a, SPAN("/")), siphash(&a, SPAN("/")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_vectors_come_out),
        cmocka_unit_test(the_reference_vectors_of_the_wide_variant_come_out),
        cmocka_unit_test(another_key_gives_another_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
