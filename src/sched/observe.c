/* What tools are told of tasks and threads (obs). Nothing here runs without a tool.

   The event of a detached task. A fulfilment is early or late, and the end of the body a completion or a detachment,
   and the tool must hear the two in keeping with each other, each before others may free the task. So both sides first
   raise a bit of announcement by an RMW on the event's state, which says who comes first; then they tell the tool; then
   they raise the bit that counts, as they do without a tool. */
#include "sched/internal.h"

#ifdef MO_OMPT

#define FEW_DEPS 32

static enum mo_obs_dep_type type_of(const struct mo_dep *dep)
{
    switch (dep->kind) {
    case MO_DEP_IN:
        return MO_OBS_DEP_IN;
    case MO_DEP_MUTEXINOUTSET:
        return MO_OBS_DEP_MUTEX;
    case MO_DEP_INOUTSET:
        return MO_OBS_DEP_INOUTSET;
    default:
        return MO_OBS_DEP_INOUT;
    }
}

static void tell_dependences(struct mo_obs_task *task, const struct mo_deps *deps)
{
    struct mo_obs_dep few[FEW_DEPS] = {0}, *list = few;
    size_t bytes = deps->count * sizeof *list;
    if (bytes > sizeof few && !(list = mo_extent_alloc(bytes)))
        mo_fatal("out of memory for the dependences of a task");
    for (unsigned i = 0; i < deps->count; i++) {
        struct mo_dep dep = mo_deps_at(deps, i);
        list[i] = (struct mo_obs_dep){{.ptr = dep.addr}, (int)type_of(&dep)};
    }
    mo_obs_dependences(task, list, deps->count);
    if (list != few)
        mo_extent_free(list, bytes);
}

void mo_observe_created(struct mo_member *m, struct mo_task *task, const struct mo_deps *deps)
{
    struct mo_obs_task *record = mo_task_obs(task);
    int flags = MO_OBS_TASK_EXPLICIT | (task->flags & MO_TASK_FINAL ? MO_OBS_TASK_FINAL : 0);
    mo_obs_task_created(&m->worker->obs, record, flags, deps != NULL);
    if (deps)
        tell_dependences(record, deps);
}

void mo_observe_undeferred(struct mo_member *m, struct mo_obs_task *record, unsigned flags)
{
    struct mo_obs_thread *t = &m->worker->obs;
    int final = (flags | m->current->flags) & MO_TASK_FINAL ? MO_OBS_TASK_FINAL : 0;
    mo_obs_task_created(t, record, MO_OBS_TASK_EXPLICIT | MO_OBS_TASK_UNDEFERRED | final, false);
    mo_obs_task_begin(t, record, m->tid, __builtin_dwarf_cfa());
}

void mo_observe_taskwait(struct mo_member *m, struct mo_obs_task *taskwait, const struct mo_deps *deps)
{
    struct mo_obs_thread *t = &m->worker->obs;
    int of_the_next = t->clauses; /* of the task that is going to run when this is over */
    t->clauses = 0;
    mo_obs_task_init(t, taskwait, NULL, NULL, 0);
    mo_obs_task_created(t, taskwait, MO_OBS_TASK_EXPLICIT | MO_OBS_TASK_UNDEFERRED | MO_OBS_TASK_MERGEABLE, true);
    t->clauses = of_the_next;
    tell_dependences(taskwait, deps);
}

void mo_observe_taskwait_over(struct mo_member *m, struct mo_obs_task *taskwait)
{
    struct mo_obs_thread *t = &m->worker->obs;
    mo_obs_task_begin(t, taskwait, m->tid, __builtin_dwarf_cfa());
    mo_obs_task_end(t, MO_OBS_COMPLETE);
}

void mo_observe_edge(const struct mo_task *first, const struct mo_task *then)
{
    if (mo_task_node(first)->kind == MO_NODE_TASK && mo_task_node(then)->kind == MO_NODE_TASK)
        mo_obs_dependence_found(mo_task_obs(first), mo_task_obs(then));
}

void mo_observe_ended(struct mo_member *m, struct mo_task_event *event, bool dropped)
{
    struct mo_obs_thread *t = &m->worker->obs;
    enum mo_obs_status status = dropped || mo_task_cancelled(m) ? MO_OBS_CANCEL : MO_OBS_COMPLETE;
    if (event && !(mo_fetch_or_acq_rel(&event->state, (uint32_t)MO_EVENT_BODY_ENDING) & MO_EVENT_FULFILLING))
        status = MO_OBS_DETACH;
    if (dropped)
        mo_obs_task_discarded(t, t->task);
    mo_obs_task_end(t, status);
}

void mo_observe_fulfill(struct mo_task_event *event)
{
    /* An event may be fulfilled before its task is one, even while it becomes one. */
    struct mo_task *task = __atomic_load_n(&event->task, __ATOMIC_ACQUIRE);
    uint32_t before = mo_fetch_or_acq_rel(&event->state, (uint32_t)MO_EVENT_FULFILLING);
    if (before & MO_EVENT_FULFILLING || !task) /* twice, which ends the process */
        return;
    mo_obs_task_fulfilled(mo_task_obs(task), before & MO_EVENT_BODY_ENDING);
}

void mo_observe_root(struct mo_member *root)
{
    root->team->traced = root->traced = true;
    root->implicit.flags = MO_TASK_TRACED;
    root->team->obs = (struct mo_obs_parallel){.size = 1};
    mo_obs_initial_begin(&root->worker->obs, &root->team->obs, &root->obs, 1, 1);
}

void mo_observe_root_left(struct mo_member *root)
{
    mo_obs_initial_end(&root->worker->obs, 1, 1);
}

void mo_observe_adopted(struct mo_member *root)
{
    mo_obs_thread_begin(&root->worker->obs, false);
    mo_observe_root(root);
}

void mo_observe_left(struct mo_worker *w)
{
    if (w->obs.begun)
        mo_obs_initial_end(&w->obs, 1, 1);
    mo_obs_thread_end(&w->obs);
}

#endif
