/* GOMP_taskloop: the block of data begins with the bounds of the task's iterations. */
#include "interpose/gomp/gomp.h"

static void taskloop(struct mo_member *m, struct mo_taskloop *l, unsigned flags, unsigned long number)
{
    l->nogroup = flags & TASK_NOGROUP;
    l->task.deferrable = flags & TASK_IF;
    l->task.final = flags & TASK_FINAL;
    l->task.untied = flags & TASK_UNTIED;
    l->task.mergeable = flags & TASK_MERGEABLE;
    l->strict = flags & TASK_STRICT;
    if (flags & TASK_GRAINSIZE)
        l->grainsize = number ? number : 1;
    else
        l->num_tasks = number;
    if (!l->nogroup)
        mo_omp_taskgroup_begin(m);
    if (flags & TASK_REDUCTION)
        GOMP_taskgroup_reduction_register(((uintptr_t **)l->task.data)[2]);
    mo_omp_taskloop(m, l);
    if (!l->nogroup)
        mo_omp_taskgroup_end(m);
}

static struct mo_taskloop form(void (*fn)(void *), void *data, void (*cpyfn)(void *, void *), long arg_size,
                               long arg_align, int priority)
{
    return (struct mo_taskloop){.task = {.fn = fn,
                                         .copy = cpyfn,
                                         .data = data,
                                         .bytes = (size_t)arg_size,
                                         .align = (size_t)arg_align,
                                         .priority = priority}};
}

MO_EXPORT void GOMP_taskloop(void (*fn)(void *), void *data, void (*cpyfn)(void *, void *), long arg_size,
                             long arg_align, unsigned flags, unsigned long num_tasks, int priority, long start,
                             long end, long step)
{
    struct mo_taskloop l = form(fn, data, cpyfn, arg_size, arg_align, flags & TASK_PRIORITY ? priority : 0);
    l.begin = (uint64_t)start;
    l.step = (uint64_t)step;
    l.trips = mo_loop_trips(start, end, step);
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    taskloop(m, &l, flags, num_tasks);
}

MO_EXPORT void GOMP_taskloop_ull(void (*fn)(void *), void *data, void (*cpyfn)(void *, void *), long arg_size,
                                 long arg_align, unsigned flags, unsigned long num_tasks, int priority, ull start,
                                 ull end, ull step)
{
    struct mo_taskloop l = form(fn, data, cpyfn, arg_size, arg_align, flags & TASK_PRIORITY ? priority : 0);
    l.begin = start;
    l.step = step;
    l.trips = mo_loop_trips_unsigned(flags & TASK_UP, start, end, step);
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    taskloop(m, &l, flags, num_tasks);
}
