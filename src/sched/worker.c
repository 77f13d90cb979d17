/* Meeting threads: the process's scheduler state, workers, permanent memory, fork. */
#include "park/fiber.h"
#include "park/strand.h"
#include "sched/internal.h"
#include "sched/job.h"
#include "sched/timer.h"
#include "topo/topo.h"

#include <pthread.h>
#include <string.h>

#define PERMANENT_CHUNK (64u * 1024)

struct mo_sched MO_SHARED(sched);
__thread struct mo_member *MO_SHARED(self) MO_SHARED_TLS;

void *mo_sched_permanent_locked(size_t bytes)
{
    struct mo_sched *s = &MO_SHARED(sched);
    bytes = (bytes + MO_LINE_PAIR - 1) & ~(size_t)(MO_LINE_PAIR - 1);
    if (bytes > PERMANENT_CHUNK / 4)
        return mo_extent_alloc(bytes);
    if ((size_t)(s->bump_end - s->bump) < bytes) {
        char *chunk = mo_extent_alloc(PERMANENT_CHUNK);
        if (!chunk)
            return NULL;
        s->bump = chunk;
        s->bump_end = chunk + PERMANENT_CHUNK;
    }
    void *p = s->bump;
    s->bump += bytes;
    return p;
}

bool mo_worker_exists(unsigned index)
{
    return mo_load_acquire(&MO_SHARED(sched).worker[index]) != NULL;
}

void mo_worker_free(struct mo_worker *w, uint16_t home, void *block, unsigned cls)
{
    if (mo_likely(home == w->index))
        mo_slab_free_owner(&w->slab, block, cls);
    else
        mo_slab_free_remote(&mo_worker_at(home)->slab, block, cls);
}

struct mo_member *mo_root_new_locked(struct mo_worker *w)
{
    struct mo_team *team = mo_team_new_locked();
    if (!team || !mo_team_reserve_locked(team, 1))
        return NULL;
    team->size = 1;
    struct mo_member *m = mo_team_member(team, 0);
    m->worker = w;
    return m;
}

/* A team of one for a thread outside all regions. */
static bool give_root_locked(struct mo_worker *w)
{
    w->root = mo_root_new_locked(w);
    return w->root != NULL;
}

/* Detached tasks that the last thread created outside all regions, and that wait for their events still, are counted at
   the root. Once they have ended nobody but a new thread touches it. */
static bool has_settled(const struct mo_worker *w)
{
    struct mo_member *root = w->root;
    return !root ||
           mo_load_relaxed(&root->created) == mo_load_relaxed(&root->done) + mo_load_acquire(&root->team->done_outside);
}

static struct mo_worker *take_spare(struct mo_worker **spare)
{
    while (*spare && !has_settled(*spare))
        spare = &(*spare)->next;
    struct mo_worker *w = *spare;
    if (w)
        *spare = w->next;
    return w;
}

struct mo_worker *mo_worker_new_locked(bool pooled)
{
    struct mo_sched *s = &MO_SHARED(sched);
    struct mo_worker *w = take_spare(pooled ? &s->spare_pooled : &s->spare_adopted);
    return w ? w : mo_worker_new_fresh_locked(pooled);
}

struct mo_worker *mo_worker_new_fresh_locked(bool pooled)
{
    struct mo_sched *s = &MO_SHARED(sched);
    struct mo_worker *w;
    if (s->workers == MO_WORKERS_MAX || !(w = mo_sched_permanent_locked(sizeof *w)))
        return NULL;
    w->pooled = pooled;
    if (!mo_slab_prepare(&w->slab) || (!pooled && !give_root_locked(w)))
        return NULL;
    w->first = s->workers == 0;
    w->index = (uint16_t)s->workers++;
    w->last_job = 1; /* numbers of jobs are odd */
    mo_epoch_register(&w->epoch);
    mo_store_release(&s->worker[w->index], w);
    return w;
}

/* What is called may add to the list. */
void mo_worker_end_all(struct mo_worker *w, bool lost)
{
    bool any = w->ends != NULL;
    for (struct mo_thread_end *e; (e = w->ends) != NULL;) {
        w->ends = e->next;
        e->fn(e, lost);
    }
    if (any || !lost)
        w->first = false;
}

/* An adopted thread ends: its worker, with the hot teams that hang on it, waits for the next thread. */
static void thread_ends(void *worker)
{
    struct mo_worker *w = worker;
    struct mo_sched *s = &MO_SHARED(sched);
    mo_depends_leave(w->root, &w->root->implicit);
    mo_worker_end_all(w, false);
    if (mo_unlikely(mo_traced(w->root)))
        mo_observe_left(w);
    mo_guests_thread_ends(w);
    MO_SHARED(self) = NULL;
    mo_store_relaxed(&w->tid, 0u);
    mo_park_threads_add(-1);
    mo_mutex_lock(&s->lock);
    w->next = s->spare_adopted;
    s->spare_adopted = w;
    mo_mutex_unlock(&s->lock);
}

static void before_fork(void)
{
    mo_mutex_lock(&MO_SHARED(sched).lock);
}

static void after_fork_parent(void)
{
    mo_mutex_unlock(&MO_SHARED(sched).lock);
}

static bool takes_part(struct mo_member *self, struct mo_team *team)
{
    while (self && self->team != team)
        self = self->team->master;
    return self != NULL;
}

/* What the present regions have counted so far is the parent's. */
static void start_counting_anew(struct mo_member *self)
{
    struct mo_worker *w = self->worker;
    mo_store_relaxed(&w->tid, mo_plat_tid());
    for (struct mo_member *m = self; m; m = m->team->master) {
        mo_count(&w->counts, MO_COUNT_TASKS_STORED, -mo_load_relaxed(&m->created));
        mo_count(&w->counts, MO_COUNT_TASKS_ENDED, -mo_load_relaxed(&m->done));
        mo_count(&w->counts, MO_COUNT_TASKS_AT_ONCE, -(mo_load_relaxed(&m->at_once) >> MO_AT_ONCE_SHIFT));
    }
}

/* The forking thread is the only one left: every other worker is spare, no team has threads. */
static void after_fork_child(void)
{
    struct mo_sched *s = &MO_SHARED(sched);
    struct mo_member *self = MO_SHARED(self);
    mo_store_relaxed(&s->lock, 0u);
    mo_park_reset_after_fork();
    mo_epoch_reset_after_fork();
    mo_obs_reset_after_fork();
    mo_fiber_reset_after_fork();
    mo_strands_reset_after_fork();
    s->free = s->spare_adopted = s->spare_pooled = NULL;
    for (unsigned i = 0; i < s->workers; i++) {
        struct mo_worker *w = mo_worker_at((uint16_t)i);
        w->event.waiters = 0;
        memset(&w->counts, 0, sizeof w->counts);
        w->seat = NULL;
        w->serves = NULL;
        if (w->ring)
            *w->ring = (struct mo_ring){.fibers = 0};
        if (self && w == self->worker)
            continue;
        w->watch = NULL;
        if (w->fiber) { /* it stays its member's, which begins anew */
            w->stack_end = NULL;
            continue;
        }
        struct mo_worker **spare = w->pooled ? &s->spare_pooled : &s->spare_adopted;
        mo_store_relaxed(&w->assigned, NULL);
        mo_store_relaxed(&w->tid, 0u);
        w->held = 0;
        w->job = NULL;
        w->next = *spare;
        *spare = w;
    }
    for (struct mo_team *t = s->teams; t; t = t->next)
        mo_team_forget_threads(t, !takes_part(self, t));
    mo_executors_forget();
    mo_timers_forget();
    mo_watch_reset_after_fork();
    if (self)
        start_counting_anew(self);
}

/* Once per process, and once more in a child that was forked in the middle of it (pthread_once sees to that). The fork
   handlers come first: from then on no fork can find the lock held. */
static void initialise(void)
{
    struct mo_sched *s = &MO_SHARED(sched);
    if (!s->handles_fork) {
        s->handles_fork = true;
        if (pthread_atfork(before_fork, after_fork_parent, after_fork_child) != 0)
            mo_warn("cannot register fork handlers: a forked child must not use OpenMP");
    }
    mo_config_load();
    mo_watch_start();
    mo_park_init(mo_topo_cpus(), mo_topo_cpus_abreast());
    mo_store_relaxed(&s->quota_seen, mo_plat_ticks());
    s->asymmetric = mo_plat_barrier_arm() || (mo_watch_wishes() & MO_WATCH_METRICS && mo_plat_barrier_arm_late());
    s->nodes = mo_topo_nodes_online();
    s->fibers = mo_knob(MO_KNOB_TEAM) == MO_TEAM_ULT;
    s->cutoff = (unsigned)mo_knob(MO_KNOB_TASK_CUTOFF);
    s->steal = (enum mo_steal_strategy)mo_knob(MO_KNOB_STEAL);
    bool omp = mo_knob_source(MO_KNOB_OMP_STACKSIZE) == MO_SOURCE_ENV;
    mo_store_relaxed(&s->stack_bytes, mo_knob(omp ? MO_KNOB_OMP_STACKSIZE : MO_KNOB_KMP_STACKSIZE));
    pthread_key_t key;
    if (pthread_key_create(&key, thread_ends) != 0)
        mo_fatal("cannot create a thread-specific key");
    s->exit_key = key;
}

struct mo_member *mo_sched_try_adopt(void)
{
    struct mo_sched *s = &MO_SHARED(sched);
    pthread_once(&s->once, initialise);
    mo_mutex_lock(&s->lock);
    struct mo_worker *w = mo_worker_new_locked(false);
    mo_mutex_unlock(&s->lock);
    if (!w)
        return NULL;
    mo_worker_end_all(w, true);
    w->stack_end = NULL;
    w->held = 0;
    w->place = 0;
    mo_store_relaxed(&w->tid, mo_plat_tid());
    mo_store_relaxed(&w->root->team->done_outside, 0u);
    mo_member_begin(w->root, 0);
    w->root->implicit.env = 0;
    MO_SHARED(self) = w->root;
    mo_park_threads_add(1);
    pthread_setspecific((pthread_key_t)s->exit_key, w);
    mo_obs_start(); /* now that the thread is known: the tool may call the runtime */
    if (mo_unlikely(mo_obs_attached()))
        mo_observe_adopted(w->root);
    return w->root;
}

struct mo_member *mo_sched_adopt(void)
{
    struct mo_member *root = mo_sched_try_adopt();
    if (!root)
        mo_fatal("out of memory while meeting a new thread");
    return root;
}
