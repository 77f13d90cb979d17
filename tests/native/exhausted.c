/* Where memory or threads run out: a status, and nothing is lost. This program's own mmap() and pthread_create() stand
   before the C library's, also for libmoirai, and say no when they are told to. */
#include "native.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static bool no_memory;
static int threads_left = -1; /* so many can still be made; -1: any number */

#define SEEN __attribute__((visibility("default")))

SEEN void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    if (GET(&no_memory)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd, offset);
}

typedef int create_fn(pthread_t *t, const pthread_attr_t *attr, void *(*body)(void *), void *arg);

SEEN int pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*body)(void *), void *arg)
{
    create_fn *real = (create_fn *)dlsym(RTLD_NEXT, "pthread_create");
    if (threads_left == 0)
        return EAGAIN;
    if (threads_left > 0)
        threads_left--;
    return real(t, attr, body, arg);
}

static moirai_executor_t *made_with_one_blocking(unsigned workers)
{
    moirai_executor_attr_t attr = attr_of(workers);
    assert_int_equal(moirai_executor_attr_set_blocking_limit(&attr, 1), MOIRAI_OK);
    return made_of(&attr);
}

/* Nobody else is to run tasks, and so give memory back, before none is left. */
struct gate {
    long in;
    bool go;
};

static void wait_at(void *data)
{
    struct gate *g = *(struct gate **)data;
    ADD(&g->in, 1);
    AWAIT(GET(&g->go));
}

static long hits;

static void hit(void *data)
{
    ADD(&hits, *(long *)data);
}

/* ---- Threads. Comes first: the pool has none yet. */
static void test_no_threads(void **unused)
{
    moirai_executor_t *x = (moirai_executor_t *)1;
    moirai_executor_attr_t attr;
    long one = 1;
    threads_left = 0;
    moirai_executor_attr_init(&attr);
    moirai_executor_attr_set_workers(&attr, 4);
    assert_int_equal(moirai_executor_new(&x, &attr), MOIRAI_EAGAIN);
    assert_ptr_equal(x, (void *)1);
    assert_int_equal(moirai_spawn(NULL, NULL, hit, &one, sizeof one), MOIRAI_EAGAIN);
    assert_int_equal(moirai_run(NULL, hit, &one, sizeof one), MOIRAI_EAGAIN);
    threads_left = 2; /* some are better than none */
    assert_int_equal(moirai_executor_new(&x, &attr), MOIRAI_OK);
    assert_int_equal(moirai_executor_worker_count(x), 2);
    assert_int_equal(moirai_spawn_blocking(x, NULL, hit, &one, sizeof one), MOIRAI_EAGAIN);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(moirai_spawn(x, NULL, hit, &one, sizeof one), MOIRAI_OK);
    threads_left = 1; /* one does for all blocking work */
    for (int i = 0; i < 10; i++)
        assert_int_equal(moirai_spawn_blocking(x, NULL, hit, &one, sizeof one), MOIRAI_OK);
    end(x);
    assert_int_equal(hits, 1010);
    threads_left = -1;
    assert_int_equal(moirai_run(NULL, hit, &one, sizeof one), MOIRAI_OK);
}

/* ---- Memory. Tasks until there is none left for another one, in every way there is: as many run as were taken. */
enum way { PLAIN, LARGE, APART, GROUP, WITH, BLOCKING, MANY, THEN, WAYS };
struct large {
    long one;
    char rest[500];
};
struct apart { /* too much for the task's block */
    long one;
    char rest[3000];
};
struct many {
    enum way way;
    bool here; /* in a task */
    long taken;
    moirai_executor_t *x;
    struct gate *gate;
};

static void after(void *data, const moirai_before_t *before)
{
    hit(data);
}

static int create(struct many *m, moirai_group_t *g, moirai_task_t *last, long *made)
{
    struct large large = {.one = 1};
    struct apart apart = {.one = 1};
    moirai_task_attr_t attr;
    long ones[3] = {1, 1, 1};
    size_t spawned = 1;
    int status = MOIRAI_EINVAL;
    moirai_task_attr_init(&attr);
    moirai_task_attr_set_priority(&attr, MOIRAI_PRIORITY_HIGH);
    switch (m->way) {
    case PLAIN:
        status = moirai_spawn(m->x, NULL, hit, ones, sizeof *ones);
        break;
    case LARGE:
        status = moirai_spawn(m->x, NULL, hit, &large, sizeof large);
        break;
    case APART:
        status = moirai_spawn(m->x, NULL, hit, &apart, sizeof apart);
        break;
    case GROUP:
        status = moirai_group_spawn(g, NULL, hit, ones, sizeof *ones);
        break;
    case WITH:
        status = moirai_spawn_with(m->x, NULL, &attr, hit, ones, sizeof *ones);
        break;
    case BLOCKING:
        status = moirai_spawn_blocking(m->x, NULL, hit, ones, sizeof *ones);
        break;
    case MANY:
        status = moirai_spawn_many(m->x, NULL, NULL, hit, ones, sizeof *ones, 3, &spawned);
        *made += (long)spawned;
        return status;
    default:
        status = moirai_then(last, last, after, ones, sizeof *ones);
    }
    *made += status == MOIRAI_OK;
    return status;
}

static void until_none_is_left(void *data)
{
    struct many *m = data;
    moirai_group_t *g;
    moirai_task_t last;
    long one = 1;
    int status;
    assert_int_equal(moirai_group_open(&g, m->x, 0), MOIRAI_OK);
    assert_int_equal(moirai_spawn(m->x, &last, hit, &one, sizeof one), MOIRAI_OK);
    m->taken = 1;
    SET(&no_memory, true);
    while ((status = create(m, g, &last, &m->taken)) == MOIRAI_OK)
        ;
    assert_int_equal(status, MOIRAI_ENOMEM);
    SET(&m->gate->go, true);
    assert_int_equal(moirai_join(&last, NULL), MOIRAI_OK); /* that takes none, and no handle was lost */
    SET(&no_memory, false);
    assert_int_equal(moirai_group_close(g), MOIRAI_OK);
}

static void test_no_memory(void **unused)
{
    for (int i = 0; i < 2 * WAYS; i++) {
        struct gate gate = {0}, *at = &gate;
        struct many m = {.way = i / 2, .here = i % 2, .x = made_with_one_blocking(1), .gate = at};
        hits = 0;
        assert_int_equal(moirai_spawn_blocking(m.x, NULL, wait_at, &at, sizeof at), MOIRAI_OK);
        if (!m.here)
            assert_int_equal(moirai_spawn(m.x, NULL, wait_at, &at, sizeof at), MOIRAI_OK);
        AWAIT(GET(&gate.in) == 2 - m.here);
        if (m.here)
            assert_int_equal(moirai_run(m.x, until_none_is_left, &m, sizeof m), MOIRAI_OK);
        else
            until_none_is_left(&m);
        end(m.x);
        assert_int_equal(hits, m.taken);
    }
}

static void nothing(void *user, const moirai_task_info_t *t)
{
}

/* ---- Large payloads: whatever becomes of a task, its memory serves the next one. */
struct round {
    moirai_executor_t *x;
    bool done;
};

static void one_of_each(void *data)
{
    struct round *round = *(struct round **)data;
    moirai_executor_t *x = round->x;
    struct apart apart = {.one = 1}, result;
    moirai_task_t task, next;
    moirai_task_attr_t attr;
    moirai_group_t *g;
    memset(apart.rest, 7, sizeof apart.rest);
    assert_int_equal(moirai_spawn(x, &task, hit, &apart, sizeof apart), MOIRAI_OK);
    assert_int_equal(moirai_join(&task, &result), MOIRAI_OK);
    assert_memory_equal(&result, &apart, sizeof apart);
    assert_int_equal(moirai_spawn(x, &task, hit, &apart, sizeof apart), MOIRAI_OK);
    assert_int_equal(moirai_cancel(&task), MOIRAI_OK);
    assert_int_equal(moirai_join(&task, NULL), MOIRAI_ECANCELED);
    moirai_task_attr_init(&attr);
    assert_int_equal(moirai_task_attr_set_priority(&attr, MOIRAI_PRIORITY_HIGH), MOIRAI_OK);
    assert_int_equal(moirai_spawn_with(x, &task, &attr, hit, &apart, sizeof apart), MOIRAI_OK);
    assert_int_equal(moirai_then(&task, &next, after, &apart, sizeof apart), MOIRAI_OK);
    assert_int_equal(moirai_join(&next, &result), MOIRAI_OK);
    assert_memory_equal(&result, &apart, sizeof apart);
    assert_int_equal(moirai_group_open(&g, x, 0), MOIRAI_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(moirai_group_spawn(g, NULL, hit, &apart, sizeof apart), MOIRAI_OK);
    assert_int_equal(moirai_group_close(g), MOIRAI_OK);
    SET(&round->done, true);
}

static void test_large_payloads_go(void **unused)
{
    static const moirai_plugin_t plugin = {.before_spawn = nothing};
    for (int watched = 0; watched < 2; watched++) {
        moirai_executor_attr_t attr = attr_of(1);
        if (watched)
            assert_int_equal(moirai_executor_attr_add_plugin(&attr, &plugin), MOIRAI_OK);
        moirai_executor_t *x = made_of(&attr);
        hits = 0;
        /* Between two rounds the worker comes by the entries of what was cancelled, or begun by who joined it. */
        for (int i = 0; i < 310; i++) {
            SET(&no_memory, i >= 10);
            struct round round = {x, false}, *at = &round;
            assert_int_equal(moirai_spawn(x, NULL, one_of_each, &at, sizeof at), MOIRAI_OK); /* not run by us */
            AWAIT(GET(&round.done));
        }
        SET(&no_memory, false);
        assert_int_equal(hits, 310 * 6);
        end(x);
    }
}

/* ---- Executors, with whatever there is to them. */
static void test_no_memory_for_executors(void **unused)
{
    static const moirai_plugin_t plugin = {.before_spawn = nothing};
    moirai_executor_attr_t attr;
    moirai_executor_t *x[64];
    unsigned n = 0;
    int status = MOIRAI_OK;
    long one = 1;
    moirai_executor_attr_init(&attr);
    moirai_executor_attr_set_workers(&attr, 1);
    moirai_executor_attr_add_plugin(&attr, &plugin);
    moirai_executor_attr_set_retention(&attr, MOIRAI_FOREVER, 1000000, 0);
    SET(&no_memory, true);
    while (n < 64 && (status = moirai_executor_new(&x[n], &attr)) == MOIRAI_OK)
        n++;
    SET(&no_memory, false);
    assert_int_equal(status, MOIRAI_ENOMEM);
    while (n-- > 0)
        end(x[n]);
    /* A registry takes memory for each task: without any there is no task. */
    long taken = 0;
    moirai_executor_t *y;
    struct gate gate = {0}, *at = &gate;
    hits = 0;
    assert_int_equal(moirai_executor_new(&y, &attr), MOIRAI_OK);
    assert_int_equal(moirai_spawn(y, NULL, wait_at, &at, sizeof at), MOIRAI_OK);
    AWAIT(GET(&gate.in));
    SET(&no_memory, true);
    while ((status = moirai_spawn(y, NULL, hit, &one, sizeof one)) == MOIRAI_OK)
        taken++;
    SET(&no_memory, false);
    SET(&gate.go, true);
    assert_int_equal(status, MOIRAI_ENOMEM);
    end(y);
    assert_int_equal(hits, taken);
}

static void nothing_at_all(void *arg)
{
}

/* A size of stacks that nobody has had yet has none ready. */
static void fibers_need_stacks(void **state)
{
    moirai_executor_t *x = made(1);
    moirai_task_t task;
    moirai_fiber_attr_t attr;
    moirai_fiber_attr_init(&attr);
    assert_int_equal(moirai_fiber_attr_set_stack_bytes(&attr, 256 * 1024), MOIRAI_OK);
    SET(&no_memory, true);
    int status = moirai_fiber_spawn(x, &task, &attr, nothing_at_all, NULL);
    SET(&no_memory, false);
    assert_int_equal(status, MOIRAI_ENOMEM);
    assert_int_equal(moirai_fiber_spawn(x, &task, &attr, nothing_at_all, NULL), MOIRAI_OK);
    assert_int_equal(moirai_join(&task, NULL), MOIRAI_OK);
    end(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {

        cmocka_unit_test(test_no_threads),        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_large_payloads_go), cmocka_unit_test(test_no_memory_for_executors),
        cmocka_unit_test(fibers_need_stacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
