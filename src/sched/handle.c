/* Handles of jobs, and their numbers. */
#include "sched/async.h"
#include "sched/run.h"

#include <errno.h>

void mo_job_release(struct mo_worker *w, struct mo_job *job)
{
    /* acquire: who frees the block has seen what all others did with it. */
    uint64_t state = mo_load_acquire(&job->state);
    if (mo_likely(MO_JOB_OVER(state) && !(state & MO_JOB_ENTRY)))
        mo_store_relaxed(&job->state, state & ~MO_JOB_HANDLE);
    else
        state = mo_fetch_and_acq_rel(&job->state, ~MO_JOB_HANDLE);
    if (MO_JOB_OVER(state) && !(state & MO_JOB_ENTRY))
        mo_job_delete(w, job, state); /* J2 */
}

int mo_job_cancel(struct mo_worker *w, struct mo_job *job)
{
    struct mo_group *group = mo_job_group(job);
    uint64_t state = mo_load_acquire(&job->state);
    if (mo_unlikely(job->flags & MO_JOB_WATCHED))
        return mo_watched_cancel(w, job);
    for (;;) {
        enum mo_job_phase phase = MO_JOB_PHASE(state);
        bool begun = phase == MO_JOB_RUNNING;
        if (MO_JOB_OVER(state))
            return EALREADY;
        uint64_t next = begun ? state | MO_JOB_CANCEL : (state & ~(uint64_t)7) | MO_JOB_CANCELLED;
        if (!mo_cas_seqcst(&job->state, &state, next)) /* J5 */
            continue;
        if (begun) {
            if (job->flags & MO_JOB_ASYNC)
                mo_async_wake(job);
            return EBUSY;
        }
        if (state & (MO_JOB_WAITER | MO_JOB_THEN))
            mo_job_tell(w, state);
        if (group)
            mo_group_sub(w, group);
        return 0;
    }
}

/* Address above, number below. */
#define NUMBER_BITS 22

uint64_t mo_job_number(struct mo_job *job)
{
    if (!(mo_load_relaxed(&job->state) & MO_JOB_EXPOSED))
        mo_fetch_or_acq_rel(&job->state, MO_JOB_EXPOSED);
    return (uint64_t)((uintptr_t)job / MO_SLAB_MIN_BYTES) << NUMBER_BITS |
           (mo_load_relaxed(&job->id) & ((1u << NUMBER_BITS) - 1));
}

/* Whether an address is that of a block cannot be told, so a number that was never one of a job's is not for here.
   Blocks stay mapped, and what the block is used for now has another number, most likely. Of one that is over there is
   an answer only while it has its handle: its block may stay longer, until a worker comes by its entry. */
MO_RACES_BY_DESIGN struct mo_job *mo_job_find(uint64_t number)
{
    struct mo_job *job = (struct mo_job *)(uintptr_t)((number >> NUMBER_BITS) * MO_SLAB_MIN_BYTES);
    uint32_t id = number & ((1u << NUMBER_BITS) - 1);
    bool known = job && id && (mo_load_relaxed(&job->id) & ((1u << NUMBER_BITS) - 1)) == id;
    uint64_t state = known ? mo_load_acquire(&job->state) : 0;
    return known && (state & MO_JOB_HANDLE || !MO_JOB_OVER(state)) ? job : NULL;
}

bool mo_job_is_cancelled(const struct mo_worker *w)
{
    struct mo_job *job = w->job;
    if (!job)
        return false;
    if (w->seat && mo_executor_drops(w->seat->executor))
        return true;
    return mo_load_relaxed(&job->state) & MO_JOB_CANCEL || mo_group_is_cancelled(mo_load_relaxed(&job->group));
}
