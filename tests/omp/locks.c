/* Simple locks: exclusion, test, hints, locks held across regions and handed from thread to thread. */
#include <omp.h>
#include <sched.h>
#include "check.h"

static void exclusion(omp_lock_t *lock, int rounds)
{
    long count = 0;
#pragma omp parallel
    for (int k = 0; k < rounds; k++) {
        if (k % 3)
            omp_set_lock(lock);
        else
            while (!omp_test_lock(lock))
                sched_yield();
        count++;
        omp_unset_lock(lock);
    }
    CHECK_EQ(count, (long)rounds * omp_get_max_threads());
}

static void test_tells(omp_lock_t *lock)
{
    CHECK(omp_test_lock(lock));
    CHECK(!omp_test_lock(lock));
    omp_unset_lock(lock);
    CHECK(omp_test_lock(lock));
#pragma omp parallel
    CHECK(!omp_test_lock(lock));
    omp_unset_lock(lock);
}

/* A lock fits its type: neighbours in an array stay untouched. */
static void in_place(void)
{
    omp_lock_t locks[64];
    for (int i = 0; i < 64; i++)
        omp_init_lock(&locks[i]);
    for (int i = 0; i < 64; i += 2)
        omp_set_lock(&locks[i]);
    for (int i = 0; i < 64; i++)
        CHECK_EQ(omp_test_lock(&locks[i]), i % 2);
    for (int i = 0; i < 64; i++)
        omp_unset_lock(&locks[i]);
    for (int i = 0; i < 64; i++)
        omp_destroy_lock(&locks[i]);
}

/* A simple lock is handed over: each thread gives back the lock that the other one waits for. */
static void ping_pong(int rounds)
{
    omp_lock_t ping, pong;
    int ball = 0;
    omp_init_lock(&ping);
    omp_init_lock(&pong);
    omp_set_lock(&pong);
#pragma omp parallel num_threads(2)
    for (int k = 0; k < rounds && omp_get_num_threads() == 2; k++) {
        int me = omp_get_thread_num();
        omp_set_lock(me ? &pong : &ping);
        CHECK_EQ(ball % 2, me);
        ball++;
        omp_unset_lock(me ? &ping : &pong);
    }
    CHECK_EQ(ball, 2 * rounds);
    omp_destroy_lock(&ping);
    omp_destroy_lock(&pong);
}

static void tasks_use_locks(omp_lock_t *lock, int tasks)
{
    int count = 0;
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < tasks; i++)
#pragma omp task shared(count)
    {
        omp_set_lock(lock);
        count++;
        omp_unset_lock(lock);
    }
    CHECK_EQ(count, tasks);
}

int main(void)
{
    omp_lock_t lock;
    omp_init_lock(&lock);
    exclusion(&lock, SCALED(5000));
    test_tells(&lock);
    in_place();
    ping_pong(SCALED(2000));
    tasks_use_locks(&lock, SCALED(2000));
    omp_destroy_lock(&lock);
    return check_result();
}
