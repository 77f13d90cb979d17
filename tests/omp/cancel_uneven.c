/* A cancelled region ends with its threads at different constructs, some of which others have never met. What they
   leave behind must not disturb the regions that follow, nor be kept. */
#include <omp.h>
#include <unistd.h>
#include "check.h"

enum { N = 64, CONSTRUCTS = 12 };

static int ran[CONSTRUCTS];
static long reduced, last;

/* Each thread leaves at another point, as soon as the region has been cancelled. */
static void uneven(int round)
{
    long sum = 0;
#pragma omp parallel num_threads(4)
    {
        int me = omp_get_thread_num();
        for (int c = 0; c < CONSTRUCTS; c++) {
#pragma omp cancel parallel if (me == round % 4 && c == round % CONSTRUCTS)
#pragma omp for schedule(dynamic) nowait
            for (int i = 0; i < 8; i++)
                if (i == me && round % 3 == 0)
                    usleep(20);
#pragma omp for schedule(guided) lastprivate(conditional : last) nowait
            for (int i = 0; i < 8; i++)
                last = i;
            if ((me + c) % 3 == 0) {
#pragma omp cancellation point parallel
            }
        }
#pragma omp for reduction(task, + : sum)
        for (int i = 0; i < 8; i++)
#pragma omp task in_reduction(+ : sum)
            sum++;
    }
}

/* In this region everything is as ever. */
static void even(int threads)
{
    int sections = 0;
    reduced = 0;
    memset(ran, 0, sizeof ran);
#pragma omp parallel num_threads(threads)
    {
        for (int c = 0; c < CONSTRUCTS; c++)
#pragma omp for schedule(dynamic, 3) nowait
            for (int i = 0; i < N; i++)
                __atomic_fetch_add(&ran[c], 1, __ATOMIC_RELAXED);
#pragma omp sections
        {
            __atomic_fetch_add(&sections, 1, __ATOMIC_RELAXED);
#pragma omp section
            __atomic_fetch_add(&sections, 1, __ATOMIC_RELAXED);
        }
#pragma omp for schedule(dynamic) reduction(task, + : reduced)
        for (int i = 0; i < N; i++)
#pragma omp task in_reduction(+ : reduced)
            reduced++;
    }
    for (int c = 0; c < CONSTRUCTS; c++)
        CHECK_EQ(ran[c], N);
    CHECK_EQ(sections, 2);
    CHECK_EQ(reduced, N);
}

int main(int argc, char **argv)
{
    (void)argc;
    if (!omp_get_cancellation() && !getenv("OMP_CANCELLATION")) {
        setenv("OMP_CANCELLATION", "true", 1);
        execv("/proc/self/exe", argv);
    }
    CHECK(omp_get_cancellation());
    for (int round = 0; round < SCALED(300) + 12; round++) {
        uneven(round);
        even(1 + round % 6);
    }
    return check_result();
}
