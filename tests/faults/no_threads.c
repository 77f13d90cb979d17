/* A process that asks and locks, but never starts a region, keeps its one thread. */
#include <omp.h>
#include "../omp/check.h"
#include "process.h"

int main(void)
{
    int before = threads_alive(), tasks = 0;
    omp_lock_t lock;
    CHECK(omp_get_max_threads() > 0);
    CHECK(omp_get_num_procs() > 0);
    CHECK(omp_get_wtime() > 0);
    omp_init_lock(&lock);
    omp_set_lock(&lock);
    omp_unset_lock(&lock);
    omp_destroy_lock(&lock);
    omp_set_num_threads(4);
#pragma omp task shared(tasks)
    tasks += 1;
#pragma omp taskwait
#pragma omp critical
    tasks += 1;
    CHECK_EQ(tasks, 2);
    usleep(5000);
    CHECK_EQ(threads_alive(), before);
    return check_result();
}
