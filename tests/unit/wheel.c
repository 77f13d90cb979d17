/* The timing wheel beside a plain list: whatever is put in, taken out and however far time jumps, each timer comes
   once, none before its tick or after the jump that passes it, earlier ticks first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sched/wheel.h"

#define TIMERS 300
#define STEPS  200000

static struct mo_wheel wheel;
static struct mo_timer timers[TIMERS];

static uint64_t any(void)
{
    static uint64_t seed = 88172645463325252u;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Of any order of magnitude. */
static uint64_t any_length(unsigned bits)
{
    return any() >> (64 - (1 + any() % bits));
}

static uint64_t earliest(void)
{
    uint64_t tick = MO_WHEEL_NEVER;
    for (unsigned i = 0; i < TIMERS; i++)
        if (timers[i].at && timers[i].tick < tick)
            tick = timers[i].tick;
    return tick;
}

static void come_due(uint64_t now)
{
    struct mo_timer *timer;
    uint64_t last = 0;
    while ((timer = mo_wheel_take_due(&wheel, now)) != NULL) {
        assert_null(timer->at);
        assert_true(timer->tick <= now);
        assert_true(timer->tick >= last);
        last = timer->tick;
    }
    assert_true(earliest() > now);
}

static void as_a_list_has_it(void **unused)
{
    uint64_t now = (uint64_t)1 << 40;
    for (unsigned step = 0; step < STEPS; step++) {
        struct mo_timer *timer = &timers[any() % TIMERS];
        if (timer->at) {
            mo_wheel_take_out(&wheel, timer);
        } else {
            timer->tick = now + 1 + any_length(48);
            mo_wheel_put(&wheel, timer, now);
        }
        uint64_t next = mo_wheel_next(&wheel), first = earliest();
        assert_true(next <= first && (next > now || first <= now));
        if (step % 4 == 0) {
            now = step % 8 && next != MO_WHEEL_NEVER ? next : now + any_length(step % 16 ? 20 : 46);
            come_due(now);
        }
        if (now >> 52) /* back, as a clock that was moved by hand and let go */
            for (now = (uint64_t)1 << 40; wheel.count;)
                come_due(UINT64_MAX >> MO_WHEEL_SHIFT);
    }
}

static void a_deadline_is_rounded_up(void **unused)
{
    assert_int_equal(mo_wheel_tick(0), 0);
    assert_int_equal(mo_wheel_tick(1), 1);
    assert_int_equal(mo_wheel_tick(1024), 1);
    assert_int_equal(mo_wheel_tick(1025), 2);
    assert_int_equal(mo_wheel_tick(UINT64_MAX), (uint64_t)1 << 54);
}

/* One that is alone is not looked for before its time, however far that is. */
static void alone_it_is_exact(void **unused)
{
    struct mo_wheel own = {.now = 0};
    struct mo_timer timer = {.tick = ((uint64_t)1 << 45) + 12345};
    mo_wheel_put(&own, &timer, 777);
    assert_int_equal(mo_wheel_next(&own), timer.tick);
    assert_null(mo_wheel_take_due(&own, timer.tick - 1));
    assert_ptr_equal(mo_wheel_take_due(&own, timer.tick), &timer);
    assert_int_equal(mo_wheel_next(&own), MO_WHEEL_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_a_list_has_it),
        cmocka_unit_test(a_deadline_is_rounded_up),
        cmocka_unit_test(alone_it_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
