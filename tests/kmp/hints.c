/* What only advises: hints of critical constructs, affinity of tasks, and messages of the error directive. */
#include <omp.h>
#include "check.h"

static int counted, data[64];

static void critical_with_hint(int size)
{
    counted = 0;
#pragma omp parallel
    for (int i = 0; i < 100; i++)
#pragma omp critical(hinted) hint(omp_sync_hint_contended)
        counted++;
    CHECK_EQ(counted, 100 * size);
}

static void tasks_with_affinity(void)
{
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < 64; i++)
#pragma omp task affinity(data[i], data[63 - i]) firstprivate(i)
        data[i]++;
    for (int i = 0; i < 64; i++)
        CHECK_EQ(data[i], 1);
}

static void warning(void)
{
#if __clang_major__ >= 15
#pragma omp error at(execution) severity(warning) message("this is expected")
#endif
}

int main(void)
{
    int size = omp_get_max_threads();
    critical_with_hint(size);
    tasks_with_affinity();
    warning();
    return check_result();
}
