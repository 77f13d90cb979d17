/* pthread_mutex_lock and its like. The words are glibc's (sync/sync.h), so initialisation, attributes and destruction
   stay with glibc; so do all calls for robust, priority-inheriting, priority-protected and process-shared mutexes. */
#include "interpose/pthread/pthread.h"

#include <errno.h>
#include <sys/single_threaded.h>

_Static_assert(offsetof(struct mo_sync_mutex, word) == offsetof(pthread_mutex_t, __data.__lock), "glibc's layout");
_Static_assert(offsetof(struct mo_sync_mutex, count) == offsetof(pthread_mutex_t, __data.__count), "glibc's layout");
_Static_assert(offsetof(struct mo_sync_mutex, owner) == offsetof(pthread_mutex_t, __data.__owner), "glibc's layout");
_Static_assert(offsetof(struct mo_sync_mutex, users) == offsetof(pthread_mutex_t, __data.__nusers), "glibc's layout");
_Static_assert(offsetof(struct mo_sync_mutex, kind) == offsetof(pthread_mutex_t, __data.__kind), "glibc's layout");

/* While a process has one thread nobody can come between a look and a write, and a private mutex needs no atomic
   operation. Creating a thread orders what was written before. */
static inline bool try_take(struct mo_sync_mutex *m)
{
    uint32_t free = 0;
    if (!__libc_single_threaded)
        return mo_cas_acquire(&m->word, &free, 1u);
    if (mo_load_relaxed(&m->word) != 0)
        return false;
    mo_store_relaxed(&m->word, 1u);
    return true;
}

/* The same with a look first, for kinds whose owner may come again: a mutex that is held is not written to. */
static inline bool try_take_free(struct mo_sync_mutex *m)
{
    uint32_t free = 0;
    if (mo_load_relaxed(&m->word) != 0)
        return false;
    if (!__libc_single_threaded)
        return mo_cas_acquire(&m->word, &free, 1u);
    mo_store_relaxed(&m->word, 1u);
    return true;
}

/* Who is alone has nobody to wake. */
static inline void give_up(struct mo_sync_mutex *m)
{
    uint32_t held = 1;
    mo_store_relaxed(&m->owner, 0u);
    m->users--;
    if (__libc_single_threaded && mo_load_relaxed(&m->word) == 1) {
        mo_store_relaxed(&m->word, 0u);
        return;
    }
    if (mo_unlikely(!mo_cas_release(&m->word, &held, 0u)))
        mo_sync_mutex_unlock_slow(m);
    mo_parker_flush();
}

static inline bool is_mine(const struct mo_sync_mutex *m, uint32_t tid)
{
    return mo_load_relaxed(&m->owner) == tid;
}

static inline int recurse(struct mo_sync_mutex *m)
{
    if (m->count + 1 == 0)
        return EAGAIN;
    m->count++;
    return 0;
}

static bool is_valid(const struct mo_deadline *until)
{
    return !until || (until->at->tv_nsec >= 0 && until->at->tv_nsec < 1000000000);
}

/* Where locks are watched. */
static inline int counted(int err)
{
    if (mo_unlikely(mo_pthread.watched) && err == 0)
        mo_count_here(MO_COUNT_LOCKS_TAKEN, 1);
    return err;
}

/* A time that is none matters only to who has to wait. */
static int take_waiting(struct mo_sync_mutex *m, const struct mo_deadline *until, const void *site)
{
    uint64_t began = mo_plat_ticks();
    mo_count_here(MO_COUNT_LOCKS_CONTENDED, 1);
    mo_trace(MO_TRACE_MUTEX, site, (uintptr_t)m, 0);
    int err = is_valid(until) ? mo_sync_mutex_lock_slow(m, until) : EINVAL;
    mo_trace(MO_TRACE_END(MO_TRACE_MUTEX), NULL, (uintptr_t)m, (uint32_t)err);
    mo_watch_waited(m, site, mo_plat_ticks() - began);
    return err;
}

static int take_profiled(struct mo_sync_mutex *m, const struct mo_deadline *until, const void *site)
{
    bool contended = !try_take(m);
    uint64_t began = contended ? mo_plat_ticks() : 0;
    int err = 0;
    if (contended) {
        mo_locks_waiting(m, 1);
        err = take_waiting(m, until, site);
        mo_locks_waiting(m, -1);
    }
    if (err == 0)
        mo_locks_taken(m, site, MO_LOCK_MUTEX, contended, contended ? mo_plat_ticks() - began : 0);
    return err;
}

/* `site`: where in the program. */
static int take(struct mo_sync_mutex *m, const struct mo_deadline *until, const void *site)
{
    int err = mo_locks_are_watched()   ? take_profiled(m, until, site)
              : mo_likely(try_take(m)) ? 0
                                       : take_waiting(m, until, site);
    if (err == 0)
        mo_sync_mutex_owned(m, mo_plat_tid());
    return err;
}

/* Of every kind that is ours. */
static int lock_kind(struct mo_sync_mutex *m, const struct mo_deadline *until, const void *site)
{
    if (m->kind == PTHREAD_MUTEX_RECURSIVE_NP && is_mine(m, mo_plat_tid()))
        return recurse(m);
    if (m->kind == PTHREAD_MUTEX_ERRORCHECK_NP && is_mine(m, mo_plat_tid()))
        return EDEADLK;
    int err = take(m, until, site);
    if (err == 0 && m->kind == PTHREAD_MUTEX_RECURSIVE_NP)
        m->count = 1;
    return err;
}

static __attribute__((noinline)) int lock_unsettled(pthread_mutex_t *mutex, const void *site)
{
    struct mo_sync_mutex *m = mo_pthread_mutex(mutex);
    if (!mo_pthread_has_mutexes() || !mo_pthread_is_ours(m))
        return counted(mo_pthread_real()->mutex_lock(mutex));
    return counted(lock_kind(m, NULL, site));
}

static inline int lock_other(pthread_mutex_t *mutex, const void *site)
{
    struct mo_sync_mutex *m = mo_pthread_mutex(mutex);
    if (mo_unlikely(!mo_pthread_is_near_quick(m)))
        return lock_unsettled(mutex, site);
    bool recursive = m->kind == PTHREAD_MUTEX_RECURSIVE_NP;
    uint32_t tid = mo_plat_tid_quick();
    if (mo_likely(try_take_free(m))) {
        if (recursive)
            m->count = 1;
        mo_sync_mutex_owned(m, tid);
        return 0;
    }
    return recursive && is_mine(m, tid) ? recurse(m) : lock_unsettled(mutex, site);
}

static __attribute__((noinline)) int lock_contended(struct mo_sync_mutex *m, const void *site)
{
    int err = take_waiting(m, NULL, site);
    mo_sync_mutex_owned(m, mo_plat_tid());
    return err;
}

/* Where in a cache line these two begin makes a tenth of their time. */
#define ALIGNED __attribute__((aligned(64)))

MO_EXPORT ALIGNED int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    struct mo_sync_mutex *m = mo_pthread_mutex(mutex);
    if (mo_unlikely(!mo_pthread_is_quick(m)))
        return lock_other(mutex, __builtin_return_address(0));
    if (mo_unlikely(!try_take(m)))
        return lock_contended(m, __builtin_return_address(0));
    mo_sync_mutex_owned(m, mo_plat_tid_quick());
    return 0;
}

/* Who gives any mutex up after a wait has perhaps done what it was woken for. */
static __attribute__((noinline)) void note_unlock(struct mo_sync_mutex *m)
{
    struct mo_sheet *sheet = mo_sheet_self();
    if (sheet)
        mo_store_relaxed(&sheet->woken, NULL);
    mo_locks_release(m);
}

static int unlock_kind(struct mo_sync_mutex *m)
{
    if (m->kind == PTHREAD_MUTEX_RECURSIVE_NP || m->kind == PTHREAD_MUTEX_ERRORCHECK_NP) {
        if (!is_mine(m, mo_plat_tid()))
            return EPERM;
        if (m->kind == PTHREAD_MUTEX_RECURSIVE_NP && --m->count != 0) {
            mo_parker_flush();
            return 0;
        }
    }
    if (mo_unlikely(mo_pthread.watched))
        note_unlock(m);
    give_up(m);
    return 0;
}

int mo_pthread_mutex_relock(pthread_mutex_t *mutex, const void *site)
{
    return lock_unsettled(mutex, site);
}

static __attribute__((noinline)) int unlock_unsettled(pthread_mutex_t *mutex)
{
    struct mo_sync_mutex *m = mo_pthread_mutex(mutex);
    if (mo_pthread_has_mutexes() && mo_pthread_is_ours(m))
        return unlock_kind(m);
    int err = mo_pthread_real()->mutex_unlock(mutex);
    mo_parker_flush();
    return err;
}

static inline int unlock_other(pthread_mutex_t *mutex)
{
    struct mo_sync_mutex *m = mo_pthread_mutex(mutex);
    if (mo_unlikely(!mo_pthread_is_near_quick(m)))
        return unlock_unsettled(mutex);
    if (m->kind != PTHREAD_MUTEX_ADAPTIVE_NP && mo_unlikely(!is_mine(m, mo_plat_tid_quick())))
        return EPERM;
    if (m->kind == PTHREAD_MUTEX_RECURSIVE_NP && --m->count != 0)
        mo_parker_flush();
    else
        give_up(m);
    return 0;
}

MO_EXPORT ALIGNED int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    struct mo_sync_mutex *m = mo_pthread_mutex(mutex);
    if (mo_unlikely(!mo_pthread_is_quick(m)))
        return unlock_other(mutex);
    give_up(m);
    return 0;
}

static int trylock_any(pthread_mutex_t *mutex, const void *site)
{
    struct mo_sync_mutex *m = mo_pthread_mutex(mutex);
    if (!mo_pthread_has_mutexes() || !mo_pthread_is_ours(m))
        return mo_pthread_real()->mutex_trylock(mutex);
    uint32_t tid = mo_plat_tid();
    if (m->kind == PTHREAD_MUTEX_RECURSIVE_NP && is_mine(m, tid))
        return recurse(m);
    if (!try_take(m))
        return EBUSY;
    mo_sync_mutex_owned(m, tid);
    if (m->kind == PTHREAD_MUTEX_RECURSIVE_NP)
        m->count = 1;
    if (mo_locks_are_watched())
        mo_locks_tried(m, site, MO_LOCK_MUTEX);
    return 0;
}

static __attribute__((noinline)) int trylock_other(pthread_mutex_t *mutex, const void *site)
{
    return counted(trylock_any(mutex, site));
}

MO_EXPORT int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    struct mo_sync_mutex *m = mo_pthread_mutex(mutex);
    if (mo_unlikely(!mo_pthread_is_quick(m)))
        return trylock_other(mutex, __builtin_return_address(0));
    if (!try_take(m))
        return EBUSY;
    mo_sync_mutex_owned(m, mo_plat_tid_quick());
    return 0;
}

/* What needs no wait needs no look at the time either. */
static inline bool take_quickly(struct mo_sync_mutex *m)
{
    if (mo_unlikely(!mo_pthread_is_quick(m)) || mo_unlikely(!try_take(m)))
        return false;
    mo_sync_mutex_owned(m, mo_plat_tid_quick());
    return true;
}

MO_EXPORT int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict at)
{
    struct mo_sync_mutex *m = mo_pthread_mutex(mutex);
    if (mo_likely(take_quickly(m)))
        return 0;
    if (!mo_pthread_has_mutexes() || !mo_pthread_is_ours(m))
        return counted(mo_pthread_real()->mutex_timedlock(mutex, at));
    const struct mo_deadline until = {.at = at, .realtime = true};
    return counted(lock_kind(m, &until, __builtin_return_address(0)));
}

MO_EXPORT int pthread_mutex_clocklock(pthread_mutex_t *restrict mutex, clockid_t clock,
                                      const struct timespec *restrict at)
{
    struct mo_sync_mutex *m = mo_pthread_mutex(mutex);
    if (!mo_pthread_has_mutexes() || !mo_pthread_is_ours(m))
        return counted(mo_pthread_real()->mutex_clocklock(mutex, clock, at));
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
        return EINVAL;
    const struct mo_deadline until = {.at = at, .realtime = clock == CLOCK_REALTIME};
    return counted(lock_kind(m, &until, __builtin_return_address(0)));
}
