/* What stays with the worker that has made it ready (next.c has the protocol). */
#ifndef MO_SCHED_NEXT_H
#define MO_SCHED_NEXT_H

#include "sched/executor.h"

/* A job that was woken comes next here, where the caller is a fiber of that executor, or a fiber that has just ended.
   False: another case, nothing has happened. From signal handlers, too. */
bool mo_next_put(struct mo_executor *x, struct mo_job *job);
/* One that yields goes behind the others, while it still runs: nobody else looks there. The entry that it was run for
   is the new one.
   False: others may look, or no memory. */
bool mo_next_stay_behind(struct mo_seat *seat, struct mo_job *job);
/* The same when it has left its stack. False: the caller has no seat there, or no memory. */
bool mo_next_put_behind(struct mo_worker *w, struct mo_executor *x, struct mo_job *job);
/* Looks, after which the owner looks in the usual way, and what is from outside comes first. */
#define MO_NEXT_EVERY 61
/* What the owner goes on with; NULL: it is to look for something in the usual way. */
struct mo_job *mo_next_take(struct mo_seat *seat);
/* The same for a fiber that is about to give its thread back. `yields` is itself, if it could as well go on: then it is
   the answer where there is nothing else; NULL: it could not. */
struct mo_job *mo_next_follow(struct mo_seat *seat, struct mo_job *yields);
/* The oldest entry of the caller's deque, and the newest. */
struct mo_job *mo_next_oldest(struct mo_seat *seat);
static inline struct mo_job *mo_next_newest(struct mo_seat *seat)
{
    return mo_deque_pop_owner(&seat->member->deque, INT64_MIN, !seat->alone);
}
/* The owner runs something else: others may have what comes next. */
void mo_next_give_up(struct mo_seat *seat);
/* In the last look before a sleep: what comes next anywhere. */
struct mo_job *mo_next_steal(struct mo_seat *seat);
/* The same: after how long the caller has to look again; 0: it need not. */
uint64_t mo_next_watch(struct mo_seat *seat);
void mo_next_unwatch_slow(struct mo_seat *seat);
/* Before any other look. */
static inline void mo_next_unwatch(struct mo_seat *seat)
{
    if (mo_unlikely(seat->watches))
        mo_next_unwatch_slow(seat);
}

#endif
