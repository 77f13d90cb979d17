/* Rows about work-sharing loops whose bodies are next to nothing. */
#include "bench.h"

#define ITERATIONS       4096
#define SMALL_ITERATIONS 64
#define SIDE             64

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

/* Iterations that each wait for the one before: the value shows one that did not. */
static long doacross_batch(long rounds)
{
    unsigned long last = 1, wanted = 1;
    long n = rounds * 256;
#pragma omp parallel for ordered(1) schedule(static, 1)
    for (long i = 0; i < n; i++) {
#pragma omp ordered depend(sink : i - 1)
        last = last * 3 + (unsigned long)i;
#pragma omp ordered depend(source)
    }
    for (long i = 0; i < n; i++)
        wanted = wanted * 3 + (unsigned long)i;
    bench_expect("value after a doacross loop", (long)last, (long)wanted);
    return n;
}

static unsigned long cell[SIDE + 1][SIDE + 1];

static void sweep(void)
{
#pragma omp for ordered(2) schedule(static, 1)
    for (int i = 1; i <= SIDE; i++)
        for (int j = 1; j <= SIDE; j++) {
#pragma omp ordered depend(sink : i - 1, j) depend(sink : i, j - 1)
            cell[i][j] = cell[i - 1][j] + cell[i][j - 1];
#pragma omp ordered depend(source)
        }
}

static long doacross2_batch(long rounds)
{
    unsigned long line[SIDE + 1];
    for (int i = 0; i <= SIDE; i++)
        line[i] = cell[i][0] = cell[0][i] = 1;
#pragma omp parallel
    for (long r = 0; r < rounds; r++)
        sweep();
    for (int i = 1; i <= SIDE; i++)
        for (int j = 1; j <= SIDE; j++)
            line[j] += line[j - 1];
    bench_expect("last cell of a doacross sweep", (long)cell[SIDE][SIDE], (long)line[SIDE]);
    return rounds * SIDE * SIDE;
}

const struct row loop_rows[] = {
    {"dynamic", "ns/iteration", dynamic_batch, NULL},
    {"dynamic64", "ns/loop", small_dynamic_batch, NULL},
    {"ordered", "ns/iteration", ordered_batch, NULL},
    {"ordered_static", "ns/iteration", ordered_static_batch, NULL},
    {"doacross", "ns/iteration", doacross_batch, NULL},
    {"doacross2", "ns/iteration", doacross2_batch, NULL},
    {NULL, NULL, NULL, NULL},
};
