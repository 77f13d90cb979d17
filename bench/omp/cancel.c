/* Rows about constructs that are cancelled. They need OMP_CANCELLATION=true. */
#include "bench.h"

#include <omp.h>

#define ITERATIONS     64
#define TASKS_IN_GROUP 16

static void expect_cancellation(void)
{
    bench_expect("OMP_CANCELLATION", omp_get_cancellation(), 1);
}

static long cancel_for_batch(long rounds)
{
    long cancelled = 0;
    expect_cancellation();
#pragma omp parallel reduction(+ : cancelled)
    for (long r = 0; r < rounds; r++) {
#pragma omp for schedule(static, 1)
        for (int i = 0; i < ITERATIONS; i++) {
            if (i == 0) {
                cancelled++;
#pragma omp cancel for
            }
#pragma omp cancellation point for
        }
    }
    bench_expect("cancelled loops", cancelled, rounds);
    return rounds;
}

static long cancel_taskgroup_batch(long rounds)
{
    long cancelled = 0, late = 0;
    expect_cancellation();
#pragma omp parallel
#pragma omp single
    for (long r = 0; r < rounds; r++) {
#pragma omp taskgroup
        {
#pragma omp task shared(cancelled) if (0)
            {
                cancelled++;
#pragma omp cancel taskgroup
            }
            for (int i = 0; i < TASKS_IN_GROUP; i++) {
#pragma omp task shared(late)
                __atomic_fetch_add(&late, 1, __ATOMIC_RELAXED);
            }
        }
    }
    bench_expect("cancelled groups", cancelled, rounds);
    bench_expect("tasks created in cancelled groups that ran", late, 0);
    return rounds;
}

static long cancel_parallel_batch(long rounds)
{
    long cancelled = 0;
    expect_cancellation();
    for (long r = 0; r < rounds; r++) {
#pragma omp parallel
        {
            if (omp_get_thread_num() == 0) {
                cancelled++;
#pragma omp cancel parallel
            }
#pragma omp barrier
        }
    }
    bench_expect("cancelled regions", cancelled, rounds);
    return rounds;
}

const struct row cancel_rows[] = {
    {"cancel_for", "ns/loop", cancel_for_batch, NULL},
    {"cancel_taskgroup", "ns/group", cancel_taskgroup_batch, NULL},
    {"cancel_parallel", "ns/region", cancel_parallel_batch, NULL},
    {NULL, NULL, NULL, NULL},
};
