#include "omp/core.h"

#include <alloca.h>
#include <string.h>

#define STACK_COPY_MAX (64 * 1024)

void mo_task_place(const struct mo_task_spec *t, void *payload, const struct mo_part *part)
{
    uint64_t *words = payload;
    if (t->place) {
        t->place(payload, part, t->place_arg);
        return;
    }
    words[0] = part->from;
    words[1] = part->to;
}

static void fill(const struct mo_task_spec *t, void *payload)
{
    if (mo_unlikely(t->copy != NULL))
        t->copy(payload, t->data);
    else if (t->bytes) /* without any, data may be NULL */
        memcpy(payload, t->data, t->bytes);
    if (mo_unlikely(t->part != NULL))
        mo_task_place(t, payload, t->part);
}

/* Run it now, as a child. A payload with a copy function must be copied first, as it may hold objects; so must one that
   others are made of. */
static void run_undeferred(struct mo_member *m, const struct mo_task_spec *t)
{
    unsigned flags = t->final ? MO_TASK_FINAL : 0;
    if (t->reserved) {
        t->reserved->fn = t->fn;
        mo_task_run_reserved(m, t->reserved, t->data, flags);
        return;
    }
    if (!t->copy && !t->part) {
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

static inline int priority_of(const struct mo_task_spec *t)
{
    if (mo_unlikely(t->last))
        return MO_PRIORITY_LAST;
    return t->priority ? mo_omp_priority(t->priority) : 0;
}

/* Its event is waited for where it runs: nobody could end it later. */
static void run_now(struct mo_member *m, const struct mo_task_spec *t)
{
    if (t->deps.count)
        mo_task_wait_for(m, &t->deps);
    if (t->detach) {
        struct mo_task_event event;
        mo_task_event_init(m, &event);
        t->detach(t->detach_arg, &event);
        run_undeferred(m, t);
        mo_task_wait_event(m, &event);
        return;
    }
    run_undeferred(m, t);
    if (t->event) {
        mo_task_wait_event(m, t->event);
        mo_task_event_free(m, t->event);
    }
}

static bool must_run_now(struct mo_member *m, const struct mo_task_spec *t)
{
    if (!t->deferrable || m->current->flags & MO_TASK_FINAL)
        return true;
    if (t->detach || t->event) /* its creator may be the one to fulfil the event */
        return false;
    return mo_omp_outside(m) || mo_task_may_run_now(m) || (t->deps.count && mo_task_too_many(m));
}

static unsigned flags_of(const struct mo_task_spec *t)
{
    return (t->final ? MO_TASK_FINAL : 0) | (t->copy || t->always ? MO_TASK_COPIED : 0);
}

static struct mo_task *settle(struct mo_member *m, const struct mo_task_spec *t)
{
    if (!mo_task_settle(m, t->reserved, flags_of(t), priority_of(t)))
        return NULL;
    if (t->event)
        mo_task_attach(t->reserved, t->event);
    return t->reserved;
}

/* A block with everything in it. */
static struct mo_task *prepare(struct mo_member *m, const struct mo_task_spec *t)
{
    if (t->reserved)
        return settle(m, t);
    const struct mo_task_form form = {.bytes = t->bytes,
                                      .align = t->align,
                                      .priority = priority_of(t),
                                      .depends = t->deps.count,
                                      .mutexes = t->deps.mutexes,
                                      .detached = t->detach};
    void *payload;
    struct mo_task *task = mo_task_new(m, &form, &payload);
    if (mo_unlikely(!task))
        return NULL;
    if (t->detach)
        t->detach(t->detach_arg, mo_task_event(task));
    task->flags |= (uint8_t)flags_of(t);
    fill(t, payload);
    return task;
}

/* It does not begin. Whatever it has been given is destroyed; an event stays, as somebody may still fulfil it. */
static void drop(struct mo_member *m, const struct mo_task_spec *t)
{
    if (t->always && !t->part)
        run_undeferred(m, t);
    else if (t->reserved)
        mo_task_release(m, t->reserved);
}

void mo_omp_task(struct mo_member *m, const struct mo_task_spec *t)
{
    if (mo_unlikely(mo_task_cancelled(m))) {
        drop(m, t);
        return;
    }
    if (mo_unlikely(mo_traced(m)))
        m->worker->obs.clauses = (t->untied ? MO_OBS_TASK_UNTIED : 0) | (t->mergeable ? MO_OBS_TASK_MERGEABLE : 0);
    struct mo_task *task = must_run_now(m, t) ? NULL : prepare(m, t);
    if (mo_unlikely(!task)) {
        run_now(m, t);
        return;
    }
    task->fn = t->fn;
    if (t->deps.count)
        mo_task_submit_after(m, task, &t->deps);
    else
        mo_task_submit(m, task);
    if (mo_unlikely((t->detach || t->event) &&
                    mo_omp_outside(m))) /* nobody else would, if the program does not wait for it */
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
    if (mo_unlikely(mo_traced(m)))
        mo_obs_sync_begin(&m->worker->obs, MO_OBS_TASKGROUP);
}

void mo_omp_taskgroup_end(struct mo_member *m)
{
    struct mo_omp_member *om = mo_omp_member(m);
    if (mo_unlikely(mo_traced(m)))
        mo_obs_wait_begin(&m->worker->obs, MO_OBS_TASKGROUP);
    struct mo_taskgroup *g = mo_taskgroup_close(m);
    if (mo_unlikely(mo_traced(m)))
        mo_obs_barrier_end(&m->worker->obs, MO_OBS_TASKGROUP);
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
