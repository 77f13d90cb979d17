/* Native fibers: jobs with a stack of their own. To everything else such a job is an async one (async.h) whose poll
   goes on upon that stack until the fiber waits, yields or ends.

   N1  a fiber that waits is never resumed before its registers are saved. Whoever polls it takes POLLING off the job's
       word after the switch back to his own stack, which is what saves them; a wake before that leaves WOKEN behind,
       and the poller himself puts the job where others find it (A3 in async.c). So the switch-out race is the one of a
       poll with a wake.
   N2  the stack of the poller does not change threads, the fiber's may with each poll. What runs on it asks anew, by
       calls that are never inlined, for all that belongs to its thread: its worker, the exceptions that are being
       handled, errno.
   N3  a wait that suspends looks at what it waits for again when it comes back: anything may wake a fiber, and
       moirai_cancel() does.
   N4  a fiber that has begun runs to its end; one that has not is dropped as any async job is.
   N5  one that waits or yields may switch straight to the one that its worker would run next, instead of back to its
       poller: the same poller then polls that one. Its own turn ends as by N1 after the switch, so on the other's
       stack, which is the first thing that is done there (`before`). The poller learns from its worker's `job` who has
       come back in the end. So they follow each other only where the poller is not in the middle of something that
       waits for it, and no longer than until it is time to look in the usual way (strand_follow.c). */
#ifndef MO_SCHED_STRAND_H
#define MO_SCHED_STRAND_H

#include "park/strand.h"
#include "plat/context.h"
#include "sched/async.h"
#include "sched/timer.h"

#define MO_STRAND_STACK_MIN   ((size_t)16 * 1024)
#define MO_STRAND_STACK_SIZES 13 /* powers of two from there */
#define MO_STRAND_STACK_MAX   (MO_STRAND_STACK_MIN << (MO_STRAND_STACK_SIZES - 1))

/* On the stack of a poller. */
struct mo_strand_turn {
    struct mo_context here;
    struct mo_seat *seat; /* whose jobs may follow each other; NULL: nothing may */
};

/* An async job's payload. */
struct mo_native_strand {
    const struct mo_async_ops *ops;
    struct mo_strand strand;
    struct mo_context context;
    struct mo_strand_turn *turn; /* of who polls it now */
    struct mo_stack *stack;
    void (*fn)(void *arg);
    void *arg;
    struct mo_job *job;
    struct mo_member *self;          /* of who polls it now, outside of regions */
    struct mo_native_strand *before; /* who has switched to it directly; its turn is to be ended */
    void *exceptions[2];             /* the C++ runtime's state: those that are being handled */
    uint32_t held, begins;           /* locks of user code; turns that it has had */
    uint32_t slot_count;             /* as many as `slots` has room for */
    struct mo_strand_slot *slots;    /* what it keeps under keys (strand_slots.c); NULL: nothing yet */
    uint8_t size;                    /* which of the stores of stacks */
    bool over;
    bool yields;           /* it has left its stack for that */
    uint16_t head;         /* bytes of the job before this */
    struct mo_timer timer; /* of its wait, if that has a deadline */
};

struct mo_strand_form {
    void (*fn)(void *arg);
    void *arg;
    size_t stack_bytes; /* 0: MO_STRAND_STACK_MIN */
    const char *name;
    struct mo_group *group;
    bool pinned; /* to this worker of its executor */
    unsigned worker;
};

static inline bool mo_strand_has_begun(struct mo_job *job)
{
    return ((const struct mo_native_strand *)mo_job_data(job))->begins != 0;
}

/* ---- Following (strand_follow.c). Give the thread back, to the next one or to the poller. */
void mo_strand_switch_out(struct mo_native_strand *n);
/* The first thing that a fiber does when it has got a thread. */
void mo_strand_arrive(struct mo_native_strand *n);
/* Its first turn is about to come. */
void mo_strand_begin(struct mo_worker *w, struct mo_native_strand *n);
/* It takes the thread from its poller or from another one, and gives it back: what goes with a fiber, not with a
   thread. */
void mo_strand_enter(struct mo_worker *w, struct mo_native_strand *n, struct mo_strand_turn *turn);
void mo_strand_leave(struct mo_worker *w, struct mo_native_strand *n);
/* Run a fiber on top of the caller, which is one and waits for it, if it is the newest of what lies ready here and has
   not begun.
   True: it is over. */
bool mo_strand_run_newest(struct mo_worker *w, struct mo_job *job);

/* Asked once after each turn, by its poller. */
static inline bool mo_strand_has_yielded(struct mo_job *job)
{
    struct mo_native_strand *n = mo_job_data(job);
    bool yields = n->yields;
    n->yields = false;
    return yields;
}

/* 0, ENOMEM, EINVAL for the size of its stack or a worker that there is not, ESHUTDOWN. `handle` NULL: none. */
int mo_strand_spawn(struct mo_worker *w, struct mo_executor *x, const struct mo_strand_form *form,
                    struct mo_job_handle *handle);
/* The fiber that the caller is; NULL: none, or in the middle of something that keeps its thread. */
struct mo_native_strand *mo_strand_native(void);
/* Let others run. False: the caller is none. */
bool mo_strand_yield(void);
/* Until that time of the clock that counts. Requires a strand. */
void mo_strand_sleep_until(struct mo_native_strand *n, uint64_t until_ns);
/* As mo_job_wait_any() and mo_async_block_on(). */
size_t mo_strand_wait_any(struct mo_native_strand *n, struct mo_job *const *jobs, size_t count, uint64_t deadline_ns);
bool mo_strand_block_on(struct mo_native_strand *n, void *self, uint64_t deadline_ns);

/* ---- Storage (strand_slots.c): values under keys. 0, EAGAIN where there are no more keys, EINVAL, ENOMEM. */
int mo_strand_key_new(uint64_t *key, void (*destroy)(void *value));
int mo_strand_key_delete(uint64_t key);
int mo_strand_set(struct mo_native_strand *n, uint64_t key, void *value);
void *mo_strand_get(const struct mo_native_strand *n, uint64_t key);
/* It ends: what it keeps is destroyed. */
void mo_strand_slots_end(struct mo_native_strand *n);

/* The worker of the thread that the caller is on now: for who may have changed threads. */
struct mo_worker *mo_worker_now(void);

/* ---- Time (strand_time.c): suspend, but until that time at the latest: of CLOCK_MONOTONIC, or of the clock that tests
   hold. */
void mo_strand_suspend_until(struct mo_strand *s, uint64_t until_ns);
void mo_strand_suspend_by_clock(struct mo_strand *s, uint64_t until_ns);

#endif
