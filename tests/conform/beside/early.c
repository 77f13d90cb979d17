/* Locks before the constructors: in the program's preinit functions, and in the constructor of an object that comes
   before the preload's own (built as such with -DEARLY_OBJECT). Says what it did from main. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER, recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int served;

static void *waits(void *arg)
{
    pthread_mutex_lock(&m);
    while (!served)
        pthread_cond_wait(&c, &m);
    pthread_mutex_unlock(&m);
    return arg;
}

static int use(void)
{
    struct timespec now;
    pthread_mutexattr_t attr;
    pthread_mutex_t robust;
    pthread_cond_t monotonic;
    pthread_condattr_t cattr;
    pthread_t t;
    int wrong = 0;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &attr);
    pthread_condattr_init(&cattr);
    pthread_condattr_setclock(&cattr, CLOCK_MONOTONIC);
    pthread_cond_init(&monotonic, &cattr);
    wrong += pthread_mutex_lock(&robust) + pthread_mutex_unlock(&robust);
    wrong += pthread_mutex_lock(&recursive) + pthread_mutex_lock(&recursive);
    wrong += pthread_mutex_unlock(&recursive) + pthread_mutex_unlock(&recursive);
    wrong += pthread_mutex_lock(&m) + pthread_cond_signal(&c) + pthread_cond_broadcast(&c);
    now.tv_nsec = now.tv_nsec / 2; /* past */
    wrong += pthread_cond_timedwait(&monotonic, &m, &now) == 0;
    wrong += pthread_mutex_unlock(&m);
    wrong += pthread_create(&t, NULL, waits, NULL);
    wrong += pthread_mutex_lock(&m);
    served = 1;
    wrong += pthread_cond_signal(&c) + pthread_mutex_unlock(&m) + pthread_join(t, NULL);
    served = 0;
    return wrong;
}

#ifdef EARLY_OBJECT
__attribute__((constructor)) static void first(void)
{
    if (use() != 0)
        __builtin_trap();
}
#else
static int preinit = -1;

static void before_all(void)
{
    preinit = use();
}
__attribute__((section(".preinit_array"), used)) static void (*const entry)(void) = before_all;

int main(void)
{
    int late = use();
    printf("early: %d %d\n", preinit, late);
    return preinit != 0 || late != 0;
}
#endif
