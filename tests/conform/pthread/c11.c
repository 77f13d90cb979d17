/* C11's names and answers. */
#include "suite.h"

#include <threads.h>

static int try_and_give_back(void *m)
{
    int got = mtx_trylock(m);
    if (got == thrd_success)
        mtx_unlock(m);
    return got;
}

static int elsewhere(int (*call)(void *), void *arg)
{
    thrd_t t;
    int result;
    thrd_create(&t, call, arg);
    thrd_join(t, &result);
    return result;
}

CASE(c11_mtx_plain)
{
    mtx_t m;
    IS(mtx_init(&m, mtx_plain), thrd_success);
    IS(mtx_lock(&m), thrd_success);
    IS(mtx_trylock(&m), thrd_busy);
    IS(elsewhere(try_and_give_back, &m), thrd_busy);
    IS(mtx_unlock(&m), thrd_success);
    IS(elsewhere(try_and_give_back, &m), thrd_success);
    mtx_destroy(&m);
    IS(mtx_lock(&m), thrd_error);
}

CASE(c11_mtx_recursive)
{
    mtx_t m;
    IS(mtx_init(&m, mtx_plain | mtx_recursive), thrd_success);
    IS(mtx_lock(&m), thrd_success);
    IS(mtx_trylock(&m), thrd_success);
    IS(mtx_unlock(&m), thrd_success);
    IS(elsewhere(try_and_give_back, &m), thrd_busy);
    IS(mtx_unlock(&m), thrd_success);
    IS(mtx_unlock(&m), thrd_error);
}

CASE(c11_mtx_timed)
{
    mtx_t m;
    struct timespec at = in_ms(CLOCK_REALTIME, 20), none = {1, -1};
    IS(mtx_init(&m, mtx_timed), thrd_success);
    IS(mtx_timedlock(&m, &at), thrd_success);
    IS(mtx_timedlock(&m, &at), thrd_timedout);
    IS(mtx_timedlock(&m, &none), thrd_error);
}

struct box {
    mtx_t m;
    cnd_t c;
    int tokens, waiting, done;
};

static int takes(void *arg)
{
    struct box *b = arg;
    mtx_lock(&b->m);
    b->waiting++;
    while (b->tokens == 0)
        if (cnd_wait(&b->c, &b->m) != thrd_success)
            return 1;
    b->tokens--;
    b->done++;
    mtx_unlock(&b->m);
    return 0;
}

static void await_waiting(struct box *b, int n)
{
    for (int waiting = 0; waiting < n; nap(1)) {
        mtx_lock(&b->m);
        waiting = b->waiting;
        mtx_unlock(&b->m);
    }
}

static int done(struct box *b)
{
    mtx_lock(&b->m);
    int n = b->done;
    mtx_unlock(&b->m);
    return n;
}

CASE(c11_cnd)
{
    struct box b = {.tokens = 0};
    thrd_t t[4];
    int result, wrong = 0;
    IS(mtx_init(&b.m, mtx_plain), thrd_success);
    IS(cnd_init(&b.c), thrd_success);
    for (int i = 0; i < 4; i++)
        thrd_create(&t[i], takes, &b);
    await_waiting(&b, 4);
    mtx_lock(&b.m);
    b.tokens = 1;
    IS(cnd_signal(&b.c), thrd_success);
    mtx_unlock(&b.m);
    for (int ms = 0; ms < 20000 && done(&b) == 0; ms++)
        nap(1);
    nap(20); /* if there were more, they would come now */
    mtx_lock(&b.m);
    IS(b.done, 1);
    b.tokens = 3;
    IS(cnd_broadcast(&b.c), thrd_success);
    mtx_unlock(&b.m);
    for (int i = 0; i < 4; i++) {
        thrd_join(t[i], &result);
        wrong += result;
    }
    IS(wrong, 0);
    IS(b.done, 4);
    cnd_destroy(&b.c);
}

CASE(c11_cnd_times)
{
    struct box b;
    mtx_init(&b.m, mtx_timed);
    cnd_init(&b.c);
    mtx_lock(&b.m);
    struct timespec at = in_ms(CLOCK_REALTIME, 20), none = {1, 1000000000};
    IS(cnd_timedwait(&b.c, &b.m, &at), thrd_timedout);
    IS(cnd_timedwait(&b.c, &b.m, &none), thrd_error);
    IS(elsewhere(try_and_give_back, &b.m), thrd_busy);
}

static once_flag flag = ONCE_FLAG_INIT;
static atomic_int inits;

static void init(void)
{
    atomic_fetch_add(&inits, 1);
}

static int asks(void *unused)
{
    (void)unused;
    call_once(&flag, init);
    return atomic_load(&inits);
}

CASE(c11_call_once)
{
    IS(elsewhere(asks, NULL), 1);
    IS(elsewhere(asks, NULL), 1);
}
