/* The event count step by step; stress/event.c lets threads race. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "park/park.h"
#include "plat/plat.h"

#define LONG_NS  (20 * UINT64_C(1000000000)) /* nobody waits so long unless a wake-up was lost */
#define SHORT_NS (30 * UINT64_C(1000000))

static struct mo_event event;

static int fresh(void **state)
{
    event = (struct mo_event){0};
    return 0;
}

static void nobody_waits_nothing_changes(void **state)
{
    mo_event_notify(&event);
    mo_event_notify_bits(&event, 1, 4);
    assert_int_equal(event.seq, 0);
    assert_int_equal(event.waiters, 0);
}

static void finish_undoes_prepare(void **state)
{
    mo_event_prepare(&event);
    mo_event_prepare(&event);
    assert_int_equal(event.waiters, 2);
    mo_event_finish(&event);
    mo_event_finish(&event);
    assert_int_equal(event.waiters, 0);
}

/* Notified between prepare and sleep: the sleep does not begin, whoever the notification was meant for. */
static void notification_before_the_sleep_counts(void **state)
{
    uint32_t key = mo_event_prepare(&event);
    mo_event_notify_bits(&event, 1, 2);
    uint64_t before = mo_plat_now_ns();
    mo_park_sleep(&event.seq, key, LONG_NS, 1);
    assert_true(mo_plat_now_ns() - before < LONG_NS / 2);
    mo_event_finish(&event);
}

static void sleep_ends_at_its_timeout(void **state)
{
    uint32_t key = mo_event_prepare(&event);
    uint64_t before = mo_plat_now_ns();
    mo_park_sleep(&event.seq, key, SHORT_NS, MO_WAKE_ANY);
    assert_true(mo_plat_now_ns() - before >= SHORT_NS);
    mo_event_finish(&event);
    assert_int_equal(event.seq, key);
}

struct sleeper {
    pthread_t thread;
    uint32_t bits;
    _Atomic int error; /* of the futex wait, -1 while it sleeps */
};

static void *sleep_once(void *arg)
{
    struct sleeper *s = arg;
    uint32_t key = mo_event_prepare(&event);
    int error = mo_plat_futex_wait(&event.seq, key, LONG_NS, s->bits);
    mo_event_finish(&event);
    mo_store_release(&s->error, error);
    return NULL;
}

/* Puts them to sleep: each has prepared, and had the time to reach the kernel. */
static void start(struct sleeper *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        mo_store_relaxed(&s[i].error, -1);
        assert_int_equal(pthread_create(&s[i].thread, NULL, sleep_once, &s[i]), 0);
    }
    while (mo_load_acquire(&event.waiters) < n)
        usleep(1000);
    usleep(20000);
}

static unsigned awake(struct sleeper *s, unsigned n)
{
    usleep(20000);
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++)
        count += mo_load_acquire(&s[i].error) != -1;
    return count;
}

static void join(struct sleeper *s, unsigned n)
{
    mo_event_notify(&event);
    for (unsigned i = 0; i < n; i++) {
        pthread_join(s[i].thread, NULL);
        assert_int_equal(mo_load_acquire(&s[i].error), 0);
    }
    assert_int_equal(event.waiters, 0);
}

static void as_many_wake_as_asked_for(void **state)
{
    struct sleeper s[3] = {{.bits = 1}, {.bits = 1}, {.bits = 1}};
    start(s, 3);
    assert_int_equal(awake(s, 3), 0);
    mo_event_notify_bits(&event, 1, MO_WAKE_ANY);
    assert_int_equal(awake(s, 3), 1);
    mo_event_notify(&event);
    assert_int_equal(awake(s, 3), 3);
    join(s, 3);
}

static void only_those_concerned_wake(void **state)
{
    struct sleeper s[2] = {{.bits = 1}, {.bits = 6}};
    start(s, 2);
    mo_event_notify_bits(&event, MO_WAKE_ALL, 4);
    assert_int_equal(awake(s, 2), 1);
    assert_int_equal(mo_load_acquire(&s[0].error), -1);
    join(s, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nobody_waits_nothing_changes, fresh),
        cmocka_unit_test_setup(finish_undoes_prepare, fresh),
        cmocka_unit_test_setup(notification_before_the_sleep_counts, fresh),
        cmocka_unit_test_setup(sleep_ends_at_its_timeout, fresh),
        cmocka_unit_test_setup(as_many_wake_as_asked_for, fresh),
        cmocka_unit_test_setup(only_those_concerned_wake, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
