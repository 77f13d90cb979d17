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

#include <string.h>

#define UNDEFERRED_MAX   64
#define STACK_KEEP_BYTES (64 * 1024)
#define HUNGRY_FACTOR    4
#define PENDING_FOLD     (1u << 30)

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
static inline void fold_counts(struct mo_task *parent)
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

/* ---- Creating. */
static inline bool may_nest(struct mo_member *m)
{
    unsigned depth = (uint16_t)mo_load_relaxed(&m->at_once);
    if (depth == 0)
        return true;
    if (depth >= UNDEFERRED_MAX)
        return false;
    if (!m->worker->stack_end)
        m->worker->stack_end = mo_plat_stack_end();
    return (char *)__builtin_frame_address(0) - m->worker->stack_end > STACK_KEEP_BYTES;
}

/* What thieves take makes room later, so the answer is good until the bottom is there. */
bool mo_task_find_room(struct mo_member *m)
{
    struct mo_deque *d = &m->deque;
    int64_t capacity = (int64_t)mo_load_relaxed(&d->buffer)->mask + 1;
    d->top_seen = mo_load_acquire(&d->top);
    m->store_until = d->top_seen + (m->spawn_limit < capacity ? m->spawn_limit : capacity);
    return mo_load_relaxed(&d->bottom) < m->store_until;
}

static inline bool is_stored(struct mo_member *m)
{
    return mo_task_is_parent(m) && (mo_likely(mo_task_has_room(m)) || mo_task_find_room(m));
}

bool mo_task_may_run_now(struct mo_member *m)
{
    struct mo_team *team = m->team;
    int64_t stored = mo_deque_size_owner(&m->deque, m->spawn_limit) + mo_load_relaxed(&team->queued); /* (b) */
    if (mo_likely(stored < m->spawn_limit))
        return false;
    if (m->worker->held) /* (a) */
        return false;
    if (mo_load_relaxed(&team->idle) && stored < m->spawn_limit * HUNGRY_FACTOR) /* (d) */
        return false;
    return may_nest(m); /* (c) */
}

static inline int64_t children_of(struct mo_task *task)
{
    return (int64_t)task->pending - mo_load_relaxed(&task->remote_done);
}

/* Run children until half of the room is free again, so that the next ones are stored. */
static __attribute__((noinline)) bool relieve(struct mo_member *m, struct mo_task *cur)
{
    if (m->worker->held || !may_nest(m)) /* (a), (c) */
        return false;
    mo_count_word(&m->at_once, 1); /* as one that is counted already */
    while (children_of(cur) > m->spawn_limit / 2 && !mo_load_relaxed(&m->team->queued)) {
        struct mo_task *task = mo_deque_pop_owner(&m->deque, m->mark, m->shared);
        if (!task)
            break;
        mo_task_execute(m, task);
    }
    mo_count_word(&m->at_once, MO_AT_ONCE_ENDED);
    return children_of(cur) >= m->spawn_limit;
}

/* Children with dependences wait in the graph, not in the deque; libgomp counts them too. */
bool mo_task_too_many(struct mo_member *m)
{
    struct mo_task *cur = m->current;
    if (cur->flags & MO_TASK_ON_STACK)
        cur = ((const struct mo_stack_task *)cur)->heap;
    return cur && mo_unlikely(children_of(cur) >= m->spawn_limit) && relieve(m, cur);
}

static size_t head_bytes(const struct mo_member *m, unsigned flags, unsigned mutexes)
{
    return mo_task_head_bytes(flags) + (mo_traced(m) ? sizeof(struct mo_obs_task) : 0) + mo_turns_bytes(mutexes);
}

static unsigned flags_of(const struct mo_member *m, const struct mo_task_form *form)
{
    bool node = form->depends || form->detached;
    bool extended = node || m->group || form->priority || form->align > sizeof(struct mo_task) || mo_traced(m);
    return (extended ? MO_TASK_EXTENDED : 0) | (node ? MO_TASK_NODE : 0) | (form->detached ? MO_TASK_DETACHED : 0) |
           (mo_traced(m) ? MO_TASK_TRACED : 0);
}

size_t mo_task_head(const struct mo_member *m, const struct mo_task_form *form)
{
    return head_bytes(m, flags_of(m, form), form->mutexes);
}

/* Where the payload is: its place follows from the alignment. */
static size_t extend(struct mo_member *m, struct mo_task *t, const struct mo_task_form *form, size_t head)
{
    uintptr_t data = (uintptr_t)t + head;
    if (form->align)
        data = (data + form->align - 1) & ~(uintptr_t)(form->align - 1);
    struct mo_task_ext *ext = mo_task_ext(t);
    mo_store_relaxed(&ext->group, m->group);
    ext->priority = form->priority;
    ext->offset = (uint32_t)(data - (uintptr_t)t);
    if (t->flags & MO_TASK_NODE)
        mo_node_init(t, MO_NODE_TASK, 1);
    if (t->flags & MO_TASK_DETACHED)
        *mo_task_event_place(t) = NULL;
    if (mo_unlikely(mo_traced(m)))
        mo_obs_task_init(&m->worker->obs, mo_task_obs(t), t, (void *)data, form->bytes);
    if (mo_unlikely(form->mutexes))
        mo_turns_init(t);
    return ext->offset;
}

/* The event's block is made with the task's, so that nothing can fail later. Without one there is no task either. */
static __attribute__((noinline)) struct mo_task *add_event(struct mo_member *m, struct mo_task *t)
{
    struct mo_task_event *event = mo_task_event_new(m);
    if (event)
        mo_task_attach(t, event);
    else
        mo_slab_free_owner(&m->worker->slab, t, t->cls);
    return event ? t : NULL;
}

static inline struct mo_task *reserve(struct mo_member *m, const struct mo_task_form *form, struct mo_task *parent,
                                      void **payload)
{
    unsigned flags = flags_of(m, form);
    bool wide = flags & MO_TASK_EXTENDED && form->align > 16; /* what comes before the payload is aligned to 16 */
    size_t slack = wide ? form->align - 16 : 0, offset = sizeof(struct mo_task);
    size_t head = head_bytes(m, flags, form->mutexes);
    unsigned cls = mo_slab_class_half(head + form->bytes + slack);
    struct mo_task *t = mo_likely(cls < MO_SLAB_CLASSES) ? mo_slab_alloc_owner(&m->worker->slab, cls) : NULL;
    if (mo_unlikely(!t))
        return NULL;
    mo_store_relaxed(&t->parent, parent);
    t->counts = 0;
    t->origin = origin_of(m->current->env, m->worker->index, cls, flags);
    if (mo_unlikely(flags & MO_TASK_EXTENDED))
        offset = extend(m, t, form, head);
    *payload = (char *)t + offset;
    return t;
}

struct mo_task *mo_task_new(struct mo_member *m, const struct mo_task_form *form, void **payload)
{
    struct mo_task *parent = current_parent(m);
    if (mo_unlikely(!parent || !mo_deque_room_owner(&m->deque)))
        return NULL;
    struct mo_task *t = reserve(m, form, parent, payload);
    return mo_likely(!form->detached) || !t ? t : add_event(m, t);
}

struct mo_task *mo_task_reserve(struct mo_member *m, const struct mo_task_form *form, void **payload)
{
    return reserve(m, form, NULL, payload);
}

/* A new block, child of `parent`, or of none yet. */
static inline void extend_plain(struct mo_member *m, struct mo_task *t, struct mo_task *parent, unsigned cls, bool node)
{
    unsigned flags = MO_TASK_EXTENDED | (node ? MO_TASK_NODE : 0);
    struct mo_task_ext *ext = mo_task_ext_of(t, flags);
    mo_store_relaxed(&t->parent, parent);
    t->counts = 0;
    t->origin = origin_of(m->current->env, m->worker->index, cls, flags);
    mo_store_relaxed(&ext->group, m->group);
    ext->priority = 0;
    ext->offset = mo_task_extended_head(node);
    if (node)
        mo_node_init(t, MO_NODE_TASK, 1);
}

struct mo_task *mo_task_reserve_extended(struct mo_member *m, unsigned cls, bool node)
{
    struct mo_task *t = mo_traced(m) ? NULL : mo_slab_alloc_owner(&m->worker->slab, cls);
    if (mo_likely(t != NULL))
        extend_plain(m, t, NULL, cls, node);
    return t;
}

/* Its creator may have opened a taskgroup since: a block without a place for that cannot be stored. */
bool mo_task_settle(struct mo_member *m, struct mo_task *task, unsigned flags, int32_t priority)
{
    bool extended = task->flags & MO_TASK_EXTENDED;
    struct mo_task *parent = extended || !m->group ? current_parent(m) : NULL;
    if (mo_unlikely(!parent || !mo_deque_room_owner(&m->deque)))
        return false;
    mo_store_relaxed(&task->parent, parent);
    task->counts = 0;
    task->env = m->current->env;
    task->flags |= (uint8_t)flags;
    if (extended) {
        mo_store_relaxed(&mo_task_ext(task)->group, m->group);
        mo_task_ext(task)->priority = priority;
    }
    return true;
}

static inline void count_child(struct mo_member *m, struct mo_task *parent)
{
    if (mo_unlikely(++parent->pending == PENDING_FOLD))
        fold_counts(parent);
    mo_owner_add(&m->created, 1); /* published with the task: nobody can end it before seeing this */
    if (mo_unlikely(!mo_load_acquire(&m->team->has_tasks)))
        mo_exchange_seqcst(&m->team->has_tasks, true); /* pairs with mo_idle_asleep() */
}

static inline int32_t priority_of(struct mo_task *task)
{
    return task->flags & MO_TASK_EXTENDED ? mo_task_ext(task)->priority : 0;
}

/* The thread that runs this may be in another team, or in the middle of a task to which this one is no descendant. */
static void enqueue_elsewhere(struct mo_member *m, struct mo_task *task, struct mo_team *team)
{
    if (!mo_priority_put(m, team, task, priority_of(task)))
        mo_priority_put_bare(team, task);
    mo_work_published(team);
    mo_event_notify(&team->event); /* also who is alone there */
}

void mo_task_enqueue(struct mo_member *m, struct mo_task *task, struct mo_team *elsewhere)
{
    int32_t priority = priority_of(task);
    if (mo_unlikely(elsewhere != NULL)) {
        enqueue_elsewhere(m, task, elsewhere);
        return;
    }
    /* Room is asked for again: what copied the payload may have created tasks itself. */
    if (mo_unlikely(priority && mo_priority_put(m, m->team, task, priority)))
        ;
    else if (mo_likely(mo_deque_room_owner(&m->deque)))
        mo_deque_push_owner(&m->deque, task);
    else if (!mo_priority_put(m, m->team, task, 0))
        mo_task_execute(m, task); /* no memory for anything else */
    if (m->shared)
        mo_work_published(m->team);
}

static void count_new(struct mo_member *m, struct mo_task *task)
{
    count_child(m, mo_load_relaxed(&task->parent));
    struct mo_taskgroup *group = task->flags & MO_TASK_EXTENDED ? mo_load_relaxed(&mo_task_ext(task)->group) : NULL;
    if (group)
        group_add(m, group);
}

void mo_task_submit(struct mo_member *m, struct mo_task *task)
{
    if (mo_unlikely(mo_traced(m)))
        mo_observe_created(m, task, NULL);
    count_new(m, task);
    mo_task_enqueue(m, task, NULL);
}

static inline void start_after(struct mo_member *m, struct mo_task *task, uint32_t edges)
{
    if (edges == 0)
        mo_node_start(m, task, NULL);
    else
        mo_node_release(m, task, MO_NODE_GUARD - edges, NULL);
}

/* Without memory for the graph: all siblings end first, then it, then the next. */
static __attribute__((noinline)) void run_after_all(struct mo_member *m, struct mo_task *task)
{
    mo_task_wait(m);
    mo_turns_drop(task);
    count_new(m, task);
    mo_task_execute(m, task);
}

void mo_task_submit_after(struct mo_member *m, struct mo_task *task, const struct mo_deps *deps)
{
    uint32_t edges;
    if (mo_unlikely(mo_traced(m)))
        mo_observe_created(m, task, deps);
    if (mo_unlikely(!mo_depends_link(m, task, deps, &edges))) {
        run_after_all(m, task);
        return;
    }
    count_new(m, task);
    start_after(m, task, edges);
}

static inline void launch(struct mo_member *m, struct mo_task *parent, struct mo_task *t)
{
    count_child(m, parent);
    mo_deque_push_owner(&m->deque, t);
    if (m->shared)
        mo_work_published(m->team);
}

static __attribute__((noinline)) void spawn_in_group(struct mo_member *m, void (*fn)(void *), const void *data,
                                                     size_t bytes)
{
    unsigned cls = mo_task_small_class(m, bytes);
    struct mo_task *t = mo_slab_take_owner(&m->worker->slab, cls);
    t->fn = fn;
    extend_plain(m, t, m->current, cls, false);
    mo_copy_words((uint64_t *)(mo_task_ext(t) + 1), data, bytes);
    group_add(m, m->group);
    launch(m, m->current, t);
}

void mo_task_spawn_small(struct mo_member *m, void (*fn)(void *), const void *data, size_t bytes)
{
    MO_ASSERT(mo_task_is_small(m, bytes));
    if (m->group) {
        spawn_in_group(m, fn, data, bytes);
        return;
    }
    struct mo_task *t = mo_slab_take_owner(&m->worker->slab, 0);
    t->fn = fn;
    mo_store_relaxed(&t->parent, m->current);
    t->counts = 0;
    t->origin = origin_of(m->current->env, m->worker->index, 0, 0);
    mo_copy_words((uint64_t *)(t + 1), data, bytes);
    launch(m, m->current, t);
}

/* A task with dependences, if nothing else is special about it, would be stored. */
static inline bool is_stored_after(struct mo_member *m, const struct mo_deps *deps)
{
    return mo_task_is_ordinary(m) && !deps->mutexes && is_stored(m) && !mo_task_too_many(m);
}

static inline void launch_after(struct mo_member *m, struct mo_task *parent, struct mo_task *t,
                                const struct mo_deps *deps)
{
    uint32_t edges;
    if (mo_unlikely(!mo_depends_link(m, t, deps, &edges))) {
        run_after_all(m, t);
        return;
    }
    count_child(m, parent);
    if (m->group)
        group_add(m, m->group);
    start_after(m, t, edges);
}

bool mo_task_spawn_after(struct mo_member *m, void (*fn)(void *), const void *data, size_t bytes,
                         const struct mo_deps *deps)
{
    unsigned flags = MO_TASK_EXTENDED | MO_TASK_NODE, cls = mo_slab_class_half(mo_task_head_bytes(flags) + bytes);
    if (!is_stored_after(m, deps) || cls >= MO_SLAB_CLASSES)
        return false;
    struct mo_task *t = mo_slab_alloc_owner(&m->worker->slab, cls), *parent = m->current;
    if (mo_unlikely(!t))
        return false;
    t->fn = fn;
    extend_plain(m, t, parent, cls, true);
    if (mo_likely(bytes <= 4 * sizeof(uint64_t) && bytes % sizeof(uint64_t) == 0))
        mo_copy_words((uint64_t *)(mo_task_ext_of(t, flags) + 1), data, bytes);
    else
        memcpy(mo_task_ext_of(t, flags) + 1, data, bytes);
    launch_after(m, parent, t, deps);
    return true;
}

static inline void settle_plain(struct mo_member *m, struct mo_task *task)
{
    mo_store_relaxed(&task->parent, m->current);
    task->counts = 0;
    task->env = m->current->env;
}

static __attribute__((noinline)) bool submit_extended(struct mo_member *m, struct mo_task *task)
{
    if (!mo_task_is_ordinary(m) || !is_stored(m))
        return false;
    settle_plain(m, task);
    mo_store_relaxed(&mo_task_ext(task)->group, m->group);
    if (m->group)
        group_add(m, m->group);
    launch(m, m->current, task);
    return true;
}

bool mo_task_submit_plain(struct mo_member *m, struct mo_task *task)
{
    if (mo_unlikely(task->flags || m->group || !mo_task_is_ordinary(m) || !is_stored(m)))
        return task->flags == MO_TASK_EXTENDED && submit_extended(m, task);
    settle_plain(m, task);
    launch(m, m->current, task);
    return true;
}

bool mo_task_submit_plain_after(struct mo_member *m, struct mo_task *task, const struct mo_deps *deps)
{
    if (task->flags != (MO_TASK_EXTENDED | MO_TASK_NODE) || !is_stored_after(m, deps))
        return false;
    settle_plain(m, task);
    mo_store_relaxed(&mo_task_ext(task)->group, m->group);
    launch_after(m, m->current, task, deps);
    return true;
}

/* ---- Numbers: the address of the header that children have or would have as their parent. */
uint64_t mo_task_number(struct mo_member *m)
{
    return (uintptr_t)current_parent(m);
}

uint64_t mo_task_parent_number(struct mo_member *m)
{
    struct mo_task *cur = current_parent(m);
    struct mo_task *parent = cur ? mo_load_relaxed(&cur->parent) : NULL;
    return (uintptr_t)parent;
}
