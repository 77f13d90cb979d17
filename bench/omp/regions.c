/* Rows about opening and closing parallel regions. */
#include "bench.h"

#include <omp.h>

#define INNER_THREADS 2

/* Visits of each thread of a team, a cache line apart: a shared line would cost more than the region. */
static struct {
    _Alignas(64) long count;
} visits[BENCH_THREADS_MAX];

static long collect_visits(int team)
{
    long total = 0;
    for (int i = 0; i < team; i++) {
        total += visits[i].count;
        visits[i].count = 0;
    }
    return total;
}

static long forkjoin_batch(long rounds)
{
    int team = omp_get_max_threads();
    for (long r = 0; r < rounds; r++) {
#pragma omp parallel
        visits[omp_get_thread_num()].count++;
    }
    bench_expect("threads seen in regions", collect_visits(team), rounds * team);
    return rounds;
}

static long reduction_batch(long rounds)
{
    long team = omp_get_max_threads(), wrong = 0;
    for (long r = 0; r < rounds; r++) {
        long sum = r;
#pragma omp parallel reduction(+ : sum)
        sum += omp_get_thread_num() + 1;
        wrong += sum != r + team * (team + 1) / 2;
    }
    bench_expect("wrong sums", wrong, 0);
    return rounds;
}

static long open_inner_regions(long rounds, int threads)
{
    long seen = 0;
    for (long r = 0; r < rounds; r++) {
        long here = 0;
#pragma omp parallel num_threads(threads) reduction(+ : here)
        here++;
        seen += here;
    }
    return seen;
}

/* Every thread of the outer team opens inner regions all the time; a unit is one inner region as the thread that opens
   it sees it. */
static long open_nested(long rounds, int threads)
{
    long seen = 0;
    omp_set_max_active_levels(2);
#pragma omp parallel reduction(+ : seen)
    seen += open_inner_regions(rounds, threads);
    bench_expect("threads seen in inner regions", seen, rounds * omp_get_max_threads() * threads);
    return rounds;
}

static long nested_batch(long rounds)
{
    return open_nested(rounds, INNER_THREADS);
}

static long nested_one_batch(long rounds)
{
    return open_nested(rounds, 1);
}

const struct row region_rows[] = {
    {"forkjoin", "ns/region", forkjoin_batch, NULL},
    {"reduction", "ns/region", reduction_batch, NULL},
    {"nested", "ns/region", nested_batch, NULL},
    {"nested_one", "ns/region", nested_one_batch, NULL},
    {NULL, NULL, NULL, NULL},
};
