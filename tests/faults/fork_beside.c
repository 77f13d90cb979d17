/* A fork while another thread is inside a region: threads of the child start afresh. */
#include <omp.h>
#include <pthread.h>
#include "../omp/check.h"
#include "process.h"

static int stop;

static void *keeps_busy(void *unused)
{
    (void)unused;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
#pragma omp parallel num_threads(2)
        for (int k = 0; k < 3; k++) {
#pragma omp for schedule(dynamic) nowait
            for (int i = 0; i < 40; i++)
                usleep(1);
        }
    }
    return NULL;
}

static void *sums(void *out)
{
    int sum = 0;
#pragma omp parallel num_threads(2) reduction(+ : sum)
    {
#pragma omp for schedule(dynamic)
        for (int i = 0; i < 40; i++)
            sum += i;
    }
    *(int *)out = sum;
    return NULL;
}

static int child(void)
{
    for (int k = 0; k < 3; k++) {
        pthread_t thread;
        int sum = 0;
        pthread_create(&thread, NULL, sums, &sum);
        pthread_join(thread, NULL);
        if (sum != 780)
            return 2;
    }
    return 0;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, keeps_busy, NULL);
    for (int k = 0; k < 20; k++) {
        usleep(500);
        CHECK_EQ(in_child(child, 10), 0);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    return check_result();
}
