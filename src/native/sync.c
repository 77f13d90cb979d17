/* The locks of moirai/sync.h, which are those of sync/sync.h. */
#define MOIRAI_NO_INLINE
#include "native/native.h"

#include "moirai/sync.h"
#include "park/clock.h"
#include "park/strand.h"
#include "sync/sync.h"

#include <errno.h>

_Static_assert(sizeof(moirai_mutex_t) == sizeof(uint32_t), "one word");
_Static_assert(sizeof(moirai_cond_t) == sizeof(struct mo_sync_cond), "room for the core's");
_Static_assert(sizeof(moirai_sem_t) == sizeof(struct mo_sync_sem), "room for the core's");
_Static_assert(_Alignof(moirai_sem_t) >= _Alignof(struct mo_sync_sem), "aligned as the core's");
_Static_assert(sizeof(moirai_barrier_t) == sizeof(struct mo_sync_barrier), "room for the core's");
_Static_assert(sizeof(moirai_rwlock_t) == sizeof(struct mo_sync_rwlock), "room for the core's");
_Static_assert(MOIRAI_SEM_MAX == MO_SEM_MAX, "the core's value");
_Static_assert(MOIRAI_RWLOCK_READERS_MAX == MO_RWLOCK_READERS_MAX, "the core's value");

#define NS 1000000000u

/* A deadline and the time that it points to. */
struct limit {
    struct timespec at;
    struct mo_deadline until;
};

/* Nobody tells a thread that waits for a lock that the clock was moved by hand: it looks again after a while. A fiber
   is told. */
static const struct mo_deadline *set_limit(struct limit *l, uint64_t deadline_ns)
{
    if (deadline_ns == MOIRAI_FOREVER)
        return NULL;
    if (mo_clock_is_by_hand() && !mo_strand_here())
        deadline_ns = mo_clock_now() < deadline_ns ? mo_clock_sleep_until(deadline_ns) : 0;
    l->at = (struct timespec){.tv_sec = (time_t)(deadline_ns / NS), .tv_nsec = (long)(deadline_ns % NS)};
    l->until = (struct mo_deadline){.at = &l->at, .realtime = false};
    return &l->until;
}

/* A wait has ended with `err`, which only means that it is time for another look. */
static bool is_early(int err, uint64_t deadline_ns)
{
    return mo_unlikely(err == ETIMEDOUT) && mo_clock_is_by_hand() && mo_clock_now() < deadline_ns;
}

MO_API uint64_t moirai_now_ns(void)
{
    return mo_clock_now();
}

/* ---- Mutex. */
static _Atomic uint32_t *word_of(moirai_mutex_t *mutex)
{
    return (_Atomic uint32_t *)&mutex->moirai_word;
}

MO_API int moirai_mutex_init(moirai_mutex_t *mutex, int kind)
{
    if (kind != MOIRAI_MUTEX_PLAIN && kind != MOIRAI_MUTEX_ASYMMETRIC)
        return MOIRAI_EINVAL;
    mo_store_relaxed(word_of(mutex), kind == MOIRAI_MUTEX_ASYMMETRIC ? mo_sync_asym_value() : 0);
    return MOIRAI_OK;
}

static __attribute__((noinline)) int lock_slow(moirai_mutex_t *mutex, uint64_t deadline_ns)
{
    struct limit limit;
    int err;
    do
        err = mo_sync_word_lock_slow(word_of(mutex), set_limit(&limit, deadline_ns));
    while (is_early(err, deadline_ns));
    return mo_native_status(err);
}

MO_API int moirai_mutex_lock(moirai_mutex_t *mutex)
{
    return mo_likely(mo_sync_word_try_lock(word_of(mutex))) ? MOIRAI_OK : lock_slow(mutex, MOIRAI_FOREVER);
}

MO_API int moirai_mutex_lock_until(moirai_mutex_t *mutex, uint64_t deadline_ns)
{
    return mo_likely(mo_sync_word_try_lock(word_of(mutex))) ? MOIRAI_OK : lock_slow(mutex, deadline_ns);
}

MO_API int moirai_mutex_try_lock(moirai_mutex_t *mutex)
{
    if (mo_likely(mo_sync_word_try_lock(word_of(mutex))))
        return MOIRAI_OK;
    return mo_native_status(mo_sync_word_try_lock_slow(word_of(mutex)));
}

static __attribute__((noinline)) int unlock_other(moirai_mutex_t *mutex)
{
    return mo_native_status(mo_sync_word_unlock_other(word_of(mutex)));
}

/* As mo_sync_word_unlock(), but only the way that may be refused translates an answer: the others keep no frame. */
MO_API int moirai_mutex_unlock(moirai_mutex_t *mutex)
{
    if (mo_sync_word_is_asym_held(word_of(mutex)))
        return mo_sync_asym_unlock(word_of(mutex));
    return mo_likely(mo_sync_word_try_unlock(word_of(mutex))) ? MOIRAI_OK : unlock_other(mutex);
}

/* For unlocks that programs have inlined; only the address counts. */
MO_API int moirai_mutex_wake_one(moirai_mutex_t *mutex);
int moirai_mutex_wake_one(moirai_mutex_t *mutex)
{
    return mo_sync_asym_wake(word_of(mutex));
}

/* ---- Condition variable. */
static int unlock_word(void *word)
{
    return mo_sync_word_unlock(word);
}

/* Nobody is moved to a word without an owner (C4), so there is no difference to make. */
static int lock_word(void *word, bool passed)
{
    return mo_sync_word_try_lock(word) ? 0 : mo_sync_word_lock_slow(word, NULL);
}

static const struct mo_sync_mutex_ops word_ops = {unlock_word, lock_word};

static struct mo_sync_cond *cond_of(moirai_cond_t *cond)
{
    return (struct mo_sync_cond *)cond;
}

MO_API int moirai_cond_wait_until(moirai_cond_t *cond, moirai_mutex_t *mutex, uint64_t deadline_ns)
{
    struct limit limit;
    struct mo_cond_wait w = {.cond = cond_of(cond), .mutex = word_of(mutex), .ops = &word_ops};
    const struct mo_deadline *until = set_limit(&limit, deadline_ns);
    if (until)
        w.until = *until;
    int err = mo_sync_cond_wait(&w);
    return is_early(err, deadline_ns) ? MOIRAI_OK
                                      : mo_native_status(err); /* early, it must not go on without its caller's look */
}

MO_API int moirai_cond_wait(moirai_cond_t *cond, moirai_mutex_t *mutex)
{
    return moirai_cond_wait_until(cond, mutex, MOIRAI_FOREVER);
}

MO_API void moirai_cond_signal(moirai_cond_t *cond)
{
    mo_sync_cond_signal(cond_of(cond));
}

MO_API void moirai_cond_broadcast(moirai_cond_t *cond)
{
    mo_sync_cond_broadcast(cond_of(cond));
}

/* ---- Semaphore. */
static struct mo_sync_sem *sem_of(moirai_sem_t *sem)
{
    return (struct mo_sync_sem *)sem;
}

MO_API int moirai_sem_init(moirai_sem_t *sem, uint32_t permits)
{
    if (permits > MOIRAI_SEM_MAX)
        return MOIRAI_EINVAL;
    mo_store_relaxed(&sem_of(sem)->state, permits);
    return MOIRAI_OK;
}

MO_API int moirai_sem_wait(moirai_sem_t *sem)
{
    return mo_native_status(mo_sync_sem_wait(sem_of(sem), NULL));
}

MO_API int moirai_sem_wait_until(moirai_sem_t *sem, uint64_t deadline_ns)
{
    struct limit limit;
    int err;
    do
        err = mo_sync_sem_wait(sem_of(sem), set_limit(&limit, deadline_ns));
    while (is_early(err, deadline_ns));
    return mo_native_status(err);
}

MO_API int moirai_sem_try_wait(moirai_sem_t *sem)
{
    return mo_sync_sem_try_wait(sem_of(sem)) ? MOIRAI_OK : MOIRAI_EBUSY;
}

MO_API int moirai_sem_post(moirai_sem_t *sem)
{
    return mo_native_status(mo_sync_sem_post(sem_of(sem)));
}

MO_API uint32_t moirai_sem_value(const moirai_sem_t *sem)
{
    return mo_sync_sem_value((const struct mo_sync_sem *)sem);
}

/* ---- Barrier. */
static struct mo_sync_barrier *barrier_of(moirai_barrier_t *barrier)
{
    return (struct mo_sync_barrier *)barrier;
}

MO_API int moirai_barrier_init(moirai_barrier_t *barrier, uint32_t size)
{
    if (size == 0)
        return MOIRAI_EINVAL;
    struct mo_sync_barrier *b = barrier_of(barrier);
    mo_store_relaxed(&b->arrived, 0u);
    mo_store_relaxed(&b->left, 0u);
    mo_store_relaxed(&b->done, 0u);
    b->size = size;
    return MOIRAI_OK;
}

MO_API int moirai_barrier_wait(moirai_barrier_t *barrier)
{
    if (barrier_of(barrier)->size == 0)
        return MOIRAI_EINVAL;
    return mo_sync_barrier_wait(barrier_of(barrier)) ? MOIRAI_LAST : MOIRAI_OK;
}

MO_API int moirai_barrier_destroy(moirai_barrier_t *barrier)
{
    if (barrier_of(barrier)->size == 0)
        return MOIRAI_EINVAL;
    return mo_native_status(mo_sync_barrier_destroy(barrier_of(barrier)));
}

/* ---- Reader-writer lock. */
static struct mo_sync_rwlock *rwlock_of(moirai_rwlock_t *lock)
{
    return (struct mo_sync_rwlock *)lock;
}

MO_API int moirai_rwlock_read_lock(moirai_rwlock_t *lock)
{
    return mo_native_status(mo_sync_rwlock_read(rwlock_of(lock), NULL));
}

MO_API int moirai_rwlock_read_lock_until(moirai_rwlock_t *lock, uint64_t deadline_ns)
{
    struct limit limit;
    int err;
    do
        err = mo_sync_rwlock_read(rwlock_of(lock), set_limit(&limit, deadline_ns));
    while (is_early(err, deadline_ns));
    return mo_native_status(err);
}

MO_API int moirai_rwlock_write_lock(moirai_rwlock_t *lock)
{
    return mo_native_status(mo_sync_rwlock_write(rwlock_of(lock), NULL));
}

MO_API int moirai_rwlock_write_lock_until(moirai_rwlock_t *lock, uint64_t deadline_ns)
{
    struct limit limit;
    int err;
    do
        err = mo_sync_rwlock_write(rwlock_of(lock), set_limit(&limit, deadline_ns));
    while (is_early(err, deadline_ns));
    return mo_native_status(err);
}

MO_API int moirai_rwlock_try_read_lock(moirai_rwlock_t *lock)
{
    return mo_native_status(mo_sync_rwlock_try_read(rwlock_of(lock)));
}

MO_API int moirai_rwlock_try_write_lock(moirai_rwlock_t *lock)
{
    return mo_native_status(mo_sync_rwlock_try_write(rwlock_of(lock)));
}

MO_API int moirai_rwlock_read_unlock(moirai_rwlock_t *lock)
{
    return mo_native_status(mo_sync_rwlock_read_unlock(rwlock_of(lock)));
}

MO_API int moirai_rwlock_write_unlock(moirai_rwlock_t *lock)
{
    return mo_native_status(mo_sync_rwlock_write_unlock(rwlock_of(lock)));
}
