/* Timers: nothing is early, each wakes once, cancelled ones do not; and by a clock that the test moves: the rules of
   intervals, of limits, and that a program in which all sleep takes no time of the CPU. */
#include "native.h"
#include "storm.h"

#include <time.h>

#define SLEEPERS 10000

/* ---- A sleep in a task, which says what it met. */
struct nap {
    moirai_sleep_t sleep;
    unsigned *over, *early;
};

static unsigned running; /* naps that have been polled and were not over then, ever */

static int poll_nap(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct nap *n = (struct nap *)self;
    moirai_sleep_t plain; /* knows how a sleep is polled */
    moirai_sleep_init(&plain, 0);
    if (plain.future.ops->poll(self, waker) == MOIRAI_PENDING) {
        ADD(&running, 1);
        return MOIRAI_PENDING;
    }
    EXPECT(n->sleep.status == MOIRAI_OK);
    if (moirai_now_ns() < n->sleep.deadline_ns)
        ADD(n->early, 1);
    ADD(n->over, 1);
    return MOIRAI_READY;
}

static void drop_nap(moirai_future_t *self)
{
    moirai_sleep_t plain;
    moirai_sleep_init(&plain, 0);
    plain.future.ops->drop(self);
}

static const moirai_future_ops_t nap_ops = {.poll = poll_nap, .drop = drop_nap};

static void spawn_nap(moirai_executor_t *x, moirai_task_t *task, uint64_t deadline_ns, unsigned *over, unsigned *early)
{
    struct nap n = {.over = over, .early = early};
    moirai_sleep_init(&n.sleep, deadline_ns);
    n.sleep.future.ops = &nap_ops;
    assert_int_equal(moirai_async(x, task, &n.sleep.future, sizeof n), MOIRAI_OK);
}

/* ---- By the system's clock. */
static void sleep_in_task(void *data)
{
    uint64_t deadline = in_ms(2);
    EXPECT(moirai_sleep_until(deadline) == MOIRAI_OK);
    EXPECT(moirai_now_ns() >= deadline);
    SET(*(bool **)data, true);
}

static void test_never_early(void **unused)
{
    bool slept = false, *where = &slept;
    for (uint64_t ns = 1; ns < 20000000; ns = ns * 7 + 3) {
        uint64_t deadline = moirai_now_ns() + ns;
        assert_int_equal(moirai_sleep_until(deadline), MOIRAI_OK);
        assert_true(moirai_now_ns() >= deadline);
    }
    assert_int_equal(moirai_sleep_until(0), MOIRAI_OK);
    assert_int_equal(moirai_sleep_for(0), MOIRAI_OK);
    assert_int_equal(moirai_run(NULL, sleep_in_task, &where, sizeof where), MOIRAI_OK);
    assert_true(slept);
}

static void sleep_in_fiber(void *over)
{
    uint64_t deadline = in_ms(20);
    EXPECT(moirai_sleep_until(deadline) == MOIRAI_OK);
    EXPECT(moirai_now_ns() >= deadline);
    ADD((unsigned *)over, 1);
}

/* Of one worker: they sleep beside each other, each without its thread. */
static void test_fibers(void **unused)
{
    unsigned over = 0;
    moirai_executor_t *x = made(1);
    for (int i = 0; i < 200; i++)
        assert_int_equal(moirai_fiber_spawn(x, NULL, NULL, sleep_in_fiber, &over), MOIRAI_OK);
    end(x);
    assert_int_equal(over, 200);
}

/* Each is nearer than all that run, so the thread that sleeps has to hear of it. */
static void test_nearer_and_nearer(void **unused)
{
    unsigned over = 0, early = 0;
    moirai_executor_t *x = made(2);
    uint64_t now = moirai_now_ns();
    for (unsigned i = 0; i < 200; i++)
        spawn_nap(x, NULL, now + (200 - i) * 300000, &over, &early);
    end(x);
    assert_int_equal(over, 200);
    assert_int_equal(early, 0);
}

static void *sleep_often(void *early)
{
    for (uint32_t seed = 4711 + (uint32_t)pthread_self(), i = 0; i < 100; i++) {
        uint64_t deadline = moirai_now_ns() + next(&seed) % 400000;
        EXPECT(moirai_sleep_until(deadline) == MOIRAI_OK);
        if (moirai_now_ns() < deadline)
            ADD((unsigned *)early, 1);
    }
    return NULL;
}

/* Threads, and tasks some of which are cancelled while their time comes. */
static void test_storm(void **unused)
{
    unsigned over = 0, early = 0, gone = 0;
    moirai_executor_t *x = made(2);
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        t[i] = start(sleep_often, &early);
    for (uint32_t seed = 99, i = 0; i < 2000; i++) {
        moirai_task_t task;
        spawn_nap(x, &task, moirai_now_ns() + next(&seed) % 100000, &over, &early);
        if (i % 3 == 0)
            moirai_cancel(&task);
        int status = moirai_join(&task, NULL);
        assert_true(status == MOIRAI_OK || (i % 3 == 0 && status == MOIRAI_ECANCELED));
        gone += status == MOIRAI_ECANCELED;
    }
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    end(x);
    assert_int_equal(over + gone, 2000);
    assert_int_equal(early, 0);
}

static uint64_t cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* A tenth of the CPU would be hundreds of wake-ups in a millisecond; asleep it is next to nothing. */
static void test_sleepers_take_no_cpu(void **unused)
{
    static moirai_task_t task[SLEEPERS];
    unsigned over = 0, early = 0;
    moirai_executor_t *x = made(2);
    uint64_t far = moirai_now_ns() + 3600 * 1000 * MS;
    SET(&running, 0);
    for (unsigned i = 0; i < SLEEPERS; i++)
        spawn_nap(x, &task[i], far + i * 1000, &over, &early);
    AWAIT(GET(&running) == SLEEPERS);
    moirai_sleep_for(100 * MS); /* nobody spins any more */
    uint64_t before = cpu_ns();
    usleep(500000);
    uint64_t took = cpu_ns() - before;
    for (unsigned i = 0; i < SLEEPERS; i++) {
        assert_int_equal(moirai_cancel(&task[i]), MOIRAI_EBUSY);
        assert_int_equal(moirai_join(&task[i], NULL), MOIRAI_ECANCELED);
    }
    end(x);
    assert_int_equal(over, 0);
    assert_true(took < 50 * MS);
}

/* ---- By hand. */
static void hold(void)
{
    assert_int_equal(moirai_clock_hold(), MOIRAI_OK);
}

static void let_go(void)
{
    assert_int_equal(moirai_clock_release(), MOIRAI_OK);
}

static void test_by_hand(void **unused)
{
    unsigned over = 0, early = 0;
    moirai_task_t task[3];
    moirai_executor_t *x = made(2);
    assert_int_equal(moirai_clock_advance(1), MOIRAI_EPERM);
    assert_int_equal(moirai_clock_release(), MOIRAI_EALREADY);
    hold();
    assert_int_equal(moirai_clock_hold(), MOIRAI_EALREADY);
    uint64_t now = moirai_now_ns();
    SET(&running, 0);
    for (unsigned i = 0; i < 3; i++)
        spawn_nap(x, &task[i], now + (i + 1) * 3600 * 1000 * MS, &over, &early);
    AWAIT(GET(&running) == 3);
    assert_int_equal(moirai_clock_release(), MOIRAI_EBUSY);
    assert_int_equal(moirai_join_until(&task[0], NULL, now), MOIRAI_ETIMEDOUT);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(GET(&over), i);
        assert_int_equal(moirai_clock_advance(3600 * 1000 * MS), MOIRAI_OK);
        assert_int_equal(moirai_join(&task[i], NULL), MOIRAI_OK);
    }
    assert_int_equal(moirai_now_ns(), now + 3 * 3600 * 1000 * MS);
    assert_int_equal(early, 0);
    end(x);
    let_go();
    assert_true(moirai_now_ns() < now + 3600 * 1000 * MS);
    assert_int_equal(moirai_sleep_for(1 * MS), MOIRAI_OK); /* the wheels are not ahead */
}

static void test_intervals(void **unused)
{
    static const uint64_t due[3][4] = {{0, 10, 20, 30}, {0, 45, 55, 65}, {0, 40, 50, 60}};
    static const uint64_t missed[3][4] = {{3, 2, 1, 0}, {3, 0, 0, 0}, {3, 0, 0, 0}};
    moirai_interval_t interval;
    assert_int_equal(moirai_interval_init(NULL, 0, 1, MOIRAI_MISSED_SKIP), MOIRAI_EINVAL);
    assert_int_equal(moirai_interval_init(&interval, 0, 0, MOIRAI_MISSED_SKIP), MOIRAI_EINVAL);
    assert_int_equal(moirai_interval_init(&interval, 0, 1, MOIRAI_MISSED_SKIP + 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_interval_wait(NULL), MOIRAI_EINVAL);
    for (int policy = MOIRAI_MISSED_BURST; policy <= MOIRAI_MISSED_SKIP; policy++) {
        hold();
        uint64_t base = moirai_now_ns();
        assert_int_equal(moirai_interval_init(&interval, base, 10 * MS, policy), MOIRAI_OK);
        moirai_clock_advance(35 * MS);
        for (int i = 0; i < 4; i++) {
            uint64_t now = moirai_now_ns(), ahead = base + due[policy][i] * MS;
            if (ahead > now)
                moirai_clock_advance(ahead - now);
            assert_int_equal(moirai_interval_wait(&interval), MOIRAI_OK);
            assert_int_equal(interval.due_ns, base + due[policy][i] * MS);
            assert_int_equal(interval.missed, missed[policy][i]);
        }
        assert_int_equal(moirai_block_on(&interval.future, 1), MOIRAI_ETIMEDOUT); /* the next one is ahead */
        moirai_future_drop(&interval.future);
        let_go();
    }
}

static void test_timeout(void **unused)
{
    moirai_sleep_t sleep;
    moirai_timeout_t limit;
    hold();
    uint64_t now = moirai_now_ns();
    for (int first = 0; first < 2; first++) {
        moirai_sleep_init(&sleep, now + (first ? 2 : 1) * 1000 * MS);
        moirai_timeout_init(&limit, &sleep.future, now + (first ? 1 : 2) * 1000 * MS);
        assert_int_equal(moirai_block_on(&limit.future, now), MOIRAI_ETIMEDOUT);
        moirai_clock_advance(1000 * MS);
        assert_int_equal(moirai_block_on(&limit.future, MOIRAI_FOREVER), MOIRAI_OK);
        assert_int_equal(limit.status, first ? MOIRAI_ETIMEDOUT : MOIRAI_OK);
        assert_int_equal(moirai_clock_release(), MOIRAI_OK); /* the loser's timer does not run any more */
        hold();
        now = moirai_now_ns();
    }
    moirai_sleep_init(&sleep, MOIRAI_FOREVER);
    moirai_timeout_init(&limit, &sleep.future, now + 1);
    assert_int_equal(moirai_block_on(&limit.future, now), MOIRAI_ETIMEDOUT);
    moirai_future_drop(&limit.future);
    let_go();
}

static void *receive_late(void *channel)
{
    long message;
    return (void *)(intptr_t)moirai_channel_recv_until(channel, &message, moirai_now_ns() + 3600 * 1000 * MS);
}

static void test_channels_by_hand(void **unused)
{
    moirai_channel_t *after, *queue;
    moirai_tick_t tick;
    void *status;
    hold();
    assert_int_equal(moirai_after(&after, 60000 * MS), MOIRAI_OK);
    assert_int_equal(moirai_channel_new(&queue, sizeof(long), 1, 0), MOIRAI_OK);
    assert_int_equal(moirai_channel_try_recv(after, &tick), MOIRAI_EBUSY);
    pthread_t t = start(receive_late, queue);
    usleep(2000);
    for (int i = 0; i < 61; i++) /* the thread may begin as late as it likes */
        moirai_clock_advance(1000 * MS);
    assert_int_equal(moirai_channel_recv(after, &tick), MOIRAI_OK);
    for (bool over = false; !over; over = pthread_tryjoin_np(t, &status) == 0)
        moirai_clock_advance(60000 * MS);
    assert_int_equal((intptr_t)status, MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_channel_free(after), MOIRAI_OK);
    assert_int_equal(moirai_channel_free(queue), MOIRAI_OK);
    let_go();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_early),
        cmocka_unit_test(test_fibers),
        cmocka_unit_test(test_nearer_and_nearer),
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_sleepers_take_no_cpu),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_channels_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
