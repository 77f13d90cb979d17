/* Rows about tasks that wait for each other. */
#include "bench.h"

#include <omp.h>

#define CHAIN      20000
#define SIDE       50
#define FEW        1000
#define MANY       8000
#define ROUNDS_MIN 3

static long chain_batch(long rounds)
{
    long links = 0, n = rounds * CHAIN;
#pragma omp parallel
#pragma omp single
    for (long i = 0; i < n; i++) {
#pragma omp task depend(inout : links)
        links++;
    }
    bench_expect("links of a chain", links, n);
    return n;
}

/* Row and column 0 hold ones, so a wrong order shows in the last cell. */
static unsigned long grid[SIDE + 1][SIDE + 1];

static void sweep_tasks(void)
{
    for (int i = 1; i <= SIDE; i++)
        for (int j = 1; j <= SIDE; j++) {
#pragma omp task depend(in : grid[i - 1][j], grid[i][j - 1]) depend(out : grid[i][j])
            grid[i][j] = grid[i - 1][j] + grid[i][j - 1];
        }
#pragma omp taskwait
}

static unsigned long sweep_serial(void)
{
    unsigned long line[SIDE + 1];
    for (int j = 0; j <= SIDE; j++)
        line[j] = 1;
    for (int i = 1; i <= SIDE; i++)
        for (int j = 1; j <= SIDE; j++)
            line[j] += line[j - 1];
    return line[SIDE];
}

static long wavefront_batch(long rounds)
{
    long wrong = 0;
    unsigned long wanted = sweep_serial();
    for (int i = 0; i <= SIDE; i++)
        grid[i][0] = grid[0][i] = 1;
#pragma omp parallel
#pragma omp single
    for (long r = 0; r < rounds; r++) {
        grid[SIDE][SIDE] = 0;
        sweep_tasks();
        wrong += grid[SIDE][SIDE] != wanted;
    }
    bench_expect("wrong corners of a wavefront", wrong, 0);
    return rounds * SIDE * SIDE;
}

/* A writer, its readers, a writer after them: all exist before the first can run. */
static double one_fan(int readers, long *wrong)
{
    static long value, right;
    value = right = 0;
    double start = bench_now_ns();
#pragma omp task depend(out : value)
    value = 1;
    for (int i = 0; i < readers; i++) {
#pragma omp task depend(in : value)
        __atomic_fetch_add(&right, value, __ATOMIC_RELAXED);
    }
#pragma omp task depend(inout : value)
    value = 2 * right;
#pragma omp taskwait
    double took = bench_now_ns() - start;
    *wrong += value != 2L * readers;
    return took / (readers + 2);
}

struct fans {
    int readers;
    double budget_ns;
    struct series *series;
};

static void measure_fans(void *arg)
{
    struct fans *f = arg;
    long wrong = 0;
    double start = bench_now_ns();
    one_fan(f->readers, &wrong);
    for (int i = 0; i < ROUNDS_MIN || bench_now_ns() - start < f->budget_ns; i++)
        bench_sample(f->series, one_fan(f->readers, &wrong));
    bench_expect("wrong sums of readers", wrong, 0);
}

static double best_of(const struct series *series)
{
    double best = series->samples[0];
    for (int i = 1; i < series->count; i++)
        best = series->samples[i] < best ? series->samples[i] : best;
    return best;
}

static void readers_run(struct result *out, double budget_ns)
{
    struct fans few = {FEW, budget_ns / 2, bench_series(out, "readers1000", "ns/task", false)};
    struct fans many = {MANY, budget_ns / 2, bench_series(out, "readers8000", "ns/task", false)};
    struct series *growth = bench_series(out, "readers_growth", "x a task", false);
    bench_alone(FEW, measure_fans, &few);
    bench_alone(MANY, measure_fans, &many);
    bench_sample(growth, best_of(many.series) / best_of(few.series));
}

const struct row depend_rows[] = {
    {"chain", "ns/task", chain_batch, NULL},
    {"wavefront", "ns/task", wavefront_batch, NULL},
    {"readers", "", NULL, readers_run},
    {NULL, NULL, NULL, NULL},
};
