/* Workers that have nothing to do use no CPU: from 20 ms after a region on, over 200 ms, at most a few of them; and
   little where there is a task each 10 ms. */
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

/* A task now and then: whoever runs it has waited in vain for longer than a spin may take, and so spins no more. */
static void between_tasks(void)
{
    int done = 0;
    double burnt = 0;
#pragma omp parallel
#pragma omp single
    {
        double before = 0;
        for (int i = 0; i < 80; i++) {
            if (i == 20)
                before = cpu_seconds();
#pragma omp task shared(done)
#pragma omp atomic
            done += 1;
            usleep(10000);
        }
        burnt = cpu_seconds() - before;
    }
    CHECK_EQ(done, 80);
    fprintf(stderr, "%.1f ms burnt for 60 tasks\n", burnt * 1e3);
    CHECK(burnt < 0.040);
}

int main(void)
{
    after_region();
    after_tasks();
    while_one_works();
    between_tasks();
    return check_result();
}
