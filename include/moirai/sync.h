/* Locks and the like for the threads of one process: mutex, condition variable, semaphore, barrier, reader-writer lock,
   once.

     static moirai_mutex_t mutex = MOIRAI_MUTEX_INIT;
     static moirai_cond_t filled = MOIRAI_COND_INIT;
     static int items;

     void put(void)
     {
         moirai_mutex_lock(&mutex);
         items++;
         moirai_mutex_unlock(&mutex);
         moirai_cond_signal(&filled);
     }

     void take(void)
     {
         moirai_mutex_lock(&mutex);
         while (items == 0)
             moirai_cond_wait(&filled, &mutex);
         items--;
         moirai_mutex_unlock(&mutex);
     }

   Objects are plain bytes that the caller owns, wherever they lie but for memory that processes share: all are private
   to the process. Zeroed memory is an initialised object, except for barriers and asymmetric mutexes. Nothing needs to
   be destroyed, again except for barriers. Objects must not be copied or moved once used. What they contain is not for
   the program to read.

   Waits end at a deadline where the call takes one: a point of time on CLOCK_MONOTONIC in nanoseconds, as
   moirai_now_ns() tells it; MOIRAI_FOREVER means none. A deadline that has passed means one try. Signal handlers that
   run in a waiting thread do not end the wait.

   Memory order: what a thread did before it gave something up (unlock, post, arrival at a barrier, the end of the
   function of a moirai_once()) is seen by the thread that gets it next. Statuses are those of moirai/status.h.

   Unless said otherwise calls may come from any thread, and not from a signal handler.

   What it is not: mutexes are not recursive, not robust and know no owner: another thread may unlock, and a thread that
   locks twice waits for itself. Priorities are not passed on. In a child of fork(), what other threads of the parent
   held stays held. */
#ifndef MOIRAI_SYNC_H
#define MOIRAI_SYNC_H

#include <stdint.h>

#include "moirai/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MOIRAI_FOREVER UINT64_MAX

/* Now, in nanoseconds of CLOCK_MONOTONIC.
   Context: any thread, a signal handler.   Blocks: never. */
uint64_t moirai_now_ns(void);

/* ---- Mutex. Free or held. Who has waited for long, a quarter of a millisecond or a little more where
   many wait, gets it from one of the next unlocks. */
typedef struct {
    uint32_t moirai_word;
} moirai_mutex_t;

enum moirai_mutex_kind {
    /* Two atomic read-modify-writes for a lock and its unlock. */
    MOIRAI_MUTEX_PLAIN = 0,
    /* One: for mutexes that are locked often and rarely by two threads at the same time. Who has to wait pays instead,
       with a barrier that all running threads of the process pass (membarrier(2), one or two microseconds); and while
       somebody waits each unlock is a system call. The first asymmetric mutex of a process asks the system for the
       barrier, which may take tens of milliseconds where other threads run already. Where the system denies it, such a
       mutex is a plain one. */
    MOIRAI_MUTEX_ASYMMETRIC = 1
};

/* clang-format off */
#define MOIRAI_MUTEX_INIT            {0}
#define MOIRAI_MUTEX_INIT_ASYMMETRIC {0x40000000u}
/* clang-format on */

/* Make `mutex`, of one of the kinds above. Not needed for one with an initialiser.
   Errors: MOIRAI_EINVAL for another kind. */
int moirai_mutex_init(moirai_mutex_t *mutex, int kind);

/* Wait until it is free and hold it.
   Blocks: yes; not a cancellation point.   Order: acquire.
   Errors: MOIRAI_EINVAL where `mutex` points to bytes that are no mutex; the last one MOIRAI_ETIMEDOUT as well. */
int moirai_mutex_lock(moirai_mutex_t *mutex);
int moirai_mutex_lock_until(moirai_mutex_t *mutex, uint64_t deadline_ns);

/* Hold it if it is free.
   Blocks: never.   Order: acquire, if it returns MOIRAI_OK.
   Errors: MOIRAI_EBUSY while somebody holds it; MOIRAI_EINVAL as above. */
int moirai_mutex_try_lock(moirai_mutex_t *mutex);

/* Give it up. Once it has been given up nothing of it is touched: the next holder may free it.
   Requires that the caller may speak for the holder.
   Blocks: never.   Order: release.
   Errors: MOIRAI_EPERM where nobody holds it. */
int moirai_mutex_unlock(moirai_mutex_t *mutex);

/* The uncontended ways of the above are inlined where the compiler offers it, unless MOIRAI_NO_INLINE is defined before
   this header is included. What they know of the words is part of the ABI. */
#if !defined(MOIRAI_NO_INLINE) && defined(__GNUC__)
extern uint32_t moirai_asym_waiters[256][16]; /* the first of each row counts */
int moirai_mutex_wake_one(moirai_mutex_t *mutex);

static inline int moirai_mutex_lock_inline(moirai_mutex_t *mutex)
{
    uint32_t seen = __atomic_load_n(&mutex->moirai_word, __ATOMIC_RELAXED);
    if (__builtin_expect((seen & 0x7fffffffu) == 0, 1) &&
        __atomic_compare_exchange_n(&mutex->moirai_word, &seen, seen | 1u, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return MOIRAI_OK;
    return moirai_mutex_lock(mutex);
}

static inline int moirai_mutex_unlock_inline(moirai_mutex_t *mutex)
{
    uint32_t held = 1;
    if (__atomic_load_n(&mutex->moirai_word, __ATOMIC_RELAXED) == 0x80000001u) {
        const uint32_t *waiters =
            moirai_asym_waiters[((uint64_t)(uintptr_t)mutex >> 2) * UINT64_C(0x9e3779b97f4a7c15) >> 56];
        if (__builtin_expect(__atomic_load_n(waiters, __ATOMIC_RELAXED) != 0, 0))
            return moirai_mutex_unlock(mutex);
        __atomic_store_n(&mutex->moirai_word, 0x80000000u, __ATOMIC_RELEASE);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        return __builtin_expect(__atomic_load_n(waiters, __ATOMIC_RELAXED) == 0, 1) ? MOIRAI_OK
                                                                                    : moirai_mutex_wake_one(mutex);
    }
    if (__atomic_compare_exchange_n(&mutex->moirai_word, &held, 0u, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        return MOIRAI_OK;
    return moirai_mutex_unlock(mutex);
}

#define moirai_mutex_lock(mutex)   moirai_mutex_lock_inline(mutex)
#define moirai_mutex_unlock(mutex) moirai_mutex_unlock_inline(mutex)
#endif

/* ---- Condition variable. Those who wait are woken in the order in which they came, but one that has not fallen asleep
   yet may be preferred to those who have waited for less than a millisecond. */
typedef struct {
    uint32_t moirai_words[2];
} moirai_cond_t;

/* clang-format off */
#define MOIRAI_COND_INIT {{0, 0}}
/* clang-format on */

/* Give up `mutex`, wait to be woken, hold `mutex` again. A signal or broadcast that comes after the mutex has been
   given up is not missed. May return for no reason, so wait in a loop. Different threads may wait with different
   mutexes. Requires that the caller holds `mutex`, which is of any kind.
   Blocks: yes; a cancellation point. Clean-up handlers run with the mutex held, and a signal that the cancelled thread
   had got wakes another one.
   Errors: MOIRAI_EPERM where nobody holds the mutex; the last one MOIRAI_ETIMEDOUT as well, and holds the mutex
   then. */
int moirai_cond_wait(moirai_cond_t *cond, moirai_mutex_t *mutex);
int moirai_cond_wait_until(moirai_cond_t *cond, moirai_mutex_t *mutex, uint64_t deadline_ns);

/* Wake one, or all, of those who wait now; nothing if nobody does. The caller may hold the mutex or not. Directly after
   a broadcast `cond` may be freed if no other thread is going to use it, even before those who were woken have
   returned.
   Blocks: never. */
void moirai_cond_signal(moirai_cond_t *cond);
void moirai_cond_broadcast(moirai_cond_t *cond);

/* ---- Semaphore: a number of permits. */
typedef struct {
    uint64_t moirai_state __attribute__((aligned(8)));
} moirai_sem_t;

#define MOIRAI_SEM_MAX 0x7fffffff

/* clang-format off */
#define MOIRAI_SEM_INIT(permits) {permits}
/* clang-format on */

/* Make `sem` with so many permits.
   Errors: MOIRAI_EINVAL for more than MOIRAI_SEM_MAX. */
int moirai_sem_init(moirai_sem_t *sem, uint32_t permits);

/* Take a permit, when there is one.
   Blocks: yes; not a cancellation point.   Order: acquire.
   Errors: the last one MOIRAI_ETIMEDOUT. */
int moirai_sem_wait(moirai_sem_t *sem);
int moirai_sem_wait_until(moirai_sem_t *sem, uint64_t deadline_ns);

/* Take a permit if there is one.
   Context: any thread, a signal handler.   Blocks: never.   Order: acquire, if it returns MOIRAI_OK.
   Errors: MOIRAI_EBUSY where there is none. */
int moirai_sem_try_wait(moirai_sem_t *sem);

/* Add a permit; one of those who wait, if any, is woken. Whoever takes the permit may free `sem`.
   Context: any thread, a signal handler.   Blocks: never.   Order: release.
   Errors: MOIRAI_EOVERFLOW at MOIRAI_SEM_MAX. */
int moirai_sem_post(moirai_sem_t *sem);

/* How many permits there are: true only for the moment, at most.
   Context: any thread, a signal handler.   Blocks: never. */
uint32_t moirai_sem_value(const moirai_sem_t *sem);

/* ---- Barrier: rounds of a fixed number of arrivals. */
typedef struct {
    uint64_t moirai_state[3];
} moirai_barrier_t;

/* Make `barrier` for rounds of `size` arrivals.
   Errors: MOIRAI_EINVAL for 0. */
int moirai_barrier_init(moirai_barrier_t *barrier, uint32_t size);

/* Arrive, and wait until the round is full. MOIRAI_LAST for the thread that filled it, MOIRAI_OK for the others.
   Threads may be more than `size`, and any of them may take part in any round.
   Blocks: yes; not a cancellation point.   Order: release on arrival, acquire on return.
   Errors: MOIRAI_EINVAL where `barrier` has not been made. */
int moirai_barrier_wait(moirai_barrier_t *barrier);

/* Wait until those of the last full round have left, which they do without waiting for anything: then it may be freed.
   Requires that nobody will arrive.
   Errors: MOIRAI_EBUSY while threads wait for a round that is not full; MOIRAI_EINVAL as above. */
int moirai_barrier_destroy(moirai_barrier_t *barrier);

/* ---- Reader-writer lock: many readers or one writer. New readers wait while a writer waits; neither side starves. So
   who reads already must not lock it for reading again. */
typedef struct {
    uint32_t moirai_words[2];
} moirai_rwlock_t;

/* clang-format off */
#define MOIRAI_RWLOCK_INIT {{0, 0}}
/* clang-format on */
#define MOIRAI_RWLOCK_READERS_MAX 0x3fffffff

/* Blocks: yes; not a cancellation point.   Order: acquire.
   Errors: MOIRAI_EOVERFLOW at MOIRAI_RWLOCK_READERS_MAX; the last one MOIRAI_ETIMEDOUT as well. */
int moirai_rwlock_read_lock(moirai_rwlock_t *lock);
int moirai_rwlock_read_lock_until(moirai_rwlock_t *lock, uint64_t deadline_ns);

/* Errors: the last one MOIRAI_ETIMEDOUT. */
int moirai_rwlock_write_lock(moirai_rwlock_t *lock);
int moirai_rwlock_write_lock_until(moirai_rwlock_t *lock, uint64_t deadline_ns);

/* Blocks: never.   Order: acquire, if it returns MOIRAI_OK.
   Errors: MOIRAI_EBUSY where it cannot be had now, also while a writer waits; MOIRAI_EOVERFLOW as above. */
int moirai_rwlock_try_read_lock(moirai_rwlock_t *lock);
int moirai_rwlock_try_write_lock(moirai_rwlock_t *lock);

/* Unlike a mutex the lock must not be freed before every call on it has returned.
   Blocks: never.   Order: release.
   Errors: MOIRAI_EPERM where nobody reads, or writes. */
int moirai_rwlock_read_unlock(moirai_rwlock_t *lock);
int moirai_rwlock_write_unlock(moirai_rwlock_t *lock);

/* ---- Once. */
typedef struct {
    uint32_t moirai_word;
} moirai_once_t;

/* clang-format off */
#define MOIRAI_ONCE_INIT {0}
/* clang-format on */

/* Call run(arg) unless that has been done with this `once`; while another thread is at it, wait for it. If `run` is
   left by the end of its thread, or in C++ by an exception, it counts as not called: the next caller, or one of those
   who wait, calls it.
   Requires that `run` does not come back here with the same `once`; a child that was forked meanwhile must not either.
   In C no exception may leave `run`.
   Blocks: yes; not a cancellation point itself.   Order: acquire; all that `run` did is seen on return. */
void moirai_once(moirai_once_t *once, void (*run)(void *arg), void *arg);

/* Its halves, for other languages and for what needs more than one pointer. Where the first one returns 1 the caller
   has to do it, and then to call the second, with 0 if it was not done after all; 0 means that it has been done. */
int moirai_once_begin(moirai_once_t *once);
void moirai_once_end(moirai_once_t *once, int done);

#ifdef __cplusplus
}

struct moirai_once_attempt {
    moirai_once_t *once;
    int done;
    explicit moirai_once_attempt(moirai_once_t *o) : once(o), done(0)
    {
    }
    ~moirai_once_attempt()
    {
        moirai_once_end(once, done);
    }
};

static inline void moirai_once_with_exceptions(moirai_once_t *once, void (*run)(void *arg), void *arg)
{
    if (moirai_once_begin(once)) {
        moirai_once_attempt attempt(once);
        run(arg);
        attempt.done = 1;
    }
}

#define moirai_once(once, run, arg) moirai_once_with_exceptions(once, run, arg)
#endif

#endif
