/* Schedulers: which task runs next, and where. An executor is threads, their sleep, and a scheduler, which can be
   exchanged.

     moirai_fifo_t fifo;
     moirai_executor_attr_t attr;

     moirai_fifo_init(&fifo);
     moirai_executor_attr_init(&attr);
     moirai_executor_attr_set_workers(&attr, 1);
     moirai_executor_attr_set_scheduler(&attr, moirai_fifo_scheduler(), &fifo);

   The usual one, which an executor has unless told otherwise, has a deque for each worker and steals (task.h says what
   order comes of it). The one above has one queue for all: tasks begin in the order of their creation, whatever their
   priority, which makes runs with one worker the same each time.

   A program's own is a table of five functions. Entries are tasks that have not begun, seen by the scheduler alone:
   each that `schedule` took must be given out once, by `next` or `try_steal`. Entries of cancelled tasks are given out
   like all others.

   What it is not: a way into the executor. The functions are called by several threads at once, must not wait for
   tasks, and must return. They decide about order alone: a wait that may not run what it is given puts that aside for
   the others. */
#ifndef MOIRAI_SCHEDULER_H
#define MOIRAI_SCHEDULER_H

#include "moirai/executor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct moirai_entry moirai_entry_t;

/* `self` is what was given beside the table. Workers count from 0. */
typedef struct {
    /* Keep an entry that `worker`, or a thread that is none (-1), has created. Anything but MOIRAI_OK: it cannot, and
       whoever creates the task gets MOIRAI_ENOMEM. */
    int (*schedule)(void *self, int worker, moirai_entry_t *entry);
    /* What the worker that calls is to run; NULL: there is nothing for it. */
    moirai_entry_t *(*next)(void *self, unsigned worker);
    /* The same after that, out of what is another one's; NULL: nothing. Asked for those alone of which the last says
       yes. */
    moirai_entry_t *(*try_steal)(void *self, unsigned thief, unsigned victim);
    /* Entries that it holds now. From any thread, also when the executor has been shut down. */
    size_t (*load)(void *self);
    int (*can_be_stolen_from)(void *self, unsigned victim);
} moirai_scheduler_t;

/* What the scheduler may use an entry for while it holds it: a pointer of its own, for lists, and what the creator
   said. */
void **moirai_entry_link(moirai_entry_t *entry);
int moirai_entry_priority(const moirai_entry_t *entry);
uint64_t moirai_entry_cost_ns(const moirai_entry_t *entry);
const char *moirai_entry_name(const moirai_entry_t *entry);

/* The executors that are made with `attr` ask this one; NULL: the usual one. Neither *scheduler nor *self is copied:
   they must stay as long as the executor. No two executors at a time may have the same `self`, unless the table allows
   it.
   Blocks: never.
   Errors: MOIRAI_EINVAL where one of the functions is missing, or for an `attr` that was not initialised. */
int moirai_executor_attr_set_scheduler(moirai_executor_attr_t *attr, const moirai_scheduler_t *scheduler, void *self);

/* ---- First in, first out. */
typedef struct {
    uint64_t moirai_words[4];
} moirai_fifo_t;

void moirai_fifo_init(moirai_fifo_t *fifo);
const moirai_scheduler_t *moirai_fifo_scheduler(void);

/* ---- The usual order: a deque for each worker, from which others steal the oldest; of higher priorities first. It is
   for tables of a program's own that count, choose or reorder and leave the rest to these functions, with this as their
   `self`. An executor that only wants this order is quicker without a table. */
typedef struct moirai_stealing moirai_stealing_t;

/* For executors of up to `workers` workers, one at a time.
   Errors: MOIRAI_EINVAL for none or more than MOIRAI_WORKERS_MAX, MOIRAI_ENOMEM. */
int moirai_stealing_new(moirai_stealing_t **self, unsigned workers);
/* When its executor has been freed; NULL is allowed.
   Errors: MOIRAI_EBUSY while it holds entries. */
int moirai_stealing_free(moirai_stealing_t *self);
/* Its `schedule` is MOIRAI_EINVAL for a worker beyond those that it was made for. */
const moirai_scheduler_t *moirai_stealing_scheduler(void);

#ifdef __cplusplus
}
#endif

#endif
