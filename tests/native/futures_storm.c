/* A million futures wait at once, without a thread or a stack each, and every one is woken once: none is lost, none
   polled more often than it was woken.
   usage: futures_storm parked|wakers */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <moirai/moirai.h>

#include "storm.h"

#define SLOW SLOWER(20)

#define PARKED  (1000000 / SLOW)
#define WAKERS  4
#define THREADS 3

static moirai_waker_t waker[PARKED];
static unsigned char polls[PARKED];
static size_t parked, over;

struct sleeper {
    moirai_future_t future;
    size_t index;
};

static int poll_sleeper(moirai_future_t *self, const moirai_waker_t *w)
{
    size_t i = ((struct sleeper *)self)->index;
    if (polls[i]++ > 0) {
        __atomic_add_fetch(&over, 1, __ATOMIC_RELAXED);
        return MOIRAI_READY;
    }
    waker[i] = moirai_waker_clone(w);
    __atomic_add_fetch(&parked, 1, __ATOMIC_RELEASE);
    return MOIRAI_PENDING;
}

static void *wake_share(void *arg)
{
    for (size_t i = (size_t)(uintptr_t)arg; i < PARKED; i += WAKERS) {
        moirai_waker_wake(&waker[i]);
        moirai_waker_drop(&waker[i]);
    }
    return NULL;
}

static void run_threads(void *(*body)(void *), uintptr_t n)
{
    pthread_t t[WAKERS];
    for (uintptr_t i = 0; i < n; i++)
        EXPECT(pthread_create(&t[i], NULL, body, (void *)i) == 0);
    for (uintptr_t i = 0; i < n; i++)
        pthread_join(t[i], NULL);
}

static moirai_executor_t *made(void)
{
    moirai_executor_attr_t attr;
    moirai_executor_t *x;
    moirai_executor_attr_init(&attr);
    EXPECT(moirai_executor_attr_set_workers(&attr, THREADS) == MOIRAI_OK);
    EXPECT(moirai_executor_new(&x, &attr) == MOIRAI_OK);
    return x;
}

static void storm_parked(void)
{
    static const moirai_future_ops_t ops = {.poll = poll_sleeper};
    moirai_executor_t *x = made();
    for (size_t i = 0; i < PARKED; i++) {
        struct sleeper s = {{&ops}, i};
        EXPECT(moirai_async(x, NULL, &s.future, sizeof s) == MOIRAI_OK);
    }
    while (__atomic_load_n(&parked, __ATOMIC_ACQUIRE) < PARKED)
        sched_yield();
    run_threads(wake_share, WAKERS);
    EXPECT(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0) == MOIRAI_OK);
    EXPECT(moirai_executor_free(x) == MOIRAI_OK);
    EXPECT(over == PARKED);
    for (size_t i = 0; i < PARKED; i++)
        EXPECT(polls[i] == 2);
}

/* ---- Several threads wake the same futures as often as they like, while those are polled, parked or over. */
#define TOKENS (200000 / SLOW)
#define ROUNDS 8

struct counter {
    moirai_future_t future;
    struct shared *shared;
};

struct shared {
    pthread_mutex_t lock;
    moirai_waker_t waker;
    bool has_waker;
    long given, taken;
};

static struct shared shared[ROUNDS];

static int poll_counter(moirai_future_t *self, const moirai_waker_t *w)
{
    struct shared *s = ((struct counter *)self)->shared;
    pthread_mutex_lock(&s->lock);
    s->taken = s->given;
    bool ready = s->taken == TOKENS;
    if (!s->has_waker)
        s->waker = moirai_waker_clone(w);
    s->has_waker = true;
    pthread_mutex_unlock(&s->lock);
    return ready;
}

static void *give(void *arg)
{
    uint32_t seed = (uint32_t)(uintptr_t)arg + 1;
    for (size_t n = 0; n < TOKENS / WAKERS * ROUNDS; n++) {
        struct shared *s = &shared[(n + (uintptr_t)arg) % ROUNDS];
        pthread_mutex_lock(&s->lock);
        s->given++;
        bool wake = s->has_waker;
        moirai_waker_t w = s->waker;
        if (wake && next(&seed) % 4 == 0)
            w = moirai_waker_clone(&w);
        else
            wake = false;
        if (!wake && s->has_waker)
            moirai_waker_wake(&s->waker);
        pthread_mutex_unlock(&s->lock);
        if (wake) {
            moirai_waker_wake(&w);
            moirai_waker_drop(&w);
        }
    }
    return NULL;
}

static void storm_wakers(void)
{
    static const moirai_future_ops_t ops = {.poll = poll_counter};
    moirai_executor_t *x = made();
    moirai_task_t task[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        struct counter c = {{&ops}, &shared[i]};
        pthread_mutex_init(&shared[i].lock, NULL);
        EXPECT(moirai_async(x, &task[i], &c.future, sizeof c) == MOIRAI_OK);
    }
    run_threads(give, WAKERS);
    for (int i = 0; i < ROUNDS; i++)
        EXPECT(moirai_join(&task[i], NULL) == MOIRAI_OK);
    for (int i = 0; i < ROUNDS; i++) {
        EXPECT(shared[i].taken == TOKENS);
        moirai_waker_drop(&shared[i].waker);
    }
    EXPECT(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0) == MOIRAI_OK);
    EXPECT(moirai_executor_free(x) == MOIRAI_OK);
}

int main(int argc, char **argv)
{
    EXPECT(argc == 2);
    if (strcmp(argv[1], "parked") == 0)
        storm_parked();
    else
        storm_wakers();
    return 0;
}
