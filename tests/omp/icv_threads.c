/* What one thread sets, the next one that the program starts does not inherit. */
#include <omp.h>
#include <pthread.h>
#include "check.h"

static int fresh_max;

static void *sets(void *unused)
{
    (void)unused;
    omp_set_num_threads(fresh_max + 3);
    omp_set_schedule(omp_sched_static, 5);
#pragma omp parallel
    {
    }
    return NULL;
}

static void *looks(void *unused)
{
    omp_sched_t kind;
    int chunk;
    (void)unused;
    omp_get_schedule(&kind, &chunk);
    CHECK_EQ(omp_get_max_threads(), fresh_max);
    CHECK_EQ(kind, omp_sched_dynamic);
    CHECK_EQ(chunk, 1);
    return NULL;
}

int main(void)
{
    fresh_max = omp_get_max_threads();
    for (int k = 0; k < 3; k++) {
        pthread_t thread;
        pthread_create(&thread, NULL, sets, NULL);
        pthread_join(thread, NULL);
        pthread_create(&thread, NULL, looks, NULL);
        pthread_join(thread, NULL);
    }
    return check_result();
}
