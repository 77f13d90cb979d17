/* Tasks: functions that run on an executor's threads, with handles to wait for them.

     struct range { long from, to, sum; };

     static void add_up(void *data)
     {
         struct range *r = data;
         r->sum = 0;
         for (long i = r->from; i < r->to; i++)
             r->sum += i;
     }

     long sum_of_two_halves(long n)
     {
         struct range low = {0, n / 2, 0}, high = {n / 2, n, 0};
         moirai_task_t task;
         if (moirai_spawn(NULL, &task, add_up, &low, sizeof low) != MOIRAI_OK)
             add_up(&low);
         else if (moirai_join(&task, &low) != MOIRAI_OK)
             return -1;
         add_up(&high);
         return low.sum + high.sum;
     }

   A task owns a copy of the data that it is given. Its function gets the address of that copy and leaves its result
   there; joining copies it back. The copy is aligned to 32 bytes, and up to 32 bytes of it make the task as small as it
   can be, one cache line.

       queued --> running --> completed
         |          |-------> failed      (moirai_task_fail())
         +------------------> cancelled

   Handles. A handle that a call was given must be joined or detached once, or followed by another task. One thread at a
   time uses it; it may be copied, but counts as one, however many copies there are. A call on a handle that is used up
   says MOIRAI_ESTALE. Handles outlive their executor's shutdown.

   Where tasks run. `executor` NULL means the one whose task the caller is in, or the default one. Tasks that a task
   creates go to its worker, newest first; other workers take the oldest. Tasks from other threads wait at these
   threads, oldest first, until workers take them. Nothing is said about the order of tasks of different threads.

   Waiting in a task runs other tasks meanwhile: one that has not begun is run by whoever joins it, and where the one
   waited for runs elsewhere, any other. So a thread that waits must not hold a lock that tasks take, unless it waits
   for an isolated group. A thread that is no worker sleeps; after a millisecond, or 50 us where it waits for a group,
   it begins to run what it joins, and what it created itself, if no worker has.

   What it is not: an OpenMP task. OpenMP constructs in a task mean what they mean outside of all regions, and a region
   that is opened there has threads of its own.

   Memory order: what the creator did before is seen by the task, and what the task did, by whoever has waited for it.
   No call is for signal handlers, unless it says so; none is a cancellation point. Functions must return: longjmp,
   exceptions and pthread_exit() must not leave them. */
#ifndef MOIRAI_TASK_H
#define MOIRAI_TASK_H

#include <stddef.h>
#include <stdint.h>

#include "moirai/executor.h"
#include "moirai/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint64_t moirai_words[2];
} moirai_task_t;

typedef struct moirai_group moirai_group_t;

#define MOIRAI_TASK_BYTES_MAX ((size_t)1 << 30)

/* ---- Creating. */
/* Have fn(copy of `bytes` bytes at `data`) run. `task` NULL: nobody is going to wait for it. The copy is in the task's
   block up to 1 KiB, and beyond in one of its own from the pool of the caller's thread; it goes with the task.
   Context: any thread, tasks.   Blocks: never.   Order: release.
   Errors: MOIRAI_ENOMEM; MOIRAI_ESHUTDOWN where the executor takes no more; MOIRAI_EAGAIN where there is no thread for
   the default executor; MOIRAI_EINVAL without a function, or for more than MOIRAI_TASK_BYTES_MAX. There is no task
   then. */
int moirai_spawn(moirai_executor_t *executor, moirai_task_t *task, void (*fn)(void *data), const void *data,
                 size_t bytes);

/* The same for `count` tasks, each with the next `bytes` bytes of `data`; `tasks` is NULL or has room for `count`
   handles. `group` NULL: none. *spawned, where it is asked for, says how many tasks there are: where memory is
   exhausted or the executor is shut down half way, the first ones exist and the status says why the others do not. */
int moirai_spawn_many(moirai_executor_t *executor, moirai_group_t *group, moirai_task_t *tasks, void (*fn)(void *data),
                      const void *data, size_t bytes, size_t count, size_t *spawned);

/* The same for a function that blocks: it runs on one of the executor's threads for such work, which are made as they
   are needed, up to its limit, and stay until the shutdown. Tasks that such a function waits for must not need that
   limit.
   Errors: as moirai_spawn(); MOIRAI_EAGAIN where there is no thread for it and none can be had. */
int moirai_spawn_blocking(moirai_executor_t *executor, moirai_task_t *task, void (*fn)(void *data), const void *data,
                          size_t bytes);

/* Run fn(data) as a task and wait for it; in a task of the executor this is a call. `data` itself is not shared, but
   copied there and back.
   Errors: as moirai_spawn() and moirai_join(). */
int moirai_run(moirai_executor_t *executor, void (*fn)(void *data), void *data, size_t bytes);

/* What a task is to be like beyond that. Plain bytes; nothing needs to be destroyed. */
typedef struct {
    uint64_t moirai_words[8];
} moirai_task_attr_t;

enum moirai_priority {
    MOIRAI_PRIORITY_LOW = -1, /* when nothing else is there */
    MOIRAI_PRIORITY_NORMAL = 0,
    MOIRAI_PRIORITY_HIGH = 1, /* before all that is normal and has not begun */
    MOIRAI_PRIORITY_URGENT = 2
};

void moirai_task_attr_init(moirai_task_attr_t *attr);
/* Errors: MOIRAI_EINVAL for a value that is not allowed, or an `attr` that was not initialised. */
int moirai_task_attr_set_priority(moirai_task_attr_t *attr, int priority);
/* About how long it is going to run; 0: not known. Nobody is woken for a task that takes less time than waking takes:
   the worker that creates it does it itself unless another one happens to look. Who steals a long one takes no others
   with it. And a worker that is preferred for more than a tenth of a millisecond of tasks already gets no more: see
   below. */
int moirai_task_attr_set_cost_ns(moirai_task_attr_t *attr, uint64_t cost_ns);
/* Where it is to run; the last of the three calls counts. By worker number `worker` of its executor; by a worker that
   counts to NUMA node `node`; or by one of the node that the page of `address` is on when the task is created. A page
   that nobody has touched yet is on none, and where a sandbox forbids the question none is: the task runs anywhere
   then. PREFERRED: somebody else may run it, too, if those it is for are busy, or have much to do that is for them, as
   far as costs are known; and so does who joins it. STRICT: nobody else runs it. A task that waits for a strict one
   waits for that worker to come to it: there is no end to that if the worker itself waits, in a lock for one, for the
   task that waits.
   Errors: MOIRAI_EINVAL for numbers beyond those that exist anywhere, or another `how`; and moirai_spawn_with() says so
   where its executor has no such worker, or none on that node, and the place is a strict one. */
enum moirai_locality { MOIRAI_PREFERRED = 0, MOIRAI_STRICT = 1 };
int moirai_task_attr_set_worker(moirai_task_attr_t *attr, unsigned worker, int how);
int moirai_task_attr_set_node(moirai_task_attr_t *attr, unsigned node, int how);
int moirai_task_attr_set_near(moirai_task_attr_t *attr, const void *address, int how);
/* For people: plug-ins are told, and recordings have its first 60 bytes. The text must live as long as the task. */
int moirai_task_attr_set_name(moirai_task_attr_t *attr, const char *name);
int moirai_task_attr_set_group(moirai_task_attr_t *attr, moirai_group_t *group);

/* moirai_spawn() of a task like that; `attr` NULL: nothing special. */
int moirai_spawn_with(moirai_executor_t *executor, moirai_task_t *task, const moirai_task_attr_t *attr,
                      void (*fn)(void *data), const void *data, size_t bytes);

/* ---- Waiting. */
#define MOIRAI_ERROR_TEXT_BYTES 106

/* What a task said when it failed. */
typedef struct {
    int code;
    char text[MOIRAI_ERROR_TEXT_BYTES];
} moirai_error_t;

/* Wait until it is over, copy its data to `result` unless that is NULL, and use the handle up.
   Blocks: yes.   Order: acquire.
   Errors: MOIRAI_ECANCELED where it never ran; MOIRAI_EFAILED where it failed, with its data as it left them. Both use
   the handle up. MOIRAI_ESTALE where it was used up before; MOIRAI_EDEADLOCK for the task that the caller is; the
   second one MOIRAI_ETIMEDOUT, and the handle stays. The first may run the task in place, the second does so only
   inside of so many other waits that there is no room for other tasks, and called by a thread that is no worker runs
   nothing at all. */
int moirai_join(moirai_task_t *task, void *result);
int moirai_join_until(moirai_task_t *task, void *result, uint64_t deadline_ns);

/* The same if it is over, without waiting. MOIRAI_EBUSY where it is not. */
int moirai_try_join(moirai_task_t *task, void *result);

/* moirai_join() that says more of a failure; *error is written in that case alone. */
int moirai_join_error(moirai_task_t *task, void *result, moirai_error_t *error);

/* Join all of them; `results` is NULL or has room for the data of all, one behind the other, each as large as it was.
   MOIRAI_OK where all completed; otherwise the status of the first, in the order of the array, that did not. */
int moirai_join_all(moirai_task_t *tasks, size_t count, void *results);

/* Wait until one of them is over, at the latest until `deadline_ns`, and join that one; *index says which it was.
   Errors: as moirai_join_until(); MOIRAI_EINVAL for no tasks. */
int moirai_join_any(moirai_task_t *tasks, size_t count, size_t *index, void *result, uint64_t deadline_ns);

/* Use the handle up without waiting.
   Blocks: never.
   Errors: MOIRAI_ESTALE. */
int moirai_detach(moirai_task_t *task);

/* ---- What comes after. */
typedef struct moirai_before moirai_before_t;

typedef struct {
    int status;         /* as of moirai_join() */
    const void *result; /* its data, where it completed or failed; good until the function returns */
    size_t bytes;
    int code;         /* of a failure */
    const char *text; /* the same; never NULL */
} moirai_outcome_t;

/* Have fn(copy of data, before) run when `task`, or all of `count` tasks, are over, however that went; their handles
   are used up. In `fn` the next call asks how each of them went.
   Blocks: never.
   Errors: as moirai_spawn(), MOIRAI_ESTALE; the handles are as before then. */
int moirai_then(moirai_task_t *task, moirai_task_t *next, void (*fn)(void *data, const moirai_before_t *before),
                const void *data, size_t bytes);
int moirai_then_all(moirai_task_t *tasks, size_t count, moirai_task_t *next,
                    void (*fn)(void *data, const moirai_before_t *before), const void *data, size_t bytes);

/* Errors: MOIRAI_EINVAL for an index that is too large. */
int moirai_before_outcome(const moirai_before_t *before, size_t index, moirai_outcome_t *outcome);

/* ---- Cancelling, and asking. */
enum moirai_phase {
    MOIRAI_TASK_QUEUED = 0,
    MOIRAI_TASK_RUNNING = 1,
    MOIRAI_TASK_COMPLETED = 2,
    MOIRAI_TASK_CANCELLED = 3,
    MOIRAI_TASK_FAILED = 4
};

/* MOIRAI_OK: it had not begun, and never will. MOIRAI_EBUSY: it runs, and is asked to stop. MOIRAI_EALREADY: it is
   over. The handle stays good.
   Blocks: never.
   Errors: MOIRAI_ESTALE. */
int moirai_cancel(moirai_task_t *task);

/* One of enum moirai_phase, or MOIRAI_ESTALE.
   Blocks: never. */
int moirai_task_state(const moirai_task_t *task);

/* A number for the task by which any thread may ask for it, and cancel it, at any time while its handle is not used up,
   and longer where its executor remembers tasks (moirai_executor_attr_set_retention()). Never 0, unless the handle is
   used up.
   Blocks: never. */
uint64_t moirai_task_id(moirai_task_t *task);
/* As the two above. MOIRAI_ESTALE: no task has this number any more. Requires a number that was a task's. */
int moirai_id_cancel(uint64_t id);
int moirai_id_state(uint64_t id);
/* What it said when it failed: MOIRAI_EFAILED. MOIRAI_OK where it has not, or not yet, and *error is untouched.
   Errors: MOIRAI_ESTALE, MOIRAI_EINVAL without an `error`. */
int moirai_id_error(uint64_t id, moirai_error_t *error);

/* ---- Inside of a task. */
/* 1 where it should stop: it, its group, or one around that was cancelled, or its executor.
   Blocks: never. */
int moirai_task_is_cancelled(void);

/* The calling task has failed, for this reason. It goes on nevertheless; the first call counts. Its group is cancelled,
   unless that is tenacious. Longer texts than MOIRAI_ERROR_TEXT_BYTES - 1 are cut.
   Errors: MOIRAI_EPERM outside of tasks; MOIRAI_EINVAL without a text. */
int moirai_task_fail(int code, const char *text);

/* Run another task, if there is one that has not begun. 1: one has run.
   Blocks: as long as that runs. */
int moirai_task_yield(void);

/* The caller's number, as moirai_task_id(); 0 outside of tasks. */
uint64_t moirai_task_self(void);

/* ---- Groups: tasks that end together. One thread, or task, opens a group, waits for it and closes it; tasks of the
   group, and whoever else knows that it stays open, may create more. A group that is opened in a task of another one is
   inside of that: what cancels the outer cancels the inner. */
enum moirai_group_flags {
    MOIRAI_GROUP_ISOLATED = 1, /* who waits runs tasks of this group, and of groups inside, and no others */
    MOIRAI_GROUP_TENACIOUS = 2 /* the failure of one does not cancel the others */
};

/* Errors: as moirai_spawn(). */
int moirai_group_open(moirai_group_t **group, moirai_executor_t *executor, int flags);

/* moirai_spawn() into the group, on its executor. */
int moirai_group_spawn(moirai_group_t *group, moirai_task_t *task, void (*fn)(void *data), const void *data,
                       size_t bytes);

/* Wait until all its tasks are over; more may be created afterwards.
   Blocks: yes.   Order: acquire.
   Errors: MOIRAI_EFAILED where one of them failed; MOIRAI_ECANCELED where the group was cancelled, and none failed;
   MOIRAI_EPERM for a thread that did not open it; the second one MOIRAI_ETIMEDOUT. */
int moirai_group_wait(moirai_group_t *group);
int moirai_group_wait_until(moirai_group_t *group, uint64_t deadline_ns);

/* What the first of its tasks that failed said. MOIRAI_EFAILED, or MOIRAI_OK where none did, and *error is untouched.
   Requires that its tasks have been waited for. */
int moirai_group_error(const moirai_group_t *group, moirai_error_t *error);

/* Its tasks that have not begun never will; the others are asked to stop. Once cancelled it stays so.
   Context: any thread that knows that it stays open.   Blocks: never. */
int moirai_group_cancel(moirai_group_t *group);
int moirai_group_is_cancelled(const moirai_group_t *group);

/* moirai_group_wait(), and the group is gone.
   Errors: as that; it is there still after MOIRAI_EPERM alone. */
int moirai_group_close(moirai_group_t *group);

#ifdef __cplusplus
}
#endif

#endif
