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

int main(void)
{
    /* Read at the first use, so not too late here. */
    setenv("OMP_MAX_TASK_PRIORITY", "10", 1);
    below_an_ended_parent(SCALED(2000));
    many_of_all_priorities(SCALED(20000));
    return check_result();
}
