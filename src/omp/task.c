#include "omp/core.h"

#include <alloca.h>
#include <string.h>

#define STACK_COPY_MAX (64 * 1024)

static void fill(const struct mo_task_spec *t, void *payload)
{
    if (mo_unlikely(t->copy != NULL))
        t->copy(payload, t->data);
    else if (t->bytes) /* without any, data may be NULL */
        memcpy(payload, t->data, t->bytes);
    if (mo_unlikely(t->bounds != NULL))
        memcpy(payload, t->bounds, sizeof(uint64_t[2]));
}

/* Run it now, as a child. A payload with a copy function must be copied first, as it may hold objects; so must one that
   others are made of. */
static void run_undeferred(struct mo_member *m, const struct mo_task_spec *t)
{
    unsigned flags = t->final ? MO_TASK_FINAL : 0;
    if (!t->copy && !t->bounds) {
        mo_task_run_undeferred(m, t->fn, t->data, flags);
        return;
    }
    size_t align = t->align ? t->align : 1;
    char *raw = t->bytes + align <= STACK_COPY_MAX ? alloca(t->bytes + align) : mo_extent_alloc(t->bytes + align);
    if (!raw)
        mo_fatal("out of memory for the data of a task (%zu bytes)", t->bytes);
    char *copy = (char *)(((uintptr_t)raw + align - 1) & ~(uintptr_t)(align - 1));
    fill(t, copy);
    mo_task_run_undeferred(m, t->fn, copy, flags);
    if (t->bytes + align > STACK_COPY_MAX)
        mo_extent_free(raw, t->bytes + align);
}

int mo_omp_priority(int clause)
{
    int max = (int)mo_knob(MO_KNOB_OMP_MAX_TASK_PRIORITY);
    return clause <= 0 ? 0 : clause < max ? clause : max;
}

/* Its event is waited for where it runs: nobody could end it later. */
static void run_now(struct mo_member *m, const struct mo_task_spec *t)
{
    if (t->deps.count)
        mo_task_wait_for(m, &t->deps);
    if (!t->detach) {
        run_undeferred(m, t);
        return;
    }
    struct mo_task_event event;
    mo_task_event_init(m, &event);
    t->detach(t->detach_arg, &event);
    run_undeferred(m, t);
    mo_task_wait_event(m, &event);
}

static bool must_run_now(struct mo_member *m, const struct mo_task_spec *t)
{
    if (!t->deferrable || m->current->flags & MO_TASK_FINAL)
        return true;
    if (t->detach) /* its creator may be the one to fulfil the event */
        return false;
    return mo_omp_outside(m) || mo_task_may_run_now(m) || (t->deps.count && mo_task_too_many(m));
}

/* A block with everything in it but the payload. */
static struct mo_task *prepare(struct mo_member *m, const struct mo_task_spec *t, void **payload)
{
    const struct mo_task_form form = {.bytes = t->bytes,
                                      .align = t->align,
                                      .priority = t->priority ? mo_omp_priority(t->priority) : 0,
                                      .depends = t->deps.count,
                                      .mutexes = t->deps.mutexes,
                                      .detached = t->detach};
    struct mo_task *task = mo_task_new(m, &form, payload);
    if (task && t->detach)
        t->detach(t->detach_arg, mo_task_event(task));
    return task;
}

void mo_omp_task(struct mo_member *m, const struct mo_task_spec *t)
{
    if (mo_unlikely(mo_task_cancelled(m)))
        return;
    void *payload;
    struct mo_task *task = must_run_now(m, t) ? NULL : prepare(m, t, &payload);
    if (mo_unlikely(!task)) {
        run_now(m, t);
        return;
    }
    task->fn = t->fn;
    if (t->final)
        task->flags |= MO_TASK_FINAL;
    if (t->copy)
        task->flags |= MO_TASK_COPIED;
    fill(t, payload);
    if (t->deps.count)
        mo_task_submit_after(m, task, &t->deps);
    else
        mo_task_submit(m, task);
    if (mo_unlikely(t->detach && mo_omp_outside(m))) /* nobody else would, if the program does not wait for it */
        mo_task_yield(m);
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

bool mo_omp_in_explicit_task(const struct mo_member *m)
{
    return m->current != &m->implicit;
}
