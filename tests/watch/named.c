/* Tasks of which the names are known, of executors with a name, and of one that has none. usage: named [leave|stay]:
   these are not shut down; stay: until a line is read. */
#include <moirai/moirai.h>

#include <stdio.h>
#include <string.h>

static void work(void *data)
{
    (void)data;
}

static int spawn(moirai_executor_t *x, const char *name, void (*fn)(void *data))
{
    moirai_task_attr_t attr;
    moirai_task_t task;
    moirai_task_attr_init(&attr);
    return moirai_task_attr_set_name(&attr, name) || moirai_spawn_with(x, &task, &attr, fn, NULL, 0) ||
           moirai_join(&task, NULL);
}

/* The inner one's name is not the outer one's. */
static void outer(void *data)
{
    (void)data;
    if (spawn(NULL, "inner", work))
        moirai_task_fail(1, "no inner task");
}

/* A thread that is no worker may run some of them itself while it waits. */
static int spawn_group(moirai_executor_t *x)
{
    moirai_group_t *group;
    if (moirai_group_open(&group, x, 0))
        return 1;
    for (int i = 0; i < 1000; i++)
        if (moirai_group_spawn(group, NULL, work, NULL, 0))
            return 1;
    return moirai_group_close(group);
}

/* What the last of four workers has run is none of what those count who come after them. */
static int run_before(void)
{
    moirai_executor_attr_t with;
    moirai_task_attr_t attr;
    moirai_executor_t *x;
    moirai_task_t task;
    moirai_executor_attr_init(&with);
    moirai_task_attr_init(&attr);
    return moirai_executor_attr_set_workers(&with, 4) || moirai_executor_new(&x, &with) ||
           moirai_task_attr_set_worker(&attr, 3, MOIRAI_STRICT) || moirai_spawn_with(x, &task, &attr, work, NULL, 0) ||
           moirai_join(&task, NULL) || moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0) || moirai_executor_free(x);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {
        "resize the image", "resize the image", "twenty bytes exactly",
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789", ""};
    moirai_executor_attr_t attr;
    moirai_executor_t *x, *unnamed;
    if (argc > 1 && run_before())
        return 1;
    moirai_executor_attr_init(&attr);
    moirai_executor_attr_set_workers(&attr, 2);
    if (moirai_executor_new(&unnamed, &attr))
        return 1;
    if (moirai_executor_attr_set_name(&attr, "fifteen letters") || moirai_executor_new(&x, &attr))
        return 1;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (spawn(x, names[i], work))
            return 2;
    if (spawn(x, "outer", outer) || spawn(NULL, "a \"quote\" <", work))
        return 3;
    moirai_executor_t *const executors[] = {x, NULL, unnamed};
    for (int i = 0; i < 3; i++) {
        moirai_task_t task;
        if (moirai_spawn(executors[i], &task, work, NULL, 0) || moirai_join(&task, NULL))
            return 4;
    }
    if (argc > 1 && spawn_group(unnamed))
        return 5;
    if (argc > 1 && strcmp(argv[1], "stay") == 0) {
        puts("ready");
        fflush(stdout);
        getchar();
    }
    if (argc > 1)
        return 0;
    for (int i = 0; i < 3; i++)
        if (executors[i] &&
            (moirai_executor_shutdown(executors[i], MOIRAI_SHUTDOWN_DRAIN, 0) || moirai_executor_free(executors[i])))
            return 6;
    return 0;
}
