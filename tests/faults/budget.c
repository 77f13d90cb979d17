/* Under a budget, here by dynamic adjustment, the teams of all masters and all levels share the CPUs: the pool never
   has more threads than there are CPUs beside the first master's, and a region that is alone gets all of them, again
   and again. A child of fork starts with none taken. */
#include <omp.h>
#include <pthread.h>
#include "../omp/check.h"
#include "process.h"

enum { MASTERS = 8, WANT = 64 };

static int cpus, others;
static pthread_barrier_t together;

static int region(int level)
{
    int members = 0, counted = 0;
#pragma omp parallel num_threads(WANT) reduction(+ : members, counted)
    {
        members += 1;
        if (level > 1)
            counted += region(level - 1);
        else
            counted += 1;
    }
    CHECK(members >= 1 && members <= cpus);
    CHECK(counted >= members);
    return members;
}

static void *master(void *rounds)
{
    omp_set_dynamic(1); /* of the contention group that begins here */
    omp_set_max_active_levels(3);
    pthread_barrier_wait(&together);
    for (int k = 0; k < *(int *)rounds; k++)
        region(3);
    pthread_barrier_wait(&together);
    return NULL;
}

static void many_masters(int rounds)
{
    pthread_t threads[MASTERS];
    for (int i = 0; i < MASTERS; i++)
        pthread_create(&threads[i], NULL, master, &rounds);
    pthread_barrier_wait(&together);
    pthread_barrier_wait(&together);
    CHECK(threads_alive() - others <= 1 + MASTERS + cpus - 1);
    for (int i = 0; i < MASTERS; i++)
        pthread_join(threads[i], NULL);
}

static int gets_all(void)
{
    return region(1) != cpus;
}

/* What the parent's region has claimed is not the child's, also where that ends the region. */
static void fork_inside(void)
{
#pragma omp parallel num_threads(1)
    {
        int wrong = 1;
        wrong = in_child(gets_all, 60);
        CHECK_EQ(wrong, 0);
    }
}

/* The setting rules whatever the program says, and is no answer to what it asks. */
static int by_setting(void)
{
    setenv("MOIRAI_BUDGET", "cpus", 1);
    cpus = omp_get_num_procs();
    CHECK_EQ(omp_get_dynamic(), 0);
    CHECK_EQ(region(1), cpus);
    omp_set_dynamic(1);
    omp_set_dynamic(0);
    CHECK_EQ(region(1), cpus);
    CHECK_EQ(omp_get_dynamic(), 0);
    return check_result();
}

int main(void)
{
    CHECK_EQ(in_child(by_setting, 60), 0); /* before the first use here */
    others = threads_alive() - 1;
    cpus = omp_get_num_procs();
    pthread_barrier_init(&together, NULL, MASTERS + 1);
    omp_set_dynamic(1);
    omp_set_max_active_levels(3);
    for (int k = 0; k < SCALED(100) + 2; k++) {
        CHECK_EQ(region(1), cpus);
        CHECK_EQ(region(3), cpus);
    }
    CHECK(threads_alive() - others <= cpus);
    many_masters(SCALED(50) + 2);
    CHECK_EQ(region(1), cpus);
    fork_inside();
    CHECK_EQ(in_child(gets_all, 60), 0);
    return check_result();
}
