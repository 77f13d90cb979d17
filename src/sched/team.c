/* Regions.

   Fork: the master publishes the region by one store to `go` (number and size in one word); pool threads that are bound
   to the team wait for it. Join is a barrier whose release only the master awaits: the others go on to wait for
   `go`. */
#include "sched/internal.h"

#include <string.h>

struct mo_team *mo_team_new_locked(void)
{
    struct mo_sched *s = &MO_SHARED(sched);
    struct mo_team *team = mo_sched_permanent_locked(sizeof *team);
    if (team) {
        team->traced = mo_obs_attached();
        team->steal = s->steal;
        team->next = s->teams;
        s->teams = team;
    }
    return team;
}

static struct mo_member *member_new_locked(struct mo_team *team, unsigned tid)
{
    struct mo_member *m = mo_sched_permanent_locked(sizeof *m);
    if (!m || !mo_deque_init(&m->deque, 256))
        return NULL;
    m->team = team;
    m->tid = tid;
    m->implicit.flags = team->traced ? MO_TASK_TRACED : 0;
    return m;
}

/* Old arrays stay as they are: a pool thread that is late for the last region may still look at them. They double, so
   all of them together take no more than the last. */
static bool grow_arrays_locked(struct mo_team *team, unsigned members)
{
    unsigned capacity = team->capacity ? team->capacity : 8;
    while (capacity < members)
        capacity *= 2;
    struct mo_member **list = mo_sched_permanent_locked(capacity * sizeof *list);
    struct mo_arrivals *leaf = mo_sched_permanent_locked((capacity / MO_TEAM_LEAF + 1) * sizeof *leaf);
    if (!list || !leaf)
        return false;
    for (unsigned i = 0; i < team->capacity; i++)
        list[i] = mo_team_member(team, i);
    mo_store_release(&team->members, list);
    team->leaf = leaf;
    team->capacity = capacity;
    return true;
}

bool mo_team_reserve_locked(struct mo_team *team, unsigned members)
{
    if (team->capacity < members && !grow_arrays_locked(team, members))
        return false;
    struct mo_member **list = mo_load_relaxed(&team->members);
    for (unsigned tid = 0; tid < members; tid++) {
        if (!list[tid])
            list[tid] = member_new_locked(team, tid);
        if (!list[tid])
            return false;
    }
    return true;
}

void mo_team_forget_threads(struct mo_team *team, bool reset)
{
    team->bound = 0;
    mo_store_relaxed(&team->event.waiters, 0u);
    mo_store_relaxed(&team->idle, 0u);
    for (unsigned i = 0; i < team->capacity; i++)
        if (mo_team_member(team, i))
            mo_store_relaxed(&mo_team_member(team, i)->guests, 0u);
    if (!reset)
        return;
    mo_store_relaxed(&team->busy, (uint32_t)MO_TEAM_IDLE);
    mo_store_relaxed(&team->arrived, 0u);
    mo_store_relaxed(&team->claim, mo_load_relaxed(&team->gen));
    mo_store_relaxed(&team->has_tasks, false);
    mo_store_relaxed(&team->queued, 0u);
    mo_store_relaxed(&team->held_back, 0u);
    mo_store_relaxed(&team->done_outside, 0u);
    mo_store_relaxed(&team->priority_lock, 0u);
    team->priority_head = NULL;
    team->priority_bare = NULL;
    memset(team->client, 0, sizeof team->client);
    for (unsigned i = 0; i < team->capacity; i++) {
        struct mo_member *m = mo_team_member(team, i);
        mo_store_relaxed(&team->leaf[i / MO_TEAM_LEAF].count, 0u);
        if (!m)
            continue;
        m->searching = false;
        memset(m->client, 0, sizeof m->client);
        m->sleeping = MO_AWAKE;
        m->depends = NULL;
        mo_store_relaxed(&m->created, 0u);
        mo_store_relaxed(&m->done, 0u);
        mo_store_relaxed(&m->at_once, 0u);
        mo_deque_clear(&m->deque);
    }
}

/* Members that are not in a region must not count in its balance; what they have counted goes to the worker. */
static __attribute__((noinline)) void keep_counts(struct mo_member *m)
{
    mo_count(&m->worker->counts, MO_COUNT_TASKS_STORED, mo_load_relaxed(&m->created));
    mo_count(&m->worker->counts, MO_COUNT_TASKS_ENDED, mo_load_relaxed(&m->done));
    mo_count(&m->worker->counts, MO_COUNT_TASKS_AT_ONCE, mo_load_relaxed(&m->at_once) >> MO_AT_ONCE_SHIFT);
    mo_store_relaxed(&m->created, 0u);
    mo_store_relaxed(&m->done, 0u);
    mo_store_relaxed(&m->at_once, 0u); /* and it is in none */
}

static inline __attribute__((always_inline)) void begin(struct mo_member *m, unsigned size)
{
    if (mo_unlikely(mo_load_relaxed(&m->created) | mo_load_relaxed(&m->done) | mo_load_relaxed(&m->at_once)))
        keep_counts(m);
    m->current = &m->implicit;
    m->implicit.pending = 0;
    mo_store_relaxed(&m->implicit.remote_done, 0);
    m->implicit.home = m->worker->index;
    m->group = NULL;
    m->shared = size > 1;
    m->alone = !m->shared;
    m->special = m->team->special;
    m->size = size ? size : 1;
    m->joining = false;
    m->task_id = 0;
    m->steal_pause = m->steal_backoff = 0;
    m->mark = mo_load_relaxed(&m->deque.bottom);
    mo_member_store(m, (int64_t)size * MO_SHARED(sched).cutoff);
}

void mo_member_begin(struct mo_member *m, unsigned size)
{
    begin(m, size);
}

static struct mo_team *inner_team(struct mo_member *master)
{
    struct mo_sched *s = &MO_SHARED(sched);
    struct mo_team *team = master->inner;
    if (mo_likely(team != NULL))
        return team;
    mo_mutex_lock(&s->lock);
    team = mo_team_new_locked();
    if (team && !mo_team_reserve_locked(team, 1))
        team = NULL;
    mo_mutex_unlock(&s->lock);
    if (!team)
        mo_fatal("out of memory for a parallel region");
    master->inner = team;
    return team;
}

/* Threads for a region: hot ones first. Returns how many members there are then. */
static __attribute__((noinline)) unsigned staff_slow(struct mo_member *master, struct mo_team *team, unsigned want)
{
    if (MO_SHARED(sched).fibers && mo_guests_open(master, team, want))
        return want;
    mo_store_relaxed(&team->carriers, 0u);
    mo_pool_bind(team, want - 1);
    return team->bound < want - 1 ? team->bound + 1 : want;
}

static unsigned staff(struct mo_member *master, struct mo_team *team, unsigned want)
{
    uint32_t idle = MO_TEAM_IDLE;
    while (!mo_cas_acquire(&team->busy, &idle, (uint32_t)MO_TEAM_TAKEN)) { /* its threads are being taken away */
        idle = MO_TEAM_IDLE;
        mo_plat_yield();
    }
    return mo_likely(team->bound >= want - 1) ? want : staff_slow(master, team, want);
}

struct mo_team *mo_team_open(struct mo_member *master, unsigned want, bool cancellable)
{
    MO_ASSERT(want >= 1);
    struct mo_team *team = inner_team(master);
    struct mo_member *m = mo_team_member(team, 0);
    m->worker = master->worker; /* before others join: they look where it is (victims.c) */
    team->size = want > 1 ? staff(master, team, want) : 1;
    if (team->master != master) /* a line that others read */
        team->master = master;
    if (want > 1 && team->size == 1)
        mo_store_release(&team->busy, (uint32_t)MO_TEAM_IDLE);
    team->cancellable = cancellable;
    if (mo_unlikely(cancellable)) {
        mo_store_relaxed(&team->cancelled, false);
        mo_store_relaxed(&team->arrived_cancellable, 0u);
    }
    if (mo_unlikely(mo_load_relaxed(&team->done_outside)))
        mo_store_relaxed(&team->done_outside, 0u);
    begin(m, team->size);
    mo_count(&m->worker->counts, MO_COUNT_REGIONS, 1);
    MO_SHARED(self) = m;
    return team;
}

/* Regions far apart. A master that stayed awake until the threads that it woke are through would burn more than all
   else that an empty region takes; asleep it loses less than a hundredth of the time since the last one. And if that
   one, with all its wakes and moves, took no longer than a move to another CPU does, none of its threads need move. */
#define FAR_APART_US 4000

static bool comes_seldom(struct mo_team *team)
{
    uint64_t now = mo_plat_ticks(), since = now - team->woken_at;
    team->woken_at = now;
    return since > FAR_APART_US * mo_plat_ticks_per_us();
}

void mo_team_patience_ends(struct mo_member *m)
{
    struct mo_team *team = m->team;
    team->was_brief = mo_plat_ticks() - team->woken_at < MO_BRIEF_US * mo_plat_ticks_per_us();
    m->patient = false;
}

/* The kernel may put a woken thread on this CPU, behind the caller, though another one idles. A yield lets it run, and
   it moves away (spread.c). Where strangers run no CPU idles, and it is they who get this one. */
static void wake_for_region(struct mo_team *team)
{
    struct mo_member *master = mo_team_member(team, 0);
    mo_store_relaxed(&master->cpu, mo_plat_cpu());
    master->patient = comes_seldom(team);
    mo_store_relaxed(&team->stays, master->patient && team->was_brief); /* a hint */
    mo_event_notify(&team->event);
    if ((team->size <= mo_park_cpus() || mo_load_relaxed(&team->carriers)) && !mo_park_disturbed())
        mo_plat_yield();
}

void mo_team_start(struct mo_team *team)
{
    if (team->size == 1)
        return;
    uint64_t region = mo_load_relaxed(&team->go) >> 16;
    /* seq_cst: publishes the region, and precedes the look for sleepers; pairs with region_began(). */
    mo_exchange_seqcst(&team->go, (region + 1) << 16 | team->size);
    if (mo_unlikely(mo_load_seqcst(&team->event.waiters) != 0))
        wake_for_region(team);
    mo_store_release(&team->busy, (uint32_t)MO_TEAM_RUNNING); /* its size is settled */
}

static inline void close_team(struct mo_team *team, void (*join)(struct mo_member *))
{
    struct mo_member *m = mo_team_member(team, 0);
    m->joining = true;
    mo_depends_leave(m, &m->implicit);
    join(m);
    MO_SHARED(self) = team->master;
    uint32_t running = MO_TEAM_RUNNING;
    while (m->shared && !mo_cas_acq_rel(&team->busy, &running, (uint32_t)MO_TEAM_IDLE)) { /* its surplus is going */
        running = MO_TEAM_RUNNING;
        mo_plat_yield();
    }
}

void mo_team_close_plain(struct mo_team *team)
{
    close_team(team, mo_team_join);
}

void mo_team_close(struct mo_team *team)
{
    if (mo_unlikely(mo_traced(team)))
        close_team(team, mo_team_join_observed);
    else
        mo_team_close_plain(team);
}

/* ---- Pool threads in a team. */
/* Or this thread is sent away. */
static bool region_began(void *member)
{
    struct mo_member *m = member;
    return mo_load_seqcst(&m->team->go) != m->go_seen || mo_load_seqcst(&m->dismissed);
}

static void woken_for_region(struct mo_member *m)
{
    m->slept = false;
    m->worker->woken_at = mo_plat_ticks();
    if (!mo_gather(m) && !mo_load_relaxed(&m->team->stays))
        mo_spread(m);
}

void mo_team_serve(struct mo_member *m)
{
    struct mo_team *team = m->team;
    uint32_t bits = MO_WAKE_MEMBER;
    m->gen_seen = mo_load_relaxed(&team->gen) - 1; /* no barrier of this team is ours yet */
    for (;;) {
        mo_team_await(m, region_began, bits);
        uint64_t go = mo_load_acquire(&team->go);
        m->go_seen = go;
        if (MO_GO_SIZE(go) == 0 || mo_load_acquire(&m->dismissed)) {
            mo_guests_leave(m);
            return;
        }
        bits = m->tid < MO_GO_SIZE(go) ? MO_WAKE_MEMBER : MO_WAKE_SURPLUS;
        if (bits == MO_WAKE_SURPLUS)
            continue;
        mo_member_begin(m, MO_GO_SIZE(go));
        if (m->slept)
            woken_for_region(m);
        if (mo_unlikely(mo_load_relaxed(&team->carriers) != 0))
            mo_guests_enter(m, go);
        team->enter(m);
        m->joining = true;
        mo_depends_leave(m, &m->implicit);
        if (mo_likely(!mo_traced(m))) {
            mo_team_arrive(m);
            continue;
        }
        mo_team_join_observed(m);
        mo_obs_implicit_end(&m->worker->obs, m->size);
    }
}
