/* A master that goes on with a smaller team leaves threads over; another master's region uses them. */
#include <omp.h>
#include <pthread.h>
#include "../omp/check.h"
#include "process.h"

enum { MANY = 12 };

static int go, stop;

static void await(int *flag)
{
    while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
        usleep(100);
}

static void *other_master(void *unused)
{
    int members = 0;
    (void)unused;
    await(&go);
#pragma omp parallel num_threads(MANY) reduction(+ : members)
    members++;
    CHECK_EQ(members, MANY);
    /* Its MANY, and the two of the region that goes on beside; one more is allowed. */
    CHECK(threads_alive() <= MANY + 2 + 1);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    int members = 0;
    pthread_create(&thread, NULL, other_master, NULL);
#pragma omp parallel num_threads(MANY) reduction(+ : members)
    members++;
    CHECK_EQ(members, MANY);
#pragma omp parallel num_threads(2)
    if (omp_get_thread_num() == 0) {
        __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
        await(&stop);
    }
    pthread_join(thread, NULL);
    members = 0;
#pragma omp parallel num_threads(MANY) reduction(+ : members)
    members++;
    CHECK_EQ(members, MANY);
    return check_result();
}
