/* Rows about threads of one open region that meet or exclude one another. */
#include "bench.h"

#include <omp.h>

#define CHECKED_PHASES 200

static struct {
    _Alignas(64) long phase;
} progress[BENCH_THREADS_MAX];

/* A barrier is right if nobody passes it before all have arrived. Seeing that takes stores and loads that the timed
   loop is better without, so it is seen on a few phases before. */
static long early_passes(int self, int team)
{
    long early = 0;
    int neighbour = (self + 1) % team;
    for (long phase = 1; phase <= CHECKED_PHASES; phase++) {
        __atomic_store_n(&progress[self].phase, phase, __ATOMIC_RELAXED);
#pragma omp barrier
        early += __atomic_load_n(&progress[neighbour].phase, __ATOMIC_RELAXED) < phase;
    }
    return early;
}

static void check_barrier(void)
{
    long early = 0;
#pragma omp parallel reduction(+ : early)
    {
        __atomic_store_n(&progress[omp_get_thread_num()].phase, 0, __ATOMIC_RELAXED);
#pragma omp barrier
        early += early_passes(omp_get_thread_num(), omp_get_num_threads());
    }
    bench_expect("threads that passed a barrier early", early, 0);
}

static long barrier_batch(long rounds)
{
    static bool checked;
    if (!checked)
        check_barrier();
    checked = true;
#pragma omp parallel
    for (long r = 0; r < rounds; r++) {
#pragma omp barrier
    }
    return rounds;
}

static long single_batch(long rounds)
{
    long chosen = 0;
#pragma omp parallel reduction(+ : chosen)
    for (long r = 0; r < rounds; r++) {
#pragma omp single nowait
        chosen++;
        bench_keep(&chosen);
    }
    bench_expect("executions of single", chosen, rounds);
    return rounds;
}

static long critical_batch(long rounds)
{
    volatile long entered = 0;
#pragma omp parallel
    for (long r = 0; r < rounds; r++) {
#pragma omp critical
        entered = entered + 1;
    }
    bench_expect("entries of critical", entered, rounds * omp_get_max_threads());
    return rounds * omp_get_max_threads();
}

const struct row sync_rows[] = {
    {"barrier", "ns/barrier", barrier_batch, NULL},
    {"single", "ns/single", single_batch, NULL},
    {"critical", "ns/entry", critical_batch, NULL},
    {NULL, NULL, NULL, NULL},
};
