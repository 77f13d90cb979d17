/* The time that deadlines are measured by: the system's monotonic clock, or, in tests, a hand that the program
   moves. */
#ifndef MO_PARK_CLOCK_H
#define MO_PARK_CLOCK_H

#include "base/atomic.h"
#include "base/shared.h"
#include "plat/plat.h"

struct mo_clock {
    _Atomic uint64_t hand; /* ns; 0: the system's clock counts */
};

extern struct mo_clock MO_SHARED(clock) MO_SHARED_ATTR;

static inline bool mo_clock_is_by_hand(void)
{
    return mo_unlikely(mo_load_acquire(&MO_SHARED(clock).hand) != 0);
}

static inline uint64_t mo_clock_now(void)
{
    uint64_t hand = mo_load_acquire(&MO_SHARED(clock).hand);
    return mo_likely(!hand) ? mo_plat_now_ns() : hand;
}

/* Not after the present, and some milliseconds before it, but quicker. */
static inline uint64_t mo_clock_about(void)
{
    uint64_t hand = mo_load_acquire(&MO_SHARED(clock).hand);
    return mo_likely(!hand) ? mo_plat_about_ns() : hand;
}

/* Until when to sleep by the system's clock at most, for who looks at his deadline again then: nobody wakes him when
   the hand is moved. */
#define MO_CLOCK_LOOK_NS 1000000
static inline uint64_t mo_clock_sleep_until(uint64_t deadline_ns)
{
    if (mo_likely(!mo_clock_is_by_hand()) || deadline_ns == UINT64_MAX)
        return deadline_ns;
    return mo_plat_now_ns() + MO_CLOCK_LOOK_NS;
}

#endif
