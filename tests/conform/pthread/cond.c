/* pthread_cond_*: who is woken, who is cancelled, which times count. */
#include "suite.h"

#include <limits.h>

static pthread_mutex_t *plain(void)
{
    return new_mutex(NO_TYPE, 0, 0, 0);
}

static int timed(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock, long ms)
{
    struct timespec at = in_ms(clock, ms);
    return pthread_cond_timedwait(c, m, &at);
}

static int clocked(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock, long ms)
{
    struct timespec at = in_ms(clock, ms);
    return pthread_cond_clockwait(c, m, clock, &at);
}

/* ---- A crowd that waits for tokens. */
struct crowd {
    pthread_mutex_t *m;
    pthread_cond_t *c;
    int tokens, waiting, returned, errors;
    atomic_int ready;
};

static void *waits_for_token(void *arg)
{
    struct crowd *w = arg;
    pthread_mutex_lock(w->m);
    w->waiting++;
    while (w->tokens == 0) {
        if (pthread_cond_wait(w->c, w->m))
            w->errors++;
        w->returned++;
    }
    w->tokens--;
    pthread_mutex_unlock(w->m);
    return NULL;
}

static void await_waiting(struct crowd *w, int n)
{
    for (int waiting = 0; waiting < n; nap(1)) {
        pthread_mutex_lock(w->m);
        waiting = w->waiting;
        pthread_mutex_unlock(w->m);
    }
}

static int returned(struct crowd *w)
{
    pthread_mutex_lock(w->m);
    int n = w->returned;
    pthread_mutex_unlock(w->m);
    return n;
}

/* How many have returned when there was time for more than `wanted` to do so. */
static int settled(struct crowd *w, int wanted)
{
    for (int ms = 0; ms < 20000 && returned(w) < wanted; ms++)
        nap(1);
    nap(20);
    return returned(w);
}

static void give(struct crowd *w, int n, bool inside, int (*wake)(pthread_cond_t *))
{
    pthread_mutex_lock(w->m);
    w->tokens += n;
    if (inside)
        wake(w->c);
    pthread_mutex_unlock(w->m);
    if (!inside)
        wake(w->c);
}

#define CROWD 12

static void serves(pthread_mutex_t *m, pthread_cond_t *c, bool inside, long settle)
{
    struct crowd w = {.m = m, .c = c};
    pthread_t t[CROWD];
    for (int i = 0; i < CROWD; i++)
        t[i] = start(waits_for_token, &w);
    await_waiting(&w, CROWD);
    nap(settle);
    give(&w, 1, inside, pthread_cond_signal);
    IS(settled(&w, 1), 1);
    give(&w, 1, inside, pthread_cond_signal);
    give(&w, 1, inside, pthread_cond_signal);
    IS(settled(&w, 3), 3);
    give(&w, CROWD - 3, inside, pthread_cond_broadcast);
    for (int i = 0; i < CROWD; i++)
        end(t[i]);
    IS(w.returned, CROWD);
    IS(w.errors + w.tokens, 0);
    ERR(pthread_cond_destroy(c), 0);
    ERR(pthread_mutex_destroy(m), 0);
}

static pthread_cond_t *any(void)
{
    return new_cond(CLOCK_REALTIME, 0);
}

CASE(cond_serves_inside)
{
    serves(plain(), any(), true, 0);
}
CASE(cond_serves_outside)
{
    serves(plain(), any(), false, 0);
}
CASE(cond_serves_long_asleep_inside)
{
    serves(plain(), any(), true, 15);
}
CASE(cond_serves_long_asleep_outside)
{
    serves(plain(), any(), false, 15);
}
CASE(cond_serves_monotonic)
{
    serves(plain(), new_cond(CLOCK_MONOTONIC, 0), true, 0);
}
CASE(cond_serves_normal)
{
    serves(new_mutex(PTHREAD_MUTEX_NORMAL, 0, 0, 0), any(), true, 5);
}
CASE(cond_serves_errorcheck)
{
    serves(new_mutex(PTHREAD_MUTEX_ERRORCHECK, 0, 0, 0), any(), true, 5);
}
CASE(cond_serves_recursive)
{
    serves(new_mutex(PTHREAD_MUTEX_RECURSIVE, 0, 0, 0), any(), true, 5);
}
CASE(cond_serves_adaptive)
{
    serves(new_mutex(PTHREAD_MUTEX_ADAPTIVE_NP, 0, 0, 0), any(), true, 5);
}
CASE(cond_serves_pi)
{
    serves(new_mutex(PTHREAD_MUTEX_NORMAL, 0, PTHREAD_PRIO_INHERIT, 0), any(), true, 5);
}
CASE(cond_serves_robust)
{
    serves(new_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, 0, 0), any(), true, 5);
}
CASE(cond_serves_shared_mutex)
{
    serves(new_mutex(PTHREAD_MUTEX_NORMAL, 0, 0, 1), any(), true, 5);
}
CASE(cond_serves_shared_both)
{
    serves(new_mutex(PTHREAD_MUTEX_NORMAL, 0, 0, 1), new_cond(CLOCK_REALTIME, 1), true, 5);
}
CASE(cond_serves_shared_cond)
{
    serves(plain(), new_cond(CLOCK_REALTIME, 1), false, 5);
}

CASE(cond_zeroed)
{
    pthread_cond_t *c = malloc(sizeof *c);
    memset(c, 0, sizeof *c);
    serves(plain(), c, true, 1);
}

CASE(cond_static)
{
    static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
    static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    serves(&m, &c, true, 1);
}

/* ---- Times. */
CASE(cond_attributes)
{
    pthread_condattr_t attr;
    clockid_t clock;
    int pshared;
    ERR(pthread_condattr_init(&attr), 0);
    ERR(pthread_condattr_getclock(&attr, &clock), 0);
    IS(clock, CLOCK_REALTIME);
    ERR(pthread_condattr_setclock(&attr, CLOCK_PROCESS_CPUTIME_ID), EINVAL);
    ERR(pthread_condattr_setpshared(&attr, 99), EINVAL);
    ERR(pthread_condattr_getpshared(&attr, &pshared), 0);
    IS(pshared, PTHREAD_PROCESS_PRIVATE);
    ERR(pthread_condattr_destroy(&attr), 0);
}

static void times(pthread_mutex_t *m, pthread_cond_t *c, clockid_t clock)
{
    pthread_mutex_lock(m);
    ERR(timed(c, m, clock, -10), ETIMEDOUT);
    struct timespec at = in_ms(clock, 30);
    ERR(pthread_cond_timedwait(c, m, &at), ETIMEDOUT);
    IS(now_us(clock) >= at.tv_sec * 1000000LL + at.tv_nsec / 1000, 1);
    at = (struct timespec){-1, 0};
    ERR(pthread_cond_timedwait(c, m, &at), ETIMEDOUT);
    at.tv_nsec = 1000000000;
    ERR(pthread_cond_timedwait(c, m, &at), EINVAL);
    at.tv_nsec = -1;
    ERR(pthread_cond_timedwait(c, m, &at), EINVAL);
    ERR(clocked(c, m, CLOCK_MONOTONIC, 5), ETIMEDOUT);
    ERR(clocked(c, m, CLOCK_REALTIME, 5), ETIMEDOUT);
    ERR(clocked(c, m, CLOCK_MONOTONIC, -5), ETIMEDOUT);
    ERR(pthread_cond_clockwait(c, m, CLOCK_MONOTONIC, &at), EINVAL);
    at.tv_nsec = 0;
    ERR(pthread_cond_clockwait(c, m, CLOCK_THREAD_CPUTIME_ID, &at), EINVAL);
    ERR(pthread_cond_clockwait(c, m, 4711, &at), EINVAL);
    ERR(others_trylock(m), EBUSY);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(others_trylock(m), 0);
}

CASE(cond_times_realtime)
{
    times(plain(), any(), CLOCK_REALTIME);
}
CASE(cond_times_monotonic)
{
    times(plain(), new_cond(CLOCK_MONOTONIC, 0), CLOCK_MONOTONIC);
}
CASE(cond_times_errorcheck)
{
    times(new_mutex(PTHREAD_MUTEX_ERRORCHECK, 0, 0, 0), any(), CLOCK_REALTIME);
}
CASE(cond_times_recursive)
{
    times(new_mutex(PTHREAD_MUTEX_RECURSIVE, 0, 0, 0), any(), CLOCK_REALTIME);
}
CASE(cond_times_pi)
{
    times(new_mutex(PTHREAD_MUTEX_NORMAL, 0, PTHREAD_PRIO_INHERIT, 0), any(), CLOCK_REALTIME);
}
CASE(cond_times_shared)
{
    times(plain(), new_cond(CLOCK_MONOTONIC, 1), CLOCK_MONOTONIC);
}

static void *waits_far(void *arg)
{
    struct crowd *w = arg;
    struct timespec at = {LONG_MAX, 999999999};
    pthread_mutex_lock(w->m);
    w->waiting++;
    int err = pthread_cond_timedwait(w->c, w->m, &at);
    pthread_mutex_unlock(w->m);
    return (void *)(intptr_t)err;
}

CASE(cond_time_far_away)
{
    struct crowd w = {.m = plain(), .c = any()};
    pthread_t t = start(waits_far, &w);
    await_waiting(&w, 1);
    nap(5);
    give(&w, 1, true, pthread_cond_signal);
    ERR((int)(intptr_t)end(t), 0);
}

CASE(cond_signal_is_not_kept)
{
    pthread_mutex_t *m = plain();
    pthread_cond_t *c = any();
    ERR(pthread_cond_signal(c), 0);
    ERR(pthread_cond_broadcast(c), 0);
    pthread_mutex_lock(m);
    ERR(pthread_cond_signal(c), 0);
    ERR(timed(c, m, CLOCK_REALTIME, 20), ETIMEDOUT);
}

CASE(cond_keeps_errno)
{
    pthread_mutex_t *m = plain();
    pthread_cond_t *c = any();
    pthread_mutex_lock(m);
    errno = EDOM;
    timed(c, m, CLOCK_REALTIME, 5);
    timed(c, m, CLOCK_REALTIME, -5);
    pthread_cond_broadcast(c);
    ERR(errno, EDOM);
}

/* ---- Owners. */
static void *signals_soon(void *c)
{
    nap(30);
    pthread_cond_signal(c);
    return NULL;
}

static void not_owned(pthread_mutex_t *m)
{
    pthread_cond_t *c = any();
    ERR(pthread_cond_wait(c, m), EPERM);
    ERR(timed(c, m, CLOCK_REALTIME, 1000), EPERM);
    /* No trace of those is left that could take a signal. */
    ERR(pthread_mutex_lock(m), 0);
    pthread_t t = start(signals_soon, c);
    ERR(timed(c, m, CLOCK_REALTIME, LONG_MS), 0);
    ERR(pthread_mutex_unlock(m), 0);
    end(t);
}

CASE(cond_not_owned_errorcheck)
{
    not_owned(new_mutex(PTHREAD_MUTEX_ERRORCHECK, 0, 0, 0));
}
CASE(cond_not_owned_recursive)
{
    not_owned(new_mutex(PTHREAD_MUTEX_RECURSIVE, 0, 0, 0));
}
CASE(cond_not_owned_robust)
{
    not_owned(new_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, 0, 0));
}

CASE(cond_recursive_twice)
{
    pthread_mutex_t *m = new_mutex(PTHREAD_MUTEX_RECURSIVE, 0, 0, 0);
    pthread_cond_t *c = any();
    pthread_mutex_lock(m);
    pthread_mutex_lock(m);
    pthread_t t = start(signals_soon, c);
    ERR(timed(c, m, CLOCK_REALTIME, LONG_MS), 0);
    end(t);
    IS(m->__data.__count, 2);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(others_trylock(m), EBUSY);
    ERR(pthread_mutex_unlock(m), 0);
    ERR(others_trylock(m), 0);
}

struct owned {
    struct crowd w;
    int trylock, count, unlock, relock;
};

static void *looks_at_owner(void *arg)
{
    struct owned *o = arg;
    pthread_mutex_lock(o->w.m);
    o->w.waiting++;
    while (o->w.tokens == 0)
        pthread_cond_wait(o->w.c, o->w.m);
    o->relock = pthread_mutex_lock(o->w.m);
    o->count = (int)o->w.m->__data.__count;
    if (o->relock == 0)
        pthread_mutex_unlock(o->w.m);
    o->unlock = pthread_mutex_unlock(o->w.m);
    return NULL;
}

static void owned_after(int type, bool inside, int (*wake)(pthread_cond_t *), int relock, int count)
{
    struct owned o = {.w = {.m = new_mutex(type, 0, 0, 0), .c = any()}};
    pthread_t t = start(looks_at_owner, &o);
    await_waiting(&o.w, 1);
    nap(5);
    give(&o.w, 1, inside, wake);
    end(t);
    ERR(o.relock, relock);
    IS(o.count, count);
    ERR(o.unlock, 0);
    ERR(others_trylock(o.w.m), 0);
}

CASE(cond_owner_errorcheck_signal)
{
    owned_after(PTHREAD_MUTEX_ERRORCHECK, true, pthread_cond_signal, EDEADLK, 0);
}
CASE(cond_owner_errorcheck_broadcast)
{
    owned_after(PTHREAD_MUTEX_ERRORCHECK, true, pthread_cond_broadcast, EDEADLK, 0);
}
CASE(cond_owner_recursive_signal)
{
    owned_after(PTHREAD_MUTEX_RECURSIVE, false, pthread_cond_signal, 0, 2);
}
CASE(cond_owner_recursive_broadcast)
{
    owned_after(PTHREAD_MUTEX_RECURSIVE, true, pthread_cond_broadcast, 0, 2);
}

/* The wait returns the error of the mutex. */
static void *waits_once(void *arg)
{
    struct crowd *w = arg;
    pthread_mutex_lock(w->m);
    w->waiting++;
    int err = pthread_cond_wait(w->c, w->m);
    if (err == EOWNERDEAD)
        pthread_mutex_consistent(w->m);
    pthread_mutex_unlock(w->m);
    return (void *)(intptr_t)err;
}

static void *signals_and_dies(void *arg)
{
    struct crowd *w = arg;
    pthread_mutex_lock(w->m);
    pthread_cond_broadcast(w->c);
    return NULL;
}

CASE(cond_robust_owner_dies)
{
    struct crowd w = {.m = new_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, 0, 0), .c = any()};
    pthread_t t = start(waits_once, &w);
    await_waiting(&w, 1);
    end(start(signals_and_dies, &w));
    ERR((int)(intptr_t)end(t), EOWNERDEAD);
    ERR(others_trylock(w.m), 0);
}

/* A thread that signals and ends without giving the mutex up; another one does that for it. */
CASE(cond_signaller_ends_holding)
{
    struct crowd w = {.m = plain(), .c = any()};
    pthread_t t = start(waits_once, &w);
    await_waiting(&w, 1);
    end(start(signals_and_dies, &w));
    ERR(pthread_mutex_unlock(w.m), 0);
    ERR((int)(intptr_t)end(t), 0);
}

/* ---- Destruction. */
CASE(cond_destroyed_after_broadcast)
{
    int wrong = 0;
    for (int round = 0; round < 100; round++) {
        struct crowd w = {.m = plain(), .c = any()};
        pthread_t t[4];
        for (int i = 0; i < 4; i++)
            t[i] = start(waits_for_token, &w);
        await_waiting(&w, 4);
        pthread_mutex_lock(w.m);
        w.tokens = 4;
        pthread_cond_broadcast(w.c);
        pthread_mutex_unlock(w.m);
        wrong += pthread_cond_destroy(w.c) != 0;
        memset(w.c, 0xff, sizeof *w.c);
        for (int i = 0; i < 4; i++)
            end(t[i]);
        for (unsigned i = 0; i < sizeof *w.c; i++)
            wrong += ((unsigned char *)w.c)[i] != 0xff;
        free(w.c);
    }
    IS(wrong, 0);
}

struct late {
    struct crowd w;
    atomic_int gone;
    long ms;
};

static void *gives_up(void *arg)
{
    struct late *l = arg;
    struct timespec at = in_ms(CLOCK_REALTIME, l->ms);
    pthread_mutex_lock(l->w.m);
    l->w.waiting++;
    int err = pthread_cond_timedwait(l->w.c, l->w.m, &at);
    atomic_fetch_add(&l->gone, 1);
    pthread_mutex_unlock(l->w.m);
    return (void *)(intptr_t)err;
}

/* Not before the waiter, whom nobody wakes, needs it no more. */
CASE(cond_destroy_waits_for_waiters)
{
    struct late l = {.w = {.m = plain(), .c = any()}, .ms = 150};
    long long began = now_us(CLOCK_MONOTONIC);
    pthread_t t = start(gives_up, &l);
    await_waiting(&l.w, 1);
    ERR(pthread_cond_destroy(l.w.c), 0);
    IS(now_us(CLOCK_MONOTONIC) - began >= 140000, 1);
    memset(l.w.c, 0xff, sizeof *l.w.c);
    ERR((int)(intptr_t)end(t), ETIMEDOUT);
    int wrong = 0;
    for (unsigned i = 0; i < sizeof *l.w.c; i++)
        wrong += ((unsigned char *)l.w.c)[i] != 0xff;
    IS(wrong, 0);
}

static void *signals_later(void *arg)
{
    struct crowd *w = arg;
    nap(60);
    pthread_mutex_lock(w->m);
    w->tokens = 1;
    pthread_cond_signal(w->c);
    pthread_mutex_unlock(w->m);
    return NULL;
}

CASE(cond_destroy_lets_the_last_signal_through)
{
    struct crowd w = {.m = plain(), .c = any()};
    pthread_t t = start(waits_for_token, &w);
    await_waiting(&w, 1);
    pthread_t s = start(signals_later, &w);
    ERR(pthread_cond_destroy(w.c), 0);
    end(t);
    end(s);
    IS(w.tokens, 0);
}

static void mutex_of_waiters(pthread_mutex_t *m)
{
    struct late l = {.w = {.m = m, .c = any()}, .ms = 80};
    pthread_t t = start(gives_up, &l);
    await_waiting(&l.w, 1);
    ERR(pthread_mutex_destroy(m), EBUSY);
    ERR((int)(intptr_t)end(t), ETIMEDOUT);
    pthread_t again[3];
    for (int i = 0; i < 3; i++)
        again[i] = start(waits_for_token, &l.w);
    await_waiting(&l.w, 4);
    ERR(pthread_mutex_destroy(m), EBUSY);
    pthread_mutex_lock(m);
    l.w.tokens = 3;
    pthread_cond_signal(l.w.c);
    pthread_cond_broadcast(l.w.c);
    pthread_mutex_unlock(m);
    for (int i = 0; i < 3; i++)
        end(again[i]);
    ERR(pthread_mutex_destroy(m), 0);
}

CASE(cond_waiters_use_their_mutex)
{
    mutex_of_waiters(plain());
    mutex_of_waiters(of_type(PTHREAD_MUTEX_RECURSIVE));
    mutex_of_waiters(of_type(PTHREAD_MUTEX_ERRORCHECK));
    mutex_of_waiters(of_type(PTHREAD_MUTEX_ADAPTIVE_NP));
    mutex_of_waiters(
        new_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT, PTHREAD_PROCESS_PRIVATE));
}

/* A wait that is refused leaves no user behind. */
CASE(cond_refused_wait_uses_no_mutex)
{
    pthread_mutex_t *m = of_type(PTHREAD_MUTEX_ERRORCHECK);
    pthread_cond_t *c = any();
    ERR(pthread_cond_wait(c, m), EPERM);
    ERR(pthread_mutex_destroy(m), 0);
    ERR(pthread_cond_destroy(c), 0);
}

/* ---- Cancellation. */
struct cancelled {
    struct crowd w;
    int how; /* wait, timedwait, clockwait */
    int own_trylock, unlock, cleanups, old_state;
};

static void cleans_up(void *arg)
{
    struct cancelled *c = arg;
    c->cleanups++;
    c->own_trylock = pthread_mutex_trylock(c->w.m);
    c->unlock = pthread_mutex_unlock(c->w.m);
}

static void *is_cancelled(void *arg)
{
    struct cancelled *c = arg;
    struct timespec at = in_ms(c->how == 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME, LONG_MS);
    pthread_mutex_lock(c->w.m);
    pthread_cleanup_push(cleans_up, c);
    c->w.waiting++;
    while (c->w.tokens == 0) {
        if (c->how == 0)
            pthread_cond_wait(c->w.c, c->w.m);
        else if (c->how == 1)
            pthread_cond_timedwait(c->w.c, c->w.m, &at);
        else
            pthread_cond_clockwait(c->w.c, c->w.m, CLOCK_MONOTONIC, &at);
    }
    pthread_cleanup_pop(1);
    return NULL;
}

static void cancels(pthread_mutex_t *m, int how, long settle)
{
    struct cancelled c = {.w = {.m = m, .c = any()}, .how = how};
    pthread_t t = start(is_cancelled, &c);
    await_waiting(&c.w, 1);
    nap(settle);
    ERR(pthread_cancel(t), 0);
    IS(end(t) == PTHREAD_CANCELED, 1);
    IS(c.cleanups, 1);
    ERR(c.own_trylock, EBUSY);
    ERR(c.unlock, 0);
    ERR(others_trylock(m), 0);
    ERR(pthread_cond_destroy(c.w.c), 0);
}

CASE(cond_cancel_wait)
{
    cancels(plain(), 0, 0);
}
CASE(cond_cancel_wait_long)
{
    cancels(plain(), 0, 15);
}
CASE(cond_cancel_timedwait)
{
    cancels(plain(), 1, 0);
}
CASE(cond_cancel_timedwait_long)
{
    cancels(plain(), 1, 15);
}
CASE(cond_cancel_clockwait)
{
    cancels(plain(), 2, 15);
}
CASE(cond_cancel_errorcheck)
{
    cancels(new_mutex(PTHREAD_MUTEX_ERRORCHECK, 0, 0, 0), 0, 10);
}
CASE(cond_cancel_pi)
{
    cancels(new_mutex(PTHREAD_MUTEX_NORMAL, 0, PTHREAD_PRIO_INHERIT, 0), 0, 10);
}
CASE(cond_cancel_robust)
{
    cancels(new_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, 0, 0), 1, 10);
}

/* The mutex is contended when the cancelled waiter wants it back. */
CASE(cond_cancel_while_mutex_is_held)
{
    struct cancelled c = {.w = {.m = plain(), .c = any()}};
    pthread_t t = start(is_cancelled, &c);
    await_waiting(&c.w, 1);
    pthread_mutex_lock(c.w.m);
    pthread_cancel(t);
    nap(30);
    IS(c.cleanups, 0);
    pthread_mutex_unlock(c.w.m);
    IS(end(t) == PTHREAD_CANCELED, 1);
    IS(c.cleanups, 1);
    ERR(c.own_trylock, EBUSY);
}

static void *cancels_itself_first(void *arg)
{
    struct cancelled *c = arg;
    pthread_cancel(pthread_self());
    return is_cancelled(c);
}

CASE(cond_cancel_pending)
{
    struct cancelled c = {.w = {.m = plain(), .c = any()}};
    IS(end(start(cancels_itself_first, &c)) == PTHREAD_CANCELED, 1);
    IS(c.cleanups, 1);
    ERR(c.own_trylock, EBUSY);
    ERR(c.unlock, 0);
}

static void *is_cancelled_late(void *arg)
{
    struct cancelled *c = arg;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    is_cancelled(c);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &c->old_state);
    c->how = 99;
    pthread_testcancel();
    return NULL;
}

CASE(cond_cancel_disabled)
{
    struct cancelled c = {.w = {.m = plain(), .c = any()}};
    pthread_t t = start(is_cancelled_late, &c);
    await_waiting(&c.w, 1);
    nap(5);
    pthread_cancel(t);
    nap(20);
    IS(c.cleanups, 0);
    give(&c.w, 1, true, pthread_cond_signal);
    IS(end(t) == PTHREAD_CANCELED, 1);
    IS(c.how, 99);
    IS(c.old_state, PTHREAD_CANCEL_DISABLE);
    ERR(c.own_trylock, EBUSY);
}

struct typed {
    struct crowd w;
    int type, after;
};

static void *has_type(void *arg)
{
    struct typed *t = arg;
    pthread_mutex_lock(t->w.m);
    t->w.waiting++;
    while (t->w.tokens == 0) {
        pthread_setcanceltype(t->type, NULL);
        pthread_cond_wait(t->w.c, t->w.m);
        pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &t->after);
    }
    pthread_mutex_unlock(t->w.m);
    return NULL;
}

static void keeps_type(int type)
{
    struct typed t = {.w = {.m = plain(), .c = any()}, .type = type, .after = -1};
    pthread_t thread = start(has_type, &t);
    await_waiting(&t.w, 1);
    nap(5);
    give(&t.w, 1, true, pthread_cond_signal);
    end(thread);
    IS(t.after, type);
}

CASE(cond_cancel_type_deferred)
{
    keeps_type(PTHREAD_CANCEL_DEFERRED);
}
CASE(cond_cancel_type_asynchronous)
{
    keeps_type(PTHREAD_CANCEL_ASYNCHRONOUS);
}

/* A signal and the cancellation of whoever may have got it, at once: the other waiter must be served. */
struct first {
    struct cancelled *c;
    bool served;
};

static void *waits_first(void *arg)
{
    struct first *f = arg;
    pthread_mutex_lock(f->c->w.m);
    pthread_cleanup_push(cleans_up, f->c);
    f->c->w.waiting++;
    while (f->c->w.tokens == 0)
        pthread_cond_wait(f->c->w.c, f->c->w.m);
    f->served = true;
    pthread_cleanup_pop(1);
    return NULL;
}

CASE(cond_cancelled_waiter_passes_signal_on)
{
    int served = 0, rounds = 150;
    for (int i = 0; i < rounds; i++) {
        struct cancelled c = {.w = {.m = plain(), .c = any()}};
        struct first f = {.c = &c};
        pthread_t first = start(waits_first, &f);
        await_waiting(&c.w, 1);
        pthread_t second = start(is_cancelled, &c);
        await_waiting(&c.w, 2);
        if (i % 3 == 0)
            nap(3);
        if (i % 2)
            pthread_cancel(first);
        give(&c.w, 1, i % 4 < 2, pthread_cond_signal);
        if (i % 2 == 0)
            pthread_cancel(first);
        end(first);
        if (f.served)
            give(&c.w, 1, true, pthread_cond_signal);
        served += end(second) == NULL;
    }
    IS(served - rounds, 0);
}

/* ---- Signals to the waiter. */
static void does_nothing(int signal)
{
    (void)signal;
}

static void interrupts(struct crowd *w, pthread_t t)
{
    await_waiting(w, 1);
    for (int i = 0; i < 20; i++) {
        pthread_kill(t, SIGUSR1);
        nap(i % 3);
    }
}

CASE(cond_interrupted_wait)
{
    struct sigaction action = {.sa_handler = does_nothing};
    sigaction(SIGUSR1, &action, NULL);
    struct crowd w = {.m = plain(), .c = any()};
    pthread_t t = start(waits_for_token, &w);
    interrupts(&w, t);
    IS(returned(&w), 0);
    give(&w, 1, true, pthread_cond_signal);
    end(t);
    IS(w.errors, 0);
}

static long wait_ms = 60;

static void *waits_for_a_while(void *arg)
{
    struct crowd *w = arg;
    struct timespec at = in_ms(CLOCK_REALTIME, wait_ms);
    pthread_mutex_lock(w->m);
    w->waiting++;
    int err = pthread_cond_timedwait(w->c, w->m, &at);
    bool early = now_us(CLOCK_REALTIME) < at.tv_sec * 1000000LL + at.tv_nsec / 1000;
    pthread_mutex_unlock(w->m);
    return (void *)(intptr_t)(early ? -1 : err);
}

CASE(cond_interrupted_timedwait)
{
    struct sigaction action = {.sa_handler = does_nothing};
    sigaction(SIGUSR1, &action, NULL);
    struct crowd w = {.m = plain(), .c = any()};
    pthread_t t = start(waits_for_a_while, &w);
    interrupts(&w, t);
    ERR((int)(intptr_t)end(t), ETIMEDOUT);
}

/* A handler that waits itself, in the middle of a wait. */
static pthread_mutex_t handler_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t handler_cond = PTHREAD_COND_INITIALIZER;
static int handler_tokens;
static atomic_int handler_done;

static void waits_in_handler(int signal)
{
    (void)signal;
    pthread_mutex_lock(&handler_mutex);
    while (handler_tokens == 0)
        pthread_cond_wait(&handler_cond, &handler_mutex);
    handler_tokens--;
    pthread_mutex_unlock(&handler_mutex);
    atomic_fetch_add(&handler_done, 1);
}

CASE(cond_handler_waits_during_wait)
{
    struct sigaction action = {.sa_handler = waits_in_handler};
    sigaction(SIGUSR1, &action, NULL);
    struct crowd w = {.m = plain(), .c = any()};
    pthread_t t = start(waits_for_token, &w);
    await_waiting(&w, 1);
    for (int i = 1; i <= 5; i++) {
        nap(3);
        pthread_kill(t, SIGUSR1);
        nap(3);
        pthread_mutex_lock(&handler_mutex);
        handler_tokens++;
        pthread_cond_signal(&handler_cond);
        pthread_mutex_unlock(&handler_mutex);
        await(&handler_done, i);
    }
    pthread_t u = start(waits_for_token, &w);
    await_waiting(&w, 2);
    give(&w, 2, true, pthread_cond_broadcast);
    end(t);
    end(u);
    IS(w.tokens, 0);
    IS(atomic_load(&handler_done), 5);
}

static atomic_int child_status;

static void forks_in_handler(int signal)
{
    (void)signal;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        atomic_store(&child_status, -1); /* in the child: the wait goes on and times out */
        return;
    }
    int status;
    waitpid(pid, &status, 0);
    atomic_store(&child_status, 1 + status);
}

static void *waits_and_child_ends(void *arg)
{
    void *result = waits_for_a_while(arg);
    if (atomic_load(&child_status) == -1)
        _exit((int)(intptr_t)result == ETIMEDOUT ? 0 : 5);
    return result;
}

/* A wait that ends before the signal comes shows nothing: the next one takes longer. */
CASE(cond_handler_forks_during_wait)
{
    struct sigaction action = {.sa_handler = forks_in_handler};
    sigaction(SIGUSR1, &action, NULL);
    int err = ETIMEDOUT;
    for (; err == ETIMEDOUT && atomic_load(&child_status) == 0 && wait_ms < 20000; wait_ms *= 4) {
        struct crowd w = {.m = plain(), .c = any()};
        pthread_t t = start(waits_and_child_ends, &w);
        await_waiting(&w, 1);
        nap(10);
        pthread_kill(t, SIGUSR1);
        err = (int)(intptr_t)end(t);
    }
    ERR(err, ETIMEDOUT);
    IS(atomic_load(&child_status), 1);
}

/* ---- Threads that end: waits from destructors of thread-specific data, which come again and again. */
static pthread_key_t key;
static struct crowd at_end;
static atomic_int waits_at_end;

static void waits_in_destructor(void *round)
{
    pthread_mutex_lock(at_end.m);
    if (timed(at_end.c, at_end.m, CLOCK_REALTIME, 3) == ETIMEDOUT)
        atomic_fetch_add(&waits_at_end, 1);
    pthread_mutex_unlock(at_end.m);
    if ((intptr_t)round < 4)
        pthread_setspecific(key, (void *)((intptr_t)round + 1));
}

static void *ends_with_waits(void *unused)
{
    pthread_setspecific(key, (void *)1);
    waits_in_destructor((void *)9);
    return unused;
}

CASE(cond_waits_in_destructors)
{
    at_end = (struct crowd){.m = plain(), .c = any()};
    pthread_key_create(&key, waits_in_destructor);
    for (int i = 0; i < 5; i++)
        end(start(ends_with_waits, NULL));
    IS(atomic_load(&waits_at_end), 25);
}

/* ---- Processes. */
struct shared_crowd {
    pthread_mutex_t *m;
    pthread_cond_t *c;
    int *tokens;
};

static int takes_tokens(void *arg)
{
    struct shared_crowd *s = arg;
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(s->m);
        while (*s->tokens == 0)
            pthread_cond_wait(s->c, s->m);
        --*s->tokens;
        pthread_cond_broadcast(s->c);
        pthread_mutex_unlock(s->m);
    }
    return 0;
}

static void *takes_in_child(void *s)
{
    return (void *)(intptr_t)in_child(takes_tokens, s);
}

CASE(cond_shared_between_processes)
{
    struct shared_crowd s = {new_mutex(PTHREAD_MUTEX_NORMAL, 0, 0, 1), new_cond(CLOCK_MONOTONIC, 1), shared(4)};
    pthread_t t = start(takes_in_child, &s);
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(s.m);
        while (*s.tokens)
            pthread_cond_wait(s.c, s.m);
        ++*s.tokens;
        pthread_cond_signal(s.c);
        pthread_mutex_unlock(s.m);
    }
    IS((intptr_t)end(t), 0);
    IS(*s.tokens, 0);
}

static int waits_in_child(void *arg)
{
    struct crowd *w = arg;
    pthread_t t = start(waits_for_token, w);
    await_waiting(w, 1);
    give(w, 1, true, pthread_cond_signal);
    end(t);
    return w->tokens + w->errors;
}

CASE(cond_used_after_fork)
{
    struct crowd w = {.m = plain(), .c = any()};
    pthread_mutex_lock(w.m);
    timed(w.c, w.m, CLOCK_REALTIME, 2);
    pthread_mutex_unlock(w.m);
    IS(in_child(waits_in_child, &w), 0);
    IS(waits_in_child(&w), 0);
}

/* ---- Many. */
#define MANY 10000

CASE(cond_ten_thousand_waiters)
{
    static pthread_t t[MANY];
    struct crowd w = {.m = plain(), .c = any()};
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 32768);
    int made = 0;
    for (int ms = 0; made < MANY && ms < 20000;) /* others on the machine may have many threads for a while */
        if (pthread_create(&t[made], &attr, waits_for_token, &w) == 0)
            made++;
        else
            nap((ms += 10, 10));
    await_waiting(&w, made);
    give(&w, made, true, pthread_cond_broadcast);
    for (int i = 0; i < made; i++)
        end(t[i]);
    IS(made, MANY);
    IS(w.tokens + w.errors, 0);
}

struct pingpong {
    pthread_mutex_t *m;
    pthread_cond_t *c[2];
    int turn, rounds;
    bool inside;
};

static void play(struct pingpong *p, int me)
{
    for (int i = 0; i < p->rounds; i++) {
        pthread_mutex_lock(p->m);
        while (p->turn != me)
            pthread_cond_wait(p->c[me], p->m);
        p->turn = !me;
        if (p->inside)
            pthread_cond_signal(p->c[!me]);
        pthread_mutex_unlock(p->m);
        if (!p->inside)
            pthread_cond_signal(p->c[!me]);
    }
}

static void *plays_second(void *p)
{
    play(p, 1);
    return NULL;
}

static void pingpong(bool inside)
{
    struct pingpong p = {plain(), {any(), any()}, 0, 3000, inside};
    pthread_t t = start(plays_second, &p);
    play(&p, 0);
    end(t);
    IS(p.turn, 0);
}

CASE(cond_pingpong_inside)
{
    pingpong(true);
}
CASE(cond_pingpong_outside)
{
    pingpong(false);
}

struct queue {
    pthread_mutex_t *m;
    pthread_cond_t *full, *empty;
    int length;
    long in, out;
};

static void *produces(void *arg)
{
    struct queue *q = arg;
    for (int i = 0; i < 3000; i++) {
        pthread_mutex_lock(q->m);
        while (q->length == 4)
            pthread_cond_wait(q->full, q->m);
        q->length++;
        q->in++;
        pthread_cond_signal(q->empty);
        pthread_mutex_unlock(q->m);
    }
    return NULL;
}

static void *consumes(void *arg)
{
    struct queue *q = arg;
    for (int i = 0; i < 3000; i++) {
        pthread_mutex_lock(q->m);
        while (q->length == 0)
            pthread_cond_wait(q->empty, q->m);
        q->length--;
        q->out++;
        pthread_mutex_unlock(q->m);
        pthread_cond_signal(q->full);
    }
    return NULL;
}

CASE(cond_queue)
{
    struct queue q = {.m = plain(), .full = any(), .empty = any()};
    pthread_t t[6];
    for (int i = 0; i < 6; i++)
        t[i] = start(i % 2 ? produces : consumes, &q);
    for (int i = 0; i < 6; i++)
        end(t[i]);
    IS(q.in, 9000);
    IS(q.out, 9000);
    IS(q.length, 0);
}
