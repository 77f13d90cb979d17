/* Critical regions: mutual exclusion per name, and none between different names. */
#include <omp.h>
#include <unistd.h>
#include "check.h"
#include "gomp_abi.h"

static long unnamed, named, other;
static int inside_unnamed, inside_named;

static void enter_and_leave(int *inside, long *count)
{
    CHECK_EQ(__atomic_fetch_add(inside, 1, __ATOMIC_RELAXED), 0);
    *count += 1;
    CHECK_EQ(__atomic_fetch_sub(inside, 1, __ATOMIC_RELAXED), 1);
}

static void exclusion(int rounds)
{
#pragma omp parallel
    for (int k = 0; k < rounds; k++) {
#pragma omp critical
        enter_and_leave(&inside_unnamed, &unnamed);
#pragma omp critical(first)
        enter_and_leave(&inside_named, &named);
    }
    CHECK_EQ(unnamed, (long)rounds * omp_get_max_threads());
    CHECK_EQ(named, (long)rounds * omp_get_max_threads());
}

static void names_nest(int rounds)
{
#pragma omp parallel
    for (int k = 0; k < rounds; k++) {
#pragma omp critical(outer)
        {
#pragma omp critical(inner)
            {
#pragma omp critical
                other += 1;
            }
        }
    }
    CHECK_EQ(other, (long)rounds * omp_get_max_threads());
}

/* One thread stays long in a name; the others must be able to use another one meanwhile. */
static void names_are_independent(void)
{
    int passed = 0, size = 0;
#pragma omp parallel num_threads(2)
    {
#pragma omp single
        size = omp_get_num_threads();
        if (omp_get_thread_num() == 0) {
#pragma omp critical(held)
            for (int k = 0; k < 5000 && !__atomic_load_n(&passed, __ATOMIC_RELAXED); k++)
                usleep(1000);
        } else {
#pragma omp critical(free)
            __atomic_store_n(&passed, 1, __ATOMIC_RELAXED);
        }
    }
    CHECK_EQ(size, 2);
    CHECK_EQ(passed, 1);
}

static void *name_word[2];
static long by_word[2];

static void direct(void *rounds)
{
    for (int k = 0; k < *(int *)rounds; k++) {
        GOMP_critical_name_start(&name_word[k % 2]);
        by_word[k % 2]++;
        GOMP_critical_name_end(&name_word[k % 2]);
        GOMP_critical_start();
        unnamed++;
        GOMP_critical_end();
    }
}

int main(void)
{
    int rounds = SCALED(5000) & ~1;
    exclusion(rounds);
    names_nest(rounds);
    names_are_independent();
    unnamed = 0;
    GOMP_parallel(direct, &rounds, 0, 0);
    CHECK_EQ(unnamed, (long)rounds * omp_get_max_threads());
    CHECK_EQ(by_word[0], by_word[1]);
    CHECK_EQ(by_word[0], (long)rounds / 2 * omp_get_max_threads());
    return check_result();
}
