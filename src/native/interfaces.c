/* Executors as three small interfaces (moirai/interfaces.h). */
#include "native/native.h"

#include "moirai/moirai.h"

static int spawn(void *self, moirai_task_t *task, const moirai_task_attr_t *attr, void (*fn)(void *data),
                 const void *data, size_t bytes)
{
    return moirai_spawn_with(self, task, attr, fn, data, bytes);
}

static int spawn_many(void *self, moirai_group_t *group, moirai_task_t *tasks, void (*fn)(void *data), const void *data,
                      size_t bytes, size_t count, size_t *spawned)
{
    return moirai_spawn_many(self, group, tasks, fn, data, bytes, count, spawned);
}

static int spawn_blocking(void *self, moirai_task_t *task, void (*fn)(void *data), const void *data, size_t bytes)
{
    return moirai_spawn_blocking(self, task, fn, data, bytes);
}

static int cancel(void *self, uint64_t id)
{
    return moirai_id_cancel(id);
}

static int state(void *self, uint64_t id)
{
    return moirai_id_state(id);
}

static int error(void *self, uint64_t id, moirai_error_t *e)
{
    return moirai_id_error(id, e);
}

static int shut_down(void *self, int mode, uint64_t deadline_ns)
{
    return moirai_executor_shutdown(self, mode, deadline_ns);
}

static int is_shutting_down(void *self)
{
    return moirai_executor_is_shutting_down(self);
}

static unsigned worker_count(void *self)
{
    return moirai_executor_worker_count(self);
}

static double load(void *self)
{
    return moirai_executor_load(self);
}

static int stats(void *self, moirai_executor_stats_t *s)
{
    return moirai_executor_stats(self, s);
}

MO_API int moirai_executor_spawner(moirai_executor_t *executor, moirai_spawner_t *spawner)
{
    if (!executor || !spawner)
        return MOIRAI_EINVAL;
    *spawner = (moirai_spawner_t){
        .self = executor, .spawn = spawn, .spawn_many = spawn_many, .spawn_blocking = spawn_blocking};
    return MOIRAI_OK;
}

MO_API int moirai_executor_manager(moirai_executor_t *executor, moirai_manager_t *manager)
{
    if (!executor || !manager)
        return MOIRAI_EINVAL;
    *manager = (moirai_manager_t){.self = executor, .cancel = cancel, .state = state, .error = error};
    return MOIRAI_OK;
}

MO_API int moirai_executor_control(moirai_executor_t *executor, moirai_control_t *control)
{
    if (!executor || !control)
        return MOIRAI_EINVAL;
    *control = (moirai_control_t){.self = executor,
                                  .shutdown = shut_down,
                                  .is_shutting_down = is_shutting_down,
                                  .worker_count = worker_count,
                                  .load = load,
                                  .stats = stats};
    return MOIRAI_OK;
}
