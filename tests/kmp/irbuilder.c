/* What clang compiles another way with -fopenmp-enable-irbuilder, as which this is built too. That way it makes no
   private copies in these releases, so everything here is global or made inside. */
#include <omp.h>
#include "check.h"

#define MANY 200

static int members, ran[MANY], chosen, filtered, counted, tasks, places[4];

static void add(int *count)
{
    __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

static void each_once(int count)
{
    for (int i = 0; i < count; i++) {
        CHECK_EQ(ran[i], 1);
        ran[i] = 0;
    }
}

static void regions(int size)
{
    members = 0;
#pragma omp parallel
    add(&members);
    CHECK_EQ(members, size);
}

static void loops(void)
{
#pragma omp parallel
    {
#pragma omp for
        for (int i = 0; i < MANY; i++)
            add(&ran[i]);
    }
    each_once(MANY);
#pragma omp parallel
    {
#pragma omp for schedule(dynamic, 3)
        for (int i = 0; i < MANY; i++)
            add(&ran[i]);
    }
    each_once(MANY);
}

static void add_0(void)
{
    add(&places[0]);
}

static void add_1(void)
{
    add(&places[1]);
}

static void sections(void)
{
    places[0] = places[1] = 0;
#pragma omp parallel
    {
#pragma omp sections
        {
#pragma omp section
            add_0();
#pragma omp section
            add_1();
        }
    }
    CHECK_EQ(places[0], 1);
    CHECK_EQ(places[1], 1);
}

static void chosen_threads(int size)
{
    chosen = filtered = counted = 0;
#pragma omp parallel
    {
#pragma omp single
        add(&chosen);
#pragma omp masked filter(1)
        add(&filtered);
#pragma omp critical
        counted++;
#pragma omp barrier
        CHECK_EQ(__atomic_load_n(&counted, __ATOMIC_RELAXED), omp_get_num_threads());
    }
    CHECK_EQ(chosen, 1);
    CHECK_EQ(filtered, size > 1);
}

static void waited_for_tasks(int size)
{
    tasks = 0;
#pragma omp parallel
    {
#pragma omp task
        add(&tasks);
#pragma omp taskwait
    }
    CHECK_EQ(tasks, size);
}

int main(void)
{
    int size = omp_get_max_threads();
    for (int k = 0; k < 20; k++) {
        regions(size);
        loops();
        if (size > 1 || __clang_major__ > 14) /* whose code leaves one out where a thread has all of them */
            sections();
        chosen_threads(size);
        waited_for_tasks(size);
    }
    return check_result();
}
