/* An executor that is watched: a plug-in counts, a registry answers for tasks whose handles are gone, and one queue makes the
   order that of creation.
   cc watching.c $(pkg-config --cflags --libs moirai) */
#include <moirai/moirai.h>
#include <stdio.h>

static int ended[2]; /* well, or not; one worker, so nobody else counts */

static void note(void *user, const moirai_task_info_t *task)
{
    int *counts = user;
    counts[task->phase == MOIRAI_TASK_COMPLETED ? 0 : 1]++;
    if (task->phase == MOIRAI_TASK_FAILED)
        printf("%s failed: %s\n", task->name, task->text);
}

static void divide(void *data)
{
    int *n = data;
    if (n[1] == 0)
        moirai_task_fail(1, "divided by zero");
    else
        n[0] /= n[1];
}

int main(void)
{
    static const moirai_plugin_t plugin = {.user = ended, .before_complete = note};
    moirai_executor_attr_t attr;
    moirai_executor_t *executor;
    moirai_task_attr_t named;
    moirai_task_t task;
    moirai_fifo_t fifo;
    uint64_t id[3];

    moirai_fifo_init(&fifo);
    moirai_executor_attr_init(&attr);
    moirai_executor_attr_set_workers(&attr, 1);
    moirai_executor_attr_add_plugin(&attr, &plugin);
    moirai_executor_attr_set_retention(&attr, MOIRAI_FOREVER, 100, 0);
    moirai_executor_attr_set_scheduler(&attr, moirai_fifo_scheduler(), &fifo);
    if (moirai_executor_new(&executor, &attr) != MOIRAI_OK)
        return 1;
    moirai_task_attr_init(&named);
    moirai_task_attr_set_name(&named, "a division");
    for (int i = 0; i < 3; i++) {
        int n[2] = {12, i};
        if (moirai_spawn_with(executor, &task, &named, divide, n, sizeof n) != MOIRAI_OK)
            return 1;
        id[i] = moirai_task_id(&task);
        moirai_detach(&task);
    }
    if (moirai_executor_shutdown(executor, MOIRAI_SHUTDOWN_DRAIN, 0) != MOIRAI_OK)
        return 1;
    for (int i = 0; i < 3; i++)
        printf("by %d: %s\n", i, moirai_id_state(id[i]) == MOIRAI_TASK_COMPLETED ? "done" : "failed");
    printf("%d done, %d not\n", ended[0], ended[1]);
    moirai_executor_free(executor);
    return ended[0] == 2 && ended[1] == 1 ? 0 : 1;
}
