/* What the faces of tasks share: handles, payloads, how a task is made, how one that is over is read. */
#ifndef MO_NATIVE_TASK_H
#define MO_NATIVE_TASK_H

#include "native/executor.h"
#include "sched/short.h"

#include <errno.h>
#include <string.h>

/* ---- Handles. */
_Static_assert(sizeof(struct mo_job_handle) == sizeof(moirai_task_t), "room for it");

static inline void mo_native_make_handle(moirai_task_t *task, struct mo_job *job, size_t bytes)
{
    *(struct mo_job_handle *)task = (struct mo_job_handle){job, mo_load_relaxed(&job->id), (uint32_t)bytes};
}

static inline void mo_native_use_up(moirai_task_t *task)
{
    task->moirai_words[0] = task->moirai_words[1] = 0;
}

/* ---- Payloads. */
static inline void mo_native_copy(void *to, const void *from, size_t bytes)
{
    if (mo_likely(bytes <= 4 * sizeof(uint64_t) && bytes % sizeof(uint64_t) == 0)) {
        for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
            memcpy((char *)to + i * sizeof(uint64_t), (const char *)from + i * sizeof(uint64_t), sizeof(uint64_t));
    } else {
        memcpy(to, from, bytes);
    }
}

static inline int mo_native_check_task(bool fn, const void *data, size_t bytes)
{
    return mo_likely(fn && bytes <= MO_JOB_BYTES_MAX && (data || !bytes)) ? 0 : EINVAL;
}

/* ---- Creating. */
typedef int mo_submit_fn(struct mo_worker *w, struct mo_executor *x, struct mo_job *job);

static inline int mo_native_create(struct mo_worker *w, struct mo_executor *x, moirai_task_t *task,
                                   const struct mo_job_spec *spec, const void *data, mo_submit_fn *submit)
{
    struct mo_job *job = mo_job_new(w, x, spec);
    if (mo_unlikely(!job))
        return ENOMEM;
    mo_native_copy(mo_job_data(job), data, spec->bytes);
    moirai_task_t made;
    mo_native_make_handle(&made, job, spec->bytes); /* before anybody can free it */
    int err = submit(w, x, job);
    if (task && mo_likely(!err))
        *task = made;
    return err;
}

static inline int mo_native_spawn(moirai_executor_t *executor, moirai_task_t *task, const struct mo_job_spec *spec,
                                  const void *data, mo_submit_fn *submit)
{
    struct mo_worker *w = mo_native_worker();
    struct mo_executor *x;
    int err = mo_native_check_task(spec->fn != NULL, data, spec->bytes);
    if (mo_unlikely(err))
        return err;
    if (mo_unlikely(!w))
        return ENOMEM;
    err = mo_native_which(w, executor, &x);
    return mo_likely(!err) ? mo_native_create(w, x, task, spec, data, submit) : err;
}

/* From a thread that is no worker, or of something large, or where something has run out. */
static inline bool mo_native_spawn_outside(struct mo_executor *x, struct mo_group *group, moirai_task_t *task,
                                           void (*fn)(void *data), const void *data, size_t bytes)
{
    struct mo_member *m = mo_self_peek();
    return m && x && fn && mo_job_is_small(bytes) && (data || !bytes) &&
           mo_job_spawn_small_outside(m->worker, x, fn, data, bytes, (struct mo_job_handle *)task, group);
}

/* From a worker to its own executor. False: another case, nothing has happened. */
static inline __attribute__((always_inline)) bool mo_native_spawn_short(struct mo_executor *x, struct mo_group *group,
                                                                        moirai_task_t *task, void (*fn)(void *data),
                                                                        const void *data, size_t bytes)
{
    struct mo_member *m = mo_self_peek();
    return mo_likely(m != NULL) && mo_short_spawn(m->worker, x, fn, data, bytes, (struct mo_job_handle *)task, group);
}

/* ---- What came of it. */
/* Of a job that is over. */
static inline int mo_native_read_outcome(struct mo_job *job, size_t bytes, void *result, moirai_error_t *error)
{
    enum mo_job_phase phase = MO_JOB_PHASE(mo_load_acquire(&job->state));
    if (mo_unlikely(phase == MO_JOB_CANCELLED))
        return MOIRAI_ECANCELED;
    if (result)
        mo_native_copy(result, mo_job_data(job), bytes);
    if (mo_likely(phase == MO_JOB_COMPLETED))
        return MOIRAI_OK;
    if (error)
        mo_native_copy_error(error, mo_job_failure(job));
    return MOIRAI_EFAILED;
}

#endif
