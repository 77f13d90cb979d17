/* A thread that lags behind by many work-sharing constructs still gets the right share of each. */
#include <omp.h>
#include <unistd.h>
#include "check.h"

enum { LOOPS = 120, TRIPS = 40 };

static int counts[LOOPS], in_sections[LOOPS], singles[LOOPS];

static void add(int *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void constructs(int k)
{
#pragma omp for schedule(dynamic, 1) nowait
    for (int i = 0; i < TRIPS; i++)
        add(&counts[k]);
#pragma omp sections nowait
    {
        add(&in_sections[k]);
#pragma omp section
        add(&in_sections[k]);
#pragma omp section
        add(&in_sections[k]);
    }
#pragma omp single nowait
    add(&singles[k]);
#pragma omp for schedule(guided, 2) nowait
    for (int i = TRIPS; i > 0; i--)
        add(&counts[k]);
#pragma omp for schedule(static, 3) nowait
    for (int i = 0; i < TRIPS; i++)
        add(&counts[k]);
}

static void lag(int slow)
{
    memset(counts, 0, sizeof counts);
    memset(in_sections, 0, sizeof in_sections);
    memset(singles, 0, sizeof singles);
#pragma omp parallel
    for (int k = 0; k < LOOPS; k++) {
        if (omp_get_thread_num() == slow && k % 40 == 0)
            usleep(3000);
        constructs(k);
    }
    for (int k = 0; k < LOOPS; k++) {
        CHECK_EQ(counts[k], 3 * TRIPS);
        CHECK_EQ(in_sections[k], 3);
        CHECK_EQ(singles[k], 1);
    }
}

/* The slow one first finds work left, later finds none: the ends must not be taken for the next loop's. */
static void long_run(void)
{
    long total = 0;
    int rounds = SCALED(3000);
#pragma omp parallel reduction(+ : total)
    for (int k = 0; k < rounds; k++)
#pragma omp for schedule(dynamic, 2) nowait
        for (int i = 0; i < k % 9; i++)
            total += i + 1;
    long expected = 0;
    for (int k = 0; k < rounds; k++)
        expected += (k % 9) * (k % 9 + 1) / 2;
    CHECK_EQ(total, expected);
}

int main(void)
{
    lag(0);
    lag(omp_get_max_threads() - 1);
    long_run();
    return check_result();
}
