/* Tasks: creating, running, ending, waiting. sched.h says how children are counted; steal.c how tasks travel.

   Task scheduling constraint. A thread that waits inside a task starts only descendants of that task. Its own deque
   needs no check: every item at index >= mark was pushed since the task began, by the task or by descendants of it that
   ran inside the wait, and foreign tasks are pushed (by a thief that takes several) only at barriers, where the mark is
   below everything. Whoever takes from other deques checks (mo_steal with an ancestor).

   Running a task at once instead of storing it is allowed only if
     (a) the thread holds no lock of the user's program: the task might want it;
     (b) its deque holds as many tasks as other runtimes store before they do the same (cutoff: 64 per member), so a
         program that waits for a flag which a child sets, or sets one that a child waits for, sees nothing new;
     (c) such tasks nest no deeper than UNDEFERRED_MAX and stack is left;
     (d) nobody looks for work, unless the deque holds enough for that one too. */
#include "sched/internal.h"

#define UNDEFERRED_MAX   64
#define STACK_KEEP_BYTES (64 * 1024)
#define HUNGRY_FACTOR    4
#define PENDING_FOLD     (1u << 30)

static inline struct mo_task_ext *extension(struct mo_task *task)
{
    return (struct mo_task_ext *)(task + 1);
}

static inline void free_task(struct mo_member *m, struct mo_task *task)
{
    if (mo_likely(task->home == m->worker->index))
        mo_slab_free_owner(&m->worker->slab, task, task->cls);
    else
        mo_worker_free(m->worker, task->home, task, task->cls);
}

static inline uint64_t origin_of(uint32_t env, uint16_t home, unsigned cls, unsigned flags)
{
    return env | (uint64_t)home << 32 | (uint64_t)cls << 48 | (uint64_t)flags << 56;
}

/* ---- The current task as a parent. */
static struct mo_task *promote(struct mo_member *m, struct mo_stack_task *st)
{
    struct mo_task *parent = mo_load_relaxed(&st->task.parent);
    if (parent && parent->flags & MO_TASK_ON_STACK) {
        struct mo_stack_task *above = (struct mo_stack_task *)parent;
        parent = above->heap ? above->heap : promote(m, above);
        if (!parent)
            return NULL;
    }
    struct mo_task *t = mo_slab_alloc_owner(&m->worker->slab, 0);
    if (!t)
        return NULL;
    t->fn = NULL;
    mo_store_relaxed(&t->parent, parent);
    t->counts = 0;
    t->origin = origin_of(st->task.env, m->worker->index, 0, st->task.flags & MO_TASK_FINAL);
    st->heap = t;
    return t;
}

/* The header that children of the current task point to; NULL when memory is exhausted. */
static inline struct mo_task *current_parent(struct mo_member *m)
{
    struct mo_task *cur = m->current;
    if (mo_likely(!(cur->flags & MO_TASK_ON_STACK)))
        return cur;
    struct mo_stack_task *st = (struct mo_stack_task *)cur;
    return st->heap ? st->heap : promote(m, st);
}

/* Keep the difference, lose the height: remote_done must stay positive while the parent lives. */
static void fold_counts(struct mo_task *parent)
{
    int32_t ended = mo_load_acquire(&parent->remote_done);
    mo_fetch_add_acq_rel(&parent->remote_done, -ended);
    parent->pending -= (uint32_t)ended;
}

/* ---- Taskgroups. local + remote is the number of open tasks: a task is added before the task that creates it is
   taken off, so a sum of zero, once seen by the owner (local is exact for it), stays. */
static void group_add(struct mo_member *m, struct mo_taskgroup *g)
{
    if (g->owner == m->worker)
        g->local++;
    else
        mo_fetch_add_relaxed(&g->remote, 1); /* published with the task, by the deque */
}

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

/* ---- Creating. */
bool mo_task_may_run_now(struct mo_member *m)
{
    struct mo_team *team = m->team;
    int64_t stored = mo_deque_size_owner(&m->deque, m->spawn_limit) + mo_load_relaxed(&team->queued); /* (b) */
    if (mo_likely(stored < m->spawn_limit))
        return false;
    if (m->worker->held || m->undeferred_depth >= UNDEFERRED_MAX) /* (a), (c) */
        return false;
    if (mo_load_relaxed(&team->idle) && stored < m->spawn_limit * HUNGRY_FACTOR) /* (d) */
        return false;
    if (m->undeferred_depth == 0)
        return true;
    if (!m->worker->stack_end)
        m->worker->stack_end = mo_plat_stack_end();
    return (char *)__builtin_frame_address(0) - m->worker->stack_end > STACK_KEEP_BYTES;
}

struct mo_task *mo_task_new(struct mo_member *m, size_t bytes, size_t align, int priority, void **payload)
{
    struct mo_task *parent = current_parent(m);
    if (mo_unlikely(!parent || !mo_deque_room_owner(&m->deque)))
        return NULL;
    size_t head = sizeof(struct mo_task);
    bool extended = m->group || priority || align > sizeof(struct mo_task);
    if (extended)
        head += sizeof(struct mo_task_ext);
    size_t slack = align > MO_SLAB_MIN_BYTES ? align : 0;
    unsigned cls = mo_slab_class(head + bytes + slack);
    struct mo_task *t = mo_likely(cls < MO_SLAB_CLASSES) ? mo_slab_alloc_owner(&m->worker->slab, cls) : NULL;
    if (mo_unlikely(!t))
        return NULL;
    mo_store_relaxed(&t->parent, parent);
    t->counts = 0;
    t->origin = origin_of(m->current->env, m->worker->index, cls, extended ? MO_TASK_EXTENDED : 0);
    char *data = (char *)t + head;
    if (mo_unlikely(extended)) {
        data = (char *)(((uintptr_t)data + align - 1) & ~(uintptr_t)(align - 1));
        struct mo_task_ext *ext = extension(t);
        mo_store_relaxed(&ext->group, m->group);
        ext->data = data;
        ext->priority = priority;
    }
    *payload = data;
    return t;
}

static inline void count_child(struct mo_member *m, struct mo_task *parent)
{
    if (mo_unlikely(++parent->pending == PENDING_FOLD))
        fold_counts(parent);
    mo_owner_add(&m->created, 1); /* published with the task: nobody can end it before seeing this */
    if (mo_unlikely(!mo_load_acquire(&m->team->has_tasks)))
        mo_exchange_seqcst(&m->team->has_tasks, true); /* pairs with mo_idle_asleep() */
}

void mo_task_submit(struct mo_member *m, struct mo_task *task)
{
    struct mo_team *team = m->team;
    count_child(m, mo_load_relaxed(&task->parent));
    int64_t priority = 0;
    if (mo_unlikely(task->flags & MO_TASK_EXTENDED)) {
        priority = extension(task)->priority;
        struct mo_taskgroup *group = mo_load_relaxed(&extension(task)->group);
        if (group)
            group_add(m, group);
    }
    /* Room is asked for again: what copied the payload may have created tasks itself. */
    if (mo_unlikely(priority && mo_priority_put(m, task, (int)priority)))
        ;
    else if (mo_likely(mo_deque_room_owner(&m->deque)))
        mo_deque_push_owner(&m->deque, task);
    else if (!mo_priority_put(m, task, 0))
        mo_task_execute(m, task); /* no memory for anything else */
    if (m->shared)
        mo_work_published(team);
}

/* The payload of most tasks is a few pointers. */
static inline void copy_words(uint64_t *to, const uint64_t *from, size_t bytes)
{
    _Static_assert(MO_SLAB_MIN_BYTES - sizeof(struct mo_task) == 4 * sizeof(uint64_t), "at most four words");
    switch (bytes / sizeof *to) {
    case 4:
        to[3] = from[3];
        __attribute__((fallthrough));
    case 3:
        to[2] = from[2];
        __attribute__((fallthrough));
    case 2:
        to[1] = from[1];
        __attribute__((fallthrough));
    case 1:
        to[0] = from[0];
    }
}

bool mo_task_spawn_small(struct mo_member *m, void (*fn)(void *), const void *data, size_t bytes)
{
    struct mo_task *cur = m->current;
    struct mo_slab *slab = &m->worker->slab;
    struct mo_slab_block *block = slab->free[0];
    if (mo_unlikely(bytes > MO_SLAB_MIN_BYTES - sizeof *cur || bytes % sizeof(uint64_t) || !block || m->group ||
                    cur->flags & (MO_TASK_FINAL | MO_TASK_ON_STACK) ||
                    mo_deque_size_owner(&m->deque, m->spawn_limit) >= m->spawn_limit ||
                    !mo_deque_room_owner(&m->deque)))
        return false;
    slab->free[0] = block->next;
    struct mo_task *t = (struct mo_task *)block;
    t->fn = fn;
    mo_store_relaxed(&t->parent, cur);
    t->counts = 0;
    t->origin = origin_of(cur->env, m->worker->index, 0, 0);
    copy_words((uint64_t *)(t + 1), data, bytes);
    count_child(m, cur);
    mo_deque_push_owner(&m->deque, t);
    if (m->shared)
        mo_work_published(m->team);
    return true;
}

/* ---- Ending. */
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

void mo_task_execute(struct mo_member *m, struct mo_task *task)
{
    struct mo_task *outer = m->current;
    struct mo_taskgroup *outer_group = m->group;
    int64_t outer_mark = m->mark;
    uint32_t outer_id = m->task_id;
    void *data = task + 1;
    struct mo_taskgroup *group = NULL;
    if (mo_unlikely(task->flags & MO_TASK_EXTENDED)) {
        group = mo_load_relaxed(&extension(task)->group);
        data = extension(task)->data;
    }
    m->current = task;
    m->group = group;
    m->mark = mo_load_relaxed(&m->deque.bottom);
    m->task_id = 0;
    task->fn(data);
    m->current = outer;
    m->group = outer_group;
    m->mark = outer_mark;
    m->task_id = outer_id;
    struct mo_task *parent = mo_load_relaxed(&task->parent);
    uint16_t home = task->home;
    end_as_parent(m, task);
    if (mo_unlikely(group != NULL))
        group_sub(m, group);
    child_ended(m, parent, home);
    mo_owner_add_release(&m->done, 1); /* last: pairs with all_tasks_ended() in barrier.c */
}

void mo_task_run_undeferred(struct mo_member *m, void (*fn)(void *), void *data, unsigned flags)
{
    struct mo_task *outer = m->current;
    struct mo_taskgroup *outer_group = m->group;
    int64_t outer_mark = m->mark;
    uint32_t outer_id = m->task_id;
    struct mo_stack_task st;
    st.task.env = outer->env;
    st.task.flags = (uint8_t)(flags | (outer->flags & MO_TASK_FINAL) | MO_TASK_ON_STACK);
    mo_store_relaxed(&st.task.parent, outer);
    st.heap = NULL;
    m->current = &st.task;
    m->mark = mo_load_relaxed(&m->deque.bottom);
    m->task_id = 0;
    m->undeferred_depth++;
    fn(data);
    m->undeferred_depth--;
    m->current = outer;
    m->group = outer_group;
    m->mark = outer_mark;
    m->task_id = outer_id;
    if (st.heap)
        end_as_parent(m, st.heap);
}

uint32_t mo_task_identity(struct mo_member *m)
{
    while (mo_unlikely(!m->task_id))
        m->task_id = (mo_fetch_add_relaxed(&MO_SHARED(sched).last_identity, 1u) + 1) & 0x7fffffff;
    return m->task_id;
}
