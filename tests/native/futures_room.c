/* How little an async task has beside its state, and what its one word holds all the same: more wakers than it can
   count, and a failure told long before the end. */
#include <string.h>

#include "native.h"
#include "storm.h"

#define HEADER_BYTES 32
#define PARKED       (1000000 / SLOWER(20))
#define BATCH        1000

struct sleeper {
    moirai_future_t future;
    size_t index;
    char more[16];
};

static moirai_waker_t waker[PARKED];
static unsigned char polls[PARKED];
static size_t parked;

static int poll_sleeper(moirai_future_t *self, const moirai_waker_t *w)
{
    size_t i = ((struct sleeper *)self)->index;
    if (polls[i]++ > 0)
        return MOIRAI_READY;
    waker[i] = moirai_waker_clone(w);
    ADD(&parked, 1);
    return MOIRAI_PENDING;
}

/* -1: the system does not say. Exact, as that of statm need not be. */
static long resident_kib(void)
{
    char line[128];
    long kib = -1;
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    while (f && kib < 0 && fgets(line, sizeof line, f))
        sscanf(line, "Rss: %ld", &kib);
    if (f)
        fclose(f);
    return kib;
}

/* From inside, as many at a time as fit into a deque that does not grow: what it takes is not theirs. */
static void park_all(void *data)
{
    static const moirai_future_ops_t ops = {.poll = poll_sleeper};
    for (size_t i = 0; i < PARKED; i++) {
        struct sleeper s = {{&ops}, i, {0}};
        assert_int_equal(moirai_async(NULL, NULL, &s.future, sizeof s), MOIRAI_OK);
        while (i % BATCH == BATCH - 1 && GET(&parked) <= i)
            moirai_task_yield();
    }
    *(long *)data = resident_kib();
}

/* Header, state, and the table by which a cancellation finds those that wait. With its waker each has 128 bytes at the
   most. */
static void test_million(void **unused)
{
    const long state = sizeof(struct sleeper), with_waker = sizeof(moirai_waker_t);
    moirai_executor_t *x = made(2);
    memset(waker, 1, sizeof waker);
    memset(polls, 0, sizeof polls);
    long before = resident_kib(), after = before;
    assert_int_equal(moirai_run(x, park_all, &after, sizeof after), MOIRAI_OK);
    if (before >= 0 && SLOWER(2) == 1) {
        double each = (double)(after - before) * 1024 / PARKED;
        print_message("%.1f bytes for a future with a state of %ld that waits\n", each, state);
        assert_true(each < HEADER_BYTES + state + 4); /* pages that other things took */
        assert_true(each + with_waker <= 128);
    }
    for (size_t i = 0; i < PARKED; i++) {
        moirai_waker_wake(&waker[i]);
        moirai_waker_drop(&waker[i]);
    }
    end(x);
    for (size_t i = 0; i < PARKED; i++)
        assert_int_equal(polls[i], 2);
}

/* ---- Something that is woken from outside, by as many wakers as one likes. */
struct guest {
    moirai_future_t future;
    moirai_waker_t *waker;
    size_t wakers;
    int fails, polls;
};

static int poll_guest(moirai_future_t *self, const moirai_waker_t *w)
{
    struct guest *g = (struct guest *)self;
    if (g->fails) /* the first time counts */
        moirai_task_fail(g->fails + g->polls, g->polls ? "again" : "long before the end");
    if (g->polls++ > 0)
        return MOIRAI_READY;
    moirai_waker_t clone = {0};
    for (size_t i = 0; i < g->wakers; i++)
        clone = moirai_waker_clone(w);
    SET(&g->waker->moirai_word, clone.moirai_word);
    return MOIRAI_PENDING;
}

static const moirai_future_ops_t guest_ops = {.poll = poll_guest};

/* More wakers than a future can count: it is woken and ends as ever, and the last of them still finds it. */
static void test_many_wakers(void **unused)
{
    const size_t counts[] = {1000, 131071, 300000};
    moirai_executor_t *x = made(2);
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        moirai_waker_t one = {0};
        const struct guest g = {{&guest_ops}, &one, counts[k], 0, 0};
        struct guest result;
        moirai_task_t task;
        assert_int_equal(moirai_async(x, &task, &g.future, sizeof g), MOIRAI_OK);
        AWAIT(GET(&one.moirai_word));
        for (size_t i = 1; i < counts[k]; i++) {
            moirai_waker_t other = one;
            moirai_waker_drop(&other);
        }
        moirai_waker_wake(&one);
        assert_int_equal(moirai_join(&task, &result), MOIRAI_OK);
        assert_int_equal(result.polls, 2);
        moirai_waker_wake(&one); /* good for nothing, but there */
        moirai_waker_drop(&one);
    }
    end(x);
}

/* ---- Failures that are told while it goes on. */
#define GUESTS 64

static void hold(void *data)
{
    while (!GET(*(bool **)data))
        usleep(100);
}

/* The worker is busy, so those that are woken lie in a row; each still knows why it failed. One is cancelled
   instead. */
static void test_fails_early(void **unused)
{
    moirai_executor_t *x = made(1);
    moirai_waker_t wakers[GUESTS] = {{0}};
    moirai_task_t tasks[GUESTS], busy;
    bool let_go = false, *held = &let_go;
    for (int i = 0; i < GUESTS; i++) {
        const struct guest g = {{&guest_ops}, &wakers[i], 1, i % 3 ? i + 1 : 0, 0};
        assert_int_equal(moirai_async(x, &tasks[i], &g.future, sizeof g), MOIRAI_OK);
    }
    for (int i = 0; i < GUESTS; i++)
        AWAIT(GET(&wakers[i].moirai_word));
    assert_int_equal(moirai_spawn(x, &busy, hold, &held, sizeof held), MOIRAI_OK);
    assert_int_equal(moirai_cancel(&tasks[1]), MOIRAI_EBUSY);
    for (int i = 0; i < GUESTS; i++) {
        moirai_waker_wake(&wakers[i]);
        moirai_waker_drop(&wakers[i]);
    }
    SET(&let_go, true);
    for (int i = 0; i < GUESTS; i++) {
        moirai_error_t error = {0};
        int status = moirai_join_error(&tasks[i], NULL, &error);
        assert_int_equal(status, i == 1 ? MOIRAI_ECANCELED : i % 3 ? MOIRAI_EFAILED : MOIRAI_OK);
        if (status != MOIRAI_EFAILED)
            continue;
        assert_int_equal(error.code, i + 1);
        assert_string_equal(error.text, "long before the end");
    }
    assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK);
    end(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_million),
        cmocka_unit_test(test_many_wakers),
        cmocka_unit_test(test_fails_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
