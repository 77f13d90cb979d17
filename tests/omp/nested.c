/* Regions inside regions: levels, ancestors, team sizes, and where nesting stops. */
#include <omp.h>
#include "check.h"

static void two_active_levels(void)
{
    int inner = 0, outer = 0;
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(2) reduction(+ : inner, outer)
    {
        int parent = omp_get_thread_num();
        outer += 1;
        CHECK_EQ(omp_get_level(), 1);
#pragma omp parallel num_threads(3) reduction(+ : inner)
        {
            inner += 1;
            CHECK_EQ(omp_get_level(), 2);
            CHECK_EQ(omp_get_active_level(), 2);
            CHECK_EQ(omp_get_num_threads(), 3);
            CHECK_EQ(omp_get_team_size(0), 1);
            CHECK_EQ(omp_get_team_size(1), 2);
            CHECK_EQ(omp_get_team_size(2), 3);
            CHECK_EQ(omp_get_team_size(3), -1);
            CHECK_EQ(omp_get_ancestor_thread_num(0), 0);
            CHECK_EQ(omp_get_ancestor_thread_num(1), parent);
            CHECK_EQ(omp_get_ancestor_thread_num(2), omp_get_thread_num());
            CHECK_EQ(omp_get_ancestor_thread_num(-1), -1);
        }
        CHECK_EQ(omp_get_thread_num(), parent);
        CHECK_EQ(omp_get_num_threads(), 2);
    }
    CHECK_EQ(outer, 2);
    CHECK_EQ(inner, 6);
}

static void beyond_the_limit_is_serial(void)
{
    int members = 0;
    omp_set_max_active_levels(1);
#pragma omp parallel num_threads(2) reduction(+ : members)
    {
#pragma omp parallel num_threads(4) reduction(+ : members)
        {
            members += 1;
            CHECK_EQ(omp_get_level(), 2);
            CHECK_EQ(omp_get_active_level(), 1);
            CHECK_EQ(omp_get_thread_num(), 0);
            CHECK_EQ(omp_get_num_threads(), 1);
            CHECK(omp_in_parallel());
        }
    }
    CHECK_EQ(members, 2);
}

static void nested_switch(void)
{
    int members = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    omp_set_nested(0);
    CHECK_EQ(omp_get_nested(), 0);
    CHECK_EQ(omp_get_max_active_levels(), 1);
    omp_set_nested(1);
    CHECK(omp_get_nested());
#pragma GCC diagnostic pop
    CHECK(omp_get_max_active_levels() > 1);
#pragma omp parallel num_threads(2) reduction(+ : members)
#pragma omp parallel num_threads(2) reduction(+ : members)
    members += 1;
    CHECK_EQ(members, 4);
}

static void serial_regions_count_as_levels(void)
{
#pragma omp parallel if (0)
#pragma omp parallel if (0)
    {
        CHECK_EQ(omp_get_level(), 2);
        CHECK_EQ(omp_get_active_level(), 0);
        CHECK(!omp_in_parallel());
        CHECK_EQ(omp_get_team_size(1), 1);
        CHECK_EQ(omp_get_ancestor_thread_num(1), 0);
    }
    CHECK_EQ(omp_get_level(), 0);
}

static int count_leaves(int depth)
{
    int leaves = 0;
    if (depth == 0)
        return 1;
#pragma omp parallel num_threads(2) reduction(+ : leaves)
    leaves += count_leaves(depth - 1);
    return leaves;
}

/* Recursion through regions that get no threads of their own, as in a parallel sort, goes deep. */
static void descend(int level, int deepest)
{
#pragma omp parallel num_threads(2)
    {
        CHECK_EQ(omp_get_level(), level);
        CHECK_EQ(omp_get_active_level(), 1);
        if (level < deepest && omp_get_ancestor_thread_num(1) == 0)
            descend(level + 1, deepest);
        CHECK_EQ(omp_get_level(), level);
    }
}

/* Each inner team has work-sharing and a barrier of its own. */
static void inner_teams_are_independent(void)
{
    omp_set_max_active_levels(3);
    for (int round = 0; round < SCALED(100) + 1; round++) {
        int total = 0;
#pragma omp parallel num_threads(3) reduction(+ : total)
        {
            int mine = 0, times = 1 + omp_get_thread_num();
            for (int k = 0; k < times; k++)
#pragma omp parallel num_threads(2) shared(mine)
            {
#pragma omp for schedule(dynamic, 3) reduction(+ : mine)
                for (int i = 0; i < 50; i++)
                    mine += i;
#pragma omp barrier
            }
            CHECK_EQ(mine, times * 1225);
            total += mine;
        }
        CHECK_EQ(total, 6 * 1225);
    }
}

int main(void)
{
    two_active_levels();
    beyond_the_limit_is_serial();
    nested_switch();
    serial_regions_count_as_levels();
    omp_set_max_active_levels(4);
    CHECK_EQ(count_leaves(4), 16);
    inner_teams_are_independent();
    omp_set_max_active_levels(1);
    descend(1, SCALED(1000));
    return check_result();
}
