/* Control variables belong to the task: a region's and a task's children inherit the values of their creation, and
   nothing that they set shows elsewhere. */
#include <omp.h>
#include "check.h"

static int chunk_now(void)
{
    omp_sched_t kind;
    int chunk;
    omp_get_schedule(&kind, &chunk);
    return chunk;
}

static void threads_of_a_region(void)
{
    omp_set_num_threads(3);
    omp_set_schedule(omp_sched_dynamic, 21);
    omp_set_dynamic(0);
#pragma omp parallel
    {
        int me = omp_get_thread_num();
        CHECK_EQ(omp_get_max_threads(), 3);
        CHECK_EQ(chunk_now(), 21);
        omp_set_num_threads(10 + me);
        omp_set_schedule(omp_sched_guided, 100 + me);
        omp_set_dynamic(me % 2);
#pragma omp barrier
        CHECK_EQ(omp_get_max_threads(), 10 + me);
        CHECK_EQ(chunk_now(), 100 + me);
        CHECK_EQ(omp_get_dynamic(), me % 2);
    }
    CHECK_EQ(omp_get_max_threads(), 3);
    CHECK_EQ(chunk_now(), 21);
    CHECK_EQ(omp_get_dynamic(), 0);
#pragma omp parallel
    CHECK_EQ(omp_get_max_threads(), 3);
}

static void tasks_inherit(int rounds)
{
    int right = 0;
    omp_set_num_threads(2);
#pragma omp parallel
#pragma omp single
    for (int i = 1; i <= rounds; i++) {
        omp_set_num_threads(i);
#pragma omp task shared(right) firstprivate(i)
        {
            int inherited = omp_get_max_threads();
            omp_set_num_threads(1000 + i);
#pragma omp task shared(right) firstprivate(i)
            {
                int deeper = omp_get_max_threads();
                omp_set_num_threads(5000);
#pragma omp atomic
                right += deeper == 1000 + i;
            }
#pragma omp taskwait
#pragma omp atomic
            right += inherited == i && omp_get_max_threads() == 1000 + i;
        }
        CHECK_EQ(omp_get_max_threads(), i);
    }
    CHECK_EQ(right, 2 * rounds);
    CHECK_EQ(omp_get_max_threads(), 2);
}

/* A program may write ever new values; the hundred thousandth counts as the first does. */
static void many_values(int count)
{
    for (int k = 1; k <= count; k++) {
        omp_set_schedule(omp_sched_dynamic, k);
        omp_set_num_threads(1 + k % 1000);
        CHECK_EQ(chunk_now(), k);
        CHECK_EQ(omp_get_max_threads(), 1 + k % 1000);
    }
}

static void undeferred_tasks(void)
{
    omp_set_num_threads(2);
#pragma omp parallel
#pragma omp single
    {
        omp_set_num_threads(6);
#pragma omp task if (0)
        {
            CHECK_EQ(omp_get_max_threads(), 6);
            omp_set_num_threads(9);
        }
        CHECK_EQ(omp_get_max_threads(), 6);
#pragma omp task final(1)
        {
            CHECK_EQ(omp_get_max_threads(), 6);
#pragma omp task
            omp_set_num_threads(12);
            CHECK_EQ(omp_get_max_threads(), 6);
        }
    }
}

static void inner_region_uses_them(void)
{
    omp_set_max_active_levels(2);
    omp_set_num_threads(2);
#pragma omp parallel
    {
        int wanted = 2 + omp_get_thread_num(), size = 0;
        omp_set_num_threads(wanted);
#pragma omp parallel reduction(+ : size)
        size += 1;
        CHECK_EQ(size, wanted);
    }
}

int main(void)
{
    threads_of_a_region();
    tasks_inherit(300);
    undeferred_tasks();
    inner_region_uses_them();
    many_values(SCALED(100000));
    return check_result();
}
