/* Futures and wakers: what each call answers, and that no wake-up is lost, from wherever it comes. */
#include "native.h"
#include "storm.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- Something to wait for: opened by anybody, once. */
struct door {
    pthread_mutex_t lock;
    moirai_waker_t waker; /* of who waits */
    bool waited, open;
};

static void door_init(struct door *d)
{
    *d = (struct door){.lock = PTHREAD_MUTEX_INITIALIZER};
}

static void open_door(struct door *d)
{
    pthread_mutex_lock(&d->lock);
    d->open = true;
    bool waited = d->waited;
    moirai_waker_t waker = d->waker;
    d->waited = false;
    pthread_mutex_unlock(&d->lock);
    if (waited) {
        moirai_waker_wake(&waker);
        moirai_waker_drop(&waker);
    }
}

struct passage {
    moirai_future_t future;
    struct door *door;
    int polls, result;
    bool *dropped;
    int *over; /* counted up when it needs its door no more */
};

static int poll_passage(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct passage *p = (struct passage *)self;
    struct door *d = p->door;
    p->polls++;
    pthread_mutex_lock(&d->lock);
    bool open = d->open, other = d->waited && !moirai_waker_same(&d->waker, waker);
    moirai_waker_t old = d->waker;
    if (!open && (!d->waited || other)) {
        d->waker = moirai_waker_clone(waker);
        d->waited = true;
    }
    pthread_mutex_unlock(&d->lock);
    if (other && !open)
        moirai_waker_drop(&old);
    p->result = 42;
    if (open && p->over)
        ADD(p->over, 1);
    return open ? MOIRAI_READY : MOIRAI_PENDING;
}

static void drop_passage(moirai_future_t *self)
{
    struct passage *p = (struct passage *)self;
    if (p->dropped)
        SET(p->dropped, true);
}

static const moirai_future_ops_t passage_ops = {.poll = poll_passage, .drop = drop_passage};

static struct passage passage(struct door *d)
{
    return (struct passage){{&passage_ops}, d, 0, 0, NULL, NULL};
}

static bool is_waited_for(struct door *d)
{
    pthread_mutex_lock(&d->lock);
    bool waited = d->waited;
    pthread_mutex_unlock(&d->lock);
    return waited;
}

/* ---- Tasks. */
static void test_open_before(void **unused)
{
    struct door d;
    door_init(&d);
    open_door(&d);
    struct passage p = passage(&d);
    moirai_task_t task;
    assert_int_equal(moirai_async(NULL, &task, &p.future, sizeof p), MOIRAI_OK);
    assert_int_equal(moirai_join(&task, &p), MOIRAI_OK);
    assert_int_equal(p.result, 42);
    assert_int_equal(p.polls, 1);
    assert_int_equal(moirai_join(&task, &p), MOIRAI_ESTALE);
}

static void test_open_after(void **unused)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        moirai_executor_t *x = made(workers);
        struct door d;
        door_init(&d);
        struct passage p = passage(&d);
        moirai_task_t task;
        assert_int_equal(moirai_async(x, &task, &p.future, sizeof p), MOIRAI_OK);
        AWAIT(is_waited_for(&d));
        assert_int_equal(moirai_try_join(&task, NULL), MOIRAI_EBUSY);
        assert_int_equal(moirai_task_state(&task), MOIRAI_TASK_RUNNING);
        open_door(&d);
        assert_int_equal(moirai_join(&task, &p), MOIRAI_OK);
        assert_int_equal(p.polls, 2);
        end(x);
    }
}

static void *open_it(void *d)
{
    open_door(d);
    return NULL;
}

/* Before it parks, while it is polled, after it has parked: as it comes. */
static void test_open_any_time(void **unused)
{
    moirai_executor_t *x = made(2);
    for (int i = 0; i < 2000; i++) {
        struct door d;
        door_init(&d);
        struct passage p = passage(&d);
        moirai_task_t task;
        pthread_t opener;
        bool threaded = i % 10 == 0;
        if (threaded)
            assert_int_equal(pthread_create(&opener, NULL, open_it, &d), 0);
        assert_int_equal(moirai_async(x, &task, &p.future, sizeof p), MOIRAI_OK);
        if (threaded)
            pthread_join(opener, NULL);
        else
            open_door(&d);
        assert_int_equal(moirai_join(&task, &p), MOIRAI_OK);
        assert_in_range(p.polls, 1, 2);
    }
    end(x);
}

/* The executor drains: it waits for what nobody has woken yet. */
static void test_drain(void **unused)
{
    moirai_executor_t *x = made(2);
    struct door d;
    pthread_t opener;
    door_init(&d);
    struct passage p = passage(&d);
    assert_int_equal(moirai_async(x, NULL, &p.future, sizeof p), MOIRAI_OK);
    AWAIT(is_waited_for(&d));
    assert_int_equal(pthread_create(&opener, NULL, open_it, &d), 0);
    end(x);
    pthread_join(opener, NULL);
    assert_int_equal(moirai_async(x, NULL, &p.future, sizeof p), MOIRAI_ESHUTDOWN);
}

static void test_cancel(void **unused)
{
    struct door d;
    bool dropped = false;
    door_init(&d);
    struct passage p = passage(&d);
    p.dropped = &dropped;
    moirai_task_t task;
    assert_int_equal(moirai_async(NULL, &task, &p.future, sizeof p), MOIRAI_OK);
    AWAIT(is_waited_for(&d));
    assert_int_equal(moirai_cancel(&task), MOIRAI_EBUSY);
    assert_int_equal(moirai_join(&task, &p), MOIRAI_ECANCELED);
    assert_true(GET(&dropped));
    open_door(&d); /* the waker has outlived its future */
}

static void test_outlive(void **unused)
{
    struct door d;
    door_init(&d);
    struct passage p = passage(&d);
    moirai_task_t task;
    assert_int_equal(moirai_async(NULL, &task, &p.future, sizeof p), MOIRAI_OK);
    AWAIT(is_waited_for(&d));
    moirai_waker_t kept = moirai_waker_clone(&d.waker);
    open_door(&d);
    assert_int_equal(moirai_join(&task, &p), MOIRAI_OK);
    for (int i = 0; i < 3; i++)
        moirai_waker_wake(&kept);
    moirai_waker_drop(&kept);
}

/* ---- From a signal handler. */
static struct door by_signal;

static void handler(int number)
{
    (void)number;
    by_signal.open = true; /* the test holds nothing while it raises */
    moirai_waker_wake(&by_signal.waker);
}

static void test_signal(void **unused)
{
    struct sigaction action = {.sa_handler = handler}, before;
    moirai_executor_t *x = made(1);
    sigaction(SIGUSR1, &action, &before);
    for (int i = 0; i < 100; i++) {
        door_init(&by_signal);
        struct passage p = passage(&by_signal);
        moirai_task_t task;
        assert_int_equal(moirai_async(x, &task, &p.future, sizeof p), MOIRAI_OK);
        AWAIT(is_waited_for(&by_signal));
        pthread_mutex_lock(&by_signal.lock);
        raise(SIGUSR1);
        pthread_mutex_unlock(&by_signal.lock);
        assert_int_equal(moirai_join(&task, &p), MOIRAI_OK);
        moirai_waker_drop(&by_signal.waker);
    }
    sigaction(SIGUSR1, &before, NULL);
    end(x);
}

/* ---- Busy futures, and others beside them. */
struct busy {
    moirai_future_t future;
    bool *stop;
    long steps;
    bool uses_budget;
};

static int poll_busy(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct busy *b = (struct busy *)self;
    if (!b->uses_budget) {
        moirai_waker_wake(waker);
        b->steps++;
        return GET(b->stop) ? MOIRAI_READY : MOIRAI_PENDING;
    }
    while (moirai_waker_may_go_on(waker)) {
        b->steps++;
        if (GET(b->stop))
            return MOIRAI_READY;
    }
    return MOIRAI_PENDING;
}

static void stop_it(void *data)
{
    SET(*(bool **)data, true);
}

static void test_others_get_their_turn(void **unused)
{
    static const moirai_future_ops_t ops = {.poll = poll_busy};
    for (int uses_budget = 0; uses_budget < 2; uses_budget++) {
        moirai_executor_t *x = made(1);
        bool stop = false, *where = &stop;
        struct busy b = {{&ops}, &stop, 0, uses_budget};
        moirai_task_t task;
        assert_int_equal(moirai_async(x, &task, &b.future, sizeof b), MOIRAI_OK);
        assert_int_equal(moirai_spawn(x, NULL, stop_it, &where, sizeof where), MOIRAI_OK);
        assert_int_equal(moirai_join(&task, &b), MOIRAI_OK);
        assert_true(b.steps > 0);
        end(x);
    }
}

/* ---- Blocking on one. */
static void test_block_on(void **unused)
{
    struct door d;
    pthread_t opener;
    door_init(&d);
    struct passage p = passage(&d);
    assert_int_equal(moirai_block_on(&p.future, moirai_now_ns() + 2000000), MOIRAI_ETIMEDOUT);
    assert_int_equal(p.polls, 1);
    assert_int_equal(pthread_create(&opener, NULL, open_it, &d), 0);
    assert_int_equal(moirai_block_on(&p.future, MOIRAI_FOREVER), MOIRAI_OK);
    pthread_join(opener, NULL);
    assert_int_equal(moirai_block_on(NULL, MOIRAI_FOREVER), MOIRAI_EINVAL);
}

static void open_as_task(void *data)
{
    open_door(*(struct door **)data);
}

/* A worker that blocks runs others, also the one that it waits for. */
static void block_inside(void *data)
{
    struct passage *p = *(struct passage **)data;
    moirai_task_t opener;
    EXPECT(moirai_spawn(NULL, &opener, open_as_task, &p->door, sizeof p->door) == MOIRAI_OK);
    EXPECT(moirai_block_on(&p->future, MOIRAI_FOREVER) == MOIRAI_OK);
    EXPECT(moirai_join(&opener, NULL) == MOIRAI_OK);
}

static void test_block_in_task(void **unused)
{
    moirai_executor_t *x = made(1);
    struct door d;
    door_init(&d);
    struct passage p = passage(&d), *where = &p;
    assert_int_equal(moirai_run(x, block_inside, &where, sizeof where), MOIRAI_OK);
    assert_int_equal(p.result, 42);
    end(x);
}

/* ---- Futures of futures. */
#define FEW 5

struct few {
    struct door door[FEW];
    struct passage passage[FEW];
    moirai_future_t *of[FEW];
    bool dropped[FEW];
};

static void few_init(struct few *f)
{
    memset(f, 0, sizeof *f);
    for (int i = 0; i < FEW; i++) {
        door_init(&f->door[i]);
        f->passage[i] = passage(&f->door[i]);
        f->passage[i].dropped = &f->dropped[i];
        f->of[i] = &f->passage[i].future;
    }
}

static void open_few(struct few *f, int but)
{
    for (int i = 0; i < FEW; i++)
        if (i != but)
            open_door(&f->door[i]);
}

static void test_all(void **unused)
{
    struct few f;
    moirai_all_t all;
    few_init(&f);
    moirai_all_init(&all, f.of, FEW);
    open_few(&f, 2);
    assert_int_equal(moirai_block_on(&all.future, in_ms(1)), MOIRAI_ETIMEDOUT);
    assert_int_equal(all.left, 1);
    open_door(&f.door[2]);
    assert_int_equal(moirai_block_on(&all.future, MOIRAI_FOREVER), MOIRAI_OK);
    for (int i = 0; i < FEW; i++)
        assert_int_equal(f.passage[i].result, 42);
    moirai_all_init(&all, NULL, 0);
    assert_int_equal(moirai_block_on(&all.future, MOIRAI_FOREVER), MOIRAI_OK);

    few_init(&f);
    moirai_all_init(&all, f.of, FEW);
    open_few(&f, 3);
    assert_int_equal(moirai_block_on(&all.future, in_ms(1)), MOIRAI_ETIMEDOUT);
    moirai_future_drop(&all.future);
    for (int i = 0; i < FEW; i++)
        assert_int_equal(f.dropped[i], i == 3); /* the others were ready */
    open_door(&f.door[3]);
}

static void test_any(void **unused)
{
    for (int keep = 0; keep < 2; keep++) {
        struct few f;
        moirai_any_t any;
        few_init(&f);
        moirai_any_init(&any, f.of, FEW, keep);
        assert_int_equal(moirai_block_on(&any.future, in_ms(1)), MOIRAI_ETIMEDOUT);
        open_door(&f.door[3]);
        assert_int_equal(moirai_block_on(&any.future, MOIRAI_FOREVER), MOIRAI_OK);
        assert_int_equal(any.first, 3);
        for (int i = 0; i < FEW; i++)
            assert_int_equal(f.dropped[i], !keep && i != 3);
        open_few(&f, 3);
    }
}

/* None is preferred: of several that are ready each comes first at times. */
static void test_any_is_fair(void **unused)
{
    int first[FEW] = {0};
    struct few f;
    moirai_any_t any;
    few_init(&f);
    open_few(&f, -1);
    moirai_any_init(&any, f.of, FEW, 1);
    for (int i = 0; i < 10 * FEW; i++) {
        assert_int_equal(moirai_block_on(&any.future, MOIRAI_FOREVER), MOIRAI_OK);
        first[any.first]++;
    }
    for (int i = 0; i < FEW; i++)
        assert_int_equal(first[i], 10);
}

static void add_one(moirai_future_t *first, void *arg)
{
    *(int *)arg = ((struct passage *)first)->result + 1;
}

static moirai_future_t *after(moirai_future_t *over, void *arg)
{
    struct few *f = arg;
    size_t i = (size_t)((struct passage *)over - f->passage) + 1;
    return i < FEW ? f->of[i] : NULL;
}

static void test_map_and_chain(void **unused)
{
    struct few f;
    moirai_chain_t chain;
    moirai_map_t map;
    int sum = 0;
    few_init(&f);
    moirai_map_init(&map, f.of[FEW - 1], add_one, &sum);
    f.of[FEW - 1] = NULL;
    open_few(&f, 2);
    assert_int_equal(moirai_block_on(&map.future, MOIRAI_FOREVER), MOIRAI_OK);
    assert_int_equal(sum, 43);
    moirai_chain_init(&chain, f.of[0], after, &f); /* the last but one is followed by none */
    assert_int_equal(moirai_block_on(&chain.future, in_ms(1)), MOIRAI_ETIMEDOUT);
    assert_ptr_equal(chain.now, f.of[2]);
    open_door(&f.door[2]);
    assert_int_equal(moirai_block_on(&chain.future, MOIRAI_FOREVER), MOIRAI_OK);

    few_init(&f);
    moirai_chain_init(&chain, f.of[1], after, &f);
    moirai_map_init(&map, &chain.future, add_one, &sum);
    assert_int_equal(moirai_block_on(&map.future, in_ms(1)), MOIRAI_ETIMEDOUT);
    moirai_future_drop(&map.future);
    assert_true(f.dropped[1]);
    open_few(&f, -1);
}

/* A task made of others: it waits for two tasks that it creates, by addresses into itself. */
struct parent {
    moirai_future_t future;
    moirai_task_t task[2];
    struct passage child[2];
    moirai_await_t await[2];
    moirai_future_t *of[2];
    moirai_all_t all;
    int sum;
};

static void begin_parent(moirai_future_t *self)
{
    struct parent *p = (struct parent *)self;
    for (int i = 0; i < 2; i++) {
        EXPECT(moirai_async(NULL, &p->task[i], &p->child[i].future, sizeof p->child[i]) == MOIRAI_OK);
        moirai_await_init(&p->await[i], &p->task[i], &p->child[i]);
        p->of[i] = &p->await[i].future;
    }
    moirai_all_init(&p->all, p->of, 2);
}

static int poll_parent(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct parent *p = (struct parent *)self;
    if (moirai_future_poll(&p->all.future, waker) != MOIRAI_READY)
        return MOIRAI_PENDING;
    for (int i = 0; i < 2; i++) {
        EXPECT(p->await[i].status == MOIRAI_OK);
        p->sum += p->child[i].result;
    }
    return MOIRAI_READY;
}

static void drop_parent(moirai_future_t *self)
{
    struct parent *p = (struct parent *)self;
    moirai_future_drop(&p->all.future);
    for (int i = 0; i < 2; i++)
        moirai_detach(&p->task[i]);
}

static const moirai_future_ops_t parent_ops = {.poll = poll_parent, .drop = drop_parent, .begin = begin_parent};

static void test_await(void **unused)
{
    for (int i = 0; i < 200; i++) {
        struct door d[2];
        moirai_task_t task;
        struct parent p = {.future = {&parent_ops}};
        for (int c = 0; c < 2; c++) {
            door_init(&d[c]);
            p.child[c] = passage(&d[c]);
        }
        assert_int_equal(moirai_async(NULL, &task, &p.future, sizeof p), MOIRAI_OK);
        for (int c = 0; c < 2; c++)
            open_door(&d[c]);
        assert_int_equal(moirai_join(&task, &p), MOIRAI_OK);
        assert_int_equal(p.sum, 84);
    }
}

static void test_await_cancelled(void **unused)
{
    for (int i = 0; i < 200; i++) {
        struct door d[2];
        int over = 0;
        moirai_task_t task;
        struct parent p = {.future = {&parent_ops}};
        for (int c = 0; c < 2; c++) {
            door_init(&d[c]);
            p.child[c] = passage(&d[c]);
            p.child[c].over = &over;
        }
        assert_int_equal(moirai_async(NULL, &task, &p.future, sizeof p), MOIRAI_OK);
        if (i % 2)
            open_door(&d[0]);
        assert_int_equal(moirai_cancel(&task), MOIRAI_EBUSY);
        assert_int_equal(moirai_join(&task, &p), MOIRAI_ECANCELED);
        for (int c = i % 2; c < 2; c++)
            open_door(&d[c]);
        AWAIT(GET(&over) == 2); /* the children live on */
    }
}

static void test_await_in_thread(void **unused)
{
    struct door d;
    moirai_await_t await;
    moirai_task_t task;
    door_init(&d);
    struct passage p = passage(&d);
    assert_int_equal(moirai_async(NULL, &task, &p.future, sizeof p), MOIRAI_OK);
    moirai_await_init(&await, &task, &p);
    assert_int_equal(moirai_block_on(&await.future, in_ms(1)), MOIRAI_ETIMEDOUT);
    moirai_future_drop(&await.future);
    open_door(&d);
    assert_int_equal(moirai_block_on(&await.future, MOIRAI_FOREVER), MOIRAI_OK);
    assert_int_equal(await.status, MOIRAI_OK);
    assert_int_equal(p.result, 42);
    assert_int_equal(moirai_block_on(&await.future, MOIRAI_FOREVER), MOIRAI_OK);
    assert_int_equal(await.status, MOIRAI_ESTALE);
}

/* ---- Failures, groups, misuse. */
static int poll_failing(moirai_future_t *self, const moirai_waker_t *waker)
{
    (void)self;
    (void)waker;
    moirai_task_fail(7, "on purpose");
    return MOIRAI_READY;
}

static void test_fails(void **unused)
{
    static const moirai_future_ops_t ops = {.poll = poll_failing};
    moirai_future_t future = {&ops};
    moirai_error_t error;
    moirai_task_t task;
    assert_int_equal(moirai_async(NULL, &task, &future, sizeof future), MOIRAI_OK);
    assert_int_equal(moirai_join_error(&task, NULL, &error), MOIRAI_EFAILED);
    assert_int_equal(error.code, 7);
    assert_string_equal(error.text, "on purpose");
}

static void test_group(void **unused)
{
    struct few f;
    moirai_group_t *group;
    few_init(&f);
    assert_int_equal(moirai_group_open(&group, NULL, 0), MOIRAI_OK);
    for (int i = 0; i < FEW; i++)
        assert_int_equal(moirai_group_async(group, NULL, f.of[i], sizeof f.passage[i]), MOIRAI_OK);
    assert_int_equal(moirai_group_wait_until(group, in_ms(1)), MOIRAI_ETIMEDOUT);
    open_few(&f, -1);
    assert_int_equal(moirai_group_close(group), MOIRAI_OK);
}

static void test_misuse(void **unused)
{
    static const moirai_future_ops_t none = {.poll = NULL};
    moirai_future_t future = {&none}, without = {NULL};
    moirai_task_t task;
    assert_int_equal(moirai_async(NULL, &task, NULL, 8), MOIRAI_EINVAL);
    assert_int_equal(moirai_async(NULL, &task, &future, sizeof future), MOIRAI_EINVAL);
    assert_int_equal(moirai_async(NULL, &task, &without, sizeof without), MOIRAI_EINVAL);
    future.ops = &passage_ops;
    assert_int_equal(moirai_async(NULL, &task, &future, sizeof future - 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_async(NULL, &task, &future, (size_t)1 << 40), MOIRAI_EINVAL);
    assert_int_equal(moirai_group_async(NULL, &task, &future, sizeof future), MOIRAI_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_before),
        cmocka_unit_test(test_open_after),
        cmocka_unit_test(test_open_any_time),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_outlive),
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_others_get_their_turn),
        cmocka_unit_test(test_block_on),
        cmocka_unit_test(test_block_in_task),
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_any_is_fair),
        cmocka_unit_test(test_map_and_chain),
        cmocka_unit_test(test_await),
        cmocka_unit_test(test_await_cancelled),
        cmocka_unit_test(test_await_in_thread),
        cmocka_unit_test(test_fails),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
