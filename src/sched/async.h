/* Async jobs: jobs that are polled until they are ready, and between polls are on no thread. async.c has the
   protocol. */
#ifndef MO_SCHED_ASYNC_H
#define MO_SCHED_ASYNC_H

#include "sched/executor.h"

/* Who is to be told that polling pays again: an async job, or with bit 0 set a struct mo_thread_waker.
   moirai_waker_t. */
struct mo_waker {
    uintptr_t word;
};
#define MO_WAKER_THREAD ((uintptr_t)1)

/* moirai_future_ops_t; an async job's payload begins with its address. */
struct mo_async_ops {
    int (*poll)(void *self, const struct mo_waker *waker);
    void (*drop)(void *self);
    void (*begin)(void *self);
};

/* All that an async job has beyond a plain one is in its word `wake`, of which one part never carries into another:
     POLLING   it is polled, or will be, or it is over
     WOKEN     it has been woken since
     FAILED    it has said so; SAYS_WHY: and why
     REFS      wakers, and 1 until it is over; MANY and more stay for ever
     ADDRESS   of the next one where it lies in a row; with SAYS_WHY of the error, which has the next one instead. Blocks are
               aligned to 64 bytes, and an address has 48 bits at the most, as in MO_JOB_WORD */
#define MO_ASYNC_WOKEN         ((uint64_t)1)
#define MO_ASYNC_POLLING       ((uint64_t)2)
#define MO_ASYNC_FAILED        ((uint64_t)4)
#define MO_ASYNC_SAYS_WHY      ((uint64_t)8)
#define MO_ASYNC_REF           ((uint64_t)16)
#define MO_ASYNC_REFS(word)    ((uint32_t)((word) >> 4) & 0x3ffff)
#define MO_ASYNC_MANY          0x20000u
#define MO_ASYNC_ADDRESS(word) ((void *)(uintptr_t)((word) >> 22 << 6))
#define MO_ASYNC_WITH(address) ((uint64_t)(uintptr_t)(address) << 16)

/* The next one of a row that it lies in. Only for who has claimed or taken it. */
struct mo_job *mo_async_next(struct mo_job *job);
void mo_async_link(struct mo_job *job, struct mo_job *next);

/* Polls that a leaf may answer out of what lies ready, before it lets others run. */
#define MO_ASYNC_BUDGET 128

/* A job of `x` that is polled; spec->fn counts for nothing, `data` begins with the address of its ops. 0, ENOMEM or
   ESHUTDOWN, and then there is none. `handle` where spec->handle says so. */
int mo_async_spawn(struct mo_worker *w, struct mo_executor *x, const struct mo_job_spec *spec, const void *data,
                   struct mo_job_handle *handle);
/* Poll it here until it is ready. False: the deadline came first. ENOMEM in *err: it was not polled. */
bool mo_async_block_on(struct mo_worker *w, void *self, uint64_t deadline_ns, int *err);

/* From signal handlers, too. Requires a reference or a handle. */
void mo_async_wake(struct mo_job *job);
void mo_waker_wake(const struct mo_waker *waker);
void mo_waker_keep(const struct mo_waker *waker);
void mo_waker_drop(struct mo_worker *w, const struct mo_waker *waker);
/* Wake, and drop. */
void mo_waker_wake_last(struct mo_worker *w, uintptr_t word);

/* A job's end is to wake: its WORD is a waker's then. */
#define MO_JOB_WAKES ((uint64_t)2)
/* True: `job` is over. Else `waker` will be woken when it is, unless another one asks after that. The handle's holder
   asks. */
bool mo_async_await(struct mo_worker *w, struct mo_job *job, const struct mo_waker *waker);
/* Nobody is to be woken any more. */
void mo_async_unawait(struct mo_worker *w, struct mo_job *job);

/* Some of the budget of this poll. False: it is used up, and `waker` has been woken. */
bool mo_async_spend(struct mo_worker *w, const struct mo_waker *waker);

/* A wake in two steps: true where the second one must follow, until which the job stays as it is. */
bool mo_async_claim(struct mo_job *job);
void mo_async_launch(struct mo_job *job);
/* A fiber that one worker alone runs. It passes through the list to that worker's box (placed.c), for which memory is
   needed: what it has of its own is not enough, as a waker may be a signal handler. */
static inline bool mo_async_is_pinned(struct mo_job *job)
{
    return mo_unlikely(job->flags & MO_JOB_EXTENDED) && mo_job_ext(job)->place >= 0;
}
/* Into the list. */
void mo_async_put(struct mo_executor *x, struct mo_job *job);

/* Before others know it: it is about to be put where its entry is taken from. */
static inline void mo_async_begin_life(struct mo_job *job)
{
    mo_store_relaxed(&job->wake, MO_ASYNC_POLLING | MO_ASYNC_REF);
}
/* The living one that it is of; NULL: that stayed behind in the parent of a fork. */
struct mo_executor *mo_async_executor(struct mo_job *job);

/* ---- Those that wait (parked.c). A future that is about to wait for the first time. True: it has been cancelled. */
bool mo_parked_keep(struct mo_executor *x, struct mo_job *job);
void mo_parked_forget_slow(struct mo_job *job);
/* A group or an executor has been cancelled: what waits there is polled, and so dropped. */
void mo_parked_wake_cancelled(void);
void mo_parked_forget_all(void);
static inline bool mo_parked_is_kept(struct mo_job *job)
{
    return mo_load_relaxed(&job->state) & MO_JOB_KEPT;
}

/* Who has its entry begins to poll it. */
void mo_async_begin_turn(struct mo_job *job);
/* A poll is over that was not the last; from here on others may run it. */
void mo_async_end_turn(struct mo_worker *w, struct mo_executor *x, struct mo_job *job);

void mo_async_collect_slow(struct mo_seat *seat);
/* Woken jobs come into the caller's deque. */
static inline bool mo_async_collect(struct mo_seat *seat)
{
    if (mo_likely(!mo_load_relaxed(&seat->executor->woken)))
        return false;
    mo_async_collect_slow(seat);
    return true;
}

#endif
