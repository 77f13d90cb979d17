/* Executors (moirai/executor.h). */
#include "native/executor.h"

#include "base/config.h"

#include <errno.h>
#include <string.h>

_Static_assert(sizeof(struct mo_executor_attr) <= sizeof(moirai_executor_attr_t), "room for it");
_Static_assert(MOIRAI_NAME_BYTES_MAX == MO_EXECUTOR_NAME - 1, "the core's value");
_Static_assert((int)MOIRAI_STEAL_ONE == (int)MO_STEAL_ONE && (int)MOIRAI_STEAL_HALF == (int)MO_STEAL_HALF &&
                   (int)MOIRAI_STEAL_QUARTER == (int)MO_STEAL_QUARTER &&
                   (int)MOIRAI_STEAL_ADAPTIVE == (int)MO_STEAL_ADAPTIVE,
               "the core's values");

_Static_assert((int)MOIRAI_NUMA_AUTO == (int)MO_NUMA_SOME && (int)MOIRAI_NUMA_OFF == (int)MO_NUMA_OFF &&
                   (int)MOIRAI_NUMA_ON == (int)MO_NUMA_ON,
               "the core's values");

#define ATTR_MADE        0x6d6f697261696578u
#define BLOCKING_DEFAULT 64
#define DEFAULT          UINT32_MAX

struct mo_executor_attr *mo_native_executor_attr(moirai_executor_attr_t *a)
{
    struct mo_executor_attr *attr = (struct mo_executor_attr *)a;
    return attr && attr->made == ATTR_MADE ? attr : NULL;
}

MO_API void moirai_executor_attr_init(moirai_executor_attr_t *a)
{
    struct mo_executor_attr *attr = (struct mo_executor_attr *)a;
    memset(a, 0, sizeof *a);
    *attr = (struct mo_executor_attr){.made = ATTR_MADE, .blocking_limit = BLOCKING_DEFAULT, .steal = DEFAULT};
}

MO_API int moirai_executor_attr_set_workers(moirai_executor_attr_t *a, unsigned workers)
{
    struct mo_executor_attr *attr = mo_native_executor_attr(a);
    if (!attr || workers == 0 || workers > MOIRAI_WORKERS_MAX)
        return MOIRAI_EINVAL;
    attr->workers = workers;
    return MOIRAI_OK;
}

MO_API int moirai_executor_attr_set_blocking_limit(moirai_executor_attr_t *a, unsigned threads)
{
    struct mo_executor_attr *attr = mo_native_executor_attr(a);
    if (!attr || threads == 0 || threads > MOIRAI_BLOCKING_MAX)
        return MOIRAI_EINVAL;
    attr->blocking_limit = threads;
    return MOIRAI_OK;
}

MO_API int moirai_executor_attr_set_steal(moirai_executor_attr_t *a, int strategy)
{
    struct mo_executor_attr *attr = mo_native_executor_attr(a);
    if (!attr || strategy < MOIRAI_STEAL_ONE || strategy > MOIRAI_STEAL_ADAPTIVE)
        return MOIRAI_EINVAL;
    attr->steal = (uint32_t)strategy;
    return MOIRAI_OK;
}

MO_API int moirai_executor_attr_set_numa(moirai_executor_attr_t *a, int numa)
{
    struct mo_executor_attr *attr = mo_native_executor_attr(a);
    if (!attr || numa < MOIRAI_NUMA_AUTO || numa > MOIRAI_NUMA_ON)
        return MOIRAI_EINVAL;
    attr->numa = (uint32_t)numa;
    return MOIRAI_OK;
}

MO_API int moirai_executor_attr_set_name(moirai_executor_attr_t *a, const char *name)
{
    struct mo_executor_attr *attr = mo_native_executor_attr(a);
    if (!attr || !name || strlen(name) > MOIRAI_NAME_BYTES_MAX)
        return MOIRAI_EINVAL;
    strcpy(attr->name, name);
    return MOIRAI_OK;
}

MO_API int moirai_executor_attr_set_priorities(moirai_executor_attr_t *a, int honoured)
{
    struct mo_executor_attr *attr = mo_native_executor_attr(a);
    if (!attr || (honoured != 0 && honoured != 1))
        return MOIRAI_EINVAL;
    attr->flat = !honoured;
    return MOIRAI_OK;
}

MO_API int moirai_executor_attr_set_metrics(moirai_executor_attr_t *a, int on)
{
    struct mo_executor_attr *attr = mo_native_executor_attr(a);
    if (!attr || (on != 0 && on != 1))
        return MOIRAI_EINVAL;
    attr->metrics = on;
    return MOIRAI_OK;
}

MO_API int moirai_executor_attr_set_retention(moirai_executor_attr_t *a, uint64_t time_ns, size_t count,
                                              uint64_t interval_ns)
{
    struct mo_executor_attr *attr = mo_native_executor_attr(a);
    if (!attr || (count ? !time_ns : time_ns || interval_ns))
        return MOIRAI_EINVAL;
    attr->retention = (struct mo_retention){.time_ns = time_ns, .interval_ns = interval_ns, .count = count};
    return MOIRAI_OK;
}

MO_API int moirai_executor_new(moirai_executor_t **executor, const moirai_executor_attr_t *a)
{
    moirai_executor_attr_t plain;
    struct mo_executor *x;
    if (!a)
        moirai_executor_attr_init(&plain);
    const struct mo_executor_attr *attr = mo_native_executor_attr(a ? (moirai_executor_attr_t *)a : &plain);
    if (!executor || !attr)
        return MOIRAI_EINVAL;
    if (!mo_native_worker()) /* the settings have been read from here on */
        return MOIRAI_ENOMEM;
    struct mo_executor_form form = {
        .workers = attr->workers ? attr->workers : mo_park_cpus(),
        .blocking_limit = attr->blocking_limit,
        .numa = (enum mo_numa)attr->numa,
        .steal = (enum mo_steal_strategy)(attr->steal == DEFAULT ? mo_knob(MO_KNOB_STEAL) : attr->steal)};
    memcpy(form.name, attr->name, sizeof form.name);
    form.flat = attr->flat;
    form.labels = attr->name[0] != 0;
    form.metrics = attr->metrics;
    form.plugins = attr->plugins;
    memcpy(form.plugin, attr->plugin, sizeof form.plugin);
    form.retention = attr->retention;
    form.scheduler = attr->scheduler;
    form.scheduler_self = attr->scheduler_self;
    int err = mo_executor_new(&form, &x);
    if (!err)
        *executor = (moirai_executor_t *)x;
    return mo_native_status(err);
}

MO_API int moirai_executor_default(moirai_executor_t **executor)
{
    struct mo_executor *x;
    if (!executor)
        return MOIRAI_EINVAL;
    if (!mo_native_worker())
        return MOIRAI_ENOMEM;
    int err = mo_executor_default(&x);
    if (!err)
        *executor = (moirai_executor_t *)x;
    return mo_native_status(err);
}

MO_API moirai_executor_t *moirai_executor_current(void)
{
    struct mo_member *m = mo_self_peek();
    return m ? (moirai_executor_t *)m->worker->serves : NULL;
}

MO_API int moirai_executor_shutdown(moirai_executor_t *executor, int mode, uint64_t deadline_ns)
{
    if (!executor || mode < MOIRAI_SHUTDOWN_DRAIN || mode > MOIRAI_SHUTDOWN_DEADLINE)
        return MOIRAI_EINVAL;
    if (!mo_native_worker())
        return MOIRAI_ENOMEM;
    enum mo_shutdown how = mode == MOIRAI_SHUTDOWN_CANCEL ? MO_SHUTDOWN_CANCEL : MO_SHUTDOWN_DRAIN;
    uint64_t until = mode == MOIRAI_SHUTDOWN_DEADLINE ? deadline_ns : MOIRAI_FOREVER;
    return mo_native_status(mo_executor_shutdown(mo_native_executor(executor), how, until));
}

MO_API int moirai_executor_free(moirai_executor_t *executor)
{
    return executor ? mo_native_status(mo_executor_free(mo_native_executor(executor))) : MOIRAI_EINVAL;
}

MO_API int moirai_executor_is_shutting_down(const moirai_executor_t *executor)
{
    return executor && mo_executor_is_closing((const struct mo_executor *)executor);
}

MO_API unsigned moirai_executor_worker_count(const moirai_executor_t *executor)
{
    return executor ? mo_executor_workers((const struct mo_executor *)executor) : 0;
}

MO_API const char *moirai_executor_name(const moirai_executor_t *executor)
{
    return executor ? mo_executor_name((const struct mo_executor *)executor) : "";
}

MO_API int moirai_worker_index(void)
{
    struct mo_member *m = mo_self_peek();
    return m && m->worker->seat ? (int)m->worker->seat->member->tid - 1 : -1;
}

MO_API int moirai_executor_worker_node(moirai_executor_t *executor, unsigned worker)
{
    return executor ? mo_executor_node(mo_native_executor(executor), worker) : -1;
}

MO_API int moirai_worker_node(void)
{
    struct mo_member *m = mo_self_peek();
    const struct mo_seat *seat = m ? m->worker->seat : NULL;
    return seat ? mo_executor_node(seat->executor, seat->member->tid - 1) : -1;
}

MO_API int moirai_executor_stats(moirai_executor_t *executor, moirai_executor_stats_t *stats)
{
    struct mo_executor_stats s;
    if (!executor || !stats)
        return MOIRAI_EINVAL;
    if (!mo_native_worker())
        return MOIRAI_ENOMEM;
    mo_executor_stats(mo_native_executor(executor), &s);
    *stats = (moirai_executor_stats_t){
        .created = s.created,
        .executed = s.executed,
        .in_place = s.in_place,
        .cancelled = s.dropped,
        .failed = s.failed,
        .stolen = s.stolen,
        .from_outside = s.from_outside,
        .blocking = s.blocking,
        .waiting = s.waiting,
        .memory_bytes = s.memory_bytes,
        .deque_bytes = s.deque_bytes,
        .workers = mo_executor_workers(mo_native_executor(executor)),
        .blocking_threads = s.blocking_threads,
        .busy_ns = s.busy_ns,
        .longest_ns = s.longest_ns,
        .waited_ns = s.waited_ns,
    };
    return MOIRAI_OK;
}

MO_API double moirai_executor_load(moirai_executor_t *executor)
{
    moirai_executor_stats_t s;
    return moirai_executor_stats(executor, &s) == MOIRAI_OK && s.workers ? (double)s.waiting / s.workers : 0;
}
