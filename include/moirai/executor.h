/* Executors: threads that run tasks.

     moirai_executor_t *executor;
     moirai_executor_attr_t attr;

     moirai_executor_attr_init(&attr);
     moirai_executor_attr_set_workers(&attr, 4);
     if (moirai_executor_new(&executor, &attr) == MOIRAI_OK) {
         moirai_spawn(executor, NULL, work, NULL, 0);
         moirai_executor_shutdown(executor, MOIRAI_SHUTDOWN_DRAIN, 0);
         moirai_executor_free(executor);
     }

   An executor has a fixed number of workers, threads out of the one pool of the process, which they go back to when it
   has been shut down. The default executor, for whoever names none, has one for each CPU that the process may use; it
   is made when it is first needed, and lives as long as the process unless it is shut down and freed like any other.
   Several executors are independent of each other. Workers without anything to do sleep.

       made --> open --> shutting down --> shut down --> freed

   What it is not: a task that blocks its thread (reads a pipe, sleeps) blocks a worker; moirai_spawn_blocking() has
   threads for that. In a child of fork() the executors of the parent take nothing any more; the default one is made
   anew there. A child that was forked inside of a task must call exec or _exit. */
#ifndef MOIRAI_EXECUTOR_H
#define MOIRAI_EXECUTOR_H

#include <stddef.h>
#include <stdint.h>

#include "moirai/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct moirai_executor moirai_executor_t;

/* ---- What a new one is to be like. Plain bytes; nothing needs to be destroyed. */
typedef struct {
    uint64_t moirai_words[20];
} moirai_executor_attr_t;

#define MOIRAI_WORKERS_MAX    1024
#define MOIRAI_BLOCKING_MAX   4096
#define MOIRAI_NAME_BYTES_MAX 15 /* without the zero at the end */

/* How many tasks a worker that has none takes from another one at a time. */
enum moirai_steal {
    MOIRAI_STEAL_ONE = 0,
    MOIRAI_STEAL_HALF = 1,    /* of those that are there, up to 32 */
    MOIRAI_STEAL_QUARTER = 2, /* the same */
    /* One of few; of many that are of one group half, a quarter or one, the less the longer they took that it got last
       time. The default. */
    MOIRAI_STEAL_ADAPTIVE = 3
};

/* Whether the workers know the machine. If they do, each is given a CPU, all of them evenly spread over those that the
   creator may use, and is bound to that CPU's NUMA node; and a worker without tasks robs its neighbours first: on the
   same core, below the same last cache, on the same node, and then the other nodes by distance. If not they rob each
   other in turns. It takes hwloc, whose start costs some milliseconds; without it nothing is known. */
enum moirai_numa {
    MOIRAI_NUMA_AUTO = 0, /* where the machine has several nodes; the default */
    MOIRAI_NUMA_OFF = 1,
    MOIRAI_NUMA_ON = 2
};

/* All as it is by default.
   Context: any thread.   Blocks: never. */
void moirai_executor_attr_init(moirai_executor_attr_t *attr);

/* Each sets one thing.
   Blocks: never.
   Errors: MOIRAI_EINVAL for a value that is not allowed, or an `attr` that was not initialised. */

/* 1 to MOIRAI_WORKERS_MAX workers. Default: as many as the process may use CPUs. */
int moirai_executor_attr_set_workers(moirai_executor_attr_t *attr, unsigned workers);
/* 1 to MOIRAI_BLOCKING_MAX threads for blocking work. Default: 64. */
int moirai_executor_attr_set_blocking_limit(moirai_executor_attr_t *attr, unsigned threads);
/* One of enum moirai_steal. */
int moirai_executor_attr_set_steal(moirai_executor_attr_t *attr, int strategy);
/* One of enum moirai_numa. */
int moirai_executor_attr_set_numa(moirai_executor_attr_t *attr, int numa);
/* For people; copied. Up to MOIRAI_NAME_BYTES_MAX bytes. The executor's threads bear it while they serve it (`ps -L`,
   `top -H`), and recordings and statistics have it. */
int moirai_executor_attr_set_name(moirai_executor_attr_t *attr, const char *name);

/* 1: the priorities of tasks count, the default. 0: they do not, and tasks that have one cost no more than others. */
int moirai_executor_attr_set_priorities(moirai_executor_attr_t *attr, int honoured);
/* 1: each task is timed (moirai_executor_stats()), and takes the long way. Default: 0. */
int moirai_executor_attr_set_metrics(moirai_executor_attr_t *attr, int on);
/* Remember tasks that are over: for `time_ns`, at most the `count` that were over last. So long their numbers answer
   (moirai_id_state(), moirai_id_error(), moirai_id_cancel()), whoever has or had a handle, and those of tasks that are
   not over do in any case. What is too old is let go at the next task or question that is `interval_ns` after the last
   time. A `count` of 0, the default: nothing is remembered, and it costs nothing. Otherwise each task takes the long
   way, and a lock twice. */
int moirai_executor_attr_set_retention(moirai_executor_attr_t *attr, uint64_t time_ns, size_t count,
                                       uint64_t interval_ns);
/* plugin.h and scheduler.h have two more. */

/* ---- Life. */
/* Make one; `attr` NULL: as by default. It may have fewer workers than asked for, if the system has no more threads
   (moirai_executor_worker_count(), and one warning), but at least one.
   Blocks: while threads are made.
   Errors: MOIRAI_ENOMEM; MOIRAI_EAGAIN where not a single thread could be had; MOIRAI_EINVAL. *executor is untouched
   then. */
int moirai_executor_new(moirai_executor_t **executor, const moirai_executor_attr_t *attr);

/* The default one; made by the first call.
   Errors: as above. */
int moirai_executor_default(moirai_executor_t **executor);

/* The one whose task the caller is in; NULL outside of all.
   Context: any thread.   Blocks: never. */
moirai_executor_t *moirai_executor_current(void);

enum moirai_shutdown {
    MOIRAI_SHUTDOWN_DRAIN = 0,   /* wait until all tasks are over, those that they create meanwhile, too */
    MOIRAI_SHUTDOWN_CANCEL = 1,  /* tasks that have not begun are cancelled, the others asked to stop and waited for */
    MOIRAI_SHUTDOWN_DEADLINE = 2 /* the first until `deadline_ns`, then the second */
};

/* Take no more tasks from outside, and wait for the end of those that were taken. Its workers leave. Handles stay good:
   whoever joins learns how the task ended. `deadline_ns`, of moirai_now_ns(), counts for the last mode only.
   Blocks: yes; not a cancellation point.
   Errors: MOIRAI_ETIMEDOUT where the deadline came first: it is shut down then, too, but tasks may have been cancelled;
   MOIRAI_EDEADLOCK in one of its own tasks; MOIRAI_EALREADY where somebody has called this before; MOIRAI_EINVAL. */
int moirai_executor_shutdown(moirai_executor_t *executor, int mode, uint64_t deadline_ns);

/* Give its memory to others. Nobody must use it afterwards.
   Blocks: never.
   Errors: MOIRAI_EBUSY where it has not been shut down, or that is not over yet. */
int moirai_executor_free(moirai_executor_t *executor);

/* 1 from the moment of the first shutdown on, 0 before.
   Context: any thread.   Blocks: never. */
int moirai_executor_is_shutting_down(const moirai_executor_t *executor);

unsigned moirai_executor_worker_count(const moirai_executor_t *executor);

/* Which of its workers the caller is, from 0; -1 where it is none of any executor. */
int moirai_worker_index(void);

/* The NUMA node that the calling worker, or worker `worker` of an executor, counts to, by the kernel's number: the one
   that it is bound to, or the only one that there is. -1: not known, or no such worker.
   Blocks: never. */
int moirai_worker_node(void);
int moirai_executor_worker_node(moirai_executor_t *executor, unsigned worker);

/* Its name; empty: it has none. Valid until it is freed. */
const char *moirai_executor_name(const moirai_executor_t *executor);

/* ---- Figures. Each is true for a moment of its own. */
typedef struct {
    uint64_t created;      /* tasks that it took */
    uint64_t executed;     /* of these, that ran, those that failed included */
    uint64_t in_place;     /* of these, run by whoever joined them before a worker had found them */
    uint64_t cancelled;    /* not run, as their group or the executor was cancelled */
    uint64_t failed;       /* called moirai_task_fail() */
    uint64_t stolen;       /* thefts from other workers */
    uint64_t from_outside; /* taken from threads that are no workers of it */
    uint64_t blocking;     /* of those executed, by threads for blocking work */
    uint64_t waiting;      /* not begun now */
    uint64_t memory_bytes; /* of the executor: its workers' records and deques, without blocks of tasks and stacks */
    uint64_t
        deque_bytes;  /* of these, the deques: 8 for each slot, and there are as many slots as there were ever tasks */
    uint32_t workers; /* threads now */
    uint32_t blocking_threads; /* the same for blocking work */
    /* Where metrics are on: */
    uint64_t busy_ns;    /* that tasks have run, all threads together; those inside of others count twice */
    uint64_t longest_ns; /* of these the longest */
    uint64_t waited_ns;  /* from their creation to their beginning, of all that have ended */
} moirai_executor_stats_t;

/* Context: any thread.
   Errors: MOIRAI_EINVAL for a NULL. */
int moirai_executor_stats(moirai_executor_t *executor, moirai_executor_stats_t *stats);

/* Tasks that have not begun, for each worker: a measure of how busy it is.
   Context: any thread. */
double moirai_executor_load(moirai_executor_t *executor);

#ifdef __cplusplus
}
#endif

#endif
