#include "micro.h"
#include "park/park.h"

#include <pthread.h>

static _Atomic uint32_t mutex;
static pthread_mutex_t theirs = PTHREAD_MUTEX_INITIALIZER;

static void lock_unlock(void)
{
    for (int i = 0; i < MICRO_ROUNDS; i++) {
        mo_mutex_lock(&mutex);
        mo_mutex_unlock(&mutex);
    }
}

static void lock_unlock_theirs(void)
{
    for (int i = 0; i < MICRO_ROUNDS; i++) {
        pthread_mutex_lock(&theirs);
        pthread_mutex_unlock(&theirs);
    }
}

static void *nothing(void *arg)
{
    return arg;
}

/* The C library spares atomic operations while a process has never had a second thread. */
static void have_had_a_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, nothing, NULL) == 0)
        pthread_join(thread, NULL);
}

int main(void)
{
    have_had_a_thread();
    micro_header();
    micro_run("lock + unlock", NULL, lock_unlock);
    micro_run("pthread lock + unlock", NULL, lock_unlock_theirs);
    return 0;
}
