/* Counting, for all who have something to count: workers in a record of their own, other threads, and whatever is
   counted out of the way of what is fast, on their thread's sheet. A count is written by one thread alone, by a plain
   store, and read by any: who reads while others count sees a past value of each.

   Sheets are never freed. One whose thread is gone serves the next thread, and goes on counting. They lie on pages that
   the system clears in a child of fork, so a child, however it was made, begins with none. */
#ifndef MO_WATCH_WATCH_H
#define MO_WATCH_WATCH_H

#include "base/atomic.h"
#include "base/shared.h"

enum mo_count {
#define MO_COUNTER(id, ...) MO_COUNT_##id,
#include "watch/counters.def"
#undef MO_COUNTER
    MO_COUNTS
};

struct mo_trace_ring;

struct mo_counts {
    _Atomic uint64_t n[MO_COUNTS];
};

/* A lock that the thread holds, where locks are watched. */
struct mo_held {
    const void *lock, *site;
};
#define MO_HELD_MAX 8 /* of those held at a time; further ones are left out */

/* A lock that the thread has waited for. One that finds no room takes the place of the one waited for least often, and
   goes on from its count: where a thread waits for more locks than there are places, counts may be too high, never too
   low. */
struct mo_hot {
    _Atomic uint64_t lock;         /* address; 0: not in use */
    _Atomic uint64_t site;         /* of the last wait; 0: not known */
    _Atomic uint64_t waits, ticks; /* ticks: of the processor's counter, waited */
};
#define MO_HOT_MAX 8

/* Of a wait for a condition. */
enum mo_wait_end {
    MO_WAIT_LATE = 1, /* its deadline ended it */
    MO_WAIT_FUTILE =
        2, /* it was begun by who had just come back from one for the same condition and given no mutex up since */
    MO_WAIT_SPURIOUS = 4 /* nothing ended it: no signal or broadcast was addressed to it */
};

struct mo_sheet {
    _Atomic(struct mo_sheet *) next; /* in the list of all, the newest first */
    _Atomic uint32_t tid;            /* of the thread that it serves, or served; 0: a fork has cleared it */
    struct mo_counts counts;
    struct mo_hot hot[MO_HOT_MAX];
    /* How long the thread has slept in waits of Moirai's, where that is of interest; read by others. */
    _Atomic uint64_t asleep_ticks, asleep_since; /* since: of the wait that it is in; 0: in none */
    /* The thread's own, where locks are watched. What is cleared for the next thread is atomic: only the kernel knows
       that its stores come after those of the last one. */
    const void *site;            /* where the program began the wait that the thread is in */
    _Atomic(const void *) woken; /* the condition from which it was woken, until it gives a mutex up */
    struct mo_held held[MO_HELD_MAX];
    _Atomic uint32_t held_count;
    _Atomic uint32_t waits; /* that it is in, one inside of the other */
    struct mo_trace_ring *ring;
    uint32_t traced_tid; /* whose events the ring has now */
} MO_ALIGNED(MO_LINE_PAIR);

extern __thread struct mo_sheet *MO_SHARED(sheet) MO_SHARED_TLS;

/* NULL when memory is exhausted. Changes no errno; may be called from a signal handler. */
struct mo_sheet *mo_sheet_new(void);

static inline struct mo_sheet *mo_sheet_self(void)
{
    struct mo_sheet *s = MO_SHARED(sheet);
    return mo_likely(s && mo_load_relaxed(&s->tid)) ? s : mo_sheet_new();
}

/* To a word that the calling thread alone writes. One instruction with its operand in memory, which compilers do not
   make of a load and a store that are atomic. Aligned words are written whole all the same. */
static inline void mo_count_word(_Atomic uint64_t *word, uint64_t n)
{
#if defined(__SANITIZE_THREAD__)
    mo_owner_add(word, n);
#else
    *(uint64_t *)word += n;
#endif
}

static inline void mo_count(struct mo_counts *c, enum mo_count what, uint64_t n)
{
#if defined(MO_NO_COUNTERS)
    (void)c, (void)what, (void)n;
#else
    mo_count_word(&c->n[what], n);
#endif
}

/* On the calling thread's sheet. */
static inline void mo_count_here(enum mo_count what, uint64_t n)
{
#if defined(MO_NO_COUNTERS)
    (void)what, (void)n;
#else
    struct mo_sheet *s = mo_sheet_self();
    if (mo_likely(s != NULL))
        mo_count(&s->counts, what, n);
#endif
}

/* The calling thread has waited for a lock. */
void mo_watch_waited(const void *lock, const void *site, uint64_t ticks);

struct mo_watch {
    _Atomic(struct mo_sheet *) sheets;
    _Atomic(struct mo_sheet *) cursor; /* where the next search for one without a thread begins */
    _Atomic uintptr_t chunk;           /* address of pages for sheets, plus how many of these are in use */
};
extern struct mo_watch MO_SHARED(watch) MO_SHARED_ATTR;

/* In a child of fork that ran the handlers for it. */
void mo_watch_reset_after_fork(void);

/* ---- What is asked for (start.c). */
enum mo_watch_wish { MO_WATCH_STATS = 1, MO_WATCH_METRICS = 2, MO_WATCH_LOCKS = 4, MO_WATCH_TRACE = 8 };

#define MO_WATCH_EVENTS (unsigned)(MO_WATCH_LOCKS | MO_WATCH_TRACE) /* OpenMP's events are of interest */

/* Bits of the above, by the environment alone: may be asked at any time, and settles nothing while the C library is not
   ready. */
unsigned mo_watch_wishes(void);
/* Begin what is asked for. Any number of times, outside all locks. */
void mo_watch_start(void);

#endif
