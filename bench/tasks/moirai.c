#include <moirai/moirai.h>

#include "rows.h"

static moirai_executor_t *executor;

static void begin(int workers)
{
    moirai_executor_attr_t attr;
    moirai_executor_attr_init(&attr);
    bench_expect("workers", moirai_executor_attr_set_workers(&attr, (unsigned)workers), MOIRAI_OK);
    bench_expect("an executor", moirai_executor_new(&executor, &attr), MOIRAI_OK);
}

static void nothing(void *data)
{
    (void)data;
}

/* Each row in a worker but the last. */
static double inside(void (*body)(void *ns))
{
    double ns = 0;
    bench_expect("a run", moirai_run(executor, body, &ns, sizeof ns), MOIRAI_OK);
    return ns;
}

static void join_each(void *ns)
{
    double before = bench_now_ns();
    for (int i = 0; i < SPAWNS; i++) {
        moirai_task_t task;
        moirai_spawn(NULL, &task, nothing, NULL, 0);
        moirai_join(&task, NULL);
    }
    *(double *)ns = (bench_now_ns() - before) / SPAWNS;
}

static double spawn_join(void)
{
    return inside(join_each);
}

static void wait_for_all(void *ns)
{
    moirai_group_t *group;
    double before = bench_now_ns();
    moirai_group_open(&group, executor, 0);
    for (int i = 0; i < SPAWNS; i++)
        moirai_group_spawn(group, NULL, nothing, NULL, 0);
    bench_expect("a group", moirai_group_close(group), MOIRAI_OK);
    *(double *)ns = (bench_now_ns() - before) / SPAWNS;
}

static double spawn_wait(void)
{
    return inside(wait_for_all);
}

static double outside(void)
{
    double ns;
    wait_for_all(&ns);
    return ns;
}

struct fib {
    long n, value;
};

static void fib(void *data)
{
    struct fib *f = data;
    f->value = f->n;
    if (f->n < 2)
        return;
    struct fib a = {f->n - 1, 0}, b = {f->n - 2, 0};
    moirai_task_t task;
    moirai_spawn(NULL, &task, fib, &a, sizeof a);
    fib(&b);
    moirai_join(&task, &a);
    f->value = a.value + b.value;
}

static void fib_in_worker(void *ns)
{
    struct fib f = {FIB, 0};
    double before = bench_now_ns();
    fib(&f);
    *(double *)ns = (bench_now_ns() - before) / FIB_TASKS;
    bench_expect("fib", f.value, FIB_VALUE);
}

static double fibs(void)
{
    return inside(fib_in_worker);
}

/* From the end of a task to the return of the join, on one worker. */
static void say_when(void *when)
{
    *(double *)when = bench_now_ns();
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Medians of a round, as interruptions would be most of a mean. */
static void join_and_look(void *ns)
{
    static double took[SPAWNS], clock[SPAWNS];
    for (int i = 0; i < SPAWNS; i++) {
        moirai_task_t task;
        double then = 0;
        moirai_spawn(NULL, &task, say_when, &then, sizeof then);
        moirai_join(&task, &then);
        double now = bench_now_ns();
        took[i] = now - then;
        clock[i] = bench_now_ns() - now; /* what looking at the clock takes is in both */
    }
    qsort(took, SPAWNS, sizeof *took, compare);
    qsort(clock, SPAWNS, sizeof *clock, compare);
    *(double *)ns = took[SPAWNS / 2] - clock[SPAWNS / 2];
}

static double latency(void)
{
    return inside(join_and_look);
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"spawn_join", spawn_join}, {"spawn_wait", spawn_wait}, {"fib", fibs},
                                           {"outside", outside},       {"latency", latency},       {NULL, NULL}};
    return measure_rows("moirai", rows, argc, argv, begin);
}
