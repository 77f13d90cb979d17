/* taskgroup waits for all descendants that were created inside it, and for no one else. */
#include <omp.h>
#include <unistd.h>
#include "check.h"

static int done;

static void tree(int depth)
{
    __atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
    if (depth == 0)
        return;
    for (int i = 0; i < 3; i++)
#pragma omp task
        tree(depth - 1);
}

static void descendants(int depth, int size)
{
#pragma omp parallel
#pragma omp single
    for (int k = 0; k < 20; k++) {
#pragma omp taskgroup
        {
#pragma omp task
            tree(depth);
        }
        CHECK_EQ(__atomic_exchange_n(&done, 0, __ATOMIC_RELAXED), size);
    }
}

/* The outsider ends only after the group has: a group that waited for it would never end. At one thread the group's
   wait must not start it either, for then nobody is left to set the flag. */
static void outsiders(void)
{
    int flag = 0, inside = 0;
#pragma omp parallel
#pragma omp single
    {
#pragma omp task shared(flag) if (omp_get_num_threads() > 1)
        while (omp_get_num_threads() > 1 && !__atomic_load_n(&flag, __ATOMIC_ACQUIRE))
            usleep(100);
#pragma omp taskgroup
        {
#pragma omp task shared(inside)
            inside = 1;
        }
        CHECK_EQ(inside, 1);
        __atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
    }
}

static void nested_groups(void)
{
    int inner = 0, outer = 0;
#pragma omp parallel
#pragma omp single
#pragma omp taskgroup
    {
        for (int i = 0; i < 10; i++)
#pragma omp task shared(inner, outer)
        {
            int mine = 0;
#pragma omp taskgroup
            {
                for (int k = 0; k < 10; k++)
#pragma omp task shared(mine, inner)
                {
#pragma omp atomic
                    mine += 1;
#pragma omp atomic
                    inner += 1;
                }
            }
            CHECK_EQ(mine, 10);
#pragma omp atomic
            outer += 1;
        }
    }
    CHECK_EQ(inner, 100);
    CHECK_EQ(outer, 10);
}

static void every_thread_its_group(int rounds)
{
#pragma omp parallel
    for (int k = 0; k < rounds; k++) {
        int mine = 0;
#pragma omp taskgroup
        for (int i = 0; i < 16; i++)
#pragma omp task shared(mine)
#pragma omp atomic
            mine += 1;
        CHECK_EQ(mine, 16);
    }
}

static void empty_groups(void)
{
#pragma omp taskgroup
    {
    }
#pragma omp parallel
    for (int k = 0; k < 100; k++) {
#pragma omp taskgroup
        {
        }
    }
}

int main(void)
{
    descendants(5, 364);
    outsiders();
    nested_groups();
    every_thread_its_group(SCALED(300));
    empty_groups();
    return check_result();
}
