/* What the query functions say, outside and inside of regions, and what the setters change. */
#include <omp.h>
#include <sched.h>
#include <unistd.h>
#include "check.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static void outside(void)
{
    CHECK_EQ(omp_get_num_threads(), 1);
    CHECK_EQ(omp_get_thread_num(), 0);
    CHECK_EQ(omp_get_max_threads(), atoi(getenv("OMP_NUM_THREADS")));
    CHECK_EQ(omp_in_parallel(), 0);
    CHECK_EQ(omp_in_final(), 0);
    CHECK_EQ(omp_get_level(), 0);
    CHECK_EQ(omp_get_active_level(), 0);
    CHECK_EQ(omp_get_ancestor_thread_num(0), 0);
    CHECK_EQ(omp_get_ancestor_thread_num(1), -1);
    CHECK_EQ(omp_get_team_size(0), 1);
    CHECK_EQ(omp_get_team_size(1), -1);
    CHECK_EQ(omp_get_dynamic(), 0);
    CHECK_EQ(omp_get_max_active_levels(), 1);
    CHECK(omp_get_thread_limit() > 1000);
    CHECK(omp_get_supported_active_levels() >= 8);
    CHECK_EQ(omp_get_cancellation(), 0);
    CHECK_EQ(omp_get_max_task_priority(), 0);
    CHECK_EQ(omp_get_proc_bind(), omp_proc_bind_false);
    CHECK_EQ(omp_get_num_devices(), 0);
    CHECK_EQ(omp_get_default_device(), 0);
    CHECK(omp_is_initial_device());
    CHECK_EQ(omp_get_num_teams(), 1);
    CHECK_EQ(omp_get_team_num(), 0);
}

static void processors(void)
{
    cpu_set_t mask;
    sched_getaffinity(0, sizeof mask, &mask);
    CHECK(omp_get_num_procs() >= 1);
    CHECK(omp_get_num_procs() <= CPU_COUNT(&mask));
}

static void clocks(void)
{
    double before = omp_get_wtime();
    usleep(20000);
    double passed = omp_get_wtime() - before;
    CHECK(passed >= 0.019 && passed < 10);
    CHECK(omp_get_wtick() > 0 && omp_get_wtick() < 0.01);
}

static void setters(void)
{
    omp_sched_t kind;
    int chunk;
    omp_set_dynamic(1);
    CHECK_EQ(omp_get_dynamic(), 1);
    omp_set_dynamic(0);
    CHECK_EQ(omp_get_dynamic(), 0);
    omp_set_max_active_levels(5);
    CHECK_EQ(omp_get_max_active_levels(), 5);
    omp_set_max_active_levels(-1);
    CHECK_EQ(omp_get_max_active_levels(), 5);
    omp_set_max_active_levels(0);
    CHECK_EQ(omp_get_max_active_levels(), 0);
    omp_set_max_active_levels(1);
    omp_set_num_threads(7);
    CHECK_EQ(omp_get_max_threads(), 7);
    omp_set_num_threads(atoi(getenv("OMP_NUM_THREADS")));
    for (int k = omp_sched_static; k <= (int)omp_sched_auto; k++) {
        omp_set_schedule((omp_sched_t)k, 10 + k);
        omp_get_schedule(&kind, &chunk);
        CHECK_EQ((unsigned)kind & 0x7fffffff, k);
        CHECK(k == (int)omp_sched_auto || chunk == 10 + k);
    }
    omp_set_schedule(omp_sched_monotonic | omp_sched_dynamic, 3);
    omp_get_schedule(&kind, &chunk);
    CHECK_EQ(kind, omp_sched_monotonic | omp_sched_dynamic);
}

/* With no active level allowed every region is serial, but counts as a level. */
static void no_active_levels(void)
{
    omp_set_max_active_levels(0);
#pragma omp parallel num_threads(4)
    {
        CHECK_EQ(omp_get_num_threads(), 1);
        CHECK_EQ(omp_get_level(), 1);
        CHECK_EQ(omp_get_active_level(), 0);
    }
    omp_set_max_active_levels(1);
}

int main(void)
{
    outside();
    processors();
    clocks();
    setters();
    no_active_levels();
    return check_result();
}
