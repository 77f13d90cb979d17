/* omp_pause_resource: idle threads end, regions afterwards find new ones; inside a region it refuses. */
#include "check.h"

#include <dirent.h>
#include <omp.h>
#include <pthread.h>
#include <unistd.h>

static int threads_of_process(void)
{
    DIR *d = opendir("/proc/self/task");
    int n = 0;
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void *nothing(void *arg)
{
    return arg;
}

static long sum_of_numbers(void)
{
    long sum = 0;
#pragma omp parallel reduction(+ : sum) num_threads(4)
    sum += omp_get_thread_num() + 1;
    return sum;
}

int main(void)
{
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, nothing, NULL), 0);
    pthread_join(thread, NULL);
    int before = threads_of_process(); /* sanitizers have some, from the first thread on */
    for (int round = 0; round < 20; round++) {
        CHECK_EQ(sum_of_numbers(), 10);
        if (round % 2)
            CHECK_EQ(omp_pause_resource_all(omp_pause_hard), 0);
        else
            CHECK_EQ(omp_pause_resource(omp_pause_soft, omp_get_initial_device()), 0);
        for (int tries = 0; tries < 2000 && threads_of_process() > before; tries++)
            usleep(1000);
        if (!check_is_reference())
            CHECK_EQ(threads_of_process(), before);
    }
    CHECK_EQ(sum_of_numbers(), 10);
    CHECK(omp_pause_resource(omp_pause_soft, 5) != 0);
#pragma omp parallel num_threads(2)
    {
        CHECK(omp_pause_resource(omp_pause_soft, 0) != 0);
        CHECK(omp_pause_resource_all(omp_pause_hard) != 0);
    }
    return check_result();
}
