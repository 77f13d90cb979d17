/* moirai_mutex_t of both kinds, called out of line and inlined (built twice). */
#include "native.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

static const int kinds[] = {MOIRAI_MUTEX_PLAIN, MOIRAI_MUTEX_ASYMMETRIC};

static moirai_mutex_t fresh(int kind)
{
    moirai_mutex_t m;
    assert_int_equal(moirai_mutex_init(&m, kind), MOIRAI_OK);
    return m;
}

#define FOR_EACH_KIND(m)                                                                                               \
    for (unsigned kind_ = 0; kind_ < 2; kind_++)                                                                       \
        for (moirai_mutex_t m = fresh(kinds[kind_]), *once_ = &m; once_; once_ = NULL)

static void it_is_one_word(void **state)
{
    assert_int_equal(sizeof(moirai_mutex_t), 4);
}

static void try_takes_only_a_free_one(void **state)
{
    FOR_EACH_KIND(m)
    {
        assert_int_equal(moirai_mutex_try_lock(&m), MOIRAI_OK);
        assert_int_equal(moirai_mutex_try_lock(&m), MOIRAI_EBUSY);
        assert_int_equal(moirai_mutex_unlock(&m), MOIRAI_OK);
        assert_int_equal(moirai_mutex_lock(&m), MOIRAI_OK);
        assert_int_equal(moirai_mutex_try_lock(&m), MOIRAI_EBUSY);
        assert_int_equal(moirai_mutex_unlock(&m), MOIRAI_OK);
    }
}

static void initialisers_make_free_ones(void **state)
{
    static moirai_mutex_t plain = MOIRAI_MUTEX_INIT, asymmetric = MOIRAI_MUTEX_INIT_ASYMMETRIC,
                          tried = MOIRAI_MUTEX_INIT_ASYMMETRIC, timed = MOIRAI_MUTEX_INIT_ASYMMETRIC;
    assert_int_equal(moirai_mutex_lock(&plain), MOIRAI_OK);
    assert_int_equal(moirai_mutex_lock(&asymmetric), MOIRAI_OK);
    assert_int_equal(moirai_mutex_try_lock(&tried), MOIRAI_OK);
    assert_int_equal(moirai_mutex_lock_until(&timed, 0), MOIRAI_OK);
    assert_int_equal(moirai_mutex_try_lock(&asymmetric), MOIRAI_EBUSY);
    assert_int_equal(moirai_mutex_unlock(&plain), MOIRAI_OK);
    assert_int_equal(moirai_mutex_unlock(&asymmetric), MOIRAI_OK);
    assert_int_equal(asymmetric.moirai_word, fresh(MOIRAI_MUTEX_ASYMMETRIC).moirai_word);
}

static void misuse_is_answered(void **state)
{
    moirai_mutex_t m, garbage = {0x1234567}, untouched = MOIRAI_MUTEX_INIT_ASYMMETRIC;
    assert_int_equal(moirai_mutex_init(&m, 2), MOIRAI_EINVAL);
    assert_int_equal(moirai_mutex_init(&m, -1), MOIRAI_EINVAL);
    FOR_EACH_KIND(free)
    {
        assert_int_equal(moirai_mutex_unlock(&free), MOIRAI_EPERM);
        assert_int_equal(moirai_mutex_try_lock(&free), MOIRAI_OK);
    }
    assert_int_equal(moirai_mutex_unlock(&untouched), MOIRAI_EPERM);
    assert_int_equal(moirai_mutex_lock(&garbage), MOIRAI_EINVAL);
    assert_int_equal(moirai_mutex_try_lock(&garbage), MOIRAI_EINVAL);
    assert_int_equal(moirai_mutex_lock_until(&garbage, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_mutex_unlock(&garbage), MOIRAI_EPERM);
    assert_int_equal(garbage.moirai_word, 0x1234567);
}

static void deadlines_end_the_wait(void **state)
{
    FOR_EACH_KIND(m)
    {
        moirai_mutex_lock(&m);
        assert_int_equal(moirai_mutex_lock_until(&m, 0), MOIRAI_ETIMEDOUT);
        assert_int_equal(moirai_mutex_lock_until(&m, moirai_now_ns() - MS), MOIRAI_ETIMEDOUT);
        for (int ms = 1; ms <= 16; ms *= 16) { /* before and after it would count as starving */
            uint64_t end = in_ms((uint64_t)ms);
            assert_int_equal(moirai_mutex_lock_until(&m, end), MOIRAI_ETIMEDOUT);
            assert_true(moirai_now_ns() >= end);
            assert_true(moirai_now_ns() < end + 5000 * MS);
        }
        moirai_mutex_unlock(&m);
        assert_int_equal(moirai_mutex_lock_until(&m, 0), MOIRAI_OK);
        moirai_mutex_unlock(&m);
    }
}

struct crowd {
    moirai_mutex_t m;
    int waiting, entered;
};

static void *enters(void *arg)
{
    struct crowd *c = arg;
    ADD(&c->waiting, 1);
    moirai_mutex_lock(&c->m);
    c->entered++;
    moirai_mutex_unlock(&c->m);
    return NULL;
}

/* None gets in before the unlock, and one unlock sets them all going; asleep for a short time, or starving in the
   table. */
static void sleepers_get_in_after_the_unlock(void **state)
{
    for (int round = 0; round < 4; round++) {
        struct crowd c = {.m = fresh(kinds[round % 2])};
        pthread_t t[5];
        moirai_mutex_lock(&c.m);
        for (int i = 0; i < 5; i++)
            t[i] = start(enters, &c);
        AWAIT(GET(&c.waiting) == 5);
        usleep(round < 2 ? 1000 : 40000);
        assert_int_equal(c.entered, 0);
        moirai_mutex_unlock(&c.m);
        for (int i = 0; i < 5; i++)
            pthread_join(t[i], NULL);
        assert_int_equal(c.entered, 5);
        assert_int_equal(moirai_mutex_try_lock(&c.m), MOIRAI_OK);
    }
}

struct greedy {
    moirai_mutex_t m;
    int waiting, got;
};

static void *wants_once(void *arg)
{
    struct greedy *g = arg;
    SET(&g->waiting, 1);
    moirai_mutex_lock(&g->m);
    SET(&g->got, 1);
    moirai_mutex_unlock(&g->m);
    return NULL;
}

/* A thread that hardly ever leaves the mutex free does not keep another one out for long. */
static void nobody_starves(void **state)
{
    FOR_EACH_KIND(m)
    {
        struct greedy g = {.m = m};
        moirai_mutex_lock(&g.m);
        pthread_t t = start(wants_once, &g);
        AWAIT(GET(&g.waiting));
        uint64_t began = moirai_now_ns(), turns = 0;
        for (; !GET(&g.got); turns++) {
            for (uint64_t end = moirai_now_ns() + MS / 10; moirai_now_ns() < end;)
                continue;
            moirai_mutex_unlock(&g.m);
            moirai_mutex_lock(&g.m);
        }
        assert_true(moirai_now_ns() - began < 2000 * MS);
        moirai_mutex_unlock(&g.m);
        pthread_join(t, NULL);
    }
}

static void *unlocks(void *m)
{
    assert_int_equal(moirai_mutex_unlock(m), MOIRAI_OK);
    return NULL;
}

static void another_thread_may_unlock(void **state)
{
    FOR_EACH_KIND(m)
    {
        moirai_mutex_lock(&m);
        pthread_join(start(unlocks, &m), NULL);
        assert_int_equal(moirai_mutex_try_lock(&m), MOIRAI_OK);
    }
}

/* The next holder may free it: each round unmaps the page while the other thread's unlock is under way. */
static void *locks_and_unmaps(void *page)
{
    moirai_mutex_lock(page);
    moirai_mutex_unlock(page);
    munmap(page, 4096);
    return NULL;
}

static void what_was_unlocked_may_be_unmapped(void **state)
{
    for (int i = 0; i < 400; i++) {
        moirai_mutex_t *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *m = fresh(kinds[i % 2]);
        moirai_mutex_lock(m);
        pthread_t t = start(locks_and_unmaps, m);
        usleep((unsigned)(i % 5) * 30);
        moirai_mutex_unlock(m);
        pthread_join(t, NULL);
    }
}

static void ignores(int signal)
{
}

static void *waits_long(void *arg)
{
    struct crowd *c = arg;
    SET(&c->waiting, 1);
    assert_int_equal(moirai_mutex_lock_until(&c->m, in_ms(100000)), MOIRAI_OK);
    moirai_mutex_unlock(&c->m);
    return NULL;
}

static void signals_do_not_end_the_wait(void **state)
{
    struct sigaction action = {.sa_handler = ignores};
    sigaction(SIGUSR1, &action, NULL);
    FOR_EACH_KIND(m)
    {
        struct crowd c = {.m = m};
        moirai_mutex_lock(&c.m);
        pthread_t t = start(waits_long, &c);
        AWAIT(GET(&c.waiting));
        for (int i = 0; i < 20; i++) {
            pthread_kill(t, SIGUSR1);
            usleep(500);
        }
        moirai_mutex_unlock(&c.m);
        pthread_join(t, NULL);
    }
}

#ifndef __SANITIZE_THREAD__ /* it does not allow threads in a child of a process that has some */
/* In the child threads wait for each other as in the parent, although the parent's waiters are not there. */
static int child(void)
{
    for (int i = 0; i < 2; i++) {
        struct crowd c = {.m = fresh(kinds[i])};
        pthread_t t[2];
        moirai_mutex_lock(&c.m);
        for (int k = 0; k < 2; k++)
            pthread_create(&t[k], NULL, enters, &c);
        AWAIT(GET(&c.waiting) == 2);
        usleep(4000);
        moirai_mutex_unlock(&c.m);
        for (int k = 0; k < 2; k++)
            pthread_join(t[k], NULL);
        if (c.entered != 2)
            return 1;
    }
    return 0;
}

static void children_may_use_them(void **state)
{
    struct crowd c = {.m = fresh(MOIRAI_MUTEX_ASYMMETRIC)};
    int status = -1;
    moirai_mutex_lock(&c.m);
    pthread_t t = start(enters, &c);
    AWAIT(GET(&c.waiting));
    usleep(5000);
    pid_t pid = fork();
    if (pid == 0)
        _exit(child());
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    moirai_mutex_unlock(&c.m);
    pthread_join(t, NULL);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_one_word),
        cmocka_unit_test(try_takes_only_a_free_one),
        cmocka_unit_test(initialisers_make_free_ones),
        cmocka_unit_test(misuse_is_answered),
        cmocka_unit_test(deadlines_end_the_wait),
        cmocka_unit_test(sleepers_get_in_after_the_unlock),
        cmocka_unit_test(nobody_starves),
        cmocka_unit_test(another_thread_may_unlock),
        cmocka_unit_test(what_was_unlocked_may_be_unmapped),
        cmocka_unit_test(signals_do_not_end_the_wait),
#ifndef __SANITIZE_THREAD__
        cmocka_unit_test(children_may_use_them),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
