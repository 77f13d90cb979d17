/* Rows about tasks too small to pay for themselves: what is measured is the runtime's own cost. */
#include "bench.h"

#define FIB_N          22
#define PRODUCED       50000
#define TASKS_IN_GROUP 16
#define TASKS_IN_LOOP  20000

/* Tasks run by this thread. A plain thread-local word costs an empty task next to nothing, a shared counter would be
   the most expensive thing in it. */
static _Thread_local long tasks_run;

static long fib(int n)
{
    long a, b;
    if (n < 2)
        return n;
#pragma omp task shared(a) firstprivate(n)
    a = fib(n - 1);
#pragma omp task shared(b) firstprivate(n)
    b = fib(n - 2);
#pragma omp taskwait
    return a + b;
}

static void fib_serial(int n, long *value, long *tasks)
{
    long before = 0, current = 1, tasks_before = 0, tasks_current = 0;
    for (int i = 1; i < n; i++) {
        long next = before + current, tasks_next = 2 + tasks_before + tasks_current;
        before = current, current = next;
        tasks_before = tasks_current, tasks_current = tasks_next;
    }
    *value = current;
    *tasks = tasks_current;
}

static long fib_batch(long rounds)
{
    long wanted, tasks, wrong = 0;
    fib_serial(FIB_N, &wanted, &tasks);
#pragma omp parallel
#pragma omp single
    for (long r = 0; r < rounds; r++)
        wrong += fib(FIB_N) != wanted;
    bench_expect("wrong values of fib", wrong, 0);
    return rounds * tasks;
}

static long producer_batch(long rounds)
{
    long total = 0;
#pragma omp parallel reduction(+ : total)
    {
        tasks_run = 0;
        for (long r = 0; r < rounds; r++) {
#pragma omp single
            for (int i = 0; i < PRODUCED; i++) {
#pragma omp task
                tasks_run++;
            }
        }
        total += tasks_run;
    }
    bench_expect("tasks run for one producer", total, rounds * PRODUCED);
    return rounds * PRODUCED;
}

static void run_taskgroup(void)
{
#pragma omp taskgroup
    for (int i = 0; i < TASKS_IN_GROUP; i++) {
#pragma omp task
        tasks_run++;
    }
}

static long taskgroup_batch(long rounds)
{
    long total = 0;
#pragma omp parallel reduction(+ : total)
    {
        tasks_run = 0;
#pragma omp barrier
#pragma omp single
        for (long r = 0; r < rounds; r++)
            run_taskgroup();
        total += tasks_run;
    }
    bench_expect("tasks run in groups", total, rounds * TASKS_IN_GROUP);
    return rounds * TASKS_IN_GROUP;
}

static long taskloop_batch(long rounds)
{
    long total = 0;
#pragma omp parallel reduction(+ : total)
    {
        tasks_run = 0;
#pragma omp barrier
#pragma omp single
        for (long r = 0; r < rounds; r++) {
#pragma omp taskloop grainsize(1)
            for (int i = 0; i < TASKS_IN_LOOP; i++)
                tasks_run++;
        }
        total += tasks_run;
    }
    bench_expect("iterations of taskloops", total, rounds * TASKS_IN_LOOP);
    return rounds * TASKS_IN_LOOP;
}

static long sum_of_group(void)
{
    long sum = 0;
#pragma omp taskgroup task_reduction(+ : sum)
    for (int i = 0; i < TASKS_IN_GROUP; i++) {
#pragma omp task in_reduction(+ : sum)
        sum += i;
    }
    return sum;
}

static long task_reduction_batch(long rounds)
{
    long wrong = 0;
#pragma omp parallel
#pragma omp single
    for (long r = 0; r < rounds; r++)
        wrong += sum_of_group() != TASKS_IN_GROUP * (TASKS_IN_GROUP - 1) / 2;
    bench_expect("wrong sums of task reductions", wrong, 0);
    return rounds * TASKS_IN_GROUP;
}

const struct row task_rows[] = {
    {"fib", "ns/task", fib_batch, NULL},
    {"producer", "ns/task", producer_batch, NULL},
    {"taskgroup", "ns/task", taskgroup_batch, NULL},
    {"taskloop", "ns/task", taskloop_batch, NULL},
    {"task_reduction", "ns/task", task_reduction_batch, NULL},
    {NULL, NULL, NULL, NULL},
};
