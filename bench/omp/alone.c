/* Many tasks outstanding. All runtimes stop storing tasks at some number of them, libgomp at 64 for each thread of the
   team; so the team is large, and all its threads but one sleep, out of the runtime's sight, until the one is done. */
#include "bench.h"

#include <pthread.h>
#include <omp.h>

#define STORED_BY_THREAD 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static int asleep;
static bool done;

static void sleep_until_done(void)
{
    pthread_mutex_lock(&lock);
    asleep++;
    pthread_cond_broadcast(&change);
    while (!done)
        pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
}

static void await_sleepers(int count)
{
    pthread_mutex_lock(&lock);
    while (asleep < count)
        pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
}

static void wake_sleepers(void)
{
    pthread_mutex_lock(&lock);
    done = true;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

void bench_alone(int tasks, void (*fn)(void *), void *arg)
{
    asleep = 0;
    done = false;
#pragma omp parallel num_threads(tasks / STORED_BY_THREAD + 2)
    if (omp_get_thread_num()) {
        sleep_until_done();
    } else {
        await_sleepers(omp_get_num_threads() - 1);
        fn(arg);
        wake_sleepers();
    }
}
