/* Eight threads, a random mix of all calls on a few objects of each type, with deadlines and cancellations; the numbers
   that each object protects must agree all the time. usage: storm [SECONDS] */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <moirai/moirai.h>

#include "storm.h"

#define THREADS 8
#define OBJECTS 3
#define STUCK   30 /* seconds without a step */

static bool stop;
static long steps, timeouts, cancelled;

static uint64_t soon(uint32_t *seed)
{
    return moirai_now_ns() + next(seed) % (next(seed) % 4 ? 50000 : 4000000);
}

static bool in_time(int status)
{
    EXPECT(status == MOIRAI_OK || status == MOIRAI_ETIMEDOUT || status == MOIRAI_EBUSY);
    if (status != MOIRAI_OK)
        __atomic_add_fetch(&timeouts, 1, __ATOMIC_RELAXED);
    return status == MOIRAI_OK;
}

static void linger(uint32_t *seed)
{
    uint32_t what = next(seed) % 64;
    if (what == 0)
        usleep(next(seed) % 300);
    else if (what < 8)
        sched_yield();
}

/* ---- Wells: tokens under a mutex of either kind, with a condition for those who want one. */
static struct well {
    moirai_mutex_t m;
    moirai_cond_t c;
    long inside, tokens, put, taken;
} well[OBJECTS];

static void enter(struct well *w)
{
    EXPECT(w->inside++ == 0);
}

static void leave(struct well *w)
{
    EXPECT(--w->inside == 0);
}

static bool lock(struct well *w, uint32_t *seed)
{
    switch (next(seed) % 4) {
    case 0:
        return in_time(moirai_mutex_try_lock(&w->m));
    case 1:
        return in_time(moirai_mutex_lock_until(&w->m, soon(seed)));
    default:
        return in_time(moirai_mutex_lock(&w->m));
    }
}

static void unlock(void *arg)
{
    struct well *w = arg;
    leave(w);
    EXPECT(moirai_mutex_unlock(&w->m) == MOIRAI_OK);
}

static void clean_up(void *arg)
{
    enter(arg);
    unlock(arg);
    __atomic_add_fetch(&cancelled, 1, __ATOMIC_RELAXED);
}

static int wait_until(struct well *w, uint64_t deadline)
{
    int status;
    leave(w);
    pthread_cleanup_push(clean_up, w);
    status = moirai_cond_wait_until(&w->c, &w->m, deadline);
    pthread_cleanup_pop(0);
    enter(w);
    return status;
}

static void want(struct well *w, uint64_t deadline)
{
    while (w->tokens == 0)
        if (!in_time(wait_until(w, deadline)))
            return;
    w->tokens--;
    w->taken++;
}

static void use_well(struct well *w, uint32_t *seed)
{
    uint32_t how = next(seed);
    if (!lock(w, seed))
        return;
    enter(w);
    linger(seed);
    if (how % 4 == 1) {
        long n = how % 8 == 1 ? 3 : 1;
        w->tokens += n;
        w->put += n;
        if (how & 16)
            n == 1 ? moirai_cond_signal(&w->c) : moirai_cond_broadcast(&w->c);
        unlock(w);
        if (!(how & 16))
            n == 1 ? moirai_cond_signal(&w->c) : moirai_cond_broadcast(&w->c);
    } else {
        want(w, soon(seed));
        unlock(w);
    }
}

#ifndef __SANITIZE_THREAD__ /* its own locks do not survive a cancellation in the middle of an atomic operation */
static void *wants_for_ever(void *arg)
{
    struct well *w = arg;
    moirai_mutex_lock(&w->m);
    enter(w);
    want(w, MOIRAI_FOREVER);
    unlock(w);
    return NULL;
}

static void cancel_one(struct well *w, uint32_t *seed)
{
    pthread_t t;
    if (pthread_create(&t, NULL, wants_for_ever, w) != 0)
        return;
    usleep(next(seed) % 2000);
    pthread_cancel(t);
    pthread_join(t, NULL);
}
#else
#define cancel_one(w, seed) use_well(w, seed)
#endif

/* ---- Bowls: a semaphore of two permits. */
static struct bowl {
    moirai_sem_t s;
    int inside;
} bowl[OBJECTS];

static void use_bowl(struct bowl *b, uint32_t *seed)
{
    uint32_t how = next(seed) % 3;
    int status = how == 0   ? moirai_sem_try_wait(&b->s)
                 : how == 1 ? moirai_sem_wait_until(&b->s, soon(seed))
                            : moirai_sem_wait(&b->s);
    if (!in_time(status))
        return;
    EXPECT(__atomic_add_fetch(&b->inside, 1, __ATOMIC_RELAXED) <= 2);
    linger(seed);
    __atomic_sub_fetch(&b->inside, 1, __ATOMIC_RELAXED);
    EXPECT(moirai_sem_post(&b->s) == MOIRAI_OK);
}

/* ---- Shelves: two numbers that are equal for readers. */
static struct shelf {
    moirai_rwlock_t l;
    long a, b;
} shelf[OBJECTS];

static void use_shelf(struct shelf *s, uint32_t *seed)
{
    uint32_t how = next(seed) % 8;
    if (how < 5) {
        int status = how == 0   ? moirai_rwlock_try_read_lock(&s->l)
                     : how == 1 ? moirai_rwlock_read_lock_until(&s->l, soon(seed))
                                : moirai_rwlock_read_lock(&s->l);
        if (!in_time(status))
            return;
        EXPECT(s->a == s->b);
        linger(seed);
        EXPECT(s->a == s->b);
        EXPECT(moirai_rwlock_read_unlock(&s->l) == MOIRAI_OK);
        return;
    }
    int status = how == 5   ? moirai_rwlock_try_write_lock(&s->l)
                 : how == 6 ? moirai_rwlock_write_lock_until(&s->l, soon(seed))
                            : moirai_rwlock_write_lock(&s->l);
    if (!in_time(status))
        return;
    s->a++;
    linger(seed);
    s->b++;
    EXPECT(moirai_rwlock_write_unlock(&s->l) == MOIRAI_OK);
}

/* ---- Onces, made anew by each pair that meets at a barrier. */
static struct meeting {
    moirai_barrier_t b;
    moirai_once_t once;
    int calls;
} meeting;

static void counts(void *arg)
{
    ++*(int *)arg;
}

static void *meets(void *arg)
{
    uint32_t seed = (uint32_t)(uintptr_t)arg + 77;
    for (bool more = true; more;) {
        moirai_once(&meeting.once, counts, &meeting.calls);
        EXPECT(meeting.calls == 1);
        linger(&seed);
        if (moirai_barrier_wait(&meeting.b) == MOIRAI_LAST) {
            meeting.once = (moirai_once_t)MOIRAI_ONCE_INIT;
            meeting.calls = 0;
        }
        moirai_barrier_wait(&meeting.b);
        more = !__atomic_load_n(&stop, __ATOMIC_RELAXED);
        /* All have to agree: who is last in this round writes what all read after the next. */
        static bool end;
        if (moirai_barrier_wait(&meeting.b) == MOIRAI_LAST)
            end = !more;
        moirai_barrier_wait(&meeting.b);
        more = !end;
    }
    return NULL;
}

static void *mixes(void *arg)
{
    uint32_t seed = (uint32_t)(uintptr_t)arg * 7919 + 1;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        uint32_t k = next(&seed) % OBJECTS, what = next(&seed) % 64;
        if (what == 0)
            cancel_one(&well[k], &seed);
        else if (what < 24)
            use_well(&well[k], &seed);
        else if (what < 44)
            use_bowl(&bowl[k], &seed);
        else
            use_shelf(&shelf[k], &seed);
        __atomic_add_fetch(&steps, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void watch(unsigned seconds)
{
    unsigned quiet = 0;
    for (long seen = -1; seconds > 0 && quiet < STUCK; seconds--) {
        sleep(1);
        long now = __atomic_load_n(&steps, __ATOMIC_RELAXED);
        quiet = now == seen ? quiet + 1 : 0;
        seen = now;
    }
    EXPECT(quiet < STUCK);
}

int main(int argc, char **argv)
{
    pthread_t t[THREADS], m[3];
    unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 5;
    moirai_barrier_init(&meeting.b, 3);
    for (int i = 0; i < OBJECTS; i++) {
        moirai_mutex_init(&well[i].m, i % 2 ? MOIRAI_MUTEX_PLAIN : MOIRAI_MUTEX_ASYMMETRIC);
        moirai_sem_init(&bowl[i].s, 2);
    }
    for (uintptr_t i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&t[i], NULL, mixes, (void *)i) == 0);
    for (uintptr_t i = 0; i < 3; i++)
        EXPECT(pthread_create(&m[i], NULL, meets, (void *)i) == 0);
    watch(seconds);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    alarm(STUCK);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(m[i], NULL);
    EXPECT(moirai_barrier_destroy(&meeting.b) == MOIRAI_OK);
    for (int i = 0; i < OBJECTS; i++) {
        EXPECT(well[i].put == well[i].taken + well[i].tokens);
        EXPECT(moirai_sem_value(&bowl[i].s) == 2);
        EXPECT(shelf[i].a == shelf[i].b);
        EXPECT(moirai_mutex_try_lock(&well[i].m) == MOIRAI_OK);
        EXPECT(moirai_rwlock_try_write_lock(&shelf[i].l) == MOIRAI_OK);
    }
    printf("storm: %ld steps, %ld ended by time, %ld cancelled\n", steps, timeouts, cancelled);
    return 0;
}
