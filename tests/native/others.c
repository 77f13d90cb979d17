/* Semaphore, barrier, reader-writer lock, once, statuses. */
#include "native.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

/* ---- Semaphore. */
static moirai_sem_t handed = MOIRAI_SEM_INIT(0);

static void permits_are_counted(void **state)
{
    moirai_sem_t s = MOIRAI_SEM_INIT(1);
    assert_int_equal(moirai_sem_value(&s), 1);
    assert_int_equal(moirai_sem_wait(&s), MOIRAI_OK);
    assert_int_equal(moirai_sem_try_wait(&s), MOIRAI_EBUSY);
    assert_int_equal(moirai_sem_post(&s), MOIRAI_OK);
    assert_int_equal(moirai_sem_post(&s), MOIRAI_OK);
    assert_int_equal(moirai_sem_value(&s), 2);
    assert_int_equal(moirai_sem_try_wait(&s), MOIRAI_OK);
    assert_int_equal(moirai_sem_wait_until(&s, 0), MOIRAI_OK);
    assert_int_equal(moirai_sem_wait_until(&s, 0), MOIRAI_ETIMEDOUT);
    uint64_t end = in_ms(3);
    assert_int_equal(moirai_sem_wait_until(&s, end), MOIRAI_ETIMEDOUT);
    assert_true(moirai_now_ns() >= end);
    assert_int_equal(moirai_sem_value(&s), 0);
}

static void permits_have_a_bound(void **state)
{
    moirai_sem_t s;
    assert_int_equal(moirai_sem_init(&s, MOIRAI_SEM_MAX + 1u), MOIRAI_EINVAL);
    assert_int_equal(moirai_sem_init(&s, MOIRAI_SEM_MAX), MOIRAI_OK);
    assert_int_equal(moirai_sem_post(&s), MOIRAI_EOVERFLOW);
    assert_int_equal(moirai_sem_value(&s), MOIRAI_SEM_MAX);
}

static void *takes_three(void *sem)
{
    for (int i = 0; i < 3; i++)
        moirai_sem_wait(sem);
    return NULL;
}

static void each_post_lets_one_pass(void **state)
{
    moirai_sem_t s = MOIRAI_SEM_INIT(0);
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        t[i] = start(takes_three, &s);
    for (int i = 0; i < 12; i++) {
        usleep(i % 3 ? 0 : 500);
        assert_int_equal(moirai_sem_post(&s), MOIRAI_OK);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(moirai_sem_value(&s), 0);
}

static void *waits_and_unmaps(void *sem)
{
    moirai_sem_wait(sem);
    munmap(sem, 4096);
    return NULL;
}

static void who_got_the_permit_may_unmap_it(void **state)
{
    for (int i = 0; i < 300; i++) {
        moirai_sem_t *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        pthread_t t = start(waits_and_unmaps, s);
        usleep((unsigned)(i % 4) * 40);
        assert_int_equal(moirai_sem_post(s), MOIRAI_OK);
        pthread_join(t, NULL);
    }
}

static void posts(int signal)
{
    moirai_sem_post(&handed);
}

static void signal_handlers_may_post(void **state)
{
    struct sigaction action = {.sa_handler = posts};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    assert_int_equal(moirai_sem_wait(&handed), MOIRAI_OK);
}

/* ---- Barrier. */
struct rounds {
    moirai_barrier_t b;
    int count, arrived[3], lasts;
    bool wrong;
};

#define ROUNDS 300

/* No one is a round ahead of the slowest of three. */
static void *goes_round(void *arg)
{
    struct rounds *r = arg;
    int me = ADD(&r->count, 1) - 1;
    for (int round = 1; round <= ROUNDS; round++) {
        SET(&r->arrived[me], round);
        if (moirai_barrier_wait(&r->b) == MOIRAI_LAST)
            ADD(&r->lasts, 1);
        for (int i = 0; i < 3; i++)
            if (GET(&r->arrived[i]) < round)
                SET(&r->wrong, true);
    }
    return NULL;
}

static void rounds_wait_for_all_and_name_one(void **state)
{
    struct rounds r = {.count = 0};
    pthread_t t[3];
    assert_int_equal(moirai_barrier_init(&r.b, 3), MOIRAI_OK);
    for (int i = 0; i < 3; i++)
        t[i] = start(goes_round, &r);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    assert_false(r.wrong);
    assert_int_equal(r.lasts, ROUNDS);
    assert_int_equal(moirai_barrier_destroy(&r.b), MOIRAI_OK);
}

/* Four threads, rounds of two: any two that meet go on. Whoever is left alone at the end needs the test to come. */
static void *goes_round_with_anybody(void *arg)
{
    struct rounds *r = arg;
    for (int i = 0; i < ROUNDS; i++)
        if (moirai_barrier_wait(&r->b) == MOIRAI_LAST)
            ADD(&r->lasts, 1);
    ADD(&r->count, 1);
    return NULL;
}

static void threads_may_be_more_than_a_round_has(void **state)
{
    struct rounds r = {.count = 0};
    int helped = 0;
    pthread_t t[4];
    assert_int_equal(moirai_barrier_init(&r.b, 2), MOIRAI_OK);
    for (int i = 0; i < 4; i++)
        t[i] = start(goes_round_with_anybody, &r);
    AWAIT(GET(&r.count) >= 3);
    while (GET(&r.count) < 4)
        if (moirai_barrier_destroy(&r.b) == MOIRAI_EBUSY) { /* it waits */
            assert_int_equal(moirai_barrier_wait(&r.b), MOIRAI_LAST);
            helped++;
            r.lasts++;
        }
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(r.lasts, (4 * ROUNDS + helped) / 2);
}

static void *waits_at_barrier(void *barrier)
{
    moirai_barrier_wait(barrier);
    return NULL;
}

static void barriers_go_when_all_have_left(void **state)
{
    moirai_barrier_t b, zero = {{0}};
    assert_int_equal(moirai_barrier_init(&b, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_barrier_wait(&zero), MOIRAI_EINVAL);
    assert_int_equal(moirai_barrier_destroy(&zero), MOIRAI_EINVAL);
    assert_int_equal(moirai_barrier_init(&b, 1), MOIRAI_OK);
    assert_int_equal(moirai_barrier_wait(&b), MOIRAI_LAST);
    for (int i = 0; i < 300; i++) {
        moirai_barrier_t *shared = malloc(sizeof *shared);
        moirai_barrier_init(shared, 2);
        pthread_t t = start(waits_at_barrier, shared);
        if (i == 0) {
            usleep(5000);
            assert_int_equal(moirai_barrier_destroy(shared), MOIRAI_EBUSY);
        }
        moirai_barrier_wait(shared);
        assert_int_equal(moirai_barrier_destroy(shared), MOIRAI_OK);
        free(shared);
        pthread_join(t, NULL);
    }
}

/* ---- Reader-writer lock. */
static void readers_share_and_writers_do_not(void **state)
{
    moirai_rwlock_t l = MOIRAI_RWLOCK_INIT;
    assert_int_equal(moirai_rwlock_read_lock(&l), MOIRAI_OK);
    assert_int_equal(moirai_rwlock_try_read_lock(&l), MOIRAI_OK);
    assert_int_equal(moirai_rwlock_try_write_lock(&l), MOIRAI_EBUSY);
    assert_int_equal(moirai_rwlock_write_lock_until(&l, in_ms(2)), MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_rwlock_try_read_lock(&l), MOIRAI_OK); /* the writer that gave up is forgotten */
    assert_int_equal(moirai_rwlock_write_unlock(&l), MOIRAI_EPERM);
    for (int i = 0; i < 3; i++)
        assert_int_equal(moirai_rwlock_read_unlock(&l), MOIRAI_OK);
    assert_int_equal(moirai_rwlock_read_unlock(&l), MOIRAI_EPERM);
    assert_int_equal(moirai_rwlock_write_lock(&l), MOIRAI_OK);
    assert_int_equal(moirai_rwlock_try_read_lock(&l), MOIRAI_EBUSY);
    assert_int_equal(moirai_rwlock_try_write_lock(&l), MOIRAI_EBUSY);
    assert_int_equal(moirai_rwlock_read_lock_until(&l, in_ms(2)), MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_rwlock_write_lock_until(&l, 0), MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_rwlock_read_unlock(&l), MOIRAI_EPERM);
    assert_int_equal(moirai_rwlock_write_unlock(&l), MOIRAI_OK);
    assert_int_equal(moirai_rwlock_write_unlock(&l), MOIRAI_EPERM);
    assert_int_equal(moirai_rwlock_try_write_lock(&l), MOIRAI_OK);
    assert_int_equal(moirai_rwlock_write_unlock(&l), MOIRAI_OK);
}

static void readers_have_a_bound(void **state)
{
    moirai_rwlock_t l = {{MOIRAI_RWLOCK_READERS_MAX, 0}};
    assert_int_equal(moirai_rwlock_read_lock(&l), MOIRAI_EOVERFLOW);
    assert_int_equal(moirai_rwlock_try_read_lock(&l), MOIRAI_EOVERFLOW);
    assert_int_equal(moirai_rwlock_read_unlock(&l), MOIRAI_OK);
    assert_int_equal(moirai_rwlock_read_lock(&l), MOIRAI_OK);
}

struct shelf {
    moirai_rwlock_t l;
    int written, done;
};

static void *writes(void *arg)
{
    struct shelf *s = arg;
    moirai_rwlock_write_lock(&s->l);
    s->written++;
    moirai_rwlock_write_unlock(&s->l);
    SET(&s->done, 1);
    return NULL;
}

static void *reads_always(void *arg)
{
    struct shelf *s = arg;
    while (!GET(&s->done)) {
        moirai_rwlock_read_lock(&s->l);
        usleep(300);
        moirai_rwlock_read_unlock(&s->l);
    }
    return NULL;
}

/* Readers that overlap all the time do not keep the writer out. */
static void writers_do_not_starve(void **state)
{
    struct shelf s = {.l = MOIRAI_RWLOCK_INIT};
    pthread_t t[4];
    for (int i = 0; i < 3; i++)
        t[i] = start(reads_always, &s);
    usleep(3000);
    t[3] = start(writes, &s);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(s.written, 1);
}

static void new_readers_queue_behind_a_waiting_writer(void **state)
{
    struct shelf s = {.l = MOIRAI_RWLOCK_INIT};
    moirai_rwlock_read_lock(&s.l);
    pthread_t t = start(writes, &s);
    for (int status = MOIRAI_OK; status == MOIRAI_OK;) {
        status = moirai_rwlock_try_read_lock(&s.l);
        if (status == MOIRAI_OK)
            moirai_rwlock_read_unlock(&s.l);
        usleep(100);
    }
    moirai_rwlock_read_unlock(&s.l);
    moirai_rwlock_read_lock(&s.l);
    pthread_join(t, NULL);
    assert_int_equal(s.written, 1);
}

/* ---- Once. */
static int calls;

static void counts(void *arg)
{
    usleep(2000);
    calls += *(int *)arg;
}

static moirai_once_t once = MOIRAI_ONCE_INIT;

static void *calls_once(void *arg)
{
    int one = 1;
    moirai_once(&once, counts, &one);
    assert_int_equal(calls, 1);
    return NULL;
}

static void it_happens_once_and_all_see_it(void **state)
{
    pthread_t t[6];
    for (int i = 0; i < 6; i++)
        t[i] = start(calls_once, NULL);
    for (int i = 0; i < 6; i++)
        pthread_join(t[i], NULL);
    calls_once(NULL);
}

static int attempts;
static moirai_once_t interrupted = MOIRAI_ONCE_INIT;

static void ends_its_thread(void *arg)
{
    if (ADD(&attempts, 1) == 1) {
        usleep(3000);
        pthread_exit(NULL);
    }
}

static void *tries_once(void *arg)
{
    moirai_once(&interrupted, ends_its_thread, NULL);
    return NULL;
}

static void an_end_of_thread_leaves_it_to_the_next(void **state)
{
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        t[i] = start(tries_once, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(attempts, 2);
}

/* ---- Statuses. */
static void each_status_has_its_text(void **state)
{
    for (int i = MOIRAI_EOVERFLOW; i <= MOIRAI_LAST; i++) {
        assert_true(strlen(moirai_status_text(i)) > 0);
        for (int k = MOIRAI_EOVERFLOW; k < i; k++)
            assert_string_not_equal(moirai_status_text(i), moirai_status_text(k));
    }
    assert_string_equal(moirai_status_text(4711), moirai_status_text(-4711));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permits_are_counted),
        cmocka_unit_test(permits_have_a_bound),
        cmocka_unit_test(each_post_lets_one_pass),
        cmocka_unit_test(who_got_the_permit_may_unmap_it),
        cmocka_unit_test(signal_handlers_may_post),
        cmocka_unit_test(rounds_wait_for_all_and_name_one),
        cmocka_unit_test(threads_may_be_more_than_a_round_has),
        cmocka_unit_test(barriers_go_when_all_have_left),
        cmocka_unit_test(readers_share_and_writers_do_not),
        cmocka_unit_test(readers_have_a_bound),
        cmocka_unit_test(writers_do_not_starve),
        cmocka_unit_test(new_readers_queue_behind_a_waiting_writer),
        cmocka_unit_test(it_happens_once_and_all_see_it),
        cmocka_unit_test(an_end_of_thread_leaves_it_to_the_next),
        cmocka_unit_test(each_status_has_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
