/* Native tasks: jobs, groups of them, executors. docs/architecture.md, "Native tasks", says how they use the rest of
   sched; run.h has the protocol of a job's state, executor.c that of an executor's end. */
#ifndef MO_SCHED_JOB_H
#define MO_SCHED_JOB_H

#include "sched/sched.h"

struct mo_executor;
struct mo_group;

/* ---- A job begins like a task (sched.h), so that deques, queues and the walk over parents serve both. */
struct mo_job_error;

struct mo_job {
    union {
        void (*fn)(void *);         /* until it begins */
        struct mo_job_error *error; /* from then on; NULL: it has not failed */
        _Atomic uint64_t wake;      /* of an async one, all its life (async.h) */
    };
    _Atomic(struct mo_task *) group; /* the header of a struct mo_group; NULL: it is in none */
    _Atomic uint64_t state;          /* bits below */
    union {
        struct {
            _Atomic uint32_t id; /* 0: the block is not in use */
            uint16_t home;       /* worker whose slab the block is of */
            uint8_t cls;
            uint8_t flags;
        };
        uint64_t origin;
    };
};
_Static_assert(sizeof(struct mo_job) == sizeof(struct mo_task), "a job has a task's header");
_Static_assert(offsetof(struct mo_job, group) == offsetof(struct mo_task, parent), "its group is its parent");
_Static_assert(offsetof(struct mo_job, origin) == offsetof(struct mo_task, origin), "and its block is freed alike");

enum mo_job_phase { MO_JOB_QUEUED, MO_JOB_RUNNING, MO_JOB_COMPLETED, MO_JOB_CANCELLED, MO_JOB_FAILED, MO_JOB_BLOCKED };

/* The state: phase, bits, and in the upper 48 bits what WAITER or THEN says. */
#define MO_JOB_PHASE(state) ((enum mo_job_phase)((state)&7))
#define MO_JOB_OVER(state)                                                                                             \
    (MO_JOB_PHASE(state) >= MO_JOB_COMPLETED && MO_JOB_PHASE(state) <= MO_JOB_FAILED) /* for good */
#define MO_JOB_HANDLE   ((uint64_t)1 << 3)                                            /* a handle exists */
#define MO_JOB_ENTRY    ((uint64_t)1 << 4) /* a deque or a queue has it, or a job that it is to follow */
#define MO_JOB_EXPOSED  ((uint64_t)1 << 5) /* others may know its number */
#define MO_JOB_CANCEL   ((uint64_t)1 << 6) /* it is asked to stop */
#define MO_JOB_WAITER   ((uint64_t)1 << 7) /* worker number <word> waits for it */
#define MO_JOB_THEN     ((uint64_t)1 << 8) /* job <word> is to follow it */
#define MO_JOB_PINNED   ((uint64_t)1 << 9) /* only who takes its entry may run it */
#define MO_JOB_KEPT     MO_JOB_PINNED /* of an async one, which nobody claims: it is among those that wait (parked.c) */
#define MO_JOB_SLOT(s)  ((unsigned)((s) >> 10) & MO_SLOT_UNKNOWN) /* of its executor */
#define MO_JOB_OF(slot) ((uint64_t)(slot) << 10)
#define MO_SLOT_UNKNOWN 63u
#define MO_JOB_WORD(s)  ((s) >> 16)
#define MO_JOB_WITH(w)  ((uint64_t)(w) << 16)
#define MO_JOB_BITS     (MO_JOB_WITH(1) - 1)

/* What follows the header, in this order; the payload comes last. */
enum {
    MO_JOB_EXTENDED = 1, /* struct mo_job_ext */
    MO_JOB_FOLLOWS = 2,  /* struct mo_job_after */
    MO_JOB_ASYNC = 4,    /* nothing: it is polled (async.h); never with the one before */
    MO_JOB_STRAND = 16,  /* nothing: it is async, and has a stack of its own (strand.h) */
    MO_JOB_APART = 32,   /* in place of the payload its address: it is in a block of its own */
    MO_JOB_WATCHED = 8   /* struct mo_job_watch, which comes before these two */
};

struct mo_job_ext {
    const char *name; /* of the program's; NULL: none */
    uint64_t cost_ns; /* 0: not known */
    struct mo_executor *executor;
    int32_t priority;
    int32_t place; /* MO_PLACE_* */
};
_Static_assert(sizeof(struct mo_job_ext) == 32, "payload stays aligned to 32 bytes");

/* Of an executor that is more than the usual one: with plug-ins, a registry, measured, or with a scheduler of its own.
   Its jobs are all EXPOSED and WATCHED, so none of them goes the short ways, which know nothing of this. */
struct mo_job_watch {
    struct mo_executor *executor;
    void *link;          /* for the scheduler that holds it */
    uint64_t created_ns; /* where it is measured */
    uint64_t unused;
};
_Static_assert(sizeof(struct mo_job_watch) == 32, "payload stays aligned to 32 bytes");

/* Where a job is to run: by a worker of its executor, or by those that count to a NUMA node, by the kernel's number. */
#define MO_PLACE_ANY       (-1)
#define MO_PLACE_WORKER(i) ((int32_t)(i))
#define MO_PLACE_NODE(n)   ((int32_t)(n) | MO_PLACE_IS_NODE)
#define MO_PLACE_IS_NODE   0x10000
#define MO_PLACE_STRICT    0x20000 /* nowhere else */
#define MO_PLACE_NUMBER(p) ((unsigned)(p)&0xffff)

struct mo_job_before {
    struct mo_job *job; /* who follows holds the handle */
    uint64_t bytes;     /* of its payload */
};

struct mo_job_after {
    void (*fn)(struct mo_job_after *after, void *data);
    void (*user)(void); /* for fn */
    struct mo_executor *executor;
    _Atomic uint32_t pending; /* of those before that are not over, + 1 while they are being told */
    uint32_t count;
    struct mo_job_before *before; /* count of them: `one`, or a block of home's slab */
    struct mo_job_before one;
    uint16_t home;
    uint8_t cls;
};
_Static_assert(sizeof(struct mo_job_after) == 64, "payload stays aligned to 32 bytes");

static inline unsigned mo_job_head(unsigned flags)
{
    if (mo_likely(!flags))
        return sizeof(struct mo_job);
    return (unsigned)sizeof(struct mo_job) + (flags & (MO_JOB_EXTENDED | MO_JOB_FOLLOWS)) * 32 +
           (flags & MO_JOB_WATCHED) * 4;
}

static inline struct mo_job_ext *mo_job_ext(struct mo_job *job)
{
    return (struct mo_job_ext *)(job + 1);
}

static inline struct mo_job_watch *mo_job_watch(struct mo_job *job)
{
    return (struct mo_job_watch *)((char *)job + mo_job_head(job->flags & MO_JOB_EXTENDED));
}

static inline struct mo_job_after *mo_job_after(struct mo_job *job)
{
    return (struct mo_job_after *)((char *)job + mo_job_head(job->flags & (MO_JOB_EXTENDED | MO_JOB_WATCHED)));
}

/* A payload of more than MO_JOB_INLINE_MAX bytes: behind a header that nobody takes for a job, as a late thief may
   still look at the one that the block began with (steal.c). */
static inline struct mo_job **mo_job_apart(struct mo_job *job)
{
    return (struct mo_job **)((char *)job + mo_job_head(job->flags));
}

static inline void *mo_job_data(struct mo_job *job)
{
    if (mo_unlikely(job->flags & MO_JOB_APART))
        return *mo_job_apart(job) + 1;
    return (char *)job + mo_job_head(job->flags);
}

/* Why a job failed. */
#define MO_ERROR_TEXT 106
struct mo_job_error {
    struct mo_job *link; /* of an async job that has failed and is not over: what its word would hold (async.h) */
    void *no_parent; /* NULL where a task of this slab class has its parent: a late thief may still look (steal.c) */
    int32_t code;
    uint16_t home;
    char text[MO_ERROR_TEXT];
};

/* How jobs ended, and who ran them. */
struct mo_job_counts {
    _Atomic uint64_t executed, in_place, dropped, failed;
};

/* ---- A worker's part in an executor, in the client area of its member. */
struct mo_seat {
    struct mo_member *member;
    struct mo_executor *executor;
    struct mo_executor *quick;     /* the same, or NULL: its jobs are not for the short ways */
    struct mo_wait *wait;          /* of its thread when it looks for work */
    struct mo_outbox *next_outbox; /* where it looks first */
    uint64_t state, origin;        /* of jobs that are made here: what is the same for all of them */
    unsigned looks;
    _Atomic(struct mo_job *) next; /* what the owner runs next (next.c) */
    struct mo_job *chosen;         /* before that: it has been taken already */
    _Atomic bool busy;             /* with a job, after which it looks at `next`: for signal handlers */
    _Atomic bool moving;           /* the owner is between two accesses to `next`: for signal handlers */
    bool alone;                    /* the executor's only worker: nobody else takes anything from here */
    bool yielded;                  /* its newest job is to be its last, and nobody was told of it */
    bool watches;                  /* it is the executor's watcher */
    /* Only ever grow; the owner writes, others read. */
    struct mo_job_counts ran;
    _Atomic uint64_t stolen, from_outside;
};
_Static_assert(sizeof(struct mo_seat) <= MO_MEMBER_CLIENT_BYTES, "fits the client area");

static inline struct mo_seat *mo_seat_of(struct mo_member *m)
{
    return (struct mo_seat *)m->client;
}

/* ---- Creating. What a job is to be like beyond its function. */
struct mo_job_spec {
    void (*fn)(void *data);
    size_t bytes;
    bool handle, strand;
    unsigned flags; /* MO_JOB_FOLLOWS or MO_JOB_ASYNC: with room for what that takes */
    struct mo_group *group;
    const struct mo_job_ext *ext; /* NULL: nothing special */
};

#define MO_JOB_BYTES_MAX  ((size_t)1 << 30)
#define MO_JOB_INLINE_MAX 1024 /* of its payload, in the block of the job */

/* A block of a job of `x`, whose payload the caller fills in. NULL: memory is exhausted. */
struct mo_job *mo_job_new(struct mo_worker *w, struct mo_executor *x, const struct mo_job_spec *spec);
/* What a handle of the program's holds. */
struct mo_job_handle {
    struct mo_job *job;
    uint32_t id, bytes; /* of its payload */
};

/* The two below in one for a thread without a seat there that has fed the executor before, and `data` of up to four
   words; `handle` NULL: none. False: another case, nothing has happened. */
bool mo_job_spawn_small_outside(struct mo_worker *w, struct mo_executor *x, void (*fn)(void *), const void *data,
                                size_t bytes, struct mo_job_handle *handle, struct mo_group *group);
static inline bool mo_job_is_small(size_t bytes)
{
    return bytes <= 4 * sizeof(uint64_t) && bytes % sizeof(uint64_t) == 0;
}
/* Hand it to its executor: 0, or ENOMEM, or ESHUTDOWN where that takes no more, and then the block is gone. From any
   thread, whose worker is `w`. */
int mo_job_submit(struct mo_worker *w, struct mo_executor *x, struct mo_job *job);
/* The same, but nobody is woken: mo_executor_wake() must follow when all have been handed over. */
int mo_job_submit_quietly(struct mo_worker *w, struct mo_executor *x, struct mo_job *job);
void mo_executor_wake(struct mo_executor *x);

/* A job that runs on `x` when `count` others, whose handles it takes over, are over: fn finds them in its struct
   mo_job_after. 0, ENOMEM or ESHUTDOWN, and then there is none. spec->fn counts for nothing. */
struct mo_job_follow {
    struct mo_executor *executor;
    void (*fn)(struct mo_job_after *after, void *data);
    void (*user)(void);
    const struct mo_job_before *before;
    uint32_t count; /* at least 1 */
    const void *data;
};
int mo_job_follow(struct mo_worker *w, const struct mo_job_spec *spec, const struct mo_job_follow *f,
                  struct mo_job **made);

/* ---- Handles: one thread at a time uses a job's. */
static inline bool mo_job_has_handle(struct mo_job *job)
{
    return mo_load_relaxed(&job->state) & MO_JOB_HANDLE;
}
/* Wait until it is over; at `deadline_ns` of CLOCK_MONOTONIC false unless it is. The handle stays. */
bool mo_job_wait(struct mo_worker *w, struct mo_job *job, uint64_t deadline_ns);
/* Until one of them is over: its index, or `count` at the deadline. */
size_t mo_job_wait_any(struct mo_worker *w, struct mo_job *const *jobs, size_t count, uint64_t deadline_ns);
/* Give the handle up. */
void mo_job_release(struct mo_worker *w, struct mo_job *job);
/* 0: it will never run. EBUSY: it has begun, and is asked to stop. EALREADY: it is over. */
int mo_job_cancel(struct mo_worker *w, struct mo_job *job);
/* A number by which any thread may ask for the job while a handle exists. */
uint64_t mo_job_number(struct mo_job *job);
/* The job of a number, if there is one; the answer counts only while a handle exists. */
struct mo_job *mo_job_find(uint64_t number);
/* As mo_job_cancel(), and ESRCH where nothing has the number any more. */
int mo_number_cancel(struct mo_worker *w, uint64_t number);
/* Its phase. False: nothing has the number any more. *error, unless NULL, is the failure's where it failed. */
bool mo_number_phase(struct mo_worker *w, uint64_t number, enum mo_job_phase *phase, struct mo_job_error *error);

/* ---- Inside. */
/* Should the caller's job stop? */
bool mo_job_is_cancelled(const struct mo_worker *w);
/* The caller's job has failed. Counts when it returns; the first failure of a job does. */
void mo_job_fail(struct mo_worker *w, int32_t code, const char *text);
/* The caller has a seat, and all that it has put into its deque has been taken. */
static inline bool mo_job_has_offered_nothing(const struct mo_worker *w)
{
    return w->seat && mo_deque_peek_size(&w->seat->member->deque) == 0;
}
/* Run one job that may run here, if there is one. */
bool mo_job_yield(struct mo_worker *w);

/* ---- Groups. */
struct mo_group {
    struct mo_task head; /* only what a walk over parents reads, and what frees the block */
    struct mo_executor *executor;
    struct mo_worker *owner;     /* whose thread opened it; of a fiber's group nobody's */
    const struct mo_job *strand; /* the fiber that opened it; NULL: a thread did */
    int64_t local;               /* jobs counted by the owner; either of the two may be negative */
    bool isolated;               /* who waits for it runs nothing else */
    bool tenacious;              /* a failure does not cancel the rest */
    _Atomic bool cancelled;
    _Atomic bool waits;                   /* futures in it, or further in, have waited (parked.c) */
    _Atomic(struct mo_job_error *) error; /* of the first that failed */
    _Atomic int64_t remote MO_ALIGNED(MO_CACHE_LINE);
};

/* NULL when memory is exhausted. */
struct mo_group *mo_group_new(struct mo_worker *w, struct mo_executor *x);
/* By the owner. False: the deadline came first. */
bool mo_group_wait(struct mo_group *g, uint64_t deadline_ns);
void mo_group_cancel(struct mo_group *g);
static inline bool mo_group_is_cancelled(const struct mo_task *group)
{
    for (; group; group = mo_load_relaxed(&group->parent))
        if (mo_load_relaxed(&((const struct mo_group *)group)->cancelled))
            return true;
    return false;
}
/* By the owner, when it has waited. */
void mo_group_free(struct mo_group *g);

/* ---- Executors. */
/* What a plug-in is told of a task, and its functions; NULL: it does not want to know. */
struct mo_job_info {
    uint64_t number;
    const char *name;
    uint64_t cost_ns;
    int priority;
    int phase; /* enum mo_job_phase */
    int worker;
    int code;
    const char *text;
};

typedef void mo_plugin_fn(void *user, const struct mo_job_info *info);
enum mo_plugin_point {
    MO_BEFORE_SPAWN,
    MO_AFTER_SPAWN,
    MO_BEFORE_EXECUTE,
    MO_AFTER_EXECUTE,
    MO_BEFORE_COMPLETE,
    MO_AFTER_COMPLETE,
    MO_PLUGIN_POINTS
};
struct mo_plugin {
    void *user;
    mo_plugin_fn *at[MO_PLUGIN_POINTS];
    void (*before_shutdown)(void *user, struct mo_executor *x);
    void (*after_shutdown)(void *user, struct mo_executor *x);
};
#define MO_PLUGINS_MAX 4

/* A scheduler of somebody else's: what the workers ask for entries. Worker -1: a thread that is none. */
struct mo_scheduler {
    int (*schedule)(void *self, int worker, struct mo_job *job);
    struct mo_job *(*next)(void *self, unsigned worker);
    struct mo_job *(*try_steal)(void *self, unsigned thief, unsigned victim);
    size_t (*load)(void *self);
    int (*can_be_stolen_from)(void *self, unsigned victim);
};

/* What becomes of tasks that are over; a count of 0: nothing. */
struct mo_retention {
    uint64_t time_ns, interval_ns;
    size_t count;
};

#define MO_EXECUTOR_NAME 16
/* What its workers know of the machine. SOME: where that has several NUMA nodes. */
enum mo_numa { MO_NUMA_SOME, MO_NUMA_OFF, MO_NUMA_ON };
struct mo_executor_form {
    unsigned workers;
    unsigned blocking_limit;
    enum mo_steal_strategy steal;
    enum mo_numa numa;
    char name[MO_EXECUTOR_NAME];
    bool labels;  /* its threads bear its name */
    bool flat;    /* priorities count for nothing */
    bool metrics; /* tasks are timed */
    unsigned plugins;
    const struct mo_plugin *plugin[MO_PLUGINS_MAX];
    struct mo_retention retention;
    const struct mo_scheduler *scheduler; /* NULL: the usual one */
    void *scheduler_self;
};

/* 0, ENOMEM, or EAGAIN where no thread could be had. */
int mo_executor_new(const struct mo_executor_form *form, struct mo_executor **x);
/* The one that serves who names none; made at first use. */
int mo_executor_default(struct mo_executor **x);

enum mo_shutdown { MO_SHUTDOWN_DRAIN, MO_SHUTDOWN_CANCEL };
/* Take no more from outside, and wait until all that was taken is over; at the deadline what has not begun is dropped,
   and the answer is ETIMEDOUT. EDEADLK inside of one of its jobs, EALREADY where that was done before. */
int mo_executor_shutdown(struct mo_executor *x, enum mo_shutdown mode, uint64_t deadline_ns);
/* Its memory serves the next one. Requires that it was shut down. */
int mo_executor_free(struct mo_executor *x);
bool mo_executor_is_closing(const struct mo_executor *x);
unsigned mo_executor_workers(const struct mo_executor *x);
const char *mo_executor_name(const struct mo_executor *x);
/* The NUMA node that a worker counts to; -1: not known, or there is no such worker. */
int mo_executor_node(struct mo_executor *x, unsigned worker);
/* 0, or EINVAL where a job must run in a place that the executor does not have; one that only should is let go:
   *place is MO_PLACE_ANY then. ENOMEM. */
int mo_executor_check_place(struct mo_executor *x, int32_t *place);

struct mo_executor_stats {
    uint64_t created, executed, in_place, dropped, failed, stolen, from_outside, blocking;
    uint64_t waiting; /* entries in deques and queues now */
    unsigned blocking_threads;
    size_t memory_bytes;                     /* of its own: seats, deques, outboxes */
    size_t deque_bytes;                      /* of these, the deques */
    uint64_t busy_ns, longest_ns, waited_ns; /* measured */
};
void mo_executor_stats(struct mo_executor *x, struct mo_executor_stats *stats);

/* A job for the threads of blocking work: as mo_job_submit(). EAGAIN where there is no such thread and none can be
   made. */
int mo_blocking_submit(struct mo_worker *w, struct mo_executor *x, struct mo_job *job);

/* In a forked child. */
void mo_executors_forget(void);

#endif
