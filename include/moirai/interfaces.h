/* An executor as three small interfaces, for code that is to depend on no more than it needs, or that is to be tried
   with something else in its place: whoever fills in such a structure is one.

     int index_all(const moirai_spawner_t *on, struct file *files, size_t count)
     {
         return on->spawn_many(on->self, NULL, NULL, index_file, files, sizeof *files, count, NULL);
     }

     moirai_spawner_t spawner;
     moirai_executor_spawner(executor, &spawner);
     index_all(&spawner, files, count);

   Each function does what the one of the same name in task.h and executor.h does. */
#ifndef MOIRAI_INTERFACES_H
#define MOIRAI_INTERFACES_H

#include "moirai/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whoever creates tasks. `attr`, `task`, `group`, `tasks` and `spawned` may be NULL. */
typedef struct {
    void *self;
    int (*spawn)(void *self, moirai_task_t *task, const moirai_task_attr_t *attr, void (*fn)(void *data),
                 const void *data, size_t bytes);
    int (*spawn_many)(void *self, moirai_group_t *group, moirai_task_t *tasks, void (*fn)(void *data), const void *data,
                      size_t bytes, size_t count, size_t *spawned);
    int (*spawn_blocking)(void *self, moirai_task_t *task, void (*fn)(void *data), const void *data, size_t bytes);
} moirai_spawner_t;

/* Whoever looks after tasks that others have created, by their numbers. */
typedef struct {
    void *self;
    int (*cancel)(void *self, uint64_t id);
    int (*state)(void *self, uint64_t id);
    int (*error)(void *self, uint64_t id, moirai_error_t *error);
} moirai_manager_t;

/* Whoever looks after the executor. */
typedef struct {
    void *self;
    int (*shutdown)(void *self, int mode, uint64_t deadline_ns);
    int (*is_shutting_down)(void *self);
    unsigned (*worker_count)(void *self);
    double (*load)(void *self);
    int (*stats)(void *self, moirai_executor_stats_t *stats);
} moirai_control_t;

/* The executor as one of them; good until it is freed.
   Blocks: never.
   Errors: MOIRAI_EINVAL for a NULL. */
int moirai_executor_spawner(moirai_executor_t *executor, moirai_spawner_t *spawner);
int moirai_executor_manager(moirai_executor_t *executor, moirai_manager_t *manager);
int moirai_executor_control(moirai_executor_t *executor, moirai_control_t *control);

#ifdef __cplusplus
}
#endif

#endif
