/* Loops at the edges of their types: no trips at all, bounds next to the limits, steps and chunks that are huge. */
#include <limits.h>
#include "check.h"
#include "gomp_abi.h"

enum { TRIPS_MAX = 64 };

static int seen[TRIPS_MAX];

static void mark(unsigned long long trip)
{
    CHECK(trip < TRIPS_MAX);
    if (trip < TRIPS_MAX)
        __atomic_fetch_add(&seen[trip], 1, __ATOMIC_RELAXED);
}

static void verify(int trips, const char *what)
{
    for (int i = 0; i < TRIPS_MAX; i++) {
        if (seen[i] != (i < trips) && check_first_lines())
            fprintf(stderr, "%s: iteration %d ran %d times\n", what, i, seen[i]);
        seen[i] = 0;
    }
}

static void nothing_to_do(long from, long to)
{
#pragma omp parallel
    {
#pragma omp for schedule(static)
        for (long i = from; i < to; i++)
            mark(0);
#pragma omp for schedule(dynamic) nowait
        for (long i = from; i < to; i++)
            mark(0);
#pragma omp for schedule(guided) nowait
        for (long i = from; i < to; i += 3)
            mark(0);
#pragma omp for schedule(runtime)
        for (long i = to; i > from; i--)
            mark(0);
    }
    verify(0, "no trips");
}

static void signed_top(long top)
{
#pragma omp parallel for schedule(dynamic, 3)
    for (long i = top - 11; i < top; i++)
        mark((unsigned long long)(i - (top - 11)));
    verify(11, "dynamic near LONG_MAX");
#pragma omp parallel for schedule(guided)
    for (long i = top - 11; i < top; i++)
        mark((unsigned long long)(i - (top - 11)));
    verify(11, "guided near LONG_MAX");
#pragma omp parallel for schedule(nonmonotonic : dynamic, 1000)
    for (long i = top - 20; i < top; i++)
        mark((unsigned long long)(i - (top - 20)));
    verify(20, "chunk beyond LONG_MAX");
}

static void signed_bottom(long bottom)
{
#pragma omp parallel for schedule(dynamic, 2)
    for (long i = bottom + 13; i > bottom; i--)
        mark((unsigned long long)(bottom + 13 - i));
    verify(13, "dynamic near LONG_MIN");
#pragma omp parallel for schedule(guided, 4)
    for (long i = bottom + 30; i > bottom; i -= 3)
        mark((unsigned long long)(bottom + 30 - i) / 3);
    verify(10, "guided near LONG_MIN");
}

static void unsigned_edges(ull top)
{
    ull quarter = 1ULL << 62;
#pragma omp parallel for schedule(dynamic)
    for (ull i = top - 9; i < top; i++)
        mark(i - (top - 9));
    verify(9, "dynamic near ULLONG_MAX");
#pragma omp parallel for schedule(guided, 2)
    for (ull i = 40; i > 0; i--)
        mark(40 - i);
    verify(40, "guided down to 0");
#pragma omp parallel for schedule(dynamic)
    for (ull i = 5; i < top - quarter; i += quarter)
        mark(i / quarter);
    verify(3, "huge steps");
#pragma omp parallel for schedule(runtime)
    for (ull i = (ull)LONG_MAX - 4; i < (ull)LONG_MAX + 4; i++)
        mark(i - ((ull)LONG_MAX - 4));
    verify(8, "across LONG_MAX");
}

static void huge_chunks(long huge)
{
#pragma omp parallel for schedule(dynamic, huge)
    for (int i = 0; i < TRIPS_MAX; i++)
        mark((unsigned)i);
    verify(TRIPS_MAX, "dynamic with the largest chunk");
#pragma omp parallel for schedule(guided, huge)
    for (int i = 0; i < TRIPS_MAX; i++)
        mark((unsigned)i);
    verify(TRIPS_MAX, "guided with the largest chunk");
#pragma omp parallel for schedule(static, 1000000)
    for (int i = 0; i < TRIPS_MAX; i++)
        mark((unsigned)i);
    verify(TRIPS_MAX, "static with a large chunk");
}

/* More trips than an int or a long can count, of which only the first few are asked for one at a time. */
static void long_counts(void *unused)
{
    ull from, to;
    if (GOMP_loop_ull_dynamic_start(true, 0, ULLONG_MAX - 1000, 1, ULLONG_MAX / 4, &from, &to))
        do {
            CHECK(from < to);
            __atomic_fetch_add((ull *)unused, to - from, __ATOMIC_RELAXED);
        } while (GOMP_loop_ull_dynamic_next(&from, &to));
    GOMP_loop_end();
}

int main(void)
{
    volatile long top = LONG_MAX, bottom = LONG_MIN;
    volatile ull unsigned_top = ULLONG_MAX;
    ull trips = 0;
    nothing_to_do(0, 0);
    nothing_to_do(5, -5);
    nothing_to_do(top / 2, bottom / 2);
    signed_top(top);
    signed_bottom(bottom);
    unsigned_edges(unsigned_top);
    huge_chunks(top);
    GOMP_parallel(long_counts, &trips, 0, 0);
    CHECK(trips == ULLONG_MAX - 1000);
    return check_result();
}
