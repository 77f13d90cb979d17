/* Untied tasks, which clang cuts into parts that hand themselves back: parts in order, once each, data kept across
   them, children and waits between them, undeferred and final ones, many at once. */
#include "check.h"

#include <omp.h>

enum { MANY = SCALED(400) };

static void parts(int *at, int *others, int i)
{
#pragma omp task untied shared(at, others) firstprivate(i)
    {
        int own = i, sum = 0;
        CHECK_EQ(at[i]++, 0);
#pragma omp taskyield
        CHECK_EQ(at[i]++, 1);
#pragma omp task shared(others)
        __atomic_fetch_add(&others[own], 1, __ATOMIC_RELAXED);
        CHECK_EQ(at[i]++, 2);
#pragma omp task shared(sum)
        sum = own + 1;
#pragma omp taskwait
        CHECK_EQ(sum, i + 1);
        CHECK_EQ(others[own], 1);
        CHECK_EQ(at[i]++, 3);
#pragma omp taskyield
        CHECK_EQ(own, i);
        CHECK_EQ(at[i]++, 4);
    }
}

static void undeferred(int *at, int i, int final_clause)
{
#pragma omp task untied shared(at) firstprivate(i) if (0) final(final_clause)
    {
        CHECK_EQ(at[i]++, 0);
        CHECK_EQ(omp_in_final(), final_clause);
#pragma omp taskyield
        CHECK_EQ(at[i]++, 1);
#pragma omp taskwait
        CHECK_EQ(at[i]++, 2);
        CHECK_EQ(omp_in_final(), final_clause);
    }
    CHECK_EQ(at[i], 3);
}

static long count(int depth)
{
    long left = 0, right = 0;
    if (depth == 0)
        return 1;
#pragma omp task untied shared(left)
    {
#pragma omp taskyield
        left = count(depth - 1);
    }
#pragma omp task untied shared(right)
    {
        right = count(depth - 1);
#pragma omp taskyield
        right += 0;
    }
#pragma omp taskwait
    return left + right;
}

static void all(void)
{
    int *at = calloc(MANY, sizeof *at), *others = calloc(MANY, sizeof *others), x = 0, wrong = 0;
    for (int i = 0; i < MANY; i++)
        parts(at, others, i);
#pragma omp taskwait
    for (int i = 0; i < MANY; i++)
        CHECK_EQ(at[i], 5);
    memset(at, 0, MANY * sizeof *at);
    for (int i = 0; i < MANY; i++)
        undeferred(at, i, i % 2);
    for (int i = 0; i < MANY; i++)
#pragma omp task untied depend(inout : x) shared(x, wrong) firstprivate(i)
    {
        wrong += x != 2 * i;
        x++;
#pragma omp taskyield
        x++;
    }
#pragma omp taskwait
    CHECK_EQ(wrong, 0);
    CHECK_EQ(x, 2 * MANY);
    CHECK_EQ(count(10), 1 << 10);
#pragma omp taskgroup
    for (int i = 0; i < MANY; i++)
#pragma omp task untied shared(at) firstprivate(i)
    {
#pragma omp taskyield
        at[i] = -i;
    }
    for (int i = 0; i < MANY; i++)
        CHECK_EQ(at[i], -i);
    free(at);
    free(others);
}

int main(void)
{
    all();
#pragma omp parallel
#pragma omp single
    all();
#pragma omp parallel num_threads(2)
#pragma omp parallel num_threads(2)
#pragma omp single
    all();
    return check_result();
}
