/* Constructs of which a tool must hear a number of times that the program knows. Run under the checker, whose report
   the script that runs this compares with what is printed here: lines of "event number". */
#include <omp.h>
#include <stdio.h>

__attribute__((weak)) int omp_control_tool(int, int, void *); /* newer than the library that this is linked to */

#define THREADS 4

static int sum;

static void locks(void)
{
    omp_lock_t lock;
    omp_nest_lock_t nest;
    omp_init_lock(&lock);
    omp_init_nest_lock(&nest);
#pragma omp parallel num_threads(THREADS)
    {
        omp_set_lock(&lock);
        sum++;
        omp_unset_lock(&lock);
        omp_set_nest_lock(&nest);
        omp_set_nest_lock(&nest);
        omp_unset_nest_lock(&nest);
        omp_unset_nest_lock(&nest);
#pragma omp critical
        sum++;
    }
    omp_destroy_nest_lock(&nest);
    omp_destroy_lock(&lock);
}

static void tasks(void)
{
    int a = 0;
#pragma omp parallel num_threads(THREADS)
#pragma omp single
    {
#pragma omp taskgroup
        {
#pragma omp task depend(out : a)
            a++;
#pragma omp task depend(inout : a) untied
            a++;
        }
#pragma omp task if (0) depend(in : a)
        sum += a;
#pragma omp taskwait
#pragma omp taskloop num_tasks(5)
        for (int i = 0; i < 100; i++)
#pragma omp atomic
            sum++;
    }
}

static void loops(void)
{
#pragma omp parallel num_threads(THREADS)
    {
#pragma omp for schedule(dynamic, 10)
        for (int i = 0; i < 100; i++)
#pragma omp atomic
            sum++;
#pragma omp for schedule(static, 1) ordered
        for (int i = 0; i < 8; i++)
#pragma omp ordered
            sum++;
#pragma omp sections
        {
#pragma omp section
#pragma omp atomic
            sum++;
#pragma omp section
#pragma omp atomic
            sum++;
        }
#pragma omp barrier
    }
}

int main(void)
{
    int answer = omp_control_tool(3, 4, NULL);
    locks();
    tasks();
    loops();
    if (answer != 7 || sum != 4 + 4 + 2 + 100 + 100 + 8 + 2) {
        fprintf(stderr, "answer %d, sum %d\n", answer, sum);
        return 1;
    }
    /* thread begin, end; parallel begin, end; tasks and their dependences (waiting for those of the undeferred task is
       one); locks, nested ones; control. */
    printf("1 %d\n2 %d\n3 3\n4 3\n5 9\n18 3\n7 %d\n24 2\n25 2\n26 %d\n27 %d\n17 %d\n28 %d\n11 1\n", THREADS, THREADS,
           2 + 2 * 3 * THREADS, THREADS * 4 + 8, THREADS * 3 + 8, THREADS * 3 + 8, 2 * THREADS);
    return 0;
}
