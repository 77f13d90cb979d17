/* Atomic updates: those the processor has, and those that need the runtime's lock (long double and beyond). */
#include <omp.h>
#include "check.h"
#include "gomp_abi.h"

static void words(int rounds)
{
    long sum = 0, captured = 0;
    double real = 0;
    unsigned char byte = 0;
#pragma omp parallel reduction(+ : captured)
    for (int k = 0; k < rounds; k++) {
        long old;
#pragma omp atomic
        sum += 3;
#pragma omp atomic update
        real = real + 0.5;
#pragma omp atomic
        byte++;
#pragma omp atomic capture
        {
            old = sum;
            sum -= 1;
        }
        captured += old > 0;
    }
    long times = (long)rounds * omp_get_max_threads();
    CHECK_EQ(sum, 2 * times);
    CHECK(real == 0.5 * (double)times);
    CHECK_EQ(byte, (unsigned char)times);
    CHECK_EQ(captured, times);
}

static void wide(int rounds)
{
    long double sum = 0, product = 1;
    long double highest = -1;
#pragma omp parallel
    for (int k = 0; k < rounds; k++) {
        long double seen;
#pragma omp atomic
        sum += 0.25L;
#pragma omp atomic
        product *= k % 2 ? 2.0L : 0.5L;
#pragma omp atomic read
        seen = sum;
        CHECK(seen >= 0.25L);
#pragma omp atomic capture
        seen = highest = highest + 1;
        CHECK(seen >= 0);
    }
    long times = (long)rounds * omp_get_max_threads();
    CHECK(sum == 0.25L * (long double)times);
    CHECK(product == 1.0L);
    CHECK(highest == (long double)times - 1);
}

static long pair[2];

static void direct(void *rounds)
{
    for (int k = 0; k < *(int *)rounds; k++) {
        GOMP_atomic_start();
        pair[0]++;
        pair[1]--;
        CHECK_EQ(pair[0] + pair[1], 0);
        GOMP_atomic_end();
    }
}

int main(void)
{
    int rounds = SCALED(4000) & ~1;
    words(rounds);
    wide(rounds);
    GOMP_parallel(direct, &rounds, 0, 0);
    CHECK_EQ(pair[0], (long)rounds * omp_get_max_threads());
    return check_result();
}
