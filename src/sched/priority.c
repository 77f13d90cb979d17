/* Tasks that do not travel through deques: those with a priority, and the few that a thief took by mistake. One list
   per team, highest priority first, equal ones in order of arrival, under a lock: priorities are rare and a hint. */
#include "sched/internal.h"

struct mo_queued_task {
    struct mo_queued_task *next;
    struct mo_task *task;
    int32_t priority;
    uint16_t home; /* worker whose slab this is of */
};
_Static_assert(sizeof(struct mo_queued_task) <= MO_SLAB_MIN_BYTES, "a link fits the smallest block");

bool mo_priority_put(struct mo_member *m, struct mo_task *task, int priority)
{
    struct mo_team *team = m->team;
    struct mo_queued_task *q = mo_slab_alloc_owner(&m->worker->slab, 0);
    if (!q)
        return false;
    q->task = task;
    q->priority = priority;
    q->home = m->worker->index;
    mo_mutex_lock(&team->priority_lock);
    struct mo_queued_task **at = &team->priority_head;
    while (*at && (*at)->priority >= priority)
        at = &(*at)->next;
    q->next = *at;
    *at = q;
    mo_store_relaxed(&team->has_priorities, true); /* a hint; the lock orders the rest */
    mo_mutex_unlock(&team->priority_lock);
    return true;
}

static struct mo_queued_task *unlink_first(struct mo_team *team, struct mo_task *ancestor)
{
    struct mo_queued_task **at = &team->priority_head;
    while (*at && ancestor && !mo_task_descends((*at)->task, ancestor))
        at = &(*at)->next;
    struct mo_queued_task *q = *at;
    if (q)
        *at = q->next;
    mo_store_relaxed(&team->has_priorities, team->priority_head != NULL);
    return q;
}

struct mo_task *mo_priority_take(struct mo_member *m, struct mo_task *ancestor)
{
    struct mo_team *team = m->team;
    if (mo_likely(!mo_load_relaxed(&team->has_priorities)))
        return NULL;
    mo_mutex_lock(&team->priority_lock);
    struct mo_queued_task *q = unlink_first(team, ancestor);
    mo_mutex_unlock(&team->priority_lock);
    if (!q)
        return NULL;
    struct mo_task *task = q->task;
    mo_worker_free(m->worker, q->home, q, 0);
    return task;
}
