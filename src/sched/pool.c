/* The one pool of threads of the process.

   A pool thread is either on the free list, or bound to a member of a team. Binding: whoever holds the lock takes it
   off the list, clears in_pool and writes `assigned`. Unbinding: a team without a region is told to send its threads
   away (go with count 0), or members beyond the size of a running region are dismissed; either is done by one who took
   the team's `busy` by CAS. Each thread leaves the team's memory alone and then sets in_pool, for which the unbinder
   waits, so a thread is never in two teams.
   New threads are made only when the free list is empty and no bound thread is without a region: there are never more
   than the largest simultaneous demand. */
#include "sched/internal.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static bool is_assigned(void *worker)
{
    return mo_load_seqcst(&((struct mo_worker *)worker)->assigned) != NULL;
}

/* Written to `assigned` of a thread that is to end: an address that all objects with this code agree on. */
#define LEAVE_POOL ((struct mo_member *)&MO_SHARED(sched))

/* From here on the worker is for another thread. */
static void *leave(struct mo_worker *w)
{
    struct mo_sched *s = &MO_SHARED(sched);
    mo_worker_end_all(w, false);
    mo_store_relaxed(&w->tid, 0u);
    mo_guests_thread_ends(w);
    mo_park_threads_add(-1);
    if (mo_unlikely(mo_obs_attached())) {
        mo_obs_thread_end(&w->obs);
        mo_obs_pool_thread_gone();
    }
    mo_mutex_lock(&s->lock);
    w->next = s->spare_pooled;
    s->spare_pooled = w;
    mo_mutex_unlock(&s->lock);
    return NULL;
}

static void *worker_main(void *arg)
{
    struct mo_worker *w = arg;
    mo_worker_end_all(w, true);
    w->stack_end = mo_plat_stack_end();
    mo_store_relaxed(&w->tid, mo_plat_tid());
    if (mo_unlikely(mo_obs_attached()))
        mo_obs_thread_begin(&w->obs, true);
    for (;;) {
        const struct mo_wait wait = {.ready = is_assigned, .arg = w, .event = &w->event, .bits = MO_WAKE_ANY};
        mo_wait(&wait);
        struct mo_member *m = mo_load_acquire(&w->assigned);
        mo_store_relaxed(&w->assigned, NULL);
        if (m == LEAVE_POOL)
            return leave(w);
        mo_store_relaxed(&w->cpu, mo_plat_cpu());
        w->node = mo_plat_node();
        MO_SHARED(self) = m;
        mo_team_serve(m);
        MO_SHARED(self) = NULL;
        mo_store_seqcst(&w->in_pool, true); /* pairs with send_away() */
    }
}

size_t mo_pool_stack_bytes(void)
{
    size_t bytes = mo_load_relaxed(&MO_SHARED(sched).stack_bytes);
    pthread_attr_t attr;
    if (bytes || pthread_attr_init(&attr) != 0)
        return bytes;
    pthread_attr_getstacksize(&attr, &bytes);
    pthread_attr_destroy(&attr);
    return bytes;
}

void mo_pool_set_stack_bytes(size_t bytes)
{
    size_t least = (size_t)sysconf(_SC_THREAD_STACK_MIN);
    mo_store_relaxed(&MO_SHARED(sched).stack_bytes, (uint64_t)(bytes > least ? bytes : least));
}

int mo_pool_start_thread(struct mo_worker *w)
{
    pthread_attr_t attr;
    pthread_t thread;
    w->place = 0; /* wherever it starts */
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    uint64_t stack_bytes = mo_load_relaxed(&MO_SHARED(sched).stack_bytes);
    if (stack_bytes && pthread_attr_setstacksize(&attr, stack_bytes) != 0)
        mo_warn_once("a stack of %llu bytes is not possible; threads get the default", (unsigned long long)stack_bytes);
    int err = pthread_create(&thread, &attr, worker_main, w);
    pthread_attr_destroy(&attr);
    if (!err)
        mo_park_threads_add(1);
    return err;
}

/* Wait until members first..bound have left, and put their threads on the free list. */
static void collect_leavers(struct mo_team *team, unsigned first)
{
    struct mo_sched *s = &MO_SHARED(sched);
    for (unsigned tid = first; tid <= team->bound; tid++) {
        struct mo_worker *w = mo_team_member(team, tid)->worker;
        while (!mo_load_acquire(&w->in_pool))
            mo_plat_yield();
        w->next = s->free;
        s->free = w;
    }
    team->bound = first - 1;
}

/* Free the threads of a team that has no region. */
static bool send_all_away(struct mo_team *team)
{
    if (!team->bound)
        return false;
    uint64_t region = mo_load_relaxed(&team->go) >> 16;
    mo_exchange_seqcst(&team->go, (region + 1) << 16);
    mo_event_notify(&team->event);
    collect_leavers(team, 1);
    return true;
}

/* Free the threads that a running team has beyond its region's size. */
static bool send_surplus_away(struct mo_team *team)
{
    if (team->bound < team->size)
        return false;
    for (unsigned tid = team->size; tid <= team->bound; tid++)
        mo_store_seqcst(&mo_team_member(team, tid)->dismissed, true);
    mo_event_notify(&team->event);
    collect_leavers(team, team->size);
    return true;
}

static bool reclaim_from(struct mo_team *team, uint32_t state, bool (*send_away)(struct mo_team *))
{
    uint32_t expected = state;
    if (mo_load_relaxed(&team->busy) != state || !mo_cas_acquire(&team->busy, &expected, (uint32_t)MO_TEAM_TAKEN))
        return false;
    bool any = send_away(team);
    mo_store_release(&team->busy, state);
    return any;
}

/* Take over threads that do nothing: those of an idle team, else the surplus of a running one. False when all work. */
static bool reclaim(struct mo_sched *s)
{
    for (struct mo_team *t = s->teams; t; t = t->next)
        if (reclaim_from(t, MO_TEAM_IDLE, send_all_away))
            return true;
    for (struct mo_team *t = s->teams; t; t = t->next)
        if (reclaim_from(t, MO_TEAM_RUNNING, send_surplus_away))
            return true;
    return false;
}

static struct mo_worker *new_thread(struct mo_sched *s)
{
    struct mo_worker *w = mo_worker_new_locked(true);
    int err = w ? mo_pool_start_thread(w) : ENOMEM;
    if (!err)
        return w;
    if (w) {
        w->next = s->spare_pooled;
        s->spare_pooled = w;
    }
    mo_warn_once("cannot start a thread (%s); going on with fewer", strerror(err));
    return NULL;
}

static struct mo_worker *take(struct mo_sched *s)
{
    if (!s->free && !reclaim(s))
        return new_thread(s);
    struct mo_worker *w = s->free;
    s->free = w->next;
    return w;
}

static void bind(struct mo_team *team, unsigned tid, struct mo_worker *w)
{
    struct mo_member *m = mo_team_member(team, tid);
    m->worker = w;
    m->go_seen = mo_load_relaxed(&team->go); /* the next region is new to it */
    mo_store_relaxed(&m->dismissed, false);
    mo_store_relaxed(&w->in_pool, false);
    mo_store_seqcst(&w->assigned, m);
    mo_event_notify(&w->event);
    team->bound = tid;
}

void mo_pool_bind(struct mo_team *team, unsigned want)
{
    struct mo_sched *s = &MO_SHARED(sched);
    mo_mutex_lock(&s->lock);
    team->staffings++;
    if (!mo_team_reserve_locked(team, want + 1)) {
        mo_warn_once("out of memory for a team of %u; going on with fewer threads", want + 1);
        want = 0;
    }
    for (unsigned tid = team->bound + 1; tid <= want; tid++) {
        struct mo_worker *w = take(s);
        if (!w)
            break;
        bind(team, tid, w);
    }
    mo_victims_arrange_locked(team);
    mo_mutex_unlock(&s->lock);
}

void mo_pool_release(void)
{
    struct mo_sched *s = &MO_SHARED(sched);
    mo_mutex_lock(&s->lock);
    for (struct mo_team *t = s->teams; t; t = t->next)
        reclaim_from(t, MO_TEAM_IDLE, send_all_away);
    while (s->free) {
        struct mo_worker *w = s->free;
        s->free = w->next;
        mo_store_seqcst(&w->assigned, LEAVE_POOL);
        mo_event_notify(&w->event);
    }
    mo_mutex_unlock(&s->lock);
}
