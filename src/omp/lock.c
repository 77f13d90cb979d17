/* Locks of the program, in the bytes that the program gives: four for a simple lock, eight for a nestable one, so one
   form serves every header. While a thread holds one, no new task runs at once on it (task scheduling, rule a). */
#include "omp/core.h"

_Atomic uint32_t MO_SHARED(critical) MO_ALIGNED(MO_LINE_PAIR);
_Atomic uint32_t MO_SHARED(atomic) MO_ALIGNED(MO_LINE_PAIR);

static void hold(struct mo_member *m)
{
    m->worker->held++;
}

/* A lock may be given back by another thread than took it, against the rules. */
static void let_go(void)
{
    struct mo_worker *w = mo_self()->worker;
    if (w->held)
        w->held--;
}

void mo_omp_lock(_Atomic uint32_t *lock)
{
    hold(mo_self());
    mo_mutex_lock(lock);
}

void mo_omp_unlock(_Atomic uint32_t *lock)
{
    mo_mutex_unlock(lock);
    let_go();
}

bool mo_omp_try_lock(_Atomic uint32_t *lock)
{
    if (!mo_mutex_try_lock(lock))
        return false;
    hold(mo_self());
    return true;
}

/* ---- Nestable. The protocol is that of the mutex in park, with the owner's identity in place of 1. */
static bool try_own(struct mo_nest_lock *lock, uint32_t mine)
{
    uint32_t free = 0;
    return mo_cas_acquire(&lock->owner, &free, mine);
}

static void own_slow(struct mo_nest_lock *lock, uint32_t mine)
{
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

void mo_omp_nest_lock(struct mo_nest_lock *lock)
{
    struct mo_member *m = mo_self();
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

void mo_omp_nest_unlock(struct mo_nest_lock *lock)
{
    if (--lock->count)
        return;
    if (mo_exchange_release(&lock->owner, 0u) & 1)
        mo_park_wake(&lock->owner, 1, MO_WAKE_ANY, 1);
    let_go();
}

unsigned mo_omp_try_nest_lock(struct mo_nest_lock *lock)
{
    struct mo_member *m = mo_self();
    uint32_t mine = mo_task_identity(m) << 1;
    if (is_mine(lock, mine))
        return ++lock->count;
    if (!try_own(lock, mine))
        return 0;
    hold(m);
    return lock->count = 1;
}
