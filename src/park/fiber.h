/* Fibers: flows of control that take turns on one thread. A thread with fibers is a ring: its own flow of control and
   the fibers that were started on it. Each runs until it waits, yields or ends; nothing takes the thread away from it.
   All of them stay on that thread, so what the compiler keeps of thread-local variables stays right.

   Whatever waits by mo_wait() or for a four-byte mutex gives way to the others of its ring. The thread looks at what
   each of them waits for, so who makes that true need not know about fibers. Where none can go on, each in turn looks
   for work that its wait allows; then the thread spins as any would, and then they fall asleep one after the other:
   each announces itself to its event, and the last one puts the thread to sleep on all those events at once.
   F1  a thread sleeps only if each of its fibers has announced itself and has found its condition false after that, so
       a notification of any of these events either comes before, and one of the words differs, or wakes the thread.
   F2  before any of them goes on all announcements are taken back, by whichever runs. So who makes conditions true
       never pays for waking a thread that is awake.

   The ring belongs to its thread; nobody else touches it. */
#ifndef MO_PARK_FIBER_H
#define MO_PARK_FIBER_H

#include "base/shared.h"
#include "mem/stack.h"
#include "plat/context.h"

struct mo_wait;

struct mo_fiber {
    struct mo_context context;
    struct mo_fiber *next, *prev;
    struct mo_ring *ring;
    struct mo_stack *stack; /* NULL: the thread's own */
    void (*entry)(void *arg);
    void (*left)(void *arg); /* called when it is over and its stack is free, on the stack of the next; may be NULL */
    void *arg;
    void *local;                     /* of the variable that ring->local leads to, while another runs */
    void *exceptions[2];             /* the same of the C++ runtime's state: exceptions that are being handled */
    const struct mo_wait *wait;      /* while another runs: what it waits for; NULL: it can go on */
    bool came;                       /* another one of the ring has found that true */
    const struct mo_wait *announced; /* as a sleeper, for this wait, */
    uint32_t key;                    /* when the event's number was this; NULL: it is not */
};

/* One bout of waiting awake. */
struct mo_bout {
    uint64_t began, last, lingered, met; /* ticks; met: it has looked for its team since */
    unsigned sleeps, eager;              /* looks to come that follow each other closely */
    unsigned sharers; /* other fibers that would have to fall asleep too: a sleep costs that much more */
    bool disturbed;   /* there were holes while it spun */
};

struct mo_ring {
    struct mo_fiber own; /* the thread's own flow of control */
    struct mo_fiber *current;
    struct mo_fiber *gone; /* it has just ended */
    unsigned fibers;       /* beside the own one */
    unsigned tried;        /* looks for work in a row that found none */
    bool settling;         /* they are falling asleep */
    struct mo_bout bout;   /* of all of them together */
    void **local;          /* a thread-local variable that each of them has a value of */
    void **exceptions;     /* the thread's; NULL: there is no C++ runtime */
};

/* The calling thread's, while it has fibers. */
extern __thread struct mo_ring *MO_SHARED(ring) MO_SHARED_TLS;

/* Begin entry(arg) on the fiber's stack when its turn comes; `local` is its value of the variable. The ring is the
   calling thread's, zeroed at first; so is `thread_local`, the same for all fibers of a ring. */
void mo_fiber_start(struct mo_ring *ring, struct mo_fiber *f, void **thread_local, void (*entry)(void *arg), void *arg,
                    void *local);
/* The calling fiber is over; its stack may be used again when `left` is called. */
_Noreturn void mo_fiber_end(struct mo_fiber *f);

/* Let others of the ring go on, and come back. False: the thread has no others. */
bool mo_fiber_yield_slow(struct mo_ring *ring);
static inline bool mo_fiber_yield(void)
{
    struct mo_ring *ring = MO_SHARED(ring);
    return mo_unlikely(ring != NULL) && mo_fiber_yield_slow(ring);
}

/* One that can go on, in turns; NULL: there is none. */
struct mo_fiber *mo_fiber_next(struct mo_ring *ring, const struct mo_fiber *me);
/* One that waits and may find work meanwhile; NULL: there is none. */
struct mo_fiber *mo_fiber_next_worker(const struct mo_fiber *me);
/* `wait` is what the calling one waits for; NULL: it only yields. */
void mo_fiber_switch(struct mo_ring *ring, struct mo_fiber *to, const struct mo_wait *wait);

/* A forked child has the calling flow of control alone. */
void mo_fiber_reset_after_fork(void);

/* Say so when a thread with fibers runs over the end of a stack, unless the program handles SIGSEGV itself. The calling
   thread gets a stack for that, which it gives back at its end (mo_fiber_unwatch); NULL: it has one, or there is no
   memory. */
void *mo_fiber_watch(void);
void mo_fiber_unwatch(void *stack);

#endif
