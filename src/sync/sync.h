/* Locks that threads share with code that knows nothing of Moirai. */
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

/* Out-of-line halves. Lock: 0 or ETIMEDOUT; the caller then writes owner and users. Unlock: the owner and users have been
   written; after the word has been given away nothing of the mutex is read. */
int mo_sync_mutex_lock_slow(struct mo_sync_mutex *m, const struct mo_deadline *until);
void mo_sync_mutex_unlock_slow(struct mo_sync_mutex *m);
/* Lock as one of several that sleep on the word. */
void mo_sync_mutex_lock_passed(struct mo_sync_mutex *m);

/* ---- Condition variable (cond.c): our own words, in glibc's 48 bytes. All zero is initialised. */
struct mo_sync_cond {
    _Atomic uint32_t waiters; /* in the table under this address; written under the bucket's lock */
    uint32_t monotonic;       /* its clock */
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
};

/* 0, ETIMEDOUT, or what ops.unlock or ops.lock said. A cancellation point. */
int mo_sync_cond_wait(struct mo_cond_wait *w);
void mo_sync_cond_signal(struct mo_sync_cond *c);
void mo_sync_cond_broadcast(struct mo_sync_cond *c);

#endif
