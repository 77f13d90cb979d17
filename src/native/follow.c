/* Tasks that come after others (moirai/task.h). */
#include "native/task.h"

#define FEW 64

static void nothing(void *data)
{
}

static void run_after(struct mo_job_after *after, void *data)
{
    void (*fn)(void *data, const moirai_before_t *before) = (void (*)(void *, const moirai_before_t *))after->user;
    fn(data, (const moirai_before_t *)after);
}

static int follow(struct mo_worker *w, moirai_task_t *tasks, size_t count, struct mo_job_before *before,
                  moirai_task_t *next, struct mo_job_follow *f, size_t bytes)
{
    const struct mo_job_spec spec = {.fn = nothing, .bytes = bytes, .handle = next};
    struct mo_job *job;
    for (size_t i = 0; i < count; i++) {
        before[i] = (struct mo_job_before){mo_native_job(&tasks[i]), ((struct mo_job_handle *)&tasks[i])->bytes};
        if (!before[i].job)
            return ESTALE;
        if (before[i].job == w->job)
            return EDEADLK;
    }
    f->before = before;
    f->count = (uint32_t)count;
    int err = mo_job_follow(w, &spec, f, &job);
    if (err)
        return err;
    for (size_t i = 0; i < count; i++)
        mo_native_use_up(&tasks[i]);
    if (next) /* which holds the block */
        mo_native_make_handle(next, job, bytes);
    return 0;
}

MO_API int moirai_then_all(moirai_task_t *tasks, size_t count, moirai_task_t *next,
                           void (*fn)(void *data, const moirai_before_t *before), const void *data, size_t bytes)
{
    struct mo_job_before few[FEW], *before = few;
    struct mo_worker *w = mo_native_worker();
    if (!tasks || !count || count > UINT32_MAX - 1 || mo_native_check_task(fn != NULL, data, bytes))
        return MOIRAI_EINVAL;
    if (!w || (count > FEW && !(before = mo_extent_alloc(count * sizeof *before))))
        return MOIRAI_ENOMEM;
    struct mo_job_follow f = {.fn = run_after, .user = (void (*)(void))fn, .data = data};
    int err = mo_native_which(w, NULL, &f.executor);
    if (!err)
        err = follow(w, tasks, count, before, next, &f, bytes);
    if (before != few)
        mo_extent_free(before, count * sizeof *before);
    return mo_native_status(err);
}

MO_API int moirai_then(moirai_task_t *task, moirai_task_t *next, void (*fn)(void *data, const moirai_before_t *before),
                       const void *data, size_t bytes)
{
    return moirai_then_all(task, 1, next, fn, data, bytes);
}

MO_API int moirai_before_outcome(const moirai_before_t *before, size_t index, moirai_outcome_t *outcome)
{
    const struct mo_job_after *after = (const struct mo_job_after *)before;
    if (!after || !outcome || index >= after->count)
        return MOIRAI_EINVAL;
    struct mo_job *job = after->before[index].job;
    int status = mo_native_read_outcome(job, 0, NULL, NULL);
    bool ran = status != MOIRAI_ECANCELED;
    const struct mo_job_error *why = status == MOIRAI_EFAILED ? mo_job_failure(job) : NULL;
    *outcome = (moirai_outcome_t){.status = status,
                                  .result = ran ? mo_job_data(job) : NULL,
                                  .bytes = ran ? after->before[index].bytes : 0,
                                  .code = why ? why->code : 0,
                                  .text = why ? why->text : ""};
    return MOIRAI_OK;
}
