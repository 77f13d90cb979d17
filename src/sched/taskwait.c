/* Waiting for tasks: taskwait, taskgroup, taskyield. A thread that waits inside a task runs descendants of it meanwhile
   (the task scheduling constraint, see task.c) and then sleeps until its own event rings: a child or the group ended.
   Nobody tells it of new tasks, as few of them could run here; it looks again now and then. */
#include "park/fiber.h"
#include "sched/internal.h"

#define HELP_RELOOK_NS 100000

/* The header that children of the current task point to; NULL when it has had none. */
static inline struct mo_task *current_with_children(struct mo_member *m)
{
    struct mo_task *cur = m->current;
    return cur->flags & MO_TASK_ON_STACK ? ((struct mo_stack_task *)cur)->heap : cur;
}

static inline bool children_ended(struct mo_task *task)
{
    /* seq_cst: pairs with the RMW in child_ended(), across the waiter's mo_event_prepare(). */
    return task->pending == (uint32_t)mo_load_seqcst(&task->remote_done);
}

struct task_wait {
    struct mo_member *m;
    struct mo_task *task;        /* wait for its children, */
    struct mo_kin kin;           /* what may run meanwhile; with a group: wait for that */
    struct mo_task *node;        /* or for its predecessors */
    struct mo_task_event *event; /* or for this */
};

static bool group_ended(struct mo_taskgroup *g)
{
    return g->local + mo_load_seqcst(&g->remote) == 0;
}

static bool wait_is_over(void *arg)
{
    struct task_wait *w = arg;
    return w->kin.group ? group_ended(w->kin.group) : children_ended(w->task);
}

/* Without prioritised tasks, which go first, waiting begins with the thread's own deque. */
static inline bool own_comes_first(const struct mo_member *m)
{
    return !mo_load_relaxed(&m->team->queued);
}

/* A task that may run while the current one waits. */
static struct mo_task *take_descendant(struct mo_member *m, const struct mo_kin *kin)
{
    struct mo_task *task = mo_priority_take(m, kin);
    if (!task)
        task = mo_deque_pop_owner(&m->deque, m->mark, m->shared);
    if (!task)
        task = m->shared ? mo_steal(m, kin) : mo_held_back_take(m, kin);
    return task;
}

/* Who waits inside a task is no searcher to creators of tasks: it could not run just any. */
static bool help(void *arg)
{
    struct task_wait *w = arg;
    struct mo_member *m = w->m;
    if (!w->kin.ancestor) /* no children, no descendants: only an event is waited for like this */
        return false;
    struct mo_task *task = take_descendant(m, &w->kin);
    if (!task)
        return false;
    mo_idle_awake(m);
    mo_task_execute(m, task);
    return true;
}

static void help_asleep(void *arg)
{
    mo_idle_asleep_uncounted(((struct task_wait *)arg)->m);
}

static void help_awake(void *arg)
{
    mo_idle_awake(((struct task_wait *)arg)->m);
}

static void wait_slow(struct task_wait *w, bool (*ready)(void *))
{
    const struct mo_wait wait = {.ready = ready,
                                 .work = help,
                                 .asleep = help_asleep,
                                 .awake = help_awake,
                                 .arg = w,
                                 .event = &w->m->worker->event,
                                 .bits = MO_WAKE_ANY,
                                 .relook_ns = HELP_RELOOK_NS};
    mo_wait(&wait);
}

static inline void wait_for_children(struct mo_member *m)
{
    struct mo_task *cur = current_with_children(m);
    if (!cur)
        return;
    while (cur->pending != 0 && own_comes_first(m)) {
        struct mo_task *task = mo_deque_pop_owner(&m->deque, m->mark, m->shared);
        if (!task)
            break;
        mo_task_execute(m, task);
    }
    if (mo_likely(cur->pending == 0))
        return;
    if (!children_ended(cur)) {
        struct task_wait w = {.m = m, .task = cur, .kin = {.ancestor = cur}};
        wait_slow(&w, wait_is_over);
    }
    cur->pending = 0;
    mo_store_relaxed(&cur->remote_done, 0); /* no child is left that could touch it */
    mo_depends_all_ended(m);
}

static __attribute__((noinline)) void wait_observed(struct mo_member *m)
{
    mo_obs_barrier_begin(&m->worker->obs, MO_OBS_TASKWAIT);
    wait_for_children(m);
    mo_obs_barrier_end(&m->worker->obs, MO_OBS_TASKWAIT);
}

void mo_task_wait(struct mo_member *m)
{
    if (mo_unlikely(mo_traced(m)))
        wait_observed(m);
    else
        wait_for_children(m);
}

/* The waiter is a node of the graph, on the stack. */
struct waiter {
    struct mo_task task;
    struct mo_task_node node;
    struct mo_task_ext ext;
};

static bool released(void *arg)
{
    struct task_wait *w = arg;
    return mo_load_seqcst(&mo_task_node(w->node)->waits) == 0;
}

static void wait_for_predecessors(struct mo_member *m, const struct mo_deps *deps)
{
    struct waiter waiter;
    uint32_t edges;
    waiter.task.flags = MO_TASK_EXTENDED | MO_TASK_NODE;
    waiter.task.home = m->worker->index;
    mo_node_init(&waiter.task, MO_NODE_WAITER, 1);
    if (!mo_depends_link(m, &waiter.task, deps, &edges)) {
        mo_task_wait(m);
        return;
    }
    if (!edges || mo_graph_add(m, &waiter.node.waits, edges - MO_NODE_GUARD) == MO_NODE_GUARD - edges)
        return;
    struct task_wait w = {.m = m, .node = &waiter.task, .kin = {.ancestor = current_with_children(m)}};
    wait_slow(&w, released);
}

void mo_task_wait_for(struct mo_member *m, const struct mo_deps *deps)
{
    struct mo_obs_task taskwait;
    bool told = mo_unlikely(mo_traced(m)) && deps->count;
    if (told)
        mo_observe_taskwait(m, &taskwait, deps);
    wait_for_predecessors(m, deps);
    if (told)
        mo_observe_taskwait_over(m, &taskwait);
}

static bool is_fulfilled(void *arg)
{
    struct task_wait *w = arg;
    return mo_load_seqcst(&w->event->state) & MO_EVENT_FULFILLED;
}

void mo_task_wait_event(struct mo_member *m, struct mo_task_event *event)
{
    struct task_wait w = {.m = m, .event = event, .kin = {.ancestor = current_with_children(m)}};
    if (!is_fulfilled(&w))
        wait_slow(&w, is_fulfilled);
}

bool mo_task_yield(struct mo_member *m)
{
    struct mo_task *cur = current_with_children(m);
    const struct mo_kin kin = {.ancestor = cur};
    struct mo_task *task = cur ? take_descendant(m, &kin) : NULL;
    if (mo_unlikely(mo_traced(m)))
        m->worker->obs.yielding = task;
    if (task)
        mo_task_execute(m, task);
    else
        mo_fiber_yield(); /* a program may wait like this for another thread */
    return task != NULL;
}

void mo_taskgroup_open(struct mo_member *m, struct mo_taskgroup *group)
{
    group->outer = m->group;
    group->owner = m->worker;
    group->local = 0;
    group->implicit = false;
    mo_store_relaxed(&group->cancelled, false);
    group->reductions = NULL;
    group->reducing = group->outer ? group->outer->reducing : NULL;
    mo_store_relaxed(&group->remote, 0);
    m->group = group;
}

struct mo_taskgroup *mo_taskgroup_close(struct mo_member *m)
{
    struct mo_taskgroup *g = m->group;
    while (!group_ended(g) && own_comes_first(m)) {
        struct mo_task *task = mo_deque_pop_owner(&m->deque, m->mark, m->shared);
        if (!task)
            break;
        mo_task_execute(m, task);
    }
    if (!group_ended(g)) {
        struct task_wait w = {.m = m, .kin = {.ancestor = current_with_children(m), .group = g}};
        wait_slow(&w, wait_is_over);
    }
    m->group = g->outer;
    return g;
}
