/* Deadlines of strands that wait: each has a timer (timer.c) that wakes its job. */
#include "park/clock.h"
#include "park/park.h"
#include "sched/strand.h"

#define NAP_NS        1000000
#define NS_PER_SECOND 1000000000u

/* No timers are to be had, as the thread that they need cannot be made: others have their turn, then the thread sleeps
   for a while. */
static void nap(struct mo_native_strand *n, uint64_t left_ns)
{
    _Atomic uint32_t nothing = 0;
    n->yields = true;
    mo_strand_switch_out(n);
    uint64_t end = mo_plat_now_ns() + (left_ns < NAP_NS ? left_ns : NAP_NS);
    struct timespec at = {.tv_sec = (time_t)(end / NS_PER_SECOND), .tv_nsec = (long)(end % NS_PER_SECOND)};
    mo_plat_futex_wait_until(&nothing, 0, false, &at);
}

/* When it comes back the timer may have woken it, or be about to: then its job is polled once more for no reason. */
static void suspend(struct mo_native_strand *n, uint64_t until_ns, bool by_system)
{
    const struct mo_waker waker = {(uintptr_t)n->job};
    uint64_t now = by_system ? mo_plat_now_ns() : mo_clock_now();
    if (until_ns <= now)
        return;
    int err = by_system ? mo_timer_set_by_system(mo_worker_now(), &n->timer, until_ns, &waker, now)
                        : mo_timer_set(mo_worker_now(), &n->timer, until_ns, &waker, now);
    if (mo_unlikely(err != 0)) {
        nap(n, until_ns - now);
        return;
    }
    mo_strand_switch_out(n);
    mo_timer_cancel(mo_worker_now(), &n->timer);
}

static struct mo_native_strand *native_of(struct mo_strand *s)
{
    return (struct mo_native_strand *)((char *)s - offsetof(struct mo_native_strand, strand));
}

void mo_strand_suspend_until(struct mo_strand *s, uint64_t until_ns)
{
    suspend(native_of(s), until_ns, true);
}

void mo_strand_suspend_by_clock(struct mo_strand *s, uint64_t until_ns)
{
    suspend(native_of(s), until_ns, false);
}
