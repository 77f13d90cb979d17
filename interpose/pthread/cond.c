/* pthread_cond_wait and its like, under the node of glibc's present layout; the names with the layout before glibc
   2.3.2 are left to glibc, and so are condition variables that processes share. */
#include "interpose/pthread/pthread.h"

#include <errno.h>
#include <string.h>

_Static_assert(sizeof(struct mo_sync_cond) <= sizeof(pthread_cond_t), "fits glibc's bytes");

#if defined(__x86_64__)
#define COND_NAME(name) __asm__(".symver " #name ", " #name "@@@GLIBC_2.3.2");
#else
#define COND_NAME(name)
#endif

static inline bool is_shared(const pthread_cond_t *cond)
{
    return ((const uint8_t *)cond)[mo_pthread.shared_offset] & mo_pthread.shared_mask;
}

static inline bool is_ours(const pthread_cond_t *cond)
{
    return mo_pthread_has_conds() && !is_shared(cond);
}

static inline struct mo_sync_cond *ours(pthread_cond_t *cond)
{
    return (struct mo_sync_cond *)cond;
}

MO_EXPORT int pthread_cond_init(pthread_cond_t *restrict cond, const pthread_condattr_t *restrict attr)
{
    int shared = PTHREAD_PROCESS_PRIVATE;
    clockid_t clock = CLOCK_REALTIME;
    if (attr) {
        pthread_condattr_getpshared(attr, &shared);
        pthread_condattr_getclock(attr, &clock);
    }
    if (!mo_pthread_has_conds() || shared != PTHREAD_PROCESS_PRIVATE)
        return mo_pthread_real()->cond_init(cond, attr);
    memset(cond, 0, sizeof *cond);
    ours(cond)->monotonic = clock == CLOCK_MONOTONIC;
    return 0;
}
COND_NAME(pthread_cond_init)

MO_EXPORT int pthread_cond_destroy(pthread_cond_t *cond)
{
    if (!is_ours(cond))
        return mo_pthread_real()->cond_destroy(cond);
    mo_sync_cond_destroy(ours(cond));
    return 0;
}
COND_NAME(pthread_cond_destroy)

/* ---- The mutex of a wait, which may be of any kind. */
/* While it waits a thread counts as one of the mutex's users, as with glibc: destroying the mutex is then refused. The
   count is the owner's to write, so not where the unlock is going to be refused. */
static int unlock(void *mutex)
{
    struct mo_sync_mutex *m = mo_pthread_mutex(mutex);
    int kind = m->kind & ~MO_KIND_NORMAL;
    bool never_refused = kind == PTHREAD_MUTEX_TIMED_NP || kind == PTHREAD_MUTEX_ADAPTIVE_NP;
    if (never_refused || mo_load_relaxed(&m->owner) == mo_plat_tid())
        m->users++;
    return pthread_mutex_unlock(mutex);
}

static int relock(void *mutex, bool passed)
{
    struct mo_sync_mutex *m = mo_pthread_mutex(mutex);
    const struct mo_sheet *sheet = mo_unlikely(mo_pthread.watched) ? mo_sheet_self() : NULL;
    if (!passed)
        return mo_unlikely(sheet != NULL) ? mo_pthread_mutex_relock(mutex, sheet->site) : pthread_mutex_lock(mutex);
    uint64_t began = mo_unlikely(sheet != NULL) ? mo_plat_ticks() : 0;
    mo_sync_mutex_lock_passed(m);
    if (mo_unlikely(sheet != NULL)) {
        mo_count_here(MO_COUNT_LOCKS_TAKEN, 1);
        mo_locks_taken(m, sheet->site, MO_LOCK_MUTEX, true, mo_plat_ticks() - began);
    }
    mo_sync_mutex_owned(m, mo_plat_tid());
    if (m->kind == PTHREAD_MUTEX_RECURSIVE_NP)
        m->count = 1;
    return 0;
}

static int lock(void *mutex, bool passed)
{
    int err = relock(mutex, passed);
    if (err == 0 || err == EOWNERDEAD)
        mo_pthread_mutex(mutex)->users--;
    return err;
}

static const struct mo_sync_mutex_ops ops = {unlock, lock};

static __attribute__((noinline)) int wait_watched(struct mo_cond_wait *w, const void *site)
{
    struct mo_sheet *sheet = mo_sheet_self();
    uint64_t began = mo_plat_ticks();
    const void *outer = sheet ? sheet->site : NULL; /* of a wait that a signal handler came into the middle of */
    unsigned how = sheet && mo_load_relaxed(&sheet->woken) == w->cond ? MO_WAIT_FUTILE : 0;
    if (sheet)
        sheet->site = site;
    mo_trace(MO_TRACE_CONDITION, site, (uintptr_t)w->cond, 0);
    int err = mo_sync_cond_wait(w);
    how |= (err == ETIMEDOUT ? MO_WAIT_LATE : 0) | (w->spurious ? MO_WAIT_SPURIOUS : 0);
    mo_trace(MO_TRACE_END(MO_TRACE_CONDITION), NULL, (uintptr_t)w->cond, MO_TRACE_CONDITION_C(err, how));
    if (sheet) {
        sheet->site = outer;
        mo_store_relaxed(&sheet->woken, err == 0 ? w->cond : NULL);
    }
    if (err == 0 || err == ETIMEDOUT)
        mo_locks_condition(w->cond, site, how, mo_plat_ticks() - began);
    return err;
}

static inline __attribute__((always_inline)) int wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                                            struct mo_deadline until)
{
    struct mo_sync_mutex *m = mo_pthread_mutex(mutex);
    bool plain = mo_pthread_is_ours(m) && (m->kind != PTHREAD_MUTEX_RECURSIVE_NP || m->count == 1);
    struct mo_cond_wait w = {
        .cond = ours(cond), .mutex = mutex, .plain = plain ? m : NULL, .ops = &ops, .until = until};
    if (until.at && (until.at->tv_nsec < 0 || until.at->tv_nsec >= 1000000000))
        return EINVAL;
    mo_count_here(MO_COUNT_CONDITION_WAITS, 1);
    return mo_unlikely(mo_pthread.watched) ? wait_watched(&w, __builtin_return_address(0)) : mo_sync_cond_wait(&w);
}

/* glibc's waits give the mutex up without our unlock, so what that would make up for comes first. */
static const struct mo_real *real_for_wait(void)
{
    mo_parker_flush();
    return mo_pthread_real();
}

MO_EXPORT int pthread_cond_wait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex)
{
    if (!is_ours(cond))
        return real_for_wait()->cond_wait(cond, mutex);
    return wait_until(cond, mutex, (struct mo_deadline){NULL, false});
}
COND_NAME(pthread_cond_wait)

MO_EXPORT int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                                     const struct timespec *restrict at)
{
    if (!is_ours(cond))
        return real_for_wait()->cond_timedwait(cond, mutex, at);
    return wait_until(cond, mutex, (struct mo_deadline){at, !ours(cond)->monotonic});
}
COND_NAME(pthread_cond_timedwait)

MO_EXPORT int pthread_cond_clockwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex, clockid_t clock,
                                     const struct timespec *restrict at)
{
    if (!is_ours(cond))
        return real_for_wait()->cond_clockwait(cond, mutex, clock, at);
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
        return EINVAL;
    return wait_until(cond, mutex, (struct mo_deadline){at, clock == CLOCK_REALTIME});
}

static bool has_waiters(pthread_cond_t *cond)
{
    return mo_load_acquire(&ours(cond)->waiters) != 0;
}

static __attribute__((noinline)) int signal_theirs(pthread_cond_t *cond)
{
    return mo_pthread_real()->cond_signal(cond);
}

MO_EXPORT int pthread_cond_signal(pthread_cond_t *cond)
{
    if (mo_unlikely(!is_ours(cond)))
        return signal_theirs(cond);
    if (has_waiters(cond))
        mo_sync_cond_signal(ours(cond));
    return 0;
}
COND_NAME(pthread_cond_signal)

static __attribute__((noinline)) int broadcast_theirs(pthread_cond_t *cond)
{
    return mo_pthread_real()->cond_broadcast(cond);
}

MO_EXPORT int pthread_cond_broadcast(pthread_cond_t *cond)
{
    if (mo_unlikely(!is_ours(cond)))
        return broadcast_theirs(cond);
    if (has_waiters(cond))
        mo_sync_cond_broadcast(ours(cond));
    return 0;
}
COND_NAME(pthread_cond_broadcast)
