/* Fibers that wait: for futures, at several channels, with deadlines at channels with room, for one that keeps its
   worker; and fibers that one worker alone may run. */
#include "native.h"

#define FIBERS 100
#define TURNS  50

static moirai_task_t spawned(moirai_executor_t *x, const moirai_fiber_attr_t *attr, void (*fn)(void *), void *arg)
{
    moirai_task_t task;
    assert_int_equal(moirai_fiber_spawn(x, &task, attr, fn, arg), MOIRAI_OK);
    return task;
}

static void run(moirai_executor_t *x, unsigned count, void (*fn)(void *), void *arg)
{
    moirai_task_t tasks[FIBERS];
    for (unsigned i = 0; i < count; i++)
        tasks[i] = spawned(x, NULL, fn, arg);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(moirai_join(&tasks[i], NULL), MOIRAI_OK);
}

static moirai_channel_t *channel(size_t capacity)
{
    moirai_channel_t *c;
    assert_int_equal(moirai_channel_new(&c, sizeof(long), capacity, 0), MOIRAI_OK);
    return c;
}

/* ---- A fiber that is woken runs although who woke it stays with its worker and calls nothing any more. */
struct spinner {
    moirai_sem_t sem;
    int waits, passed;
};

static void pass(void *arg)
{
    struct spinner *s = arg;
    SET(&s->waits, 1);
    assert_int_equal(moirai_sem_wait(&s->sem), MOIRAI_OK);
    SET(&s->passed, 1);
}

static void wake_and_spin(void *arg)
{
    struct spinner *s = arg;
    while (!GET(&s->waits))
        moirai_fiber_yield();
    for (int i = 0; i < 3; i++)
        moirai_fiber_yield();
    assert_int_equal(moirai_sem_post(&s->sem), MOIRAI_OK);
    while (!GET(&s->passed))
        ;
}

static void woken_beside_a_busy_one(void **state)
{
    for (unsigned workers = 2; workers <= 3; workers++) {
        moirai_executor_t *x = made(workers);
        for (int i = 0; i < 100; i++) {
            struct spinner s = {.waits = 0};
            moirai_sem_init(&s.sem, 0);
            moirai_task_t a = spawned(x, NULL, pass, &s), b = spawned(x, NULL, wake_and_spin, &s);
            assert_int_equal(moirai_join(&a, NULL), MOIRAI_OK);
            assert_int_equal(moirai_join(&b, NULL), MOIRAI_OK);
        }
        end(x);
    }
}

/* Two that wake each other for ever keep neither a task nor a fiber that yields waiting. */
struct crowd {
    moirai_channel_t *there, *back;
    int over;
};

static void play(void *arg)
{
    struct crowd *c = arg;
    long m = 0;
    while (!GET(&c->over)) {
        assert_int_equal(moirai_channel_send(c->there, &m), MOIRAI_OK);
        assert_int_equal(moirai_channel_recv(c->back, &m), MOIRAI_OK);
    }
    assert_int_equal(moirai_channel_close(c->there), MOIRAI_OK);
}

static void reply(void *arg)
{
    struct crowd *c = arg;
    long m;
    while (moirai_channel_recv(c->there, &m) == MOIRAI_OK)
        assert_int_equal(moirai_channel_send(c->back, &m), MOIRAI_OK);
}

static void end_it(void *arg)
{
    struct crowd *c = *(struct crowd **)arg;
    SET(&c->over, 1);
}

static void yield_then_end(void *arg)
{
    for (int i = 0; i < 10; i++)
        moirai_fiber_yield();
    end_it(&arg);
}

static void nobody_starves(void **state)
{
    for (int kind = 0; kind < 2; kind++) {
        struct crowd c = {channel(MOIRAI_RENDEZVOUS), channel(MOIRAI_RENDEZVOUS), 0}, *p = &c;
        moirai_executor_t *x = made(1);
        moirai_task_t a = spawned(x, NULL, play, &c), b = spawned(x, NULL, reply, &c), last;
        if (kind == 0)
            assert_int_equal(moirai_spawn(x, &last, end_it, &p, sizeof p), MOIRAI_OK);
        else
            last = spawned(x, NULL, yield_then_end, &c);
        assert_int_equal(moirai_join(&a, NULL), MOIRAI_OK);
        assert_int_equal(moirai_join(&b, NULL), MOIRAI_OK);
        assert_int_equal(moirai_join(&last, NULL), MOIRAI_OK);
        end(x);
        assert_int_equal(moirai_channel_free(c.there), MOIRAI_OK);
        assert_int_equal(moirai_channel_free(c.back), MOIRAI_OK);
    }
}

/* ---- Futures. */
static void block_on_sleeps(void *arg)
{
    moirai_sleep_t s;
    uint64_t until = in_ms(2);
    moirai_sleep_init(&s, until);
    assert_int_equal(moirai_block_on(&s.future, MOIRAI_FOREVER), MOIRAI_OK);
    assert_true(moirai_now_ns() >= until);
    moirai_sleep_init(&s, in_ms(3600 * 1000));
    assert_int_equal(moirai_block_on(&s.future, in_ms(2)), MOIRAI_ETIMEDOUT);
    moirai_future_drop(&s.future);
}

static void futures_inside(void **state)
{
    moirai_executor_t *x = made(1);
    run(x, FIBERS, block_on_sleeps, NULL);
    end(x);
}

/* ---- Several channels: each message is received once, whichever case it comes by. */
struct cases {
    moirai_channel_t *in[2], *out;
    long sum;
};

static void choose(void *arg)
{
    struct cases *c = arg;
    long from[2] = {0, 0}, one = 1;
    for (int i = 0; i < TURNS; i++) {
        moirai_case_t cases[] = {
            {c->in[0], &from[0], MOIRAI_RECV, 0}, {c->in[1], &from[1], MOIRAI_RECV, 0}, {c->out, &one, MOIRAI_SEND, 0}};
        int which = moirai_select(cases, 3, 0, MOIRAI_FOREVER);
        assert_in_range(which, 0, 2);
        assert_int_equal(cases[which].status, MOIRAI_OK);
        ADD(&c->sum, which < 2 ? from[which] : one);
    }
}

static void feed(void *arg)
{
    struct cases *c = arg;
    for (int i = 0; i < TURNS; i++) {
        long m = 1;
        moirai_case_t cases[] = {{c->in[i % 2], &m, MOIRAI_SEND, 0}, {c->out, &m, MOIRAI_RECV, 0}};
        int which = moirai_select(cases, 2, i % 3 ? 0 : MOIRAI_SELECT_BIASED, MOIRAI_FOREVER);
        assert_in_range(which, 0, 1);
        assert_int_equal(cases[which].status, MOIRAI_OK);
    }
}

static void selects_inside(void **state)
{
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct cases c = {{channel(MOIRAI_RENDEZVOUS), channel(MOIRAI_RENDEZVOUS)}, channel(MOIRAI_RENDEZVOUS), 0};
        moirai_task_t choosers[20], feeders[20];
        moirai_executor_t *x = made(workers);
        for (int i = 0; i < 20; i++) {
            choosers[i] = spawned(x, NULL, choose, &c);
            feeders[i] = spawned(x, NULL, feed, &c);
        }
        for (int i = 0; i < 20; i++) {
            assert_int_equal(moirai_join(&choosers[i], NULL), MOIRAI_OK);
            assert_int_equal(moirai_join(&feeders[i], NULL), MOIRAI_OK);
        }
        assert_int_equal(c.sum, 20 * TURNS);
        end(x);
        for (int i = 0; i < 2; i++)
            assert_int_equal(moirai_channel_free(c.in[i]), MOIRAI_OK);
        assert_int_equal(moirai_channel_free(c.out), MOIRAI_OK);
    }
}

/* ---- Deadlines. */
static void time_out(void *arg)
{
    moirai_channel_t *c = channel(1), *other = channel(4);
    long m = 7, n = 0;
    uint64_t until = in_ms(2);
    assert_int_equal(moirai_channel_recv_until(c, &n, until), MOIRAI_ETIMEDOUT);
    assert_true(moirai_now_ns() >= until);
    assert_int_equal(moirai_channel_send_until(c, &m, in_ms(2)), MOIRAI_OK);
    assert_int_equal(moirai_channel_send_until(c, &m, in_ms(2)), MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_channel_send_until(c, &m, 0), MOIRAI_ETIMEDOUT);
    moirai_case_t cases[] = {{c, &m, MOIRAI_SEND, 0}, {other, &n, MOIRAI_RECV, 0}};
    assert_int_equal(moirai_select(cases, 2, 0, in_ms(2)), MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_channel_recv_until(c, &n, in_ms(2)), MOIRAI_OK);
    assert_int_equal(n, 7);
    assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
    assert_int_equal(moirai_channel_free(other), MOIRAI_OK);
}

static void deadlines_at_channels(void **state)
{
    moirai_executor_t *x = made(2);
    run(x, FIBERS, time_out, NULL);
    end(x);
}

/* ---- One worker. */
static moirai_sem_t gate;

static void stay(void *arg)
{
    int worker = (int)(intptr_t)arg;
    for (int i = 0; i < TURNS; i++) {
        assert_int_equal(moirai_worker_index(), worker);
        if (i % 3 == 0)
            moirai_fiber_yield();
        else if (i % 3 == 1)
            assert_int_equal(moirai_sem_wait(&gate), MOIRAI_OK);
        else
            moirai_fiber_sleep_until(moirai_now_ns() + 1000);
    }
}

static void post_for_all(void *arg)
{
    for (int i = 0; i < FIBERS * TURNS; i++) {
        assert_int_equal(moirai_sem_post(&gate), MOIRAI_OK);
        if (i % 16 == 0)
            moirai_fiber_yield();
    }
}

static void pinned(void **state)
{
    moirai_task_t tasks[FIBERS];
    moirai_fiber_attr_t attr, raw = {{0}};
    moirai_executor_t *x = made(3);
    moirai_sem_init(&gate, 0);
    moirai_fiber_attr_init(&attr);
    assert_int_equal(moirai_fiber_attr_set_worker(&raw, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_fiber_attr_set_worker(&attr, MOIRAI_WORKERS_MAX), MOIRAI_EINVAL);
    assert_int_equal(moirai_fiber_attr_set_worker(&attr, 3), MOIRAI_OK);
    assert_int_equal(moirai_fiber_spawn(x, NULL, &attr, stay, NULL), MOIRAI_EINVAL);
    for (int i = 0; i < FIBERS; i++) {
        assert_int_equal(moirai_fiber_attr_set_worker(&attr, (unsigned)i % 3), MOIRAI_OK);
        tasks[i] = spawned(x, &attr, stay, (void *)(intptr_t)(i % 3));
    }
    moirai_task_t poster = spawned(x, NULL, post_for_all, NULL);
    for (int i = 0; i < FIBERS; i++)
        assert_int_equal(moirai_join(&tasks[i], NULL), MOIRAI_OK);
    assert_int_equal(moirai_join(&poster, NULL), MOIRAI_OK);
    end(x);
}

/* ---- A fiber that yields until something has been done, on the worker that waits for both: the other comes first. */
static void raise_flag(void *flag)
{
    SET(*(int **)flag, 1);
}

static void yield_until_raised(void *flag)
{
    while (!GET((int *)flag))
        moirai_fiber_yield();
}

static void wait_for_both(void *flags)
{
    int raised = 0, *r = &raised;
    moirai_group_t *group;
    moirai_fiber_attr_t attr;
    moirai_fiber_attr_init(&attr);
    assert_int_equal(moirai_group_open(&group, NULL, *(int *)flags), MOIRAI_OK);
    assert_int_equal(moirai_fiber_attr_set_group(&attr, group), MOIRAI_OK);
    assert_int_equal(moirai_group_spawn(group, NULL, raise_flag, &r, sizeof r), MOIRAI_OK);
    assert_int_equal(moirai_fiber_spawn(NULL, NULL, &attr, yield_until_raised, r), MOIRAI_OK);
    assert_int_equal(moirai_group_close(group), MOIRAI_OK);
}

static void yields_below_a_wait(void **state)
{
    moirai_executor_t *x = made(1);
    for (int flags = 0; flags <= MOIRAI_GROUP_ISOLATED; flags += MOIRAI_GROUP_ISOLATED)
        assert_int_equal(moirai_run(x, wait_for_both, &flags, sizeof flags), MOIRAI_OK);
    end(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(woken_beside_a_busy_one), cmocka_unit_test(nobody_starves),
        cmocka_unit_test(futures_inside),          cmocka_unit_test(selects_inside),
        cmocka_unit_test(deadlines_at_channels),   cmocka_unit_test(pinned),
        cmocka_unit_test(yields_below_a_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
