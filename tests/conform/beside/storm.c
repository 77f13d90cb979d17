/* usage: storm mix|hunt SECONDS: locks and conditions under everything at once.

   mix    eight threads and victims of cancellation on mutexes of all kinds, by all calls, C11's too, and on the other locks
          beside them; counters show whether two were in one mutex, tokens whether one was lost or made up.
   hunt   lost wake-ups: each token comes with exactly one signal, those who wait without end take nothing but tokens, and
          beside them others time out within microseconds, are cancelled, or are woken by broadcasts. At the end of each
          round there is a token for everybody: whoever sleeps on has lost a wake-up.

   A round that does not go on for STUCK_SECONDS fails, and its state is printed. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define STUCK_SECONDS 30
#define THREADS       8

static atomic_long steps; /* mix: mutexes left; hunt: tokens taken */
static bool hunting;
static atomic_bool stop;

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static struct timespec in_us(clockid_t clock, long us)
{
    struct timespec at;
    clock_gettime(clock, &at);
    at.tv_nsec += us * 1000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

static void fail(const char *what)
{
    printf("storm: %s\n", what);
    fflush(stdout);
    _Exit(1);
}

/* ---- What is fought for: a mutex, a condition, tokens. */
struct well {
    pthread_mutex_t m;
    pthread_cond_t c;
    clockid_t clock; /* of c */
    atomic_int inside;
    long count, tokens, put, taken, timeouts;
    atomic_long entries, cancelled;
};

static const struct {
    int type, robust, protocol, shared;
} kinds[] = {{.type = PTHREAD_MUTEX_DEFAULT},
             {.type = PTHREAD_MUTEX_NORMAL},
             {.type = PTHREAD_MUTEX_RECURSIVE},
             {.type = PTHREAD_MUTEX_ERRORCHECK},
             {.type = PTHREAD_MUTEX_ADAPTIVE_NP},
             {.type = PTHREAD_MUTEX_NORMAL, .robust = PTHREAD_MUTEX_ROBUST},
             {.type = PTHREAD_MUTEX_NORMAL, .protocol = PTHREAD_PRIO_INHERIT},
             {.type = PTHREAD_MUTEX_NORMAL, .shared = PTHREAD_PROCESS_SHARED}};
#define WELLS (sizeof kinds / sizeof kinds[0])

static void init(struct well *w, size_t kind)
{
    pthread_mutexattr_t attr;
    pthread_condattr_t cattr;
    memset(w, 0, sizeof *w);
    pthread_mutexattr_init(&attr);
    if (kind != 0)
        pthread_mutexattr_settype(&attr, kinds[kind].type);
    pthread_mutexattr_setrobust(&attr, kinds[kind].robust);
    pthread_mutexattr_setprotocol(&attr, kinds[kind].protocol);
    pthread_mutexattr_setpshared(&attr, kinds[kind].shared);
    pthread_mutex_init(&w->m, &attr);
    pthread_condattr_init(&cattr);
    pthread_condattr_setpshared(&cattr, kinds[kind].shared);
    w->clock = kind % 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
    pthread_condattr_setclock(&cattr, w->clock);
    pthread_cond_init(&w->c, &cattr);
}

static void enter(struct well *w)
{
    if (atomic_fetch_add(&w->inside, 1) != 0)
        fail("two in one mutex");
    w->count++;
    atomic_fetch_add_explicit(&w->entries, 1, memory_order_relaxed);
}

static void leave(struct well *w)
{
    atomic_fetch_sub(&w->inside, 1);
    if (!hunting)
        atomic_fetch_add_explicit(&steps, 1, memory_order_relaxed);
}

static bool acquire(struct well *w, uint32_t *seed)
{
    struct timespec at;
    int err;
    switch (next(seed) % 5) {
    case 0:
        err = pthread_mutex_trylock(&w->m);
        break;
    case 1:
        at = in_us(CLOCK_REALTIME, next(seed) % 200);
        err = pthread_mutex_timedlock(&w->m, &at);
        break;
    case 2:
        at = in_us(CLOCK_MONOTONIC, next(seed) % 200);
        err = pthread_mutex_clocklock(&w->m, CLOCK_MONOTONIC, &at);
        break;
    default:
        err = pthread_mutex_lock(&w->m);
    }
    if (err != 0 && err != EBUSY && err != ETIMEDOUT)
        fail(strerror(err));
    if (err == 0)
        enter(w);
    return err == 0;
}

static void release(struct well *w)
{
    leave(w);
    if (pthread_mutex_unlock(&w->m) != 0)
        fail("unlock");
}

static void left_by_cancellation(void *arg)
{
    struct well *w = arg;
    enter(w);
    atomic_fetch_add(&w->cancelled, 1);
    release(w);
}

/* One wait, with the mutex; how: 0 without end, else so many microseconds, of a clock that is named or the
   condition's. */
static int wait_once(struct well *w, long how, bool named)
{
    int err;
    struct timespec at = in_us(named ? CLOCK_MONOTONIC : w->clock, how);
    leave(w);
    pthread_cleanup_push(left_by_cancellation, w);
    if (how == 0)
        err = pthread_cond_wait(&w->c, &w->m);
    else if (named)
        err = pthread_cond_clockwait(&w->c, &w->m, CLOCK_MONOTONIC, &at);
    else
        err = pthread_cond_timedwait(&w->c, &w->m, &at);
    pthread_cleanup_pop(0);
    enter(w);
    if (err != 0 && err != ETIMEDOUT)
        fail("wait");
    return err;
}

static void drink(struct well *w)
{
    w->tokens--;
    w->taken++;
    if (hunting)
        atomic_fetch_add_explicit(&steps, 1, memory_order_relaxed);
}

/* A token; false: the time came first. Who timed out took no signal, and so must leave the token to others. */
static bool take(struct well *w, long how, bool clocked)
{
    while (w->tokens == 0)
        if (wait_once(w, how, clocked) == ETIMEDOUT) {
            w->timeouts++;
            return false;
        }
    drink(w);
    return true;
}

static void put(struct well *w, long n, uint32_t how)
{
    pthread_mutex_lock(&w->m);
    enter(w);
    w->tokens += n;
    w->put += n;
    int (*wake)(pthread_cond_t *) = n == 1 && how % 4 ? pthread_cond_signal : pthread_cond_broadcast;
    if (how & 16)
        wake(&w->c);
    release(w);
    if (!(how & 16))
        wake(&w->c);
}

/* ---- mix. */
static struct well wells[WELLS];

/* The same in C11's words. */
static struct {
    mtx_t m;
    cnd_t c;
    long inside, tokens, put, taken;
} barrel;

static bool acquire_barrel(uint32_t *seed)
{
    struct timespec at = in_us(CLOCK_REALTIME, next(seed) % 200);
    uint32_t how = next(seed) % 4;
    int got = how == 0 ? mtx_trylock(&barrel.m) : how == 1 ? mtx_timedlock(&barrel.m, &at) : mtx_lock(&barrel.m);
    if (got == thrd_error || got == thrd_nomem)
        fail("mtx_lock");
    if (got == thrd_success && barrel.inside++ != 0)
        fail("two in one mtx_t");
    return got == thrd_success;
}

static void drink_from_barrel(uint32_t *seed)
{
    struct timespec at = in_us(CLOCK_REALTIME, 1 + next(seed) % 2000);
    while (barrel.tokens == 0) {
        barrel.inside--;
        int got = cnd_timedwait(&barrel.c, &barrel.m, &at);
        if (barrel.inside++ != 0)
            fail("two in one mtx_t");
        if (got == thrd_timedout)
            return;
    }
    barrel.tokens--;
    barrel.taken++;
}

static void use_barrel(uint32_t *seed)
{
    if (!acquire_barrel(seed))
        return;
    bool again = mtx_lock(&barrel.m) == thrd_success; /* it is recursive */
    if (!again || mtx_unlock(&barrel.m) != thrd_success)
        fail("recursive mtx_t");
    bool puts = next(seed) % 2, broadcasts = next(seed) % 4 == 0;
    if (puts) {
        barrel.tokens++;
        barrel.put++;
        broadcasts ? cnd_broadcast(&barrel.c) : cnd_signal(&barrel.c);
    } else {
        drink_from_barrel(seed);
    }
    barrel.inside--;
    mtx_unlock(&barrel.m);
}

/* Locks that stay with the C library, but for the waiting of spin locks. */
static struct {
    pthread_spinlock_t spin;
    pthread_rwlock_t rw;
    sem_t sem; /* two permits */
    long spun, a, b;
    atomic_int in_sem;
} beside;

static void use_spin(uint32_t *seed)
{
    int err = next(seed) % 4 ? pthread_spin_lock(&beside.spin) : pthread_spin_trylock(&beside.spin);
    if (err == EBUSY)
        return;
    if (++beside.spun % 2 == 0)
        fail("two in one spin lock");
    for (uint32_t n = next(seed) % 50; n > 0; n--)
        __asm__ volatile("" ::: "memory");
    beside.spun++;
    pthread_spin_unlock(&beside.spin);
}

static void use_rwlock(uint32_t *seed)
{
    struct timespec at = in_us(CLOCK_REALTIME, next(seed) % 200);
    bool writes = next(seed) % 4 == 0, bounded = next(seed) % 2;
    int err = writes    ? bounded ? pthread_rwlock_timedwrlock(&beside.rw, &at) : pthread_rwlock_wrlock(&beside.rw)
                 : bounded ? pthread_rwlock_timedrdlock(&beside.rw, &at)
                        : pthread_rwlock_rdlock(&beside.rw);
    if (err != 0)
        return;
    if (writes) {
        beside.a++;
        sched_yield();
        beside.b++;
    } else if (beside.a != beside.b) {
        fail("a reader beside a writer");
    }
    pthread_rwlock_unlock(&beside.rw);
}

static void use_sem(uint32_t *seed)
{
    struct timespec at = in_us(CLOCK_REALTIME, next(seed) % 200);
    if (next(seed) % 2 ? sem_wait(&beside.sem) != 0 : sem_timedwait(&beside.sem, &at) != 0)
        return;
    if (atomic_fetch_add(&beside.in_sem, 1) >= 2)
        fail("three with two permits");
    atomic_fetch_sub(&beside.in_sem, 1);
    sem_post(&beside.sem);
}

static void use_others(uint32_t *seed)
{
    void (*const uses[])(uint32_t *) = {use_barrel, use_barrel, use_barrel, use_spin, use_spin, use_rwlock, use_sem};
    uses[next(seed) % (sizeof uses / sizeof uses[0])](seed);
    atomic_fetch_add_explicit(&steps, 1, memory_order_relaxed);
}

static void init_others(void)
{
    if (mtx_init(&barrel.m, mtx_timed | mtx_recursive) != thrd_success || cnd_init(&barrel.c) != thrd_success ||
        pthread_spin_init(&beside.spin, 0) || pthread_rwlock_init(&beside.rw, NULL) || sem_init(&beside.sem, 0, 2))
        fail("init");
}

static void end_others(void)
{
    int permits = 0;
    sem_getvalue(&beside.sem, &permits);
    if (barrel.put != barrel.taken + barrel.tokens || beside.spun % 2 || beside.a != beside.b || permits != 2)
        fail("numbers of the others do not agree");
    cnd_destroy(&barrel.c);
    mtx_destroy(&barrel.m);
    if (pthread_spin_destroy(&beside.spin) || pthread_rwlock_destroy(&beside.rw) || sem_destroy(&beside.sem))
        fail("still busy");
}

static void *mixes(void *arg)
{
    uint32_t seed = (uint32_t)(uintptr_t)arg * 7919 + 1;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        struct well *w = &wells[next(&seed) % WELLS];
        uint32_t what = next(&seed) % 24;
        if (what >= 16)
            use_others(&seed);
        else if (what < 5)
            put(w, 1 + (what == 0), next(&seed));
        else if (acquire(w, &seed)) {
            if (what < 12)
                take(w, 1 + next(&seed) % (what < 8 ? 2000 : 60), what & 1);
            if (w - wells == 2 && pthread_mutex_lock(&w->m) == 0)
                pthread_mutex_unlock(&w->m);
            release(w);
        }
    }
    return NULL;
}

static void *is_cancelled(void *arg)
{
    struct well *w = arg;
    pthread_mutex_lock(&w->m);
    enter(w);
    take(w, w->count % 2 ? 0 : 100000, false);
    release(w);
    return NULL;
}

static void cancel_somebody(struct well *w, uint32_t *seed)
{
    pthread_t t;
    if (pthread_create(&t, NULL, is_cancelled, w) != 0)
        return;
    struct timespec nap = {0, next(seed) % 3 ? next(seed) % 100000 : next(seed) % 4000000};
    nanosleep(&nap, NULL);
    pthread_cancel(t);
    pthread_join(t, NULL);
}

static void *cancels(void *arg)
{
    uint32_t seed = 99;
    while (!atomic_load(&stop))
        cancel_somebody(&wells[next(&seed) % WELLS], &seed);
    return arg;
}

static void *mix(void *seconds)
{
    pthread_t t[THREADS];
    for (size_t k = 0; k < WELLS; k++)
        init(&wells[k], k);
    init_others();
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, i ? mixes : cancels, (void *)i);
    sleep((unsigned)(intptr_t)seconds);
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    long entries = 0, taken = 0, timeouts = 0, cancelled = 0;
    for (size_t k = 0; k < WELLS; k++) {
        struct well *w = &wells[k];
        if (w->put != w->taken + w->tokens || w->count != atomic_load(&w->entries))
            fail("numbers do not agree");
        if (pthread_cond_destroy(&w->c) || pthread_mutex_destroy(&w->m))
            fail("still busy");
        entries += w->count, taken += w->taken, timeouts += w->timeouts, cancelled += w->cancelled;
    }
    end_others();
    printf("storm: mix: %ld entries, %ld tokens, %ld timeouts, %ld cancelled\n", entries, taken, timeouts, cancelled);
    return NULL;
}

/* ---- hunt. */
#define PUTS 300
static struct well prey;
static bool broadcasts;

/* One token and one signal at a time, and only while all those who take are asleep: nobody happens to come by and take
   what a lost signal left. */
static int sleepers, takers;

static bool all_asleep(bool and_taken)
{
    pthread_mutex_lock(&prey.m);
    bool yes = sleepers == takers && (!and_taken || prey.tokens == 0);
    pthread_mutex_unlock(&prey.m);
    return yes;
}

static void *puts_in_step(void *arg)
{
    uint32_t seed = (uint32_t)(uintptr_t)arg;
    for (int i = 0; i < PUTS; i++) {
        while (!all_asleep(true))
            sched_yield();
        if (next(&seed) % 8 == 0)
            usleep(next(&seed) % 3000); /* long asleep */
        put(&prey, 1, broadcasts ? next(&seed) : (next(&seed) & ~3u) | 1);
    }
    while (!all_asleep(true))
        sched_yield();
    put(&prey, takers, 0);
    return NULL;
}

static void *takes_in_step(void *arg)
{
    pthread_mutex_lock(&prey.m);
    enter(&prey);
    while (prey.taken < PUTS || prey.tokens == 0) {
        sleepers++;
        wait_once(&prey, 0, false);
        sleepers--;
        if (prey.tokens && prey.taken < PUTS)
            drink(&prey);
    }
    drink(&prey);
    release(&prey);
    return arg;
}

static void *puts_tokens(void *arg)
{
    uint32_t seed = (uint32_t)(uintptr_t)arg;
    for (int i = 0; i < PUTS; i++)
        put(&prey, 1, broadcasts ? next(&seed) : (next(&seed) & ~3u) | 1);
    return NULL;
}

static void *takes_tokens(void *arg)
{
    for (int i = 0; i < PUTS; i++) {
        pthread_mutex_lock(&prey.m);
        enter(&prey);
        take(&prey, 0, false);
        release(&prey);
    }
    return arg;
}

/* Takes none, whatever is there, or it would make up for a wake-up that was lost: it passes on the signal that it got,
   and does nothing if it got none. */
static void *times_out(void *arg)
{
    uint32_t seed = (uint32_t)(uintptr_t)arg;
    while (!atomic_load(&stop)) {
        pthread_mutex_lock(&prey.m);
        enter(&prey);
        bool got = wait_once(&prey, 1 + next(&seed) % 80, next(&seed) & 1) == 0;
        if (got && next(&seed) & 1)
            got = pthread_cond_signal(&prey.c);
        release(&prey);
        if (got)
            pthread_cond_signal(&prey.c);
    }
    return NULL;
}

static void *is_cancelled_or_passes_on(void *arg)
{
    struct well *w = arg;
    pthread_mutex_lock(&w->m);
    enter(w);
    wait_once(w, 0, false);
    release(w);
    pthread_cond_signal(&w->c);
    return NULL;
}

static void *cancels_prey(void *arg)
{
    uint32_t seed = (uint32_t)(uintptr_t)arg;
    while (!atomic_load(&stop)) {
        pthread_t t;
        pthread_create(&t, NULL, is_cancelled_or_passes_on, &prey);
        struct timespec nap = {0, next(&seed) % 200000};
        nanosleep(&nap, NULL);
        pthread_cancel(t);
        pthread_join(t, NULL);
    }
    return NULL;
}

typedef void *role(void *);

static void hunt_round(uintptr_t round)
{
    pthread_t t[THREADS + 2];
    bool in_step = round % 2;
    init(&prey, round / 2 % 6);
    broadcasts = round % 6 >= 4;
    takers = in_step ? 1 + (int)(round / 2 % 4) : THREADS / 2;
    int putters = in_step ? 1 : THREADS / 2, others = takers + putters;
    sleepers = 0;
    atomic_store(&stop, false);
    for (int i = 0; i < others + 2; i++) {
        role *r = i < takers                     ? in_step ? takes_in_step : takes_tokens
                  : i < others                   ? in_step ? puts_in_step : puts_tokens
                  : i == others || round % 4 < 2 ? times_out
                                                 : cancels_prey;
        pthread_create(&t[i], NULL, r, (void *)(round * 100 + (uintptr_t)i));
    }
    for (int i = 0; i < others + 2; i++) {
        if (i == others)
            atomic_store(&stop, true);
        pthread_join(t[i], NULL);
    }
    if (prey.tokens != 0 || prey.put != prey.taken)
        fail("numbers do not agree");
    if (pthread_cond_destroy(&prey.c) || pthread_mutex_destroy(&prey.m))
        fail("still busy");
}

static void *hunt(void *seconds)
{
    time_t end = time(NULL) + (intptr_t)seconds;
    uintptr_t rounds = 0;
    while (time(NULL) < end)
        hunt_round(++rounds);
    printf("storm: hunt: %lu rounds\n", (unsigned long)rounds);
    return NULL;
}

static void watch(pthread_t t)
{
    long seen = -1;
    for (int quiet = 0; pthread_tryjoin_np(t, NULL) == EBUSY; usleep(100000)) {
        long now = atomic_load(&steps);
        quiet = now == seen ? quiet + 1 : 0;
        seen = now;
        if (quiet < STUCK_SECONDS * 10)
            continue;
        printf("storm: nothing moves: tokens %ld, put %ld, taken %ld\n", prey.tokens, prey.put, prey.taken);
        fail("a wake-up was lost");
    }
}

int main(int argc, char **argv)
{
    pthread_t t;
    intptr_t seconds = argc > 2 ? atol(argv[2]) : 20;
    hunting = argc > 1 && strcmp(argv[1], "hunt") == 0;
    pthread_create(&t, NULL, hunting ? hunt : mix, (void *)seconds);
    watch(t);
    return 0;
}
