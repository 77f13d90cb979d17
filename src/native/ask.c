/* What a task can be asked, from outside by its handle or number and from inside, and told (moirai/task.h). */
#include "native/executor.h"

/* ---- Cancelling, and asking. */
static int cancel(struct mo_job *job)
{
    struct mo_worker *w = mo_native_worker();
    return w ? mo_native_status(mo_job_cancel(w, job)) : MOIRAI_ENOMEM;
}

static int outer_phase(enum mo_job_phase phase)
{
    return phase == MO_JOB_BLOCKED ? MOIRAI_TASK_QUEUED : (int)phase;
}

MO_API int moirai_cancel(moirai_task_t *task)
{
    struct mo_job *job = task ? mo_native_job(task) : NULL;
    return job ? cancel(job) : task ? MOIRAI_ESTALE : MOIRAI_EINVAL;
}

MO_API int moirai_task_state(const moirai_task_t *task)
{
    struct mo_job *job = task ? mo_native_job(task) : NULL;
    return job ? outer_phase(MO_JOB_PHASE(mo_load_acquire(&job->state))) : task ? MOIRAI_ESTALE : MOIRAI_EINVAL;
}

MO_API uint64_t moirai_task_id(moirai_task_t *task)
{
    struct mo_job *job = task ? mo_native_job(task) : NULL;
    return job ? mo_job_number(job) : 0;
}

MO_API int moirai_id_cancel(uint64_t id)
{
    struct mo_worker *w = mo_native_worker();
    return w ? mo_native_status(mo_number_cancel(w, id)) : MOIRAI_ENOMEM;
}

MO_API int moirai_id_state(uint64_t id)
{
    struct mo_worker *w = mo_native_worker();
    enum mo_job_phase phase;
    if (!w)
        return MOIRAI_ENOMEM;
    return mo_number_phase(w, id, &phase, NULL) ? outer_phase(phase) : MOIRAI_ESTALE;
}

MO_API int moirai_id_error(uint64_t id, moirai_error_t *error)
{
    struct mo_worker *w = mo_native_worker();
    struct mo_job_error failure;
    enum mo_job_phase phase;
    if (!error)
        return MOIRAI_EINVAL;
    if (!w)
        return MOIRAI_ENOMEM;
    if (!mo_number_phase(w, id, &phase, &failure))
        return MOIRAI_ESTALE;
    if (phase != MO_JOB_FAILED)
        return MOIRAI_OK;
    mo_native_copy_error(error, &failure);
    return MOIRAI_EFAILED;
}

/* ---- Inside. */
static struct mo_worker *inside(void)
{
    struct mo_member *m = mo_self_peek();
    return m && m->worker->job ? m->worker : NULL;
}

MO_API int moirai_task_is_cancelled(void)
{
    const struct mo_worker *w = inside();
    return w && mo_job_is_cancelled(w);
}

MO_API int moirai_task_fail(int code, const char *text)
{
    struct mo_worker *w = inside();
    if (!text)
        return MOIRAI_EINVAL;
    if (!w)
        return MOIRAI_EPERM;
    mo_job_fail(w, code, text);
    return MOIRAI_OK;
}

MO_API int moirai_task_yield(void)
{
    struct mo_worker *w = inside();
    return w && mo_job_yield(w);
}

MO_API uint64_t moirai_task_self(void)
{
    struct mo_worker *w = inside();
    return w ? mo_job_number(w->job) : 0;
}
