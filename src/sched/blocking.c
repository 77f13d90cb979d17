/* Work that blocks, on threads of its own: teams apart with one pool thread each, made when work comes and none is
   free, up to a limit. They stay until the executor ends. One queue under a lock: who blocks a thread can afford one.

   Who puts something in wakes one thread of those that say they are idle; both stand under the lock. A thread that
   finds the queue empty says so and then waits for the count to rise (event count, park.h). */
#include "sched/executor.h"

#include <errno.h>

static bool has_work_or_ends(void *arg)
{
    struct mo_executor *x = arg;
    return mo_load_seqcst(&x->blocking_waiting) != 0 || mo_load_seqcst(&x->state) >= MO_EXECUTOR_CLOSED;
}

static struct mo_job *take(struct mo_executor *x, struct mo_worker *w)
{
    mo_mutex_lock(&x->blocking_lock);
    struct mo_blocking_link *link = x->blocking_first;
    if (link) {
        x->blocking_first = link->next;
        mo_owner_add(&x->blocking_waiting, -1u);
    }
    mo_mutex_unlock(&x->blocking_lock);
    if (!link)
        return NULL;
    struct mo_job *job = link->job;
    mo_worker_free(w, link->home, link, 0);
    return job;
}

static void change_idle(struct mo_executor *x, int by)
{
    mo_mutex_lock(&x->blocking_lock);
    x->blocking_idle += (unsigned)by;
    mo_mutex_unlock(&x->blocking_lock);
}

static void serve(struct mo_member *m)
{
    struct mo_executor *x = mo_apart_owner(m->team);
    struct mo_worker *w = m->worker;
    char name[MO_PLAT_NAME_BYTES];
    w->serves = x;
    mo_executor_label(x, name);
    mo_root_enter(w);
    while (mo_load_acquire(&x->state) < MO_EXECUTOR_CLOSED) {
        struct mo_job *job = take(x, w);
        if (job) {
            mo_fetch_add_relaxed(&x->blocking_done, 1u); /* who has waited for the job finds it counted */
            mo_job_deal(w, x, &m->done, job);
            if (mo_executor_is_closing(x))
                mo_executor_try_close(x);
            continue;
        }
        const struct mo_wait wait = {
            .ready = has_work_or_ends, .arg = x, .event = &x->blocking_event, .bits = MO_WAKE_ANY};
        change_idle(x, 1);
        mo_wait(&wait);
        change_idle(x, -1);
    }
    mo_root_leave(m);
    mo_executor_unlabel(name);
    w->serves = NULL;
    mo_store_relaxed(&m->created, 0u);
    mo_store_relaxed(&m->done, 0u);
}

/* The caller holds the lock. */
static struct mo_crew *crew_record(struct mo_executor *x)
{
    struct mo_sched *s = &MO_SHARED(sched);
    struct mo_crew *c = x->spare_crews;
    if (c) {
        x->spare_crews = c->next;
        return c;
    }
    mo_mutex_lock(&s->lock);
    c = mo_sched_permanent_locked(sizeof *c);
    mo_mutex_unlock(&s->lock);
    return c;
}

static int hire(struct mo_executor *x)
{
    int err = ENOMEM;
    struct mo_crew *c = crew_record(x);
    if (!c)
        return err;
    c->team = mo_apart_open(1, serve, x, &err);
    if (!c->team) {
        c->next = x->spare_crews;
        x->spare_crews = c;
        return err;
    }
    c->member = mo_team_member(c->team, 1);
    mo_store_relaxed(&c->member->created, 0u);
    mo_store_relaxed(&c->member->done, 0u);
    c->next = mo_load_relaxed(&x->crews);
    mo_store_release(&x->crews, c);
    mo_owner_add(&x->blocking_threads, 1u);
    mo_team_start(c->team);
    return 0;
}

/* Under the lock. A thread that cannot be had matters only if there is none. */
static int put(struct mo_executor *x, struct mo_blocking_link *link)
{
    uint32_t waiting = mo_load_relaxed(&x->blocking_waiting), threads = mo_load_relaxed(&x->blocking_threads);
    if (x->blocking_idle <= waiting && threads < x->blocking_limit) {
        int err = hire(x);
        if (err && !threads)
            return err;
    }
    link->next = NULL;
    if (x->blocking_first)
        x->blocking_last->next = link;
    else
        x->blocking_first = link;
    x->blocking_last = link;
    mo_fetch_add_seqcst(&x->blocking_waiting, 1u); /* precedes the look for sleepers */
    return 0;
}

int mo_blocking_submit(struct mo_worker *w, struct mo_executor *x, struct mo_job *job)
{
    struct mo_blocking_link *link = mo_slab_alloc_owner(&w->slab, 0);
    int err = mo_job_count(w, x, job);
    if (!err && !link) {
        mo_job_uncount(w, x, job);
        err = ENOMEM;
    }
    if (err) {
        if (link)
            mo_slab_free_owner(&w->slab, link, 0);
        return err;
    }
    link->job = job;
    link->home = w->index;
    mo_store_relaxed(&job->state, mo_load_relaxed(&job->state) | MO_JOB_PINNED);
    struct mo_job_info info;
    bool watched = job->flags & MO_JOB_WATCHED;
    if (watched)
        mo_watched_info(w, job, &info);
    mo_mutex_lock(&x->blocking_lock);
    err = put(x, link);
    mo_mutex_unlock(&x->blocking_lock);
    if (!err) {
        if (watched)
            mo_watched_spawned(x, &info);
        mo_event_notify_bits(&x->blocking_event, 1, MO_WAKE_ANY);
        return 0;
    }
    mo_job_uncount(w, x, job);
    mo_slab_free_owner(&w->slab, link, 0);
    return err;
}

void mo_blocking_close(struct mo_executor *x, struct mo_worker *closer)
{
    for (struct mo_crew *c = mo_load_relaxed(&x->crews); c; c = c->next)
        mo_apart_close(c->team, closer);
}

void mo_blocking_forget(struct mo_executor *x)
{
    struct mo_crew *c;
    while ((c = mo_load_relaxed(&x->crews)) != NULL) {
        mo_store_relaxed(&x->crews, c->next);
        c->next = x->spare_crews;
        x->spare_crews = c;
    }
    mo_store_relaxed(&x->blocking_threads, 0u);
    x->blocking_idle = 0;
}
