/* The allocate clause of taskloop: the copies of each task come from the allocator and go back to it. */
#include "alloc.h"

#define ALIGN 256
#define POOL  (1 << 20)

static omp_allocator_handle_t a;

static int placed(const volatile void *p)
{
    return is_aligned((const void *)p, ALIGN);
}

static void copies(int grain)
{
    int base = 1000, scratch = 0, last = 0, seen = 0;
#pragma omp parallel
#pragma omp single
#pragma omp taskloop grainsize(grain) private(scratch) firstprivate(base) allocate(a : scratch, base) shared(seen)
    for (int i = 0; i < 300; i++) {
        CHECK(placed(&scratch) && placed(&base) && base >= 1000);
        scratch = base + i;
        CHECK_EQ(scratch, base + i);
#pragma omp atomic
        seen++;
    }
    CHECK_EQ(seen, 300);
#pragma omp parallel
#pragma omp single
#pragma omp taskloop num_tasks(7) lastprivate(last) allocate(a : last)
    for (int i = 0; i < 300; i++) {
        CHECK(placed(&last));
        last = i;
    }
    CHECK_EQ(last, 299);
}

static void reductions(void)
{
    int sum = 5;
    unsigned long long many = 0;
#pragma omp parallel
#pragma omp single
#pragma omp taskloop reduction(+ : sum) num_tasks(20)
    for (int i = 0; i < 1000; i++)
        sum += i;
    CHECK_EQ(sum, 499505);
#pragma omp parallel master taskloop reduction(+ : many) firstprivate(sum) allocate(a : sum)
    for (unsigned long long i = 1; i <= 1000; i++)
        many += i + (placed(&sum) ? 0 : 1000000);
    CHECK_EQ(many, 500500);
}

int main(void)
{
    a = MAKE(TRAIT(alignment, ALIGN), TRAIT(pool_size, POOL), TRAIT(fallback, omp_atv_abort_fb));
    for (int round = 1; round <= SCALED(60) + 1; round++) {
        copies(round);
        reductions();
    }
    void *all = omp_alloc(POOL - (check_is_reference() ? 1024 : 0), a);
    CHECK(all != NULL);
    omp_free(all, a);
    omp_destroy_allocator(a);
    return check_result();
}
