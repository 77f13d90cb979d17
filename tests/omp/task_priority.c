/* Tasks with priorities inside taskgroups, also below parents that have ended: a wait for the group must find them. */
#include <omp.h>
#include "check.h"

static void below_an_ended_parent(int rounds)
{
    int ended = 0;
#pragma omp parallel
#pragma omp single
    for (int k = 0; k < rounds; k++) {
#pragma omp taskgroup
        {
#pragma omp task shared(ended)
            {
#pragma omp task priority(5) shared(ended)
                __atomic_fetch_add(&ended, 1, __ATOMIC_RELAXED);
            }
        }
        CHECK_EQ(__atomic_load_n(&ended, __ATOMIC_RELAXED), k + 1);
    }
}

static void many_of_all_priorities(int tasks)
{
    long sum = 0;
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < tasks; i++)
#pragma omp task priority(i % 5) shared(sum) firstprivate(i)
        __atomic_fetch_add(&sum, (long)i, __ATOMIC_RELAXED);
    CHECK_EQ(sum, (long)tasks * (tasks - 1) / 2);
}

#define STORED 40

static int order[STORED], started;

/* Alone, a thread starts tasks in the order of their priorities, wherever it waits for them. */
static void start_of_each(int priority)
{
#pragma omp task priority(priority)
    order[started++] = priority;
}

static void check_order(void)
{
    for (int i = 1; i < STORED; i++)
        CHECK(order[i - 1] >= order[i]);
    CHECK_EQ(started, STORED);
    started = 0;
}

static void highest_first(void)
{
#pragma omp parallel num_threads(1)
    for (int i = 0; i < STORED; i++)
        start_of_each(i * 7 % 10);
    check_order();
#pragma omp parallel num_threads(1)
    {
        for (int i = 0; i < STORED; i++)
            start_of_each(i * 3 % 10);
#pragma omp taskwait
        check_order();
#pragma omp taskgroup
        for (int i = 0; i < STORED; i++)
            start_of_each(i * 9 % 10);
        check_order();
    }
}

int main(void)
{
    /* Read at the first use, so not too late here. */
    setenv("OMP_MAX_TASK_PRIORITY", "10", 1);
    below_an_ended_parent(SCALED(2000));
    many_of_all_priorities(SCALED(20000));
    if (omp_get_max_task_priority() > 0) /* a runtime that reads it when it is loaded knows nothing of the above */
        highest_first();
    return check_result();
}
