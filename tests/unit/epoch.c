/* When is a retired extent freed? Freed memory is unmapped, which the kernel tells. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "mem/mem.h"

#define EXTENT_BYTES (256u * 1024)

static struct mo_epoch_reader early, late;

static bool is_mapped(char *extent)
{
    unsigned char resident;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *inside = (char *)(((uintptr_t)extent + EXTENT_BYTES / 2) & ~(page - 1));
    return mincore(inside, page, &resident) == 0 || errno != ENOMEM;
}

static char *new_extent(void)
{
    char *extent = mo_extent_alloc(EXTENT_BYTES);
    assert_non_null(extent);
    assert_true(is_mapped(extent));
    return extent;
}

static void goes_at_once_when_nobody_is_inside(void **state)
{
    char *extent = new_extent();
    mo_epoch_retire(extent, EXTENT_BYTES);
    assert_int_equal(mo_epoch_collect(), 0);
    assert_false(is_mapped(extent));
}

static void waits_for_a_reader_that_was_inside(void **state)
{
    char *extent = new_extent();
    mo_epoch_enter(&early);
    mo_epoch_retire(extent, EXTENT_BYTES);
    assert_int_equal(mo_epoch_collect(), 1);
    assert_true(is_mapped(extent));
    mo_epoch_leave(&early);
    assert_int_equal(mo_epoch_collect(), 0);
    assert_false(is_mapped(extent));
}

static void waits_for_nobody_who_came_later(void **state)
{
    char *extent = new_extent();
    mo_epoch_enter(&early);
    mo_epoch_retire(extent, EXTENT_BYTES);
    mo_epoch_enter(&late);
    mo_epoch_leave(&early);
    assert_int_equal(mo_epoch_collect(), 0);
    assert_false(is_mapped(extent));
    mo_epoch_leave(&late);
}

/* Entering anew is as good as leaving. */
static void a_new_visit_holds_nothing_old(void **state)
{
    char *extent = new_extent();
    mo_epoch_enter(&early);
    mo_epoch_retire(extent, EXTENT_BYTES);
    mo_epoch_leave(&early);
    mo_epoch_enter(&early);
    assert_int_equal(mo_epoch_collect(), 0);
    assert_false(is_mapped(extent));
    mo_epoch_leave(&early);
}

static void each_extent_waits_for_its_own_readers(void **state)
{
    char *first = new_extent(), *second = new_extent();
    mo_epoch_enter(&early);
    mo_epoch_retire(first, EXTENT_BYTES);
    mo_epoch_enter(&late);
    mo_epoch_retire(second, EXTENT_BYTES);
    mo_epoch_leave(&early);
    assert_int_equal(mo_epoch_collect(), 1);
    assert_false(is_mapped(first));
    assert_true(is_mapped(second));
    mo_epoch_leave(&late);
    assert_int_equal(mo_epoch_collect(), 0);
    assert_false(is_mapped(second));
}

/* A reader that never leaves costs memory, but no retirement blocks and nothing it may see is freed. */
static void too_many_to_remember_are_kept(void **state)
{
    char *extent[200];
    mo_epoch_enter(&early);
    for (int i = 0; i < 200; i++) {
        extent[i] = new_extent();
        mo_epoch_retire(extent[i], EXTENT_BYTES);
    }
    assert_true(mo_epoch_collect() > 0);
    for (int i = 0; i < 200; i++)
        assert_true(is_mapped(extent[i]));
    mo_epoch_leave(&early);
    assert_int_equal(mo_epoch_collect(), 0);
}

/* Without collect: retirement itself makes room. All are mapped beforehand, so no address comes twice. */
static void retiring_collects(void **state)
{
    char *extent[100];
    unsigned mapped = 0;
    for (int i = 0; i < 100; i++)
        extent[i] = new_extent();
    for (int i = 0; i < 100; i++)
        mo_epoch_retire(extent[i], EXTENT_BYTES);
    for (int i = 0; i < 100; i++)
        mapped += is_mapped(extent[i]);
    assert_true(mapped < 100);
    assert_false(is_mapped(extent[0]));
    assert_int_equal(mo_epoch_collect(), 0);
}

static void readers_of_the_parent_hold_nothing_in_a_forked_child(void **state)
{
    char *extent = new_extent();
    mo_epoch_enter(&early);
    mo_epoch_retire(extent, EXTENT_BYTES);
    mo_epoch_reset_after_fork();
    assert_int_equal(mo_epoch_collect(), 0);
    assert_false(is_mapped(extent));
}

int main(void)
{
    mo_epoch_register(&early);
    mo_epoch_register(&late);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_at_once_when_nobody_is_inside),
        cmocka_unit_test(waits_for_a_reader_that_was_inside),
        cmocka_unit_test(waits_for_nobody_who_came_later),
        cmocka_unit_test(a_new_visit_holds_nothing_old),
        cmocka_unit_test(each_extent_waits_for_its_own_readers),
        cmocka_unit_test(too_many_to_remember_are_kept),
        cmocka_unit_test(retiring_collects),
        cmocka_unit_test(readers_of_the_parent_hold_nothing_in_a_forked_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
