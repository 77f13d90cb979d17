/* Groups of tasks (moirai/task.h). */
#include "native/task.h"

#include "sched/strand.h"

static struct mo_group *core_of(const moirai_group_t *group)
{
    return (struct mo_group *)group;
}

MO_API int moirai_group_open(moirai_group_t **group, moirai_executor_t *executor, int flags)
{
    struct mo_worker *w = mo_native_worker();
    struct mo_executor *x;
    if (!group || flags & ~(MOIRAI_GROUP_ISOLATED | MOIRAI_GROUP_TENACIOUS))
        return MOIRAI_EINVAL;
    int err = w ? mo_native_which(w, executor, &x) : ENOMEM;
    struct mo_group *g = err ? NULL : mo_group_new(w, x);
    if (!g)
        return mo_native_status(err ? err : ENOMEM);
    g->isolated = flags & MOIRAI_GROUP_ISOLATED;
    g->tenacious = flags & MOIRAI_GROUP_TENACIOUS;
    *group = (moirai_group_t *)g;
    return MOIRAI_OK;
}

static __attribute__((noinline)) int group_spawn_other(struct mo_group *g, moirai_task_t *task, void (*fn)(void *data),
                                                       const void *data, size_t bytes)
{
    if (mo_likely(g && mo_native_spawn_outside(g->executor, g, task, fn, data, bytes)))
        return MOIRAI_OK;
    if (mo_unlikely(!g || mo_native_check_task(fn != NULL, data, bytes)))
        return MOIRAI_EINVAL;
    struct mo_worker *w = mo_native_worker();
    if (mo_unlikely(!w))
        return MOIRAI_ENOMEM;
    const struct mo_job_spec spec = {.fn = fn, .bytes = bytes, .handle = task, .group = g};
    return mo_native_status(mo_native_create(w, g->executor, task, &spec, data, mo_job_submit));
}

MO_API int moirai_group_spawn(moirai_group_t *group, moirai_task_t *task, void (*fn)(void *data), const void *data,
                              size_t bytes)
{
    struct mo_group *g = core_of(group);
    if (mo_likely(g && mo_native_spawn_short(g->executor, g, task, fn, data, bytes)))
        return MOIRAI_OK;
    return group_spawn_other(g, task, fn, data, bytes);
}

static int group_status(const struct mo_group *g)
{
    if (mo_load_acquire(&g->error))
        return MOIRAI_EFAILED;
    return mo_group_is_cancelled(&g->head) ? MOIRAI_ECANCELED : MOIRAI_OK;
}

static bool owns(const struct mo_group *g)
{
    struct mo_member *m = mo_self_peek();
    return m && (g->strand ? m->worker->job == g->strand : m->worker == g->owner);
}

MO_API int moirai_group_wait_until(moirai_group_t *group, uint64_t deadline_ns)
{
    struct mo_group *g = core_of(group);
    if (!g)
        return MOIRAI_EINVAL;
    if (!owns(g))
        return MOIRAI_EPERM;
    return mo_group_wait(g, deadline_ns) ? group_status(g) : MOIRAI_ETIMEDOUT;
}

MO_API int moirai_group_wait(moirai_group_t *group)
{
    return moirai_group_wait_until(group, MOIRAI_FOREVER);
}

MO_API int moirai_group_error(const moirai_group_t *group, moirai_error_t *error)
{
    const struct mo_job_error *e = group ? mo_load_acquire(&core_of(group)->error) : NULL;
    if (!group || !error)
        return MOIRAI_EINVAL;
    if (!e)
        return MOIRAI_OK;
    mo_native_copy_error(error, e);
    return MOIRAI_EFAILED;
}

MO_API int moirai_group_cancel(moirai_group_t *group)
{
    if (!group)
        return MOIRAI_EINVAL;
    mo_group_cancel(core_of(group));
    return MOIRAI_OK;
}

MO_API int moirai_group_is_cancelled(const moirai_group_t *group)
{
    return group && mo_group_is_cancelled(&core_of(group)->head);
}

MO_API int moirai_group_close(moirai_group_t *group)
{
    int status = moirai_group_wait(group);
    if (group && status != MOIRAI_EPERM)
        mo_group_free(core_of(group));
    return status;
}
