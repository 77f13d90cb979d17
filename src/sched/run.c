/* Running jobs (run.h has the protocol of their state). */
#include "sched/run.h"

#include "sched/strand.h"
#include "watch/trace.h"

void mo_job_invoke_body(struct mo_worker *w, struct mo_job *job, void (*fn)(void *))
{
    if (job->flags & MO_JOB_FOLLOWS)
        mo_job_after(job)->fn(mo_job_after(job), mo_job_data(job));
    else if (job->flags & MO_JOB_ASYNC)
        mo_async_poll(w, job);
    else
        fn(mo_job_data(job));
}

void mo_job_invoke_special(struct mo_worker *w, struct mo_job *job, void (*fn)(void *))
{
    if (job->flags & MO_JOB_WATCHED)
        mo_watched_invoke(w, job, fn);
    else
        mo_job_invoke_body(w, job, fn);
}

static __attribute__((noinline)) void trace_names(const struct mo_executor *x, struct mo_job *job)
{
    if (job->flags & MO_JOB_EXTENDED)
        mo_trace_text(MO_TRACE_NAME, mo_job_ext(job)->name);
    mo_trace_text(MO_TRACE_EXECUTOR, mo_executor_name(x));
}

/* What a reader of a recording knows it by. */
static const void *code_of(struct mo_job *job, void (*fn)(void *))
{
    if (job->flags & MO_JOB_STRAND)
        return (const void *)((const struct mo_native_strand *)mo_job_data(job))->fn;
    if (job->flags & MO_JOB_ASYNC)
        return (const void *)(*(const struct mo_async_ops **)mo_job_data(job))->poll;
    return (const void *)fn;
}

/* Its thread is in the middle of something, or something has been left behind in its root, or it is watched. */
void mo_job_invoke_apart(struct mo_worker *w, struct mo_job *job, void (*fn)(void *), const struct mo_job *outer)
{
    bool pushed = false, home = MO_SHARED(self) == w->home;
    if (home && !outer)
        mo_root_clean(w->home);
    else if (!home || !mo_root_is_empty(w->home))
        pushed = mo_root_push(w);
    mo_trace(MO_TRACE_JOB, code_of(job, fn), 0, 0);
    if (mo_is_tracing())
        trace_names(w->serves, job);
    invoke(w, job, fn);
    mo_trace(MO_TRACE_END(MO_TRACE_JOB), NULL, 0, 0);
    if (pushed)
        mo_root_pop(w);
}

/* Threads without a seat count together. */
void mo_job_count_elsewhere(struct mo_worker *w, struct mo_executor *x, enum mo_job_phase phase, bool in_place)
{
    mo_count(&w->counts, phase == MO_JOB_CANCELLED ? MO_COUNT_JOBS_DROPPED : MO_COUNT_JOBS_RUN, 1);
    mo_count(&w->counts, MO_COUNT_JOBS_FAILED, phase == MO_JOB_FAILED);
    mo_fetch_add_relaxed(phase == MO_JOB_CANCELLED ? &x->elsewhere.dropped : &x->elsewhere.executed, 1);
    if (phase == MO_JOB_FAILED)
        mo_fetch_add_relaxed(&x->elsewhere.failed, 1);
    if (in_place)
        mo_fetch_add_relaxed(&x->elsewhere.in_place, 1);
}

/* The entry is ours; the job may have been claimed or cancelled, or may be now. */
static __attribute__((noinline)) void deal_shared(struct mo_worker *w, struct mo_executor *x, struct mo_job *job,
                                                  uint64_t state)
{
    do {
        if (MO_JOB_PHASE(state) == MO_JOB_QUEUED)
            continue;
        state = mo_fetch_and_acq_rel(&job->state, ~MO_JOB_ENTRY);
        if (MO_JOB_OVER(state) && !(state & MO_JOB_HANDLE))
            mo_job_delete(w, job, state); /* J2 */
        return;
    } while (!mo_cas_acq_rel(&job->state, &state, (state & ~(MO_JOB_ENTRY | 7)) | MO_JOB_RUNNING));
    enum mo_job_phase phase = mo_job_run(w, x, job, false);
    mo_job_conclude(w, job, mo_load_relaxed(&job->state), phase);
}

void mo_job_deal(struct mo_worker *w, struct mo_executor *x, _Atomic uint64_t *done, struct mo_job *job)
{
    /* acquire: J3 is true only after what the holder of the handle did before he gave it up. */
    uint64_t state = mo_load_acquire(&job->state);
    if (mo_unlikely(state & (MO_JOB_HANDLE | MO_JOB_EXPOSED))) {
        if (job->flags & MO_JOB_ASYNC)
            mo_async_deal(w, x, done, job);
        else
            deal_shared(w, x, job, state);
    } else if (mo_unlikely(MO_JOB_PHASE(state) != MO_JOB_QUEUED)) { /* cancelled, and its handle is gone */
        mo_job_delete(w, job, state);
    } else {
        mo_store_relaxed(&job->state, (state & ~MO_JOB_ENTRY) | MO_JOB_RUNNING); /* J3 */
        enum mo_job_phase phase = mo_job_run(w, x, job, false);
        struct mo_group *group = mo_job_group(job);
        if (mo_unlikely(mo_load_relaxed(&job->state) & MO_JOB_EXPOSED)) {
            mo_job_conclude(w, job, mo_load_relaxed(&job->state), phase);
        } else {
            mo_job_delete(w, job, phase);
            if (group)
                mo_group_sub(w, group);
        }
    }
    mo_owner_add_release(done, 1); /* last: pairs with is_through() in executor.c */
}
