/* Regions of GCC and of clang in one process, in turns and each alone. Compiled by clang. */
#include "region.h"

#include "bench.h"

#include <omp.h>

REGION(clang)

typedef void region(long *threads);

/* Pairs of regions. */
static long run(region *first, region *second, long rounds)
{
    long threads = 0;
    for (long r = 0; r < rounds; r++) {
        first(&threads);
        second(&threads);
    }
    bench_expect("threads seen in regions", threads, 2 * rounds * omp_get_max_threads());
    return rounds;
}

static long in_turns(long rounds)
{
    return run(gcc_region, clang_region, rounds);
}

static long gcc_alone(long rounds)
{
    return run(gcc_region, gcc_region, rounds);
}

static long clang_alone(long rounds)
{
    return run(clang_region, clang_region, rounds);
}

static double measure(const char *name, long (*batch)(long), double budget_ns, struct result *out)
{
    const struct row row = {name, "ns/pair", batch, NULL};
    const struct series *s = &out->series[out->series_count];
    double least = 0;
    bench_measure(&row, budget_ns, out);
    for (int i = 0; i < s->count; i++)
        least = i == 0 || s->samples[i] < least ? s->samples[i] : least;
    return least;
}

static void measure_mixed(struct result *out, double budget_ns)
{
    double mixed = measure("mixed", in_turns, budget_ns, out);
    double gcc = measure("mixed_gcc", gcc_alone, budget_ns, out);
    double clang = measure("mixed_clang", clang_alone, budget_ns, out);
    struct series *cost = bench_series(out, "mixed_cost", "x alone", false);
    bench_sample(cost, mixed / (gcc < clang ? gcc : clang));
}

const struct row mixed_rows[] = {
    {"mixed", NULL, NULL, measure_mixed},
    {NULL, NULL, NULL, NULL},
};
