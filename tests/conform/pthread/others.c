/* What stands beside mutexes and condition variables in programs: rwlock, barrier, semaphore, spin lock, once. */
#include "suite.h"

#include <limits.h>

struct lock_call {
    int (*call)(void *);
    void *arg;
};

static void *calls(void *arg)
{
    struct lock_call *c = arg;
    return (void *)(intptr_t)c->call(c->arg);
}

static int elsewhere(int (*call)(void *), void *arg)
{
    struct lock_call c = {call, arg};
    return (int)(intptr_t)end(start(calls, &c));
}

/* ---- rwlock. */
static int try_read(void *l)
{
    int err = pthread_rwlock_tryrdlock(l);
    if (err == 0)
        pthread_rwlock_unlock(l);
    return err;
}

static int try_write(void *l)
{
    int err = pthread_rwlock_trywrlock(l);
    if (err == 0)
        pthread_rwlock_unlock(l);
    return err;
}

static int timed_write(void *l)
{
    struct timespec at = in_ms(CLOCK_REALTIME, 20);
    return pthread_rwlock_timedwrlock(l, &at);
}

static int clocked_read(void *l)
{
    struct timespec at = in_ms(CLOCK_MONOTONIC, 20);
    return pthread_rwlock_clockrdlock(l, CLOCK_MONOTONIC, &at);
}

CASE(rwlock_readers)
{
    pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
    ERR(pthread_rwlock_rdlock(&l), 0);
    ERR(elsewhere(try_read, &l), 0);
    ERR(elsewhere(try_write, &l), EBUSY);
    ERR(elsewhere(timed_write, &l), ETIMEDOUT);
    ERR(pthread_rwlock_unlock(&l), 0);
    ERR(elsewhere(try_write, &l), 0);
    ERR(pthread_rwlock_destroy(&l), 0);
}

CASE(rwlock_writer)
{
    pthread_rwlock_t l;
    ERR(pthread_rwlock_init(&l, NULL), 0);
    ERR(pthread_rwlock_wrlock(&l), 0);
    ERR(pthread_rwlock_wrlock(&l), EDEADLK);
    ERR(pthread_rwlock_rdlock(&l), EDEADLK);
    ERR(elsewhere(try_read, &l), EBUSY);
    ERR(elsewhere(clocked_read, &l), ETIMEDOUT);
    ERR(pthread_rwlock_unlock(&l), 0);
    ERR(elsewhere(try_read, &l), 0);
}

CASE(rwlock_times_invalid)
{
    pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
    struct timespec at = {1, -1};
    ERR(pthread_rwlock_clockrdlock(&l, 4711, &at), EINVAL);
    pthread_rwlock_wrlock(&l);
    ERR(pthread_rwlock_timedwrlock(&l, &at), EINVAL);
}

static long written;
static void *writes(void *l)
{
    for (int i = 0; i < 3000; i++) {
        pthread_rwlock_wrlock(l);
        written++;
        pthread_rwlock_unlock(l);
        pthread_rwlock_rdlock(l);
        pthread_rwlock_unlock(l);
    }
    return NULL;
}

CASE(rwlock_excludes)
{
    pthread_rwlockattr_t attr;
    pthread_rwlock_t l;
    pthread_rwlockattr_init(&attr);
    ERR(pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP), 0);
    ERR(pthread_rwlock_init(&l, &attr), 0);
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        t[i] = start(writes, &l);
    for (int i = 0; i < 3; i++)
        end(t[i]);
    IS(written, 9000);
}

/* ---- Barrier. */
static atomic_int serial, passed;
static void *meets(void *b)
{
    for (int i = 0; i < 200; i++) {
        if (pthread_barrier_wait(b) == PTHREAD_BARRIER_SERIAL_THREAD)
            atomic_fetch_add(&serial, 1);
        atomic_fetch_add(&passed, 1);
    }
    return NULL;
}

CASE(barrier_rounds)
{
    pthread_barrier_t b;
    pthread_t t[4];
    ERR(pthread_barrier_init(&b, NULL, 0), EINVAL);
    ERR(pthread_barrier_init(&b, NULL, 4), 0);
    for (int i = 0; i < 4; i++)
        t[i] = start(meets, &b);
    for (int i = 0; i < 4; i++)
        end(t[i]);
    IS(atomic_load(&serial), 200);
    IS(atomic_load(&passed), 800);
    ERR(pthread_barrier_destroy(&b), 0);
}

CASE(barrier_of_one)
{
    pthread_barrier_t b;
    ERR(pthread_barrier_init(&b, NULL, 1), 0);
    IS(pthread_barrier_wait(&b), PTHREAD_BARRIER_SERIAL_THREAD);
    IS(pthread_barrier_wait(&b), PTHREAD_BARRIER_SERIAL_THREAD);
}

/* ---- Semaphore. */
static int error_of(int result)
{
    return result == 0 ? 0 : errno;
}

CASE(sem_values)
{
    sem_t s;
    int value;
    ERR(error_of(sem_init(&s, 0, (unsigned)SEM_VALUE_MAX + 1)), EINVAL);
    ERR(error_of(sem_init(&s, 0, 2)), 0);
    ERR(error_of(sem_wait(&s)), 0);
    ERR(error_of(sem_trywait(&s)), 0);
    ERR(error_of(sem_trywait(&s)), EAGAIN);
    ERR(error_of(sem_post(&s)), 0);
    sem_getvalue(&s, &value);
    IS(value, 1);
    ERR(error_of(sem_destroy(&s)), 0);
    sem_init(&s, 0, SEM_VALUE_MAX);
    ERR(error_of(sem_post(&s)), EOVERFLOW);
}

CASE(sem_times)
{
    sem_t s;
    sem_init(&s, 0, 0);
    struct timespec at = in_ms(CLOCK_REALTIME, 20), none = {0, -1};
    ERR(error_of(sem_timedwait(&s, &at)), ETIMEDOUT);
    at = in_ms(CLOCK_MONOTONIC, 20);
    ERR(error_of(sem_clockwait(&s, CLOCK_MONOTONIC, &at)), ETIMEDOUT);
    ERR(error_of(sem_timedwait(&s, &none)), EINVAL);
    ERR(error_of(sem_clockwait(&s, 4711, &at)), EINVAL);
}

static void *waits_for_sem(void *s)
{
    return (void *)(intptr_t)error_of(sem_wait(s));
}

CASE(sem_cancelled)
{
    sem_t s;
    sem_init(&s, 0, 0);
    pthread_t t = start(waits_for_sem, &s);
    nap(10);
    ERR(pthread_cancel(t), 0);
    IS(end(t) == PTHREAD_CANCELED, 1);
}

static atomic_bool interrupted;

static void does_nothing(int signal)
{
    (void)signal;
}

static void *is_interrupted(void *s)
{
    void *err = waits_for_sem(s);
    atomic_store(&interrupted, true);
    return err;
}

/* A signal that comes before the wait interrupts nothing, so there are many. */
CASE(sem_interrupted)
{
    struct sigaction action = {.sa_handler = does_nothing};
    sigaction(SIGUSR1, &action, NULL);
    sem_t s;
    sem_init(&s, 0, 0);
    pthread_t t = start(is_interrupted, &s);
    while (!atomic_load(&interrupted)) {
        nap(5);
        pthread_kill(t, SIGUSR1);
    }
    ERR((int)(intptr_t)end(t), EINTR);
}

/* ---- Spin lock. */
static int try_spin(void *l)
{
    int err = pthread_spin_trylock(l);
    if (err == 0)
        pthread_spin_unlock(l);
    return err;
}

CASE(spin_states)
{
    pthread_spinlock_t l;
    ERR(pthread_spin_init(&l, PTHREAD_PROCESS_SHARED), 0);
    ERR(pthread_spin_lock(&l), 0);
    ERR(elsewhere(try_spin, (void *)&l), EBUSY);
    ERR(pthread_spin_unlock(&l), 0);
    ERR(elsewhere(try_spin, (void *)&l), 0);
    ERR(pthread_spin_trylock(&l), 0);
    ERR(pthread_spin_trylock(&l), EBUSY);
    ERR(pthread_spin_unlock(&l), 0);
    ERR(pthread_spin_destroy(&l), 0);
}

static long spun;
static void *spins(void *l)
{
    for (int i = 0; i < 20000; i++) {
        pthread_spin_lock(l);
        spun++;
        pthread_spin_unlock(l);
    }
    return NULL;
}

CASE(spin_excludes)
{
    pthread_spinlock_t l;
    pthread_spin_init(&l, PTHREAD_PROCESS_PRIVATE);
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        t[i] = start(spins, (void *)&l);
    for (int i = 0; i < 4; i++)
        end(t[i]);
    IS(spun, 80000);
}

/* ---- Once. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int inits;

static void init_once(void)
{
    nap(5);
    atomic_fetch_add(&inits, 1);
}

static void *asks_once(void *seen)
{
    int err = pthread_once(&once, init_once);
    atomic_fetch_add((atomic_int *)seen, atomic_load(&inits));
    return (void *)(intptr_t)err;
}

CASE(once_by_many)
{
    atomic_int seen = 0;
    pthread_t t[8];
    for (int i = 0; i < 8; i++)
        t[i] = start(asks_once, &seen);
    for (int i = 0; i < 8; i++)
        end(t[i]);
    IS(atomic_load(&inits), 1);
    IS(atomic_load(&seen), 8);
}

static void init_cancelled(void)
{
    if (atomic_fetch_add(&inits, 1) == 0) {
        pthread_cancel(pthread_self());
        pthread_testcancel();
    }
}

static void *is_cancelled_in_once(void *unused)
{
    pthread_once(&once, init_cancelled);
    return unused;
}

CASE(once_cancelled_begins_anew)
{
    IS(end(start(is_cancelled_in_once, NULL)) == PTHREAD_CANCELED, 1);
    ERR(pthread_once(&once, init_cancelled), 0);
    ERR(pthread_once(&once, init_cancelled), 0);
    IS(atomic_load(&inits), 2);
}
