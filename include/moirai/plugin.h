/* Plug-ins: functions that an executor calls at what happens to its tasks.

     static void began(void *user, const moirai_task_info_t *task)
     {
         fprintf(user, "%s begins\n", task->name ? task->name : "a task");
     }

     static const moirai_plugin_t plugin = {.user = stderr, .before_execute = began};

     moirai_executor_attr_t attr;
     moirai_executor_attr_init(&attr);
     moirai_executor_attr_add_plugin(&attr, &plugin);

   What one task goes through, and in what order its plug-ins learn of it:

       before_spawn, after_spawn                       in the call that creates it
       before_execute, [its function,] after_execute   on the thread that runs it, as this task; not where it is cancelled
       before_complete, after_complete                 on the thread that ends it: the one that ran it, or cancelled it

   Of a task that is a future (future.h) each poll counts as an execution.

   Each pair is in this order, and before_spawn comes before all others; a task may begin, and end, before after_spawn
   is called. Where its creation is refused before_spawn is the last that is heard of it. At before_complete nobody can
   know yet that it is over; at after_complete those who wait for it may know already. before_shutdown is called when
   the executor has begun to refuse tasks, after_shutdown when all its tasks are over and all other functions have
   returned, each once, by the thread that shuts it down.

   Of several plug-ins the one that was added first is first asked at all that is called before something, and last at
   all that is called after it.

   What they are not: a place for work. They are called by several threads at once, must return, must not wait for
   tasks, and must not shut the executor down. They may create tasks, of which they will be told, too. An executor
   without plug-ins pays nothing for them; in one that has some every task goes the long way. */
#ifndef MOIRAI_PLUGIN_H
#define MOIRAI_PLUGIN_H

#include "moirai/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Good until the function returns. */
typedef struct {
    uint64_t id; /* as moirai_task_id() */
    const char *name;
    uint64_t cost_ns;
    int priority;
    int phase;        /* of enum moirai_phase; from before_complete on as it is in the end */
    int worker;       /* that the calling thread is; -1: none of this executor */
    int code;         /* of a failure, from after_execute on */
    const char *text; /* the same; never NULL */
} moirai_task_info_t;

/* Any of the functions may be NULL. */
typedef struct {
    void *user; /* their first argument */
    void (*before_spawn)(void *user, const moirai_task_info_t *task);
    void (*after_spawn)(void *user, const moirai_task_info_t *task);
    void (*before_execute)(void *user, const moirai_task_info_t *task);
    void (*after_execute)(void *user, const moirai_task_info_t *task);
    void (*before_complete)(void *user, const moirai_task_info_t *task);
    void (*after_complete)(void *user, const moirai_task_info_t *task);
    void (*before_shutdown)(void *user, moirai_executor_t *executor);
    void (*after_shutdown)(void *user, moirai_executor_t *executor);
} moirai_plugin_t;

#define MOIRAI_PLUGINS_MAX 4

/* Have the executors that are made with `attr` call it. *plugin is not copied: it must stay as long as they are.
   Blocks: never.
   Errors: MOIRAI_EINVAL without a plug-in, or for an `attr` that was not initialised; MOIRAI_EOVERFLOW where it has
   MOIRAI_PLUGINS_MAX already. */
int moirai_executor_attr_add_plugin(moirai_executor_attr_t *attr, const moirai_plugin_t *plugin);

#ifdef __cplusplus
}
#endif

#endif
