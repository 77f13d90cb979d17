/* Channels by the clock that tests hold: ticks, a single point of time, deadlines and the delay of a batch. Nothing
   here depends on how long anything takes: the hand moves when the test moves it. */
#include "native.h"

#define PERIOD (10 * MS)

static int hold(void **state)
{
    return moirai_clock_hold() == MOIRAI_OK ? 0 : -1;
}

static int release(void **state)
{
    return moirai_clock_release() == MOIRAI_OK ? 0 : -1;
}

static void ticks_come_when_the_hand_passes_them(void **state)
{
    moirai_channel_t *tick;
    moirai_tick_t got;
    uint64_t began = moirai_now_ns();
    assert_int_equal(moirai_tick(&tick, PERIOD), MOIRAI_OK);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(moirai_clock_advance(PERIOD - 1), MOIRAI_OK);
        assert_int_equal(moirai_channel_try_recv(tick, &got), MOIRAI_EBUSY);
        assert_int_equal(moirai_clock_advance(1), MOIRAI_OK);
        assert_int_equal(moirai_channel_try_recv(tick, &got), MOIRAI_OK);
        assert_int_equal(got.due_ns, began + i * PERIOD);
        assert_int_equal(got.missed, 0);
        assert_int_equal(moirai_channel_try_recv(tick, &got), MOIRAI_EBUSY);
    }
    assert_int_equal(moirai_channel_free(tick), MOIRAI_OK);
}

/* Received late: one tick, which says how many more there were; the next one is at a multiple of the period again. */
static void missed_ticks_are_counted_and_not_made_up_for(void **state)
{
    moirai_channel_t *tick;
    moirai_tick_t got;
    uint64_t began = moirai_now_ns();
    assert_int_equal(moirai_tick(&tick, PERIOD), MOIRAI_OK);
    assert_int_equal(moirai_clock_advance(4 * PERIOD + PERIOD / 2), MOIRAI_OK);
    assert_int_equal(moirai_channel_try_recv(tick, &got), MOIRAI_OK);
    assert_int_equal(got.due_ns, began + PERIOD);
    assert_int_equal(got.missed, 3);
    assert_int_equal(moirai_channel_try_recv(tick, &got), MOIRAI_EBUSY);
    assert_int_equal(moirai_clock_advance(PERIOD / 2), MOIRAI_OK);
    assert_int_equal(moirai_channel_try_recv(tick, &got), MOIRAI_OK);
    assert_int_equal(got.due_ns, began + 5 * PERIOD);
    assert_int_equal(got.missed, 0);
    assert_int_equal(moirai_channel_close(tick), MOIRAI_OK);
    assert_int_equal(moirai_clock_advance(PERIOD), MOIRAI_OK);
    assert_int_equal(moirai_channel_try_recv(tick, &got), MOIRAI_ECLOSED);
    assert_int_equal(moirai_channel_free(tick), MOIRAI_OK);
}

/* Who sleeps is woken by the hand: a receiver, a select, a future. */
struct waiter {
    moirai_channel_t *tick;
    moirai_tick_t got[3];
    int status[3];
    int received; /* how many */
};

static void *waits_for_three(void *arg)
{
    struct waiter *w = arg;
    moirai_case_t receive = {w->tick, &w->got[1], MOIRAI_RECV, 0};
    moirai_recv_t future;
    w->status[0] = moirai_channel_recv(w->tick, &w->got[0]);
    SET(&w->received, 1);
    w->status[1] = moirai_select(&receive, 1, 0, MOIRAI_FOREVER);
    SET(&w->received, 2);
    moirai_recv_init(&future, w->tick, &w->got[2]);
    w->status[2] = moirai_block_on(&future.future, MOIRAI_FOREVER);
    SET(&w->received, 3);
    return NULL;
}

static void who_waits_for_a_tick_is_woken_by_the_hand(void **state)
{
    struct waiter w = {.status = {-1, -1, -1}};
    uint64_t began = moirai_now_ns();
    assert_int_equal(moirai_tick(&w.tick, 3600 * 1000 * MS), MOIRAI_OK);
    pthread_t t = start(waits_for_three, &w);
    for (int i = 0; i < 3; i++) {
        usleep(2000); /* it may be asleep */
        assert_int_equal(GET(&w.received), i);
        assert_int_equal(moirai_clock_advance(3600 * 1000 * MS), MOIRAI_OK);
        while (GET(&w.received) == i) /* the test's own limit ends it otherwise */
            usleep(100);
    }
    pthread_join(t, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(w.status[i], 0);
        assert_int_equal(w.got[i].due_ns, began + (uint64_t)(i + 1) * 3600 * 1000 * MS);
        assert_int_equal(w.got[i].missed, 0);
    }
    assert_int_equal(moirai_channel_free(w.tick), MOIRAI_OK);
}

static void after_comes_when_the_hand_has_passed_it(void **state)
{
    moirai_channel_t *after;
    moirai_tick_t got;
    uint64_t began = moirai_now_ns();
    assert_int_equal(moirai_after(&after, PERIOD), MOIRAI_OK);
    assert_int_equal(moirai_clock_advance(PERIOD - 1), MOIRAI_OK);
    assert_int_equal(moirai_channel_try_recv(after, &got), MOIRAI_EBUSY);
    assert_int_equal(moirai_channel_recv_until(after, &got, began), MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_clock_advance(1), MOIRAI_OK);
    assert_int_equal(moirai_channel_recv(after, &got), MOIRAI_OK);
    assert_int_equal(got.due_ns, began + PERIOD);
    assert_int_equal(moirai_channel_recv(after, &got), MOIRAI_ECLOSED);
    assert_int_equal(moirai_channel_free(after), MOIRAI_OK);
}

/* A batch that is not full waits for exactly its delay. */
static void a_batch_is_late_by_the_hand(void **state)
{
    const moirai_batching_attr_t attr = {4, 8, PERIOD};
    moirai_channel_t *c;
    moirai_batching_stats_t stats;
    long in = 5, out[8];
    assert_int_equal(moirai_batching_new(&c, sizeof in, 16, &attr), MOIRAI_OK);
    assert_int_equal(moirai_channel_send(c, &in), MOIRAI_OK);
    assert_int_equal(moirai_clock_advance(PERIOD - 1), MOIRAI_OK);
    assert_int_equal(moirai_channel_recv_many(c, out, 8, 0), MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_clock_advance(1), MOIRAI_OK);
    assert_int_equal(moirai_channel_recv_many(c, out, 8, 0), 1);
    assert_int_equal(out[0], 5);
    assert_int_equal(moirai_batching_stats(c, &stats), MOIRAI_OK);
    assert_int_equal(stats.late, 1);
    assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ticks_come_when_the_hand_passes_them, hold, release),
        cmocka_unit_test_setup_teardown(missed_ticks_are_counted_and_not_made_up_for, hold, release),
        cmocka_unit_test_setup_teardown(who_waits_for_a_tick_is_woken_by_the_hand, hold, release),
        cmocka_unit_test_setup_teardown(after_comes_when_the_hand_has_passed_it, hold, release),
        cmocka_unit_test_setup_teardown(a_batch_is_late_by_the_hand, hold, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
