/* The allocate clause: private copies of every kind come from the allocator, are aligned, and go back to it. */
#include "alloc.h"

#define ALIGN 256

static omp_allocator_handle_t a; /* with a pool, to see that everything comes back */

static int placed(const volatile void *p)
{
    return is_aligned((const void *)p, ALIGN);
}

static void parallel(int n)
{
    int x = 5, y = 0, sum = 0, values[3] = {1, 2, 3}, variable[n];
    long long total = 0;
    for (int i = 0; i < n; i++)
        variable[i] = i;
#pragma omp parallel private(y) firstprivate(x, values, variable) reduction(+ : sum, total)                             \
    allocate(a : x, y, values, variable, sum, total)
    {
        CHECK(placed(&x) && placed(&y) && placed(values) && placed(variable) && placed(&sum) && placed(&total));
        CHECK(x == 5 && values[2] == 3 && variable[n - 1] == n - 1);
        y = x = variable[0] = 10 + omp_get_thread_num();
#pragma omp barrier
        CHECK(x == 10 + omp_get_thread_num() && y == x && variable[0] == x);
        sum += 1;
        total += 1000;
    }
    CHECK_EQ(total, 1000LL * sum);
    CHECK(x == 5 && variable[0] == 0);
}

static void loops(void)
{
    int last = 0, linear = 0, sum = 0, outer = 0, array[2] = {0, 0};
#pragma omp parallel
    {
#pragma omp for lastprivate(last) linear(linear : 2) reduction(+ : sum) allocate(a : last, linear, sum)
        for (int i = 0; i < 1000; i++) {
            CHECK(placed(&last) && placed(&sum) && placed(&linear));
            last = i;
            linear += 2;
            sum += i;
        }
#pragma omp for collapse(2) schedule(dynamic, 3) lastprivate(outer) reduction(+ : array) allocate(a : outer, array)
        for (int i = 0; i < 20; i++)
            for (int j = 0; j < 20; j++) {
                CHECK(placed(&outer) && placed(array));
                outer = i * 100 + j;
                array[j % 2]++;
            }
    }
    CHECK_EQ(last, 999);
    CHECK_EQ(linear, 2000);
    CHECK_EQ(sum, 499500);
    CHECK_EQ(outer, 1919);
    CHECK(array[0] == 200 && array[1] == 200);
}

static void sections_and_single(void)
{
    int sum = 0, first = 7, mine = 0;
#pragma omp parallel
    {
#pragma omp sections reduction(+ : sum) firstprivate(first) allocate(a : sum, first)
        {
#pragma omp section
            {
                CHECK(placed(&sum) && placed(&first));
                sum += first;
            }
#pragma omp section
            sum += 2 * first;
        }
#pragma omp single private(mine) firstprivate(first) allocate(a : mine, first)
        {
            mine = first;
            CHECK(placed(&mine) && placed(&first) && mine == 7);
        }
    }
    CHECK_EQ(sum, 21);
}

static void tasks(void)
{
    struct {
        int a, b;
        char tail[100];
    } s = {27, 29, "tail"};
    int x = 3, y = 0, runs = 0;
#pragma omp parallel
    for (int i = 0; i < 20; i++) {
#pragma omp task private(y) firstprivate(s, x, i) shared(runs) allocate(a : s, y)
        {
            CHECK(placed(&s) && placed(&y));
            CHECK(s.a == 27 && s.b == 29 && !strcmp(s.tail, "tail") && x == 3);
            y = s.a + i;
            memset(&s, 0, sizeof s);
            CHECK_EQ(y, 27 + i);
#pragma omp atomic
            runs++;
        }
#pragma omp task if (0) firstprivate(x) allocate(a : x)
        CHECK(placed(&x) && x == 3);
    }
    CHECK(runs > 0 && runs % 20 == 0);
}

/* Without an allocator in the clause it is the default one; align() goes on top of what the allocator has. */
static void unnamed_and_align(void)
{
    int x = 1, y = 2, z = 3;
    omp_set_default_allocator(a);
#pragma omp parallel firstprivate(x, y, z) allocate(x) allocate(align(1024), allocator(a) : y) allocate(align(2048) : z)
    {
        CHECK(placed(&x) && is_aligned(&y, 1024) && is_aligned(&z, 2048));
        CHECK(x == 1 && y == 2 && z == 3);
    }
    omp_set_default_allocator(omp_default_mem_alloc);
}

static void predefined(void)
{
    int sum = 0;
#pragma omp parallel reduction(+ : sum) allocate(omp_large_cap_mem_alloc : sum)
    sum += 2;
#pragma omp parallel for reduction(+ : sum) allocate(allocator(omp_thread_mem_alloc) : sum)
    for (int i = 0; i < 10; i++)
        sum++;
    CHECK(sum >= 12 && sum % 2 == 0);
}

int main(void)
{
    enum { POOL = 1 << 20 };
    a = MAKE(TRAIT(alignment, ALIGN), TRAIT(pool_size, POOL), TRAIT(fallback, omp_atv_abort_fb));
    for (int round = 0; round < SCALED(100) + 1; round++) {
        parallel(50 + round);
        loops();
        sections_and_single();
        tasks();
        unnamed_and_align();
        predefined();
    }
    void *all = omp_alloc(POOL - (check_is_reference() ? 1024 : 0), a);
    CHECK(all != NULL);
    omp_free(all, a);
    omp_destroy_allocator(a);
    return check_result();
}
