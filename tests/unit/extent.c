/* Built twice: as it is, and with MO_TEST_JEMALLOC and libjemalloc in the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mem/mem.h"

#ifdef MO_TEST_JEMALLOC
#include <jemalloc/jemalloc.h>
#define EXPECT_JEMALLOC true
#else
#define EXPECT_JEMALLOC false
#endif

static const size_t sizes[] = {1, 64, 4000, 65536, 100000, 5u << 20};
#define SIZES (sizeof sizes / sizeof sizes[0])

static void check_zeroed(const char *extent, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (extent[i] != 0)
            fail_msg("byte %zu of %zu is not zero", i, bytes);
}

static void source_is_what_the_process_has(void **state)
{
    assert_int_equal(mo_extent_uses_jemalloc(), EXPECT_JEMALLOC);
}

/* Twice, so that the second round meets memory that has been used. */
static void memory_is_zeroed_and_aligned(void **state)
{
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < SIZES; i++) {
            char *extent = mo_extent_alloc(sizes[i]);
            assert_non_null(extent);
            assert_int_equal((uintptr_t)extent % MO_LINE_PAIR, 0);
            check_zeroed(extent, sizes[i]);
            memset(extent, 0xa5, sizes[i]);
            mo_extent_free(extent, sizes[i]);
        }
}

static void extents_are_disjoint(void **state)
{
    char *extent[SIZES];
    for (size_t i = 0; i < SIZES; i++) {
        extent[i] = mo_extent_alloc(sizes[i]);
        assert_non_null(extent[i]);
        memset(extent[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t at = 0; at < sizes[i]; at++)
            assert_int_equal(extent[i][at], i + 1);
        mo_extent_free(extent[i], sizes[i]);
    }
}

static void impossible_sizes_are_refused(void **state)
{
    volatile size_t all = SIZE_MAX;
    assert_null(mo_extent_alloc(all));
    assert_null(mo_extent_alloc(all / 2));
}

#ifdef MO_TEST_JEMALLOC
static size_t statistic(const char *name)
{
    uint64_t epoch = 1;
    size_t value = 0, bytes = sizeof value;
    mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);
    assert_int_equal(mallctl(name, &value, &bytes, NULL, 0), 0);
    return value;
}

static void jemalloc_counts_what_we_take(void **state)
{
    size_t before = statistic("stats.allocated"), bytes = 8u << 20;
    void *extent = mo_extent_alloc(bytes);
    assert_non_null(extent);
    assert_true(statistic("stats.allocated") >= before + bytes);
    mo_extent_free(extent, bytes);
    assert_true(statistic("stats.allocated") < before + bytes);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(source_is_what_the_process_has), cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(extents_are_disjoint),           cmocka_unit_test(impossible_sizes_are_refused),
#ifdef MO_TEST_JEMALLOC
        cmocka_unit_test(jemalloc_counts_what_we_take),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
