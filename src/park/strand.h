/* Strands: flows of control that are not a thread's own and may go on upon another one. Who waits on a strand gives its
   thread back to whoever runs strands (sched/strand.c); this is what the layers that wait know of it.

   Words to sleep on. mo_word_wait() and mo_word_wake() are the kernel's futex calls, and more: a strand that waits
   stands in a table under the word's address, while its thread goes on with other work.

   S1  no wake-up is lost. A strand stands in the table, by an RMW on the bucket (seq_cst), before it compares the word.
       Who wakes has written the word, then does an RMW on the bucket, too. The later one of the two RMWs sees what came
       before the other: either the strand sees the new value and does not sleep, or the waker sees that somebody may
       stand there.
   S2  a strand that is taken out of the table is claimed in the same step, under the bucket's lock: from then on nobody
       else makes it run, so it is still there when its waker, having let the lock go, launches it. If it runs at that
       moment the claim alone makes it come back once more; its waker does not touch it any more.
   S3  a wake comes too often rather than never: whoever waits looks again. So a claim may also be for no reason.
   S4  a waker never waits for the lock of a bucket, since it may be a signal handler that has interrupted who holds it.
       Where it cannot have the lock it leaves a mark, tries once more, and leaves: who holds the lock looks at the mark
       after having let go, and wakes all of the bucket.
   tests/models/strand.pml tries all of it. */
#ifndef MO_PARK_STRAND_H
#define MO_PARK_STRAND_H

#include "base/atomic.h"
#include "base/shared.h"

#include <time.h>

struct mo_strand;
struct mo_stack;

struct mo_strand_ops {
    /* Give the thread back; returns after somebody has claimed and launched it, perhaps on another thread. A claim that
       came before makes it return soon. */
    void (*suspend)(struct mo_strand *s);
    /* The same, but at that time of CLOCK_MONOTONIC at the latest. */
    void (*suspend_until)(struct mo_strand *s, uint64_t until_ns);
    /* The same by the clock that counts (park/clock.h). */
    void (*suspend_by_clock)(struct mo_strand *s, uint64_t until_ns);
    /* See to it that it will run. True: the caller must launch it, and until then it stays where it is. */
    bool (*claim)(struct mo_strand *s);
    void (*launch)(struct mo_strand *s);
    /* It may give its thread back here. */
    bool (*may_suspend)(struct mo_strand *s);
};

struct mo_strand {
    const struct mo_strand_ops *ops;
    const struct mo_stack *stack; /* that it runs on */
    const void *address;          /* where it stands in the table, under the bucket's lock; NULL: it does not */
    struct mo_strand *next, *prev;
    struct mo_strand *launched; /* of those that a waker is about to launch */
};

/* The one that runs on this thread. Only for code that does not give its thread back between two looks. */
extern __thread struct mo_strand *MO_SHARED(strand) MO_SHARED_TLS;

/* The caller's, if it may give its thread back; NULL: it is to wait as threads do. Never inlined: a strand goes on upon
   another thread, of which the compiler knows nothing, so no address of a thread-local variable may live across a
   wait. */
struct mo_strand *mo_strand_slow(void);

static inline struct mo_strand *mo_strand_here(void)
{
    return mo_likely(MO_SHARED(strand) == NULL) ? NULL : mo_strand_slow();
}

/* As mo_plat_futex_wait_until(): 0, EAGAIN where the word is another one, EINTR, ETIMEDOUT. Deadlines of a strand go by
   the clock that tests hold. */
int mo_word_wait(_Atomic uint32_t *word, uint32_t seen, bool realtime, const struct timespec *until);
/* Up to `count` of those that wait; reads nothing of the word. Returns how many threads were woken. */
int mo_word_wake(_Atomic uint32_t *word, int count, uint32_t bits);
/* Until notified, or for that long; 0: without end. */
void mo_strand_sleep(struct mo_strand *s, _Atomic uint32_t *word, uint32_t seen, uint64_t timeout_ns);

void mo_strands_reset_after_fork(void);

#endif
