/* Tasks of every kind run exactly once and are done when they must be. */
#include <omp.h>
#include "check.h"

static int ran;

static void add(void)
{
    __atomic_fetch_add(&ran, 1, __ATOMIC_RELAXED);
}

static int total(void)
{
    return __atomic_exchange_n(&ran, 0, __ATOMIC_RELAXED);
}

static void deferred_kinds(int n)
{
#pragma omp parallel
#pragma omp single
    {
        for (int i = 0; i < n; i++) {
#pragma omp task
            add();
#pragma omp task untied
            add();
#pragma omp task mergeable
            add();
#pragma omp task priority(i % 5)
            add();
#pragma omp task if (i % 2)
            add();
        }
#pragma omp taskwait
        CHECK_EQ(__atomic_load_n(&ran, __ATOMIC_RELAXED), 5 * n);
    }
    CHECK_EQ(total(), 5 * n);
}

/* An undeferred task is done when the construct ends, on the data of its creator's thread. */
static void undeferred(int n)
{
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < n; i++) {
        int value = 0, thread = omp_get_thread_num();
#pragma omp task if (0) shared(value)
        {
            value = i + 1;
            CHECK_EQ(omp_get_thread_num(), thread);
        }
        CHECK_EQ(value, i + 1);
    }
}

/* All descendants of a final task are final and are executed at once. */
static void final_tree(int depth, int inside)
{
    int done = 0;
    CHECK_EQ(omp_in_final(), inside);
    add();
    if (depth == 0)
        return;
#pragma omp task shared(done) final(1)
    {
        final_tree(depth - 1, 1);
        __atomic_store_n(&done, 1, __ATOMIC_RELAXED);
    }
    /* The compiler may read it whether inside or not. */
    CHECK(!inside || __atomic_load_n(&done, __ATOMIC_RELAXED));
#pragma omp taskwait
    CHECK(done);
}

static void finals(void)
{
#pragma omp parallel
#pragma omp single
    final_tree(5, 0);
    CHECK_EQ(total(), 6);
#pragma omp parallel
#pragma omp single
    {
#pragma omp task final(0)
        CHECK(!omp_in_final());
#pragma omp task final(1) mergeable
        CHECK(omp_in_final());
    }
}

static void all_threads_create(int n)
{
    int threads = 0;
#pragma omp parallel reduction(+ : threads)
    {
        threads += 1;
        for (int i = 0; i < n; i++)
#pragma omp task
            add();
    }
    CHECK_EQ(total(), n * threads);
}

static void inside_loops(void)
{
#pragma omp parallel for schedule(dynamic, 3)
    for (int i = 0; i < 500; i++) {
#pragma omp task
        add();
    }
    CHECK_EQ(total(), 500);
#pragma omp parallel
    {
#pragma omp for schedule(static)
        for (int i = 0; i < 500; i++) {
#pragma omp task
            add();
        }
        CHECK_EQ(__atomic_load_n(&ran, __ATOMIC_RELAXED), 500);
    }
    CHECK_EQ(total(), 500);
}

int main(void)
{
    deferred_kinds(SCALED(2000));
    undeferred(SCALED(1000));
    finals();
    all_threads_create(SCALED(2000));
    inside_loops();
    return check_result();
}
