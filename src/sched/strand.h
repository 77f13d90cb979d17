/* Native fibers: jobs with a stack of their own. To everything else such a job is an async one (async.h) whose poll goes on upon
   that stack until the fiber waits, yields or ends.

   N1  a fiber that waits is never resumed before its registers are saved. Whoever polls it takes POLLING off the job's word
       after the switch back to his own stack, which is what saves them; a wake before that leaves WOKEN behind, and the
       poller himself puts the job where others find it (A3 in async.c). So the switch-out race is the one of a poll with a wake.
   N2  the stack of the poller does not change threads, the fiber's may with each poll. What runs on it asks anew, by calls
       that are never inlined, for all that belongs to its thread: its worker, the exceptions that are being handled, errno.
   N3  a wait that suspends looks at what it waits for again when it comes back: anything may wake a fiber, and moirai_cancel() does.
   N4  a fiber that has begun runs to its end; one that has not is dropped as any async job is. */
#ifndef MO_SCHED_STRAND_H
#define MO_SCHED_STRAND_H

#include "park/strand.h"
#include "plat/context.h"
#include "sched/async.h"

#define MO_STRAND_STACK_MIN   ((size_t)16 * 1024)
#define MO_STRAND_STACK_SIZES 13 /* powers of two from there */
#define MO_STRAND_STACK_MAX   (MO_STRAND_STACK_MIN << (MO_STRAND_STACK_SIZES - 1))

/* An async job's payload. */
struct mo_native_strand {
    const struct mo_async_ops *ops;
    struct mo_strand strand;
    struct mo_context context, *back; /* back: of who polls it now */
    struct mo_stack *stack;
    void (*fn)(void *arg);
    void *arg;
    struct mo_job *job;
    struct mo_member *self;       /* of who polls it now, outside of regions */
    void *exceptions[2];          /* the C++ runtime's state: those that are being handled */
    uint32_t held, begins;        /* locks of user code; turns that it has had */
    uint32_t slot_count;          /* as many as `slots` has room for */
    struct mo_strand_slot *slots; /* what it keeps under keys (strand_slots.c); NULL: nothing yet */
    uint8_t size;                 /* which of the stores of stacks */
    bool over;
    bool yields;   /* it has left its stack for that */
    uint16_t head; /* bytes of the job before this */
    /* Guarded by the lock of strand_time.c: when it is to be woken at the latest. */
    uint64_t until_ns;
    struct mo_native_strand *earlier, *later;
    bool timed;
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
/* Until that time of CLOCK_MONOTONIC. Requires a strand. */
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

/* ---- Time (strand_time.c). When the earliest of those that wait with a deadline is due; 0: none waits. */
uint64_t mo_strands_due(void);
/* Wake those whose time has come. */
void mo_strands_wake_due_slow(uint64_t due);
static inline void mo_strands_wake_due(void)
{
    uint64_t due = mo_strands_due();
    if (mo_unlikely(due != 0))
        mo_strands_wake_due_slow(due);
}
void mo_strand_suspend_until(struct mo_strand *s, uint64_t until_ns);
void mo_strands_forget(void);

#endif
