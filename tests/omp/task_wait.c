/* taskwait waits for the children and not for more; what they wrote is seen after it. */
#include <omp.h>
#include "check.h"

static long fib(int n)
{
    long a, b;
    if (n < 2)
        return n;
#pragma omp task shared(a)
    a = fib(n - 1);
#pragma omp task shared(b)
    b = fib(n - 2);
#pragma omp taskwait
    return a + b;
}

static void recursion(int n, long expected)
{
    long result = 0;
#pragma omp parallel
#pragma omp single
    result = fib(n);
    CHECK_EQ(result, expected);
}

static void grandchildren_come_later(void)
{
    int children = 0, grandchildren = 0;
#pragma omp parallel
#pragma omp single
    {
        for (int i = 0; i < 100; i++) {
#pragma omp task shared(children, grandchildren)
            {
                for (int k = 0; k < 5; k++)
#pragma omp task shared(grandchildren)
#pragma omp atomic
                    grandchildren += 1;
#pragma omp atomic
                children += 1;
            }
        }
#pragma omp taskwait
        CHECK_EQ(__atomic_load_n(&children, __ATOMIC_RELAXED), 100);
    }
    CHECK_EQ(grandchildren, 500);
}

static void waits_repeat(int rounds)
{
    int sum = 0;
#pragma omp parallel
#pragma omp single
    for (int k = 1; k <= rounds; k++) {
        for (int i = 0; i < 3; i++)
#pragma omp task shared(sum)
#pragma omp atomic
            sum += 1;
#pragma omp taskwait
        CHECK_EQ(sum, 3 * k);
#pragma omp taskwait
    }
}

static void every_thread_waits_for_its_own(int rounds)
{
#pragma omp parallel
    for (int k = 0; k < rounds; k++) {
        int mine[4] = {0};
        for (int i = 0; i < 4; i++)
#pragma omp task shared(mine)
            mine[i] = i + k;
#pragma omp taskwait
        for (int i = 0; i < 4; i++)
            CHECK_EQ(mine[i], i + k);
    }
}

/* taskyield may run other tasks or none; all are done in the end. */
static void yields(int n)
{
    int done = 0;
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < n; i++) {
#pragma omp task shared(done) untied
        {
#pragma omp taskyield
#pragma omp atomic
            done += 1;
#pragma omp taskyield
        }
#pragma omp taskyield
    }
    CHECK_EQ(done, n);
}

int main(void)
{
    recursion(TEST_SLOWDOWN > 1 ? 12 : 18, TEST_SLOWDOWN > 1 ? 144 : 2584);
    grandchildren_come_later();
    waits_repeat(SCALED(2000));
    every_thread_waits_for_its_own(SCALED(500));
    yields(SCALED(2000));
    return check_result();
}
