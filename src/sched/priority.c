/* Tasks that do not travel through deques: those with a priority, the few that a thief took by mistake, and those that
   are held back until nothing else is left. One queue per team under a lock: priorities are rare and a hint. It is a
   list of runs, highest priority first; a run is a list of tasks of one priority in order of arrival, and its first
   link holds the run together. */
#include "sched/internal.h"

struct mo_queued_task {
    struct mo_queued_task *next; /* in the run */
    struct mo_task *task;
    struct mo_queued_task *next_run; /* first link only */
    struct mo_queued_task *last;     /* first link only: the end of the run */
    int32_t priority;
    uint16_t home; /* worker whose slab this is of */
};
_Static_assert(sizeof(struct mo_queued_task) <= MO_SLAB_MIN_BYTES, "a link fits the smallest block");

static void link_in(struct mo_team *team, struct mo_queued_task *q)
{
    struct mo_queued_task **run = &team->priority_head;
    while (*run && (*run)->priority > q->priority)
        run = &(*run)->next_run;
    if (*run && (*run)->priority == q->priority) {
        (*run)->last->next = q;
        (*run)->last = q;
        return;
    }
    q->next_run = *run;
    q->last = q;
    *run = q;
}

/* How many there are, written under the lock; read as a hint. */
static _Atomic uint32_t *count_of(struct mo_team *team, const struct mo_queued_task *q)
{
    return q->priority < 0 ? &team->held_back : &team->queued;
}

bool mo_priority_put(struct mo_member *m, struct mo_team *team, struct mo_task *task, int priority)
{
    struct mo_queued_task *q = mo_slab_alloc_owner(&m->worker->slab, 0);
    if (!q)
        return false;
    *q = (struct mo_queued_task){.task = task, .priority = priority, .home = m->worker->index};
    mo_mutex_lock(&team->priority_lock);
    link_in(team, q);
    mo_owner_add(count_of(team, q), 1u);
    mo_mutex_unlock(&team->priority_lock);
    return true;
}

/* The links are the tasks' counts, which mean nothing before they run. */
void mo_priority_put_bare(struct mo_team *team, struct mo_task *task)
{
    mo_mutex_lock(&team->priority_lock);
    task->counts = (uintptr_t)team->priority_bare;
    team->priority_bare = task;
    mo_owner_add(&team->queued, 1u);
    mo_mutex_unlock(&team->priority_lock);
}

static struct mo_task *unlink_bare(struct mo_team *team, const struct mo_kin *kin)
{
    struct mo_task *before = NULL, *task = team->priority_bare;
    while (task && kin && !mo_task_is_kin(task, kin)) {
        before = task;
        task = (struct mo_task *)(uintptr_t)task->counts;
    }
    if (!task)
        return NULL;
    if (before)
        before->counts = task->counts;
    else
        team->priority_bare = (struct mo_task *)(uintptr_t)task->counts;
    task->counts = 0;
    mo_owner_add(&team->queued, -1u);
    return task;
}

/* Take the first link of a run out; the next one becomes the first. */
static struct mo_queued_task *take_first(struct mo_queued_task **run)
{
    struct mo_queued_task *q = *run, *next = q->next;
    if (next) {
        next->next_run = q->next_run;
        next->last = q->last;
        *run = next;
    } else {
        *run = q->next_run;
    }
    return q;
}

/* Take out the first of a run that may run here; NULL when none may. */
static struct mo_queued_task *take_kin(struct mo_queued_task **run, const struct mo_kin *kin)
{
    struct mo_queued_task *before = NULL, *q = *run;
    while (q && kin && !mo_task_is_kin(q->task, kin)) {
        before = q;
        q = q->next;
    }
    if (!q || !before)
        return q ? take_first(run) : NULL;
    before->next = q->next;
    if ((*run)->last == q)
        (*run)->last = before;
    return q;
}

static struct mo_queued_task *unlink_highest(struct mo_team *team, const struct mo_kin *kin, int lowest)
{
    struct mo_queued_task **run = &team->priority_head, *q = NULL;
    while (*run && (*run)->priority >= lowest && !(q = take_kin(run, kin)))
        run = &(*run)->next_run;
    if (q)
        mo_owner_add(count_of(team, q), -1u);
    return q;
}

/* A member that looked for work at a barrier may have been held up until a later region of the team has tasks, in which
   it has no part yet: what it ran would be counted nowhere. The generation tells, read under the lock: who put a task
   of a later region here has seen it change. */
static bool is_late(const struct mo_member *m, const struct mo_kin *kin)
{
    return !kin && m->shared && mo_load_relaxed(&m->team->gen) != m->gen_seen;
}

struct mo_task *mo_priority_take_slow(struct mo_member *m, const struct mo_kin *kin, int lowest)
{
    struct mo_team *team = m->team;
    mo_mutex_lock(&team->priority_lock);
    bool late = is_late(m, kin);
    struct mo_queued_task *q = late ? NULL : unlink_highest(team, kin, lowest);
    struct mo_task *task = q ? q->task : late ? NULL : unlink_bare(team, kin);
    mo_mutex_unlock(&team->priority_lock);
    if (!q)
        return task;
    mo_worker_free(m->worker, q->home, q, 0);
    return task;
}
