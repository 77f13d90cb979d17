/* The mutex word's states: 0 free, 1 held, 2 held and somebody may sleep. stress/mutex.c has the contention. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config.h"
#include "park/park.h"

static _Atomic uint32_t mutex;

static int fresh(void **state)
{
    mutex = 0;
    return 0;
}

static void word_tells_the_state(void **state)
{
    mo_mutex_lock(&mutex);
    assert_int_equal(mutex, 1);
    mo_mutex_unlock(&mutex);
    assert_int_equal(mutex, 0);
}

static void try_takes_only_a_free_one(void **state)
{
    assert_true(mo_mutex_try_lock(&mutex));
    assert_false(mo_mutex_try_lock(&mutex));
    assert_int_equal(mutex, 1);
    mutex = 2;
    assert_false(mo_mutex_try_lock(&mutex));
    assert_int_equal(mutex, 2); /* a failed try hides no sleeper */
}

static void unlock_frees_whatever_it_was(void **state)
{
    mutex = 2;
    mo_mutex_unlock(&mutex);
    assert_int_equal(mutex, 0);
}

static void *lock_and_leave(void *arg)
{
    mo_mutex_lock(&mutex);
    *(_Atomic int *)arg += 1;
    mo_mutex_unlock(&mutex);
    return NULL;
}

/* The waiters say that they sleep, none gets in before the unlock, and one unlock sets them all going. */
static void sleepers_get_in_after_the_unlock(void **state)
{
    pthread_t thread[3];
    _Atomic int entered = 0;
    mo_mutex_lock(&mutex);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, lock_and_leave, (void *)&entered), 0);
    while (mo_load_relaxed(&mutex) != 2)
        usleep(1000);
    usleep(20000);
    assert_int_equal(entered, 0);
    mo_mutex_unlock(&mutex);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(entered, 3);
    assert_int_equal(mutex, 0);
}

int main(void)
{
    mo_config_load();
    mo_park_init(2, 2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(word_tells_the_state, fresh),
        cmocka_unit_test_setup(try_takes_only_a_free_one, fresh),
        cmocka_unit_test_setup(unlock_frees_whatever_it_was, fresh),
        cmocka_unit_test_setup(sleepers_get_in_after_the_unlock, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
