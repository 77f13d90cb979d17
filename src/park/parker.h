/* Threads that wait for an address. Each has a parker, one word to sleep on that is never unmapped, and stands in a
   global table under the address, so that a waiter that gives up never touches what it waited for, which may be gone.

   A parker's word is number << 3 | state. The number changes with each wait, so that who acts late on a wait that is
   over (wakes, moves) does nothing. States:

     AWAKE     in the table, spinning: who takes it need not wake it
     FIRST     in the table, asleep for a bounded time: who takes it may put off waking it
     LONG      in the table, asleep without bound: who takes it must see to its wake at once
     TAKEN     out of the table: what it waited for has been given to it
     HELD      the same, by who then owned the mutex that it wants next
     PASSED    as TAKEN, and others given at the same time sleep on the word of the mutex (see sync/cond.c)

   Who writes: a waiter goes AWAKE -> FIRST -> LONG, or AWAKE -> LONG, by CAS; TAKEN, HELD and PASSED are written by an
   exchange under the bucket's lock, together with leaving the table. A waiter that gives up looks under the lock
   whether it still stands there.
   P1  between being put into the table and leaving it a parker is reached by the table alone.
   P2  once taken, its owner may return and wait again at any time; so whoever took it keeps the word's value, and acts
       on the word only by system calls that compare it or do no harm (a wake too many).
   P3  a thread has one parker, so a signal handler that waits in the middle of a wait has none: it must do without.

   Keys are addresses; those of mutexes are odd, so that who acts late on a condition variable that is gone never takes
   somebody who waits for a mutex in the same place. */
#ifndef MO_PARK_PARKER_H
#define MO_PARK_PARKER_H

#include "base/atomic.h"
#include "base/shared.h"

enum mo_parker_state {
    MO_PARKER_AWAKE,
    MO_PARKER_FIRST,
    MO_PARKER_LONG,
    MO_PARKER_TAKEN,
    MO_PARKER_HELD,
    MO_PARKER_PASSED
};
#define MO_PARKER_STATE(word) ((enum mo_parker_state)((word)&7))

#define MO_DEFERRED_MAX 6

struct mo_parker {
    _Atomic uint32_t word MO_ALIGNED(MO_LINE_PAIR);
    uint32_t tid;
    const void *key;        /* the address it stands under */
    void *with;             /* the waiter's word to whoever takes it */
    struct mo_parker *next; /* of those under the same address: in the order of arrival */
    struct mo_parker *prev; /* not of a first one */
    struct mo_parker *last; /* of a first one */
    struct mo_parker *next_key;
    uint64_t since;    /* ticks: when it began to wait */
    uint64_t rested;   /* ticks: the end of its last wait */
    uint32_t bout;     /* waits of a bout of spinning that ended awake */
    uint8_t strikes;   /* in vain: how many more end the bout; 0: there is none */
    uint8_t backoff;   /* log2 of the share of probes that it takes part in */
    bool stands;       /* in the table; written under the bucket's lock */
    _Atomic bool busy; /* the thread's own: from before it enters until it has read how the wait ended */

    /* The thread's own: whom it has taken and not woken yet. */
    unsigned deferred_count;
    struct mo_parker *deferred[MO_DEFERRED_MAX];
    struct mo_parker *spare; /* in the list of parkers without a thread */
};

struct mo_parked {
    struct mo_parker *parker;
    uint32_t word; /* of the parker, as its taker left it */
    enum mo_parker_state was;
    void *with;
};

extern __thread struct mo_parker *MO_SHARED(parker) MO_SHARED_TLS;
/* The calling thread's parker while it has wakes to make up for; else NULL. */
extern __thread struct mo_parker *MO_SHARED(deferring) MO_SHARED_TLS;

/* Call once, early: thread exits give parkers back, forks empty the table. */
void mo_parker_init(void);

struct mo_parker *mo_parker_new(void);
/* One for a wait of somebody who is no thread (strand.h); NULL when memory is exhausted. Give it back when the wait is
   over. */
struct mo_parker *mo_parker_borrow(void);
void mo_parker_return(struct mo_parker *p);

/* NULL when memory is exhausted. */
static inline struct mo_parker *mo_parker_self(void)
{
    struct mo_parker *p = MO_SHARED(parker);
    return mo_likely(p != NULL) ? p : mo_parker_new();
}

/* For a wait; NULL also when a wait of this thread goes on, which then was interrupted by a signal. */
static inline struct mo_parker *mo_parker_idle(void)
{
    struct mo_parker *p = mo_parker_self();
    return p && !mo_load_relaxed(&p->busy) ? p : NULL;
}

/* The same, but NULL also where a first one might take memory from malloc. */
struct mo_parker *mo_parker_idle_quietly(void);

/* Stand under `key`; *count, which belongs to the key, is raised under the lock, and so lowered when one leaves. */
void mo_parker_enter(struct mo_parker *p, const void *key, void *with, _Atomic uint32_t *count);
/* The same without a count, but false when the bucket is in use for longer: never waits. */
bool mo_parker_try_enter(struct mo_parker *p, const void *key, void *with);
/* Leave; false: somebody has taken it. */
bool mo_parker_leave(struct mo_parker *p, _Atomic uint32_t *count);
/* Take those under `key`, oldest first, at most `max`; returns how many. `give` is called for each before it can know:
   it does what the taken one relies on and says TAKEN, HELD or PASSED; anything else: this one stays, and those after
   it. NULL: TAKEN. */
unsigned mo_parker_take(const void *key, struct mo_parked *taken, unsigned max,
                        enum mo_parker_state (*give)(const struct mo_parker *), _Atomic uint32_t *count);
/* The same for one; one that is still awake may be preferred to those asleep (see parker.c). */
bool mo_parker_take_one(const void *key, struct mo_parked *taken,
                        enum mo_parker_state (*give)(const struct mo_parker *), _Atomic uint32_t *count);
/* Take the oldest or nobody; false as well when the bucket is in use for longer: never waits. `may` decides whether the
   oldest is taken; *given is the bucket's, for it to note when it last did so. */
bool mo_parker_try_take(const void *key, struct mo_parked *taken,
                        bool (*may)(const struct mo_parker *, uint64_t *given));
/* The wait is over and its outcome has been read. */
void mo_parker_done(struct mo_parker *p);
/* Somebody stands under this key now. */
bool mo_parker_is_waited_for(const void *key);
/* How many stand under this key and those that share its bucket: a hint, relaxed. */
uint32_t mo_parker_crowd(const void *key);

static inline bool mo_parker_is_taken(struct mo_parker *p)
{
    return MO_PARKER_STATE(mo_load_acquire(&p->word)) >= MO_PARKER_TAKEN;
}

/* Stay awake while that has paid lately; true: taken meanwhile. */
bool mo_parker_spin(struct mo_parker *p);
/* From AWAKE or FIRST to a deeper state; false: taken. */
bool mo_parker_deepen(struct mo_parker *p, enum mo_parker_state state);

void mo_parker_wake(const struct mo_parked *taken);
/* Wake it when the calling thread flushes; false: no room, wake it now. */
bool mo_parker_defer(const struct mo_parked *taken);
void mo_parker_flush_slow(void);

static inline void mo_parker_flush(void)
{
    if (mo_unlikely(MO_SHARED(deferring) != NULL))
        mo_parker_flush_slow();
}

#endif
