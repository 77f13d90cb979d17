/* The profile of locks: for each lock and each place in the program that takes it, how often, how long it was waited
   for and held. Kept only where MOIRAI_LOCKS asks for it, and then by those who go the longer way anyway.

   Who holds a lock is alone with its records, so these are written by plain stores; only who waits is counted by an
   RMW. */
#ifndef MO_WATCH_LOCKS_H
#define MO_WATCH_LOCKS_H

#include "watch/watch.h"

enum mo_lock_kind { MO_LOCK_MUTEX, MO_LOCK_CONDITION, MO_LOCK_CRITICAL, MO_LOCK_OPENMP, MO_LOCK_KINDS };

/* Times in ns, two to an octave, the first for all below MO_LOCK_NS_MIN, the last for all beyond. */
#define MO_LOCK_TIMES  56
#define MO_LOCK_NS_MIN 64

struct mo_lock_site {
    uint64_t key; /* of the two below */
    const void *lock, *site;
    uint32_t kind;
    uint64_t taken, contended; /* of a condition: waits, and those that ended at a deadline */
    uint64_t held_ticks, held_max;
    /* What follows is written only by who has waited. */
    uint64_t futile;   /* waits of a condition by who had just come back from one and done nothing */
    uint64_t spurious; /* waits of a condition that ended without a signal or broadcast to them, or a deadline */
    uint64_t wait_ticks, wait_max;
    uint32_t waits[MO_LOCK_TIMES];
} MO_ALIGNED(64);
_Static_assert(offsetof(struct mo_lock_site, futile) == 64, "who does not wait writes one cache line");

struct mo_lock {
    _Atomic(const void *) lock; /* NULL: not in use */
    _Atomic uint32_t waiters, peak;
    uint64_t since;            /* ticks: when its owner got it; 0: not known */
    struct mo_lock_site *site; /* where */
    uint64_t taken;
    uint32_t tid; /* of who had it last */
    bool several; /* not only that one */
} MO_ALIGNED(64);

/* A lock that was waited for, or would have been, by who held another one. */
struct mo_lock_order {
    _Atomic uint64_t key; /* of the two locks; 0: not in use */
    struct mo_held outer, inner;
};

#define MO_LOCKS_MAX  16384
#define MO_SITES_MAX  32768
#define MO_ORDERS_MAX 2048
struct mo_locks {
    _Atomic uint64_t lost; /* times that there was no room */
    uint64_t began;        /* ticks */
    /* Two orders that contradict each other, the first such that were seen; NULL: none. */
    _Atomic(const struct mo_lock_order *) order_seen, order_before;
    struct mo_lock_order order[MO_ORDERS_MAX];
    struct mo_lock lock[MO_LOCKS_MAX];
    /* In the order in which they were first met, so that few pages are touched: a system may take longer to find a page
       than all that is done for a lock. */
    _Atomic uint32_t sites;                  /* in use, and those there was no room for */
    _Atomic uint32_t slot[2 * MO_SITES_MAX]; /* a hash table: number + 1 of a site; 0: not in use */
    struct mo_lock_site site[MO_SITES_MAX];
};

/* NULL: nothing is kept. The pages are empty in a child of fork. */
extern _Atomic(struct mo_locks *) MO_SHARED(locks) MO_SHARED_ATTR;

static inline bool mo_locks_are_watched(void)
{
    return mo_unlikely(mo_load_relaxed(&MO_SHARED(locks)) != NULL);
}

void mo_locks_begin(void);
/* A thread begins to wait for it, and is done with that. */
void mo_locks_waiting(const void *lock, int change);
/* The caller has it, after so many ticks of waiting. */
void mo_locks_taken(const void *lock, const void *site, enum mo_lock_kind kind, bool contended, uint64_t waited);
/* The same without waiting, whatever happens: such calls keep to no order. */
void mo_locks_tried(const void *lock, const void *site, enum mo_lock_kind kind);
/* The caller still has it. */
void mo_locks_release(const void *lock);
/* The caller has waited for a condition and has its mutex again; `how` is of enum mo_wait_end. */
void mo_locks_condition(const void *cond, const void *site, unsigned how, uint64_t waited);

/* The upper bound, in ns, of the time that a share of the waits, in percent, did not exceed. */
uint64_t mo_locks_wait_ns(const struct mo_lock_site *s, unsigned percent);

/* Sites that there are. */
static inline unsigned mo_locks_sites(const struct mo_locks *l)
{
    uint32_t used = l ? mo_load_acquire(&l->sites) : 0;
    return used < MO_SITES_MAX ? used : MO_SITES_MAX;
}

/* The record of a lock, which it gets if it has none; NULL: there is no room. */
struct mo_lock *mo_locks_find(struct mo_locks *l, const void *lock);

/* A place in the program: the file that it is in and its address there, as addr2line takes it. */
struct mo_code_place {
    const char *object, *name; /* NULL: not known */
    uint64_t address;
    uint64_t beyond; /* of the name's */
};
/* `call`: the address is behind the call that is meant. */
struct mo_code_place mo_code_place(const void *address, bool call);

/* There is something to tell. */
bool mo_locks_any(void);
struct mo_out;
void mo_locks_print_table(struct mo_out *o, unsigned pid, const char *program);
void mo_locks_print_json(struct mo_out *o, unsigned pid, const char *program);

#endif
