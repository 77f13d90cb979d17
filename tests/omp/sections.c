/* Sections: each runs once, whether there are more of them than threads or fewer. */
#include <omp.h>
#include "check.h"
#include "gomp_abi.h"

static int ran[16];

static void add(int section)
{
    __atomic_fetch_add(&ran[section], 1, __ATOMIC_RELAXED);
}

static void verify(int count, int times)
{
    for (int i = 0; i < 16; i++) {
        CHECK_EQ(ran[i], i < count ? times : 0);
        ran[i] = 0;
    }
}

static void many(void)
{
#pragma omp parallel sections
    {
        add(0);
#pragma omp section
        add(1);
#pragma omp section
        add(2);
#pragma omp section
        add(3);
#pragma omp section
        add(4);
#pragma omp section
        add(5);
#pragma omp section
        add(6);
#pragma omp section
        add(7);
#pragma omp section
        add(8);
    }
    verify(9, 1);
}

static void few(void)
{
#pragma omp parallel num_threads(6)
    {
#pragma omp sections
        {
            add(0);
#pragma omp section
            add(1);
        }
        CHECK_EQ(__atomic_load_n(&ran[0], __ATOMIC_RELAXED), 1);
        CHECK_EQ(__atomic_load_n(&ran[1], __ATOMIC_RELAXED), 1);
    }
    verify(2, 1);
}

static void repeated(int rounds)
{
#pragma omp parallel
    for (int k = 0; k < rounds; k++) {
#pragma omp sections nowait
        {
            add(0);
#pragma omp section
            add(1);
#pragma omp section
            add(2);
        }
    }
    verify(3, rounds);
}

static void direct(void *count)
{
    for (unsigned s = GOMP_sections_start(*(unsigned *)count); s; s = GOMP_sections_next())
        add((int)s - 1);
    GOMP_sections_end();
}

static void with_reduction(void)
{
    int sum = 100;
#pragma omp parallel sections reduction(+ : sum)
    {
        sum += 1;
#pragma omp section
        sum += 2;
#pragma omp section
        sum += 3;
    }
    CHECK_EQ(sum, 106);
}

int main(void)
{
    for (int i = 0; i < SCALED(200) + 1; i++) {
        many();
        few();
    }
    repeated(SCALED(500));
    for (unsigned count = 0; count <= 16; count++) {
        GOMP_parallel(direct, &count, 0, 0);
        verify((int)count, 1);
    }
    with_reduction();
    return check_result();
}
