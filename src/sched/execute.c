/* Tasks: running and ending them. sched.h says how children are counted, depend.c how tasks wait for each other.

   A detached task ends when both its body has ended and its event is fulfilled; each of the two sets a bit by an RMW,
   and who finds the other bit ends the task. Its children are settled by the thread that ran the body, which alone may
   touch `pending`; the node keeps the block for the event. */
#include "sched/internal.h"

/* Drop what held it as a task and as a parent. */
static inline void free_task(struct mo_member *m, struct mo_task *task)
{
    if (mo_unlikely(task->flags & MO_TASK_NODE))
        mo_node_unref(m, task);
    else if (mo_likely(task->home == m->worker->index))
        mo_slab_free_owner(&m->worker->slab, task, task->cls);
    else
        mo_worker_free(m->worker, task->home, task, task->cls);
}

/* ---- Ending. */
static void group_sub(struct mo_member *m, struct mo_taskgroup *g)
{
    struct mo_worker *owner = g->owner;
    if (owner == m->worker) {
        g->local--;
        return;
    }
    mo_fetch_sub_seqcst(&g->remote, 1); /* from here on the group may be gone */
    mo_event_notify(&owner->event);
}

/* Out of line: children are left, or have ended elsewhere. */
static __attribute__((noinline)) void leave_children(struct mo_member *m, struct mo_task *task)
{
    int32_t pending = (int32_t)task->pending;
    mo_store_relaxed(&task->parent, NULL); /* the parent's own parent may go before the children do: forget it */
    task->flags |= MO_TASK_ORPHANED;
    if (mo_fetch_add_acq_rel(&task->remote_done, -pending) == pending)
        free_task(m, task);
}

static inline void end_as_parent(struct mo_member *m, struct mo_task *task)
{
    if (mo_likely(task->pending == 0))
        free_task(m, task);
    else
        leave_children(m, task);
}

/* A child ended that is not simply the living parent's, on its own worker. */
static __attribute__((noinline)) void child_ended_slow(struct mo_member *m, struct mo_task *parent, uint16_t home)
{
    if (home == m->worker->index) {
        if (mo_fetch_add_acq_rel(&parent->remote_done, 1) == -1)
            free_task(m, parent);
        return;
    }
    struct mo_worker *w = mo_worker_at(home);
    if (mo_fetch_add_seqcst(&parent->remote_done, 1) == -1) /* else the parent may be gone from here on */
        free_task(m, parent);
    else
        mo_event_notify(&w->event);
}

static inline void child_ended(struct mo_member *m, struct mo_task *parent, uint16_t home)
{
    if (mo_likely(home == m->worker->index && !(parent->flags & MO_TASK_ORPHANED)))
        parent->pending--;
    else
        child_ended_slow(m, parent, home);
}

/* What a member is in the middle of, while it runs a task inside. */
struct context {
    struct mo_task *current;
    struct mo_taskgroup *group;
    int64_t mark;
    uint32_t task_id;
};

static inline struct context enter(struct mo_member *m, struct mo_task *task, struct mo_taskgroup *group)
{
    struct context outer = {m->current, m->group, m->mark, m->task_id};
    m->current = task;
    m->group = group;
    m->mark = mo_load_relaxed(&m->deque.bottom);
    m->task_id = 0;
    return outer;
}

static inline void leave(struct mo_member *m, const struct mo_task *task, const struct context *outer)
{
    mo_depends_leave(m, task);
    m->current = outer->current;
    m->group = outer->group;
    m->mark = outer->mark;
    m->task_id = outer->task_id;
}

/* The body is over, and the event if there is one: let those know who wait for it. The block may be gone already. */
static inline void tell_others(struct mo_member *m, struct mo_taskgroup *group, struct mo_task *parent, uint16_t home)
{
    if (mo_unlikely(group != NULL))
        group_sub(m, group);
    child_ended(m, parent, home);
}

static void run_body(struct mo_member *m, struct mo_task *task, struct mo_taskgroup *group, void *data)
{
    struct context outer = enter(m, task, group);
    bool dropped = mo_task_cancelled(m) && !(task->flags & MO_TASK_COPIED);
    if (mo_unlikely(mo_traced(m)))
        mo_obs_task_begin(&m->worker->obs, mo_task_obs(task), m->tid, __builtin_dwarf_cfa());
    if (!dropped)
        task->fn(data);
    if (mo_unlikely(mo_traced(m)))
        mo_observe_ended(m, mo_task_event(task), dropped);
    leave(m, task, &outer);
}

/* A task with an extension, or one in a team that may be cancelled or is watched. */
static __attribute__((noinline)) void execute_slow(struct mo_member *m, struct mo_task *task)
{
    bool extended = task->flags & MO_TASK_EXTENDED;
    struct mo_task_ext *ext = mo_task_ext(task);
    struct mo_taskgroup *group = extended ? mo_load_relaxed(&ext->group) : NULL;
    struct mo_task *parent = mo_load_relaxed(&task->parent);
    struct mo_task_event *event = mo_task_event(task);
    uint16_t home = task->home;
    run_body(m, task, group, (char *)task + (extended ? ext->offset : sizeof *task));
    if (event) {
        end_as_parent(m, task); /* here, where its children are counted; the event holds the block */
        if (mo_fetch_or_acq_rel(&event->state, (uint32_t)MO_EVENT_BODY_ENDED) & MO_EVENT_FULFILLED)
            mo_task_end_detached(m, event, NULL);
        return;
    }
    if (task->flags & MO_TASK_NODE)
        mo_node_end(m, task, NULL);
    end_as_parent(m, task);
    tell_others(m, group, parent, home);
    mo_owner_add_release(&m->done, 1); /* last: pairs with all_tasks_ended() in barrier.c */
}

void mo_task_execute(struct mo_member *m, struct mo_task *task)
{
    if (mo_unlikely(task->flags & MO_TASK_EXTENDED || m->cancellable)) {
        execute_slow(m, task);
        return;
    }
    struct context outer = enter(m, task, NULL);
    task->fn(task + 1);
    leave(m, task, &outer);
    struct mo_task *parent = mo_load_relaxed(&task->parent);
    uint16_t home = task->home;
    end_as_parent(m, task);
    child_ended(m, parent, home);
    mo_owner_add_release(&m->done, 1); /* last: pairs with all_tasks_ended() in barrier.c */
}

/* ---- Tasks that run before their creation is over. */
struct undeferred {
    struct mo_stack_task st; /* the current task meanwhile */
    struct context outer;
};

static inline void begin_undeferred(struct mo_member *m, struct undeferred *u, unsigned flags)
{
    u->st.task.env = m->current->env;
    u->st.task.flags = (uint8_t)(flags | (m->current->flags & MO_TASK_FINAL) | MO_TASK_ON_STACK);
    mo_store_relaxed(&u->st.task.parent, m->current);
    u->st.heap = NULL;
    u->outer = enter(m, &u->st.task, m->group);
    mo_count_word(&m->at_once, MO_AT_ONCE_BEGUN);
}

static inline void end_undeferred(struct mo_member *m, struct undeferred *u)
{
    mo_count_word(&m->at_once, MO_AT_ONCE_ENDED);
    leave(m, &u->st.task, &u->outer);
    if (u->st.heap)
        end_as_parent(m, u->st.heap);
}

static inline void run_undeferred(struct mo_member *m, void (*fn)(void *), void *data, unsigned flags)
{
    struct undeferred u;
    begin_undeferred(m, &u, flags);
    fn(data);
    end_undeferred(m, &u);
}

static __attribute__((noinline)) void run_observed(struct mo_member *m, void (*fn)(void *), void *data, unsigned flags)
{
    struct mo_obs_task record;
    mo_obs_task_init(&m->worker->obs, &record, NULL, NULL, 0);
    mo_observe_undeferred(m, &record, flags);
    run_undeferred(m, fn, data, flags);
    mo_observe_ended(m, NULL, false);
}

void mo_task_run_undeferred(struct mo_member *m, void (*fn)(void *), void *data, unsigned flags)
{
    if (mo_unlikely(mo_traced(m)))
        run_observed(m, fn, data, flags);
    else
        run_undeferred(m, fn, data, flags);
}

/* In a slab, at an offset: a late thief must not find the current task, which may be on a stack. */
struct frame {
    void *unused;
    void *no_parent; /* NULL where a task of this slab class has its parent (steal.c) */
    struct undeferred u;
};
#define FRAME_CLASS 1
_Static_assert(sizeof(struct frame) <= MO_SLAB_BYTES(FRAME_CLASS), "fits its class");

/* In a watched process. */
struct observed_frame {
    struct frame frame;
    struct mo_obs_task record;
};
#define OBSERVED_FRAME_CLASS 4
_Static_assert(sizeof(struct observed_frame) <= MO_SLAB_BYTES(OBSERVED_FRAME_CLASS), "fits its class");

static inline unsigned frame_class(const struct mo_member *m)
{
    return mo_traced(m) ? OBSERVED_FRAME_CLASS : FRAME_CLASS;
}
_Static_assert(offsetof(struct frame, no_parent) == offsetof(struct mo_task, parent), "a thief finds NULL");

bool mo_task_enter_undeferred(struct mo_member *m, unsigned flags)
{
    struct frame *f = mo_slab_alloc_owner(&m->worker->slab, frame_class(m));
    if (!f)
        return false;
    f->no_parent = NULL;
    if (mo_unlikely(mo_traced(m))) {
        struct mo_obs_task *record = &((struct observed_frame *)f)->record;
        mo_obs_task_init(&m->worker->obs, record, NULL, NULL, 0);
        mo_observe_undeferred(m, record, flags);
    }
    begin_undeferred(m, &f->u, flags);
    return true;
}

void mo_task_leave_undeferred(struct mo_member *m)
{
    struct frame *f = (struct frame *)((char *)m->current - offsetof(struct frame, u.st.task));
    end_undeferred(m, &f->u);
    if (mo_unlikely(mo_traced(m)))
        mo_observe_ended(m, NULL, false);
    mo_slab_free_owner(&m->worker->slab, f, frame_class(m));
}

/* ---- Reserved blocks. */
struct mo_task_event *mo_task_reserved_event(struct mo_member *m, struct mo_task *task)
{
    struct mo_task_event **event = mo_task_event_place(task);
    if (!*event)
        *event = mo_task_event_new(m);
    return *event;
}

void mo_task_release(struct mo_member *m, struct mo_task *task)
{
    if (mo_unlikely(mo_traced(m)))
        mo_obs_block_free(task);
    free_task(m, task);
}

/* Not counted anywhere: its creator waits for it by running it. The header serves as that of any task, so children find
   their parent without another one. */
void mo_task_run_reserved(struct mo_member *m, struct mo_task *task, void *data, unsigned flags)
{
    if (mo_unlikely(!mo_task_settle(m, task, flags | (m->current->flags & MO_TASK_FINAL), 0))) {
        mo_task_run_undeferred(m, task->fn, data, flags);
        free_task(m, task);
        return;
    }
    if (mo_unlikely(mo_traced(m)))
        mo_observe_undeferred(m, mo_task_obs(task), flags);
    struct context outer = enter(m, task, m->group);
    mo_count_word(&m->at_once, MO_AT_ONCE_BEGUN);
    task->fn(data);
    mo_count_word(&m->at_once, MO_AT_ONCE_ENDED);
    if (mo_unlikely(mo_traced(m)))
        mo_observe_ended(m, NULL, false);
    leave(m, task, &outer);
    end_as_parent(m, task);
}

/* ---- Events. */
struct mo_task_event *mo_task_event(struct mo_task *task)
{
    return mo_unlikely(task->flags & MO_TASK_DETACHED) ? *mo_task_event_place(task) : NULL;
}

void mo_task_event_init(struct mo_member *m, struct mo_task_event *event)
{
    m->alone = false;
    *event = (struct mo_task_event){.team = m->team, .home = m->worker->index};
}

struct mo_task_event *mo_task_event_new(struct mo_member *m)
{
    struct mo_task_event *event = mo_slab_alloc_owner(&m->worker->slab, 0);
    if (event)
        mo_task_event_init(m, event);
    return event;
}

void mo_task_event_free(struct mo_member *m, struct mo_task_event *event)
{
    mo_worker_free(m->worker, event->home, event, 0);
}

void mo_task_attach(struct mo_task *task, struct mo_task_event *event)
{
    event->parent = mo_load_relaxed(&task->parent);
    event->task = task;
    *mo_task_event_place(task) = event;
    mo_fetch_add_relaxed(&mo_task_node(task)->refs, (uint16_t)1); /* until mo_task_end_detached() */
}

void mo_task_end_detached(struct mo_member *m, struct mo_task_event *event, struct mo_team *elsewhere)
{
    struct mo_task *task = event->task, *parent = event->parent;
    struct mo_team *team = event->team;
    struct mo_taskgroup *group = mo_load_relaxed(&mo_task_ext(task)->group);
    uint16_t home = event->home;
    mo_node_end(m, task, elsewhere);
    mo_node_unref(m, task);
    mo_worker_free(m->worker, home, event, 0);
    tell_others(m, group, parent, home);
    if (m->team == team) {
        mo_owner_add_release(&m->done, 1);
        return;
    }
    mo_fetch_add_seqcst(&team->done_outside, 1u); /* pairs with the look of a member that is about to sleep */
    mo_event_notify(&team->event);
}

/* The task's team may be another one than the caller's: the caller is not alone with its graph. */
static void end_from_outside(struct mo_task_event *event)
{
    struct mo_member *m = mo_self();
    bool alone = m->alone;
    m->alone = false;
    mo_task_end_detached(m, event, event->team);
    m->alone = alone;
}

void mo_task_fulfill(struct mo_task_event *event)
{
    if (!event)
        mo_fatal("0 is no event of a detached task");
    struct mo_worker *w = mo_worker_at(event->home);
    if (mo_unlikely(mo_obs_attached()))
        mo_observe_fulfill(event);
    uint32_t state = mo_fetch_or_seqcst(&event->state, (uint32_t)MO_EVENT_FULFILLED);
    if (state & MO_EVENT_FULFILLED)
        mo_fatal("an event of a detached task is fulfilled twice");
    if (state & MO_EVENT_BODY_ENDED)
        end_from_outside(event);
    else /* for who waits for it without a task; the event may be gone, or not be a task's yet */
        mo_event_notify(&w->event);
}

uint32_t mo_task_identity(struct mo_member *m)
{
    while (mo_unlikely(!m->task_id))
        m->task_id = (mo_fetch_add_relaxed(&MO_SHARED(sched).last_identity, 1u) + 1) & 0x7fffffff;
    return m->task_id;
}
