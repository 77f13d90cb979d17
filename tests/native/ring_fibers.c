/* Waits in rings where they must keep nobody else from running, and by whose clock. */
#include "native.h"

#define FIBERS   4
#define MESSAGES 50
#define LONG_MS  20 /* beyond the time for which a fiber looks by itself */

static const moirai_ring_shape_t shape = {MOIRAI_RING_SPSC, 4, 8};

struct pair {
    moirai_ring_t *in, *out;
    uint64_t sum;
    int status;
};

static void open_pair(struct pair *p)
{
    int fd;
    *p = (struct pair){.status = MOIRAI_OK};
    assert_int_equal(moirai_ring_new(&p->in, &shape, MOIRAI_RING_RECEIVER), MOIRAI_OK);
    assert_int_equal(moirai_ring_fd(p->in, &fd), MOIRAI_OK);
    assert_int_equal(moirai_ring_attach(&p->out, fd, NULL, MOIRAI_RING_SENDER), MOIRAI_OK);
    close(fd);
}

static void close_pair(struct pair *p)
{
    moirai_ring_close(p->out);
    moirai_ring_close(p->in);
}

static int send_value(moirai_ring_t *ring, uint64_t value)
{
    void *room;
    int status = moirai_ring_loan(ring, &room);
    if (status != MOIRAI_OK)
        return status;
    memcpy(room, &value, sizeof value);
    return moirai_ring_publish(ring, sizeof value);
}

static void receive_all(void *pair)
{
    struct pair *p = pair;
    for (unsigned i = 0; i < MESSAGES && p->status == MOIRAI_OK; i++) {
        const void *message;
        size_t bytes;
        uint64_t value;
        if ((p->status = moirai_ring_receive(p->in, &message, &bytes)) != MOIRAI_OK)
            return;
        memcpy(&value, message, sizeof value);
        p->sum += value;
        p->status = moirai_ring_release(p->in);
    }
}

/* Both sides of all rings, on one worker: a wait that kept it would be the last thing that it did. */
static void send_to_all(void *pairs)
{
    struct pair *p = pairs;
    for (unsigned i = 1; i <= MESSAGES; i++) {
        if (i < 4)
            moirai_fiber_sleep_until(in_ms(LONG_MS));
        for (unsigned k = 0; k < FIBERS; k++)
            if (send_value(p[k].out, i) != MOIRAI_OK)
                p[k].status = MOIRAI_EIO;
    }
}

static void converse(moirai_executor_t *x)
{
    struct pair pairs[FIBERS];
    moirai_task_t tasks[FIBERS + 1];
    for (unsigned i = 0; i < FIBERS; i++) {
        open_pair(&pairs[i]);
        assert_int_equal(moirai_fiber_spawn(x, &tasks[i], NULL, receive_all, &pairs[i]), MOIRAI_OK);
    }
    assert_int_equal(moirai_fiber_spawn(x, &tasks[FIBERS], NULL, send_to_all, pairs), MOIRAI_OK);
    assert_int_equal(moirai_join_all(tasks, FIBERS + 1, NULL), MOIRAI_OK);
    for (unsigned i = 0; i < FIBERS; i++) {
        assert_int_equal(pairs[i].status, MOIRAI_OK);
        assert_int_equal(pairs[i].sum, (uint64_t)MESSAGES * (MESSAGES + 1) / 2);
        close_pair(&pairs[i]);
    }
}

static void fibers_share_a_worker(void **state)
{
    (void)state;
    moirai_executor_t *x = made(1);
    converse(x);
    end(x);
}

static void keep(void *over)
{
    while (!GET(*(int **)over))
        usleep(1000);
}

/* Nor do they need a thread for blocking work. */
static void fibers_wait_without_threads(void **state)
{
    (void)state;
    int over = 0, *address = &over;
    moirai_task_t keeper;
    moirai_executor_attr_t attr = attr_of(1);
    assert_int_equal(moirai_executor_attr_set_blocking_limit(&attr, 1), MOIRAI_OK);
    moirai_executor_t *x = made_of(&attr);
    assert_int_equal(moirai_spawn_blocking(x, &keeper, keep, &address, sizeof address), MOIRAI_OK);
    converse(x);
    SET(&over, 1);
    assert_int_equal(moirai_join(&keeper, NULL), MOIRAI_OK);
    end(x);
}

static void wait_in_vain(void *pair)
{
    struct pair *p = pair;
    const void *message;
    size_t bytes;
    uint64_t deadline = in_ms(LONG_MS);
    p->status = moirai_ring_receive_until(p->in, &message, &bytes, deadline);
    p->sum = moirai_now_ns() >= deadline;
}

static void a_fiber_has_a_deadline(void **state)
{
    (void)state;
    struct pair p;
    moirai_task_t task;
    moirai_executor_t *x = made(1);
    open_pair(&p);
    assert_int_equal(moirai_fiber_spawn(x, &task, NULL, wait_in_vain, &p), MOIRAI_OK);
    assert_int_equal(moirai_join(&task, NULL), MOIRAI_OK);
    assert_int_equal(p.status, MOIRAI_ETIMEDOUT);
    assert_true(p.sum);
    close_pair(&p);
    end(x);
}

#define HOUR (3600000 * MS)

static void *wait_an_hour(void *pair)
{
    struct pair *p = pair;
    const void *message;
    size_t bytes;
    p->status = moirai_ring_receive_until(p->in, &message, &bytes, p->sum);
    return NULL;
}

static void the_clock_may_be_held(void **state)
{
    (void)state;
    struct pair p;
    open_pair(&p);
    assert_int_equal(moirai_clock_hold(), MOIRAI_OK);
    p.sum = moirai_now_ns() + HOUR;
    pthread_t thread = start(wait_an_hour, &p);
    usleep(5000);
    assert_int_equal(moirai_clock_advance(HOUR), MOIRAI_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(p.status, MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_clock_release(), MOIRAI_OK);
    close_pair(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fibers_share_a_worker),
        cmocka_unit_test(fibers_wait_without_threads),
        cmocka_unit_test(a_fiber_has_a_deadline),
        cmocka_unit_test(the_clock_may_be_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
