/* Deep recursion of tasks, each waiting for its child: as deep as the reference goes on the default stack. */
#include <omp.h>
#include "check.h"

static long deepest;

static long descend(long left)
{
    long below = 0;
    if (left == 0)
        return 0;
#pragma omp task shared(below)
    below = descend(left - 1);
#pragma omp taskwait
    return below + 1;
}

/* A wide and deep tree whose parents hold two children each until the bottom is reached. */
static long comb(long left)
{
    long below = 0, tooth = 0;
    if (left == 0)
        return 0;
#pragma omp task shared(below)
    below = comb(left - 1);
#pragma omp task shared(tooth)
    tooth = 1;
#pragma omp taskwait
    return below + tooth;
}

int main(void)
{
    long depth = SCALED(10000);
#pragma omp parallel
#pragma omp single
    deepest = descend(depth);
    CHECK_EQ(deepest, depth);
#pragma omp parallel
#pragma omp single
    deepest = comb(depth);
    CHECK_EQ(deepest, depth);
    return check_result();
}
