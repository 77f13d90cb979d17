/* One thread plays owner and thief in turn, so every step is known. stress/deque.c does the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue/deque.h"

static struct mo_deque deque;
static char items[4096]; /* item i is &items[i] */

static void fresh(uint64_t capacity)
{
    assert_true(mo_deque_init(&deque, capacity));
    assert_true(mo_deque_is_valid(&deque));
}

static void push(unsigned i)
{
    assert_true(mo_deque_room_owner(&deque));
    mo_deque_push_owner(&deque, &items[i]);
    assert_true(mo_deque_is_valid(&deque));
}

static void push_range(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        push(i);
}

static void expect_pop(unsigned i)
{
    assert_ptr_equal(mo_deque_pop_owner(&deque, INT64_MIN, true), &items[i]);
    assert_true(mo_deque_is_valid(&deque));
}

static enum mo_steal_result steal(void **item)
{
    return mo_deque_steal(&deque, NULL, NULL, NULL, item);
}

static void expect_steal(unsigned i)
{
    void *item = NULL;
    assert_int_equal(steal(&item), MO_STEAL_OK);
    assert_ptr_equal(item, &items[i]);
}

static void expect_empty(void)
{
    void *item;
    assert_null(mo_deque_pop_owner(&deque, INT64_MIN, true));
    assert_int_equal(steal(&item), MO_STEAL_EMPTY);
    assert_int_equal(mo_deque_peek_size(&deque), 0);
    assert_true(mo_deque_is_valid(&deque));
}

static void owner_takes_the_newest(void **state)
{
    fresh(8);
    expect_empty();
    push_range(0, 3);
    assert_int_equal(mo_deque_peek_size(&deque), 3);
    expect_pop(2);
    expect_pop(1);
    push(7);
    expect_pop(7);
    expect_pop(0);
    expect_empty();
}

static void thief_takes_the_oldest(void **state)
{
    fresh(8);
    push_range(0, 4);
    expect_steal(0);
    expect_steal(1);
    expect_pop(3);
    expect_steal(2);
    expect_empty();
}

static void pop_without_thieves_agrees(void **state)
{
    fresh(4);
    push_range(0, 9);
    for (unsigned i = 9; i-- > 0;)
        assert_ptr_equal(mo_deque_pop_owner(&deque, INT64_MIN, false), &items[i]);
    assert_null(mo_deque_pop_owner(&deque, INT64_MIN, false));
    assert_true(mo_deque_is_valid(&deque));
}

static void the_only_owner_takes_either_end(void **state)
{
    fresh(4);
    push_range(0, 4);
    for (unsigned i = 0; i < 40; i++) { /* once round and round */
        assert_ptr_equal(mo_deque_take_oldest_owner(&deque), &items[i]);
        assert_true(mo_deque_is_valid(&deque));
        push(i + 4);
    }
    assert_ptr_equal(mo_deque_pop_owner(&deque, INT64_MIN, false), &items[43]);
    expect_steal(40);
    assert_ptr_equal(mo_deque_take_oldest_owner(&deque), &items[41]);
    assert_ptr_equal(mo_deque_take_oldest_owner(&deque), &items[42]);
    assert_null(mo_deque_take_oldest_owner(&deque));
    expect_empty();
}

static void mark_hides_what_is_older(void **state)
{
    for (int shared = 0; shared < 2; shared++) {
        fresh(8);
        push_range(0, 3);
        assert_ptr_equal(mo_deque_pop_owner(&deque, 2, shared), &items[2]);
        assert_null(mo_deque_pop_owner(&deque, 2, shared));
        assert_int_equal(mo_deque_peek_size(&deque), 2);
        assert_ptr_equal(mo_deque_pop_owner(&deque, 1, shared), &items[1]);
    }
}

static void growth_keeps_all(void **state)
{
    fresh(2);
    push_range(0, 1000);
    for (unsigned i = 0; i < 300; i++)
        expect_steal(i);
    push_range(1000, 3000); /* wraps round and grows with top far from 0 */
    for (unsigned i = 2999; i >= 300; i--)
        expect_pop(i);
    expect_empty();
}

static void slots_are_used_again_without_growth(void **state)
{
    fresh(4);
    for (unsigned i = 0; i < 200; i++) {
        push(i);
        push(i + 1);
        expect_steal(i);
        expect_steal(i + 1);
    }
    assert_int_equal(mo_load_relaxed(&deque.buffer)->mask, 3);
}

static bool refuse(void *item, void *arg)
{
    *(void **)arg = item;
    return false;
}

static void refused_item_stays(void **state)
{
    void *seen = NULL, *item = NULL;
    fresh(4);
    push_range(0, 2);
    assert_int_equal(mo_deque_steal(&deque, NULL, refuse, &seen, &item), MO_STEAL_REFUSED);
    assert_ptr_equal(seen, &items[0]);
    assert_null(item);
    assert_int_equal(mo_deque_peek_size(&deque), 2);
    expect_steal(0);
}

/* The owner takes the very item while the thief looks at it. */
static bool owner_is_faster(void *item, void *arg)
{
    assert_ptr_equal(mo_deque_pop_owner(&deque, INT64_MIN, true), item);
    return true;
}

static bool thief_is_faster(void *item, void *arg)
{
    void *other;
    assert_int_equal(steal(&other), MO_STEAL_OK);
    assert_ptr_equal(other, item);
    return true;
}

static void lost_race_takes_nothing(void **state)
{
    void *item = NULL;
    fresh(4);
    push(0);
    assert_int_equal(mo_deque_steal(&deque, NULL, owner_is_faster, NULL, &item), MO_STEAL_LOST);
    push_range(1, 3);
    assert_int_equal(mo_deque_steal(&deque, NULL, thief_is_faster, NULL, &item), MO_STEAL_LOST);
    assert_null(item);
    expect_pop(2);
    expect_empty();
}

static void changed_guard_stops_the_thief(void **state)
{
    _Atomic uint32_t generation = 5;
    struct mo_deque_guard now = {&generation, 5}, past = {&generation, 4};
    void *item = NULL;
    fresh(4);
    push(0);
    assert_int_equal(mo_deque_steal(&deque, &past, NULL, NULL, &item), MO_STEAL_EMPTY);
    assert_int_equal(mo_deque_peek_size(&deque), 1);
    assert_int_equal(mo_deque_steal(&deque, &now, NULL, NULL, &item), MO_STEAL_OK);
    assert_ptr_equal(item, &items[0]);
}

/* May be too high after steals, but never at the limit without a fresh look. */
static void size_is_exact_where_it_matters(void **state)
{
    fresh(16);
    push_range(0, 10);
    for (unsigned i = 0; i < 4; i++)
        expect_steal(i);
    assert_true(mo_deque_size_owner(&deque, 100) >= 6);
    assert_int_equal(mo_deque_size_owner(&deque, 8), 6);
    assert_int_equal(mo_deque_size_owner(&deque, 5), 6);
}

static void cleared_deque_goes_on(void **state)
{
    fresh(4);
    push_range(0, 7);
    expect_steal(0);
    mo_deque_clear(&deque);
    expect_empty();
    push(9);
    expect_pop(9);
}

static void checker_sees_damage(void **state)
{
    fresh(4);
    push(0);
    mo_store_relaxed(&deque.top, 3);
    assert_false(mo_deque_is_valid(&deque));
    mo_store_relaxed(&deque.top, 0);
    mo_store_relaxed(&deque.bottom, 6);
    assert_false(mo_deque_is_valid(&deque));
    fresh(4);
    deque.top_seen = 1;
    assert_false(mo_deque_is_valid(&deque));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owner_takes_the_newest),
        cmocka_unit_test(thief_takes_the_oldest),
        cmocka_unit_test(pop_without_thieves_agrees),
        cmocka_unit_test(the_only_owner_takes_either_end),
        cmocka_unit_test(mark_hides_what_is_older),
        cmocka_unit_test(growth_keeps_all),
        cmocka_unit_test(slots_are_used_again_without_growth),
        cmocka_unit_test(refused_item_stays),
        cmocka_unit_test(lost_race_takes_nothing),
        cmocka_unit_test(changed_guard_stops_the_thief),
        cmocka_unit_test(size_is_exact_where_it_matters),
        cmocka_unit_test(cleared_deque_goes_on),
        cmocka_unit_test(checker_sees_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
