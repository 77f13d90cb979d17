/* Programs that something is to be said about, and the same without that. Usage: advice KIND good|bad. */
#include <omp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MANY  2000
#define LOCKS 20000

static volatile long sink;

static void work(long steps)
{
    for (long i = 0; i < steps; i++)
        sink = i;
}

/* Two threads, each with a lock of its own. */
static struct {
    _Alignas(128) pthread_mutex_t near[2];
    _Alignas(128) pthread_mutex_t far;
} locks = {{PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER}, PTHREAD_MUTEX_INITIALIZER};

static void *lock_own(void *mutex)
{
    for (int i = 0; i < LOCKS; i++) {
        pthread_mutex_lock(mutex);
        pthread_mutex_unlock(mutex);
    }
    return NULL;
}

static void lines(bool bad)
{
    pthread_t thread;
    pthread_create(&thread, NULL, lock_own, bad ? &locks.near[1] : &locks.far);
    lock_own(&locks.near[0]);
    pthread_join(thread, NULL);
}

static void take_both(pthread_mutex_t *one, pthread_mutex_t *two)
{
    pthread_mutex_lock(one);
    pthread_mutex_lock(two);
    pthread_mutex_unlock(one);
    pthread_mutex_unlock(two);
}

static void order(bool bad)
{
    take_both(&locks.near[0], &locks.far);
    if (bad) {
        take_both(&locks.far, &locks.near[0]);
    } else { /* an attempt waits for nothing */
        pthread_mutex_lock(&locks.far);
        pthread_mutex_trylock(&locks.near[0]);
        pthread_mutex_unlock(&locks.near[0]);
        pthread_mutex_unlock(&locks.far);
    }
}

static void tasks(bool bad)
{
#pragma omp parallel num_threads(2)
#pragma omp single
    for (int i = 0; i < (bad ? 200000 : MANY); i++)
#pragma omp task
        work(bad ? 1 : 20000);
}

static void blocked(bool bad)
{
#pragma omp parallel num_threads(2)
    if ((omp_get_thread_num() == 1) == bad)
        usleep(400000);
}

static void teams(bool bad)
{
    int cpus = omp_get_num_procs();
#pragma omp parallel num_threads(bad ? cpus + 1 : cpus)
    work(100);
}

static void regions(bool bad)
{
    for (int i = 0; i < (bad ? 10 * MANY : MANY); i++)
#pragma omp parallel num_threads(2)
        work(bad ? 1 : 40000);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(bool bad);
    } kinds[] = {{"false_sharing", lines}, {"lock_order", order},     {"short_tasks", tasks},
                 {"blocked", blocked},     {"oversubscribed", teams}, {"little_work", regions}};
    for (size_t i = 0; argc == 3 && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, argv[1]) == 0)
            return kinds[i].run(strcmp(argv[2], "bad") == 0), 0;
    return 2;
}
