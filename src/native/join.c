/* Joining tasks (moirai/task.h): waiting for one, for all, for any; giving a handle up. */
#include "native/task.h"

#include "sched/strand.h"

static int collect(struct mo_worker *w, moirai_task_t *task, struct mo_job *job, void *result, moirai_error_t *error)
{
    int status = mo_native_read_outcome(job, ((struct mo_job_handle *)task)->bytes, result, error);
    mo_job_release(w, job);
    mo_native_use_up(task);
    return status;
}

static __attribute__((noinline)) int join_slow(struct mo_worker *w, moirai_task_t *task, void *result,
                                               moirai_error_t *error, uint64_t deadline_ns)
{
    struct mo_job *job = task ? mo_native_job(task) : NULL;
    if (!job)
        return task ? MOIRAI_ESTALE : MOIRAI_EINVAL;
    if (!w)
        return MOIRAI_ENOMEM;
    if (w->job == job)
        return MOIRAI_EDEADLOCK;
    if (!mo_job_wait(w, job, deadline_ns))
        return MOIRAI_ETIMEDOUT;
    return collect(mo_worker_now(), task, job, result, error); /* a fiber may be on another thread now */
}

static __attribute__((noinline)) int join_other(moirai_task_t *task, void *result)
{
    return join_slow(mo_native_worker(), task, result, NULL, MOIRAI_FOREVER);
}

static inline int status_of(enum mo_job_phase phase)
{
    return mo_likely(phase == MO_JOB_COMPLETED) ? MOIRAI_OK
           : phase == MO_JOB_FAILED             ? MOIRAI_EFAILED
                                                : MOIRAI_ECANCELED;
}

MO_API int moirai_join(moirai_task_t *task, void *result)
{
    struct mo_member *m = mo_self_peek();
    if (mo_unlikely(!task || !m))
        return join_other(task, result);
    enum mo_job_phase phase = mo_short_join(m->worker, (struct mo_job_handle *)task, result);
    if (mo_unlikely(phase == MO_JOB_QUEUED))
        return join_other(task, result);
    mo_native_use_up(task);
    return status_of(phase);
}

MO_API int moirai_join_until(moirai_task_t *task, void *result, uint64_t deadline_ns)
{
    return join_slow(mo_native_worker(), task, result, NULL, deadline_ns);
}

MO_API int moirai_join_error(moirai_task_t *task, void *result, moirai_error_t *error)
{
    return join_slow(mo_native_worker(), task, result, error, MOIRAI_FOREVER);
}

MO_API int moirai_try_join(moirai_task_t *task, void *result)
{
    struct mo_job *job = task ? mo_native_job(task) : NULL;
    struct mo_worker *w = mo_native_worker();
    if (!job)
        return task ? MOIRAI_ESTALE : MOIRAI_EINVAL;
    if (!w)
        return MOIRAI_ENOMEM;
    if (!MO_JOB_OVER(mo_load_acquire(&job->state)))
        return MOIRAI_EBUSY;
    return collect(w, task, job, result, NULL);
}

/* From the last to the first: the newest lie ready in the caller's deque. */
MO_API int moirai_join_all(moirai_task_t *tasks, size_t count, void *results)
{
    char *end = results;
    int status = MOIRAI_OK;
    if (count && !tasks)
        return MOIRAI_EINVAL;
    for (size_t i = 0; i < count; i++)
        if (end)
            end += ((struct mo_job_handle *)&tasks[i])->bytes;
    for (size_t i = count; i-- > 0;) {
        if (end)
            end -= ((struct mo_job_handle *)&tasks[i])->bytes;
        int one = moirai_join(&tasks[i], end);
        if (one != MOIRAI_OK)
            status = one;
    }
    return status;
}

#define FEW 64

static int join_any(struct mo_worker *w, moirai_task_t *tasks, struct mo_job **jobs, size_t count, size_t *index,
                    void *result, uint64_t deadline_ns)
{
    for (size_t i = 0; i < count; i++) {
        jobs[i] = mo_native_job(&tasks[i]);
        if (!jobs[i])
            return MOIRAI_ESTALE;
        if (jobs[i] == w->job)
            return MOIRAI_EDEADLOCK;
    }
    size_t over = mo_job_wait_any(w, jobs, count, deadline_ns);
    if (over == count)
        return MOIRAI_ETIMEDOUT;
    if (index)
        *index = over;
    return collect(mo_worker_now(), &tasks[over], jobs[over], result, NULL);
}

MO_API int moirai_join_any(moirai_task_t *tasks, size_t count, size_t *index, void *result, uint64_t deadline_ns)
{
    struct mo_job *few[FEW], **jobs = few;
    struct mo_worker *w = mo_native_worker();
    if (!tasks || !count)
        return MOIRAI_EINVAL;
    if (!w || (count > FEW && !(jobs = mo_extent_alloc(count * sizeof *jobs))))
        return MOIRAI_ENOMEM;
    int status = join_any(w, tasks, jobs, count, index, result, deadline_ns);
    if (jobs != few)
        mo_extent_free(jobs, count * sizeof *jobs);
    return status;
}

MO_API int moirai_detach(moirai_task_t *task)
{
    struct mo_job *job = task ? mo_native_job(task) : NULL;
    struct mo_worker *w = mo_native_worker();
    if (!job)
        return task ? MOIRAI_ESTALE : MOIRAI_EINVAL;
    if (!w)
        return MOIRAI_ENOMEM;
    mo_job_release(w, job);
    mo_native_use_up(task);
    return MOIRAI_OK;
}
