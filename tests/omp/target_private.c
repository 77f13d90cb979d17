/* Private copies of a target region: whole, aligned, of its own. With nowait they are taken when the construct is
   met. */
#include <omp.h>
#include <stdint.h>
#include "check.h"

struct big {
    int words[5000];
};

struct aligned {
    char bytes[300];
} __attribute__((aligned(256)));

static int is_aligned(const void *p, unsigned align)
{
    return (uintptr_t)p % align == 0;
}

static void scalars(void)
{
    char c = 1;
    short s = 2;
    int i = 3;
    long l = 4;
    float f = 5;
    double d = 6;
    long double ld = 7;
    _Complex double z = 8;
    double sum = 0;
#pragma omp target firstprivate(c, s, i, l, f, d, ld, z) map(tofrom : sum)
    {
        sum = c + s + i + l + f + d + (double)ld + __real__ z;
        c = 0, s = 0, i = 0, l = 0, f = 0, d = 0, ld = 0, z = 0;
    }
    CHECK_EQ(sum, 36);
    CHECK_EQ(c + s + i + l + f + d + (double)ld + __real__ z, 36);
}

static void objects(void)
{
    struct big big;
    struct aligned aligned;
    int n = 100, vla[n], wrong = 0;
    for (int i = 0; i < 5000; i++)
        big.words[i] = i;
    memset(&aligned, 7, sizeof aligned);
    for (int i = 0; i < n; i++)
        vla[i] = -i;
#pragma omp target firstprivate(big, aligned, vla) map(tofrom : wrong)
    {
        wrong += !is_aligned(&aligned, 256);
        for (int i = 0; i < 5000; i++)
            wrong += big.words[i] != i;
        for (int i = 0; i < 300; i++)
            wrong += aligned.bytes[i] != 7;
        for (int i = 0; i < 100; i++)
            wrong += vla[i] != -i;
        memset(&big, 1, sizeof big);
        memset(&aligned, 1, sizeof aligned);
        memset(vla, 1, sizeof vla);
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(big.words[4999], 4999);
    CHECK_EQ(aligned.bytes[299], 7);
    CHECK_EQ(vla[99], -99);
}

static void private_and_default(void)
{
    int p = 1, scalar = 2, array[3] = {1, 2, 3};
#pragma omp target private(p)
    {
        p = 5;
        scalar = 7; /* firstprivate unless it is mapped */
        array[1] = 9;
    }
    CHECK_EQ(p, 1);
    CHECK_EQ(scalar, 2);
    CHECK_EQ(array[1], 9);
}

static void pointers(void)
{
    int *block = malloc(10 * sizeof *block), sum = 0;
    for (int i = 0; i < 10; i++)
        block[i] = i;
#pragma omp target data map(to : block [0:10]) use_device_ptr(block)
#pragma omp target is_device_ptr(block) map(tofrom : sum)
    for (int i = 0; i < 10; i++)
        sum += block[i];
    CHECK_EQ(sum, 45);
#pragma omp target map(tofrom : block [2:3])
    block[3] = 100;
    CHECK_EQ(block[3], 100);
    free(block);
}

/* The creator changes its variables while the tasks are still waiting. */
static void taken_at_creation(int rounds)
{
    int wrong = 0, ran = 0;
#pragma omp parallel num_threads(4)
#pragma omp single
    {
        struct big big;
        struct aligned aligned;
        for (int k = 0; k < rounds; k++) {
            for (int i = 0; i < 5000; i += 50)
                big.words[i] = k;
            aligned.bytes[17] = (char)k;
#pragma omp target nowait firstprivate(big, aligned, k) map(tofrom : wrong, ran)
            {
                int bad = !is_aligned(&aligned, 256) || aligned.bytes[17] != (char)k;
                for (int i = 0; i < 5000; i += 50)
                    bad += big.words[i] != k;
                __atomic_fetch_add(&wrong, bad, __ATOMIC_RELAXED);
                __atomic_fetch_add(&ran, 1, __ATOMIC_RELAXED);
            }
        }
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(ran, rounds);
}

static void by_all_threads(int rounds)
{
    int wrong = 0;
#pragma omp parallel num_threads(4) reduction(+ : wrong)
    for (int k = 0; k < rounds; k++) {
        struct aligned mine;
        memset(&mine, omp_get_thread_num(), sizeof mine);
        char expected = (char)omp_get_thread_num();
        int bad = 0;
#pragma omp target firstprivate(mine, expected) map(tofrom : bad)
        {
            for (int i = 0; i < 300; i++)
                bad += mine.bytes[i] != expected;
            memset(&mine, 99, sizeof mine);
        }
        wrong += bad + (mine.bytes[0] != expected);
    }
    CHECK_EQ(wrong, 0);
}

int main(void)
{
    scalars();
    objects();
    private_and_default();
    pointers();
    taken_at_creation(SCALED(300) + 1);
    by_all_threads(SCALED(300) + 1);
    return check_result();
}
