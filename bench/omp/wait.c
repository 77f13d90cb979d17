/* Rows about how threads wait, for bench/wait: single barriers one by one, and a computation with a barrier at each of
   its short steps. */
#include "bench.h"

#include <limits.h>
#include <string.h>
#include <omp.h>

#define WAITS_MAX (1 << 20)
#define GRID      256

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Thread 0 times from barrier to barrier, and says two rounds ahead when to stop: what it writes before it arrives at a
   barrier all others see after that. Returns how many there were. */
static long time_barriers(double *took, double budget_ns)
{
    long rounds = 0, stop = LONG_MAX;
    double last = bench_now_ns(), end = last + budget_ns;
#pragma omp parallel
    for (long r = 0; r < __atomic_load_n(&stop, __ATOMIC_RELAXED); r++) {
        if (omp_get_thread_num()) {
#pragma omp barrier
            continue;
        }
        if (stop == LONG_MAX && (last > end || r + 2 == WAITS_MAX))
            __atomic_store_n(&stop, r + 2, __ATOMIC_RELAXED);
#pragma omp barrier
        double now = bench_now_ns();
        took[r] = now - last;
        last = now;
        rounds = r + 1;
    }
    return rounds;
}

static void barrier_each_run(struct result *out, double budget_ns)
{
    double *took = malloc(WAITS_MAX * sizeof *took);
    if (!took) {
        fprintf(stderr, "bench: out of memory\n");
        exit(1);
    }
    time_barriers(took, budget_ns / 8); /* warm-up */
    long rounds = time_barriers(took, budget_ns);
    qsort(took, (size_t)rounds, sizeof *took, by_value);
    bench_sample(bench_series(out, "barrier_each", "ns/barrier", false), took[rounds / 2]);
    bench_sample(bench_series(out, "barrier_each_p99", "ns/barrier", false), took[rounds * 99 / 100]);
    free(took);
}

typedef double plane[GRID][GRID];
static plane planes[2];

static void begin_plane(void)
{
    memset(planes, 0, sizeof planes);
    for (int i = 0; i < GRID; i++)
        planes[0][i][0] = planes[1][i][0] = i;
}

static inline void relax_row(plane to, const plane from, int i)
{
    for (int j = 1; j < GRID - 1; j++)
        to[i][j] = 0.25 * (from[i - 1][j] + from[i + 1][j] + from[i][j - 1] + from[i][j + 1]);
}

static void relax(long steps)
{
#pragma omp parallel
    for (long s = 0; s < steps; s++) {
#pragma omp for schedule(static)
        for (int i = 1; i < GRID - 1; i++)
            relax_row(planes[(s + 1) % 2], planes[s % 2], i);
    }
}

/* Each cell is computed by the same operations on one thread, so every bit must be the same. */
static void check_stencil(void)
{
    static plane expected;
    enum { STEPS = 50 };
    begin_plane();
    relax(STEPS);
    memcpy(expected, planes[STEPS % 2], sizeof expected);
    begin_plane();
    for (long s = 0; s < STEPS; s++)
        for (int i = 1; i < GRID - 1; i++)
            relax_row(planes[(s + 1) % 2], planes[s % 2], i);
    bench_expect("difference of the grids", memcmp(expected, planes[STEPS % 2], sizeof expected), 0);
}

static long stencil_batch(long rounds)
{
    static bool checked;
    if (!checked)
        check_stencil();
    checked = true;
    relax(rounds);
    return rounds;
}

const struct row wait_rows[] = {
    {"barrier_each", "ns/barrier", NULL, barrier_each_run},
    {"stencil", "ns/step", stencil_batch, NULL},
    {NULL, NULL, NULL, NULL},
};
