/* pthread_mutex_*: kinds, errors, times, owners. */
#include "suite.h"

#include <limits.h>

static int normal(void)
{
    return PTHREAD_MUTEX_NORMAL;
}

/* ---- Ways to make one. */
static void is_usable(pthread_mutex_t *m)
{
    ERR(pthread_mutex_lock(m), 0);
    ERR(others_trylock(m), EBUSY);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(others_trylock(m), 0);
    ERR(pthread_mutex_destroy(m), 0);
}

CASE(mutex_static_default)
{
    static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    is_usable(&m);
}

CASE(mutex_static_recursive)
{
    static pthread_mutex_t m = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
    ERR(pthread_mutex_lock(&m), 0);
    ERR(pthread_mutex_lock(&m), 0);
    ERR(pthread_mutex_unlock(&m), 0);
    ERR(others_trylock(&m), EBUSY);
    ERR(pthread_mutex_unlock(&m), 0);
    is_usable(&m);
}

CASE(mutex_static_errorcheck)
{
    static pthread_mutex_t m = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
    ERR(pthread_mutex_lock(&m), 0);
    ERR(pthread_mutex_lock(&m), EDEADLK);
    ERR(pthread_mutex_unlock(&m), 0);
    is_usable(&m);
}

CASE(mutex_static_adaptive)
{
    static pthread_mutex_t m = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
    is_usable(&m);
}

CASE(mutex_zeroed)
{
    pthread_mutex_t *m = malloc(sizeof *m);
    memset(m, 0, sizeof *m);
    is_usable(m);
}

CASE(mutex_init_without_attributes)
{
    pthread_mutex_t m;
    memset(&m, 0x5a, sizeof m);
    ERR(pthread_mutex_init(&m, NULL), 0);
    is_usable(&m);
}

CASE(mutex_init_normal)
{
    is_usable(of_type(normal()));
}
CASE(mutex_init_default)
{
    is_usable(of_type(NO_TYPE));
}
CASE(mutex_init_recursive)
{
    is_usable(of_type(PTHREAD_MUTEX_RECURSIVE));
}
CASE(mutex_init_errorcheck)
{
    is_usable(of_type(PTHREAD_MUTEX_ERRORCHECK));
}
CASE(mutex_init_adaptive)
{
    is_usable(of_type(PTHREAD_MUTEX_ADAPTIVE_NP));
}

/* glibc's note that elision is not for this one. */
CASE(mutex_without_elision)
{
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    m.__data.__kind = 512;
    is_usable(&m);
}

CASE(mutex_attributes_invalid)
{
    pthread_mutexattr_t attr;
    ERR(pthread_mutexattr_init(&attr), 0);
    ERR(pthread_mutexattr_settype(&attr, 17), EINVAL);
    ERR(pthread_mutexattr_setprotocol(&attr, 17), EINVAL);
    ERR(pthread_mutexattr_setpshared(&attr, 17), EINVAL);
    ERR(pthread_mutexattr_setrobust(&attr, 17), EINVAL);
    ERR(pthread_mutexattr_destroy(&attr), 0);
}

/* ---- Owners. */
CASE(mutex_errorcheck_owner)
{
    pthread_mutex_t *m = of_type(PTHREAD_MUTEX_ERRORCHECK);
    ERR(pthread_mutex_unlock(m), EPERM);
    ERR(pthread_mutex_lock(m), 0);
    ERR(pthread_mutex_lock(m), EDEADLK);
    ERR(pthread_mutex_trylock(m), EBUSY);
    ERR(others_unlock(m), EPERM);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(pthread_mutex_unlock(m), EPERM);
}

CASE(mutex_recursive_owner)
{
    pthread_mutex_t *m = of_type(PTHREAD_MUTEX_RECURSIVE);
    ERR(pthread_mutex_unlock(m), EPERM);
    ERR(pthread_mutex_lock(m), 0);
    ERR(pthread_mutex_trylock(m), 0);
    ERR(pthread_mutex_lock(m), 0);
    ERR(others_unlock(m), EPERM);
    IS(m->__data.__count, 3);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(others_trylock(m), EBUSY);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(others_trylock(m), 0);
    ERR(pthread_mutex_unlock(m), EPERM);
}

CASE(mutex_recursive_overflow)
{
    pthread_mutex_t *m = of_type(PTHREAD_MUTEX_RECURSIVE);
    struct timespec at = in_ms(CLOCK_REALTIME, LONG_MS);
    ERR(pthread_mutex_lock(m), 0);
    m->__data.__count = UINT_MAX - 1;
    ERR(pthread_mutex_lock(m), 0);
    ERR(pthread_mutex_lock(m), EAGAIN);
    ERR(pthread_mutex_trylock(m), EAGAIN);
    ERR(pthread_mutex_timedlock(m, &at), EAGAIN);
    ERR(pthread_mutex_clocklock(m, CLOCK_REALTIME, &at), EAGAIN);
    IS(m->__data.__count == UINT_MAX, 1);
    m->__data.__count = 1;
    ERR(pthread_mutex_unlock(m), 0);
    ERR(others_trylock(m), 0);
}

CASE(mutex_normal_trylock_own)
{
    pthread_mutex_t *m = of_type(normal());
    ERR(pthread_mutex_lock(m), 0);
    ERR(pthread_mutex_trylock(m), EBUSY);
    ERR(pthread_mutex_unlock(m), 0);
}

CASE(mutex_adaptive_trylock_own)
{
    pthread_mutex_t *m = of_type(PTHREAD_MUTEX_ADAPTIVE_NP);
    ERR(pthread_mutex_lock(m), 0);
    ERR(pthread_mutex_trylock(m), EBUSY);
    ERR(pthread_mutex_unlock(m), 0);
}

CASE(mutex_normal_unlocked_by_another)
{
    pthread_mutex_t *m = of_type(normal());
    ERR(pthread_mutex_lock(m), 0);
    ERR(others_unlock(m), 0);
    ERR(others_trylock(m), 0);
}

CASE(mutex_words_as_glibc_has_them)
{
    pthread_mutex_t *m = of_type(NO_TYPE);
    IS(m->__data.__lock + m->__data.__owner + (int)m->__data.__nusers, 0);
    pthread_mutex_lock(m);
    IS(m->__data.__lock, 1);
    IS(m->__data.__owner == gettid(), 1);
    IS(m->__data.__nusers, 1);
    pthread_mutex_unlock(m);
    IS(m->__data.__lock + m->__data.__owner + (int)m->__data.__nusers, 0);
}

/* ---- Destruction. */
static void destroy_held(int type)
{
    pthread_mutex_t *m = of_type(type);
    ERR(pthread_mutex_lock(m), 0);
    ERR(pthread_mutex_destroy(m), EBUSY);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(pthread_mutex_destroy(m), 0);
    ERR(pthread_mutex_lock(m), EINVAL);
    ERR(pthread_mutex_trylock(m), EINVAL);
    ERR(pthread_mutex_unlock(m), EINVAL);
    ERR(pthread_mutex_init(m, NULL), 0);
    ERR(pthread_mutex_lock(m), 0);
}

CASE(mutex_destroy_normal)
{
    destroy_held(normal());
}
CASE(mutex_destroy_recursive)
{
    destroy_held(PTHREAD_MUTEX_RECURSIVE);
}
CASE(mutex_destroy_errorcheck)
{
    destroy_held(PTHREAD_MUTEX_ERRORCHECK);
}
CASE(mutex_destroy_adaptive)
{
    destroy_held(PTHREAD_MUTEX_ADAPTIVE_NP);
}

/* ---- Times. */
static int timed_own(pthread_mutex_t *m, time_t sec, long nsec)
{
    struct timespec at = {sec, nsec};
    return pthread_mutex_timedlock(m, &at);
}

static int clock_own(pthread_mutex_t *m, clockid_t clock, time_t sec, long nsec)
{
    struct timespec at = {sec, nsec};
    return pthread_mutex_clocklock(m, clock, &at);
}

static void times_of_held(int type)
{
    pthread_mutex_t *m = of_type(type);
    ERR(timed_own(m, 0, -1), 0); /* free: the time does not matter */
    ERR(others_timedlock(m, CLOCK_REALTIME, 30), ETIMEDOUT);
    ERR(others_timedlock(m, CLOCK_MONOTONIC, 30), ETIMEDOUT);
    ERR(others_timedlock(m, CLOCK_REALTIME, -30), ETIMEDOUT);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(others_timedlock(m, CLOCK_REALTIME, -30), 0);
    ERR(others_timedlock(m, CLOCK_MONOTONIC, LONG_MS), 0);
}

CASE(mutex_times_normal)
{
    times_of_held(normal());
}
CASE(mutex_times_recursive)
{
    times_of_held(PTHREAD_MUTEX_RECURSIVE);
}
CASE(mutex_times_errorcheck)
{
    times_of_held(PTHREAD_MUTEX_ERRORCHECK);
}
CASE(mutex_times_adaptive)
{
    times_of_held(PTHREAD_MUTEX_ADAPTIVE_NP);
}

static void own_times(int type, int valid, int invalid)
{
    pthread_mutex_t *m = of_type(type);
    pthread_mutex_lock(m);
    ERR(timed_own(m, 0, 0), valid);
    ERR(timed_own(m, -1, 0), valid);
    ERR(timed_own(m, 1, 999999999), valid);
    ERR(timed_own(m, 1, 1000000000), invalid);
    ERR(timed_own(m, 1, -1), invalid);
    ERR(clock_own(m, CLOCK_MONOTONIC, 0, 1), valid);
    ERR(clock_own(m, CLOCK_MONOTONIC, -5, 1), valid);
    ERR(clock_own(m, CLOCK_MONOTONIC, 0, 2000000000), invalid);
}

CASE(mutex_own_times_normal)
{
    own_times(normal(), ETIMEDOUT, EINVAL);
}
CASE(mutex_own_times_default)
{
    own_times(NO_TYPE, ETIMEDOUT, EINVAL);
}
CASE(mutex_own_times_adaptive)
{
    own_times(PTHREAD_MUTEX_ADAPTIVE_NP, ETIMEDOUT, EINVAL);
}
CASE(mutex_own_times_errorcheck)
{
    own_times(PTHREAD_MUTEX_ERRORCHECK, EDEADLK, EDEADLK);
}
CASE(mutex_own_times_recursive)
{
    own_times(PTHREAD_MUTEX_RECURSIVE, 0, 0);
}

CASE(mutex_clocks_invalid)
{
    pthread_mutex_t *m = of_type(normal());
    ERR(clock_own(m, CLOCK_PROCESS_CPUTIME_ID, 1, 0), EINVAL);
    ERR(clock_own(m, 4711, 1, 0), EINVAL);
    ERR(clock_own(m, -1, 1, 0), EINVAL);
    ERR(others_trylock(m), 0);
}

static void lasts(clockid_t clock)
{
    pthread_mutex_t *m = of_type(normal());
    pthread_mutex_lock(m);
    struct timespec at = in_ms(clock, 40);
    ERR(pthread_mutex_clocklock(m, clock, &at), ETIMEDOUT);
    IS(now_us(clock) >= at.tv_sec * 1000000LL + at.tv_nsec / 1000, 1);
}

CASE(mutex_time_lasts_realtime)
{
    lasts(CLOCK_REALTIME);
}
CASE(mutex_time_lasts_monotonic)
{
    lasts(CLOCK_MONOTONIC);
}

static void *unlock_later(void *m)
{
    nap(20);
    return (void *)(intptr_t)pthread_mutex_unlock(m);
}

CASE(mutex_time_granted)
{
    pthread_mutex_t *m = of_type(normal());
    struct timespec at = in_ms(CLOCK_REALTIME, LONG_MS);
    pthread_mutex_lock(m);
    pthread_t t = start(unlock_later, m);
    ERR(pthread_mutex_timedlock(m, &at), 0);
    IS((intptr_t)end(t), 0);
    ERR(others_trylock(m), EBUSY);
}

CASE(mutex_keeps_errno)
{
    pthread_mutex_t *m = of_type(normal());
    struct timespec at = in_ms(CLOCK_REALTIME, 20);
    errno = E2BIG;
    pthread_mutex_lock(m);
    pthread_mutex_trylock(m);
    pthread_mutex_timedlock(m, &at);
    ERR(errno, E2BIG);
    pthread_t t = start(unlock_later, m);
    errno = EDOM;
    pthread_mutex_lock(m);
    ERR(errno, EDOM);
    end(t);
    pthread_mutex_unlock(m);
    ERR(errno, EDOM);
}

/* ---- Exclusion. */
struct counted {
    pthread_mutex_t *m;
    long count;
    atomic_int inside, clashes;
};

static void *count_thread(void *arg)
{
    struct counted *c = arg;
    for (int i = 0; i < 10000; i++) {
        if (pthread_mutex_lock(c->m) != 0)
            return (void *)1;
        if (atomic_fetch_add(&c->inside, 1) != 0)
            atomic_fetch_add(&c->clashes, 1);
        c->count++;
        if (i % 1000 == 0)
            sched_yield();
        atomic_fetch_sub(&c->inside, 1);
        if (pthread_mutex_unlock(c->m) != 0)
            return (void *)2;
    }
    return NULL;
}

static void excludes(pthread_mutex_t *m)
{
    struct counted c = {.m = m};
    pthread_t t[4];
    intptr_t errors = 0;
    for (int i = 0; i < 4; i++)
        t[i] = start(count_thread, &c);
    for (int i = 0; i < 4; i++)
        errors += (intptr_t)end(t[i]);
    IS(errors, 0);
    IS(c.count, 40000);
    IS(atomic_load(&c.clashes), 0);
    ERR(pthread_mutex_destroy(m), 0);
}

CASE(mutex_excludes_normal)
{
    excludes(of_type(normal()));
}
CASE(mutex_excludes_default)
{
    excludes(of_type(NO_TYPE));
}
CASE(mutex_excludes_recursive)
{
    excludes(of_type(PTHREAD_MUTEX_RECURSIVE));
}
CASE(mutex_excludes_errorcheck)
{
    excludes(of_type(PTHREAD_MUTEX_ERRORCHECK));
}
CASE(mutex_excludes_adaptive)
{
    excludes(of_type(PTHREAD_MUTEX_ADAPTIVE_NP));
}
CASE(mutex_excludes_pi)
{
    excludes(new_mutex(normal(), 0, PTHREAD_PRIO_INHERIT, 0));
}
CASE(mutex_excludes_robust)
{
    excludes(new_mutex(normal(), PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE, 0));
}
CASE(mutex_excludes_shared)
{
    excludes(new_mutex(normal(), 0, PTHREAD_PRIO_NONE, PTHREAD_PROCESS_SHARED));
}

/* A holder that comes back at once does not keep others out for ever. */
static atomic_int got;
static void *wants_it_once(void *m)
{
    pthread_mutex_lock(m);
    atomic_fetch_add(&got, 1);
    pthread_mutex_unlock(m);
    return NULL;
}

CASE(mutex_does_not_starve)
{
    pthread_mutex_t *m = of_type(normal());
    pthread_t t = start(wants_it_once, m);
    while (atomic_load(&got) == 0) {
        pthread_mutex_lock(m);
        for (volatile int i = 0; i < 1000; i++)
            continue;
        pthread_mutex_unlock(m);
    }
    end(t);
    IS(atomic_load(&got), 1);
}

/* ---- Threads that end with it. */
static void *ends_holding(void *m)
{
    return (void *)(intptr_t)pthread_mutex_lock(m);
}

static void left_behind(int type)
{
    pthread_mutex_t *m = of_type(type);
    IS((intptr_t)end(start(ends_holding, m)), 0);
    ERR(pthread_mutex_trylock(m), EBUSY);
    ERR(others_timedlock(m, CLOCK_REALTIME, 20), ETIMEDOUT);
    ERR(pthread_mutex_destroy(m), EBUSY);
}

CASE(mutex_left_behind_normal)
{
    left_behind(normal());
}
CASE(mutex_left_behind_errorcheck)
{
    left_behind(PTHREAD_MUTEX_ERRORCHECK);
}
CASE(mutex_left_behind_recursive)
{
    left_behind(PTHREAD_MUTEX_RECURSIVE);
}

/* ---- Robust ones. */
static pthread_mutex_t *robust(int type)
{
    return new_mutex(type, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE, 0);
}

CASE(mutex_robust_consistent)
{
    pthread_mutex_t *m = robust(normal());
    end(start(ends_holding, m));
    ERR(pthread_mutex_lock(m), EOWNERDEAD);
    ERR(pthread_mutex_consistent(m), 0);
    ERR(pthread_mutex_consistent(m), EINVAL);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(pthread_mutex_lock(m), 0);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(pthread_mutex_destroy(m), 0);
}

CASE(mutex_robust_given_up)
{
    pthread_mutex_t *m = robust(normal());
    end(start(ends_holding, m));
    ERR(pthread_mutex_lock(m), EOWNERDEAD);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(pthread_mutex_lock(m), ENOTRECOVERABLE);
    ERR(pthread_mutex_trylock(m), ENOTRECOVERABLE);
}

CASE(mutex_robust_trylock)
{
    pthread_mutex_t *m = robust(PTHREAD_MUTEX_ERRORCHECK);
    end(start(ends_holding, m));
    ERR(pthread_mutex_trylock(m), EOWNERDEAD);
    ERR(pthread_mutex_lock(m), EDEADLK);
    ERR(pthread_mutex_consistent(m), 0);
    ERR(others_unlock(m), EPERM);
    ERR(pthread_mutex_unlock(m), 0);
}

CASE(mutex_robust_timed)
{
    pthread_mutex_t *m = robust(PTHREAD_MUTEX_RECURSIVE);
    end(start(ends_holding, m));
    ERR(timed_own(m, 0, 0), EOWNERDEAD);
    ERR(pthread_mutex_consistent(m), 0);
    ERR(pthread_mutex_lock(m), 0);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(others_trylock(m), EBUSY);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(others_trylock(m), 0);
}

CASE(mutex_consistent_of_others)
{
    ERR(pthread_mutex_consistent(of_type(normal())), EINVAL);
    ERR(pthread_mutex_consistent(robust(normal())), EINVAL);
}

static void *holds_until_told(void *arg)
{
    pthread_mutex_t *m = arg;
    pthread_mutex_lock(m);
    atomic_fetch_add(&got, 1);
    await(&got, 2);
    nap(20);
    return NULL;
}

CASE(mutex_robust_owner_dies_while_waited_for)
{
    pthread_mutex_t *m = robust(normal());
    pthread_t t = start(holds_until_told, m);
    await(&got, 1);
    atomic_fetch_add(&got, 1);
    ERR(pthread_mutex_lock(m), EOWNERDEAD);
    ERR(pthread_mutex_consistent(m), 0);
    ERR(pthread_mutex_unlock(m), 0);
    end(t);
}

static int dies_holding(void *m)
{
    if (pthread_mutex_lock(m) != 0)
        return 1;
    return raise(SIGKILL);
}

CASE(mutex_robust_process_dies)
{
    pthread_mutex_t *m = new_mutex(normal(), PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE, PTHREAD_PROCESS_SHARED);
    IS(in_child(dies_holding, m), 256 + SIGKILL);
    ERR(pthread_mutex_lock(m), EOWNERDEAD);
    ERR(pthread_mutex_consistent(m), 0);
    ERR(pthread_mutex_unlock(m), 0);
}

/* ---- Priorities. */
static pthread_mutex_t *inheriting(int type)
{
    return new_mutex(type, 0, PTHREAD_PRIO_INHERIT, 0);
}

CASE(mutex_pi_normal)
{
    pthread_mutex_t *m = inheriting(normal());
    ERR(pthread_mutex_lock(m), 0);
    ERR(others_trylock(m), EBUSY);
    ERR(others_timedlock(m, CLOCK_REALTIME, 20), ETIMEDOUT);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(others_trylock(m), 0);
}

CASE(mutex_pi_errorcheck)
{
    pthread_mutex_t *m = inheriting(PTHREAD_MUTEX_ERRORCHECK);
    ERR(pthread_mutex_unlock(m), EPERM);
    ERR(pthread_mutex_lock(m), 0);
    ERR(pthread_mutex_lock(m), EDEADLK);
    ERR(others_unlock(m), EPERM);
    ERR(pthread_mutex_unlock(m), 0);
}

CASE(mutex_pi_recursive)
{
    pthread_mutex_t *m = inheriting(PTHREAD_MUTEX_RECURSIVE);
    ERR(pthread_mutex_lock(m), 0);
    ERR(pthread_mutex_lock(m), 0);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(others_trylock(m), EBUSY);
    ERR(pthread_mutex_unlock(m), 0);
}

CASE(mutex_pi_robust)
{
    pthread_mutex_t *m = new_mutex(normal(), PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT, 0);
    end(start(ends_holding, m));
    ERR(pthread_mutex_lock(m), EOWNERDEAD);
    ERR(pthread_mutex_consistent(m), 0);
    ERR(pthread_mutex_unlock(m), 0);
}

CASE(mutex_pp_ceiling)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t m;
    int ceiling = 0;
    pthread_mutexattr_init(&attr);
    ERR(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_PROTECT), 0);
    ERR(pthread_mutexattr_setprioceiling(&attr, 1000), EINVAL);
    ERR(pthread_mutexattr_setprioceiling(&attr, 7), 0);
    ERR(pthread_mutex_init(&m, &attr), 0);
    ERR(pthread_mutex_getprioceiling(&m, &ceiling), 0);
    IS(ceiling, 7);
    int err = pthread_mutex_lock(&m);
    ANY(err);
    if (err == 0) {
        ERR(others_trylock(&m), EBUSY);
        ERR(pthread_mutex_unlock(&m), 0);
        ERR(pthread_mutex_setprioceiling(&m, 9, &ceiling), 0);
    }
    ANY(pthread_mutex_getprioceiling(&m, &ceiling));
    ERR(pthread_mutex_getprioceiling(of_type(normal()), &ceiling), EINVAL);
}

/* ---- Processes. */
struct pair {
    pthread_mutex_t *m;
    long *count;
};

static int counts(void *arg)
{
    struct pair *p = arg;
    for (int i = 0; i < 10000; i++) {
        if (pthread_mutex_lock(p->m))
            return 1;
        ++*p->count;
        if (pthread_mutex_unlock(p->m))
            return 2;
    }
    return 0;
}

static void *counts_in_child(void *arg)
{
    return (void *)(intptr_t)in_child(counts, arg);
}

CASE(mutex_shared_between_processes)
{
    struct pair p = {new_mutex(normal(), 0, 0, PTHREAD_PROCESS_SHARED), shared(sizeof(long))};
    pthread_t t = start(counts_in_child, &p), u = start(counts_in_child, &p);
    IS(counts(&p), 0);
    IS((intptr_t)end(t), 0);
    IS((intptr_t)end(u), 0);
    IS(*p.count, 30000);
}

static int unlocks_and_locks(void *m)
{
    return 10 * pthread_mutex_unlock(m) + pthread_mutex_trylock(m);
}

CASE(mutex_fork_held_normal)
{
    pthread_mutex_t *m = of_type(normal());
    pthread_mutex_lock(m);
    IS(in_child(unlocks_and_locks, m), 0);
    ERR(others_trylock(m), EBUSY);
    ERR(pthread_mutex_unlock(m), 0);
}

/* The child is a thread with another number: not the owner. */
CASE(mutex_fork_held_errorcheck)
{
    pthread_mutex_t *m = of_type(PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_lock(m);
    IS(in_child(unlocks_and_locks, m), 10 * EPERM + EBUSY);
}

CASE(mutex_fork_held_recursive)
{
    pthread_mutex_t *m = of_type(PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_lock(m);
    IS(in_child(unlocks_and_locks, m), 10 * EPERM + EBUSY);
}

static pthread_mutex_t around = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t inside_cond = PTHREAD_COND_INITIALIZER;
static atomic_bool stop;

static void before_fork(void)
{
    pthread_mutex_lock(&around);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&around);
}

static void *hammers(void *arg)
{
    while (!atomic_load(&stop)) {
        struct timespec at = in_ms(CLOCK_REALTIME, 1);
        pthread_mutex_lock(&around);
        if (arg)
            pthread_cond_timedwait(&inside_cond, &around, &at);
        pthread_mutex_unlock(&around);
    }
    return NULL;
}

static int uses_them_in_child(void *unused)
{
    (void)unused;
    struct timespec at = in_ms(CLOCK_REALTIME, 2);
    if (pthread_mutex_lock(&around))
        return 1;
    if (pthread_cond_timedwait(&inside_cond, &around, &at) != ETIMEDOUT)
        return 2;
    pthread_cond_broadcast(&inside_cond);
    if (pthread_mutex_unlock(&around))
        return 3;
    return others_trylock(&around);
}

CASE(mutex_fork_handlers)
{
    pthread_atfork(before_fork, after_fork, after_fork);
    pthread_t t[3];
    int wrong = 0;
    for (int i = 0; i < 3; i++)
        t[i] = start(hammers, i == 2 ? &stop : NULL);
    for (int i = 0; i < 50; i++)
        wrong += in_child(uses_them_in_child, NULL) != 0;
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++)
        end(t[i]);
    IS(wrong, 0);
}

/* Nobody promises that handlers may lock, but programs do, and with the C library it goes well where the interrupted
   code does not hold that lock. */
static pthread_mutex_t of_handler = PTHREAD_MUTEX_INITIALIZER;
static atomic_int handled;

static void locks_in_handler(int signal)
{
    (void)signal;
    pthread_mutex_lock(&of_handler);
    atomic_fetch_add(&handled, 1);
    pthread_mutex_unlock(&of_handler);
}

static void *waits_long(void *m)
{
    int err = pthread_mutex_lock(m);
    pthread_mutex_unlock(m);
    return (void *)(intptr_t)err;
}

CASE(mutex_handler_locks_during_lock)
{
    struct sigaction action = {.sa_handler = locks_in_handler};
    sigaction(SIGUSR1, &action, NULL);
    pthread_mutex_t *m = of_type(normal());
    pthread_mutex_lock(m);
    pthread_t t = start(waits_long, m);
    for (int i = 1; i <= 20; i++) {
        nap(2);
        pthread_mutex_lock(&of_handler);
        pthread_kill(t, SIGUSR1);
        nap(3);
        pthread_mutex_unlock(&of_handler);
        await(&handled, i);
    }
    pthread_mutex_unlock(m);
    IS((intptr_t)end(t), 0);
    IS(atomic_load(&handled), 20);
}
