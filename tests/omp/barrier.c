/* No thread passes a barrier before all have reached it, and what was written before is seen after. */
#include <omp.h>
#include <sched.h>
#include <unistd.h>
#include "check.h"
#include "gomp_abi.h"

enum { THREADS_MAX = 64 };

static int progress[THREADS_MAX * 16];

static void lock_step(int rounds)
{
    memset(progress, 0, sizeof progress);
#pragma omp parallel
    {
        int me = omp_get_thread_num(), size = omp_get_num_threads();
        for (int k = 1; k <= rounds; k++) {
            progress[me * 16] = k;
            if (k % 97 == me)
                sched_yield();
#pragma omp barrier
            for (int i = 0; i < size; i++)
                CHECK_EQ(progress[i * 16], k);
#pragma omp barrier
        }
    }
}

static void late_comer(void)
{
    int arrived = 0;
#pragma omp parallel
    for (int k = 1; k <= 5; k++) {
        if (omp_get_thread_num() == k % omp_get_num_threads())
            usleep(4000);
#pragma omp atomic
        arrived += 1;
#pragma omp barrier
        CHECK_EQ(__atomic_load_n(&arrived, __ATOMIC_RELAXED), k * omp_get_num_threads());
#pragma omp barrier
    }
}

static void two_teams(void)
{
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(2)
    {
        int turns = 0, rounds = 50 * (1 + omp_get_thread_num());
#pragma omp parallel num_threads(2) shared(turns)
        for (int k = 1; k <= rounds; k++) {
#pragma omp atomic
            turns += 1;
#pragma omp barrier
            CHECK_EQ(__atomic_load_n(&turns, __ATOMIC_RELAXED), 2 * k);
#pragma omp barrier
        }
        CHECK_EQ(turns, 2 * rounds);
    }
}

int main(void)
{
    lock_step(SCALED(2000));
    late_comer();
    two_teams();
    GOMP_barrier();
    return check_result();
}
