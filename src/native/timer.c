/* Timers (moirai/timer.h). */
#include "native/executor.h"

#include "moirai/timer.h"
#include "park/clock.h"
#include "sched/timer.h"

#include <errno.h>

_Static_assert(sizeof(struct mo_timer) == sizeof(((moirai_sleep_t *)NULL)->moirai_words), "room for it");

/* ---- A sleep. */
static struct mo_timer *timer_of(moirai_sleep_t *sleep)
{
    return (struct mo_timer *)sleep->moirai_words;
}

static int end_sleep(moirai_sleep_t *sleep, int status)
{
    sleep->status = status;
    return MOIRAI_READY;
}

/* A look at the clock costs as much as all the rest of setting a timer. Where the deadline is far away it need not be a
   close one; were it due after all, the timer would go off at once. */
#define FAR_NS 50000000
static uint64_t now_before(uint64_t deadline_ns)
{
    uint64_t about = mo_clock_about();
    return deadline_ns > about && deadline_ns - about > FAR_NS ? about : mo_clock_now();
}

static int poll_sleep(moirai_future_t *self, const moirai_waker_t *waker)
{
    moirai_sleep_t *sleep = (moirai_sleep_t *)self;
    struct mo_worker *w = mo_native_worker();
    if (!w)
        return end_sleep(sleep, MOIRAI_ENOMEM);
    uint64_t now = now_before(sleep->deadline_ns);
    if (now >= sleep->deadline_ns) {
        mo_timer_cancel(w, timer_of(sleep));
        return end_sleep(sleep, MOIRAI_OK);
    }
    if (sleep->deadline_ns == MOIRAI_FOREVER)
        return MOIRAI_PENDING;
    int err = mo_timer_set(w, timer_of(sleep), sleep->deadline_ns, (const struct mo_waker *)waker, now);
    return err ? end_sleep(sleep, mo_native_status(err)) : MOIRAI_PENDING;
}

static void drop_sleep(moirai_future_t *self)
{
    struct mo_worker *w = mo_native_worker();
    if (w) /* else it was never polled, as nothing runs without one */
        mo_timer_cancel(w, timer_of((moirai_sleep_t *)self));
}

static const moirai_future_ops_t sleep_ops = {.poll = poll_sleep, .drop = drop_sleep};

MO_API void moirai_sleep_init(moirai_sleep_t *sleep, uint64_t deadline_ns)
{
    *sleep = (moirai_sleep_t){{&sleep_ops}, deadline_ns, MOIRAI_OK, {0}};
}

MO_API int moirai_sleep_until(uint64_t deadline_ns)
{
    moirai_sleep_t sleep;
    moirai_sleep_init(&sleep, deadline_ns);
    int status = moirai_block_on(&sleep.future, MOIRAI_FOREVER);
    return status == MOIRAI_OK ? sleep.status : status;
}

MO_API int moirai_sleep_for(uint64_t ns)
{
    uint64_t now = mo_clock_now();
    return moirai_sleep_until(ns < MOIRAI_FOREVER - now ? now + ns : MOIRAI_FOREVER);
}

/* ---- An interval. */
static uint64_t next_tick(const moirai_interval_t *interval, uint64_t due, uint64_t now)
{
    switch (interval->policy) {
    case MOIRAI_MISSED_BURST:
        return due + interval->period_ns;
    case MOIRAI_MISSED_DELAY:
        return now + interval->period_ns;
    default:
        return due + (interval->missed + 1) * interval->period_ns;
    }
}

static int poll_interval(moirai_future_t *self, const moirai_waker_t *waker)
{
    moirai_interval_t *interval = (moirai_interval_t *)self;
    if (moirai_future_poll(&interval->next.future, waker) != MOIRAI_READY)
        return MOIRAI_PENDING;
    interval->status = interval->next.status;
    if (interval->status == MOIRAI_OK) {
        uint64_t due = interval->next.deadline_ns, now = mo_clock_now();
        interval->due_ns = due;
        interval->missed = (now - due) / interval->period_ns;
        moirai_sleep_init(&interval->next, next_tick(interval, due, now));
    }
    return MOIRAI_READY;
}

static void drop_interval(moirai_future_t *self)
{
    moirai_future_drop(&((moirai_interval_t *)self)->next.future);
}

MO_API int moirai_interval_init(moirai_interval_t *interval, uint64_t first_ns, uint64_t period_ns, int policy)
{
    static const moirai_future_ops_t ops = {.poll = poll_interval, .drop = drop_interval};
    if (!interval || !period_ns || policy < MOIRAI_MISSED_BURST || policy > MOIRAI_MISSED_SKIP)
        return MOIRAI_EINVAL;
    *interval = (moirai_interval_t){.future = {&ops}, .period_ns = period_ns, .policy = policy};
    moirai_sleep_init(&interval->next, first_ns);
    return MOIRAI_OK;
}

MO_API int moirai_interval_wait(moirai_interval_t *interval)
{
    int status = interval ? moirai_block_on(&interval->future, MOIRAI_FOREVER) : MOIRAI_EINVAL;
    return status == MOIRAI_OK ? interval->status : status;
}

/* ---- A limit. */
static int poll_timeout(moirai_future_t *self, const moirai_waker_t *waker)
{
    moirai_timeout_t *timeout = (moirai_timeout_t *)self;
    if (moirai_future_poll(timeout->of, waker) == MOIRAI_READY) {
        moirai_future_drop(&timeout->limit.future);
        timeout->status = MOIRAI_OK;
        return MOIRAI_READY;
    }
    if (moirai_future_poll(&timeout->limit.future, waker) != MOIRAI_READY)
        return MOIRAI_PENDING;
    moirai_future_drop(timeout->of);
    timeout->status = timeout->limit.status == MOIRAI_OK ? MOIRAI_ETIMEDOUT : timeout->limit.status;
    return MOIRAI_READY;
}

static void drop_timeout(moirai_future_t *self)
{
    moirai_timeout_t *timeout = (moirai_timeout_t *)self;
    moirai_future_drop(timeout->of);
    moirai_future_drop(&timeout->limit.future);
}

MO_API void moirai_timeout_init(moirai_timeout_t *timeout, moirai_future_t *of, uint64_t deadline_ns)
{
    static const moirai_future_ops_t ops = {.poll = poll_timeout, .drop = drop_timeout};
    *timeout = (moirai_timeout_t){.future = {&ops}, .of = of};
    moirai_sleep_init(&timeout->limit, deadline_ns);
}

/* ---- The clock of tests. */
MO_API int moirai_clock_hold(void)
{
    return mo_native_status(mo_timers_hold());
}

MO_API int moirai_clock_advance(uint64_t ns)
{
    struct mo_worker *w = mo_native_worker();
    return w ? mo_native_status(mo_timers_move(w, ns)) : MOIRAI_ENOMEM;
}

MO_API int moirai_clock_release(void)
{
    return mo_native_status(mo_timers_let_go());
}
