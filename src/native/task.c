/* Making tasks (moirai/task.h). */
#include "native/task.h"

_Static_assert(MOIRAI_TASK_BYTES_MAX == MO_JOB_BYTES_MAX, "the core's value");
_Static_assert(MOIRAI_ERROR_TEXT_BYTES == MO_ERROR_TEXT, "the core's value");
_Static_assert((int)MOIRAI_TASK_CANCELLED == (int)MO_JOB_CANCELLED && (int)MOIRAI_TASK_FAILED == (int)MO_JOB_FAILED,
               "the core's values");

static __attribute__((noinline)) int spawn_other(moirai_executor_t *executor, moirai_task_t *task,
                                                 void (*fn)(void *data), const void *data, size_t bytes)
{
    const struct mo_job_spec spec = {.fn = fn, .bytes = bytes, .handle = task};
    if (mo_likely(mo_native_spawn_outside(mo_native_executor(executor), NULL, task, fn, data, bytes)))
        return MOIRAI_OK;
    return mo_native_status(mo_native_spawn(executor, task, &spec, data, mo_job_submit));
}

MO_API int moirai_spawn(moirai_executor_t *executor, moirai_task_t *task, void (*fn)(void *data), const void *data,
                        size_t bytes)
{
    if (mo_likely(mo_native_spawn_short(mo_native_executor(executor), NULL, task, fn, data, bytes)))
        return MOIRAI_OK;
    return spawn_other(executor, task, fn, data, bytes);
}

MO_API int moirai_spawn_blocking(moirai_executor_t *executor, moirai_task_t *task, void (*fn)(void *data),
                                 const void *data, size_t bytes)
{
    const struct mo_job_spec spec = {.fn = fn, .bytes = bytes, .handle = task};
    return mo_native_status(mo_native_spawn(executor, task, &spec, data, mo_blocking_submit));
}

static int check_many(bool fn, const void *data, size_t bytes, size_t count)
{
    size_t all;
    return __builtin_mul_overflow(bytes, count, &all) ? EINVAL : mo_native_check_task(fn, count ? data : "", bytes);
}

MO_API int moirai_spawn_many(moirai_executor_t *executor, moirai_group_t *group, moirai_task_t *tasks,
                             void (*fn)(void *data), const void *data, size_t bytes, size_t count, size_t *spawned)
{
    struct mo_group *g = (struct mo_group *)group;
    const struct mo_job_spec spec = {.fn = fn, .bytes = bytes, .handle = tasks, .group = g};
    struct mo_worker *w = mo_native_worker();
    struct mo_executor *x = NULL;
    size_t n = 0;
    int err = check_many(fn != NULL, data, bytes, count);
    if (!err && !w)
        err = ENOMEM;
    if (!err)
        err = mo_native_which(w, g && !executor ? (moirai_executor_t *)g->executor : executor, &x);
    while (!err && n < count) {
        err = mo_native_create(w, x, tasks ? &tasks[n] : NULL, &spec, (const char *)data + n * bytes,
                               mo_job_submit_quietly);
        n += !err;
    }
    if (n)
        mo_executor_wake(x);
    if (spawned)
        *spawned = n;
    return mo_native_status(err);
}

MO_API int moirai_run(moirai_executor_t *executor, void (*fn)(void *data), void *data, size_t bytes)
{
    struct mo_worker *w = mo_native_worker();
    moirai_task_t task;
    if (mo_native_check_task(fn != NULL, data, bytes))
        return MOIRAI_EINVAL;
    if (w && w->serves && (!executor || mo_native_executor(executor) == w->serves)) {
        fn(data);
        return MOIRAI_OK;
    }
    int status = moirai_spawn(executor, &task, fn, data, bytes);
    return status == MOIRAI_OK ? moirai_join(&task, data) : status;
}
