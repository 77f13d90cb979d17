/* Nestable locks: counting, exclusion between threads, and ownership by the task. */
#include <omp.h>
#include <sched.h>
#include "check.h"

static void counts(omp_nest_lock_t *lock)
{
    CHECK_EQ(omp_test_nest_lock(lock), 1);
    omp_set_nest_lock(lock);
    CHECK_EQ(omp_test_nest_lock(lock), 3);
    omp_unset_nest_lock(lock);
    omp_unset_nest_lock(lock);
    CHECK_EQ(omp_test_nest_lock(lock), 2);
    omp_unset_nest_lock(lock);
    omp_unset_nest_lock(lock);
    CHECK_EQ(omp_test_nest_lock(lock), 1);
    omp_unset_nest_lock(lock);
}

static void exclusion(omp_nest_lock_t *lock, int rounds)
{
    long count = 0;
#pragma omp parallel
    for (int k = 0; k < rounds; k++) {
        int depth = 1 + k % 3;
        for (int i = 0; i < depth; i++)
            omp_set_nest_lock(lock);
        count++;
        for (int i = 0; i < depth; i++)
            omp_unset_nest_lock(lock);
    }
    CHECK_EQ(count, (long)rounds * omp_get_max_threads());
}

static void held_by_another_thread(omp_nest_lock_t *lock)
{
    int refused = 0;
#pragma omp parallel num_threads(2) reduction(+ : refused)
    {
#pragma omp master
        omp_set_nest_lock(lock);
#pragma omp barrier
        if (omp_get_thread_num() != 0)
            refused += omp_test_nest_lock(lock) == 0;
        else
            CHECK_EQ(omp_test_nest_lock(lock), 2);
#pragma omp barrier
#pragma omp master
        {
            omp_unset_nest_lock(lock);
            omp_unset_nest_lock(lock);
        }
    }
    CHECK_EQ(refused, 1);
}

/* The owner is the task: a child does not hold what its parent holds, even when it runs on the parent's thread. */
static void owned_by_the_task(omp_nest_lock_t *lock)
{
    int in_child = -1, after = -1;
#pragma omp parallel
#pragma omp single
    {
        omp_set_nest_lock(lock);
#pragma omp task if (0) shared(in_child)
        in_child = omp_test_nest_lock(lock);
        after = omp_test_nest_lock(lock);
        omp_unset_nest_lock(lock);
        omp_unset_nest_lock(lock);
#pragma omp task shared(in_child)
        {
            int depth = omp_test_nest_lock(lock);
            CHECK_EQ(depth, 1);
            if (depth)
                omp_unset_nest_lock(lock);
        }
    }
    CHECK_EQ(in_child, 0);
    CHECK_EQ(after, 2);
}

/* Beside a lock in an array lies the next one: neither size nor place may be exceeded. */
static void in_place(void)
{
    omp_nest_lock_t locks[8];
    for (int i = 0; i < 8; i++)
        omp_init_nest_lock(&locks[i]);
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < i; k++)
            omp_set_nest_lock(&locks[i]);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(omp_test_nest_lock(&locks[i]), i + 1);
    for (int i = 0; i < 8; i++) {
        for (int k = 0; k <= i; k++)
            omp_unset_nest_lock(&locks[i]);
        omp_destroy_nest_lock(&locks[i]);
    }
}

int main(void)
{
    omp_nest_lock_t lock;
    omp_init_nest_lock(&lock);
    counts(&lock);
    exclusion(&lock, SCALED(5000));
    held_by_another_thread(&lock);
    owned_by_the_task(&lock);
    in_place();
    omp_destroy_nest_lock(&lock);
    return check_result();
}
