/* Cancellation of futures that wait and that nobody wakes: it reaches them at once, and each is dropped, once. */
#include "native.h"
#include "storm.h"

#include <string.h>

#define MANY   3000 /* more than a part of the set has room for at first */
#define ROUNDS 60
#define FEW    40

/* ---- Waits for ever, but for who wakes it by its place. */
struct rock {
    moirai_future_t future;
    struct place *place;
};

struct place {
    pthread_mutex_t lock;
    moirai_waker_t waker;
    bool waits, may_go;
};

static struct place places[MANY];
static long polled, dropped, gone;

static moirai_waker_t take_waker(struct place *p)
{
    moirai_waker_t w = {0};
    pthread_mutex_lock(&p->lock);
    if (p->waits)
        w = p->waker;
    p->waits = false;
    pthread_mutex_unlock(&p->lock);
    return w;
}

static void give_up(struct place *p)
{
    moirai_waker_t w = take_waker(p);
    if (w.moirai_word)
        moirai_waker_drop(&w);
}

static int poll_rock(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct place *p = ((struct rock *)self)->place;
    pthread_mutex_lock(&p->lock);
    bool first = !p->waits, may_go = p->may_go;
    if (first && !may_go) {
        p->waker = moirai_waker_clone(waker);
        p->waits = true;
    }
    pthread_mutex_unlock(&p->lock);
    ADD(&polled, 1);
    if (may_go) {
        give_up(p);
        ADD(&gone, 1);
    }
    return may_go ? MOIRAI_READY : MOIRAI_PENDING;
}

static void drop_rock(moirai_future_t *self)
{
    give_up(((struct rock *)self)->place);
    ADD(&dropped, 1);
}

static struct rock rock(unsigned place)
{
    static const moirai_future_ops_t ops = {.poll = poll_rock, .drop = drop_rock};
    places[place] = (struct place){.lock = PTHREAD_MUTEX_INITIALIZER};
    return (struct rock){{&ops}, &places[place]};
}

static void begin_count(void)
{
    SET(&polled, 0);
    SET(&dropped, 0);
    SET(&gone, 0);
}

static void put_in_group(moirai_group_t *group, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        struct rock r = rock(i);
        assert_int_equal(moirai_group_async(group, NULL, &r.future, sizeof r), MOIRAI_OK);
    }
}

static void put(moirai_executor_t *x, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        struct rock r = rock(i);
        assert_int_equal(moirai_async(x, NULL, &r.future, sizeof r), MOIRAI_OK);
    }
}

static void a_group(void **unused)
{
    moirai_executor_t *x = made(2);
    moirai_group_t *other, *group;
    begin_count();
    assert_int_equal(moirai_group_open(&other, x, 0), MOIRAI_OK);
    assert_int_equal(moirai_group_open(&group, x, 0), MOIRAI_OK);
    put_in_group(group, 0, MANY - 100);
    put_in_group(other, MANY - 100, MANY - 50);
    put(x, MANY - 50, MANY);
    AWAIT(GET(&polled) == MANY);
    assert_int_equal(moirai_group_cancel(group), MOIRAI_OK);
    assert_int_equal(moirai_group_close(group), MOIRAI_ECANCELED);
    assert_int_equal(GET(&dropped), MANY - 100); /* and nothing but what was in it */
    put_in_group(other, 0, 1);
    assert_int_equal(moirai_group_cancel(other), MOIRAI_OK);
    assert_int_equal(moirai_group_close(other), MOIRAI_ECANCELED);
    assert_int_equal(GET(&dropped), MANY - 100 + 51);
    assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_CANCEL, 0), MOIRAI_OK);
    assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
    assert_int_equal(GET(&dropped), MANY + 1);
}

/* A failure in a group cancels it, and what cancels the outer one cancels the inner. */
static void say_no(void *unused)
{
    moirai_task_fail(7, "on purpose");
}

static void wait_further_in(void *at)
{
    moirai_group_t *inner;
    assert_int_equal(moirai_group_open(&inner, *(moirai_executor_t **)at, 0), MOIRAI_OK);
    put_in_group(inner, 0, FEW);
    assert_int_equal(moirai_group_close(inner), MOIRAI_ECANCELED);
}

static void by_a_failure(void **unused)
{
    moirai_executor_t *x = made(2);
    moirai_group_t *outer;
    begin_count();
    assert_int_equal(moirai_group_open(&outer, x, 0), MOIRAI_OK);
    assert_int_equal(moirai_group_spawn(outer, NULL, wait_further_in, &x, sizeof x), MOIRAI_OK);
    AWAIT(GET(&polled) == FEW);
    assert_int_equal(moirai_group_spawn(outer, NULL, say_no, NULL, 0), MOIRAI_OK);
    assert_int_equal(moirai_group_close(outer), MOIRAI_EFAILED);
    assert_int_equal(GET(&dropped), FEW);
    end(x);
}

/* At its deadline a shutdown that drains cancels. */
static void a_shutdown(void **unused)
{
    for (int drains = 0; drains < 2; drains++) {
        moirai_executor_t *x = made(2);
        begin_count();
        put(x, 0, MANY);
        AWAIT(GET(&polled) == MANY);
        if (drains)
            assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DEADLINE, moirai_now_ns() + 1000000),
                             MOIRAI_ETIMEDOUT);
        else
            assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_CANCEL, 0), MOIRAI_OK);
        assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
        assert_int_equal(GET(&dropped), MANY);
    }
}

/* ---- Futures that begin to wait, are woken, end and are cancelled all at once: each ends in one way. */
static void *wake_some(void *seed_at)
{
    uint32_t seed = *(uint32_t *)seed_at;
    for (unsigned i = 0; i < FEW; i++) {
        struct place *p = &places[next(&seed) % FEW];
        pthread_mutex_lock(&p->lock);
        p->may_go = next(&seed) % 2;
        pthread_mutex_unlock(&p->lock);
        moirai_waker_t w = take_waker(p);
        if (w.moirai_word) {
            moirai_waker_wake(&w);
            moirai_waker_drop(&w);
        }
    }
    return NULL;
}

static void storm(void **unused)
{
    moirai_executor_t *x = made(3);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        moirai_group_t *group;
        uint32_t seed = round;
        pthread_t waker;
        begin_count();
        for (unsigned i = 0; i < FEW; i++)
            rock(i);
        assert_int_equal(moirai_group_open(&group, x, 0), MOIRAI_OK);
        struct rock r = rock(0);
        for (unsigned i = 0; i < FEW; i++) {
            r.place = &places[i];
            assert_int_equal(moirai_group_async(group, NULL, &r.future, sizeof r), MOIRAI_OK);
            if (i == FEW / 4)
                assert_int_equal(pthread_create(&waker, NULL, wake_some, &seed), 0);
            if (i == round % FEW)
                assert_int_equal(moirai_group_cancel(group), MOIRAI_OK);
        }
        moirai_group_close(group);
        pthread_join(waker, NULL);
        assert_int_equal(GET(&dropped) + GET(&gone), FEW);
    }
    end(x);
}

/* By number, before it is made, and once more while that is carried out. */
static void cancel_once_more(void *statuses, const moirai_task_info_t *task)
{
    int status = moirai_id_cancel(task->id);
    ADD(&((long *)statuses)[status == MOIRAI_OK ? 0 : status == MOIRAI_EBUSY ? 1 : 2], 1);
}

static void before_it_is_made(void **unused)
{
    long statuses[3] = {0};
    const moirai_plugin_t plugin = {
        .user = statuses, .before_spawn = cancel_once_more, .before_complete = cancel_once_more};
    moirai_executor_attr_t attr = attr_of(2);
    moirai_task_t task;
    assert_int_equal(moirai_executor_attr_set_retention(&attr, MOIRAI_FOREVER, 4, 0), MOIRAI_OK);
    assert_int_equal(moirai_executor_attr_add_plugin(&attr, &plugin), MOIRAI_OK);
    moirai_executor_t *x = made_of(&attr);
    begin_count();
    for (unsigned i = 0; i < FEW; i++) {
        struct rock r = rock(i);
        assert_int_equal(moirai_async(x, &task, &r.future, sizeof r), MOIRAI_OK);
        assert_int_equal(moirai_join(&task, NULL), MOIRAI_ECANCELED);
    }
    end(x);
    assert_int_equal(statuses[0], FEW);
    assert_int_equal(statuses[1], FEW);
    assert_int_equal(GET(&dropped), FEW);
    assert_int_equal(GET(&polled), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group), cmocka_unit_test(by_a_failure),      cmocka_unit_test(a_shutdown),
        cmocka_unit_test(storm),   cmocka_unit_test(before_it_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
