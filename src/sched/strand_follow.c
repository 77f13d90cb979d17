/* Fibers that follow each other without their poller (N5 in strand.h), and those that run on top of one that waits for
   them. tests/models/follow.pml tries the first. */
#include "base/log.h"
#include "sched/next.h"
#include "sched/run.h"
#include "sched/strand.h"

/* The C++ runtime's record of a thread: what it handles at the moment, and how many are in flight. */
extern void *__cxa_get_globals(void) __attribute__((weak));

/* The thread's state of exceptions, which the fiber's takes the place of meanwhile. */
static void swap_exceptions(struct mo_native_strand *n)
{
    void **mine = __cxa_get_globals ? __cxa_get_globals() : NULL;
    for (unsigned i = 0; mine && i < 2; i++) {
        void *other = mine[i];
        mine[i] = n->exceptions[i];
        n->exceptions[i] = other;
    }
}

void mo_strand_enter(struct mo_worker *w, struct mo_native_strand *n, struct mo_strand_turn *turn)
{
    if (n->begins++ == 0)
        mo_strand_begin(w, n);
    else if (n->begins == 0)
        n->begins = 1; /* after 2^32 turns */
    n->turn = turn;
    n->self = MO_SHARED(self);
    w->stack_end = n->stack->low;
    w->held = n->held;
    swap_exceptions(n);
    MO_SHARED(strand) = &n->strand;
}

void mo_strand_leave(struct mo_worker *w, struct mo_native_strand *n)
{
    swap_exceptions(n);
    n->held = w->held;
    if (mo_unlikely(!mo_stack_is_whole(n->stack)))
        mo_fatal("a fiber has run over the end of its stack of %zu KiB", (MO_STRAND_STACK_MIN << n->size) / 1024);
}

/* One that has not begun and is not to any more is its poller's to drop. */
static bool may_follow(const struct mo_executor *x, struct mo_job *job)
{
    if (!(job->flags & MO_JOB_STRAND))
        return false;
    return mo_strand_has_begun(job) || !(is_dropped(x, job) || mo_load_relaxed(&job->state) & MO_JOB_CANCEL);
}

/* NULL: the poller is to go on. The same one: there is nobody else who could. */
static struct mo_native_strand *follow(struct mo_strand_turn *turn, struct mo_native_strand *n)
{
    struct mo_seat *seat = turn->seat;
    struct mo_worker *w = seat->member->worker;
    struct mo_job *job = mo_root_is_clean(w->home) ? mo_next_follow(seat, n->yields ? n->job : NULL) : NULL;
    if (!job)
        return NULL;
    if (job == n->job) {
        n->yields = false;
        return n;
    }
    if (!may_follow(seat->executor, job)) {
        seat->chosen = job;
        return NULL;
    }
    struct mo_native_strand *to = mo_job_data(job);
    mo_async_begin_turn(job);
    if (n->yields && mo_next_stay_behind(seat, n->job))
        n->yields = false; /* its turn is over, but for its registers */
    else
        to->before = n;
    mo_strand_leave(w, n);
    mo_strand_enter(w, to, turn);
    w->job = job;
    w->budget = MO_ASYNC_BUDGET;
    return to;
}

/* By the time that it has arrived it may be on another thread. */
__attribute__((noinline)) void mo_strand_arrive(struct mo_native_strand *n)
{
    struct mo_native_strand *before = n->before;
    if (!before)
        return;
    struct mo_seat *seat = n->turn->seat;
    n->before = NULL;
    mo_async_end_turn(seat->member->worker, seat->executor, before->job);
    mo_owner_add_release(&seat->member->done, 1); /* its entry */
}

/* By itself: what has looked at the thread, and what has no switch to do, needs no registers saved. */
static __attribute__((noinline)) void leave_for(struct mo_native_strand *n, struct mo_context *to)
{
    mo_context_switch(&n->context, to);
    mo_strand_arrive(n);
}

void mo_strand_switch_out(struct mo_native_strand *n)
{
    struct mo_strand_turn *turn = n->turn;
    struct mo_native_strand *to = mo_likely(turn->seat != NULL) ? follow(turn, n) : NULL;
    if (to != n)
        leave_for(n, to ? &to->context : &turn->here);
}

/* What runs on the fiber's stack is only its poll: the other one has a stack of its own. If that waits, or yields, the
   caller goes on, and waits in the usual way. Meanwhile nothing could have woken the caller but the end of what it
   waits for. */
bool mo_strand_run_newest(struct mo_worker *w, struct mo_job *job)
{
    struct mo_seat *seat = w->seat;
    struct mo_deque *d = seat ? &seat->member->deque : NULL;
    int64_t newest = d ? mo_load_relaxed(&d->bottom) - 1 : -1;
    if (newest < 0 || mo_strand_has_begun(job))
        return false;
    const struct mo_deque_buffer *buf = mo_load_relaxed(&d->buffer);
    if (mo_load_relaxed(&buf->slot[(uint64_t)newest & buf->mask]) != job ||
        mo_deque_pop_owner(d, newest, !seat->alone) != job)
        return false;
    mo_job_deal(w, seat->executor, &seat->member->done, job);
    return MO_JOB_OVER(mo_load_acquire(&job->state));
}
