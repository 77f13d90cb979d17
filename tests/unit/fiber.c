/* Fibers of one thread: turns, waits for events and locks, what belongs to each of them, sleeping together. */
#include <fenv.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config.h"
#include "park/fiber.h"
#include "park/park.h"
#include "plat/plat.h"

#define FIBERS 40

static struct mo_stacks store;
static struct mo_stack_cache cache;
static struct mo_ring ring;
static struct mo_fiber fiber[FIBERS];
static __thread void *local;
static int steps, ended;

static void start(unsigned n, void (*entry)(void *))
{
    steps = ended = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!fiber[i].stack)
            fiber[i].stack = mo_stack_take(&store, &cache);
        assert_non_null(fiber[i].stack);
        mo_fiber_start(&ring, &fiber[i], &local, entry, (void *)(uintptr_t)i, &fiber[i]);
    }
}

static bool all_ended(void *n)
{
    return ended == (int)(uintptr_t)n;
}

static struct mo_event event;

/* The own flow of control waits like any other. */
static void finish(unsigned n)
{
    const struct mo_wait wait = {.ready = all_ended, .arg = (void *)(uintptr_t)n, .event = &event, .bits = MO_WAKE_ANY};
    mo_wait(&wait);
    while (mo_fiber_yield()) {
    }
    assert_null(MO_SHARED(ring));
    assert_int_equal(ended, n);
}

static void takes_turns(void *i)
{
    for (int k = 0; k < 10; k++) {
        assert_ptr_equal(local, &fiber[(uintptr_t)i]);
        assert_int_equal(steps++ % 5, (uintptr_t)i); /* round and round, but for the own one, which waits */
        mo_fiber_yield();
    }
    ended++;
}

static void test_turns_are_fair(void **state)
{
    (void)state;
    local = &ring;
    start(5, takes_turns);
    finish(5);
    assert_ptr_equal(local, &ring);
    assert_int_equal(steps, 50);
}

static void rounds_its_own_way(void *i)
{
    int way = (uintptr_t)i % 2 ? FE_UPWARD : FE_DOWNWARD;
    assert_int_equal(fegetround(), FE_TONEAREST);
    fesetround(way);
    for (int k = 0; k < 5; k++) {
        mo_fiber_yield();
        assert_int_equal(fegetround(), way);
    }
    ended++;
}

static void test_control_words_are_each_ones_own(void **state)
{
    (void)state;
    start(4, rounds_its_own_way);
    finish(4);
    assert_int_equal(fegetround(), FE_TONEAREST);
}

static _Atomic uint32_t mutex;
static int inside;

static void locks(void *i)
{
    (void)i;
    for (int k = 0; k < 20; k++) {
        mo_mutex_lock(&mutex);
        assert_int_equal(inside++, 0);
        mo_fiber_yield(); /* it is held while all others of the thread want it */
        inside--;
        mo_mutex_unlock(&mutex);
        mo_fiber_yield();
    }
    ended++;
}

static void test_who_holds_a_mutex_goes_on(void **state)
{
    (void)state;
    start(FIBERS, locks);
    finish(FIBERS);
}

/* Another thread makes true what each of the fibers waits for, at an event of its own or at one for all. */
static struct mo_event events[FIBERS];
static _Atomic int flag[FIBERS];
static int separate, asleep;

static bool flag_is_set(void *i)
{
    return mo_load_seqcst(&flag[(uintptr_t)i]) != 0;
}

static void falls_asleep(void *i)
{
    (void)i;
    asleep++;
}

static void wakes(void *i)
{
    (void)i;
    asleep--;
}

static void waits_for_flag(void *i)
{
    for (int k = 0; k < 50; k++) {
        const struct mo_wait wait = {.ready = flag_is_set,
                                     .asleep = falls_asleep,
                                     .awake = wakes,
                                     .arg = i,
                                     .event = &events[separate ? (uintptr_t)i : 0],
                                     .bits = 1u << ((uintptr_t)i % 3)};
        mo_wait(&wait);
        mo_store_seqcst(&flag[(uintptr_t)i], 0);
        steps++;
    }
    ended++;
}

static void *set_flags(void *n)
{
    unsigned seed = 7;
    for (int k = 0; k < 50; k++) {
        for (uintptr_t i = 0; i < (uintptr_t)n; i++) {
            while (mo_load_seqcst(&flag[i]))
                mo_plat_yield();
            if (rand_r(&seed) % 16 == 0)
                usleep(300); /* long enough for them to fall asleep */
            mo_exchange_seqcst(&flag[i], 1);
            mo_event_notify_bits(&events[separate ? i : 0], MO_WAKE_ALL, 1u << (i % 3));
        }
    }
    return NULL;
}

static void flags_from_outside(unsigned n, int apart)
{
    pthread_t thread;
    separate = apart;
    start(n, waits_for_flag);
    pthread_create(&thread, NULL, set_flags, (void *)(uintptr_t)n);
    finish(n);
    pthread_join(thread, NULL);
    assert_int_equal(steps, 50 * n);
    assert_int_equal(asleep, 0);
    for (unsigned i = 0; i < FIBERS; i++)
        assert_int_equal(mo_load_relaxed(&events[i].waiters), 0);
}

static void test_sleeping_on_one_event(void **state)
{
    (void)state;
    flags_from_outside(5, 0);
}

static void test_sleeping_on_many_events(void **state)
{
    (void)state;
    flags_from_outside(5, 1);
    flags_from_outside(FIBERS, 1);
}

/* Work that one fiber may do and another may not, and that makes a third one's wait end. */
static int work_left;

static bool does_work(void *i)
{
    (void)i;
    if (!work_left)
        return false;
    work_left--;
    mo_fiber_yield(); /* work may wait itself */
    steps++;
    return true;
}

static bool work_is_done(void *i)
{
    (void)i;
    return steps == 10;
}

static void waits_for_work(void *i)
{
    const struct mo_wait wait = {
        .ready = work_is_done, .work = (uintptr_t)i == 3 ? does_work : NULL, .event = &event, .bits = MO_WAKE_ANY};
    mo_wait(&wait);
    ended++;
}

static void test_each_gets_a_look_at_the_work(void **state)
{
    (void)state;
    work_left = 10;
    start(6, waits_for_work);
    finish(6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns_are_fair),
        cmocka_unit_test(test_control_words_are_each_ones_own),
        cmocka_unit_test(test_who_holds_a_mutex_goes_on),
        cmocka_unit_test(test_sleeping_on_one_event),
        cmocka_unit_test(test_sleeping_on_many_events),
        cmocka_unit_test(test_each_gets_a_look_at_the_work),
    };
    mo_config_load();
    mo_park_init(mo_plat_usable_cpus(), mo_plat_usable_cpus());
    mo_park_threads_add(1);
    mo_stacks_init(&store, 64 * 1024, MO_STACK_GUARD_MARK);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
