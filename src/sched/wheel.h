/* A hierarchical timing wheel: timers by the time at which they are due, in ticks of 1024 ns. After Varghese and Lauck,
   "Hashed and hierarchical timing wheels" (SOSP 1987), scheme 7; it differs in that a timer's level follows from the
   highest digit in which its tick differs from the wheel's time, so a slot never holds timers of two rounds.

   Putting a timer in and taking it out are O(1). A timer moves down at most once a level. All under its owner's
   lock. */
#ifndef MO_SCHED_WHEEL_H
#define MO_SCHED_WHEEL_H

#include "base/atomic.h"

#define MO_WHEEL_SHIFT  10 /* ns in a tick */
#define MO_WHEEL_BITS   6
#define MO_WHEEL_SLOTS  64
#define MO_WHEEL_LEVELS 9 /* of all ticks that 64 bits of nanoseconds have */
#define MO_WHEEL_NEVER  UINT64_MAX

struct mo_timer {
    struct mo_timer *next;
    struct mo_timer **at; /* what leads to it; NULL: it is in no wheel */
    uint64_t tick;
    uintptr_t waker; /* of whom to tell; 0: it has not been set, or has been cancelled. Written by its owner alone */
    uint32_t life;   /* of the process: a forked child's wheels are empty */
    uint32_t group;
};

/* Zeroes are an empty one. Invariant: a timer at level L, slot s, has the digits of `now` above L, and s > digit L of
   now. */
struct mo_wheel {
    uint64_t now;   /* tick; what was due by then is in `due` */
    uint64_t count; /* of all timers that are in it */
    uint64_t occupied[MO_WHEEL_LEVELS];
    struct mo_timer *due, **due_end; /* in the order of their ticks */
    struct mo_timer *slot[MO_WHEEL_LEVELS][MO_WHEEL_SLOTS];
};

/* The first tick that is not before that time: no timer is early. */
static inline uint64_t mo_wheel_tick(uint64_t ns)
{
    return (ns >> MO_WHEEL_SHIFT) + ((ns & ((1u << MO_WHEEL_SHIFT) - 1)) != 0);
}

/* timer->tick is set; `now` is the present tick. */
void mo_wheel_put(struct mo_wheel *wheel, struct mo_timer *timer, uint64_t now);
/* Requires that it is in there. */
void mo_wheel_take_out(struct mo_wheel *wheel, struct mo_timer *timer);
/* What is due at `now`, and has not been taken yet, the earliest first; NULL: nothing is. */
struct mo_timer *mo_wheel_take_due(struct mo_wheel *wheel, uint64_t now);
/* When to look again: the first tick that a timer is due at, or an earlier one where many are close together. */
uint64_t mo_wheel_next(const struct mo_wheel *wheel);

#endif
