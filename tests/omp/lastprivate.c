/* lastprivate takes the value of the last iteration or section, whoever ran it. */
#include <omp.h>
#include "check.h"

static void loops(int trips)
{
    int a = -1, b = -1, c = -1, d = -1;
    long i, j;
#pragma omp parallel
    {
#pragma omp for schedule(static) lastprivate(a, i)
        for (i = 0; i < trips; i++)
            a = (int)i * 2;
#pragma omp for schedule(static, 3) lastprivate(b)
        for (int k = 0; k < trips; k++)
            b = k * 3;
#pragma omp for schedule(dynamic, 2) lastprivate(c, j)
        for (j = 0; j < trips; j++)
            c = (int)j * 4;
#pragma omp for schedule(guided) lastprivate(d)
        for (int k = trips; k > 0; k--)
            d = k * 5;
    }
    CHECK_EQ(a, (trips - 1) * 2);
    CHECK_EQ(i, trips);
    CHECK_EQ(b, (trips - 1) * 3);
    CHECK_EQ(c, (trips - 1) * 4);
    CHECK_EQ(j, trips);
    CHECK_EQ(d, 5);
}

static void sections(void)
{
    int last = -1, both = 7;
#pragma omp parallel sections lastprivate(last) firstprivate(both) lastprivate(both)
    {
        last = 1;
#pragma omp section
        last = 2;
#pragma omp section
        {
            last = 3;
            CHECK_EQ(both, 7);
            both = 30;
        }
    }
    CHECK_EQ(last, 3);
    CHECK_EQ(both, 30);
}

static void first_and_last(void)
{
    int x = 5;
#pragma omp parallel for firstprivate(x) lastprivate(x) schedule(monotonic : dynamic)
    for (int i = 0; i < 50; i++)
        x = i == 49 ? 1000 : x;
    CHECK_EQ(x, 1000);
}

int main(void)
{
    const int trips[] = {1, 3, 100, 1001};
    for (int t = 0; t < 4; t++)
        loops(trips[t]);
    sections();
    first_and_last();
    return check_result();
}
