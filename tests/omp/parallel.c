/* Parallel regions: every thread of the team runs the body exactly once, with its own number. */
#include <omp.h>
#include "check.h"

enum { THREADS_MAX = 512 };

static void each_number_once(int wanted)
{
    int seen[THREADS_MAX] = {0}, size = 0;
#pragma omp parallel num_threads(wanted)
    {
        int me = omp_get_thread_num();
        if (me >= 0 && me < THREADS_MAX)
            __atomic_fetch_add(&seen[me], 1, __ATOMIC_RELAXED);
#pragma omp master
        size = omp_get_num_threads();
        CHECK(omp_in_parallel() == (wanted > 1));
    }
    CHECK_EQ(size, wanted);
    for (int i = 0; i < THREADS_MAX; i++)
        CHECK_EQ(seen[i], i < wanted);
}

static void default_size_is_max_threads(void)
{
    int members = 0;
#pragma omp parallel reduction(+ : members)
    members += 1;
    CHECK_EQ(members, omp_get_max_threads());
    CHECK(!omp_in_parallel());
    CHECK_EQ(omp_get_num_threads(), 1);
}

static void if_clause_makes_a_team_of_one(int condition)
{
    int members = 0;
#pragma omp parallel if (condition) num_threads(3) reduction(+ : members)
    members += 1;
    CHECK_EQ(members, condition ? 3 : 1);
}

static void set_num_threads_counts(void)
{
    int before = omp_get_max_threads();
    for (int n = 1; n <= 5; n++) {
        int members = 0;
        omp_set_num_threads(n);
#pragma omp parallel reduction(+ : members)
        members += 1;
        CHECK_EQ(members, n);
    }
    omp_set_num_threads(before);
}

static void binding_is_accepted(void)
{
    int members = 0;
#pragma omp parallel proc_bind(close) num_threads(2) reduction(+ : members)
    members += 1;
#pragma omp parallel proc_bind(spread) num_threads(2) reduction(+ : members)
    members += 1;
#pragma omp parallel proc_bind(master) num_threads(2) reduction(+ : members)
    members += 1;
    CHECK_EQ(members, 6);
}

/* Data that the master wrote before the region is seen by all, and all that they wrote is seen after it. */
static void memory_is_published(void)
{
    static int input[THREADS_MAX], output[THREADS_MAX];
    for (int round = 0; round < SCALED(2000); round++) {
        for (int i = 0; i < 4; i++)
            input[i] = round + i;
#pragma omp parallel num_threads(4)
        output[omp_get_thread_num()] = input[omp_get_thread_num()] * 2;
        for (int i = 0; i < 4; i++)
            CHECK_EQ(output[i], 2 * (round + i));
    }
}

static void private_copies(void)
{
    int given = 17, mine = -1, shared = 0;
#pragma omp parallel firstprivate(given) private(mine) shared(shared)
    {
        mine = given + omp_get_thread_num();
        given += 1000;
#pragma omp barrier
        CHECK_EQ(mine, 17 + omp_get_thread_num());
        CHECK_EQ(given, 1017);
#pragma omp atomic
        shared += 1;
    }
    CHECK_EQ(given, 17);
    CHECK_EQ(mine, -1);
    CHECK_EQ(shared, omp_get_max_threads());
}

int main(void)
{
    for (int round = 0; round < 3; round++)
        for (int n = 1; n <= 17; n += 1 + n / 4)
            each_number_once(n);
    each_number_once(TEST_SLOWDOWN > 1 ? 40 : 300);
    default_size_is_max_threads();
    if_clause_makes_a_team_of_one(0);
    if_clause_makes_a_team_of_one(1);
    set_num_threads_counts();
    binding_is_accepted();
    memory_is_published();
    private_copies();
    return check_result();
}
