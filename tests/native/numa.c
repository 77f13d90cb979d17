/* Workers that know the machine, and tasks that say where they are to run, on machines that are made up. usage: numa
   TOPOLOGY NODES: for hwloc, and how many nodes that describes. */
#include "native.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define WORKERS  8
#define SPAWNERS 4
#define MANY     5000

static unsigned nodes;
static moirai_executor_t *executor;

static void open_executor(int numa, unsigned workers)
{
    moirai_executor_attr_t attr;
    moirai_executor_attr_init(&attr);
    assert_int_equal(moirai_executor_attr_set_workers(&attr, workers), MOIRAI_OK);
    assert_int_equal(moirai_executor_attr_set_numa(&attr, numa), MOIRAI_OK);
    assert_int_equal(moirai_executor_new(&executor, &attr), MOIRAI_OK);
}

static void close_executor(int mode)
{
    assert_int_equal(moirai_executor_shutdown(executor, mode, 0), MOIRAI_OK);
    assert_int_equal(moirai_executor_free(executor), MOIRAI_OK);
}

static int begin(void **state)
{
    open_executor(MOIRAI_NUMA_ON, WORKERS);
    return 0;
}

static int end_machine(void **state)
{
    close_executor(MOIRAI_SHUTDOWN_DRAIN);
    return 0;
}

/* ---- Tasks. */
struct where {
    int worker, node;
};

static void look(void *data)
{
    *(struct where *)data = (struct where){moirai_worker_index(), moirai_worker_node()};
}

static int node_of(unsigned worker)
{
    return (int)(worker * nodes / WORKERS);
}

/* Its worker is kept until `released`. */
static int blocked, released;

static void block(void *data)
{
    ADD(&blocked, 1);
    AWAIT(GET(&released));
}

static moirai_task_t block_worker(unsigned worker)
{
    moirai_task_attr_t attr;
    moirai_task_t task;
    int before = GET(&blocked);
    SET(&released, 0);
    moirai_task_attr_init(&attr);
    assert_int_equal(moirai_task_attr_set_worker(&attr, worker, MOIRAI_STRICT), MOIRAI_OK);
    assert_int_equal(moirai_spawn_with(executor, &task, &attr, block, NULL, 0), MOIRAI_OK);
    AWAIT(GET(&blocked) > before);
    return task;
}

static void release(moirai_task_t *task)
{
    SET(&released, 1);
    assert_int_equal(moirai_join(task, NULL), MOIRAI_OK);
}

static void spawn_at(moirai_task_t *task, const moirai_task_attr_t *attr)
{
    struct where w = {-2, -2};
    assert_int_equal(moirai_spawn_with(executor, task, attr, look, &w, sizeof w), MOIRAI_OK);
}

static struct where result(moirai_task_t *task)
{
    struct where w;
    assert_int_equal(moirai_join_until(task, &w, MOIRAI_FOREVER), MOIRAI_OK);
    return w;
}

/* ---- Who is where. */
static void test_workers_are_spread(void **state)
{
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(moirai_executor_worker_node(executor, i), node_of(i));
    assert_int_equal(moirai_executor_worker_node(executor, WORKERS), -1);
    assert_int_equal(moirai_executor_worker_node(NULL, 0), -1);
    assert_int_equal(moirai_worker_node(), -1);
}

static void test_strict_worker(void **state)
{
    moirai_task_attr_t attr;
    moirai_task_t task[WORKERS][20];
    moirai_task_attr_init(&attr);
    for (unsigned k = 0; k < 20; k++)
        for (unsigned i = 0; i < WORKERS; i++) {
            assert_int_equal(moirai_task_attr_set_worker(&attr, i, MOIRAI_STRICT), MOIRAI_OK);
            spawn_at(&task[i][k], &attr);
        }
    for (unsigned i = 0; i < WORKERS; i++)
        for (unsigned k = 0; k < 20; k++) {
            struct where w = result(&task[i][k]);
            assert_int_equal(w.worker, i);
            assert_int_equal(w.node, node_of(i));
        }
}

static void test_strict_node(void **state)
{
    moirai_task_attr_t attr;
    moirai_task_t task[WORKERS][20];
    moirai_task_attr_init(&attr);
    for (unsigned k = 0; k < 20; k++)
        for (unsigned n = 0; n < nodes; n++) {
            assert_int_equal(moirai_task_attr_set_node(&attr, n, MOIRAI_STRICT), MOIRAI_OK);
            spawn_at(&task[n][k], &attr);
        }
    for (unsigned n = 0; n < nodes; n++)
        for (unsigned k = 0; k < 20; k++)
            assert_int_equal(result(&task[n][k]).node, n);
}

/* This machine's own node is what the kernel tells of a page, and it has a namesake among the made-up ones. */
static void test_near(void **state)
{
    moirai_task_attr_t attr;
    moirai_task_t task;
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    moirai_task_attr_init(&attr);
    assert_int_equal(moirai_task_attr_set_near(&attr, page + 100, MOIRAI_STRICT), MOIRAI_OK);
    spawn_at(&task, &attr);                         /* nobody has touched it: it runs anywhere, */
    assert_int_not_equal(result(&task).worker, -2); /* and be it in the joining thread */
    page[0] = 1;
    for (int i = 0; i < 20; i++) {
        spawn_at(&task, &attr);
        assert_int_equal(result(&task).node, 0);
    }
    munmap(page, 4096);
}

/* ---- Strict and preferred. */
static void test_strict_waits_for_its_worker(void **state)
{
    moirai_task_attr_t attr;
    moirai_task_t task[3], blocker = block_worker(5);
    moirai_task_attr_init(&attr);
    assert_int_equal(moirai_task_attr_set_worker(&attr, 5, MOIRAI_STRICT), MOIRAI_OK);
    for (int i = 0; i < 3; i++)
        spawn_at(&task[i], &attr);
    assert_int_equal(moirai_join_until(&task[0], NULL, in_ms(30)), MOIRAI_ETIMEDOUT);
    for (int i = 0; i < 3; i++)
        assert_int_equal(moirai_task_state(&task[i]), MOIRAI_TASK_QUEUED);
    assert_int_equal(moirai_cancel(&task[1]), MOIRAI_OK);
    release(&blocker);
    assert_int_equal(result(&task[0]).worker, 5);
    assert_int_equal(moirai_join(&task[1], NULL), MOIRAI_ECANCELED);
    assert_int_equal(result(&task[2]).worker, 5);
}

static void test_preferred_goes_elsewhere(void **state)
{
    moirai_task_attr_t attr;
    moirai_task_t task[40], blocker = block_worker(3);
    moirai_task_attr_init(&attr);
    assert_int_equal(moirai_task_attr_set_worker(&attr, 3, MOIRAI_PREFERRED), MOIRAI_OK);
    for (int i = 0; i < 40; i++) {
        moirai_task_attr_set_cost_ns(&attr, i % 2 ? 0 : 30000); /* more than is left for one worker */
        spawn_at(&task[i], &attr);
    }
    for (int i = 0; i < 40; i++)
        assert_int_not_equal(result(&task[i]).worker, 3);
    release(&blocker);
}

static void test_preferred_node_goes_elsewhere(void **state)
{
    moirai_task_attr_t attr;
    moirai_task_t task[40], blocker[WORKERS];
    int blockers = 0;
    if (nodes < 2)
        skip();
    for (unsigned i = 0; i < WORKERS; i++)
        if (node_of(i) == 1)
            blocker[blockers++] = block_worker(i);
    moirai_task_attr_init(&attr);
    assert_int_equal(moirai_task_attr_set_node(&attr, 1, MOIRAI_PREFERRED), MOIRAI_OK);
    for (int i = 0; i < 40; i++)
        spawn_at(&task[i], &attr);
    for (int i = 0; i < 40; i++)
        assert_int_not_equal(result(&task[i]).node, 1);
    while (blockers)
        release(&blocker[--blockers]);
}

static int order[4], ordered;

static void note(void *data)
{
    order[ADD(&ordered, 1) - 1] = *(int *)data;
}

static void test_priorities_count_in_a_place(void **state)
{
    static const int priority[4] = {MOIRAI_PRIORITY_NORMAL, MOIRAI_PRIORITY_LOW, MOIRAI_PRIORITY_URGENT,
                                    MOIRAI_PRIORITY_HIGH};
    moirai_task_attr_t attr;
    moirai_task_t task[4], blocker = block_worker(2);
    moirai_task_attr_init(&attr);
    assert_int_equal(moirai_task_attr_set_worker(&attr, 2, MOIRAI_STRICT), MOIRAI_OK);
    for (int i = 0; i < 4; i++) {
        moirai_task_attr_set_priority(&attr, priority[i]);
        assert_int_equal(moirai_spawn_with(executor, &task[i], &attr, note, &priority[i], sizeof priority[i]),
                         MOIRAI_OK);
    }
    release(&blocker);
    assert_int_equal(moirai_join_all(task, 4, NULL), MOIRAI_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(order[i], MOIRAI_PRIORITY_URGENT - i);
}

/* ---- Waiting for what is strict. */
struct nest {
    int depth, worker;
};

static void nest(void *data)
{
    struct nest *n = data, inner = {n->depth - 1, n->worker};
    moirai_task_attr_t attr;
    moirai_task_t task;
    if (moirai_worker_index() != n->worker)
        moirai_task_fail(1, "on another worker");
    if (!n->depth)
        return;
    moirai_task_attr_init(&attr);
    moirai_task_attr_set_worker(&attr, (unsigned)n->worker, MOIRAI_STRICT);
    if (moirai_spawn_with(NULL, &task, &attr, nest, &inner, sizeof inner) || moirai_join(&task, NULL))
        moirai_task_fail(2, "an inner one");
}

/* Deeper than what a wait runs otherwise. */
static void test_a_worker_waits_for_itself(void **state)
{
    moirai_task_attr_t attr;
    moirai_task_t task[2];
    moirai_task_attr_init(&attr);
    for (int i = 0; i < 2; i++) {
        struct nest outer = {100, i};
        moirai_task_attr_set_worker(&attr, (unsigned)i, MOIRAI_STRICT);
        assert_int_equal(moirai_spawn_with(executor, &task[i], &attr, nest, &outer, sizeof outer), MOIRAI_OK);
    }
    assert_int_equal(moirai_join_all(task, 2, NULL), MOIRAI_OK);
}

static void count(void *data)
{
    ADD(*(int **)data, 1);
}

/* Each worker waits in a group that only it may run anything of. */
static void isolated(void *data)
{
    int done = 0, *to = &done;
    moirai_group_t *group;
    moirai_task_attr_t attr;
    if (moirai_group_open(&group, NULL, MOIRAI_GROUP_ISOLATED))
        return;
    moirai_task_attr_init(&attr);
    moirai_task_attr_set_group(&attr, group);
    moirai_task_attr_set_worker(&attr, (unsigned)moirai_worker_index(), MOIRAI_STRICT);
    for (int i = 0; i < 10; i++)
        moirai_spawn_with(NULL, NULL, &attr, count, &to, sizeof to);
    if (moirai_group_close(group) || done != 10)
        moirai_task_fail(1, "tasks are missing");
}

static void test_isolated_groups(void **state)
{
    moirai_task_attr_t attr;
    moirai_task_t task[WORKERS];
    moirai_task_attr_init(&attr);
    for (unsigned i = 0; i < WORKERS; i++) {
        moirai_task_attr_set_worker(&attr, i, MOIRAI_STRICT);
        assert_int_equal(moirai_spawn_with(executor, &task[i], &attr, isolated, NULL, 0), MOIRAI_OK);
    }
    assert_int_equal(moirai_join_all(task, WORKERS, NULL), MOIRAI_OK);
}

/* ---- Many. */
struct once {
    int *times, place;
};

static int wrong_places;

static void once(void *data)
{
    struct once *o = data;
    ADD(o->times, 1);
    if (o->place >= 0 && (o->place < 1000 ? moirai_worker_index() : moirai_worker_node() + 1000) != o->place)
        ADD(&wrong_places, 1);
}

static int times[SPAWNERS][MANY];

static void *spawner(void *arg)
{
    int *mine = times[(uintptr_t)arg];
    for (unsigned i = 0; i < MANY; i++) {
        moirai_task_attr_t attr;
        struct once o = {&mine[i], -1};
        unsigned worker = i % WORKERS, node = i % nodes;
        moirai_task_attr_init(&attr);
        if (i % 4 < 2)
            moirai_task_attr_set_worker(&attr, worker, (int)(i % 2));
        else
            moirai_task_attr_set_node(&attr, node, (int)(i % 2));
        if (i % 2) /* strict */
            o.place = i % 4 < 2 ? (int)worker : (int)node + 1000;
        moirai_task_attr_set_priority(&attr, (int)(i / 4 % 4) - 1);
        assert_int_equal(moirai_spawn_with(executor, NULL, &attr, once, &o, sizeof o), MOIRAI_OK);
    }
    return NULL;
}

static void spawn_from_all(int expected, int mode)
{
    pthread_t t[SPAWNERS];
    memset(times, 0, sizeof times);
    for (uintptr_t i = 0; i < SPAWNERS; i++)
        t[i] = start(spawner, (void *)i);
    for (int i = 0; i < SPAWNERS; i++)
        pthread_join(t[i], NULL);
    close_executor(mode);
    for (int i = 0; i < SPAWNERS; i++)
        for (int k = 0; k < MANY; k++)
            assert_in_range(times[i][k], expected, 1);
    assert_int_equal(wrong_places, 0);
}

static void test_none_is_lost(void **state)
{
    open_executor(MOIRAI_NUMA_ON, WORKERS);
    spawn_from_all(1, MOIRAI_SHUTDOWN_DRAIN);
}

static void test_cancelled_with_the_executor(void **state)
{
    open_executor(MOIRAI_NUMA_ON, WORKERS);
    spawn_from_all(0, MOIRAI_SHUTDOWN_CANCEL);
}

/* ---- Without a plan. */
static void test_off(void **state)
{
    moirai_task_attr_t attr;
    moirai_task_t task;
    open_executor(MOIRAI_NUMA_OFF, 3);
    moirai_task_attr_init(&attr);
    moirai_task_attr_set_worker(&attr, 2, MOIRAI_STRICT);
    for (int i = 0; i < 100; i++) {
        spawn_at(&task, &attr);
        assert_int_equal(result(&task).worker, 2);
    }
    int node = moirai_executor_worker_node(executor, 1);
    if (node >= 0) {
        moirai_task_attr_set_node(&attr, (unsigned)node, MOIRAI_STRICT);
        spawn_at(&task, &attr);
        assert_int_equal(result(&task).node, node);
    }
    close_executor(MOIRAI_SHUTDOWN_DRAIN);
}

static void test_misuse(void **state)
{
    moirai_executor_attr_t of_executor;
    moirai_task_attr_t attr;
    moirai_task_t task;
    moirai_executor_attr_init(&of_executor);
    assert_int_equal(moirai_executor_attr_set_numa(&of_executor, 3), MOIRAI_EINVAL);
    assert_int_equal(moirai_executor_attr_set_numa(&of_executor, -1), MOIRAI_EINVAL);
    memset(&attr, 0, sizeof attr);
    assert_int_equal(moirai_task_attr_set_worker(&attr, 0, MOIRAI_STRICT), MOIRAI_EINVAL);
    moirai_task_attr_init(&attr);
    assert_int_equal(moirai_task_attr_set_worker(&attr, MOIRAI_WORKERS_MAX, MOIRAI_STRICT), MOIRAI_EINVAL);
    assert_int_equal(moirai_task_attr_set_node(&attr, 1024, MOIRAI_STRICT), MOIRAI_EINVAL);
    assert_int_equal(moirai_task_attr_set_near(&attr, NULL, MOIRAI_STRICT), MOIRAI_EINVAL);
    assert_int_equal(moirai_task_attr_set_worker(&attr, 0, 2), MOIRAI_EINVAL);
    for (int strict = 0; strict < 2; strict++) {
        int status = strict ? MOIRAI_EINVAL : MOIRAI_OK;
        moirai_task_attr_set_worker(&attr, WORKERS, strict);
        assert_int_equal(moirai_spawn_with(executor, &task, &attr, block, NULL, 0), status);
        SET(&released, 1);
        if (!strict)
            assert_int_equal(moirai_join(&task, NULL), MOIRAI_OK);
        moirai_task_attr_set_node(&attr, 900, strict);
        assert_int_equal(moirai_spawn_with(executor, &task, &attr, block, NULL, 0), status);
        if (!strict)
            assert_int_equal(moirai_join(&task, NULL), MOIRAI_OK);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    setenv("HWLOC_SYNTHETIC", argv[1], 1);
    nodes = (unsigned)atoi(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_workers_are_spread, begin, end_machine),
        cmocka_unit_test_setup_teardown(test_strict_worker, begin, end_machine),
        cmocka_unit_test_setup_teardown(test_strict_node, begin, end_machine),
        cmocka_unit_test_setup_teardown(test_near, begin, end_machine),
        cmocka_unit_test_setup_teardown(test_strict_waits_for_its_worker, begin, end_machine),
        cmocka_unit_test_setup_teardown(test_preferred_goes_elsewhere, begin, end_machine),
        cmocka_unit_test_setup_teardown(test_preferred_node_goes_elsewhere, begin, end_machine),
        cmocka_unit_test_setup_teardown(test_priorities_count_in_a_place, begin, end_machine),
        cmocka_unit_test_setup_teardown(test_a_worker_waits_for_itself, begin, end_machine),
        cmocka_unit_test_setup_teardown(test_isolated_groups, begin, end_machine),
        cmocka_unit_test_setup_teardown(test_misuse, begin, end_machine),
        cmocka_unit_test(test_none_is_lost),
        cmocka_unit_test(test_cancelled_with_the_executor),
        cmocka_unit_test(test_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
