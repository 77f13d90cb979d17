/* What running and ending a job takes, inline where it is on the short ways; what the files about jobs share.

   The state is one word; job.h has its bits. Who changes it:
     phase    QUEUED -> RUNNING by who takes the entry, or by who joins it (claims it, and leaves the entry where it is);
              QUEUED or BLOCKED -> CANCELLED by who cancels, or by who finds its group or executor cancelled; BLOCKED ->
              QUEUED by who ends the job before it; RUNNING -> COMPLETED or FAILED by who runs it. All are CASes.
     HANDLE   cleared by its holder. From then on nobody but the entry's holder and who runs it can reach the job, unless
              it is EXPOSED.
     ENTRY    cleared by who takes the entry out of its deque or queue.
     WAITER, THEN and their word: set by the holder of the handle while the job is not over; not both.
   J1  A phase that is over never changes, and is set once; who sets it counts the job off its group and tells whom the
       word names, as that was at the CAS.
   J2  The block is freed by who clears the last of HANDLE and ENTRY of a job that is over, or ends the phase of one
       that has neither. All three are RMWs on one word, so exactly one of them sees that it is the last; who has the
       handle and reads (acquire) that the others have been is the last without one.
   J3  Without HANDLE and EXPOSED the thread that has the entry is alone with the job: it needs no RMW, and none is
       done.
   J4  Who has both entry and handle of a job that is not EXPOSED is alone as well: joining the newest of one's own
       deque costs the exchange of the deque and nothing else. A handle is one thread's at a time, so it is the holder
       who exposes a job, and he knows.
   J5  A joiner cannot miss the end: it sets WAITER by an RMW, then announces itself to its event, then looks at the
       phase (seq_cst); who ends the job does an RMW on the state and then looks for waiters of that event (seq_cst).

   No deadlock: a wait for a job that has not begun claims it, so a job that waits waits for one that runs. Waits that
   form no cycle therefore end, whatever the number of workers. */
#ifndef MO_SCHED_RUN_H
#define MO_SCHED_RUN_H

#include "sched/executor.h"

#define MO_FOREVER UINT64_MAX

/* Wait until *flag is not 0, which is written (seq_cst) before the worker's event is notified; run jobs meanwhile as in
   a wait for one. False: the deadline came first. */
bool mo_job_wait_flag(struct mo_worker *w, const _Atomic uint32_t *flag, uint64_t deadline_ns);

static inline struct mo_group *mo_job_group(struct mo_job *job)
{
    return (struct mo_group *)mo_load_relaxed(&job->group);
}

/* ---- Failures (fail.c). NULL is none; mo_error_free() knows those that took no memory. */
struct mo_job_error *mo_error_new(struct mo_worker *w, int32_t code, const char *text);
void mo_error_free(struct mo_worker *w, struct mo_job_error *e);
/* The first failure in a group is the group's, too. */
void mo_group_fail(struct mo_worker *w, struct mo_group *g, const struct mo_job_error *e);

struct mo_job_error *mo_async_failure(struct mo_job *job);
/* Of a job that has begun: why it failed, or NULL. */
static inline struct mo_job_error *mo_job_failure(struct mo_job *job)
{
    return mo_unlikely(job->flags & MO_JOB_ASYNC) ? mo_async_failure(job) : job->error;
}

/* ---- Followers (follow.c). Give up the handles of those before, or only the room for them. */
void mo_job_release_before(struct mo_worker *w, struct mo_job_after *after);
void mo_job_free_before(struct mo_worker *w, struct mo_job_after *after);
/* One more of those before it is over. When all are, put the job where workers find it. */
void mo_job_launch(struct mo_worker *w, struct mo_job *job);
/* A job is over whose last state this was: whoever WAITER or THEN names learns it. */
void mo_job_tell(struct mo_worker *w, uint64_t state);

/* ---- Blocks. */
static inline void mo_job_free_block(struct mo_worker *w, struct mo_job *job)
{
    mo_store_relaxed(&job->id, 0u);
    if (mo_likely(job->home == w->index))
        mo_slab_free_owner(&w->slab, job, job->cls);
    else
        mo_worker_free(w, job->home, job, job->cls);
}

/* And that of a payload which is apart. */
void mo_job_free_apart(struct mo_worker *w, struct mo_job *job);

static inline void mo_job_free_blocks(struct mo_worker *w, struct mo_job *job)
{
    if (mo_unlikely(job->flags & MO_JOB_APART))
        mo_job_free_apart(w, job);
    mo_job_free_block(w, job);
}

/* A job that is over, or was never handed out, and all that it holds. `state` is its last. */
static inline void mo_job_delete(struct mo_worker *w, struct mo_job *job, uint64_t state)
{
    if (mo_unlikely(MO_JOB_PHASE(state) == MO_JOB_FAILED))
        mo_error_free(w, mo_job_failure(job));
    if (mo_unlikely(job->flags & MO_JOB_FOLLOWS))
        mo_job_release_before(w, mo_job_after(job));
    mo_job_free_blocks(w, job);
}

/* ---- Counting in groups; job.h and architecture.md say how. */
static inline void mo_group_add(struct mo_worker *w, struct mo_group *g)
{
    if (mo_likely(g->owner == w))
        g->local++;
    else
        mo_fetch_add_relaxed(&g->remote, 1); /* published with the entry */
}

static inline void mo_group_sub(struct mo_worker *w, struct mo_group *g)
{
    struct mo_worker *owner = g->owner;
    if (mo_likely(owner == w))
        g->local--;
    else if (mo_fetch_sub_seqcst(&g->remote, 1) == 1) /* from here on the group may be gone */
        mo_event_notify(&owner->event);
}

static inline bool mo_group_is_over(const struct mo_group *g)
{
    return g->local + mo_load_seqcst(&g->remote) == 0;
}

/* ---- The end of a job. */
/* The next one of a job that is watched (watched.c). */
void mo_watched_conclude(struct mo_worker *w, struct mo_job *job, uint64_t state, enum mo_job_phase phase);

/* The phase of a job that somebody else may know, and in the same step it loses the bits `rid`; its block may be gone
   on return. */
static inline void mo_job_conclude_rid(struct mo_worker *w, struct mo_job *job, uint64_t state, enum mo_job_phase phase,
                                       uint64_t rid)
{
    struct mo_group *group = mo_job_group(job);
    while (!mo_cas_seqcst(&job->state, &state, (state & ~(rid | 7)) | phase)) /* J5 */
        ;
    if (!(state & ~rid & (MO_JOB_HANDLE | MO_JOB_ENTRY)))
        mo_job_delete(w, job, phase); /* J2 */
    if (mo_unlikely(state & (MO_JOB_WAITER | MO_JOB_THEN)))
        mo_job_tell(w, state);
    if (group)
        mo_group_sub(w, group);
}

static inline void mo_job_conclude_plain(struct mo_worker *w, struct mo_job *job, uint64_t state,
                                         enum mo_job_phase phase)
{
    mo_job_conclude_rid(w, job, state, phase, 0);
}

static inline void mo_job_conclude(struct mo_worker *w, struct mo_job *job, uint64_t state, enum mo_job_phase phase)
{
    if (mo_unlikely(job->flags & MO_JOB_WATCHED))
        mo_watched_conclude(w, job, state, phase);
    else
        mo_job_conclude_plain(w, job, state, phase);
}

/* ---- Running. */
/* The body of an async job (async.c), and all that is to be done with an entry of one. */
void mo_async_poll(struct mo_worker *w, struct mo_job *job);
void mo_async_deal(struct mo_worker *w, struct mo_executor *x, _Atomic uint64_t *done, struct mo_job *job);

/* Of a job that is not a plain one; and that without telling anybody. */
void mo_job_invoke_special(struct mo_worker *w, struct mo_job *job, void (*fn)(void *));
void mo_job_invoke_body(struct mo_worker *w, struct mo_job *job, void (*fn)(void *));

static inline void invoke(struct mo_worker *w, struct mo_job *job, void (*fn)(void *))
{
    unsigned flags = job->flags;
    if (mo_likely(!(flags & (MO_JOB_FOLLOWS | MO_JOB_ASYNC | MO_JOB_WATCHED | MO_JOB_APART))))
        fn((char *)job + mo_job_head(flags & MO_JOB_EXTENDED));
    else
        mo_job_invoke_special(w, job, fn);
}

/* Its thread is in the middle of something, or something has been left behind in its root. */
void mo_job_invoke_apart(struct mo_worker *w, struct mo_job *job, void (*fn)(void *), const struct mo_job *outer);
/* Threads without a seat count together. */
void mo_job_count_elsewhere(struct mo_worker *w, struct mo_executor *x, enum mo_job_phase phase, bool in_place);

/* Returns the phase. */
static inline enum mo_job_phase run(struct mo_worker *w, struct mo_job *job)
{
    struct mo_job *outer = w->job;
    void (*fn)(void *) = job->fn;
    job->error = NULL;
    w->job = job;
    if (mo_likely(MO_SHARED(self) == w->home && mo_root_is_clean(w->home)))
        invoke(w, job, fn);
    else
        mo_job_invoke_apart(w, job, fn, outer);
    w->job = outer;
    if (mo_likely(!job->error))
        return MO_JOB_COMPLETED;
    if (mo_job_group(job))
        mo_group_fail(w, mo_job_group(job), job->error);
    return MO_JOB_FAILED;
}

static inline bool is_dropped(const struct mo_executor *x, struct mo_job *job)
{
    struct mo_task *group = mo_load_relaxed(&job->group);
    return mo_executor_drops(x) || (group && mo_group_is_cancelled(group));
}

static inline void count_phase(struct mo_worker *w, struct mo_executor *x, enum mo_job_phase phase, bool in_place)
{
    struct mo_seat *seat = w->seat;
    if (mo_unlikely(!seat || seat->executor != x)) {
        mo_job_count_elsewhere(w, x, phase, in_place);
        return;
    }
    mo_owner_add(phase == MO_JOB_CANCELLED ? &seat->ran.dropped : &seat->ran.executed, 1);
    if (mo_unlikely(phase == MO_JOB_FAILED))
        mo_owner_add(&seat->ran.failed, 1);
    if (in_place)
        mo_owner_add(&seat->ran.in_place, 1);
}

static inline enum mo_job_phase mo_job_run(struct mo_worker *w, struct mo_executor *x, struct mo_job *job,
                                           bool in_place)
{
    struct mo_executor *serves = w->serves;
    if (mo_unlikely(serves != x))
        w->serves = x; /* what the job creates is for its executor, too */
    enum mo_job_phase phase = is_dropped(x, job) ? MO_JOB_CANCELLED : run(w, job);
    if (mo_unlikely(serves != x))
        w->serves = serves;
    count_phase(w, x, phase, in_place);
    return phase;
}

/* Stack for another job that waits on top of this one. */
#define MO_JOB_DEPTH_MAX        64
#define MO_JOB_STACK_KEEP_BYTES (96 * 1024)
static inline bool mo_job_may_nest(struct mo_worker *w)
{
    if (w->job_depth >= MO_JOB_DEPTH_MAX)
        return false;
    if (mo_unlikely(!w->stack_end))
        w->stack_end = mo_plat_stack_end();
    return (char *)__builtin_frame_address(0) - w->stack_end > MO_JOB_STACK_KEEP_BYTES;
}

static inline void mo_job_deal_inside(struct mo_worker *w, struct mo_executor *x, _Atomic uint64_t *done,
                                      struct mo_job *job)
{
    w->job_depth++;
    mo_job_deal(w, x, done, job);
    w->job_depth--;
}

/* ---- Handing over (submit.c). */
static inline bool mo_has_seat(const struct mo_worker *w, const struct mo_executor *x)
{
    return mo_likely(w->seat && w->seat->executor == x);
}
/* Nobody else knows the job: forget it. */
void mo_job_discard(struct mo_worker *w, struct mo_job *job);

/* Wait until all jobs of the group are over. False: the deadline came first. */
bool mo_group_await(struct mo_group *g, uint64_t deadline_ns);

#endif
