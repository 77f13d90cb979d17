/* Jobs that a thread hands over and then runs itself while it waits: each runs once, fails, is cancelled and is counted
   as those that workers run. The only worker is busy, so it is the thread that runs them all. */
#include "native.h"

#define JOBS 1000

static bool let_go;

static void hold(void *data)
{
    SET(*(bool **)data, true);
    while (!GET(&let_go))
        usleep(100);
}

struct work {
    int number, fails_at;
    int *hits;
    moirai_executor_t *executor;
};

static void work(void *data)
{
    const struct work *w = data;
    assert_ptr_equal(moirai_executor_current(), w->executor); /* where what it spawns goes */
    ADD(w->hits, 1);
    if (w->number == w->fails_at)
        moirai_task_fail(7, "on purpose");
}

/* The newest come first: the jobs after the one that fails have run, those before it are dropped. */
static void group_of(moirai_executor_t *x, int fails_at, int status, int *hits)
{
    moirai_group_t *group;
    assert_int_equal(moirai_group_open(&group, x, 0), MOIRAI_OK);
    for (int i = 0; i < JOBS; i++) {
        const struct work w = {i, fails_at, hits, x};
        assert_int_equal(moirai_group_spawn(group, NULL, work, &w, sizeof w), MOIRAI_OK);
    }
    assert_int_equal(moirai_group_close(group), status);
}

/* The counts begin anew with the next executor, though that gets the memory of the one before. */
static void round_of(int fails_at, int status, uint64_t executed, uint64_t failed)
{
    moirai_executor_t *x = made(1);
    moirai_executor_stats_t stats;
    moirai_task_t busy;
    bool began = false, *p = &began;
    int hits = 0;
    SET(&let_go, false);
    assert_int_equal(moirai_spawn(x, &busy, hold, &p, sizeof p), MOIRAI_OK);
    AWAIT(GET(&began));
    group_of(x, fails_at, status, &hits);
    assert_int_equal(moirai_executor_stats(x, &stats), MOIRAI_OK);
    assert_int_equal(stats.executed, executed);
    assert_int_equal(stats.cancelled, JOBS - executed);
    assert_int_equal(stats.failed, failed);
    assert_int_equal(stats.from_outside, 1); /* the one that keeps the worker busy */
    SET(&let_go, true);
    assert_int_equal(moirai_join(&busy, NULL), MOIRAI_OK);
    end(x);
    assert_int_equal(hits, executed);
}

static void test_run_by_who_waits(void **unused)
{
    for (int i = 0; i < 3; i++) {
        round_of(-1, MOIRAI_OK, JOBS, 0);
        round_of(JOBS - 10, MOIRAI_EFAILED, 10, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_run_by_who_waits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
