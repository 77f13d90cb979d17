/* Children of a process whose other threads wait for locks. A fork handler that was set up before any constructor ran
   comes first in the child, and gives up a mutex for which the parent's threads wait: nobody waits for it here. The
   same in children that no fork handler is run for. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 60
#define CROWD  4

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c[64];
static volatile int stop, waiting;

static bool usable(void)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    pthread_mutex_unlock(&m);
    bool right = pthread_mutex_trylock(&m) == 0 && pthread_mutex_unlock(&m) == 0;
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        pthread_cond_signal(&c[i]);
        pthread_cond_broadcast(&c[i]);
        right = right && pthread_mutex_lock(&m) == 0 && pthread_cond_timedwait(&c[i], &m, &at) != 0 &&
                pthread_mutex_unlock(&m) == 0;
    }
    return right;
}

static bool right_in_handler;

static void in_child(void)
{
    right_in_handler = usable();
}

static void before_all(void)
{
    pthread_atfork(NULL, NULL, in_child);
}
__attribute__((section(".preinit_array"), used)) static void (*const entry)(void) = before_all;

static void *wants(void *arg)
{
    pthread_mutex_lock(&m);
    pthread_mutex_unlock(&m);
    return arg;
}

/* Goes in and out of the table of who waits all the time. */
static void *waits_a_little(void *arg)
{
    while (!stop) {
        struct timespec at;
        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_nsec += at.tv_nsec < 999000000 ? 20000 : 0;
        pthread_mutex_lock(&other);
        pthread_cond_timedwait(&c[(size_t)random() % 64], &other, &at);
        pthread_mutex_unlock(&other);
    }
    return arg;
}

/* Somebody who has waited for `m` so long that it would be handed over; false: it came by it after all. */
static bool make_starve(pthread_t *t)
{
    pthread_mutex_lock(&m);
    pthread_create(t, NULL, wants, NULL);
    usleep(4000);
    pthread_mutex_unlock(&m);
    if (pthread_mutex_trylock(&m) != 0) {
        pthread_join(*t, NULL);
        return false;
    }
    usleep(1000);
    return true;
}

static int child_of(bool with_handlers)
{
    int status = -1;
    pid_t pid = with_handlers ? fork() : _Fork();
    if (pid == 0) {
        alarm(20);
        _exit(!(with_handlers ? right_in_handler && pthread_mutex_trylock(&m) == 0 : usable()));
    }
    waitpid(pid, &status, 0);
    return status;
}

int main(void)
{
    pthread_t crowd[CROWD], t;
    int tried = 0;
    for (int i = 0; i < CROWD; i++)
        pthread_create(&crowd[i], NULL, waits_a_little, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        if (!make_starve(&t))
            continue;
        tried++;
        int status = child_of(i % 2);
        if (status != 0) {
            printf("forked: round %d, %s: status %x\n", i, i % 2 ? "fork" : "_Fork", (unsigned)status);
            return 1;
        }
        pthread_mutex_unlock(&m);
        pthread_join(t, NULL);
    }
    stop = 1;
    for (int i = 0; i < CROWD; i++)
        pthread_join(crowd[i], NULL);
    printf("forked: %d children\n", tried);
    return 0;
}
