/* Reductions over regions, loops and sections; built-in operators, arrays and user-defined ones. */
#include <limits.h>
#include <omp.h>
#include "check.h"

struct range {
    int low, high;
};

#pragma omp declare reduction(widen                                                                                    \
                              : struct range                                                                           \
                              : omp_out.low = omp_in.low < omp_out.low ? omp_in.low : omp_out.low,                     \
                                omp_out.high = omp_in.high > omp_out.high ? omp_in.high : omp_out.high)                \
    initializer(omp_priv = (struct range){INT_MAX, INT_MIN})

static void operators(int trips)
{
    long sum = 10, product = 1;
    int low = 1 << 20, high = -1, bits_or = 0, bits_xor = 0;
    unsigned bits_and = ~0u;
    int all = 1, any = 0;
#pragma omp parallel for reduction(+ : sum) reduction(* : product) reduction(min : low) reduction(max : high)          \
    reduction(| : bits_or) reduction(& : bits_and) reduction(^ : bits_xor) reduction(&& : all) reduction(|| : any)     \
    schedule(dynamic, 3)
    for (int i = 1; i <= trips; i++) {
        sum += i;
        product *= i % 10 == 0 ? 2 : 1;
        low = i < low ? i : low;
        high = i > high ? i : high;
        bits_or |= i;
        bits_and &= ~(unsigned)(i & 0xf0);
        bits_xor ^= i;
        all = all && i > 0;
        any = any || i == trips;
    }
    CHECK_EQ(sum, 10 + (long)trips * (trips + 1) / 2);
    CHECK_EQ(product, 1L << trips / 10);
    CHECK_EQ(low, 1);
    CHECK_EQ(high, trips);
    CHECK_EQ(bits_or, 511);
    CHECK_EQ(bits_and, ~0xf0u);
    for (int i = 1; i <= trips; i++)
        bits_xor ^= i;
    CHECK_EQ(bits_xor, 0);
    CHECK(all && any);
}

static void arrays(void)
{
    long histogram[8] = {0}, *sums = calloc(100, sizeof *sums);
#pragma omp parallel for reduction(+ : histogram) reduction(+ : sums [0:100]) schedule(static, 7)
    for (int i = 0; i < 8000; i++) {
        histogram[i % 8] += 1;
        sums[i % 100] += i;
    }
    for (int i = 0; i < 8; i++)
        CHECK_EQ(histogram[i], 1000);
    for (int i = 0; i < 100; i++)
        CHECK_EQ(sums[i], 80L * i + 100L * 79 * 80 / 2);
    free(sums);
}

static void user_defined(void)
{
    struct range range = {0, 0};
#pragma omp parallel for reduction(widen : range) schedule(guided)
    for (int i = -700; i < 1300; i++) {
        range.low = i < range.low ? i : range.low;
        range.high = i > range.high ? i : range.high;
    }
    CHECK_EQ(range.low, -700);
    CHECK_EQ(range.high, 1299);
}

static void many_small_regions(int rounds)
{
    for (int k = 0; k < rounds; k++) {
        int members = 0;
        double weight = 0;
#pragma omp parallel reduction(+ : members, weight)
        {
            members++;
            weight += omp_get_thread_num();
        }
        int n = omp_get_max_threads();
        CHECK_EQ(members, n);
        CHECK(weight == n * (n - 1) / 2);
    }
}

int main(void)
{
    operators(400);
    operators(403);
    arrays();
    user_defined();
    many_small_regions(SCALED(1000));
    return check_result();
}
