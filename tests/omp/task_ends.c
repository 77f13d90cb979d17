/* Where nobody waits for tasks explicitly, barriers and the ends of regions do: also for tasks whose parent ended
   long ago, and for tasks that are created while others already wait. */
#include <omp.h>
#include <sched.h>
#include <unistd.h>
#include "check.h"

static int done;

static void orphan(int depth)
{
    if (depth > 0) {
#pragma omp task
        orphan(depth - 1);
#pragma omp task
        orphan(depth - 1);
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
}

static int total(void)
{
    return __atomic_exchange_n(&done, 0, __ATOMIC_RELAXED);
}

static void barrier_finishes(void)
{
#pragma omp parallel
    for (int k = 0; k < 5; k++) {
#pragma omp master
        orphan(6);
#pragma omp barrier
        CHECK_EQ(__atomic_load_n(&done, __ATOMIC_RELAXED), 127 * (k + 1));
#pragma omp barrier
    }
    CHECK_EQ(total(), 5 * 127);
}

static void region_end_finishes(int rounds)
{
    for (int k = 0; k < rounds; k++) {
#pragma omp parallel
#pragma omp master
        orphan(5);
        CHECK_EQ(total(), 63);
    }
}

static void late_creator(void)
{
#pragma omp parallel
    {
        if (omp_get_thread_num() == omp_get_num_threads() - 1) {
            usleep(5000);
            orphan(7);
        }
    }
    CHECK_EQ(total(), 255);
}

static void single_end_finishes(void)
{
#pragma omp parallel
    {
#pragma omp single
        orphan(6);
        CHECK_EQ(__atomic_load_n(&done, __ATOMIC_RELAXED), 127);
#pragma omp barrier
#pragma omp single
        done = 0;
    }
}

/* Without a region a task runs at once, or at the latest when somebody waits for it. */
static void outside_of_regions(void)
{
    int value = 0;
#pragma omp task shared(value)
    value = 1;
#pragma omp taskwait
    CHECK_EQ(value, 1);
    orphan(4);
#pragma omp taskwait
    for (int k = 0; k < 1000; k++)
#pragma omp task
        orphan(0);
#pragma omp taskgroup
    {
#pragma omp task
        orphan(0);
    }
#pragma omp taskyield
    CHECK_EQ(total(), 31 + 1000 + 1);
}

/* Every thread of a large team runs one of these tasks, as each waits until all have begun; what the team counted of
   them must not confuse the smaller team that follows. */
static void meet(int size)
{
    int here = 0;
#pragma omp parallel num_threads(size)
#pragma omp single
    for (int i = 0; i < size; i++)
#pragma omp task shared(here)
    {
        __atomic_fetch_add(&here, 1, __ATOMIC_RELAXED);
        while (__atomic_load_n(&here, __ATOMIC_RELAXED) < size)
            sched_yield();
    }
    CHECK_EQ(here, size);
}

static void teams_of_changing_size(int rounds)
{
    const int sizes[] = {4, 2, 3, 1, 5, 2};
    for (int k = 0; k < rounds; k++) {
        meet(sizes[k % 6]);
        usleep(k % 3 * 500);
    }
}

/* A region inside a task is a team of its own; its tasks are done when it ends. */
static void regions_in_tasks(void)
{
    int right = 0;
    omp_set_max_active_levels(2);
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < 20; i++) {
#pragma omp task shared(right)
        {
            int inner = 0;
#pragma omp parallel num_threads(2) shared(inner)
            for (int k = 0; k < 5; k++)
#pragma omp task shared(inner)
#pragma omp atomic
                inner += 1;
#pragma omp atomic
            right += inner == 10;
        }
    }
    CHECK_EQ(right, 20);
}

int main(void)
{
    outside_of_regions();
    barrier_finishes();
    region_end_finishes(SCALED(100) + 1);
    late_creator();
    single_end_finishes();
    regions_in_tasks();
    teams_of_changing_size(36);
    return check_result();
}
