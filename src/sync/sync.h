/* Locks: those that threads share with code that knows nothing of Moirai, and Moirai's own. They wait in the same
   way. */
#ifndef MO_SYNC_SYNC_H
#define MO_SYNC_SYNC_H

#include "park/parker.h"
#include "plat/plat.h"

#include <time.h>

/* ---- Mutex (mutex.c): glibc's own words at glibc's own places, so that code which passes us by is right about it too.
   word: 0 free, 1 held, 2 held and somebody may sleep. */
struct mo_sync_mutex {
    _Atomic uint32_t word;
    uint32_t count;         /* of a recursive one; the owner's */
    _Atomic uint32_t owner; /* tid; 0 = nobody. Others compare it with their own, which only they can have written */
    uint32_t users;         /* glibc's destroy wants to know; the owner's */
    int32_t kind;           /* never changes after initialisation */
    /* what follows is glibc's alone */
};

static inline void mo_sync_mutex_owned(struct mo_sync_mutex *m, uint32_t tid)
{
    mo_store_relaxed(&m->owner, tid);
    m->users++;
}

struct mo_deadline {
    const struct timespec *at; /* NULL: none */
    bool realtime;             /* of CLOCK_REALTIME; else CLOCK_MONOTONIC */
};

/* Out-of-line halves. Lock: 0 or ETIMEDOUT; the caller then writes owner and users. Unlock: the owner and users have
   been written; after the word has been given away nothing of the mutex is read. */
int mo_sync_mutex_lock_slow(struct mo_sync_mutex *m, const struct mo_deadline *until);
void mo_sync_mutex_unlock_slow(struct mo_sync_mutex *m);
/* Waiters sleep as glibc's do, and none is preferred: for where a sleep on two words is not understood. */
void mo_sync_mutex_wait_simply(void);
/* Lock as one of several that sleep on the word. */
void mo_sync_mutex_lock_passed(struct mo_sync_mutex *m);

/* ---- Mutex of one word, with no owner beside it (word.c). Futex kind: 0 free, 1 held, 2 held and somebody may sleep.
   Asymmetric kind (asym.c): ASYM free, ASYM_HELD held. ASYM_LATER is free and becomes one kind or the other before it
   is first held. Anything else is not a mutex. All functions return 0 or an errno value. */
#define MO_WORD_ASYM       0x80000000u
#define MO_WORD_ASYM_HELD  (MO_WORD_ASYM | 1u)
#define MO_WORD_ASYM_LATER 0x40000000u

static inline bool mo_sync_word_is_free(uint32_t seen)
{
    return (seen & ~MO_WORD_ASYM) == 0;
}

static inline bool mo_sync_word_try_lock(_Atomic uint32_t *word)
{
    uint32_t seen = mo_load_relaxed(word);
    return mo_sync_word_is_free(seen) && mo_cas_acquire(word, &seen, seen | 1u);
}

/* Also where ASYM_LATER has to become something first: EBUSY, EINVAL. */
int mo_sync_word_try_lock_slow(_Atomic uint32_t *word);
int mo_sync_word_lock_slow(_Atomic uint32_t *word, const struct mo_deadline *until); /* ETIMEDOUT, EINVAL */

/* Its parts, for both kinds (mutex.c). The second one returns with the mutex or ETIMEDOUT; somebody must have seen to
   it that unlocks notice the sleeper. The third: the caller has it; as with mo_sync_mutex_unlock_slow(). */
bool mo_sync_word_spin(_Atomic uint32_t *word);
int mo_sync_word_lock_asleep(_Atomic uint32_t *word, const struct mo_deadline *until);
void mo_sync_word_unlock_slow(_Atomic uint32_t *word);

/* Asymmetric kind. The value that a free mutex starts with: ASYM, or 0 where the system denies what the kind needs. */
uint32_t mo_sync_asym_value(void);
int mo_sync_asym_lock_slow(_Atomic uint32_t *word, const struct mo_deadline *until);

/* Who waits for an asymmetric mutex, by its address. A line each: unlocks read it all the time, also those that
   programs have inlined from moirai/sync.h, so name, size and hash are part of the ABI. */
#define MO_ASYM_BUCKETS 256
struct mo_asym_bucket {
    _Atomic uint32_t waiters MO_ALIGNED(MO_CACHE_LINE);
};
extern struct mo_asym_bucket moirai_asym_waiters[MO_ASYM_BUCKETS] MO_SHARED_ATTR;

static inline _Atomic uint32_t *mo_sync_asym_waiters(const _Atomic uint32_t *word)
{
    return &moirai_asym_waiters[((uintptr_t)word >> 2) * 0x9e3779b97f4a7c15u >> (64 - 8)].waiters;
}

/* Somebody may wait: before and after the word has been written. */
int mo_sync_asym_unlock_awaited(_Atomic uint32_t *word);
int mo_sync_asym_wake(_Atomic uint32_t *word);

/* A1 to A3 in asym.c. */
static inline int mo_sync_asym_unlock(_Atomic uint32_t *word)
{
    const _Atomic uint32_t *waiters = mo_sync_asym_waiters(word);
    if (mo_unlikely(mo_load_relaxed(waiters) != 0))
        return mo_sync_asym_unlock_awaited(word);
    mo_store_release(word, MO_WORD_ASYM);
    mo_plat_light_barrier();
    return mo_likely(mo_load_relaxed(waiters) == 0) ? 0 : mo_sync_asym_wake(word);
}

/* Which of the two ways to unlock; the word of a held asymmetric mutex is its holder's alone. */
static inline bool mo_sync_word_is_asym_held(const _Atomic uint32_t *word)
{
    return mo_load_relaxed(word) == MO_WORD_ASYM_HELD;
}

/* Of the futex kind: false where somebody sleeps, or nobody has it. */
static inline bool mo_sync_word_try_unlock(_Atomic uint32_t *word)
{
    uint32_t held = 1;
    return mo_cas_release(word, &held, 0u);
}

int mo_sync_word_unlock_other(_Atomic uint32_t *word); /* EPERM: nobody has it */

static inline int mo_sync_word_unlock(_Atomic uint32_t *word)
{
    if (mo_sync_word_is_asym_held(word))
        return mo_sync_asym_unlock(word);
    return mo_likely(mo_sync_word_try_unlock(word)) ? 0 : mo_sync_word_unlock_other(word);
}

/* ---- Condition variable (cond.c): our own words, in glibc's 48 bytes. All zero is initialised. */
struct mo_sync_cond {
    _Atomic uint32_t waiters; /* in the table under this address; written under the bucket's lock */
    bool monotonic;           /* its clock */
    _Atomic uint8_t by_owner; /* whether the last one who signalled to a waiter owned its mutex: a hint (cond.c, C3) */
};

/* How a waiter gives its mutex up and gets it back, whatever kind of mutex that is; 0 or an errno value. */
struct mo_sync_mutex_ops {
    int (*unlock)(void *mutex);
    int (*lock)(void *mutex, bool passed); /* passed: others may sleep on its word */
};

struct mo_cond_wait {
    struct mo_sync_cond *cond;
    void *mutex;
    struct mo_sync_mutex *plain; /* the same where it is one of ours that the caller holds once; else NULL */
    const struct mo_sync_mutex_ops *ops;
    struct mo_deadline until;
    struct mo_parker *parker;
    bool bounded;  /* its first sleep is */
    bool spurious; /* it came back although no signal or broadcast had been addressed to it */
};

/* 0, ETIMEDOUT, or what ops.unlock or ops.lock said. A cancellation point. */
int mo_sync_cond_wait(struct mo_cond_wait *w);
/* For a condition whose `waiters` is not 0; the caller has read that with acquire. */
void mo_sync_cond_signal(struct mo_sync_cond *c);
void mo_sync_cond_broadcast(struct mo_sync_cond *c);
/* Wait until nobody waits any more; who was taken needs nothing of the condition. */
void mo_sync_cond_destroy(struct mo_sync_cond *c);

/* ---- Moirai's own, for one process; all zero is initialised. 0 or an errno value. */

/* Semaphore (sem.c): permits in the lower half, sleepers in the upper one, so that one RMW gives a permit and tells
   whether somebody must be woken. */
struct mo_sync_sem {
    _Atomic uint64_t state;
};
#define MO_SEM_MAX 0x7fffffffu

int mo_sync_sem_wait(struct mo_sync_sem *s, const struct mo_deadline *until); /* ETIMEDOUT */
bool mo_sync_sem_try_wait(struct mo_sync_sem *s);
int mo_sync_sem_post(struct mo_sync_sem *s); /* EOVERFLOW */
uint32_t mo_sync_sem_value(const struct mo_sync_sem *s);

/* Barrier (barrier.c). */
struct mo_sync_barrier {
    _Atomic uint64_t arrived, left; /* since it was made */
    _Atomic uint32_t done;          /* rounds */
    uint32_t size;                  /* of a round, at least 1 */
};

/* True for one of each round. */
bool mo_sync_barrier_wait(struct mo_sync_barrier *b);
/* Wait until those of the last full round have left; EBUSY: others wait for a round that is not full. */
int mo_sync_barrier_destroy(struct mo_sync_barrier *b);

/* Reader-writer lock (rwlock.c): readers in `state`, with WRITER set by the one who owns `gate`, a mutex of one
   word. */
struct mo_sync_rwlock {
    _Atomic uint32_t state;
    _Atomic uint32_t gate;
};
#define MO_RWLOCK_WRITER      0x80000000u
#define MO_RWLOCK_READERS_MAX 0x3fffffffu

int mo_sync_rwlock_read(struct mo_sync_rwlock *l, const struct mo_deadline *until);  /* ETIMEDOUT, EOVERFLOW */
int mo_sync_rwlock_write(struct mo_sync_rwlock *l, const struct mo_deadline *until); /* ETIMEDOUT */
int mo_sync_rwlock_try_read(struct mo_sync_rwlock *l);                               /* EBUSY, EOVERFLOW */
int mo_sync_rwlock_try_write(struct mo_sync_rwlock *l);                              /* EBUSY */
int mo_sync_rwlock_read_unlock(struct mo_sync_rwlock *l);                            /* EPERM */
int mo_sync_rwlock_write_unlock(struct mo_sync_rwlock *l);                           /* EPERM */

/* Once (once.c). */
struct mo_sync_once {
    _Atomic uint32_t state;
};
#define MO_ONCE_DONE 3u

/* True: it is for the caller to do now, and to say how that ended. False: it has been done. */
bool mo_sync_once_begin(struct mo_sync_once *o);
void mo_sync_once_end(struct mo_sync_once *o, bool done);

#endif
