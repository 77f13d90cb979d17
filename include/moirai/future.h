/* Futures: work that is polled until it is ready, and waits without a thread meanwhile.

     struct countdown {
         moirai_future_t future;
         int left;
     };

     static int poll(moirai_future_t *self, const moirai_waker_t *waker)
     {
         struct countdown *c = (struct countdown *)self;
         if (c->left == 0)
             return MOIRAI_READY;
         c->left--;
         moirai_waker_wake(waker);
         return MOIRAI_PENDING;
     }

     int count_down(int from)
     {
         static const moirai_future_ops_t ops = {.poll = poll};
         struct countdown c = {{&ops}, from};
         moirai_task_t task;
         if (moirai_async(NULL, &task, &c.future, sizeof c) != MOIRAI_OK || moirai_join(&task, &c) != MOIRAI_OK)
             return -1;
         return c.left;
     }

   A future is the beginning of an object of the program's that holds its state, also its result. poll() goes on with
   the work as far as that goes without waiting. What it has to wait for then gets a copy of the waker, and wakes that
   when it pays to poll again; more wake-ups than needed do no harm. A future is polled by one thread at a time, not
   always the same one, and never again once it was ready.

   moirai_async() makes a task out of a future: all that takes a task's handle (moirai/task.h) takes this one's.
   moirai_join() copies the state back. It is MOIRAI_TASK_RUNNING until it is over. moirai_cancel() says MOIRAI_EBUSY
   and has the task end instead of being polled again: drop() is called, and joining says MOIRAI_ECANCELED.
   moirai_task_fail() counts in poll(). The same happens, at once, to all tasks of a group or an executor that is
   cancelled, whether anybody wakes them or not.

   Wakers. The one that poll() is given is good until it returns; a copy that is to live longer is made by
   moirai_waker_clone() and given up by moirai_waker_drop(). A waker may outlive its future, and is good for nothing
   then.

   What it is not: a poll that blocks, blocks its worker. Futures that always find something to do should ask
   moirai_waker_may_go_on() now and then, so that others get their turn.

   Memory order: what was done before a wake-up is seen by the poll that follows it. */
#ifndef MOIRAI_FUTURE_H
#define MOIRAI_FUTURE_H

#include <stddef.h>
#include <stdint.h>

#include "moirai/task.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct moirai_future moirai_future_t;

typedef struct {
    uintptr_t moirai_word;
} moirai_waker_t;

enum moirai_poll {
    MOIRAI_PENDING = 0, /* it has seen to it that the waker will be woken */
    MOIRAI_READY = 1    /* and must not be polled again */
};

typedef struct {
    int (*poll)(moirai_future_t *self, const moirai_waker_t *waker);
    /* It will not be polled any more, though it was not ready: give up what it holds. NULL: nothing. */
    void (*drop)(moirai_future_t *self);
    /* Called once by moirai_async() with the state at its final place, for pointers into it. NULL: there are none. */
    void (*begin)(moirai_future_t *self);
} moirai_future_ops_t;

struct moirai_future {
    const moirai_future_ops_t *ops;
};

/* ---- Running. */
/* A task that polls a copy of the `bytes` bytes that begin with `future`, aligned to 16 bytes. `task` NULL: nobody is
   going to wait for it.
   Context: any thread, tasks.   Blocks: never.   Order: release.
   Errors: as moirai_spawn(). There is no task then, and the caller has its future, which was not polled. */
int moirai_async(moirai_executor_t *executor, moirai_task_t *task, const moirai_future_t *future, size_t bytes);

/* The same in a group, on its executor. */
int moirai_group_async(moirai_group_t *group, moirai_task_t *task, const moirai_future_t *future, size_t bytes);

/* Poll `future` where it is, in this thread, until it is ready; in a task others run meanwhile, as in moirai_join().
   Blocks: yes.   Order: acquire.
   Errors: MOIRAI_ETIMEDOUT at `deadline_ns` (MOIRAI_FOREVER: never), and MOIRAI_ENOMEM; it may be polled again then, or
   must be dropped by moirai_future_drop(). */
int moirai_block_on(moirai_future_t *future, uint64_t deadline_ns);

/* What poll() and drop() of a future that consists of others use. */
static inline int moirai_future_poll(moirai_future_t *future, const moirai_waker_t *waker)
{
    return future->ops->poll(future, waker);
}

static inline void moirai_future_drop(moirai_future_t *future)
{
    if (future->ops->drop)
        future->ops->drop(future);
}

/* ---- Wakers. */
/* Context: poll(), or whoever has one.   Blocks: never. */
moirai_waker_t moirai_waker_clone(const moirai_waker_t *waker);

/* Have its future polled. Stays good.
   Context: any thread, a signal handler.   Blocks: never.   Order: release. */
void moirai_waker_wake(const moirai_waker_t *waker);

/* Give a clone up.
   Context: any thread.   Blocks: never. */
void moirai_waker_drop(moirai_waker_t *waker);

/* 1 where both wake the same. */
static inline int moirai_waker_same(const moirai_waker_t *a, const moirai_waker_t *b)
{
    return a->moirai_word == b->moirai_word;
}

/* Take a step's worth off what this poll may do at one go, which is 128 steps. 0: nothing is left, the waker has been
   woken, and poll() should return MOIRAI_PENDING.
   Context: poll(). */
int moirai_waker_may_go_on(const moirai_waker_t *waker);

/* ---- Futures that consist of others. They hold addresses: the others must stay where they are from the initialisation
   on, so with moirai_async() initialise these in begin(). What is dropped drops the others that are not ready. */

/* Ready when a task is over: *status is then what moirai_join() would have said, `result` its data; the handle is used
   up. A handle that was used up before makes it ready with MOIRAI_ESTALE. Dropped, it leaves the handle as it is. */
typedef struct {
    moirai_future_t future;
    moirai_task_t *task;
    void *result;
    int status;
} moirai_await_t;

void moirai_await_init(moirai_await_t *await, moirai_task_t *task, void *result);

/* Ready when all of them are. of[i] is NULL from when that one is. */
typedef struct {
    moirai_future_t future;
    moirai_future_t **of;
    size_t count, left;
} moirai_all_t;

void moirai_all_init(moirai_all_t *all, moirai_future_t **of, size_t count);

/* Ready when one of them is: of[first]. With `keep` 0 the others are dropped then (a race), else they stay as they are
   and may be polled on (a selection). Each poll begins with another one, so none is preferred. Not ready for ever where
   there are none. */
typedef struct {
    moirai_future_t future;
    moirai_future_t **of;
    size_t count, first, turn;
    int keep;
} moirai_any_t;

void moirai_any_init(moirai_any_t *any, moirai_future_t **of, size_t count, int keep);

/* Ready when `first` is and fn(first, arg) has returned: a result becomes another one. */
typedef struct {
    moirai_future_t future;
    moirai_future_t *first;
    void (*fn)(moirai_future_t *first, void *arg);
    void *arg;
} moirai_map_t;

void moirai_map_init(moirai_map_t *map, moirai_future_t *first, void (*fn)(moirai_future_t *first, void *arg),
                     void *arg);

/* When `now` is ready fn(now, arg) says which future comes next; ready when it says NULL. */
typedef struct {
    moirai_future_t future;
    moirai_future_t *now;
    moirai_future_t *(*fn)(moirai_future_t *over, void *arg);
    void *arg;
} moirai_chain_t;

void moirai_chain_init(moirai_chain_t *chain, moirai_future_t *first,
                       moirai_future_t *(*fn)(moirai_future_t *over, void *arg), void *arg);

#ifdef __cplusplus
}
#endif

#endif
