/* Where the short ways lead off, and the one of threads without a seat. */
#include "sched/short.h"

enum mo_job_phase mo_short_failed(struct mo_worker *w, struct mo_job_counts *ran, struct mo_job *job)
{
    mo_owner_add(&ran->failed, 1);
    if (mo_job_group(job))
        mo_group_fail(w, mo_job_group(job), job->error);
    return MO_JOB_FAILED;
}

/* The entry is in hand, so who has the handle, too, is the one that frees. */
enum mo_job_phase mo_short_end_slow(struct mo_worker *w, struct mo_job *job, enum mo_job_phase phase,
                                    const struct mo_job_handle *handle, void *result)
{
    struct mo_group *group = mo_job_group(job);
    uint64_t state = mo_load_relaxed(&job->state);
    bool exposed = state & MO_JOB_EXPOSED;
    if (exposed)
        mo_job_conclude(w, job, state, phase); /* without a handle it may be gone now */
    if (handle && result && phase != MO_JOB_CANCELLED)
        mo_short_copy(result, (uint64_t *)(job + 1), handle->bytes / sizeof(uint64_t));
    if (!exposed) {
        mo_job_delete(w, job, phase);
        if (group)
            mo_group_sub(w, group);
    } else if (handle) {
        mo_job_release(w, job);
    }
    return phase;
}

/* Somebody closes the executor: the long way has the answer. */
static __attribute__((noinline)) bool take_back(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    mo_slab_free_owner(&w->slab, job, 0);
    mo_fetch_sub_seqcst(&w->outboxes->created, 1);
    mo_executor_try_close(x); /* X1 */
    return false;
}

bool mo_job_spawn_small_outside(struct mo_worker *w, struct mo_executor *x, void (*fn)(void *), const void *data,
                                size_t bytes, struct mo_job_handle *handle, struct mo_group *group)
{
    struct mo_outbox *o = w->outboxes;
    if (mo_unlikely(!o || o->executor != x || x->job_flags || !mo_deque_room_owner(&o->deque)))
        return false;
    struct mo_job *job = mo_slab_alloc_owner(&w->slab, 0);
    if (mo_unlikely(!job))
        return false;
    mo_owner_add(&o->created, 1);
    mo_counted(&o->created); /* X1 */
    if (mo_unlikely(mo_load_relaxed(&x->state) != MO_EXECUTOR_OPEN))
        return take_back(w, x, job);
    mo_short_fill(w, job, x->job_state, (uint64_t)w->index << 32, fn, data, bytes, handle, group);
    mo_deque_push_owner(&o->deque, job);
    mo_work_published(x->team);
    return true;
}
