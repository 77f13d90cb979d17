#include "native.h"

static const int kinds[] = {MOIRAI_MUTEX_PLAIN, MOIRAI_MUTEX_ASYMMETRIC};

struct well {
    moirai_mutex_t m;
    moirai_cond_t c;
    int waiting, tokens, taken;
    bool cleaned;
};

static struct well fresh(int kind)
{
    struct well w = {.c = MOIRAI_COND_INIT};
    assert_int_equal(moirai_mutex_init(&w.m, kind), MOIRAI_OK);
    return w;
}

static void *takes(void *arg)
{
    struct well *w = arg;
    moirai_mutex_lock(&w->m);
    w->waiting++;
    while (w->tokens == 0)
        assert_int_equal(moirai_cond_wait(&w->c, &w->m), MOIRAI_OK);
    w->tokens--;
    w->taken++;
    moirai_mutex_unlock(&w->m);
    return NULL;
}

static void await_waiters(struct well *w, int n)
{
    for (bool there = false; !there; usleep(100)) {
        moirai_mutex_lock(&w->m);
        there = w->waiting == n;
        moirai_mutex_unlock(&w->m);
    }
}

static void give(struct well *w, int tokens, bool inside)
{
    moirai_mutex_lock(&w->m);
    w->tokens += tokens;
    if (inside)
        tokens == 1 ? moirai_cond_signal(&w->c) : moirai_cond_broadcast(&w->c);
    moirai_mutex_unlock(&w->m);
    if (!inside)
        tokens == 1 ? moirai_cond_signal(&w->c) : moirai_cond_broadcast(&w->c);
}

static void signals_wake_one_and_broadcasts_all(void **state)
{
    for (int i = 0; i < 8; i++) {
        struct well w = fresh(kinds[i & 1]);
        pthread_t t[6];
        for (int k = 0; k < 6; k++)
            t[k] = start(takes, &w);
        await_waiters(&w, 6);
        if (i & 2)
            usleep(3000); /* past the first, bounded sleep */
        give(&w, 1, i & 4);
        give(&w, 1, i & 4);
        give(&w, 4, i & 4);
        for (int k = 0; k < 6; k++)
            pthread_join(t[k], NULL);
        assert_int_equal(w.taken, 6);
        assert_int_equal(w.tokens, 0);
    }
}

static void deadlines_end_the_wait_with_the_mutex_held(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct well w = fresh(kinds[i]);
        moirai_mutex_lock(&w.m);
        assert_int_equal(moirai_cond_wait_until(&w.c, &w.m, 0), MOIRAI_ETIMEDOUT);
        uint64_t end = in_ms(5);
        assert_int_equal(moirai_cond_wait_until(&w.c, &w.m, end), MOIRAI_ETIMEDOUT);
        assert_true(moirai_now_ns() >= end);
        assert_int_equal(moirai_mutex_try_lock(&w.m), MOIRAI_EBUSY);
        assert_int_equal(moirai_mutex_unlock(&w.m), MOIRAI_OK);
        moirai_cond_signal(&w.c); /* nobody waits: lost, and no harm */
        moirai_cond_broadcast(&w.c);
    }
}

static void a_wait_needs_the_mutex(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct well w = fresh(kinds[i]);
        assert_int_equal(moirai_cond_wait(&w.c, &w.m), MOIRAI_EPERM);
        assert_int_equal(moirai_cond_wait_until(&w.c, &w.m, in_ms(1000)), MOIRAI_EPERM);
        assert_int_equal(moirai_mutex_try_lock(&w.m), MOIRAI_OK);
    }
}

#ifndef __SANITIZE_THREAD__ /* its own locks do not survive a cancellation in the middle of an atomic operation */
static void clean_up(void *arg)
{
    struct well *w = arg;
    w->cleaned = moirai_mutex_try_lock(&w->m) == MOIRAI_EBUSY;
    moirai_mutex_unlock(&w->m);
}

static void *is_cancelled(void *arg)
{
    struct well *w = arg;
    moirai_mutex_lock(&w->m);
    w->waiting++;
    pthread_cleanup_push(clean_up, w);
    for (;;) {
        moirai_cond_wait(&w->c, &w->m);
        moirai_cond_signal(&w->c); /* it was not for this thread */
    }
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancelled_waiters_hold_the_mutex(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct well w = fresh(kinds[i]);
        void *result;
        pthread_t t = start(is_cancelled, &w);
        await_waiters(&w, 1);
        usleep(2000);
        pthread_cancel(t);
        pthread_join(t, &result);
        assert_ptr_equal(result, PTHREAD_CANCELED);
        assert_true(w.cleaned);
        assert_int_equal(moirai_mutex_try_lock(&w.m), MOIRAI_OK);
    }
}

/* Two waiters, one signal and a cancellation that race: whoever is left gets the token. */
static void cancelled_waiters_pass_their_signal_on(void **state)
{
    for (int i = 0; i < 300; i++) {
        struct well w = fresh(kinds[i % 2]);
        pthread_t first = start(is_cancelled, &w);
        await_waiters(&w, 1);
        pthread_t second = start(takes, &w);
        await_waiters(&w, 2);
        if (i % 3)
            pthread_cancel(first);
        give(&w, 1, i & 4);
        pthread_cancel(first);
        pthread_join(second, NULL);
        pthread_join(first, NULL);
        assert_int_equal(w.taken, 1);
    }
}

#endif

static void *waits_for_flag(void *arg)
{
    struct well *w = arg;
    moirai_mutex_lock(&w->m);
    w->waiting++;
    while (!w->tokens)
        moirai_cond_wait(&w->c, &w->m);
    moirai_mutex_unlock(&w->m);
    return NULL;
}

static void it_may_go_directly_after_a_broadcast(void **state)
{
    for (int i = 0; i < 100; i++) {
        struct well w = fresh(kinds[i % 2]);
        pthread_t t[4];
        for (int k = 0; k < 4; k++)
            t[k] = start(waits_for_flag, &w);
        await_waiters(&w, 4);
        moirai_mutex_lock(&w.m);
        w.tokens = 1;
        moirai_cond_broadcast(&w.c);
        memset(&w.c, 0x5a, sizeof w.c);
        moirai_mutex_unlock(&w.m);
        for (int k = 0; k < 4; k++)
            pthread_join(t[k], NULL);
        for (size_t k = 0; k < sizeof w.c; k++)
            assert_int_equal(((unsigned char *)&w.c)[k], 0x5a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_wake_one_and_broadcasts_all),
        cmocka_unit_test(deadlines_end_the_wait_with_the_mutex_held),
        cmocka_unit_test(a_wait_needs_the_mutex),
#ifndef __SANITIZE_THREAD__
        cmocka_unit_test(cancelled_waiters_hold_the_mutex),
        cmocka_unit_test(cancelled_waiters_pass_their_signal_on),
#endif
        cmocka_unit_test(it_may_go_directly_after_a_broadcast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
