/* How a row is timed: batches of equal size, each long enough that opening a region and reading the clock do not show,
   and short enough that many fit into the budget. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <omp.h>

#define BATCH_NS  (8 * 1e6)
#define WARMUP_NS (20 * 1e6)
/* The least number of batches that a median is worth taking of; what it may cost at most, in budgets. */
#define BATCHES_MIN   3
#define OVERDRAWN_MAX 3

int bench_team(void)
{
    int size = 0;
#pragma omp parallel
#pragma omp master
    size = omp_get_num_threads();
    return size;
}

/* The number of rounds for the next batch, after one of `rounds` that took `took` ns. One disturbed batch may mislead
   it, so it is asked again after every batch. */
static long fit(long rounds, double took)
{
    double growth = BATCH_NS / (took + 1);
    if (growth > 0.5 && growth < 2)
        return rounds;
    if (growth > 10)
        growth = 10;
    return (long)((double)rounds * growth) + 1;
}

/* Growing by measured steps doubles as the warm-up: threads exist, pools are filled and the clock frequency is up
   before the first timing that counts. */
static long warm_up(const struct row *row)
{
    double start = bench_now_ns(), before, after = start;
    long rounds = 1, next = 1;
    do {
        rounds = next;
        before = after;
        row->batch(rounds);
        after = bench_now_ns();
        next = fit(rounds, after - before);
    } while (next > rounds || after - start < WARMUP_NS);
    return next;
}

void bench_measure(const struct row *row, double budget_ns, struct result *out)
{
    struct series *series = bench_series(out, row->name, row->unit, false);
    long rounds = warm_up(row);
    double start = bench_now_ns(), end = start;
    while (series->count < BENCH_SAMPLES_MAX) {
        bool spent = end - start >= budget_ns;
        bool overdrawn = end - start >= OVERDRAWN_MAX * budget_ns;
        if (overdrawn || (spent && series->count >= BATCHES_MIN))
            break;
        double before = bench_now_ns();
        long units = row->batch(rounds);
        end = bench_now_ns();
        if (end - before >= BATCH_NS / 8)
            bench_sample(series, (end - before) / (double)units);
        rounds = fit(rounds, end - before);
    }
}
