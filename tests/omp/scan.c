/* Prefix sums: reduction(inscan, ...) with scan inclusive and exclusive, in loops and regions with loops, with simd,
   with several operators and user-defined ones. */
#include <omp.h>
#include "check.h"

enum { N_MAX = 5000 };

static int input[N_MAX];
static long sums[N_MAX], before[N_MAX];
static int largest[N_MAX];

struct affine {
    unsigned factor, offset;
};

/* Not commutative: the order of the parts shows. */
static struct affine then(struct affine first, struct affine second)
{
    return (struct affine){first.factor * second.factor, first.offset * second.factor + second.offset};
}

#pragma omp declare reduction(then : struct affine : omp_out = then(omp_out, omp_in)) initializer(omp_priv = {1, 0})

static struct affine maps[N_MAX];

static void clear(void)
{
    memset(sums, 0, sizeof sums);
    memset(before, 0, sizeof before);
    memset(largest, 0, sizeof largest);
    memset(maps, 0, sizeof maps);
}

static struct affine map_of(int i)
{
    return (struct affine){(unsigned)input[i] | 1, (unsigned)i};
}

static void verify(int n, long end, const char *what)
{
    long total = 10;
    int top = -1, right = 1;
    struct affine all = {1, 0};
    for (int i = 0; i < n; i++) {
        right &= before[i] == total;
        total += input[i];
        top = input[i] > top ? input[i] : top;
        all = then(all, map_of(i));
        right &= sums[i] == total && largest[i] == top;
        right &= maps[i].factor == all.factor && maps[i].offset == all.offset;
    }
    check_true(right && end == total, what, __FILE__, __LINE__);
    clear();
}

static long sum, sum_before;
static int most;
static struct affine map;

static void orphaned(int n)
{
#pragma omp for reduction(inscan, + : sum) reduction(inscan, max : most) reduction(inscan, then : map)
    for (int i = 0; i < n; i++) {
        sum += input[i];
        most = input[i] > most ? input[i] : most;
        map = then(map, map_of(i));
#pragma omp scan inclusive(sum, most, map)
        sums[i] = sum;
        largest[i] = most;
        maps[i] = map;
    }
#pragma omp for reduction(inscan, + : sum_before)
    for (int i = 0; i < n; i++) {
        before[i] = sum_before;
#pragma omp scan exclusive(sum_before)
        sum_before += input[i];
    }
}

static void start_values(void)
{
    sum = sum_before = 10;
    most = -1;
    map = (struct affine){1, 0};
}

static void loops(int n)
{
    start_values();
#pragma omp parallel
    orphaned(n);
    CHECK_EQ(sum, sum_before);
    verify(n, sum, "loops");
    start_values();
    orphaned(n);
    verify(n, sum_before, "outside all regions");
}

static void regions(int n)
{
    start_values();
#pragma omp parallel for simd reduction(inscan, + : sum) reduction(inscan, max : most)
    for (int i = 0; i < n; i++) {
        sum += input[i];
        most = input[i] > most ? input[i] : most;
#pragma omp scan inclusive(sum, most)
        sums[i] = sum;
        largest[i] = most;
    }
#pragma omp parallel for reduction(inscan, then : map)
    for (int i = 0; i < n; i++) {
        map = then(map, map_of(i));
#pragma omp scan inclusive(map)
        maps[i] = map;
    }
#pragma omp parallel for reduction(inscan, + : sum_before)
    for (int i = 0; i < n; i++) {
        before[i] = sum_before;
#pragma omp scan exclusive(sum_before)
        sum_before += input[i];
    }
    CHECK_EQ(sum, sum_before);
    verify(n, sum, "regions");
}

/* Each thread's part of the memory is longer than a cache line. */
struct columns {
    long at[9];
};

static struct columns plus(struct columns x, const struct columns *y)
{
    for (int k = 0; k < 9; k++)
        x.at[k] += y->at[k];
    return x;
}

#pragma omp declare reduction(plus : struct columns : omp_out = plus(omp_out, &omp_in)) initializer(omp_priv = {{0}})

static void wide(int n)
{
    static struct columns rows[N_MAX];
    struct columns sum = {{1, 2, 3}}, expected = sum;
    int right = 1;
#pragma omp parallel for reduction(inscan, plus : sum)
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < 9; k++)
            sum.at[k] += input[i] * (k + 1);
#pragma omp scan inclusive(sum)
        rows[i] = sum;
    }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 9; k++)
            right &= rows[i].at[k] == (expected.at[k] += input[i] * (k + 1));
    CHECK(right && sum.at[8] == expected.at[8]);
}

int main(void)
{
    const int sizes[] = {0, 1, 2, 7, 64, 1000, N_MAX};
    for (int i = 0; i < N_MAX; i++)
        input[i] = i * 7919 % 1000;
    for (int round = 0; round < SCALED(4) + 1; round++)
        for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            loops(sizes[s]);
            regions(sizes[s]);
            wide(sizes[s]);
        }
    return check_result();
}
