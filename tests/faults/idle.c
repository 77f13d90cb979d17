/* Workers that have nothing to do use no CPU: from 20 ms after a region on, over 200 ms, at most a few of them. */
#include <omp.h>
#include "../omp/check.h"
#include "process.h"

static double busy_while_idle(void)
{
    usleep(20000);
    double before = cpu_seconds();
    usleep(200000);
    return cpu_seconds() - before;
}

static void after_region(void)
{
    long sum = 0;
#pragma omp parallel for reduction(+ : sum) schedule(dynamic)
    for (int i = 0; i < 1000; i++)
        sum += i;
    CHECK_EQ(sum, 499500);
    double burnt = busy_while_idle();
    fprintf(stderr, "%.1f ms burnt after a region\n", burnt * 1e3);
    CHECK(burnt < 0.025);
}

static void after_tasks(void)
{
    int done = 0;
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < 1000; i++)
#pragma omp task shared(done)
#pragma omp atomic
        done += 1;
    CHECK_EQ(done, 1000);
    double burnt = busy_while_idle();
    fprintf(stderr, "%.1f ms burnt after tasks\n", burnt * 1e3);
    CHECK(burnt < 0.025);
}

/* One thread works alone for long; those that wait for it in the barrier must leave it the processors. */
static void while_one_works(void)
{
    double burnt = 0;
#pragma omp parallel
    if (omp_get_thread_num() == omp_get_num_threads() - 1)
        burnt = busy_while_idle();
    fprintf(stderr, "%.1f ms burnt in a barrier\n", burnt * 1e3);
    CHECK(burnt < 0.050);
}

int main(void)
{
    after_region();
    after_tasks();
    while_one_works();
    return check_result();
}
