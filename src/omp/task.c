#include "omp/core.h"

#include <alloca.h>
#include <string.h>

#define STACK_COPY_MAX (64 * 1024)

/* Run it now, as a child. A payload with a copy function must be copied first: it may hold objects. */
static void run_undeferred(struct mo_member *m, const struct mo_task_spec *t)
{
    unsigned flags = t->final ? MO_TASK_FINAL : 0;
    if (!t->copy) {
        mo_task_run_undeferred(m, t->fn, t->data, flags);
        return;
    }
    size_t align = t->align ? t->align : 1;
    char *raw = t->bytes + align <= STACK_COPY_MAX ? alloca(t->bytes + align) : mo_extent_alloc(t->bytes + align);
    if (!raw)
        mo_fatal("out of memory for the data of a task (%zu bytes)", t->bytes);
    char *copy = (char *)(((uintptr_t)raw + align - 1) & ~(uintptr_t)(align - 1));
    t->copy(copy, t->data);
    mo_task_run_undeferred(m, t->fn, copy, flags);
    if (t->bytes + align > STACK_COPY_MAX)
        mo_extent_free(raw, t->bytes + align);
}

static int clamp_priority(int priority)
{
    int max = (int)mo_knob(MO_KNOB_OMP_MAX_TASK_PRIORITY);
    return priority < max ? priority : max;
}

void mo_omp_task(struct mo_member *m, const struct mo_task_spec *t)
{
    if (mo_unlikely(t->deps.count))
        mo_task_wait(m);
    bool stays = !t->deferrable || t->deps.count || m->current->flags & MO_TASK_FINAL || mo_omp_outside(m) ||
                 mo_task_may_run_now(m);
    void *payload;
    struct mo_task *task =
        stays ? NULL : mo_task_new(m, t->bytes, t->align, t->priority > 0 ? clamp_priority(t->priority) : 0, &payload);
    if (mo_unlikely(!task)) {
        run_undeferred(m, t);
        return;
    }
    task->fn = t->fn;
    if (t->final)
        task->flags |= MO_TASK_FINAL;
    if (mo_unlikely(t->copy != NULL))
        t->copy(payload, t->data);
    else if (t->bytes) /* without any, data may be NULL */
        memcpy(payload, t->data, t->bytes);
    mo_task_submit(m, task);
}

void mo_omp_wait_deps(struct mo_member *m, const struct mo_deps *deps)
{
    if (deps->count)
        mo_task_wait(m);
}

void mo_omp_taskgroup_begin(struct mo_member *m)
{
    struct mo_omp_member *om = mo_omp_member(m);
    struct mo_taskgroup *g = om->groups;
    if (g)
        om->groups = g->outer;
    else if (!(g = mo_extent_alloc(sizeof *g)))
        mo_fatal("out of memory for a taskgroup");
    mo_taskgroup_open(m, g);
}

void mo_omp_taskgroup_end(struct mo_member *m)
{
    struct mo_omp_member *om = mo_omp_member(m);
    struct mo_taskgroup *g = mo_taskgroup_close(m);
    g->outer = om->groups;
    om->groups = g;
}

bool mo_omp_in_final(const struct mo_member *m)
{
    return m->current->flags & MO_TASK_FINAL;
}
