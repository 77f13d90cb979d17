/* Native tasks and OpenMP in one process: regions inside of tasks, tasks inside of regions and of OpenMP's tasks, both
   at once from several threads; and what a task finds of OpenMP is what a plain program finds. */
#include "native.h"

#include <dirent.h>
#include <omp.h>
#include <stdio.h>

#define ROUNDS 30
#define WIDTH  64

static void look_around(void)
{
    assert_int_equal(omp_get_level(), 0);
    assert_int_equal(omp_in_parallel(), 0);
    assert_int_equal(omp_get_thread_num(), 0);
    assert_int_equal(omp_get_num_threads(), 1);
    assert_int_equal(omp_get_max_threads(), 3); /* of the environment, whatever other tasks set */
}

/* Orphaned constructs concern the task's own thread alone. */
static long orphans(void)
{
    long sum = 0;
#pragma omp for
    for (int i = 0; i < WIDTH; i++)
        sum += i;
#pragma omp barrier
#pragma omp single
    sum += 1;
#pragma omp task shared(sum)
    sum += 1;
#pragma omp taskwait
#pragma omp taskgroup
    {
#pragma omp task shared(sum)
        sum += 1;
    }
    return sum;
}

static long region(int threads)
{
    long sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum)
    {
#pragma omp for
        for (int i = 0; i < WIDTH; i++)
            sum += i;
        sum += omp_get_level() == 1 && omp_get_num_threads() <= threads ? 0 : 1000000;
    }
    return sum;
}

static void leaf(void *data)
{
    look_around();
    omp_set_num_threads(2); /* for this task alone */
    assert_int_equal(omp_get_max_threads(), 2);
    *(long *)data = orphans() + region(2);
}
#define LEAF (2 * (WIDTH * (WIDTH - 1) / 2) + 3)

/* A task that waits for others in the middle of a region that it has opened, and in the middle of a task there. */
static void branch(void *data)
{
    long sum = 0;
    look_around();
#pragma omp parallel num_threads(2) reduction(+ : sum)
    {
        long own = 0;
        moirai_task_t task;
        assert_int_equal(moirai_spawn(NULL, &task, leaf, &own, sizeof own), MOIRAI_OK);
        assert_int_equal(moirai_join(&task, &own), MOIRAI_OK);
        assert_int_equal(omp_get_level(), 1);
        sum += own;
#pragma omp single
        for (int i = 0; i < 4; i++)
#pragma omp task firstprivate(own)
        {
            moirai_group_t *g;
            assert_int_equal(moirai_group_open(&g, NULL, 0), MOIRAI_OK);
            for (int k = 0; k < 3; k++)
                assert_int_equal(moirai_group_spawn(g, NULL, leaf, &own, sizeof own), MOIRAI_OK);
            assert_int_equal(moirai_group_close(g), MOIRAI_OK);
        }
    }
    look_around();
    *(long *)data = sum;
}

/* While it holds a nestable lock of OpenMP another task runs on its thread, which must not find itself the owner. */
static omp_nest_lock_t nest;

static void try_nest(void *data)
{
    *(long *)data = omp_test_nest_lock(&nest);
}

static void hold_nest(void *data)
{
    long got = 1;
    moirai_task_t task;
    omp_set_nest_lock(&nest);
    assert_int_equal(moirai_spawn(NULL, &task, try_nest, &got, sizeof got), MOIRAI_OK);
    assert_int_equal(moirai_join(&task, &got), MOIRAI_OK);
    omp_unset_nest_lock(&nest);
    *(long *)data = got;
}

static void *works(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        moirai_task_t task[4];
        long sum[4] = {0};
        for (int k = 0; k < 4; k++)
            assert_int_equal(moirai_spawn(NULL, &task[k], k % 2 ? branch : leaf, &sum[k], sizeof sum[k]), MOIRAI_OK);
        assert_int_equal(region(3), WIDTH * (WIDTH - 1) / 2);
        for (int k = 0; k < 4; k++) {
            assert_int_equal(moirai_join(&task[k], &sum[k]), MOIRAI_OK);
            assert_true(k % 2 ? sum[k] == LEAF || sum[k] == 2 * LEAF : sum[k] == LEAF);
        }
    }
    return NULL;
}

static void test_both(void **unused)
{
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        t[i] = start(works, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
}

static void test_owner_of_a_nest(void **unused)
{
    long got = 1;
    omp_init_nest_lock(&nest);
    assert_int_equal(moirai_run(NULL, hold_nest, &got, sizeof got), MOIRAI_OK);
    assert_int_equal(got, 0);
    omp_destroy_nest_lock(&nest);
}

static void spawn_from_a_region(void *data)
{
    look_around();
    ADD(*(long **)data, 1);
}

/* From regions of a thread that is no worker. */
static void test_from_regions(void **unused)
{
    long hits = 0, *h = &hits;
    moirai_executor_t *x;
    assert_int_equal(moirai_executor_default(&x), MOIRAI_OK);
#pragma omp parallel num_threads(4)
    for (int i = 0; i < 1000; i++)
        assert_int_equal(moirai_spawn(x, NULL, spawn_from_a_region, &h, sizeof h), MOIRAI_OK);
    assert_int_equal(moirai_executor_shutdown(x, MOIRAI_SHUTDOWN_DRAIN, 0), MOIRAI_OK);
    assert_int_equal(moirai_executor_free(x), MOIRAI_OK);
    assert_int_equal(hits, 4000);
}

static int threads_now(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

/* Executors one after the other, and regions between them, are served by the same threads. */
static void test_one_pool(void **unused)
{
    int first = 0, now = 0;
    for (int i = 0; i < ROUNDS; i++) {
        end(made(3));
#pragma omp parallel num_threads(4)
#pragma omp master
        now = threads_now();
        first = i ? first : now;
        assert_true(now < first + ROUNDS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_owner_of_a_nest),
        cmocka_unit_test(test_from_regions),
        cmocka_unit_test(test_one_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
