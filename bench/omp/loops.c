/* Rows about work-sharing loops whose bodies are next to nothing. */
#include "bench.h"

#define ITERATIONS       4096
#define SMALL_ITERATIONS 64

/* The sum of the iteration numbers shows a lost or a doubled iteration. */
static long sum_below(long n)
{
    return n * (n - 1) / 2;
}

static long dynamic_batch(long rounds)
{
    long sum = 0, n = rounds * ITERATIONS;
#pragma omp parallel reduction(+ : sum)
    {
#pragma omp for schedule(dynamic, 1)
        for (long i = 0; i < n; i++) {
            sum += i;
            bench_keep(&sum);
        }
    }
    bench_expect("sum over a dynamic loop", sum, sum_below(n));
    return n;
}

static long small_dynamic_batch(long rounds)
{
    long sum = 0;
#pragma omp parallel reduction(+ : sum)
    for (long r = 0; r < rounds; r++) {
#pragma omp for schedule(dynamic, 1)
        for (long i = 0; i < SMALL_ITERATIONS; i++) {
            sum += i;
            bench_keep(&sum);
        }
    }
    bench_expect("sum over small dynamic loops", sum, rounds * sum_below(SMALL_ITERATIONS));
    return rounds;
}

/* Ordered loops count the iterations that came out of turn. `next` needs no lock: that is what ordered promises. */
static long ordered_batch(long rounds)
{
    long next = 0, wrong = 0, n = rounds * 256;
#pragma omp parallel for ordered schedule(dynamic, 1)
    for (long i = 0; i < n; i++) {
#pragma omp ordered
        wrong += next++ != i;
    }
    bench_expect("iterations out of order (dynamic)", wrong + n - next, 0);
    return n;
}

static long ordered_static_batch(long rounds)
{
    long next = 0, wrong = 0, n = rounds * 256;
#pragma omp parallel for ordered schedule(static, 1)
    for (long i = 0; i < n; i++) {
#pragma omp ordered
        wrong += next++ != i;
    }
    bench_expect("iterations out of order (static)", wrong + n - next, 0);
    return n;
}

const struct row loop_rows[] = {
    {"dynamic", "ns/iteration", dynamic_batch, NULL},
    {"dynamic64", "ns/loop", small_dynamic_batch, NULL},
    {"ordered", "ns/iteration", ordered_batch, NULL},
    {"ordered_static", "ns/iteration", ordered_static_batch, NULL},
    {NULL, NULL, NULL, NULL},
};
