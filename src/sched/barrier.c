/* Barriers. Members count up `arrived` (through `leaf` counters in teams above MO_TEAM_LEAF, so that no line has more
   than a handful of writers). Without tasks the last arriver releases: it resets the counters and raises `gen`, the one
   line that all others read. With tasks, whoever has run out of work checks whether all have arrived and all tasks have
   ended, and the first to claim generation g (CAS on `claim`) releases it.
   B1  gen changes only after all members have arrived, so a member that read gen before it arrived sees it change.
   B2  `claim` is g + 1 from the moment that a releaser of generation g is chosen; a late checker of g fails its CAS,
       since the next generation starts with claim == g + 1.
   B3  counters are reset before gen is raised (seq_cst exchange), so an early arriver of the next barrier finds zero.

   Have all tasks ended? Each member counts tasks it created and tasks it ended; both only grow. First all `done` are
   summed, then all `created`. done(t1) <= done(t) <= created(t) <= created(t2) for t1 < t < t2, so equal sums mean that
   at t between the passes none was open; and with everybody arrived only an open task could create another.
   Somebody sees it: a member checks after its last done, with an RMW on `idle` in between (mo_idle_begin_search); the
   RMWs of two such members are ordered, and the later one sees the done of the earlier.
   So one check after each last done is enough, another one after an outsider's (whose word all read who look), and the
   last arriver's, which sees what the others ended before they arrived: who has ended nothing since it arrived makes
   none. A check reads a line of each member, and the RMW takes a line from all: in large teams a member makes both only
   after some looks in vain, as most thieves find something before.
   tests/models/barrier.pml has the protocol, with sleepers, this rule, and the barriers that a cancellation cuts
   short. */
#include "sched/internal.h"

#define MEMBERS_A_LOOK 8 /* a look in vain is waited for so many */

static unsigned arrival_target(const struct mo_member *m)
{
    return m->size <= MO_TEAM_LEAF ? m->size : (m->size + MO_TEAM_LEAF - 1) / MO_TEAM_LEAF;
}

static bool count_up(_Atomic uint32_t *counter, unsigned target)
{
    /* acq_rel: the last one has seen what all others did before they arrived. */
    return mo_fetch_add_acq_rel(counter, 1u) + 1 == target;
}

/* Tasks whose end may be the last one without anybody else noticing that: the member's own, and outsiders'. */
static uint64_t ended_here(const struct mo_member *m)
{
    /* seq_cst: an outsider adds, then looks for sleepers. */
    return mo_load_relaxed(&m->done) + mo_load_seqcst(&m->team->done_outside);
}

/* For what ended before it arrives the last arriver sums. */
static void begin_barrier(struct mo_member *m)
{
    m->fruitless = 0;
    m->summed = ended_here(m);
    m->gen_seen = mo_load_relaxed(&m->team->gen); /* B1: cannot change before we have arrived */
    mo_count(&m->worker->counts, MO_COUNT_BARRIERS, 1);
}

/* True for the last one. */
static bool arrive(struct mo_member *m)
{
    struct mo_team *team = m->team;
    begin_barrier(m);
    if (m->size > MO_TEAM_LEAF) {
        unsigned group = m->tid / MO_TEAM_LEAF, first = group * MO_TEAM_LEAF;
        unsigned members = m->size - first < MO_TEAM_LEAF ? m->size - first : MO_TEAM_LEAF;
        if (!count_up(&team->leaf[group].count, members))
            return false;
        mo_store_relaxed(&team->leaf[group].count, 0u); /* B3: nobody touches it before the release */
    }
    return count_up(&team->arrived, arrival_target(m));
}

/* The end of a region concerns only the master: the others wait for the next region. A tool is told when each of them
   has passed the barrier, so there all of them wait. */
static void release(struct mo_member *m)
{
    struct mo_team *team = m->team;
    mo_store_relaxed(&team->arrived, 0u);
    if (mo_unlikely(m->cancellable))
        mo_store_relaxed(&team->arrived_cancellable, 0u);
    if (mo_load_relaxed(&team->has_tasks))
        mo_store_relaxed(&team->has_tasks, false);
    mo_exchange_seqcst(&team->gen, m->gen_seen + 1); /* B3; and it precedes the look for sleepers */
    mo_event_notify_bits(&team->event, MO_WAKE_ALL, m->joining && !mo_traced(m) ? MO_WAKE_MASTER : MO_WAKE_ANY);
}

/* B2. Also for the last arriver that sees no tasks: there may have been some, which others finished and released for
   between its arrival and its look. */
static void claim_and_release(struct mo_member *m)
{
    uint32_t gen = m->gen_seen;
    if (mo_cas_acq_rel(&m->team->claim, &gen, gen + 1))
        release(m);
}

static bool all_tasks_ended(const struct mo_member *m)
{
    struct mo_team *team = m->team;
    uint64_t done = mo_load_seqcst(&team->done_outside), created = 0;
    for (unsigned i = 0; i < m->size; i++)
        done += mo_load_seqcst(&mo_team_member(team, i)->done);
    for (unsigned i = 0; i < m->size; i++)
        created += mo_load_seqcst(&mo_team_member(team, i)->created);
    return done == created;
}

static bool all_arrived(const struct mo_member *m)
{
    struct mo_team *team = m->team;
    if (mo_unlikely(m->cancellable && !m->joining))
        return mo_load_acquire(&team->arrived_cancellable) == m->size;
    return mo_load_acquire(&team->arrived) == arrival_target(m);
}

/* Nothing has ended since it compared the sums, or arrived, that others do not compare them for. Who is about to sleep
   is careful. */
static bool has_summed(struct mo_member *m)
{
    uint64_t ended = ended_here(m);
    bool same = m->summed == ended && m->sleeping == MO_AWAKE;
    m->summed = ended;
    return same;
}

static void try_release(struct mo_member *m)
{
    struct mo_team *team = m->team;
    if (mo_load_acquire(&team->gen) != m->gen_seen || !all_arrived(m) || has_summed(m) || !all_tasks_ended(m))
        return;
    claim_and_release(m);
}

static void last_arrived(struct mo_member *m)
{
    struct mo_team *team = m->team;
    if (mo_load_relaxed(&team->has_tasks)) {
        mo_idle_begin_search(m); /* it stays one: the wait that follows looks */
        m->summed = UINT64_MAX;
        try_release(m);
    } else {
        claim_and_release(m);
    }
}

void mo_team_arrive(struct mo_member *m)
{
    if (arrive(m))
        last_arrived(m);
}

static bool barrier_work(void *member)
{
    struct mo_member *m = member;
    struct mo_team *team = m->team;
    if (!mo_load_relaxed(&team->has_tasks) || mo_load_acquire(&team->gen) != m->gen_seen) {
        mo_idle_leave_search(m);
        return false;
    }
    struct mo_task *task = mo_priority_take(m, NULL);
    if (!task)
        task = mo_deque_pop_owner(&m->deque, INT64_MIN, true);
    if (!task)
        task = mo_steal(m, NULL);
    if (task) {
        mo_idle_found_work(m);
        m->fruitless = 0;
        mo_task_execute(m, task);
        return true;
    }
    if (m->sleeping == MO_AWAKE && m->fruitless < m->size / MEMBERS_A_LOOK) {
        m->fruitless++;
        return false;
    }
    mo_idle_begin_search(m);
    try_release(m);
    return false;
}

static bool barrier_is_over(void *member)
{
    struct mo_member *m = member;
    return mo_load_seqcst(&m->team->gen) != m->gen_seen;
}

static void leave_search(void *member)
{
    mo_idle_leave_search(member);
}

void mo_team_await(struct mo_member *m, bool (*ready)(void *member), uint32_t bits)
{
    const struct mo_wait wait = {.ready = ready,
                                 .work = barrier_work,
                                 .asleep = mo_idle_asleep,
                                 .awake = mo_idle_awake,
                                 .linger = mo_spread,
                                 .arg = m,
                                 .idle = mo_idle_between_regions,
                                 .aside = leave_search,
                                 .memory = &m->memory[m->joining],
                                 .event = &m->team->event,
                                 .bits = bits,
                                 .together = m->size,
                                 .patient = m->patient && m->joining};
    mo_wait(&wait);
    mo_idle_leave_search(m);
}

/* ---- Alone: only detached tasks may still be out. What is stored has not ended, so no other look is needed. */
static inline bool alone_all_ended(const struct mo_member *m)
{
    uint64_t done = mo_load_seqcst(&m->team->done_outside) + mo_load_relaxed(&m->done);
    return done == mo_load_relaxed(&m->created);
}

static bool alone_has_news(void *member)
{
    struct mo_member *m = member;
    /* seq_cst: must not be read before the sleeper has announced itself; enqueue_elsewhere() writes, then looks for
       one. */
    return mo_load_seqcst(&m->team->queued) || mo_load_seqcst(&m->team->held_back) || alone_all_ended(m);
}

static __attribute__((noinline)) void drain_alone(struct mo_member *m)
{
    struct mo_task *task;
    for (;;) {
        while ((task = mo_priority_take(m, NULL)) || (task = mo_deque_pop_owner(&m->deque, INT64_MIN, false)) ||
               (task = mo_held_back_take(m, NULL)))
            mo_task_execute(m, task);
        if (mo_likely(alone_all_ended(m)) || m == m->worker->root) /* no barrier outside all regions */
            return;
        const struct mo_wait wait = {.ready = alone_has_news, .arg = m, .event = &m->team->event, .bits = MO_WAKE_ANY};
        mo_wait(&wait);
    }
}

static __attribute__((noinline)) void join_shared(struct mo_member *m)
{
    mo_team_arrive(m);
    mo_team_await(m, barrier_is_over, m->tid ? MO_WAKE_MEMBER : MO_WAKE_ANY);
    if (mo_unlikely(m->patient && m->joining))
        mo_team_patience_ends(m);
}

void mo_team_join(struct mo_member *m)
{
    if (m->shared)
        join_shared(m);
    else if (mo_unlikely(!alone_all_ended(m)))
        drain_alone(m);
}

/* ---- Barriers that a cancellation of the region cuts short have a counter of their own. A member that cancelled, or
   has seen it, does not arrive; one that had arrived goes away. So once the region is cancelled this counter never
   becomes full, as who cancelled is missing (nobody cancels in a barrier: omp/cancel.c); what it holds is forgotten at
   the next region. All meet at the region's end, whose counter nobody has touched before. */
static bool is_cancelled(const struct mo_member *m)
{
    return m->cancellable && mo_load_seqcst(&m->team->cancelled);
}

static bool barrier_is_over_or_cancelled(void *member)
{
    return barrier_is_over(member) || is_cancelled(member);
}

static bool barrier_cancellable(struct mo_member *m)
{
    struct mo_team *team = m->team;
    if (is_cancelled(m))
        return false;
    begin_barrier(m);
    if (mo_fetch_add_acq_rel(&team->arrived_cancellable, 1u) + 1 == m->size)
        last_arrived(m);
    mo_team_await(m, barrier_is_over_or_cancelled, m->tid ? MO_WAKE_MEMBER : MO_WAKE_ANY);
    return barrier_is_over(m);
}

void mo_team_cancel(struct mo_team *team)
{
    mo_exchange_seqcst(&team->cancelled, true); /* precedes the look for sleepers */
    mo_event_notify(&team->event);
}

/* ---- As a tool sees it. */
#ifdef MO_OMPT
void mo_team_join_observed(struct mo_member *m)
{
    struct mo_obs_thread *t = &m->worker->obs;
    if (!t->task || t->task->flags & MO_OBS_TASK_INITIAL) { /* a contention group, not a region */
        mo_team_join(m);
        return;
    }
    mo_obs_barrier_begin(t, MO_OBS_BARRIER_PARALLEL);
    mo_team_join(m);
    mo_obs_barrier_end(t, MO_OBS_BARRIER_PARALLEL);
}
#endif

static __attribute__((noinline)) bool barrier_shared(struct mo_member *m)
{
    join_shared(m);
    return true;
}

static __attribute__((noinline)) bool barrier_alone(struct mo_member *m)
{
    drain_alone(m);
    return true;
}

static __attribute__((noinline)) bool barrier_that_may_be_cut(struct mo_member *m)
{
    if (m->shared)
        return barrier_cancellable(m);
    mo_team_join(m);
    return !is_cancelled(m);
}

bool mo_team_barrier_plain(struct mo_member *m)
{
    if (mo_unlikely(m->cancellable))
        return barrier_that_may_be_cut(m);
    if (m->shared)
        return barrier_shared(m);
    return mo_likely(alone_all_ended(m)) ? true : barrier_alone(m);
}

static __attribute__((noinline)) bool barrier_observed(struct mo_member *m)
{
    struct mo_obs_thread *t = &m->worker->obs;
    enum mo_obs_sync kind = (enum mo_obs_sync)mo_obs_what(t, MO_OBS_BARRIER_INTERNAL);
    mo_obs_barrier_begin(t, kind);
    bool passed = mo_team_barrier_plain(m);
    mo_obs_barrier_end(t, kind);
    return passed;
}

bool mo_team_barrier(struct mo_member *m)
{
    return mo_unlikely(mo_traced(m)) ? barrier_observed(m) : mo_team_barrier_plain(m);
}
