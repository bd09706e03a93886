// SPDX-License-Identifier: MIT
#include "gateway/spool.h"

#include "base/error.h"
#include "server/temporary.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/outrider-spool-XXXXXX";

static struct temporary temporary = {folder}, nowhere = {"/nonexistent"};
static struct spool_disk disk, no_disk;

static int make_folder(void **state) {
    (void)state;
    disk = temporary_disk(&temporary);
    no_disk = temporary_disk(&nowhere);
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int drop_folder(void **state) {
    (void)state;
    return rmdir(folder); // fails when anything was left in it
}

// A byte that its place alone decides, so that order and completeness show.
static uint8_t byte_at(uint64_t i) {
    return (uint8_t)(i * 2654435761u >> 13);
}

static void put(struct spool *s, uint64_t at, size_t n, int wanted) {
    uint8_t *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = byte_at(at + i);
    }
    assert_int_equal(spool_put(s, span_of(bytes, n)), wanted);
    free(bytes);
}

static uint64_t take(struct spool *s, uint64_t at, size_t most) {
    struct span got;
    assert_int_equal(spool_peek(s, &got), 0);
    got = span_first(got, most);
    for (size_t i = 0; i < got.n; i++) {
        assert_int_equal(got.p[i], byte_at(at + i));
    }
    spool_take(s, got.n);
    return got.n;
}

static void test_bytes_come_out_as_they_went_in_through_memory_and_file(void **state) {
    (void)state;
    struct spool s;
    uint64_t in = 0, out = 0;
    spool_init(&s, &disk, 100000, 10 << 20);
    // More goes in than comes out, then the other way round, at sizes that meet no boundary.
    for (unsigned i = 0; i < 300; i++) {
        size_t n = 1 + i * 7919 % 20011;
        put(&s, in, n, 0);
        in += n;
        if (i % 10 == 0) {
            out += take(&s, out, 30011);
        }
        assert_int_equal(spool_len(&s), in - out);
    }
    assert_true(s.file >= 0);
    while (out < in) {
        uint64_t n = take(&s, out, 9973);
        assert_true(n > 0);
        out += n;
    }
    assert_int_equal(spool_len(&s), 0);
    spool_fini(&s);
    spool_fini(&s);
}

static void test_what_fits_into_memory_opens_no_file(void **state) {
    (void)state;
    struct spool s;
    spool_init(&s, &no_disk, 100000, 1 << 20);
    put(&s, 0, 100000, 0);
    assert_int_equal(s.file, -1);
    assert_int_equal(take(&s, 0, 100000), 100000);
    spool_fini(&s);
}

static void test_an_emptied_file_gives_its_disk_back(void **state) {
    (void)state;
    struct spool s;
    uint64_t out = 0;
    spool_init(&s, &disk, 65536, 1 << 20);
    put(&s, 0, 65536, 0);
    put(&s, 65536, 500000, 0);
    while (out < 565536) {
        out += take(&s, out, SIZE_MAX);
    }
    assert_int_equal(lseek(s.file, 0, SEEK_END), 0);
    put(&s, out, 1000, 0);
    assert_int_equal(take(&s, out, SIZE_MAX), 1000);
    spool_fini(&s);
}

static void test_a_full_spool_takes_nothing_of_what_does_not_fit(void **state) {
    (void)state;
    struct spool s;
    spool_init(&s, &disk, 65536, 1000);
    put(&s, 0, 65536, 0);
    put(&s, 65536, 1000, 0);
    put(&s, 66536, 1, ERR_SPOOL_FULL);
    assert_int_equal(spool_len(&s), 66536);
    spool_fini(&s);
}

static void test_a_file_that_never_runs_empty_stays_within_its_limit(void **state) {
    (void)state;
    struct spool s;
    spool_init(&s, &disk, 65536, 1 << 20);
    put(&s, 0, 65536, 0);
    uint64_t in = 65536, out = 0;
    int err = 0;
    for (unsigned i = 0; i < 100 && err == 0; i++) { // what comes equals what goes
        uint8_t piece[30000];
        for (size_t k = 0; k < sizeof piece; k++) {
            piece[k] = byte_at(in + k);
        }
        err = spool_put(&s, span_of(piece, sizeof piece));
        in += err == 0 ? sizeof piece : 0;
        out += take(&s, out, sizeof piece);
        assert_true(lseek(s.file, 0, SEEK_END) <= 1 << 20);
    }
    assert_int_equal(err, ERR_SPOOL_FULL);
    while (out < in) {
        out += take(&s, out, SIZE_MAX);
    }
    put(&s, in, 70000, 0); // empty, it takes again
    spool_fini(&s);
}

static void test_a_disk_that_can_not_be_written_is_told_and_loses_nothing(void **state) {
    (void)state;
    struct spool s;
    struct rlimit was, low = {.rlim_cur = 100000, .rlim_max = RLIM_INFINITY};
    uint64_t out = 0;
    spool_init(&s, &disk, 65536, 10 << 20);
    put(&s, 0, 65536, 0);
    // A file that may not grow beyond the limit fails as a full disk does.
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    low.rlim_max = was.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    put(&s, 65536, 90000, 0);
    put(&s, 155536, 90000, ERR_SPOOL_DISK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    put(&s, 155536, 1000, 0);
    while (out < 156536) {
        out += take(&s, out, SIZE_MAX);
    }
    assert_int_equal(out, 156536);
    spool_fini(&s);
    spool_init(&s, &no_disk, 65536, 1 << 20);
    put(&s, 0, 70000, ERR_SPOOL_DISK);
    assert_int_equal(spool_len(&s), 0);
    spool_fini(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_come_out_as_they_went_in_through_memory_and_file),
        cmocka_unit_test(test_what_fits_into_memory_opens_no_file),
        cmocka_unit_test(test_an_emptied_file_gives_its_disk_back),
        cmocka_unit_test(test_a_full_spool_takes_nothing_of_what_does_not_fit),
        cmocka_unit_test(test_a_file_that_never_runs_empty_stays_within_its_limit),
        cmocka_unit_test(test_a_disk_that_can_not_be_written_is_told_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
