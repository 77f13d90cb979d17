/* Locks of the program, in the bytes that the program gives: four for a simple lock, eight for a nestable one, so one
   form serves every header. While a thread holds one, no new task runs at once on it (task scheduling, rule a). */
#include "omp/core.h"
#include "park/fiber.h"
#include "watch/locks.h"

_Atomic uint32_t MO_SHARED(critical) MO_ALIGNED(MO_LINE_PAIR);
_Atomic uint32_t MO_SHARED(atomic) MO_ALIGNED(MO_LINE_PAIR);

void mo_omp_lock_init(struct mo_member *m, _Atomic uint32_t *lock, unsigned hint)
{
    mo_store_relaxed(lock, 0u);
    if (mo_unlikely(mo_traced(m)))
        mo_obs_lock_init(&m->worker->obs, MO_OBS_LOCK, hint, lock);
}

void mo_omp_lock_destroy(struct mo_member *m, _Atomic uint32_t *lock)
{
    if (mo_unlikely(mo_traced(m)))
        mo_obs_lock_destroy(&m->worker->obs, MO_OBS_LOCK, lock);
}

void mo_omp_nest_init(struct mo_member *m, struct mo_nest_lock *lock, unsigned hint)
{
    mo_store_relaxed(&lock->owner, 0u);
    lock->count = 0;
    if (mo_unlikely(mo_traced(m)))
        mo_obs_lock_init(&m->worker->obs, MO_OBS_NEST_LOCK, hint, lock);
}

void mo_omp_nest_destroy(struct mo_member *m, struct mo_nest_lock *lock)
{
    if (mo_unlikely(mo_traced(m)))
        mo_obs_lock_destroy(&m->worker->obs, MO_OBS_NEST_LOCK, lock);
}

static void hold(struct mo_member *m)
{
    m->worker->held++;
}

static void acquire_profiled(struct mo_member *m, _Atomic uint32_t *lock, enum mo_lock_kind kind)
{
    bool contended = mo_load_relaxed(lock) != 0;
    uint64_t began = mo_plat_ticks();
    if (contended)
        mo_locks_waiting(lock, 1);
    mo_omp_acquire_plain(m, lock);
    if (contended)
        mo_locks_waiting(lock, -1);
    mo_locks_taken(lock, m->worker->obs.codeptr, kind, contended, mo_plat_ticks() - began);
}

static __attribute__((noinline)) void release_observed(struct mo_member *m, _Atomic uint32_t *lock)
{
    struct mo_obs_thread *t = &m->worker->obs;
    mo_locks_release(lock);
    mo_omp_release_plain(m, lock);
    mo_obs_mutex_released(t, (enum mo_obs_mutex)mo_obs_what(t, MO_OBS_LOCK), lock);
}

/* The kind is remembered nowhere, so the face says it at the end too. */
static __attribute__((noinline)) void acquire_observed(struct mo_member *m, _Atomic uint32_t *lock)
{
    struct mo_obs_thread *t = &m->worker->obs;
    enum mo_obs_mutex kind = (enum mo_obs_mutex)mo_obs_what(t, MO_OBS_LOCK);
    mo_obs_mutex_acquire(t, kind, lock);
    if (mo_locks_are_watched())
        acquire_profiled(m, lock, kind == MO_OBS_CRITICAL ? MO_LOCK_CRITICAL : MO_LOCK_OPENMP);
    else
        mo_omp_acquire_plain(m, lock);
    mo_obs_mutex_acquired(t, kind, lock);
}

void mo_omp_acquire(struct mo_member *m, _Atomic uint32_t *lock)
{
    if (mo_unlikely(mo_traced(m)))
        acquire_observed(m, lock);
    else
        mo_omp_acquire_plain(m, lock);
}

void mo_omp_release(struct mo_member *m, _Atomic uint32_t *lock)
{
    if (mo_unlikely(mo_traced(m)))
        release_observed(m, lock);
    else
        mo_omp_release_plain(m, lock);
}

bool mo_omp_try_acquire(struct mo_member *m, _Atomic uint32_t *lock)
{
    struct mo_obs_thread *t = &m->worker->obs;
    if (mo_unlikely(mo_traced(m)))
        mo_obs_mutex_acquire(t, MO_OBS_TEST_LOCK, lock);
    bool mine = mo_mutex_try_lock(lock);
    if (mine)
        hold(m);
    else
        mo_fiber_yield(); /* a program may wait like this */
    if (mo_unlikely(mo_traced(m)))
        mo_obs_mutex_tried(t, MO_OBS_TEST_LOCK, lock, mine);
    return mine;
}

/* ---- Nestable. The protocol is that of the mutex in park, with the owner's identity in place of 1. */
static bool try_own(struct mo_nest_lock *lock, uint32_t mine)
{
    uint32_t free = 0;
    return mo_cas_acquire(&lock->owner, &free, mine);
}

struct claim {
    struct mo_nest_lock *lock;
    uint32_t mine;
};

static bool try_claim(void *claim)
{
    struct claim *c = claim;
    return mo_load_relaxed(&c->lock->owner) == 0 && try_own(c->lock, c->mine);
}

static void own_slow(struct mo_nest_lock *lock, uint32_t mine)
{
    if (mo_fiber_lock(try_claim, &(struct claim){lock, mine}))
        return;
    for (;;) {
        uint32_t owner = mo_load_relaxed(&lock->owner);
        if (!owner) {
            if (mo_cas_acquire(&lock->owner, &owner, mine | 1)) /* others may sleep still */
                return;
        } else if (owner & 1 || mo_cas_relaxed(&lock->owner, &owner, owner | 1)) {
            mo_park_sleep(&lock->owner, owner | 1, 0, MO_WAKE_ANY);
        }
    }
}

/* Only the owner itself can find its own identity there, so a relaxed look is enough. */
static bool is_mine(struct mo_nest_lock *lock, uint32_t mine)
{
    return (mo_load_relaxed(&lock->owner) | 1) == (mine | 1);
}

/* Taken anew, or once more by its owner. */
static void take(struct mo_member *m, struct mo_nest_lock *lock)
{
    uint32_t mine = mo_task_identity(m) << 1;
    if (is_mine(lock, mine)) {
        lock->count++;
        return;
    }
    hold(m);
    if (!try_own(lock, mine))
        own_slow(lock, mine);
    lock->count = 1;
}

static unsigned try_take(struct mo_member *m, struct mo_nest_lock *lock)
{
    uint32_t mine = mo_task_identity(m) << 1;
    if (is_mine(lock, mine))
        return ++lock->count;
    if (!try_own(lock, mine)) {
        mo_fiber_yield();
        return 0;
    }
    hold(m);
    return lock->count = 1;
}

/* False: the owner has it still. */
static bool give(struct mo_member *m, struct mo_nest_lock *lock)
{
    if (--lock->count)
        return false;
    if (mo_exchange_release(&lock->owner, 0u) & 1)
        mo_park_wake(&lock->owner, 1, MO_WAKE_ANY, 1);
    mo_omp_let_go(m);
    return true;
}

static __attribute__((noinline)) void nest_observed(struct mo_member *m, struct mo_nest_lock *lock)
{
    struct mo_obs_thread *t = &m->worker->obs;
    mo_obs_mutex_acquire(t, MO_OBS_NEST_LOCK, lock);
    take(m, lock);
    if (lock->count > 1) {
        mo_obs_mutex_tried(t, MO_OBS_NEST_LOCK, lock, false);
        mo_obs_nest_lock(t, true, lock);
    } else {
        mo_obs_mutex_tried(t, MO_OBS_NEST_LOCK, lock, true);
    }
}

void mo_omp_nest_lock(struct mo_nest_lock *lock)
{
    struct mo_member *m = mo_self();
    if (mo_unlikely(mo_traced(m)))
        nest_observed(m, lock);
    else
        take(m, lock);
}

void mo_omp_nest_unlock(struct mo_nest_lock *lock)
{
    struct mo_member *m = mo_self();
    bool free = give(m, lock);
    if (mo_likely(!mo_traced(m)))
        return;
    if (free)
        mo_obs_mutex_released(&m->worker->obs, MO_OBS_NEST_LOCK, lock);
    else
        mo_obs_nest_lock(&m->worker->obs, false, lock);
}

unsigned mo_omp_try_nest_lock(struct mo_nest_lock *lock)
{
    struct mo_member *m = mo_self();
    struct mo_obs_thread *t = &m->worker->obs;
    if (mo_unlikely(mo_traced(m)))
        mo_obs_mutex_acquire(t, MO_OBS_TEST_NEST_LOCK, lock);
    unsigned count = try_take(m, lock);
    if (mo_unlikely(mo_traced(m))) {
        mo_obs_mutex_tried(t, MO_OBS_TEST_NEST_LOCK, lock, count == 1);
        if (count > 1)
            mo_obs_nest_lock(t, true, lock);
    }
    return count;
}
