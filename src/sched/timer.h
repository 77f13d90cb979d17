/* Timers: wakers that are woken at a time (moirai/timer.h has what programs see). timer.c says who looks at the
   clock. */
#ifndef MO_SCHED_TIMER_H
#define MO_SCHED_TIMER_H

#include "sched/async.h"
#include "sched/wheel.h"

/* Wake `waker`, of which a copy is kept until then, once `deadline_ns` has come; where the timer runs already, that one
   instead of the one before, at the same time as before. Zeroes are a timer that does not run; it must stay where it is
   while it does. `now_ns` is the present time. 0, EAGAIN or ENOMEM where the thread that all timers need cannot be
   had. */
int mo_timer_set(struct mo_worker *w, struct mo_timer *timer, uint64_t deadline_ns, const struct mo_waker *waker,
                 uint64_t now_ns);
/* The same by the system's clock, even while the program moves the other one. */
int mo_timer_set_by_system(struct mo_worker *w, struct mo_timer *timer, uint64_t deadline_ns,
                           const struct mo_waker *waker, uint64_t now_ns);
/* It does not run any more, and wakes nobody. */
void mo_timer_cancel(struct mo_worker *w, struct mo_timer *timer);

/* Wake all whose time has come, by the clock that counts. */
void mo_timers_advance(struct mo_worker *w);
/* The program moves the clock from now on; by that much; no longer. EBUSY while timers run, EALREADY. */
int mo_timers_hold(void);
int mo_timers_move(struct mo_worker *w, uint64_t ns);
int mo_timers_let_go(void);

/* In a forked child: none run. */
void mo_timers_forget(void);

#endif
