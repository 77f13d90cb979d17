/* Timers: sleeps and intervals, for threads, tasks and futures, a limit of time for any future, and a clock for tests.

     int poll_twice(moirai_timeout_t *answer, moirai_future_t *question)
     {
         moirai_timeout_init(answer, question, moirai_now_ns() + 50000000);
         if (moirai_block_on(&answer->future, MOIRAI_FOREVER) == MOIRAI_OK && answer->status == MOIRAI_OK)
             return 1;
         return moirai_sleep_for(1000000) == MOIRAI_OK ? 0 : -1;
     }

   A point of time is a number of nanoseconds on CLOCK_MONOTONIC, as moirai_now_ns() says it. Nothing ends before its
   deadline. It ends later by at most 1024 ns that the timer adds, so that timers which are due together wake together,
   and what the system takes to wake the threads that it takes.

       not running --polled--> running --its time comes--> over
                                  |---dropped---> not running

   A future that runs must stay where it is; before its first poll and when it is over it may be moved and copied, so
   futures of tasks can hold one. Dropping one (moirai_future_drop()) takes its timer out at once, however many there
   are.

   No thread waits for a sleeping future: 10,000 of them take the CPU for nothing until the first is due. One thread of
   the process looks at the clock for all, which begins with the first timer.

   What it is not: for signal handlers. A poll that does not return, or a worker that runs something else, makes what
   was woken on time late. */
#ifndef MOIRAI_TIMER_H
#define MOIRAI_TIMER_H

#include <stddef.h>
#include <stdint.h>

#include "moirai/future.h"
#include "moirai/sync.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Sleeping here. */
/* Until `deadline_ns`, or for `ns` nanoseconds from now. In a task its worker runs others meanwhile, as in
   moirai_join().
   Context: any thread, tasks.   Blocks: yes.
   Errors: MOIRAI_ENOMEM, MOIRAI_EAGAIN where the thread for timers cannot be had; it has not slept then. */
int moirai_sleep_until(uint64_t deadline_ns);
int moirai_sleep_for(uint64_t ns);

/* ---- Ready when a time has come. */
typedef struct {
    moirai_future_t future;
    uint64_t deadline_ns; /* MOIRAI_FOREVER: it never comes */
    int status;           /* when it is ready: MOIRAI_OK, or an error of moirai_sleep_until() */
    uint64_t moirai_words[5];
} moirai_sleep_t;

void moirai_sleep_init(moirai_sleep_t *sleep, uint64_t deadline_ns);

/* ---- Ready again and again: polled after it was ready, it waits for the next tick. */
enum moirai_missed {
    MOIRAI_MISSED_BURST, /* ticks that were missed come at once, one after the other */
    MOIRAI_MISSED_DELAY, /* the next one comes a period after this one was noticed */
    MOIRAI_MISSED_SKIP   /* they do not come: the next one is the first multiple of the period that lies ahead */
};

typedef struct {
    moirai_future_t future;
    moirai_sleep_t next;
    uint64_t period_ns;
    uint64_t due_ns; /* of the tick that made it ready: when it should have come */
    uint64_t missed; /* ticks that should have come since then, too */
    int policy;
    int status; /* as a sleep's */
} moirai_interval_t;

/* The first tick comes at `first_ns`.
   Errors: MOIRAI_EINVAL for a period of 0 or another policy; `interval` must not be used then. */
int moirai_interval_init(moirai_interval_t *interval, uint64_t first_ns, uint64_t period_ns, int policy);

/* Sleep until the next tick.
   Context, errors: as moirai_sleep_until(). */
int moirai_interval_wait(moirai_interval_t *interval);

/* ---- Ready when `of` is, with status MOIRAI_OK, or at a time, with MOIRAI_ETIMEDOUT; `of` was dropped then, and is
   polled first: it is the one that counts where both have come. With an error of moirai_sleep_until() it was dropped,
   too. It holds addresses: see "Futures that consist of others" in moirai/future.h. */
typedef struct {
    moirai_future_t future;
    moirai_future_t *of;
    moirai_sleep_t limit;
    int status;
} moirai_timeout_t;

void moirai_timeout_init(moirai_timeout_t *timeout, moirai_future_t *of, uint64_t deadline_ns);

/* ---- Time in tests. While the clock is held the program moves it: moirai_now_ns() says where it stands, and all of
   this header, the deadlines of tasks, fibers, executors, channels, rings and locks, moirai_after() and moirai_tick()
   go by it. Waits of threads, and of fibers at channels, notice within a millisecond that it was moved, others at once.
   It begins at the present time.
   Context: any thread that is no worker.   Blocks: never.
   Errors: MOIRAI_EALREADY where it is held, or is not; MOIRAI_EBUSY while timers run; of the second MOIRAI_EPERM where
   it is not held. */
int moirai_clock_hold(void);
int moirai_clock_advance(uint64_t ns);
int moirai_clock_release(void);

#ifdef __cplusplus
}
#endif

#endif
