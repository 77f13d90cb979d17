/* Tasks and flags: a child may wait for a flag that its creator sets later, and, where a second thread is there to
   run it, a creator for one that its child sets. */
#include <omp.h>
#include <sched.h>
#include "check.h"

static void await(int *flag)
{
    while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
        sched_yield();
}

static void child_waits(int rounds)
{
    int ended = 0;
#pragma omp parallel
#pragma omp single
    for (int k = 0; k < rounds; k++) {
        int flag = 0;
#pragma omp task shared(flag, ended)
        {
            await(&flag);
            ended++;
        }
        __atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
#pragma omp taskwait
    }
    CHECK_EQ(ended, rounds);
}

static void creator_waits(int rounds)
{
    int ended = 0;
#pragma omp parallel
#pragma omp single
    for (int k = 0; k < rounds && omp_get_num_threads() > 1; k++) {
        int flag = 0;
#pragma omp task shared(flag)
        __atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
        await(&flag);
        ended++;
#pragma omp taskwait
    }
    CHECK_EQ(ended, omp_get_max_threads() > 1 ? rounds : 0);
}

/* Every thread of the team runs one of the tasks, or none of them could end. */
static void tasks_meet(void)
{
    int here = 0, wanted = omp_get_max_threads();
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < wanted; i++)
#pragma omp task shared(here)
    {
        __atomic_fetch_add(&here, 1, __ATOMIC_RELAXED);
        while (__atomic_load_n(&here, __ATOMIC_RELAXED) < wanted)
            sched_yield();
    }
    CHECK_EQ(here, wanted);
}

int main(void)
{
    child_waits(200);
    creator_waits(200);
    tasks_meet();
    return check_result();
}
