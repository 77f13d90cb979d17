/* Parking: how a thread waits. Everything in Moirai that waits, but for locks (their word is the program's), goes
   through mo_wait(): run work if there is any, spin while spinning can pay, yield while the process's own threads fill
   the CPUs, then sleep on a futex. */
#ifndef MO_PARK_PARK_H
#define MO_PARK_PARK_H

#include "base/atomic.h"

/* ---- Event count: sleep until "something that you should look at again happened".

   Waiter:    key = mo_event_prepare(e); if (!condition) mo_park_sleep(&e->seq, key, ...); mo_event_finish(e);
   Notifier:  make the condition true; mo_event_notify_*(e);
   No wake-up is lost: prepare's RMW on `waiters` and the notifier's read of it are seq_cst, as must be the write that
   makes the condition true (or a seq_cst operation between that write and the notification). Either the notifier sees
   the waiter, raises seq and wakes; or the waiter's read of the condition comes after the write. */
struct mo_event {
    _Atomic uint32_t seq;
    _Atomic uint32_t waiters;
};

static inline uint32_t mo_event_prepare(struct mo_event *e)
{
    mo_fetch_add_seqcst(&e->waiters, 1u);
    return mo_load_acquire(&e->seq);
}

static inline void mo_event_finish(struct mo_event *e)
{
    mo_fetch_sub_seqcst(&e->waiters, 1u);
}

void mo_event_notify_slow(struct mo_event *e, int count, uint32_t bits);

#define MO_WAKE_ALL 0x7fffffff
#define MO_WAKE_ANY 0xffffffffu /* bits: whoever waits */

/* Wake up to `count` waiters. One load when nobody waits. */
static inline void mo_event_notify_bits(struct mo_event *e, int count, uint32_t bits)
{
    if (mo_unlikely(mo_load_seqcst(&e->waiters) != 0))
        mo_event_notify_slow(e, count, bits);
}

static inline void mo_event_notify(struct mo_event *e)
{
    mo_event_notify_bits(e, MO_WAKE_ALL, MO_WAKE_ANY);
}

/* ---- The one way to wait. */
/* What a thread remembers of a place where it waits; begins as zeroes. */
struct mo_wait_memory {
    uint8_t misses;       /* waits in a row that took longer than the longest spin */
    uint8_t short_misses; /* and that ended asleep while strangers ran; beyond some, those since the last try too */
};

struct mo_wait {
    /* The condition; acquire where it is true. Must be cheap: it is called between pauses. */
    bool (*ready)(void *arg);
    /* Do one piece of work that the wait allows; false when there is none. May be NULL. */
    bool (*work)(void *arg);
    /* The waiter is about to sleep: publish that, so that work and changes are notified to `event`. What they publish
       is undone by awake. Both may be NULL. ready and work are asked once more between asleep and the sleep. */
    void (*asleep)(void *arg);
    void (*awake)(void *arg);
    /* Called now and then while the waiter is awake and the machine is ours. May be NULL. */
    void (*linger)(void *arg);
    /* Called before each sleep, announced or not: the thread has nothing better to do. May be NULL. */
    void (*idle)(void *arg);
    /* Another fiber of the thread goes on: nobody may rely on this waiter's looks for work. May be NULL. */
    void (*aside)(void *arg);
    /* Sleep instead of on the event, which is NULL then: on a word of the wait's own, as processes share it, and no
       longer than the wait wants to. A strand may give its thread back in it. Fibers that share a thread look every
       relook_ns instead. */
    void (*sleep)(void *arg);
    void *arg;
    struct mo_event *event; /* NULL, where fibers wait or `sleep` is set: nobody notifies, relook_ns must not be 0 */
    /* Look for work again after sleeping this long, then after twice as long, and so on up to 64 times (0: not until
       notified). For waits whose work nobody notifies. */
    uint64_t relook_ns;
    uint32_t bits;                 /* which notifications of the event concern this wait */
    unsigned together;             /* threads that wait for each other here, the awaited one included; 0: who knows */
    bool patient;                  /* a sleep costs next to nothing here; for what the policy decides by itself */
    struct mo_wait_memory *memory; /* may be NULL */
};

/* Returns when ready() said yes. On a thread with fibers (fiber.h) others run meanwhile, and ready() is called on their
   stacks, too. */
void mo_wait(const struct mo_wait *w);

/* ---- Policy. */
/* Read the settings; call once before the first wait, from any thread. `cpus` are those to plan for, and `abreast`
   those that threads can be on at the same time: more where a quota limits the time on them. */
void mo_park_init(unsigned cpus, unsigned abreast);
/* A thread joins (1) or leaves (-1) those that run our work. */
void mo_park_threads_add(int n);
/* Sleep on a futex, wake sleepers: the system calls, and the count of threads that are runnable. A woken thread counts
   from the wake on, not from when it gets a CPU: others must know that it wants one. `expected` is a guess of how many
   will wake. True: somebody woke it. */
bool mo_park_sleep(_Atomic uint32_t *word, uint32_t seen, uint64_t timeout_ns, uint32_t bits);
void mo_park_wake(_Atomic uint32_t *word, int count, uint32_t bits, int expected);
/* In a forked child: one thread is left. */
void mo_park_reset_after_fork(void);
unsigned mo_park_cpus(void);
/* At any time: they have become more or fewer. */
void mo_park_set_cpus(unsigned cpus);
/* The budget of CPUs: claim one for each of `own` threads, which run anyway, and for up to `more` others as long as
   CPUs are left. Returns how many were claimed; to be given back. A forked child begins without claims, and may give
   back those that it was forked with. */
unsigned mo_park_claim(unsigned own, unsigned more);
void mo_park_unclaim(unsigned claimed);
/* Strangers have shown themselves lately: a yield might give them the CPU for long. */
bool mo_park_disturbed(void);
/* As things are, a wait with this memory does not spin. */
bool mo_park_sleeps_at_once(const struct mo_wait_memory *m);
/* How long a waiting thread spins at most while nobody disturbs; UINT64_MAX: for ever, more or less. May be set at any
   time, for all waits to come. */
uint64_t mo_park_spin_ns(void);
void mo_park_set_spin_ns(uint64_t ns);
/* Threads that run our work, asleep or not. */
unsigned mo_park_threads(void);

/* ---- A mutex in four bytes: 0 free, 1 held, 2 held and somebody may sleep. All-zero is valid and free. */
void mo_mutex_lock_slow(_Atomic uint32_t *m);
/* On a thread with fibers, wait for a lock until `try_lock` gets it, without sleeping for its word; false: the thread
   has none. A fiber that owns a lock never keeps its thread from running. */
bool mo_fiber_lock(bool (*try_lock)(void *arg), void *arg);

static inline bool mo_mutex_try_lock(_Atomic uint32_t *m)
{
    uint32_t free = 0;
    return mo_cas_acquire(m, &free, 1u);
}

static inline void mo_mutex_lock(_Atomic uint32_t *m)
{
    if (mo_unlikely(!mo_mutex_try_lock(m)))
        mo_mutex_lock_slow(m);
}

/* After the exchange the mutex may be gone: the wake passes an address, it reads nothing. */
static inline void mo_mutex_unlock(_Atomic uint32_t *m)
{
    if (mo_unlikely(mo_exchange_release(m, 0u) == 2))
        mo_park_wake(m, 1, MO_WAKE_ANY, 1);
}

/* How long a waiter may spin before it sleeps, in ticks; 0 when spinning cannot pay now. For waits that are not
   mo_wait() because their word is given by a foreign layout (locks). */
uint64_t mo_park_lock_spin_ticks(void);

#endif
