/* The table of parkers: who is taken, and in which order. No threads: what parkers do in the table needs none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "park/parker.h"
#include "plat/plat.h"

#define CROWD 5
#define KEYS  1500 /* more than there are buckets */

static struct mo_parker parkers[KEYS * 2];
static _Atomic uint32_t count;
static char places[KEYS];

static int fresh(void **state)
{
    memset(parkers, 0, sizeof parkers);
    mo_store_relaxed(&count, 0u);
    return 0;
}

static void enter(int who, int where, enum mo_parker_state state)
{
    mo_parker_enter(&parkers[who], &places[where], NULL, &count);
    if (state != MO_PARKER_AWAKE)
        assert_true(mo_parker_deepen(&parkers[who], state));
}

/* -1: nobody stands there. */
static int take_one(int where)
{
    struct mo_parked taken;
    if (!mo_parker_take_one(&places[where], &taken, NULL, &count))
        return -1;
    assert_true(mo_parker_is_taken(taken.parker));
    return (int)(taken.parker - parkers);
}

static void leaving_keeps_the_order_of_those_who_stay(void **state)
{
    for (int leave = 0; leave < 1 << CROWD; leave++) {
        for (int i = 0; i < CROWD; i++)
            enter(i, 0, MO_PARKER_LONG);
        assert_int_equal(mo_load_relaxed(&count), CROWD);
        for (int i = 0; i < CROWD; i++)
            if (leave >> i & 1)
                assert_true(mo_parker_leave(&parkers[i], &count));
        for (int i = 0; i < CROWD; i++)
            if (!(leave >> i & 1))
                assert_int_equal(take_one(0), i);
        assert_int_equal(take_one(0), -1);
        assert_int_equal(mo_load_relaxed(&count), 0);
        assert_false(mo_parker_leave(&parkers[0], &count));
    }
}

static void who_leaves_last_lets_others_stand_behind(void **state)
{
    enter(0, 0, MO_PARKER_LONG);
    enter(1, 0, MO_PARKER_LONG);
    assert_true(mo_parker_leave(&parkers[1], &count));
    enter(2, 0, MO_PARKER_LONG);
    assert_int_equal(take_one(0), 0);
    assert_int_equal(take_one(0), 2);
    assert_int_equal(take_one(0), -1);
}

static void keys_that_share_a_bucket_stay_apart(void **state)
{
    for (int i = 0; i < KEYS * 2; i++)
        enter(i, i % KEYS, MO_PARKER_LONG);
    for (int i = 0; i < KEYS; i += 3)
        assert_true(mo_parker_leave(&parkers[i], &count));
    for (int i = 0; i < KEYS; i++) {
        if (i % 3 != 0)
            assert_int_equal(take_one(i), i);
        assert_int_equal(take_one(i), i + KEYS);
        assert_int_equal(take_one(i), -1);
    }
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(mo_parker_crowd(&places[i]), 0);
}

/* The clock decides: a turn in which the test itself lost the CPU says nothing, so there are many. */
static void one_that_is_awake_goes_first(void **state)
{
    for (int turn = 0; turn < 100000; turn++) {
        enter(0, 0, MO_PARKER_LONG);
        enter(1, 0, MO_PARKER_LONG);
        enter(2, 0, MO_PARKER_AWAKE);
        int first = take_one(0);
        assert_true(first == 2 || first == 0);
        assert_int_equal(take_one(0), first == 2 ? 0 : 1);
        assert_int_equal(take_one(0), first == 2 ? 1 : 2);
        if (first == 2)
            return;
    }
    fail_msg("never");
}

static void wait_us(uint64_t us)
{
    uint64_t began = mo_plat_ticks();
    while (mo_plat_ticks() - began < us * mo_plat_ticks_per_us())
        mo_plat_pause();
}

static void but_not_before_one_who_has_waited_for_long(void **state)
{
    enter(0, 0, MO_PARKER_LONG);
    wait_us(1100);
    enter(1, 0, MO_PARKER_AWAKE);
    assert_int_equal(take_one(0), 0);
    assert_int_equal(take_one(0), 1);
}

/* It has lost its CPU, or does not spin. */
static void nor_if_it_has_been_awake_for_long(void **state)
{
    enter(0, 0, MO_PARKER_LONG);
    enter(1, 0, MO_PARKER_AWAKE);
    wait_us(100);
    assert_int_equal(take_one(0), 0);
    assert_int_equal(take_one(0), 1);
}

static bool never(const struct mo_parker *p, uint64_t *given)
{
    return false;
}

static bool once(const struct mo_parker *p, uint64_t *given)
{
    return (*given)++ == 0;
}

static void who_may_not_be_taken_stays(void **state)
{
    struct mo_parked taken;
    enter(0, 0, MO_PARKER_LONG);
    enter(1, 0, MO_PARKER_LONG);
    assert_false(mo_parker_try_take(&places[1], &taken, once)); /* not asked where nobody stands */
    assert_false(mo_parker_try_take(&places[0], &taken, never));
    assert_true(mo_parker_try_take(&places[0], &taken, once));
    assert_ptr_equal(taken.parker, &parkers[0]);
    assert_false(mo_parker_try_take(&places[0], &taken, once));
    assert_true(mo_parker_leave(&parkers[1], &count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(leaving_keeps_the_order_of_those_who_stay, fresh),
        cmocka_unit_test_setup(who_leaves_last_lets_others_stand_behind, fresh),
        cmocka_unit_test_setup(keys_that_share_a_bucket_stay_apart, fresh),
        cmocka_unit_test_setup(one_that_is_awake_goes_first, fresh),
        cmocka_unit_test_setup(but_not_before_one_who_has_waited_for_long, fresh),
        cmocka_unit_test_setup(nor_if_it_has_been_awake_for_long, fresh),
        cmocka_unit_test_setup(who_may_not_be_taken_stays, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
