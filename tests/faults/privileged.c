/* What a privileged program is asked by its caller's environment; tests/faults/privileged.py runs it. */
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/auxv.h>

#define ROUNDS 1000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *count(void *n)
{
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        ++*(int *)n;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int main(void)
{
    pthread_t thread;
    int counted = 0, members = 0;
    if (pthread_create(&thread, NULL, count, &counted) != 0)
        return 1;
    count(&counted);
    pthread_join(thread, NULL);
#pragma omp parallel reduction(+ : members)
    members += 1;
    printf("%s, counted %d, %d threads\n", getauxval(AT_SECURE) ? "privileged" : "plain", counted, members);
    return 0;
}
