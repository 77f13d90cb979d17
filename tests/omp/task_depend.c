/* Dependences are obeyed: a chain of writers, readers between writers, and two chains that do not mind each other. */
#include <omp.h>
#include "check.h"

static void chain(int tasks)
{
    int value = 0, wrong = 0;
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < tasks; i++)
#pragma omp task depend(inout : value) shared(value, wrong) firstprivate(i)
    {
        wrong += value != i;
        value = i + 1;
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(value, tasks);
}

static void readers_between_writers(int rounds)
{
    int value = 0, seen = 0;
#pragma omp parallel
#pragma omp single
    for (int k = 1; k <= rounds; k++) {
#pragma omp task depend(out : value) shared(value) firstprivate(k)
        value = k;
        for (int r = 0; r < 4; r++)
#pragma omp task depend(in : value) shared(value, seen) firstprivate(k)
            __atomic_fetch_add(&seen, value == k, __ATOMIC_RELAXED);
    }
    CHECK_EQ(seen, 4 * rounds);
}

static void after_plain_siblings(int rounds)
{
    int sum = 0, left = 0, right = 0;
#pragma omp parallel
#pragma omp single
    for (int k = 0; k < rounds; k++) {
#pragma omp task shared(sum)
        __atomic_fetch_add(&sum, 1, __ATOMIC_RELAXED);
#pragma omp task depend(inout : left) shared(left)
        left++;
#pragma omp task depend(inout : right) shared(right)
        right++;
    }
    CHECK_EQ(sum, rounds);
    CHECK_EQ(left, rounds);
    CHECK_EQ(right, rounds);
}

int main(void)
{
    chain(SCALED(2000));
    readers_between_writers(SCALED(500));
    after_plain_siblings(SCALED(500));
    return check_result();
}
