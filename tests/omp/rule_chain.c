/* A chain of tasks, each of which creates the next and ends: its length must cost neither stack nor memory. */
#include <omp.h>
#include <sys/resource.h>
#include "check.h"

static long reached;

static void link_in_chain(long left)
{
    if (left == 0)
        return;
#pragma omp task firstprivate(left)
    {
        __atomic_fetch_add(&reached, 1, __ATOMIC_RELAXED);
        link_in_chain(left - 1);
    }
}

int main(void)
{
    struct rusage before, after;
    long length = check_is_reference() ? 200000 : SCALED(2000000);
    getrusage(RUSAGE_SELF, &before);
#pragma omp parallel
#pragma omp single
    link_in_chain(length);
    getrusage(RUSAGE_SELF, &after);
    CHECK_EQ(reached, length);
    CHECK(TEST_SLOWDOWN > 1 || check_is_reference() || after.ru_maxrss - before.ru_maxrss < 64 * 1024);
    return check_result();
}
