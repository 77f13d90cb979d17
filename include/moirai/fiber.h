/* Fibers: tasks with a stack of their own, which wait without keeping a thread.

     static void serve(void *arg)
     {
         moirai_channel_t *requests = arg;
         long request;
         while (moirai_channel_recv(requests, &request) == MOIRAI_OK)
             printf("%ld\n", request);
     }

     int start(moirai_channel_t *requests)
     {
         return moirai_go(serve, requests);
     }

   A fiber is run by the workers of an executor, by one after the other: wherever it waits by a call of this library its
   thread goes on with other work, and the fiber goes on when what it waited for is there, perhaps upon another thread.
   So do joining, moirai_block_on(), channels and selects, the locks of moirai/sync.h, waits for groups, and sleeping.
   Whatever else blocks, blocks the worker: hand that to moirai_block().

   All that takes a task's handle (moirai/task.h) takes a fiber's: joining says MOIRAI_OK when it is over, and copies
   nothing. moirai_cancel() keeps one from beginning that has not begun (MOIRAI_ECANCELED at the join); one that has
   begun sees that by moirai_task_is_cancelled(), and what it waits for it goes on waiting for. An executor that is shut
   down waits for its fibers.

   Stacks. A fiber has 16 KiB unless it is made otherwise, of which the pages that it has touched take memory: one of 4
   KiB at first, and its record of about half a KiB. What was touched stays with the stack, which serves other fibers.
   Where a fiber runs over the end of its stack the process ends with a message; most of that is found by guard pages,
   and where the system has no more of these, the next time that the fiber waits.

   What it is not: preemptive. A fiber that neither waits nor yields keeps its worker. What belongs to a thread does not
   move along: thread-local variables, mutexes of the C library, signal masks. A compiler may keep the address of a
   thread-local variable across a call that waits, so use moirai_fiber_set() instead. C++ exceptions that are being
   handled move along; none may leave a fiber's function. Inside of an OpenMP region a fiber waits as its thread
   does. */
#ifndef MOIRAI_FIBER_H
#define MOIRAI_FIBER_H

#include <stddef.h>
#include <stdint.h>

#include "moirai/task.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MOIRAI_FIBER_STACK_MIN ((size_t)16 * 1024)
#define MOIRAI_FIBER_STACK_MAX ((size_t)64 * 1024 * 1024)

/* ---- Creating. */
/* Run fn(arg) in a fiber of the caller's executor, or of the default one where the caller is in none. Nobody is going
   to wait for it.
   Context: any thread, task or fiber.   Blocks: never.   Order: release.
   Errors: MOIRAI_EINVAL, MOIRAI_ENOMEM, MOIRAI_EAGAIN, MOIRAI_ESHUTDOWN; there is no fiber then. */
int moirai_go(void (*fn)(void *arg), void *arg);

/* How a fiber is to be beyond that. Initialise it before anything else; it may be used for many fibers. */
typedef struct {
    uint64_t moirai_words[8];
} moirai_fiber_attr_t;

void moirai_fiber_attr_init(moirai_fiber_attr_t *attr);

/* Bytes of its stack, rounded up to 16 KiB times a power of two.
   Errors: MOIRAI_EINVAL above MOIRAI_FIBER_STACK_MAX, or where `attr` was not initialised; so below. */
int moirai_fiber_attr_set_stack_bytes(moirai_fiber_attr_t *attr, size_t bytes);

/* What tools call it. The text must stay. */
int moirai_fiber_attr_set_name(moirai_fiber_attr_t *attr, const char *name);

/* A group that it counts to, on whose executor it runs. NULL: none. */
int moirai_fiber_attr_set_group(moirai_fiber_attr_t *attr, moirai_group_t *group);

/* Worker number `worker` of its executor begins it, and nobody else ever goes on with it: for what belongs to a thread.
   Waking it costs more than waking another one, and while that worker is busy it waits.
   Errors: MOIRAI_EINVAL for a number beyond MOIRAI_WORKERS_MAX; moirai_fiber_spawn() says so where its executor has no
   such worker. */
int moirai_fiber_attr_set_worker(moirai_fiber_attr_t *attr, unsigned worker);

/* As moirai_go() on `executor` (NULL: the caller's), with a handle unless `task` is NULL; `attr` NULL: nothing
   special. */
int moirai_fiber_spawn(moirai_executor_t *executor, moirai_task_t *task, const moirai_fiber_attr_t *attr,
                       void (*fn)(void *arg), void *arg);

/* ---- Inside. */
/* 1 where the caller is a fiber whose waits leave the thread to others.
   Context: any.   Blocks: never. */
int moirai_fiber_is_here(void);

/* Let whatever else is ready run before the caller goes on. Where the caller is no fiber, as moirai_task_yield().
   Blocks: no longer than others run. */
void moirai_fiber_yield(void);

/* Go on at `deadline_ns` of moirai_now_ns(), not before. Also for threads and tasks, which sleep.
   Blocks: yes. */
void moirai_fiber_sleep_until(uint64_t deadline_ns);

/* Run fn(arg) on a thread for blocking work (moirai_spawn_blocking()) and wait until it has returned: for system calls
   that block.
   Context: any thread, task or fiber.   Blocks: yes.
   Errors: as moirai_spawn_blocking(), and fn was not called then. */
int moirai_block(void (*fn)(void *arg), void *arg);

/* ---- Storage: a value of each fiber under each key; NULL at first. */
typedef struct {
    uint64_t moirai_word;
} moirai_fiber_key_t;

/* destroy(value) is called at the end of a fiber for a value that is not NULL, on the fiber's own stack; where that
   sets values again, up to four times. NULL: nothing is called.
   Errors: MOIRAI_EAGAIN: there are 256 keys. MOIRAI_EINVAL. */
int moirai_fiber_key_new(moirai_fiber_key_t *key, void (*destroy)(void *value));

/* Its values are forgotten, and not destroyed.   Errors: MOIRAI_EINVAL: it is none. */
int moirai_fiber_key_free(moirai_fiber_key_t key);

/* Errors: MOIRAI_EPERM where the caller is no fiber, MOIRAI_EINVAL, MOIRAI_ENOMEM. */
int moirai_fiber_set(moirai_fiber_key_t key, void *value);

/* NULL also where the caller is no fiber, or the key none. */
void *moirai_fiber_get(moirai_fiber_key_t key);

#ifdef __cplusplus
}
#endif

#endif
