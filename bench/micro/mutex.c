#include "micro.h"
#include "park/park.h"

#include <pthread.h>

#include <moirai/moirai.h>

static _Atomic uint32_t mutex;
static moirai_mutex_t plain = MOIRAI_MUTEX_INIT, asymmetric = MOIRAI_MUTEX_INIT_ASYMMETRIC;
static moirai_sem_t sem = MOIRAI_SEM_INIT(1);
static moirai_rwlock_t rwlock = MOIRAI_RWLOCK_INIT;
static moirai_once_t once = MOIRAI_ONCE_INIT;
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

#define PAIR(name, lock, unlock, object)                                                                               \
    static void name(void)                                                                                             \
    {                                                                                                                  \
        for (int i = 0; i < MICRO_ROUNDS; i++) {                                                                       \
            lock(object);                                                                                              \
            unlock(object);                                                                                            \
        }                                                                                                              \
    }
PAIR(plain_inlined, moirai_mutex_lock, moirai_mutex_unlock, &plain)
PAIR(plain_called, (moirai_mutex_lock), (moirai_mutex_unlock), &plain)
PAIR(asymmetric_inlined, moirai_mutex_lock, moirai_mutex_unlock, &asymmetric)
PAIR(asymmetric_called, (moirai_mutex_lock), (moirai_mutex_unlock), &asymmetric)
PAIR(wait_post, moirai_sem_wait, moirai_sem_post, &sem)
PAIR(read_unlock, moirai_rwlock_read_lock, moirai_rwlock_read_unlock, &rwlock)
PAIR(write_unlock, moirai_rwlock_write_lock, moirai_rwlock_write_unlock, &rwlock)

static void does_nothing(void *arg)
{
}

static void once_more(void)
{
    for (int i = 0; i < MICRO_ROUNDS; i++)
        moirai_once(&once, does_nothing, NULL);
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
    micro_run("core lock + unlock", NULL, lock_unlock);
    micro_run("pthread lock + unlock", NULL, lock_unlock_theirs);
    micro_run("plain, inlined", NULL, plain_inlined);
    micro_run("plain, called", NULL, plain_called);
    micro_run("asymmetric, inlined", NULL, asymmetric_inlined);
    micro_run("asymmetric, called", NULL, asymmetric_called);
    micro_run("pthread lock + unlock again", NULL, lock_unlock_theirs);
    micro_run("semaphore wait + post", NULL, wait_post);
    micro_run("read lock + unlock", NULL, read_unlock);
    micro_run("write lock + unlock", NULL, write_unlock);
    micro_run("once, done", NULL, once_more);
    return 0;
}
